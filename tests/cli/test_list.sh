#!/bin/sh
# vigil list and show: columns, order, what fits a terminal, what is safe on one, and what a person is told about
# a task. Its last line is "N passed, N failed".
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

export TERM=xterm

# on COLUMNS LOCALE ARGUMENTS...: what a terminal of that width is sent, in out
on() {
    columns=$1
    locale=$2
    shift 2
    words=$(printf " '%s'" "$@")
    COLUMNS=$columns LC_ALL=$locale script -qec "'$vigil'$words" /dev/null </dev/null 2>err | tr -d '\r' >out
}

# Of the longest line in out, by the columns that a terminal takes for it.
width() {
    LC_ALL=C.UTF-8 wc -L <out
}

# outside SET: how many bytes of out are not in it
outside() {
    LC_ALL=C tr -d "$1" <out | wc -c
}

# began ID: what a runner would have written when it took the task up, as its next attempt
began() {
    sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
        INSERT INTO attempts (task_id, number, nonce, runner_id, started_at)
        SELECT id, attempts + 1, 'n', (SELECT max(id) FROM runners), created_at FROM tasks WHERE id = $1;
        UPDATE runners SET ended_at = started_at, ending = 'stopped';
        UPDATE tasks SET status = 'starting', attempts = attempts + 1, wake_at = created_at, started_at = created_at
        WHERE id = $1;"
}

# attempt_ended ID SECONDS OUTCOME RESUMES
attempt_ended() {
    sql "UPDATE attempts SET sealed = 1, outcome = '$3', resumes = $4,
        ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+$2 seconds') WHERE task_id = $1 AND ended_at IS NULL"
}

# failed_by ID SECONDS KIND ERROR
failed_by() {
    began "$1"
    attempt_ended "$1" "$2" failed 0
    sql "UPDATE tasks SET status = 'failed', error_kind = '$3', error = '$4' WHERE id = $1"
}

# completed_in ID SECONDS RESULT
completed_in() {
    began "$1"
    attempt_ended "$1" "$2" completed 0
    sql "UPDATE tasks SET status = 'completed', result = '$3' WHERE id = $1"
}

add() {
    "$vigil" add "$@"
}

# ---- an evening ----------------------------------------------------------------------------------

long='Fix the flaky test in tests/net, run it fifty times, and say which of them failed, and why'
add "$long" >/dev/null
add 'upgrade' -a oracle -d 'upgrade what it depends on, and test' >/dev/null
add 'third' --after 1 >/dev/null
add 'fourth' --hold -d "$(printf '\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227\346\274\242\345\255\227')" >/dev/null
add 'fifth' -a builder -d "$(printf 'evil \033]0;title\007 \302\233 \342\200\256txet \327\251\327\234\327\225\327\235 e\314\201\314\201\314\201\314\201\314\201\314\201 \360\237\230\200')" >/dev/null
failed_by 1 754 timeout 'it ran longer than its timeout'
completed_in 2 32 'all of it'
began 5
sql "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
    SELECT 5, max(id), 's', 'per_1', 'permission', 'bash: rm -rf build' FROM attempts"

# ---- columns -------------------------------------------------------------------------------------

run 0 list --json
json 'all columns' 'j.map((t) => t.id).join() + " " + j[4].took + " " + j[3].result' '5,4,3,2,1 754 all of it'
is 'they are those of the table, and the computed ones' \
    "$(sql "SELECT name FROM pragma_table_info('tasks') UNION SELECT value FROM json_each(
        '[\"after\",\"task\",\"reason\",\"next\",\"took\",\"waited\",\"resumes\",\"tokens_input\",\"tokens_output\",\"cost\"]')
        ORDER BY 1" | tr '\n' ' ')" \
    "$(node -e 'for (const k of Object.keys(JSON.parse(require("fs").readFileSync("out"))[0]).sort()) console.log(k)' | tr '\n' ' ')"
run 0 list --columns status,id,took,agent
is 'these, in this order' "$(printf 'status\tid\ttook\tagent')" "$(head -1 out)"
is 'a row of them' "$(printf 'failed\t1\t12m 34s\t')" "$(sed -n '/	1	/p' out)"
run 0 list --columns took,id --json --status completed
is 'and no other in JSON' '[{"took":32,"id":2}]' "$(cat out)"
bad 2 "'bogus' is not a column; there are id, status, prompt," list --columns id,bogus
bad 2 "'reson' is not a column (did you mean 'reason'?)" list --columns reson --json
bad 2 "'' is not a column" list --columns ''
bad 2 "'' is not a column" list --columns id,
bad 2 "the column 'id' is named twice" list --columns id,status,id

