#!/bin/sh
# The commands, as a person or a script uses them, with no server: $VIGIL is the program. Its last
# line is "N passed, N failed".
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- before there is a database ------------------------------------------------------------------

bad 5 "$work/state/vigil/vigil.db" list
bad 5 vigil.db wait
bad 5 vigil.db cancel 1
holds 'reading makes no database' [ ! -e "$work/state" ]

# ---- words that are not understood ---------------------------------------------------------------

run 2
holds 'no command: help on standard error' grep -q '^usage: vigil' err
bad 2 "'ad' (did you mean 'add'?)" ad x
bad 2 "'--modle' of add (did you mean '--model'?)" add --modle a/b x
bad 2 "'--databse'" --databse x list
bad 2 "'-z'" add -z x
bad 2 "--model needs a value" add --model
bad 2 "--hold takes no value: '1'" add --hold=1 x
bad 2 "'two' is too much" add one two
bad 2 "needs ID" show
bad 2 "needs ID" cancel
bad 2 "'5' and --all" cancel --all 5
bad 2 "'7x'" show 7x
bad 2 "'-1'" result -- -1
bad 2 "'0'" result 0
bad 2 "'99999999999999999999'" show 99999999999999999999
bad 2 "'x'" wait 1 x
bad 2 "'5 min'" wait --timeout '5 min'
bad 2 "'bogus'" help bogus
bad 2 "'none'" run --server none
bad 2 "'http://'" run --server http://
bad 2 "'http://h/api' is not http://HOST[:PORT]" run --server http://h/api
bad 2 '(OPENCODE_SERVER_PASSWORD)' run --server http://me:secret@h
holds 'a password is not shown' sh -c '! grep -q secret err'
bad 2 "'xyz' (vigil help lists them)" xyz

# ---- tasks that cannot be ------------------------------------------------------------------------

printf ' \n\t' >blank
printf 'abc\377def' >latin
printf 'abc\000def' >nul
head -c 16777217 /dev/zero | tr '\0' x >large
printf '' >empty
input=blank bad 2 'white space' add
input=latin bad 2 'byte 3' add -
input=nul bad 2 'NUL at byte 3' add
input=large bad 2 '16 MB' add
input=empty bad 2 'prompt is empty' add
bad 2 'prompt is empty' add ''
bad 2 "'nowhere'" add -C nowhere x
bad 2 "'blank'" add -C blank x
bad 2 "'gpt'" add -m gpt x
bad 2 "'a/b,c/d'" add -m a/b,c/d x
bad 2 'not supported by this version' add -m a/b,c/d x
bad 2 "'101'" add --priority 101 x
bad 2 "'1.5'" add --priority 1.5 x
bad 2 "'0'" add --attempts 0 x
bad 2 "'101'" add --attempts 101 x
bad 2 "'later'" add --at later x
bad 2 "'5 min'" add --in '5 min' x
bad 2 "'8 hours'" add --timeout '8 hours' x
bad 2 'both given' add --at 22:00 --in 5m x
bad 2 "'session'" add --parent session x
bad 2 'agent is empty' add -a @ x
bad 2 'key is empty' add --key '' x
bad 2 '256 characters' add --key "$(printf '%256s' '' | tr ' ' k)" x
bad 2 '256 characters' add --mutex "$(printf '%256s' '' | tr ' ' k)" x
bad 2 "'1x'" add --after 1x x
bad 2 "--after '1,,2': '' is not a task's id" add --after 1,,2 x
bad 2 "--after '1,'" add --after 1, x
bad 2 "--after ''" add --after '' x
bad 2 "'ses_' is no session's id, like ses_" add --parent ses_ x
bad 2 "'ses_a b'" add --parent 'ses_a b' x
bad 3 'no task 99' add --after 99 x
bad 2 'nofile.jsonl' add --file nofile.jsonl
bad 2 "'x'" add --file nofile.jsonl x
is 'nothing of it was queued' 0 "$(count)"

# ---- add -----------------------------------------------------------------------------------------

mkdir -p here/below
ln -s below here/link
run 0 add --agent=@oracle -m p/m/n --variant high -d 'A description' -C here/link --priority -7 \
    --parent ses_1 --in 2h --key k --mutex m --attempts 3 --timeout 90s --hold -- '-a prompt'
is 'an id alone' 1 "$(cat out)"
is 'its columns' "held|-a prompt|A description|oracle|p/m/n|high|$work/here/below|ses_1|-7|k|m|90.0|3" \
    "$(sql 'SELECT status, prompt, description, agent, model, variant, directory, parent_session, priority, key,
        mutex, timeout_s, max_attempts FROM tasks' | sed "s|$(pwd -P)|$work|")"
