# SQL as C, on standard output.
#
#   awk -v mode=queries -f tools/embed-sql.awk src/store/queries/*.sql > queries.inc
#       one line for each statement under a "-- name: snake_case" header:
#       Q(name, "text", why), where why is the text after "-- scan:", or NULL
#
#   awk -v mode=migrations -f tools/embed-sql.awk migrations/*.sql > migrations.inc
#       the text of each NNNN_name.sql as an array of lines (C11 promises no string over 4095
#       bytes), and a table of them in the order given
#
# Comments that have a line to themselves are left out of queries; migrations are kept as they are,
# since SQLite stores a table's text with its comments.

function fail(sentence) {
	print FILENAME ":" FNR ": " sentence > "/dev/stderr"
	failed = 1
	exit 1
}

# Every `old` in `text` becomes `new`: gsub's own backslashes differ from awk to awk.
function swap(text, old, new,    at, out) {
	out = ""
	while ((at = index(text, old)) > 0) {
		out = out substr(text, 1, at - 1) new
		text = substr(text, at + length(old))
	}
	return out text
}

function quoted(text) {
	text = swap(text, "\\", "\\\\")
	text = swap(text, "\"", "\\\"")
	return "\"" swap(text, "?", "\\?")
}

function end_query() {
	if (name == "")
		return
	sub(/[;[:space:]]+$/, "", sql)
	if (sql == "")
		fail("the query " name " is empty")
	if (length(sql) > 4000)
		fail("the query " name " is longer than a C string may be: split it")
	text = swap(quoted(sql), "\n", "\\n")
	print "Q(" name ", " text "\", " (why == "" ? "NULL" : quoted(why) "\"") ")"
	name = ""
}

function query_line(line) {
	if (line ~ /^-- name:/) {
		end_query()
		name = substr(line, 9)
		gsub(/[[:space:]]/, "", name)
		if (name !~ /^[a-z][a-z0-9_]*$/)
			fail("a query's name is in snake_case, not \"" name "\"")
		if (name in seen)
			fail("the query " name " is already in " seen[name])
		seen[name] = FILENAME
		sql = why = ""
	} else if (line ~ /^-- scan:/) {
		why = line
		sub(/^-- scan:[[:space:]]*/, "", why)
		if (name == "" || why == "")
			fail("-- scan: belongs into a query, with a reason")
	} else if (line ~ /^[[:space:]]*--/ || line ~ /^[[:space:]]*$/) {
		return
	} else if (name == "") {
		fail("SQL before the first -- name:")
	} else {
		sql = sql line "\n"
	}
}

function begin_migration(    file) {
	file = FILENAME
	sub(/^.*\//, "", file)
	if (file !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+\.sql$/)
		fail("a migration is called NNNN_name.sql")
	end_migration()
	count++
	if (substr(file, 1, 4) + 0 != count)
		fail("migrations are numbered from 0001 without a gap")
	table = table "\t{" count ", \"" substr(file, 6, length(file) - 9) "\", migration_" count "},\n"
	print "static const char *const migration_" count "[] = {"
}

function end_migration() {
	if (count > 0)
		print "\tNULL,\n};"
}

mode == "migrations" && FNR == 1 { begin_migration() }
mode == "migrations" { print "\t" quoted($0) "\\n\"," }
mode == "queries" && FNR == 1 { end_query() }
mode == "queries" { query_line($0) }

END {
	if (failed)
		exit 1
	if (mode == "queries")
		end_query()
	if (mode == "migrations") {
		end_migration()
		print "static const struct migration migrations[] = {\n" table "};"
	}
	if (failed)
		exit 1
}
