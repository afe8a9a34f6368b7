#!/bin/sh
# Every check of tools/lint finds what it is there to find: in a small tree that it passes, one thing is made
# wrong at a time.
set -eu

cd "$(dirname "$0")/.."
temp=$(mktemp -d "${TMPDIR:-/tmp}/vigil lint.XXXXXX")
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT HUP TERM

cp -R tools/lint "$temp/lint"
mkdir -p "$temp/tools" "$temp/build/gcc/src/core" "$temp/src/core" "$temp/src/base" "$temp/src/store"
mv "$temp/lint" "$temp/tools/lint"
cp .clang-format .clang-tidy "$temp/"
cd "$temp"

echo 'gcc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Isrc -O2' >build/gcc/flags
printf '#!/bin/sh\nexit 0\n' >tools/schema-snapshot
chmod +x tools/schema-snapshot
cat >src/core/decide.h <<'END'
int decide(int);
END
cat >src/core/decide.c <<'END'
#include "core/decide.h"

int
decide(int status)
{
	return status + 1;
}
END
objects() { (cd src/core && for f in *.c; do gcc -O2 -fPIC -I.. -c "$f" -o "../../build/gcc/src/core/${f%.c}.o"; done); }
objects

# In a file: most of what follows is at the end of a pipe, where variables are lost.
result() {
    if [ "$1" = good ]; then
        echo good >>results
    else
        echo bad >>results
        echo "FAILED: $2"
        sed 's/^/  | /' said
    fi
}

# A sound tree passes them all.
if tools/lint/lint >said 2>&1; then result good; else result bad 'the sound tree passes'; fi

# finds CHECK FILE PATTERN: the file, which comes on standard input, makes the check fail with a line that
# matches; without it the tree is sound again.
finds() {
    [ ! -e "$2" ] || cp -p "$2" kept
    mkdir -p "$(dirname "$2")"
    cat >"$2"
    [ "$1" != purity ] || objects
    if tools/lint/lint "$1" >said 2>&1; then
        result bad "$1 passes a bad $2"
    elif grep -q "^FAILED  $1\$" said && grep -qE "$3" said; then
        result good
    else
        result bad "$1 does not say $3 of $2"
    fi
    rm -f "$2"
    [ ! -e kept ] || mv kept "$2"
    [ "$1" != purity ] || { rm -f build/gcc/src/core/*.o && objects; }
}

layer() { printf '#include %s\n' "$2" | finds layers "$1" "^$1:1: .*$3"; }
layer src/core/a.c '"base/buf.h"' 'src/core may not include "base/buf.h"'
layer src/core/a.c '<stdio.h>' 'may not include <stdio.h>'
layer src/base/a.c '"store/store.h"' 'may not include'
layer src/base/a.c '"buf.h"' 'may not include'
layer src/store/a.c '"ops/vigil.h"' 'may not include'
layer src/store/a.c '<curl/curl.h>' 'is for .* alone'
layer src/base/a.c '<sqlite3.h>' 'is for .* alone'
layer src/base/b.h '<cjson/cJSON.h>' 'is for .* alone'
layer src/ops/a.c '<ev.h>' 'is for .* alone'
layer src/cli/a.c '"ops/add.h"' 'may not include'
layer src/main.c '"store/store.h"' 'may not include'
layer src/ops/vigil.h '"base/buf.h"' 'may not include'
layer src/new/a.c '<stdio.h>' 'no rule'

finds purity src/core/decide.c 'decide.o:0: .* calls time$' <<'END'
#include <time.h>
int decide(int status);
int decide(int status) { return (int)time(0) + status; }
END
finds purity src/core/a.c 'a.o:0: .* calls malloc$' <<'END'
#include <stdlib.h>
void *a(void);
void *a(void) { return malloc(1); }
END

banned() { printf 'void f(void);\n/* %s( */ const char *s = "%s(";\n%s(x);\n' "$1" "$1" "$1" | finds banned src/base/a.c "^src/base/a.c:3: .*$1"; }
for name in strcpy strcat sprintf strtok atoi atol system popen gets localtime gmtime malloc realloc strdup calloc; do
    banned $name
done
{
    echo 'x = strtok_r(a, b, &c) + localtime_r(&t, &tm) + my_malloc(1) + it->system(2);'
    echo '/* a comment of strcpy('
    echo ' * two lines: strcpy( */'
} >src/base/a.c
if tools/lint/lint banned >said 2>&1; then result good; else result bad 'what only looks banned passes'; fi
rm src/base/a.c

one() { printf '%s' "$1"; }
{ one 'see /ho' && echo 'me/somebody/x'; } | finds words notes.md '^notes.md:1:.*one machine'
{ one 'see /ro' && echo 'ot/x'; } | finds words notes.md '^notes.md:1:'
{ one 'see /wo' && echo 'rk/x'; } | finds words notes.md '^notes.md:1:'
echo '"resolved": "https://mirror.example/x.tgz"' | finds words package-lock.json '^package-lock.json:1:.*registry'

{
    printf 'int a(int n);\n\nint\na(int n)\n{\n'
    seq 70 | sed 's/.*/	n++;/'
    printf '	return n;\n}\n'
} | finds length src/base/a.c '^src/base/a.c:5: a has 71 lines'
for n in 1 2 3; do
    printf 'int\na%s(int n)\n{\n' $n
    seq 15 | sed 's/.*/	n++;/'
    printf '	return n;\n}\n'
done | finds length src/base/a.c 'median function has 16 lines'

finds format src/base/a.c '^src/base/a.c:1:' <<'END'
int  a( void );
END
# shellcheck disable=SC2016
printf '#!/bin/sh\nrm $1\n' | finds shell tools/a 'tools/a:2:.*SC2086'
printf '#!/bin/sh\nexit 1\n' | finds schema tools/schema-snapshot '.'
finds cppcheck src/base/a.c '^src/base/a.c:5: ' <<'END'
int a(void);
int a(void)
{
	int x[2] = {0, 0};
	return x[2];
}
END
finds tidy src/base/a.c '^src/base/a.c:.*bugprone' <<'END'
#include <string.h>
int a(const char *s);
int a(const char *s)
{
	if (strcmp(s, "x"))
		;
	return (int)sizeof(sizeof(int));
}
END
echo 'int a(' | finds tidy src/base/a.c '^src/base/a.c:1: '

# Nothing to look at is not the same as nothing found.
rm -r src
for name in layers banned length format tidy purity; do
    [ $name != purity ] || rm -r build
    if tools/lint/lint $name >said 2>&1; then result bad "$name passes an empty tree"; else result good; fi
done

failed=$(grep -c bad results || true)
echo "$(grep -c good results) passed, $failed failed"
[ "$failed" -eq 0 ]
