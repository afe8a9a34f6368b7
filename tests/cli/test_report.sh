#!/bin/sh
# vigil report as a person or a script reads it: its text on terminals and into pipes, its JSON, what it refuses.
# $VIGIL is the program. Its last line is "N passed, N failed".
# shellcheck disable=SC2016 # patterns and commands are in single quotes
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

unset LC_ALL LC_CTYPE LANG
export VIGIL_DB="$work/v.db" TZ=UTC TERM=xterm

# says PATTERN...: each is in out
says() {
    for pattern; do holds "it says '$pattern'" grep -q -e "$pattern" out; done
}

# run STATUS ARGUMENTS...: leaves out and err
run() {
    expected=$1
    shift
    "$vigil" report "$@" >out 2>err </dev/null
    status=$?
    holds "vigil report $*: $status" [ $status -eq "$expected" ]
}

# bad STATUS WORDS ARGUMENTS...: that status, nothing on standard output, one line that has the words
bad() {
    run "$1" "$3" ${4+"$4"} ${5+"$5"} ${6+"$6"}
    holds "$3 ${4-}: one line on standard error" [ "$(wc -l <err)" -eq 1 ]
    holds "$3 ${4-}: nothing on standard output" [ ! -s out ]
    holds "$3 ${4-}: says '$2'" grep -qF -e "$2" err
}

# on_terminal COLUMNS ROWS COMMAND: leaves out, without the terminal's carriage returns
on_terminal() {
    script -qec "stty cols $1 rows $2; $3" /dev/null </dev/null 2>err | tr -d '\r' >out
}

# The widest line has so many characters, escape sequences not counted.
widest() {
    sed 's/\x1b\[[0-9;]*m//g' out | LC_ALL=C.UTF-8 wc -L
}

sql() {
    sqlite3 -bail -init /dev/null v.db "$@" >sql.out 2>&1 || not_ok "sqlite3: $(head -c 300 sql.out)"
}

# task ID FROM TO OUTCOME DESCRIPTION: one attempt, times as in the database
task() {
    sql "INSERT INTO importing VALUES ($1, $1);
INSERT INTO tasks (id, status, prompt, description, attempts, result, error, error_kind, created_at, started_at, completed_at)
VALUES ($1, '$4', 'prompt', $5, 1, iif('$4' = 'completed', 'answer', NULL),
    iif('$4' = 'failed', 'it ran longer than its timeout (2h)' || char(10) || 'a second line', NULL),
    iif('$4' = 'failed', 'timeout', NULL), '2026-01-31T19:00:00.000Z', '$2', '$3');
INSERT INTO attempts (task_id, number, nonce, sealed, started_at, ended_at, outcome, tokens_input, tokens_output, cost, resumes)
VALUES ($1, 1, 'n', 1, '$2', '$3', '$4', 1234567, 81000, 1.25, $1 = 2);
DELETE FROM importing;"
}

# ---- an empty night ------------------------------------------------------------------------------

bad 5 v.db --json
"$vigil" add x >/dev/null
sql "DELETE FROM tasks"
run 0
says '12h$' '^nothing was under way$'
holds 'and nothing else' [ "$(wc -l <out)" -eq 2 ]
run 0 --json
json 'an empty night' 'j.total.tasks + " " + j.tasks.length + " " + j.attempts.length' '0 0 0'

# ---- a night -------------------------------------------------------------------------------------

night='--since 2026-01-31T20:00:00Z --until 2026-02-01T08:00:00Z'
task 1 2026-01-31T21:00:00.000Z 2026-01-31T23:00:00.000Z completed "'upgrade the dependencies'"
task 2 2026-01-31T21:30:00.000Z 2026-01-31T23:30:00.000Z failed "'port the installer to another machine, and all that belongs to it, wherever it may be'"
task 3 2026-02-01T00:00:00.000Z 2026-02-01T01:30:00.000Z completed "'überprüfe die Übersetzung'"
task 4 2026-02-01T02:00:00.000Z 2026-02-01T02:00:01.000Z cancelled "'tidy' || char(27) || '[2Jup' || char(8238) || 'x'"
"$vigil" add -d 'what comes after' --after 2 x >/dev/null
"$vigil" add -d 'a held one' --hold x >/dev/null
"$vigil" add -d 'one more' x >/dev/null