# ---- why -----------------------------------------------------------------------------------------

reason() { # ID EXPECTED
    run 0 list --columns id,reason --json
    json 'the reason' "j.find((t) => t.id === $1).reason" "$2"
}
reason 1 'timeout: it ran longer than its timeout'
reason 2 null
reason 3 'comes after task 1, which failed: vigil retry 1, or vigil cancel 3'
reason 4 'held until vigil release 4'
reason 5 'waits for a person: bash: rm -rf build (vigil answer 1 REPLY)'
run 0 answer 1 once
reason 5 'no runner is alive: start vigil run'
run 0 list --columns id,next
sed -n '2,5p' out >next.out
holds 'or lets it go on' sh -c 'printf "5\tvigil run\n4\tvigil release 4\n3\tvigil retry 1, or vigil cancel 3\n2\t\n" | cmp -s - next.out'
is 'what to do next' "$(printf '1\tvigil retry 1 --timeout DUR gives it longer (0: no limit)')" "$(grep '^1' out)"

# next ID EXPECTED: of a database of its own
next() {
    is "next of $1" "$2" "$("$vigil" list --db next.db --columns id,next | sed -n "s/^$1\t//p")"
}
add --db next.db --hold 'held' >/dev/null
add --db next.db --after 1 'behind it' >/dev/null
add --db next.db --after 2 'behind that one' >/dev/null
add --db next.db --at '2100-01-01' 'later' >/dev/null
add --db next.db 'ready' >/dev/null
next 1 'vigil release 1'
next 2 'vigil release 1'
next 3 'vigil show 2 says what that one waits for'
next 4 ''
next 5 'vigil run'
run 0 show 2 --db next.db
is 'show says what its headline does not' 'Next: vigil release 1' "$(sed -n 2p out)"
run 0 show 1 --db next.db
is 'and nothing twice' 0 "$(grep -c Next out)"
"$vigil" pause --db next.db 2>/dev/null
next 5 'vigil resume'
"$vigil" cancel --db next.db 1 2>/dev/null
next 1 ''
next 2 'vigil retry 1, or vigil cancel 2'

# ---- order ---------------------------------------------------------------------------------------

ids() { # EXPECTED ARGUMENTS...
    wanted=$1
    shift
    run 0 list --columns id "$@"
    is "vigil list $*" "$wanted" "$(sed 1d out | tr '\n' ' ' | sed 's/ $//')"
}
ids '5 4 3 2 1'
ids '1 2 3 4 5' --sort id
ids '1 2 5 4 3' --sort -took --status failed,completed,held,queued,starting
ids '5 2 4 3 1' --sort agent
ids '2 5 4 3 1' --sort -agent
ids '5 2' --sort agent --limit 2
ids '4 3 5 2 1' --sort attempts,-id
ids '2 1' --status completed,failed
ids '4' --status held --limit 1
ids '3' --status queued --grep THIRD
ids '' --status stopping
ids '2 1' --since 2001-01-01 --status failed,completed
ids '' --since 'tomorrow 06:00'
bad 2 "'wheight' is not a column" list --sort wheight
bad 2 "'-' is not a column" list --sort=--
bad 2 "--limit '0' is not a whole number from 1, nor 'all'" list --limit 0
bad 2 "--limit 'many'" list --limit many
cp -r state copied
sqlite3 copied/vigil/vigil.db 'DROP TRIGGER tasks_created;
    UPDATE tasks SET created_at = '"'2020-01-01T00:00:00.000Z'"' WHERE id IN (2, 4, 5)'
ids '3 1' --since 2024-01-01 --db copied/vigil/vigil.db
ids '3' --since 2024-01-01 --status queued,held --db copied/vigil/vigil.db

# ---- how many ------------------------------------------------------------------------------------

i=0
while [ $i -lt 1001 ]; do
    echo "{\"prompt\": \"task $i\"}"
    i=$((i + 1))
