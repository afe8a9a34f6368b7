#!/bin/sh
# What the tests of the commands share: a home of their own, and words to say what is expected. To be sourced; the
# program is $VIGIL.
set -u

vigil=$(realpath "${VIGIL:?the program to test}") || exit 1
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
unset VIGIL_DB VIGIL_CONFIG NO_COLOR COLUMNS
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config"
mkdir -p "$HOME" "$XDG_CONFIG_HOME/vigil"
passed=0
failed=0

ok() {
    passed=$((passed + 1))
}

not_ok() {
    failed=$((failed + 1))
    printf 'not ok: %s\n' "$1"
    sed 's/^/    out: /' out 2>/dev/null | head -5
    sed 's/^/    err: /' err 2>/dev/null | head -5
}

# is NAME EXPECTED FOUND
is() {
    if [ "$2" = "$3" ]; then ok; else not_ok "$1: expected '$2', found '$3'"; fi
}

# holds NAME COMMAND...
holds() {
    name=$1
    shift
    if "$@"; then ok; else not_ok "$name"; fi
}

# run STATUS ARGUMENTS...: leaves out and err
run() {
    expected=$1
    shift
    "$vigil" "$@" >out 2>err </dev/null
    is "vigil $(printf '%.60s' "$*")" "$expected" $?
}

# bad STATUS WORDS ARGUMENTS...: that status, nothing on standard output, and one line that has the words
bad() {
    expected=$1
    words=$2
    shift 2
    "$vigil" "$@" >out 2>err <"${input:-/dev/null}"
    status=$?
    name="vigil $(printf '%.60s' "$*")"
    if [ $status -ne "$expected" ]; then
        not_ok "$name: status $status, not $expected"
    elif [ "$(wc -l <err)" -ne 1 ] || [ -s out ]; then
        not_ok "$name: not one line"
    elif ! grep -qF -e "$words" err || ! grep -q '^vigil: ' err; then
        not_ok "$name: does not say '$words'"
    else
        ok
    fi
}

sql() {
    sqlite3 "$work/state/vigil/vigil.db" "$@"
}

count() {
    sql 'SELECT count(*) FROM tasks'
}

# json NAME EXPRESSION EXPECTED: of the document `j` in out
json() {
    found=$(node -e 'const j = JSON.parse(require("fs").readFileSync("out")); console.log(String('"$2"'))' 2>&1)
    is "$1: $2" "$3" "$found"
}

# total: the last line, and the exit status
total() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