# shellcheck disable=SC2086 # options
run 0 $night
says '^2026-01-31 20:00 to 2026-02-01 08:00, 12h$' '^4 tasks: 2 completed, 1 failed, 1 cancelled$' \
    '^4 attempts, resumed 1 time; 5h 30m of work; tokens 4.9M in, 324k out; \$5.00$' \
    '^ *2  timeout  *port the .*: it ran longer than its ' \
    '1 queued behind task 2, which failed: port.*  vigil retry 2$' 'task 6 is held: a held one  *vigil release 6$' \
    'no runner is alive; 2 queued, 0 at work  *vigil run$' '^ *1  *2h  completed  upgrade the dependencies$' \
    '^ *4  *1s  cancelled  tidy^\[\[2Jup<U+202E>x$' '|21:00 *|22:00 *|23:00 *|00:00 *|01:00' '= completed  - cancelled  x failed'
says '^        vigil retry 2 --timeout DUR gives it longer (0: no limit)$'
holds 'a second line of an error is not there' sh -c '! grep -q "second line" out'
holds 'nothing on standard error' [ ! -s err ]
holds 'a pipe without a locale has ASCII alone' sh -c '! LC_ALL=C grep -q "[^ -~]" out'
holds 'two rows of bars, and their ids' [ "$(grep -cE '^ +(1=+|2x+)' out)" -eq 2 ]
holds 'and nothing is cut' grep -qx ' *2  timeout  *port the installer to another machine, and all that belongs to it, wherever it may be: it ran longer than its timeout (2h)' out
holds 'the timeline is as wide as on a terminal' [ "$(grep -c '^  |21:00.\{0,73\}$' out)" -eq 1 ]
# shellcheck disable=SC2086
COLUMNS=80 run 0 $night
holds "80 columns: $(widest)" [ "$(widest)" -eq 80 ]
holds "one screen: $(wc -l <out)" [ "$(wc -l <out)" -le 25 ]

"$vigil" add --db empty.db --hold -d '' 'what it is to do' >/dev/null
is 'nor is it a title' 'what it is to do' "$("$vigil" sql --db empty.db 'SELECT title FROM queue')"
run 0 --db empty.db
holds 'an empty description says nothing: the prompt does' grep -q 'is held: what it is to do  *vigil release 1$' out

# What was needed, and is gone.
gone=$("$vigil" add --db gone.db x)
behind=$("$vigil" add --db gone.db --after "$gone" x)
"$vigil" cancel --db gone.db --all 2>/dev/null
sqlite3 gone.db "DELETE FROM tasks WHERE id = $gone"
"$vigil" retry --db gone.db "$behind" 2>/dev/null
run 0 --db gone.db
says "1 queued behind task $gone, which was deleted  *vigil sql 'SELECT \\* FROM queue'\$"
run 0 --db gone.db --html -
says "1 queued behind task $gone, which was deleted<bdi></bdi> <code>vigil sql &#39;SELECT \\* FROM queue&#39;</code>"