run 0 add plain
is 'here' "$(pwd -P)" "$(sql 'SELECT directory FROM tasks WHERE id = 2')"
run 0 add again --key k
is 'the same key gives the same id' 1 "$(cat out)"
holds 'and says so' grep -q 'already' err
run 0 add again --key k --json
json 'add --json' 'j.length + " " + j[0].id + " " + j[0].existed' '1 1 true'
run 0 add --after 1,2 later --json
json 'add --json' 'j[0].id + " " + j[0].existed' '3 false'
is 'dependencies' '1 2' "$(sql 'SELECT needs_id FROM dependencies WHERE task_id = 3' | tr '\n' ' ' | sed 's/ $//')"
printf 'from a pipe\n' | "$vigil" add >out 2>err
is 'standard input' 'from a pipe' "$(sql "SELECT prompt FROM tasks WHERE id = $(cat out)")"
head -c 5000000 /dev/zero | tr '\0' x | "$vigil" add - >out 2>err
is 'a prompt of 5 MB' 5000000 "$(sql "SELECT length(prompt) FROM tasks WHERE id = $(cat out)")"
run 0 list --json
json 'the 5 MB come back' 'j[0].prompt.length' 5000000
is 'private files' '700 600' "$(stat -c %a state/vigil) $(stat -c %a state/vigil/vigil.db)"

# ---- add --file ----------------------------------------------------------------------------------

before=$(count)
cat >good.jsonl <<'END'
{"prompt": "one", "priority": 3, "timeout_s": 1.5, "not_before": "2030-01-01T00:00:00.000Z"}

{"prompt": "two\nlines", "agent": "@a", "in": "1h", "after": [1, 2], "hold": true, "timeout": "2m"}
{"prompt": "three", "directory": "here", "key": "same", "model": null}
{"prompt": "four", "key": "same"}
END
run 0 add --file good.jsonl --json --priority 1 --model x/y
json 'four lines' 'j.map(x => x.existed).join()' 'false,false,false,true'
is 'three tasks' 3 "$(($(count) - before))"
is 'a line and the defaults' 'queued|3|x/y|1.5|2030-01-01T00:00:00.000Z' \
    "$(sql "SELECT status, priority, model, timeout_s, not_before FROM tasks WHERE prompt = 'one'")"
is 'another' 'held|1|a|120.0' "$(sql "SELECT status, priority, agent, timeout_s FROM tasks WHERE prompt LIKE 'two%'")"
is 'null is nothing' "|$(pwd -P)/here" "$(sql "SELECT model, directory FROM tasks WHERE prompt = 'three'")"
before=$(count)
line() { # WORDS LINE
    printf '{"prompt": "fine"}\n\n%b\n' "$2" >bad.jsonl
    bad "${3:-2}" "bad.jsonl:3: $1" add --file bad.jsonl
}
line 'no JSON' '{"prompt": '
line 'a task is a JSON object' '[1]'
line "unknown key 'promt' (did you mean 'prompt'?)" '{"promt": "x"}'
line 'the prompt is empty' '{"agent": "a"}'
line 'prompt is 7' '{"prompt": 7}'
line 'priority is 101' '{"prompt": "x", "priority": 101}'
line 'priority is 1.5' '{"prompt": "x", "priority": 1.5}'
line 'max_attempts is 0' '{"prompt": "x", "max_attempts": 0}'
line 'timeout is 90' '{"prompt": "x", "timeout": 90}'
line 'timeout_s is -1' '{"prompt": "x", "timeout_s": -1}'
line 'hold is "yes"' '{"prompt": "x", "hold": "yes"}'
line 'after is "1"' '{"prompt": "x", "after": ["1"]}'
line 'there is no task 99' '{"prompt": "x", "after": [99]}' 3
line "'at 22:00' and 'in 5m'" '{"prompt": "x", "at": "22:00", "in": "5m"}'
line "the directory 'nowhere'" '{"prompt": "x", "directory": "nowhere"}'
line 'it is not UTF-8 at byte 12' '{"prompt": "\0377"}'
line '\u0000' '{"prompt": "a\\u0000b"}'
line '\ud800' '{"prompt": "a\\ud800b"}'
is 'nothing of a bad file is queued' "$before" "$(count)"
i=0
while [ $i -lt 1000 ]; do
    echo "{\"prompt\": \"task $i\", \"description\": \"bulk\"}"
    i=$((i + 1))
done >bulk.jsonl
run 0 add --file bulk.jsonl
is 'a thousand ids' 1000 "$(wc -l <out)"
is 'in order' "$(sort -n out | cksum)" "$(cksum <out)"
"$vigil" add --file - <good.jsonl >out 2>err
is 'a file from a pipe' 4 "$(wc -l <out)"

# ---- list, show ----------------------------------------------------------------------------------

run 0 list --limit 2
is 'a head line and two rows' 3 "$(wc -l <out)"
is 'tabs' 'id status created_at took agent task reason' "$(head -1 out | tr '\t' ' ')"
run 0 list --grep BULK --json --limit 3
json 'list --json' 'j.length + " " + (j[0].id > j[1].id) + " " + j[0].description + " " + j[0].agent' \
    '3 true bulk null'
