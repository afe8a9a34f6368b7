#!/bin/sh
# The manual against the program: commands, options, settings, tables, columns, statuses, error kinds, events,
# variables and exit statuses are the same in both, its examples work, and it can be read. $VIGIL is the
# program. The last line is "N passed, N failed".
#
# What it finds is mended in man/*.in, or where tools/manual has the text from: a new command wants a line
# "@command NAME" in man/vigil.1.in, a new section of settings "@settings SECTION" in man/vigil-config.5.in; what
# there is to say about options, settings and columns is said in the program's own tables, and in migrations/.
set -u

here=$(realpath "$(dirname "$0")/../..") || exit 1
vigil=$(realpath "${VIGIL:?the program to test}") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT HUP TERM
cd "$work" || exit 1
unset VIGIL_DB VIGIL_CONFIG
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config" LC_ALL=C.UTF-8
backspace=$(printf '\b')
db=$work/state/vigil/vigil.db
passed=0
failed=0

# ---- what the program has ----------------------------------------------------------------------------

says_commands() { "$vigil" help | sed -n '/^commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'; }
# option_lines TITLE < help: "-a --agent NAME", for each
option_lines() {
    sed -n "/^$1:/,/^\$/p" | sed -n 's/^  \(..\)[, ] \(--[a-z][^ ]*\( [^ ]*\)\{0,1\}\).*/\1 \2/p' |
        sed 's/^  *//; s/ *$//'
}
# What each command takes: "add -a --agent NAME".
says_options() {
    for command in $(says_commands); do
        "$vigil" help "$command" | option_lines options | sed "s/^/$command /"
    done
    "$vigil" help | option_lines 'options of every command' | sed 's/^/every /'
}
says_settings() { sed -n 's/^[SL][A-Z]*("\([^"]*\)".*/\1/p' "$here/src/config/settings.def"; }
says_columns() {
    sqlite3 "$db" "SELECT t.name || '.' || c.name FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c
        WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite%'"
}
says_statuses() { "$vigil" list --status nonsense 2>&1 | sed 's/.*there are //; s/, /\n/g'; }
says_error_kinds() {
    sqlite3 "$db" "SELECT sql FROM sqlite_schema WHERE name = 'tasks'" |
        sed -n "s/.*CHECK (error_kind IN (\([^)]*\)).*/\1/p" | tr -d "' " | tr ',' '\n'
}
# Those that triggers write, and those of a runner, one of which a statement has. A status is an event as well, and is not meant here.
says_events() {
    {
        sqlite3 "$db" "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%INSERT INTO events%'" |
            sed -n "/INSERT INTO events/,/;/p" | grep -oE "(VALUES|iif)\(NEW\.[a-z_.]+.*|(, |\()'[a-z]+'" |
            grep -oE "'[a-z]+'" | tr -d "'"
        awk '/^event_kind\(/, /^}/' "$here/src/store/apply.c" | grep -oE '"[^"]*"|EV_(SESSION|CANCEL)\>' |
            sed 's/^EV_//' | tr '[:upper:]' '[:lower:]' | tr -d '"'
        sed -n '/^INSERT INTO events/,/;/p' "$here/src/store/queries/runner.sql" | sed -n "s/.*, '\([a-z ]*\)',\$/\1/p"
    } | grep -vx person
}
# What only tests set is not for the manual.
says_variables() {
    grep -rhoE '(getenv|environment_get|environment_file)\(\s*"[A-Z_]+"' "$here/src" | grep -oE '[A-Z_]{2,}' |
        grep -vxE 'VIGIL_FAILPOINT|VIGIL_WEDGED_MS'
    sed -n 's/.*"server.password_env".*\\"\([A-Z_]*\)\\".*/\1/p' "$here/src/config/settings.def"
}
says_exits() { sed -n '/^enum vigil_result {/,/^}/s/.* = \([0-9]\),.*/\1/p' "$here/src/ops/vigil.h"; }

# ---- what the manual has: of the pages in a folder ---------------------------------------------------