# What is short leaves its room to what is not; a command is whole, wherever it has to go on.
"$vigil" add --db short.db -d short x >/dev/null
sqlite3 short.db "INSERT INTO importing VALUES (7, 7);
INSERT INTO tasks (id, status, prompt, description, error, error_kind, created_at, completed_at)
VALUES (7, 'failed', 'x', 'short', '$(printf '%0100d' 0)', 'agent', '2026-01-31T21:00:00.000Z', '2026-01-31T22:00:00.000Z');
INSERT INTO attempts (task_id, number, nonce, sealed, started_at, ended_at, outcome)
VALUES (7, 1, 'n', 1, '2026-01-31T21:00:00.000Z', '2026-01-31T22:00:00.000Z', 'failed');
DELETE FROM importing;"
# shellcheck disable=SC2086
COLUMNS=80 run 0 --db short.db $night
holds "the error has the rest of its line: $(grep -c '^' out)" grep -qx ' *7  agent        short: 0*\.\.\.' out
is 'and all of it' 80 "$(grep 'short: 0' out | tr -d '\n' | wc -c)"
is 'the next step is whole' 'vigil retry 7 tries again, --model PROVIDER/MODEL with another model; vigil follow 7 shows how far it came' \
    "$(sed -n '/vigil retry 7/,/it came$/p' out | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
holds "80 columns: $(widest)" [ "$(widest)" -le 80 ]

# ---- widths, locales, colours --------------------------------------------------------------------

report="'$vigil' report $night"
for columns in 40 60 80 132; do
    LC_ALL=C.UTF-8 on_terminal $columns 50 "$report"
    holds "$columns columns: $(widest)" [ "$(widest)" -eq $columns ]
    LC_ALL=C on_terminal $columns 50 "$report"
    holds "$columns columns in ASCII: $(widest)" [ "$(widest)" -eq $columns ]
done
LC_ALL=C.UTF-8 on_terminal 80 50 "$report"
says '█' '╷22:00' 'überprüfe' '…' 'tidy^\[\[2Jup' "$(printf '\033')\[31m1 failed"
holds 'no escape sequence of a text' sh -c '! grep -qF "$(printf "\033[2J")" out'
LC_ALL=C on_terminal 80 50 "$report"
says '|22:00' '?berpr?fe die ?bersetzung' '\.\.\.'
holds 'a terminal without UTF-8 has ASCII alone' sh -c '! tr -d "\033" <out | LC_ALL=C grep -q "[^ -~]"'
NO_COLOR=1 LC_ALL=C.UTF-8 on_terminal 80 50 "$report"
holds 'no colours under NO_COLOR' sh -c '! grep -q "$(printf "\033")" out'
says '█' '▒' '░'
LC_ALL=C on_terminal 80 50 "COLUMNS=100 $report"
holds "COLUMNS: $(widest)" [ "$(widest)" -eq 100 ]

LC_ALL=C on_terminal 80 50 "COLUMNS=99999999999 $report"
holds "COLUMNS beyond reason: $(widest)" [ "$(widest)" -eq 1000 ]

# The clock is set from 2:00 to 3:00, and from 3:00 to 2:00.
TZ=CET-1CEST,M3.5.0,M10.5.0/3
task 20 2026-03-28T20:00:00.000Z 2026-03-29T05:00:00.000Z completed "'spring'"
task 21 2026-10-24T20:00:00.000Z 2026-10-25T06:00:00.000Z completed "'autumn'"
run 0 --since '2026-03-28 20:00' --until '2026-03-29 08:00'
says '|22:00 *|00:00 *|04:00 *|06:00$' 08:00,\ 11h$
run 0 --since '2026-10-24 20:00' --until '2026-10-25 08:00'
says '|22:00 *|00:00 *|02:00 *|04:00 *|06:00$' 08:00,\ 13h$
TZ=UTC

# ---- JSON ----------------------------------------------------------------------------------------

"$vigil" pause 2>/dev/null
# shellcheck disable=SC2086
run 0 --json $night
json 'totals' '[j.total.tasks, j.total.failed, j.total.cost, j.total.work_ms, j.total.blocked].join()' '4,1,5,19801000,1'
json 'rows' '[j.tasks[1].error_kind, j.attempts.length, j.held[0].id, j.blocked[0].tasks].join()' 'timeout,4,6,5'
json 'what to do about a failure' 'j.tasks.map((t) => String(t.next)).join(";")' \
    'null;vigil retry 2 --timeout DUR gives it longer (0: no limit);null;null'
