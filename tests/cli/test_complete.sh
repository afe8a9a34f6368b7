#!/bin/sh
# Completions: what vigil complete offers, and what bash, zsh and fish make of it on a real terminal, which
# tmux is. $VIGIL is the program. The last line is "N passed, N failed".
set -u

here=$(realpath "$(dirname "$0")/../..") || exit 1
program=$(realpath "${VIGIL:?the program to test}") || exit 1
work=$(mktemp -d) || exit 1
terminal() { TMUX='' tmux -L vigil-complete -f /dev/null "$@"; }
trap 'terminal kill-server 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT HUP TERM
cd "$work" || exit 1
unset VIGIL_DB VIGIL_CONFIG TMUX
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config" TMUX_TMPDIR="$work"
export LC_ALL=C.UTF-8
mkdir -p "$HOME" config/vigil bin
ln -s "$program" bin/vigil
export PATH="$work/bin:$PATH"
db=$work/state/vigil/vigil.db
tab=$(printf '\t')
escape=$(printf '\033')
passed=0
failed=0

ok() { passed=$((passed + 1)); }
not_ok() {
    failed=$((failed + 1))
    printf 'not ok: %s\n' "$1"
}
is() { if [ "$2" = "$3" ]; then ok; else not_ok "$1: expected '$2', found '$3'"; fi; }
has() { case $3 in *"$2"*) ok ;; *) not_ok "$1: '$2' is not in '$3'" ;; esac }

# What is offered, in one line, without what is said about it.
offered() { vigil complete -- "$@" 2>&1 | sed "s/\([^$tab]\)$tab.*/\1/" | tr '\n' ' '; }
# offers EXPECTED WORD...
offers() {
    expected=$1
    shift
    is "vigil complete -- $*" "${expected:+$expected }" "$(offered "$@")"
}

# ---- without a database ------------------------------------------------------------------------------

offers 'add attach asks answer' a
offers 'held' list --status he
offers '--status=queued,failed' list --status=queued,fa
offers 'result result_cut revision reason resumes' list --columns re
offers 'id,next' list --columns id,ne
offers '--sort=status,-cost' list --sort=status,-cos
offers '-created_at -completed_at -cost' list --sort -c
offers '' list --columns -c
offers '--status' list --status= --status=x --status
offers "${tab}files" add --file ''
offers "${tab}files" --db ''
offers "${tab}directories" add -C ''
offers "${tab}files" import ''
offers 'once always reject' answer 1 ''
offers 'pause' help pa
offers '--reason' cancel 1 --r
offers '' hold ''
offers '' nonsense ''
offers '' --nonsense ''
offers '' add ''
offers '' show -- --j
offers '' list --limit ''
is 'no word at all' '' "$(vigil complete 2>&1)"
is 'nothing was made' '' "$(find state -mindepth 1 2>/dev/null)"
is 'help does not list it' '' "$(vigil help | grep '^  complete')"
has 'nor is it what was meant' "unknown command 'complet' (vigil help" "$(vigil complet 2>&1)"

# A command is offered with all that its help lists, and so is an option.
commands=$(vigil help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
is 'all commands' "$(printf '%s\n' "$commands" | sort)" "$(vigil complete -- '' | cut -f 1 | sort)"
for command in $commands; do
    is "the options of $command" "$(vigil help "$command" | sed -n 's/^  ...[ ]*\(--[a-z-]*\).*/\1/p' | sort)" \
        "$(vigil complete -- "$command" - | cut -f 1 | sort)"
    case $(vigil help "$command" | head -n 1) in
    *"[options] ID"* | *"[options] [ID"*)
        is "$command says of which tasks it takes an ID" 1 \
            "$(cat "$here"/src/cli/*.c | sed -n "/\.name = \"$command\"/,/^}/p" | grep -c '\.ids = ')"
        ;;
    esac
done

# ---- tasks, whatever is in them ----------------------------------------------------------------------