run 0 list --grep 'no such text' --json
json 'nothing found' 'JSON.stringify(j)' '[]'
run 0 list --status held --json
json 'by status' 'j.every(t => t.status === "held") + " " + (j.length > 1)' 'true true'
run 0 list --since tomorrow\ 06:00 --json
bad 2 "'helt' is not a status (did you mean 'held'?)" list --status queued,helt
bad 2 "'soon'" list --since soon
bad 2 "'0'" list --limit 0
run 0 show 1
is 'what became of it comes first' 'Task 1 held: held until vigil release 1' "$(head -1 out)"
is 'and what it is' 'A description' "$(sed -n 2p out)"
run 0 show 3 --json
json 'show --json' '[j.id, j.reason, j.after, j.attempts.length, j.events[0].kind].join(" | ")' \
    '3 | comes after task 1, which is held | 1,2 | 0 | queued'
json 'show --json has asks' 'j.asks.length' 0
bad 3 'no task 98765' show 98765
run 0 add "$(printf 'evil \033]0;title\007 \302\233 text')" --key evil
run 0 list --limit 1
is 'control characters are not shown raw' 0 "$(LC_ALL=C tr -d '\040-\176\t\n' <out | wc -c)"
run 0 list --limit 1 --json
json 'but they are kept' 'j[0].prompt.charCodeAt(5) + " " + j[0].prompt.includes("\u009b")' '27 true'
run 0 add "$(printf 'hidden \342\200\256 \363\240\201\201')"
run 0 list --limit 1
holds 'what is not to be seen is shown' grep -qF '<U+202E> <U+E0041>' out
run 0 list --limit 1 --json
holds 'in JSON too' grep -qF '\u202e \udb40\udc41' out
json 'as what it is' 'j[0].prompt.codePointAt(9).toString(16)' e0041

# ---- hold, release, cancel, retry ----------------------------------------------------------------

run 0 release 1 --json
json 'release --json' 'j[0].id + " " + j[0].status' '1 queued'
run 0 hold 1 2
is 'held' 'held held' "$(sql 'SELECT status FROM tasks WHERE id IN (1, 2)' | tr '\n' ' ' | sed 's/ $//')"
bad 2 'task 2: ' hold 2
run 0 cancel 2 --reason 'not needed' --json
json 'cancel --json' '[j[0].id, j[0].status, j[0].needs_runner].join()' '2,cancelled,false'
is 'the reason is kept' 'not needed|' "$(sql 'SELECT error, error_kind FROM tasks WHERE id = 2')"
bad 2 'task 2: ' cancel 2
bad 3 'no task 98765' cancel 1 98765
is 'and the other one is left alone' held "$(sql 'SELECT status FROM tasks WHERE id = 1')"
bad 1 'not needed' result 2
bad 4 'not final' result 1
bad 3 'no task 98765' result 98765
bad 4 'not final' result 1 --wait --timeout 200ms
bad 2 'task 1: ' retry 1
run 0 retry 2 --json
json 'retry --json' 'j[0].status' queued
run 0 cancel --all --json
json 'cancel --all' 'j.every(t => t.status === "cancelled") + " " + (j.length > 1000)' 'true true'
is 'all' 0 "$(sql "SELECT count(*) FROM tasks WHERE status <> 'cancelled'")"
is 'the default reason' 'Cancelled by user' "$(sql 'SELECT error FROM tasks WHERE id = 1')"
is 'no problems' '' "$(sql 'SELECT * FROM problems')"

# ---- edit, retry as something else ------------------------------------------------------------------

edited=$("$vigil" add 'to be edited' -m a/b --hold)
bad 2 'needs ID' edit
bad 2 "'x'" edit x --priority 1
bad 2 'nothing is to be changed' edit "$edited"
bad 2 "'101'" edit "$edited" --priority 101
bad 2 "'--after'" edit "$edited" --after 1
bad 2 'both given' edit "$edited" --at 22:00 --in 5m
bad 2 'prompt is empty' edit "$edited" --prompt ''
input=blank bad 2 'white space' edit "$edited" --prompt -
bad 3 'no task 98765' edit 98765 --priority 1
bad 2 'task 1 is cancelled: only its description' edit 1 --priority 1
run 0 edit "$edited" --priority 5 -a @who -d 'What' --timeout 2m -C here --json
json 'edit --json' 'j.status' held
run 0 edit "$edited" --model '' --in 0
printf 'from a pipe' | "$vigil" edit "$edited" --prompt - 2>err
is 'edited' "from a pipe|5|who|What|120.0||$work/here|1" "$(sql "SELECT prompt, priority, agent, description, timeout_s, model,
    directory, not_before IS NOT NULL FROM tasks WHERE id = $edited" | sed "s|$(pwd -P)|$work|")"