done >many.jsonl
run 0 add --file many.jsonl --db many.db
run 0 list --db many.db
is 'a pipe is given a thousand' 1001 "$(wc -l <out)"
holds 'which is said' grep -q '^vigil: these are the first 1000; there are more: --limit N, --limit all$' err
run 0 list --db many.db --limit all
is 'or all' '1002 ' "$(wc -l <out) $(cat err)"
run 0 list --db many.db --limit 1001
is 'as many as there are' '1002 ' "$(wc -l <out) $(cat err)"
run 0 list --db many.db --json --columns id
json 'a program is given all' 'j.length' 1001
on 80 C.UTF-8 list --db many.db
is 'a person a hundred' 102 "$(wc -l <out)" # and the sentence

# ---- a terminal ----------------------------------------------------------------------------------

for columns in 60 80 100 200; do
    NO_COLOR=1 on "$columns" C.UTF-8 list
    is 'a row is a line' 6 "$(wc -l <out)"
    holds "it fits into $columns columns" [ "$(width)" -le "$columns" ]
done
NO_COLOR=1 on 80 C.UTF-8 list
is 'the columns that there is room for' 'id status created_at took task reason' "$(head -1 out | tr -s ' ')"
holds 'what is cut ends so' grep -q 'Fix the flaky test .*…  timeout: .*…$' out
holds 'a row has the room of what it lacks' grep -q '^ 2  completed  .*  upgrade what it depends on, and test$' out
holds 'how long ago' grep -q '^ 1  failed     \([0-9]*[sm] ago\|now\) ' out
is 'nothing acts on it' 0 "$(outside '\012\040-\176\200-\377')"
is 'nor turns the direction, or begins a sequence of the second kind' 0 \
    "$(grep -c "$(printf '\342\200\256\|\302\233')" out)"
holds 'marks are not heaped' [ "$(tr -cd '\314' <out | wc -c)" -le 4 ]
NO_COLOR=1 on 240 C.UTF-8 list
is 'and in more room' 'id status created_at took agent task reason' "$(head -1 out | tr -s ' ')"
holds 'nothing is cut' grep -qF "$long  timeout: it ran longer than its timeout" out
NO_COLOR=1 on 200 C.UTF-8 list --status held
is 'columns that nothing is in are left out' 'id status created_at task reason' "$(head -1 out | tr -s ' ')"
NO_COLOR=1 on 60 C.UTF-8 list --status completed
is 'their names take no room' 60 "$(width)"
NO_COLOR=1 on 80 C.UTF-8 list --status held --columns id,agent,took
is 'unless they are asked for' 'id agent took' "$(head -1 out | tr -s ' ')"
NO_COLOR=1 on 80 C list
is 'without UTF-8 all is ASCII' 0 "$(outside '\012\040-\176')"
holds 'and dots are dots' grep -q 'Fix the flaky .*\.\.\.' out
holds 'it fits all the same' [ "$(width)" -le 80 ]
on 80 C.UTF-8 list
holds 'colours on a terminal' grep -q "$(printf '\033\[31m')failed" out
TERM=dumb on 80 C.UTF-8 list
is 'not on one without' 0 "$(tr -cd '\033' <out | wc -c)"
NO_COLOR=1 on 80 C.UTF-8 list
is 'not where nobody wants them' 0 "$(tr -cd '\033' <out | wc -c)"
run 0 list
is 'not into a pipe' 0 "$(tr -cd '\033' <out | wc -c)"
holds 'where times are whole' grep -q '^1	failed	20[0-9-]* [0-9:]*	12m 34s		Fix' out
holds 'and nothing is cut' grep -qF "$long	timeout: it ran longer than its timeout" out
for what in 'show 5' 'show 4'; do
    # shellcheck disable=SC2086 # two words
    NO_COLOR=1 on 80 C.UTF-8 $what
    is "$what: nothing acts on the terminal" 0 "$(outside '\011\012\040-\176\200-\377')"
done
on 80 C show 4
is 'show without UTF-8' 0 "$(outside '\011\012\033\040-\176')"

# ---- show: what became of it ---------------------------------------------------------------------

run 0 show 1
is 'what became of it' 'Task 1 failed (timeout) after 12m 34s: it ran longer than its timeout' "$(head -1 out)"
is 'and what to do about it' 'Next: vigil retry 1 --timeout DUR gives it longer (0: no limit)' "$(sed -n 2p out)"
is 'then what it is' "$long" "$(sed -n 3p out)"
add --db live.db 'x' >/dev/null
sqlite3 live.db "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
    INSERT INTO attempts (task_id, number, nonce, runner_id, started_at, lost_ms, waiting_at)
    SELECT 1, 1, 'n', 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours'), 1800000, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hours');
    UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at WHERE id = 1"
