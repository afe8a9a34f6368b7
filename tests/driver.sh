#!/bin/sh
# tests/run is not fooled: suites that crash, hang, say nothing or run no test have failed.
set -eu

run=$(cd "$(dirname "$0")" && pwd)/run
temp=$(mktemp -d "${TMPDIR:-/tmp}/vigil driver.XXXXXX")
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT HUP TERM
cd "$temp"
passed=0
failed=0

suite() {
    printf '#!/bin/sh\n%s\n' "$2" >"$1"
    chmod +x "$1"
}

# expect STATUS LAST-LINE ARGUMENT...
expect() {
    wanted_status=$1
    wanted=$2
    shift 2
    status=0
    "$run" "$@" >said 2>&1 || status=$?
    if [ $status -eq "$wanted_status" ] && [ "$(tail -n 1 said)" = "$wanted" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: tests/run $*: status $status, not $wanted_status with \"$wanted\""
        sed 's/^/  | /' said
    fi
}

suite good 'echo "3 passed, 0 failed"'
suite check 'echo "100%: Checks: 4, Failures: 0, Errors: 0"; echo "50%: Checks: 4, Failures: 1, Errors: 1"; exit 1'
suite checks 'echo "100%: Checks: 4, Failures: 0, Errors: 0"; echo "100%: Checks: 2, Failures: 0, Errors: 0"'
suite hidden 'echo "50%: Checks: 2, Failures: 1, Errors: 0"'
suite silent 'exit 0'
suite none 'echo "100%: Checks: 0, Failures: 0, Errors: 0"'
suite late 'echo "3 passed, 0 failed"; exit 7'
# shellcheck disable=SC2016 # for the suite's own shell
suite crash 'echo "3 passed, 0 failed"; kill -SEGV $$'
suite hang 'echo "3 passed, 0 failed"; exec sleep 60'
# shellcheck disable=SC2016
suite wants '[ "$COLOUR" = "dark red" ] && [ "$VIGIL" = "$(pwd)/some/vigil" ] && echo "1 passed, 0 failed"'
mkdir empty node
echo "require('node:test')('a', () => {}); require('node:test')('b', () => { throw 1; });" >node/test.js

expect 0 '3 passed, 0 failed' good
expect 0 '9 passed, 0 failed' -j 2 good checks
expect 1 '6 passed, 2 failed' check
expect 1 '1 passed, 1 failed' hidden
expect 1 '0 passed, 1 failed' silent
expect 1 '0 passed, 1 failed' none
expect 1 '3 passed, 1 failed' late
expect 1 '3 passed, 1 failed' crash
expect 1 '6 passed, 1 failed' LIMIT=1 hang LIMIT=60 good
expect 1 '0 passed, 1 failed' absent
expect 1 '0 passed, 1 failed'
expect 1 '1 passed, 1 failed' node
echo "for (let i = 0; i < 300; i++) require('node:test')(\`a\${i}\`, () => { if (i === 0) throw new Error('the first'); });" >many.js
expect 1 '299 passed, 1 failed' many.js
if grep -q 'the first' said; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo 'FAILED: what has failed is not told, where much has passed after it'
fi
expect 1 '1 passed, 1 failed' node/test.js
expect 1 '0 passed, 1 failed' empty
expect 0 '1 passed, 0 failed' 'COLOUR=dark red' VIGIL=some/vigil wants
expect 1 '6 passed, 1 failed' -j 2 good silent good

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