holds 'it is said' grep -q "^task $edited: changed$" err
run 0 cancel "$edited"
bad 2 "'gpt'" retry "$edited" -m gpt
is 'a retry that cannot be is none' cancelled "$(sql "SELECT status FROM tasks WHERE id = $edited")"
run 0 retry "$edited" -a other -m c/d --variant high --timeout 0 -C .
is 'a retry as something else' "queued|other|c/d|high|0.0" \
    "$(sql "SELECT status, agent, model, variant, timeout_s FROM tasks WHERE id = $edited")"
run 0 cancel "$edited"

# ---- pause, resume -------------------------------------------------------------------------------

run 0 resume
is 'nothing to resume' 'the queue is not paused' "$(cat err)"
run 0 pause --json
json 'pause --json' 'j.changed + " " + (Date.parse(j.paused_at) > 0)' 'true true'
run 0 pause
holds 'paused already' grep -q 'already, since 20' err
paused=$("$vigil" add 'while paused')
run 0 show "$paused"
holds 'show says why it does not start' grep -q 'queued: the queue is paused since 20.*until vigil resume' out
run 0 list --limit 1
holds 'list says so' grep -q '^vigil: the queue is paused since 20.*vigil resume' err
run 0 list --status cancelled --limit 5
is 'but not where nothing is queued' '' "$(cat err)"
run 0 list --json
is 'nor beside JSON' '' "$(cat err)"
"$vigil" wait "$paused" --timeout 200ms >out 2>err
is 'wait waits' 4 $?
is 'and says so once' 1 "$(grep -c '^vigil: the queue is paused' err)"
run 4 wait --timeout 200ms
run 0 run --drain
holds 'a drain ends' grep -q 'left queued, for the queue is paused (vigil resume lets it go on): 1' err
run 0 cancel "$paused"
run 0 run --drain
holds 'and leaves nothing where nothing is' sh -c '! grep -q left err'
run 0 resume --json
json 'resume --json' 'JSON.stringify(j)' '{"paused_at":null,"changed":true}'

# ---- backup ----------------------------------------------------------------------------------------

bad 2 'needs FILE' backup
bad 5 'there is no database' backup none.copy --db none.db
run 0 backup copy.db
holds 'backup says that it is checked' grep -q '^backed up, and checked: [0-9.]* MB$' err
is 'all of it' "$(count)" "$(sqlite3 copy.db 'SELECT count(*) FROM tasks')"
is 'private, and nothing beside it' '600 1' "$(stat -c %a copy.db) $(find . -maxdepth 1 -name 'copy.db*' | wc -l)"
bad 2 'copy.db exists already' backup copy.db
run 0 backup json.db --json
json 'backup --json' 'j.file + " " + (j.bytes > 4096)' 'json.db true'

# ---- export, import --------------------------------------------------------------------------------

bad 2 'needs FILE' import
bad 2 'no-such-file' import no-such-file
bad 2 '.db is a database, and not what vigil export prints of one' import state/vigil/vigil.db
bad 2 "'soon'" export --since soon
"$vigil" export >all.jsonl 2>err
is 'export' '0 ' "$? $(cat err)"
is 'a line a task' "$(count)" "$(wc -l <all.jsonl)"
run 0 export --json
json 'export --json' 'j.length === '"$(count)"' && j.every((line) => line.vigil === 1 && line.task.id)' true
cp out array.json
bad 2 'array.json:1: it is an array; what is taken in is what vigil export prints without --json' import array.json --db array.db
run 0 export --since 'tomorrow 06:00' --json
json 'nothing' 'JSON.stringify(j)' '[]'
run 0 import all.jsonl --db new.db
is 'import says how many' "imported tasks: $(count)" "$(cat err)"
"$vigil" export --db new.db >again.jsonl
holds 'a round trip' cmp -s all.jsonl again.jsonl
run 0 import all.jsonl --db new.db
holds 'what is here already' grep -qx "vigil: left out, for they are here already: $(count)" err
"$vigil" import - --db piped.db --json <all.jsonl >out 2>err
json 'import --json' 'j.tasks' "$(count)"
sed '3s/"status":"[a-z]*"/"status":"done"/' all.jsonl >bad-line.jsonl
bad 2 'bad-line.jsonl:3: a status is queued, ' import bad-line.jsonl --db bad.db
is 'nothing of it came in' 0 "$(sqlite3 bad.db 'SELECT count(*) FROM tasks')"

# ---- prune -----------------------------------------------------------------------------------------