section() { sed -n "/^\.S[hs] $2\$/,/^\.S[h] /p" "$1"; }
plain() { sed 's/\\-/-/g; s/\\&//g; s/\\(aq/'\''/g'; }
manual_commands() { section "$1/vigil.1" COMMANDS | sed -n 's/^\.It Ic \([a-z]*\).*/\1/p'; }
manual_options() {
    {
        section "$1/vigil.1" COMMANDS
        section "$1/vigil.1" OPTIONS | sed 's/^\.Sh OPTIONS/.It Ic every/'
    } | plain | sed -n '/^\.It \(Ic\|Fl\) /p' | sed 's/^\.It Fl \(.\) , Fl -/.It -\1 --/; s/^\.It Fl -/.It --/
        s/ Ar / /' | awk '$2 == "Ic" { command = $3; next } { $1 = command; print }'
}
manual_settings() { section "$1/vigil-config.5" SETTINGS | sed -n 's/^\.It Va \([a-z].*\)/\1/p' | grep -v '^agents\.'; }
manual_columns() {
    sed -n '/^\.Sh TABLES/,/^\.Sh EVENTS/p' "$1/vigil-schema.5" |
        awk '$1 == ".Ss" { table = $2 } $1 == ".It" { print table "." $3 }'
}
words_of() { section "$1" "$2" | sed -n 's/^\.It Sy //p' | sed 's/ , /\n/g'; }
manual_statuses() { sed -n '/^\.Ss The life of a task/,/^\.Sh/p' "$1/vigil.1" | sed -n 's/^\.It Sy //p'; }
manual_error_kinds() { words_of "$1/vigil.1" 'ERROR KINDS'; }
manual_events() { words_of "$1/vigil-schema.5" EVENTS; }
manual_variables() { section "$1/vigil.1" ENVIRONMENT | sed -n 's/^\.It Ev //p' | sed 's/ , /\n/g'; }
manual_exits() { section "$1/vigil.1" 'EXIT STATUS' | sed -n 's/^\.It \([0-9]\)$/\1/p'; }

# ---- the comparison ----------------------------------------------------------------------------------

every='commands options settings columns statuses error_kinds events variables exits'

# Prints what one has and the other has not. An empty list is a reader that finds nothing any more.
compare() {
    for what in $every; do
        "manual_$what" "$1" | sort >manual
        [ -s "says-$what" ] || echo "the program has no $what"
        comm -23 "says-$what" manual | sed "s/^/$what: not in the manual: /"
        comm -13 "says-$what" manual | sed "s/^/$what: in the manual alone, or twice: /"
    done
}
# What is not laid out as it should be. The pages refer to manuals that may not be here.
lint() {
    for page in "$1"/*; do
        mandoc -Tlint "$page" 2>/dev/null | grep -vE 'referenced manual not found|operating system explicitly'
        groff -ww -mdoc -Tutf8 "$page" 2>&1 >rendered | sed 's/^/groff: /'
        awk 'length > 80 { print FILENAME ": too wide: " $0 }' "$page"
        for form in "mandoc -Tascii -O width=78" "groff -mdoc -Tascii -P-cbou -rLL=78n"; do
            $form "$page" 2>&1 | sed "s/.$backspace//g" | awk -v form="$form" 'length > 80 { print form ": too wide: " $0 }'
        done
    done
}
# The blocks of a page that hold a word, each with a line "==" before it.
examples() { awk '/^\.Bd -literal/ { on = 1; print "=="; next } /^\.Ed/ { on = 0 } on' "$1" | plain; }

# is NAME EXPECTED FOUND
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok: %s:\n' "$1"
        printf '%s\n' "$3" | sed 's/^/    /'
    fi
}

# Something in which tables and examples find what they look for.
for i in 1 2 3 4 5; do "$vigil" add -C / "$i" >>ids; done
sqlite3 "$db" "WITH RECURSIVE n(i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < 41)
    INSERT INTO tasks (prompt) SELECT i FROM n"
for what in $every; do
    "says_$what" | sort -u >"says-$what"
done

for reader in mandoc groff; do
    is "$reader is there" "$reader" "$(basename "$(command -v $reader)")"
done
"$here/tools/manual" "$vigil" pages || exit 1
is 'the manual has what the program has' '' "$(compare pages)"
is 'it is laid out as it should be' '' "$(lint pages)"
is 'a column has no words about the one behind it' 0 "$(grep -c 'control characters beyond' pages/vigil-schema.5)"

# ---- its examples ------------------------------------------------------------------------------------

# Every command line has a command that there is, with options that it takes.
wrong_commands() {
    cat "$1"/* | plain | sed -n 's/^\.Bd.*//; s/.*\<vigil \([a-z]*\)\>\(.*\)/\1 \2/p; s/^\.Nm vigil Cm \([a-z]*\)\(.*\)/\1 \2/p
        s/^\.Nm Cm \([a-z]*\)\(.*\)/\1 \2/p' | sed 's/ Fl -/ --/g' | while read -r command rest; do
        grep -qx "$command" says-commands || continue
        for option in $(printf '%s\n' "$rest" | grep -oE '(^| )--[a-z-]+'); do
            grep -qE "^($command|every) .*$option( |\$)" says-options || echo "vigil $command has no $option"
        done
    done
    cat "$1"/* | sed -n 's/^\.Nm Cm \([a-z]*\).*/\1/p; s/^\.Nm vigil Cm \([a-z]*\).*/\1/p
        s/^\$ vigil \([a-z]*\).*/\1/p' | sort -u | comm -23 - says-commands
}
is 'it names no command or option that there is not' '' "$(wrong_commands pages)"

count=0
examples pages/vigil-config.5 | awk '/^==/ { n++; next } { print >("config-" n ".json") }'
for config in config-*.json; do
    count=$((count + 1))
    is "$config of the examples" '' "$("$vigil" --config "$config" list 2>&1 >/dev/null)"
done
is 'examples of a configuration' 2 $count

# What the manual calls defaults are values that are accepted.
section pages/vigil-config.5 SETTINGS | plain | awk '/^\.It Va/ { key = $3 } /^Default: / && key !~ /^agents/ {
    sub(/^Default: /, ""); sub(/\.$/, ""); print key "\t" $0 }' >defaults
