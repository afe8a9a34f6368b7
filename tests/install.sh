#!/bin/sh
# make install and make uninstall, and a program built on what was installed alone. The folder's name has a
# space in it, as somebody's will.
set -eu

cd "$(dirname "$0")/.."
temp=$(mktemp -d "${TMPDIR:-/tmp}/vigil install.XXXXXX")
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT HUP TERM
prefix="$temp/opt/vi gil"
passed=0
failed=0

# check WHAT COMMAND...
check() {
    what=$1
    shift
    if "$@" >"$temp/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/  | /' "$temp/said"
    fi
}

# make_here TARGET VARIABLE=...: this make is not part of one that may have started us.
make_here() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make "$@"; }
make_at_home() { HOME="$temp/a home" make_here "$@"; }

installed() { (cd "$1" && find . -type f | LC_ALL=C sort) >"$temp/found" || true; }
same() { diff "$1" "$2"; }
says() {
    wanted=$1
    shift
    "$@" >"$temp/output" 2>"$temp/errors" || true
    cat "$temp/output" "$temp/errors"
    grep -q "$wanted" "$temp/output"
}
with_status() {
    wanted=$1
    shift
    status=0
    "$@" || status=$?
    [ $status -eq "$wanted" ]
}

package() { PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config "$@" vigil; }

# pkg-config escapes the spaces for a shell.
build_example() {
    flags="$(package --cflags) $(package --libs)" || return 1
    (cd "$temp" && eval "${CC:-gcc} -std=c11 -Wall -Wextra -Werror queue-and-wait.c $flags -o queue-and-wait")
}

# What systemd would ignore or guess at is a warning, with status 0.
unit_is_sound() {
    XDG_RUNTIME_DIR="$temp/runtime" systemd-analyze --user verify "$1" >"$temp/warnings" 2>&1 &&
        same /dev/null "$temp/warnings"
}

cat >"$temp/expected" <<'END'
./bin/vigil
./include/vigil.h
./lib/libvigil.a
./lib/pkgconfig/vigil.pc
./share/bash-completion/completions/vigil
./share/doc/vigil/README.md
./share/fish/vendor_completions.d/vigil.fish
./share/man/man1/vigil.1
./share/man/man5/vigil-config.5
./share/man/man5/vigil-schema.5
./share/systemd/user/vigil.service
./share/zsh/site-functions/_vigil
END

check 'make install' make_here install PREFIX="$prefix"
installed "$prefix"
check 'exactly these files are installed' same "$temp/expected" "$temp/found"
check 'with DESTDIR too' make_here install PREFIX=/usr DESTDIR="$temp/root"
installed "$temp/root/usr"
check 'the same files' same "$temp/expected" "$temp/found"
check 'DESTDIR is not in them' grep -qx prefix=/usr "$temp/root/usr/lib/pkgconfig/vigil.pc"

check 'pkg-config gives the version' says "^$(cat VERSION)\$" package --modversion
check 'the installed program runs' "$prefix/bin/vigil" version

mkdir -m 700 "$temp/runtime"
check 'systemd takes the unit as it is' unit_is_sound "$prefix/share/systemd/user/vigil.service"

# The shells find them where they look; what they do is tested in tests/cli/test_complete.sh.
in_bash() {
    XDG_DATA_DIRS="$prefix/share:/usr/share" bash --norc -c '. /usr/share/bash-completion/bash_completion
        _completion_loader vigil; complete -p vigil'
}
in_zsh() {
    zsh -f -c 'fpath=("$1" $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[vigil]' zsh \
        "$prefix/share/zsh/site-functions"
}
in_fish() {
    HOME="$temp" XDG_DATA_DIRS="$prefix/share:/usr/share" PATH="$prefix/bin:$PATH" \
        fish -c "complete -C 'vigil rele'"
}
check 'bash finds its completion' says '^complete -F _vigil vigil$' in_bash
check 'zsh finds its completion' says '^_vigil$' in_zsh
check 'fish finds its completion' says '^release' in_fish
for page in 1/vigil.1 5/vigil-config.5 5/vigil-schema.5; do
    check "the page $page is a whole one" says '^\.Sh SEE ALSO$' cat "$prefix/share/man/man$page"
done

cp examples/queue-and-wait.c "$temp/"
check 'the example builds with the installed files alone' build_example
export VIGIL_DB="$temp/state/vigil.db" VIGIL_CONFIG="$temp/config.json"
echo '{}' >"$VIGIL_CONFIG"
check 'the example queues a task and cancels it' \
    says '^task 1: cancelled$' "$temp/queue-and-wait" --cancel 'Say hello'
check 'its exit status is that of a cancelled task' \
    with_status 1 "$temp/queue-and-wait" --cancel 'Say hello again'
check 'the example explains itself' with_status 2 "$temp/queue-and-wait"
check 'the installed program sees the same tasks' says cancelled "$prefix/bin/vigil" list

check 'make uninstall' make_here uninstall PREFIX="$prefix"
installed "$prefix"
check 'nothing is left' same /dev/null "$temp/found"

mkdir -p "$temp/a home"
check 'a ~ is the home folder in every shell' make_at_home install PREFIX='~/.local'
installed "$temp/a home/.local"
check 'the same files there' same "$temp/expected" "$temp/found"
check 'with DESTDIR too' make_here uninstall PREFIX=/usr DESTDIR="$temp/root"
installed "$temp/root"
check 'nothing is left there' same /dev/null "$temp/found"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