json 'a paused queue' 'Date.parse(j.total.paused_at) > 0' true
holds 'it is one line, and nothing is said besides' [ "$(wc -l <out)-$(wc -c <err)" = 1-0 ]
# shellcheck disable=SC2086
run 0 $night
says 'the queue is paused since .*, with 2 queued  *vigil resume$'
"$vigil" resume 2>/dev/null

# ---- what is refused -----------------------------------------------------------------------------

bad 2 "'soon'" --since soon
bad 2 "'5 min'" --until '5 min'
bad 2 "that is no time at all" --since 2026-02-01 --until 2026-01-31
bad 2 "'tomorrow 06:00'" --since 'tomorrow 06:00'
bad 2 "'x' is too much" x
bad 2 '--html and --json' --html x.html --json
bad 2 "--html ''" --html ''

# ---- the page ------------------------------------------------------------------------------------

umask 022
# shellcheck disable=SC2086
run 0 $night --html page.html
is 'nothing is said' 0 "$(cat out err | wc -c)"
holds 'it is ours alone' [ "$(stat -c %a page.html)" = 600 ]
holds 'it is whole' [ "$(tail -n 1 page.html)" = '</html>' ]
holds 'it says what to do about a failure' grep -q '<bdi class="why">it ran longer.*<span class="next">Next: vigil retry 2 --timeout' page.html
holds 'it has the texts' grep -q 'überprüfe die Übersetzung' page.html
# shellcheck disable=SC2086
run 0 $night --html -
holds 'the same on standard output' cmp -s out page.html
echo old >page.html
ln -s page.html link.html
# shellcheck disable=SC2086
run 0 $night --html link.html
holds 'an old one is replaced, behind a link too' [ -L link.html ]
is 'as a whole' '</html>' "$(tail -n 1 page.html)"
# beside PAGE: what a page that is being written has there
beside() {
    find . -maxdepth 1 -name "$1.part*" | wc -l
}
sqlite3 v.db ".backup two.db"
mkfifo begin
pids=
for i in 1 2 3 4; do
    # shellcheck disable=SC2086
    { read -r _ <begin; exec "$vigil" report --db two.db $night --html two.html 2>two.err.$i; } &
    pids="$pids $!"
done
exec 3>begin
printf '\n\n\n\n' >&3
all=0
for pid in $pids; do
    wait "$pid" || all=$?
done
exec 3>&-
is 'several at once, none in the way of another' '0 </html> 0' "$all $(tail -n 1 two.html) $(cat two.err.* | wc -c)"
is 'nothing is left beside it' 0 "$(beside two.html)"
mkdir folder
bad 2 "--html 'folder': that is no file" --html folder
bad 2 "--html '/dev/null': that is no file" --html /dev/null
ln -s v.db other.db
bad 2 "--html 'v.db': that is the database's" --html v.db
bad 2 "--html 'other.db': that is the database's" --html other.db
holds 'which is as it was' "$vigil" list >/dev/null
bad 5 'nowhere/page.html cannot be written: No such file' --html nowhere/page.html
echo old >page.html
bad 2 "'soon'" --since soon --html page.html
is 'what is refused changes nothing' old "$(cat page.html)"
is 'and leaves nothing beside it' 0 "$(beside page.html)"
"$vigil" report --html - >/dev/full 2>err
holds 'standard output that is full is said' [ "$?-$(grep -c 'No space left' err)" = 5-1 ]
sqlite3 v.db ".backup large.db"
sqlite3 large.db "INSERT INTO importing VALUES (1, 1); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
INSERT INTO messages (task_id, attempt_id, message_id, role, text) SELECT 1, 1, i, 'assistant', printf('%016000d', i) FROM n;
DELETE FROM importing;"
# shellcheck disable=SC2086
run 0 $night --db large.db --html -
is_left_out=$(grep -A 1 '^</ol></details>$' out | grep -c 'What is left .*<code>vigil follow 1</code> the transcript')
holds 'a page that becomes too large says what it leaves out, behind the transcript' [ "$is_left_out" = 1 ]
holds 'and has every task, and its end' [ "$(grep -c '^<details class="task"' out)-$(tail -n 1 out)" = '4-</html>' ]
holds 'its size has a limit' [ "$(wc -c <out)" -lt 26000000 ]
printf 'a long one %06000d' 0 >long
seq 8 | while read -r _; do "$vigil" add --hold - <long >/dev/null; done
"$vigil" cancel --all 2>/dev/null
(
    ulimit -f 80 # blocks of 512 bytes: more than SQLite needs to read, less than the page has
    trap '' XFSZ
    "$vigil" report --html page.html >out 2>err
)
holds 'a page that does not fit' [ "$?-$(cat page.html)-$(grep -c 'page.html cannot be written: File too large' err)" = 5-old-1 ]
is 'and leaves nothing' 0 "$(beside page.html)"