while IFS="$(printf '\t')" read -r key value; do
    case $key in
    *.*) printf '{ "%s": { "%s": %s } }' "${key%%.*}" "${key#*.}" "$value" ;;
    *) printf '{ "%s": %s }' "$key" "$value" ;;
    esac >default.json
    is "the default of $key" '' "$("$vigil" --config default.json list 2>&1 >/dev/null)"
done <defaults
is 'each setting has its default' "$(wc -l <says-settings)" "$(wc -l <defaults)"

examples pages/vigil-schema.5 | sed 's/^==$//' >examples.sql
is 'examples of SQL' '' "$(sqlite3 -bail "$db" <examples.sql 2>&1 >answers)"
is 'they have changed what they say' '43|queued|41' "$(sqlite3 "$db" "SELECT id, status, needs_id FROM tasks
    JOIN dependencies ON task_id = id")"

# ---- would it be found? ------------------------------------------------------------------------------

# stale NAME PAGE SED: a page that has lost something, or has too much, is found out
stale() {
    rm -rf stale
    cp -r pages stale
    sed "$3" "pages/$2" >"stale/$2"
    if cmp -s "pages/$2" "stale/$2"; then
        is "$1" 'a page that is changed' 'it is as before'
    elif [ -n "$(compare stale)" ] || [ -n "$(wrong_commands stale)" ] || [ -n "$(lint stale)" ]; then
        is "$1" '' ''
    else
        is "$1" 'is found' 'was not found'
    fi
}
stale 'a command that is missing' vigil.1 '/^\.It Ic hold/d'
stale 'a command that there is not' vigil.1 's/^\.It Ic hold/.It Ic holt/'
stale 'an option that is missing' vigil.1 '/^\.It Fl .*priority/d'
stale 'an option with another argument' vigil.1 's/priority Ar N$/priority Ar M/'
stale 'an option with another letter' vigil.1 's/^\.It Fl a ,/.It Fl b ,/'
stale 'a general option that is missing' vigil.1 '/^\.It Fl .*config/d'
stale 'an option of an example that there is not' vigil.1 's/add \\-\\-file/add \\-\\-fiel/'
stale 'a command in the text that there is not' vigil.1 's/^\.Nm Cm doctor/.Nm Cm docter/'
stale 'a setting that is missing' vigil-config.5 '/^\.It Va task.stall/d'
stale 'a setting that there is not' vigil-config.5 's/^\.It Va task.stall/.It Va task.stalled/'
stale 'a column that is missing' vigil-schema.5 '/^\.It Va not_before/d'
stale 'a table that is missing' vigil-schema.5 '/^\.Ss asks/d'
stale 'a column of a view that there is not' vigil-schema.5 's/^\.It Va reason/.It Va reasons/'
stale 'a status that is missing' vigil.1 '/^\.It Sy held/d'
stale 'an error kind that is missing' vigil.1 '/^\.It Sy lost/d'
stale 'an event that is missing' vigil-schema.5 '/^\.It Sy sent again/d'
stale 'an event that there is not' vigil-schema.5 's/^\.It Sy gone/.It Sy went/'
stale 'a variable that is missing' vigil.1 '/^\.It Ev NO_COLOR/d'
stale 'an exit status that is missing' vigil.1 '/^\.It 4/d'
stale 'a macro that there is not' vigil.1 's/^\.Nm Cm doctor/.Xx/'
stale 'a line that is too wide' vigil.1 "s/^\\\$ vigil show 3/$(printf '%081d' 0)/"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