bad 2 'needs --older-than DUR' prune
is 'which its usage says' 'usage: vigil prune --older-than DUR [options]' "$("$vigil" prune --help | head -1)"
bad 2 "'a week'" prune --older-than 'a week'
bad 5 'there is no database' prune --older-than 0 --db none.db
run 0 prune --older-than 30d --json
json 'nothing is that old' 'JSON.stringify(j)' '{"tasks":0,"dry_run":false}'
ended=$(sql "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL")
run 0 prune --older-than 0 --dry-run
is 'a dry run' "$ended tasks would be deleted" "$(cat out)"
is 'deletes none' "$ended" "$(sql "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL")"
run 0 prune --older-than 0 --db copy.db
is 'the others are deleted' "$ended tasks deleted" "$(cat out)"
is 'and no more' "$(($(count) - ended))" "$(sqlite3 copy.db 'SELECT count(*) FROM tasks')"

# ---- wait ----------------------------------------------------------------------------------------

run 0 wait
bad 1 'cancelled' wait 1 2
run 1 wait 1 --json
json 'wait --json' '[j.cancelled, j.tasks[0].id, j.tasks[0].status].join()' '1,1,cancelled'
bad 3 'no task 98765' wait 98765
waiting=$("$vigil" add waited)
bad 4 '1 queued' wait "$waiting" --timeout 200ms
bad 1 'cancelled' wait "$waiting" 1 --any
"$vigil" wait "$waiting" >out 2>err &
waiter=$!
"$vigil" cancel "$waiting" 2>/dev/null
wait $waiter
is 'a waiting one is told' 1 $?

first=$("$vigil" add 'to be deleted')
later=$("$vigil" add --after "$first" 'comes after it')
run 0 cancel "$first" "$later"
sql "DELETE FROM tasks WHERE id = $first"
run 0 retry "$later"
run 0 wait --timeout 5s # not for what cannot start
run 0 show "$later"
is 'why it waits' 1 "$(grep -c "comes after task $first, which was deleted before it had completed" out)"
run 0 cancel "$later"

waiting=$("$vigil" add unattended)
"$vigil" wait "$waiting" --timeout 2500ms >out 2>err
is 'with no runner it waits all the same' 4 $?
is 'and says once that there is none' 1 "$(grep -c '^vigil: no runner is alive' err)"
"$vigil" result "$waiting" --timeout 1500ms >out 2>err
is 'result waits, too' '4 1' "$? $(grep -c '^vigil: no runner is alive' err)"

# ---- a result ------------------------------------------------------------------------------------

finished() { # ID RESULT CUT: what a runner would have written
    sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
        INSERT INTO attempts (task_id, number, nonce, runner_id) SELECT $1, 1, 'n', max(id) FROM runners;
        UPDATE runners SET ended_at = started_at;
        UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at WHERE id = $1;
        UPDATE attempts SET sealed = 1, ended_at = started_at, outcome = 'completed' WHERE task_id = $1;
        UPDATE tasks SET status = 'completed', result = '$2', result_cut = $3 WHERE id = $1;"
}
whole=$("$vigil" add 'a short answer')
finished "$whole" 'all of it' 0
run 0 result "$whole"
is 'the answer alone' 'all of it ' "$(cat out) $(cat err)"
run 0 result "$whole" --json
json 'result --json' '[j.status, j.result, j.result_cut].join()' 'completed,all of it,0'
run 0 follow "$whole"
is 'follow gives the answer' 'all of it' "$(cat out)"
run 0 follow "$whole" --json
json 'follow --json' 'JSON.stringify(j[0])' '{"stream":"text","text":"all of it"}'
run 0 follow --pane 'any text' "$whole"
is 'the mark of a pane changes nothing' 'all of it' "$(cat out)"
bad 3 'no task 98765' follow 98765
bad 2 "'x'" follow x
bad 2 "'x'" attach x
bad 2 "attach needs ID" attach
bad 2 "unknown option '--pan'" attach --pan x 1
bad 5 'attach needs a terminal' attach --pane 'any text' "$whole"
bad 5 'attach needs a terminal' attach --session ses_any
bad 2 "'7' is too much beside --session" attach --session ses_any 7
bad 2 "'7' is too much beside --session" follow --session ses_any 7
bad 2 'follow needs ID, or --session (vigil follow --help says more)' follow
bad 2 "--session '' is no session's id" follow --session ''
run 0 show "$whole"
holds 'nothing of it is missing' sh -c '! grep -q missing out && ! grep -q result_cut out'
cut=$("$vigil" add 'a long answer')
finished "$cut" 'its beginning' 1
run 0 result "$cut"
is 'what there is' 'its beginning' "$(cat out)"
is 'and that it is not all' "vigil: task $cut: the answer was longer than what is kept; its end is missing" "$(cat err)"
run 0 result "$cut" --json
json 'result --json says it' 'j.result_cut' 1
run 0 show "$cut"
holds 'show says it' grep -q '^result (longer than what is kept: its end is missing)' out
run 0 show "$cut" --json
json 'show --json says it' 'j.result_cut' 1

# ---- asks, answer --------------------------------------------------------------------------------

