#!/bin/sh
# The views on a made-up fortnight (fortnight.sql), asked by the plain sqlite3 program: what fortnight.txt has was
# reckoned by hand, and what the README shows is what its queries print. Its last line is "N passed, N failed".
set -u

vigil=$(realpath "${VIGIL:?the program to test}") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export VIGIL_DB="$work/vigil.db" HOME="$work" TZ=CET-1CEST,M3.5.0,M10.5.0/3
unset VIGIL_CONFIG XDG_CONFIG_HOME
passed=0
failed=0

# check NAME: is what is in `expected` in `found`?
check() {
    if cmp -s "$work/expected" "$work/found"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not ok: $1"
        diff "$work/expected" "$work/found" | sed 's/^/    /'
    fi
}

# shell WORDS...: the plain shell, as vigil sql sets it up for a terminal
shell() {
    sqlite3 -batch -init /dev/null -column -header -nullvalue NULL "$VIGIL_DB" "$@" 2>&1 | sed 's/ *$//'
}

# As a terminal has it.
vigil_sql() {
    QUERY=$1 script -qec "'$vigil' sql \"\$QUERY\"" /dev/null </dev/null | tr -d '\r' | sed 's/ *$//'
}

# Each `$ vigil sql "QUERY"` of a file, over lines until the quote ends, into $work/N.query, and what stands under it,
# up to an empty line, into $work/N.answer. Prints how many there are.
split_queries() {
    awk -v to="$work/$1" '
    function end() { if (answer) close(answer); answer = "" }
    { sub(/^    /, "") }
    query != "" || /^\$ vigil sql "/ {
        if (query == "") { end(); n++; answer = to n ".answer"; printf "" >answer; sub(/^\$ vigil sql "/, "") }
        query = query $0 "\n"
        if (/"$/) { sub(/"\n$/, "", query); print query >(to n ".query"); close(to n ".query"); query = "" }
        next
    }
    $0 == "" { end() }
    answer { print >answer }
    END { print n + 0 }' "$2"
}

# queries_of NAME FILE LEAST
queries_of() {
    count=$(split_queries "$1" "$2")
    [ "$count" -ge "$3" ] || {
        failed=$((failed + 1))
        echo "not ok: $2 has $count queries, not $3 or more"
    }
    n=1
    while [ "$n" -le "$count" ]; do
        cp "$work/$1$n.answer" "$work/expected"
        shell "$(cat "$work/$1$n.query")" >"$work/found"
        check "$2: $(head -1 "$work/$1$n.query")"
        if [ "$1" = readme ]; then
            vigil_sql "$(cat "$work/$1$n.query")" >"$work/found"
            check "the same by vigil sql"
        fi
        n=$((n + 1))
    done
}

id=$("$vigil" add --hold 'makes the database') || exit 1
shell "DELETE FROM tasks WHERE id = $id"
shell <tests/store/fortnight.sql >"$work/found"
: >"$work/expected"
check 'the fortnight is taken in'
queries_of text tests/store/fortnight.txt 20
queries_of readme README.md 10

# Each view is in both, or nobody would notice what it has become.
for view in $(sqlite3 "$VIGIL_DB" "SELECT name FROM sqlite_schema WHERE type = 'view'"); do
    for file in README.md tests/store/fortnight.txt; do
        echo "$file" >"$work/expected"
        grep -l -E "FROM $view\b|\`$view\`" "$file" >"$work/found"
        check "$file has the view $view"
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