run 0 list --db live.db --columns took
is 'a wait under way is no work' '1h 30m' "$(sed -n 2p out)"
run 0 show 1 --db live.db --json
json 'nor in show' '[j.took, j.attempts[0].took].join()' '5400,5400'
add --db long.db 'x' >/dev/null
"$vigil" cancel --db long.db 1 --reason "$(printf '%0400d' 7)" 2>/dev/null
run 0 show 1 --db long.db
is 'a pipe is given the whole of it' "$(printf 'Task 1 cancelled: %0400d' 7)" "$(head -1 out)"
is 'once' 0 "$(grep -c '^error$' out)"
NO_COLOR=1 on 80 C.UTF-8 show 1 --db long.db
holds 'a terminal its beginning, then the rest' [ "$(head -1 out | grep -c '00…$')-$(grep -c '0007$' out)" = 1-1 ]
run 0 show 2
is 'of one that completed' 'Task 2 completed after 32s' "$(head -1 out)"
run 0 show 2 --json
json 'show --json' '[j.took, j.reason, j.next, j.attempts.length].join()' '32,,,1'
run 0 show 3
is 'why it is not running' 'Task 3 queued: comes after task 1, which failed: vigil retry 1, or vigil cancel 3' "$(head -1 out)"
holds 'and how the last run ended' grep -q '^No runner is alive: the last run was stopped 20' out
sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/')"
run 0 show 3
is 'or that it crashed' 'No runner is alive: the last run crashed, or was killed.' "$(sed -n 2p out)"
sql "UPDATE runners SET ended_at = started_at, ending = 'the disk is full' WHERE ended_at IS NULL"
run 0 show 3
holds 'or why it gave up' grep -q '^No runner is alive: the last run ended 20.*: the disk is full$' out
sql "UPDATE runners SET ended_at = NULL WHERE id = (SELECT max(id) FROM runners)"
run 0 show 3
is 'not by a word alone, without a time' 'No runner is alive: the last run crashed, or was killed.' "$(sed -n 2p out)"
sql "UPDATE runners SET ended_at = started_at WHERE ended_at IS NULL"
run 0 show 4
is 'not of one that is held' 0 "$(grep -c 'last run' out)"
NO_COLOR=1 on 80 C.UTF-8 show 1
holds 'times, and how far away they are' grep -q '^  completed_at    20[0-9-]* [0-9:]* (.*ago\|now\|in .*)$' out
add --db old.db 'x' >/dev/null
sqlite3 old.db "BEGIN;
    INSERT INTO importing (task_id, old_id) VALUES (2, 2);
    INSERT INTO tasks (id, status, prompt, created_at, attempts, error, error_kind, started_at, completed_at)
    VALUES (2, 'failed', 'old', '2020-01-30T12:00:00.000Z', 1, 'the provider has no room for this', 'agent',
        '2020-01-30T12:00:00.000Z', '2020-01-30T13:30:00.000Z');
    INSERT INTO attempts (task_id, number, nonce, sealed, session_id, message_id, part_id, model, started_at,
        ended_at, outcome, error, error_kind, tokens_input, tokens_output, cost)
    VALUES (2, 1, 'n', 1, 'ses_df4d95987ffeuFIdNPrajLHO9R', 'm', 'p', 'anthropic/claude-sonnet', '2020-01-30T12:00:00.000Z',
        '2020-01-30T13:30:00.000Z', 'failed', 'the provider has no room for this', 'agent', 86000, 4300, 0.73);
    DELETE FROM importing;
    COMMIT"
NO_COLOR=1 on 80 C.UTF-8 show 2 --db old.db
is 'a date of long ago, once' 1 "$(sed -n 's/^  completed_at    //p' out | grep -o '2020-' | wc -l)"
holds 'an attempt in 80 columns has its date, and how its error begins' grep -q '^ *1  failed   2020-01-30  1h 30m  anthropic/…  86000+4300  0.73  the provid…' out
on 120 C.UTF-8 show 2 --db old.db
holds 'and its session where there is room' grep -q '1h 30m.*ses_df4d' out

for kind in agent empty timeout stalled interrupted rejected refused server limit lost; do
    id=$(add "$kind")
    failed_by "$id" 1 "$kind" 'the error'
    run 0 show "$id"
    holds "$kind: what to do" grep -q "^Next: .*vigil retry $id" out
    is "$kind: in the second line" 'Next:' "$(sed -n 2p out | cut -c 1-5)"