# ---- what was refused -----------------------------------------------------------------------------

sqlite3 v.db ".backup refused.db"
sqlite3 refused.db "INSERT INTO importing VALUES (1, 1), (3, 3);
INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request, reply, replied_at, replied_by)
SELECT task_id, id, 's', 'per_' || id, 'permission', started_at, 'external_directory /etc/<b>', 'reject', started_at, 'vigil'
    FROM attempts WHERE task_id IN (1, 3)
UNION ALL SELECT task_id, id, 's', 'que_' || id, 'question', started_at, 'Which one?', 'reject', started_at, 'person'
    FROM attempts WHERE task_id = 3;
DELETE FROM importing;"
# shellcheck disable=SC2086
run 0 $night --db refused.db
says ' 3 asks refused$' 'task 1 was refused (permission): external_directory /etc/<b>  *vigil show 1$' \
    'task 3 was refused more than once (permission): external_.*  *vigil show 3$'
# shellcheck disable=SC2086
run 0 $night --db refused.db --json
json 'what was refused' 'j.refused.map((a) => [a.task_id, a.kind, a.replied_by, a.request].join()).join(";") + j.total.refused' \
    '1,permission,vigil,external_directory /etc/<b>;3,permission,vigil,external_directory /etc/<b>;3,question,person,Which one?3'
# shellcheck disable=SC2086
run 0 $night --db refused.db --html -
says '<dt>asks refused</dt><dd>3</dd>' \
    'Task 3</a> was refused more than once (permission): <bdi>external_directory /etc/&lt;b&gt;</bdi> <code>vigil show 3</code>'
is 'each task has its own' '1 3 3' "$(awk '/<details class="task"/ { match($0, /task-[0-9]+/); id = substr($0, RSTART + 5, RLENGTH - 5) } /<td><bdi>reject|<td><bdi>(vigil|person)<.bdi>/ { printf "%s%s", n++ ? " " : "", id }' out)"

# ---- what is at work -----------------------------------------------------------------------------

live=$("$vigil" add -d 'a live one' x)
sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, 'b', 'v', '/');
INSERT INTO attempts (task_id, number, nonce, runner_id, session_id, message_id, part_id, started_at)
    SELECT $live, 1, 'n', max(id), 'ses_1', 'm', 'p', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours') FROM runners;
UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at WHERE id = $live;
INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
    SELECT $live, max(id), 'ses_1', 'per_1', 'permission', 'bash: rm -rf build' FROM attempts;"
run 0
says '1 at work' "^  *$live  *3h  starting   a live one" ">>>>" '> at work' "task $live asks (permission): bash: rm -rf build  *vigil answer 1 REPLY$" \
    'no runner is alive; 0 queued, 1 at work'
run 0 --html -
says 'class="live"' ', at work: ' '<code>vigil answer 1 REPLY</code>'

total