evil=$(printf '%s' "\$(touch pwned) \`touch pwned\` 'q\" %F{red} ; touch pwned # and so on")
vigil add -a oracle "$evil" >/dev/null                                  # 1
vigil add -d "$(printf 'a\tb\nc\033[31md\302\233e')" two >/dev/null      # 2
vigil add --hold three >/dev/null                                       # 3
vigil add four >/dev/null && vigil cancel 4 2>/dev/null                 # 4
vigil add -a "\$(touch pwned)" five >/dev/null                          # 5
cat >config/vigil/config.json <<'END'
{ "agents": { "oracle": { "model": "some/model:free" }, "a $(touch pwned)": { "model": "x/`id`" } } }
END

offers '5 2 1' hold ''
offers '3' release ''
offers '5 2 1 3' edit ''
offers '5 2 1 3' cancel ''
offers '2 3' cancel 5 1 ''
offers '4' retry ''
offers '4' result ''
offers '4' follow ''
offers '5 2 1 3 4' show ''
offers '1,5 1,2 1,1 1,3' add --after 1,
offers 'oracle' add -a ''
offers 'some/model:free' add --model ''
offers '' show 0
offers '' show x
offers '1' --db "$db" show 1
offers '1' show "--db=$db" 1
offers '' --db "$work/none" show ''
is 'of a task one line is said' "2${tab}queued: a b c^[[31md<U+009B>e" "$(vigil complete -- show 2)"
is 'of another, what it is' "1${tab}$(printf '%.60s' "queued: $evil")…" "$(vigil complete -- show 1)"

sqlite3 "$db" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1995)
    INSERT INTO tasks (prompt) SELECT 'many' FROM n"
is 'the newest hundred' '100 2000 1901' \
    "$(vigil complete -- hold '' | awk 'NR == 1 { first = $1 } END { print NR, first, $1 }')"
is 'the newest hundred of a prefix' '100 1999 1900' \
    "$(vigil complete -- hold 1 | awk 'NR == 1 { first = $1 } END { print NR, first, $1 }')"
offers '1239 1238 1237 1236 1235 1234 1233 1232 1231 1230 123' hold 123
sqlite3 "$db" 'DELETE FROM tasks WHERE id > 5'

sqlite3 "$db" 'PRAGMA user_version = 0'
offers '' show ''
is 'an older database stays as it is' 0 "$(sqlite3 "$db" 'PRAGMA user_version')"
sqlite3 "$db" 'PRAGMA user_version = 1'

sqlite3 "$db" "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, 'b', 'v', '/');
    INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);
    UPDATE tasks SET status = 'starting', attempts = 1, wake_at = '2026-01-31T06:00:00.000Z' WHERE id = 1;
    INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)
        VALUES (1, 1, 's', 'a', 'permission', 'bash: ' || char(27) || 'rm')"
offers '1 4' follow ''
offers '5 2' hold ''
is 'an ask' "1${tab}task 1: permission: bash: ^[rm" "$(vigil complete -- answer '')"

# ---- the shells --------------------------------------------------------------------------------------

mkdir zsh && cp "$here/completions/_vigil" zsh/ || exit 1
cat >.zshrc <<'END'
fpath=($PWD/zsh $fpath); autoload -Uz compinit; compinit -u -D; PS1='%% '
END
cat >bashrc <<END
. '$here/completions/vigil.bash'; PS1='% '; bind 'set bell-style none'
END
cat >bashrc-helped <<END
. /usr/share/bash-completion/bash_completion; . bashrc
END
cat >config.fish <<END
source '$here/completions/vigil.fish'; function fish_prompt; printf '%% '; end; function fish_greeting; end
END
mkdir 'a folder' && touch 'a file.jsonl'