done

# did_without PROMPT WHO: a task that has completed without what WHO has refused it, as `id`
did_without() {
    id=$(add "$1")
    began "$id"
    sql "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
        SELECT task_id, id, 's', 'ask $id', 'permission', 'read: /etc/hostname' FROM attempts WHERE task_id = $id;
        UPDATE asks SET reply = 'reject', replied_at = asked_at, replied_by = '$2' WHERE task_id = $id"
    attempt_ended "$id" 10 completed 0
    sql "UPDATE tasks SET status = 'completed', result = 'done' WHERE id = $id"
}

did_without 'did without' vigil
run 0 show "$id"
is 'what it was refused can be allowed' "Next: set permissions.on_ask (on_question) to \"once\" or \"hold\" in the configuration, then vigil retry $id" "$(sed -n 2p out)"

# Where a person has refused it, no setting did.
did_without 'was told not to' person
run 0 show "$id"
is 'what a person refused is left at that' 0 "$(grep -c '^Next' out)"

# Two attempts of 10 and of 20 seconds, hours apart, the second asleep for a minute besides: it is what they have worked.
id=$(add 'twice' --attempts 3)
began "$id"
attempt_ended "$id" 10 failed 1
sql "UPDATE tasks SET status = 'queued' WHERE id = $id"
sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
    INSERT INTO attempts (task_id, number, nonce, runner_id, lost_ms, started_at)
    SELECT $id, 2, 'n', max(id), 60000, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+3 hours') FROM runners;
    UPDATE runners SET ended_at = started_at;
    UPDATE tasks SET status = 'starting', attempts = 2, wake_at = created_at WHERE id = $id;
    INSERT INTO panes (task_id, attempt_id, session_id, mark, wanted_at)
    SELECT task_id, id, 's', 'm', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-5 minutes') FROM attempts
    WHERE task_id = $id AND number = 2;
    UPDATE panes SET tmux_socket = '/tmp/tmux-0/default', tmux_server_pid = 1, tmux_server_start = 1, pane_id = '%7',
        pane_pid = 1, opened_at = wanted_at;
    UPDATE panes SET closed_at = wanted_at, close_reason = 'ended'"
attempt_ended "$id" 80 failed 1
sql "UPDATE tasks SET status = 'failed', error_kind = 'agent', error = '$(printf 'one\ntwo')' WHERE id = $id"
run 0 show "$id"
is 'the time of its attempts' "Task $id failed (agent) after 30s, 2 attempts, resumed twice: one two" "$(head -1 out)"
holds 'and of each' grep -q '^2	failed	20[0-9-]* [0-9:]*	20s	' out
is 'a long error is there as it is' 'two' "$(sed -n '/^error$/,/^prompt$/p' out | sed -n 3p)"
# Its pane, in 80 columns: nothing of what matters is cut.
NO_COLOR=1 on 80 C.UTF-8 show "$id"
holds 'its pane, whole' grep -qx '%7 *5m ago *5m ago *the task has ended */tmp/tmux-0/default' out
run 0 show "$id"
holds 'and in a pipe, by the clock' grep -q '^%7	20[0-9-]* [0-9:]*	20[0-9-]* [0-9:]*	the task has ended		/tmp/tmux-0/default$' out
run 0 retry "$id"
run 0 show "$id"
is 'queued again, it does not work' "Task $id queued, 2 attempts, resumed twice: no runner is alive" "$(head -1 out | cut -d : -f 1,2)"

# ---- retry of what has completed; a stray operand ---------------------------------------------------

run 0 retry 2
holds 'it is said' grep -q '^task 2: queued, though it had completed: ' err
run 0 cancel 2
run 0 retry 2 --json
json 'retry --json' 'JSON.stringify(j[0])' '{"id":2,"status":"queued","was":"cancelled"}'
bad 2 "'1' is too much (usage: vigil asks)" asks 1

# ---- JSON that no warning can break ----------------------------------------------------------------

run 0 pause
"$vigil" list --json >out 2>&1
json 'the queue is paused' 'j.find((t) => t.id === 2).reason.startsWith("the queue is paused since 20")' true
"$vigil" show 2 --json >out 2>&1
json 'show' 'j.reason.startsWith("the queue is paused since 20")' true
run 0 list --status queued --limit 1
holds 'the table says it' grep -q '^vigil: the queue is paused' err

total