run 0 add 'asks for something'
asking=$(cat out)
sql "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
    INSERT INTO attempts (task_id, number, nonce, runner_id) SELECT $asking, 1, 'n', max(id) FROM runners;
    UPDATE runners SET ended_at = started_at;
    UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at WHERE id = $asking;
    INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
    SELECT $asking, max(id), 's', 'per_1', 'permission', 'bash: rm' FROM attempts;
    INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
    SELECT $asking, max(id), 's', 'que_1', 'question', 'Which? [A | B]' FROM attempts;"
run 0 asks
is 'two asks' 3 "$(wc -l <out)"
run 0 asks --json
json 'asks --json' 'j.map((ask) => [ask.id, ask.kind, ask.request].join()).join(" ")' \
    '1,permission,bash: rm 2,question,Which? [A | B]'
bad 2 'needs ASK REPLY' answer 1
bad 2 "'x'" answer x once
bad 2 'once, always or reject' answer 1 maybe
bad 3 'no ask 98765 (vigil asks has those that wait)' answer 98765 once
bad 2 "'x' is not an ask's id" answer x once
run 0 answer 1 always
holds 'the next runner sends it' grep -q 'no runner is alive' err
bad 2 'ask 1: it has been replied to' answer 1 reject
run 0 answer 2 A B --json
json 'answer --json' 'JSON.stringify(j)' '{"id":2,"reply":"A\nB","needs_runner":true}'
run 0 asks --json
json 'nothing waits' 'j.length' 0
run 0 show "$asking"
holds 'show has them' grep -q 'always.*person.*bash: rm' out
run 0 show "$asking" --json
json 'show --json has them' 'j.asks[1].reply' 'A
B'

# ---- output, help, the rest ----------------------------------------------------------------------

for command in add run list show result wait follow attach cancel retry hold release edit pause resume asks answer sql prune backup export import doctor version help; do
    run 0 $command --help
    holds "$command --help" grep -q "^usage: vigil $command" out
    run 0 help $command
done
run 0 help run
holds 'help says what --drain waits for' grep -q '^a task with a time does (--at, --in) however far' out
run 0 help
run 0 --help
run 0 version
run 0 --version
run 0 version --json
json 'version --json' 'typeof j.version' string
run 0 sql 'SELECT 1 + 1'
is 'sql' 2 "$(cat out)"
run 0 sql --json -- '-- a comment
SELECT id FROM tasks WHERE id = 1'
json 'sql --json' 'j[0].id' 1
run 0 sql .tables
holds 'a command of the shell itself' grep -q attempts out
for query in 'DELETE FROM tasks' "ATTACH '$work/other.db' AS other; CREATE TABLE other.t (x)" \
    ".open $work/other.db" ".backup $work/other.db" ".output $work/other.db" ".shell touch $work/other.db" \
    "SELECT writefile('$work/other.db', 'x')" "PRAGMA user_version = 7" "VACUUM INTO '$work/other.db'"; do
    "$vigil" sql "$query" >out 2>err </dev/null
    holds "refused: $query" test $? -ne 0 -a -s err -a ! -e other.db
done
run 0 sql --csv 'SELECT 1 AS one, 2 AS two'
is 'sql --csv' 'one,two 1,2' "$(tr -d '\r' <out | tr '\n' ' ' | sed 's/ $//')"
mkdir -p "$HOME/.config/sqlite3" "$XDG_CONFIG_HOME/sqlite3"
printf '.mode box\n.headers on\nSELECT 99;\n.output /dev/null\n' | tee "$HOME/.sqliterc" >"$XDG_CONFIG_HOME/sqlite3/sqliterc"
run 0 sql 'SELECT 1 + 1'
is 'settings of their own do not matter' '2' "$(cat out err)"
# on_terminal COMMAND...: out is what a terminal would get
on_terminal() {
    script -qec "$*" typescript </dev/null | tr -d '\r' >out
}
on_terminal "'$vigil' sql \"SELECT 1 AS one, NULL AS none, 'a' || char(27, 155) || ']0;b' AS text\""
is 'on a terminal, columns' "one  none  text 1    NULL  a" "$(sed -n '1p;3p' out | tr '\n' ' ' | tr -s '\n' | sed 's/ *$//;s/text  */text /')"
holds 'and nothing that it obeys' grep -q '<U+009B>]0;b' out
is 'not one escape' 0 "$(tr -cd '\033' <out | wc -c)"
on_terminal "'$vigil' sql --json \"SELECT char(155) AS text\""
is 'nor in JSON' '[{"text":"\u009b"}]' "$(cat out)"
on_terminal "echo \"SELECT 'a' || char(27, 155) || 'b' AS text;\" | '$vigil' sql --csv"
is 'nor of a query that comes through a pipe' 'text "a^[<U+009B>b"' "$(tr '\n' ' ' <out | sed 's/ $//')"
LC_ALL=C on_terminal "'$vigil' sql --csv \"SELECT char(283) AS text\""
is 'ASCII alone without UTF-8' 'text "?"' "$(tr '\n' ' ' <out | sed 's/ $//')"
for words in '' --json --csv; do
    "$vigil" sql ${words:+$words} 'SELECT 1 AS one' >/dev/full 2>err
    is "a full disk: sql $words" '5 1' "$? $(grep -c 'No space left' err)"
    "$vigil" sql ${words:+$words} 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n' 2>err | head -1 >out
    is "a reader that has had enough: sql $words" '1 0' "$(wc -l <out) $(wc -c <err)"