shown() { terminal capture-pane -p -t "$shell" | sed 's/ *$//' | grep -v '^$'; }
# until_shown WHAT PATTERN [quietly]: the screen has a line like that, and no other first; half a minute at most
is_like() { if [ "$2" ]; then head -n 1 | grep -q -e "$1"; else grep -q -e "$1"; fi; }
patience=300
until_shown() {
    tries=0
    while ! shown | is_like "$2" "${3-}"; do
        tries=$((tries + 1))
        if [ $tries -gt "$patience" ]; then
            patience=20 # what is wrong is wrong for many
            not_ok "$shell: $1: no line is like '$2' in"
            shown | sed 's/^/    /'
            return
        fi
        sleep 0.1
    done
    [ "${3-}" ] || ok
}
# types WHAT KEYS PATTERN: what the screen then shows; from an empty line
types() {
    terminal send-keys -t "$shell" C-u C-l
    until_shown 'an empty line' '^%$' quietly
    terminal send-keys -t "$shell" -l "$2"
    terminal send-keys -t "$shell" Tab Tab
    until_shown "$1" "$3"
}
# in_shell NAME COMMAND
in_shell() {
    shell=$1
    terminal new-session -d -s "$shell" -x 100 -y 30 "$2" || {
        not_ok "$shell does not start"
        return
    }
    until_shown 'it starts' '^%'
    types 'ids are listed with what they are' 'vigil hold ' '2 *(\?queued: a b c^\[\[31md<U+009B>e'
    # shellcheck disable=SC2016 # nothing is to be expanded, that is the point
    types 'whatever is in them' 'vigil cancel ' '1 *(\?starting: \$(touch pwned) `touch pwned` '\''q" %F{red}'
    types 'the only one is typed' 'vigil release ' '^% vigil release 3'
    types 'a command' 'vigil rele' '^% vigil release'
    types 'an option' 'vigil cancel --rea' '^% vigil cancel --reason'
    types 'a value' 'vigil list --status fai' '^% vigil list --status failed'
    types 'a value behind =' 'vigil list --status=fai' '^% vigil list --status=failed'
    types 'a part of a list' 'vigil list --status=queued,fai' '^% vigil list --status=queued,failed'
    types 'a word with a colon' 'vigil add -m some/model:f' '^% vigil add -m some/model:free'
    types 'a file' 'vigil add --file a\ fi' '^% vigil add --file a\\ file.jsonl'
    types 'a file behind =' 'vigil add --file=a\ fi' '^% vigil add --file=a\\ file.jsonl'
    types 'a folder' 'vigil add -C a' '^% vigil add -C a\\ folder/'
    types 'a database with quotes' "vigil --db '$db' release " "release 3"
    types 'nothing is run' "vigil add '\$(touch pwned)' --prio" "pwned)' --priority"
    terminal kill-session -t "$shell"
}
is 'the package bash-completion is there' '' "$(ls /usr/share/bash-completion/bash_completion 2>&1 >/dev/null)"
# With its last session tmux would end, while the next one is being started.
terminal new-session -d -s last 'cat'
in_shell bash 'bash --noprofile --rcfile bashrc -i'
in_shell bash-completion 'bash --noprofile --rcfile bashrc-helped -i'
in_shell zsh "ZDOTDIR=$work zsh -i"
in_shell fish 'fish --no-config --init-command "source config.fish"'
is 'nothing that was shown was run' '' "$(find . -name pwned)"

# Bash lists with words about them, and inserts without, also where Tab goes through them one by one.
of_bash() {
    bash --norc -c '. "$1"; compopt() { :; }; COMP_WORDS=(vigil hold ""); COMP_CWORD=2; COMP_LINE="vigil hold "
        COMP_POINT=11; COMP_TYPE=$2; _vigil; printf "%s|" "${COMPREPLY[@]}"' bash "$here/completions/vigil.bash" "$1"
}
is 'to insert' '5|2|' "$(of_bash 9)"
is 'to go through' '5|2|' "$(of_bash 37)"
has 'to list' '5  queued: five|' "$(of_bash 63)"

is 'no escape sequence is in any of it' '' "$(vigil complete -- show '' | grep "$escape")"
said=$(shellcheck "$here/completions/vigil.bash" 2>&1)
is 'the script for bash is sound' '' "$said"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