done
printf 'SELECT 6 * 7 AS answer, NULL AS none;\n.exit\n' >typed
script -qec "'$vigil' sql" typescript <typed | tr -d '\r' >out
holds 'the shell itself, with columns' grep -q '^42 *NULL' out
holds 'and no word about settings' test "$(grep -c resources out)" -eq 0
run 5 sql 'DELETE FROM tasks'
holds 'sql is read-only' grep -qi readonly err
run 2 sql 'SELEC 1'
run 2 sql 'SELECT nothing FROM tasks'
run 2 sql 'SELECT nothing'
bad 2 '--json and --csv are both given; one of them is enough' sql --json --csv 'SELECT 1'
run 2 sql --json 'SELEC 1'
is 'no array for a mistake' '' "$(cat out)"
run 0 sql --json 'SELECT id FROM tasks WHERE 0'
json 'no rows are an empty array' 'JSON.stringify(j)' '[]'
echo 'SELECT 7' | "$vigil" sql >out 2>err
is 'a query from a pipe' '0 7' "$? $(cat out)"
("$vigil" sql --json 'SELECT * FROM tasks'; echo $? >status) 2>err | head -c 10 >out
is 'rows that nobody reads' "0 " "$(cat status) $(cat err)"
("$vigil" sql 'SELECT * FROM tasks'; echo $? >status) 2>err | head -c 10 >out
is 'nor as a list' "0 " "$(cat status) $(cat err)"
PATH="$work/none" "$vigil" sql 'SELECT 1' >out 2>err
is 'no sqlite3 program' "5 vigil: cannot run sqlite3" "$? $(cut -c 1-25 err)"
if [ -w /dev/full ]; then
    "$vigil" list >/dev/full 2>err
    is 'a full disk' 5 $?
    holds 'and says so' grep -q 'vigil: cannot write to standard output' err
    before=$(count)
    "$vigil" add 'to a full disk' >/dev/full 2>err
    is 'an id that cannot be printed' 5 $?
    holds 'the task is queued all the same' [ "$(count)" -eq $((before + 1)) ]
    holds 'which is said' grep -q "^vigil: queued as task $(sql 'SELECT max(id) FROM tasks')," err
    "$vigil" add --json 'to a full disk' >/dev/full 2>err
    is 'nor as JSON' 5 $?
    holds 'which is said too' grep -q "queued as task $(sql 'SELECT max(id) FROM tasks')," err
    "$vigil" add --file good.jsonl >/dev/full 2>err
    is 'ids that cannot be printed' 5 $?
    holds 'are said' grep -q "queued as tasks $(sql 'SELECT max(id) - 2 FROM tasks') to $(sql 'SELECT max(id) FROM tasks')" err
fi
"$vigil" list >&- 2>err
is 'a closed standard output' 5 $?
("$vigil" list --json; echo $? >status) 2>err | head -c 10 >out
is 'a reader that has had enough' "0 " "$(cat status) $(cat err)"

# ---- doctor --------------------------------------------------------------------------------------

mkdir bin
is_opencode() { # VERSION
    printf '#!/bin/sh\necho %s\n' "$1" >bin/opencode
    chmod +x bin/opencode
}
doctor() { # STATUS ARGUMENTS...
    expected=$1
    shift
    PATH="$work/bin:$PATH" "$vigil" doctor "$@" >out 2>err
    is "vigil doctor $*" "$expected" $?
}
finds() { # NAME REGULAR-EXPRESSION
    holds "doctor: $1: $2" grep -q "^$2" out
}
is_opencode 1.2.27
doctor 0
finds 'OpenCode' 'ok     OpenCode       opencode is 1.2.27$'
finds 'its database' "ok     database       $work/state/vigil/vigil.db: version 1, "
finds 'which is whole' 'ok     integrity      whole$'
finds 'no runner' 'note   runner         none is alive; open tasks: [0-9]*: vigil run, or '
finds 'no service' 'ok     service        not enabled'
is 'nothing on standard error' '' "$(cat err)"
is_opencode 1.2.26
doctor 1
finds 'an old OpenCode' 'wrong  OpenCode       opencode is 1.2.26; vigil needs 1.2.27 or newer: npm '
is_opencode 2.0.0
doctor 0
finds 'a new OpenCode' 'note   OpenCode       opencode is 2.0.0; '
is_opencode 'v1.10.3'
doctor 0
finds 'another form of a version' 'ok     OpenCode '
is_opencode nonsense
doctor 1
finds 'no OpenCode' "wrong  OpenCode       opencode --version says 'nonsense', which is no version"
printf '#!/bin/sh\nexit 7\n' >bin/opencode
doctor 1
finds 'a broken OpenCode' 'wrong  OpenCode       opencode ended with status 7'
echo '{"server": {"command": "./no-opencode"}}' >c.json
doctor 1 --config c.json
finds 'an OpenCode that is not there' 'wrong  OpenCode       ./no-opencode is not there: npm '
echo '{"server": {"url": "http://127.0.0.1:4096"}}' >c.json
doctor 0 --config c.json
finds 'a server of ours' 'ok     OpenCode       that at http://127.0.0.1:4096'
finds 'and its password' 'note   password       OPENCODE_SERVER_PASSWORD is not set'
is_opencode 1.2.27
echo '{"limits": 4}' >c.json
doctor 1 --config c.json
finds 'a wrong configuration' 'wrong  configuration  c.json: limits is 4'
finds 'the rest is looked at all the same' 'ok     integrity '
finds 'OpenCode, too' 'ok     OpenCode '
doctor 0 --db nowhere/none.db
finds 'no database yet' "ok     database       .*/nowhere/none.db: the first vigil add makes it"
holds 'and none is made' [ ! -e nowhere ]
"$vigil" --db broken.db add broken >/dev/null
"$vigil" backup --db broken.db whole.db 2>/dev/null
chmod 644 broken.db
sqlite3 broken.db "PRAGMA ignore_check_constraints = ON; UPDATE tasks SET priority = 1000"
doctor 1 --db broken.db
finds 'damage' 'wrong  integrity      database .*/broken.db: CHECK constraint failed in tasks: '
finds 'a file that others can read' 'wrong  privacy  '
"$vigil" pause --db whole.db 2>/dev/null
sqlite3 whole.db "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
    INSERT INTO servers (name, pid, pid_start, boot_id) VALUES ('managed', 1, 1, 'another boot');
    INSERT INTO moving VALUES (1)"
doctor 1 --db whole.db
finds 'a paused queue' 'note   queue          paused since 20[0-9-]* [0-9:]*: vigil resume$'
finds 'a server that is gone' 'note   server         vigil'
finds 'rows that contradict' 'wrong  tasks          task 1: a change of status that was left half done'
printf 'no database, but a text that is long enough to be taken for one' >text.db
doctor 1 --db text.db
finds 'what is no database' 'wrong  database       .*text.db is not a vigil database'
mkdir -p "$XDG_CONFIG_HOME/systemd/user/default.target.wants"
touch "$XDG_CONFIG_HOME/systemd/user/default.target.wants/vigil.service"
"$vigil" doctor >out 2>err
finds 'a service is seen' '[a-z]*  *service        enabled, '
rm -r "$XDG_CONFIG_HOME/systemd"
doctor 0 --json
json 'doctor --json' 'j.find((c) => c.check === "OpenCode").health + " " + j.every((c) => c.text && "remedy" in c)' 'ok true'

# ---- the environment -----------------------------------------------------------------------------

bad 5 'missing.json' --config missing.json list
for key in '{"limits": {"paralel": 2}}|limits.parallel' '{"parallel": 2}|limits.parallel' '{"limits": {"parallel": "x"}}|limits.parallel' \
    '{"limits": {"per_provider": {"a": 1}}}|limits.per_provider is not supported by this version yet (remove it)' \
    '{|line 1' '[]|one JSON object'; do
    printf '%s\n' "${key%%|*}" >c.json
    bad 5 "${key#*|}" list --config c.json
done
printf 'not a database, but a text that is long enough to be read as one' >text.db
cp text.db text.copy
bad 5 'text.db' --db text.db add x
bad 5 'text.db' --db text.db list
holds 'what is not ours is left as it was' cmp -s text.db text.copy
cp state/vigil/vigil.db newer.db
sqlite3 newer.db 'PRAGMA journal_mode = DELETE; PRAGMA user_version = 9999' >/dev/null
cp newer.db newer.copy
bad 5 'newer.db' --db newer.db add x
holds 'a newer one is left as it was' cmp -s newer.db newer.copy
mkdir locked
chmod 500 locked
if [ "$(id -u)" -ne 0 ]; then
    bad 5 'locked' --db locked/state/vigil.db add x
else
    bad 5 '/proc/vigil' --db /proc/vigil/vigil.db add x
fi
VIGIL_DB="$work/other.db" run 0 add elsewhere
is 'VIGIL_DB' 1 "$(cat out)"
run 0 --db "$work/with a space/v.db" add spaced
holds 'a path with a space' [ -f "$work/with a space/v.db" ]

total
