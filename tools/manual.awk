# A page of the manual from man/*.in, for tools/manual, which says what the lines that begin with "@" stand for.
# The page is in mdoc(7).

function fail(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what >"/dev/stderr"
    failed = 1
    exit 1
}

# ---- text as mdoc takes it --------------------------------------------------------------------------

function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/…/, "...", text)
    gsub(/'/, "\\(aq", text)
    gsub(/`/, "\\(ga", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    gsub(/-/, "\\-", text)
    gsub(/\(\)/, "(\\\\\\&)", text) # max(): else mandoc asks for a macro
    return text
}

# Of a macro's line, where a word may be taken for a macro and a quote for one.
function argument(text) {
    text = escaped(text)
    gsub(/"/, "\\(dq", text)
    return text ~ /^[A-Z][a-z]$/ ? "\\&" text : text
}

function sentence(text) {
    sub(/^ +/, "", text)
    sub(/ +$/, "", text)
    if (text == "")
        return ""
    if (text !~ /^[a-z]+[_.\/]/)
        text = toupper(substr(text, 1, 1)) substr(text, 2)
    return text ~ /([.:!?]|…)$/ ? text : text "."
}

# A new sentence on a new line, and no line that is too long.
function print_text(text, line, word, words, count, i) {
    count = split(escaped(text), words, / +/)
    line = ""
    for (i = 1; i <= count; i++) {
        word = words[i]
        if (line != "" && (length(line) + length(word) > 75 || ends_sentence(line))) {
            print_line(line)
            line = ""
        }
        line = line (line == "" ? "" : " ") word
    }
    if (line != "")
        print_line(line)
}

function ends_sentence(line) {
    return line ~ /[.!?]\)?$/ && line !~ /\.\.\.$/
}

function print_line(line) {
    print (line ~ /^[.']/ ? "\\&" : "") line
}

# ---- commands ---------------------------------------------------------------------------------------

# "[ID …]" to "Oo Ar ID ... Oc", "--all" to "Fl \-all".
function synopsis(operands, words, count, i, out, closes) {
    count = split(operands, words, / +/)
    out = ""
    for (i = 1; i <= count; i++) {
        if (words[i] == "")
            continue
        if (sub(/^\[/, "", words[i]))
            out = out " Oo"
        closes = sub(/\]$/, "", words[i])
        if (words[i] == "|" || words[i] == "…")
            out = out " " escaped(words[i])
        else if (words[i] ~ /^--/)
            out = out " Fl \\-" escaped(substr(words[i], 3))
        else
            out = out " Ar " argument(words[i])
        if (closes)
            out = out " Oc"
    }
    return out
}

# "  -a, --agent NAME  who does it"
function print_option(line, form, help, letter, words, count) {
    letter = substr(line, 4, 1)
    line = substr(line, 7)
    form = line
    sub(/  .*/, "", form)
    help = substr(line, length(form) + 1)
    if (help == "" && (getline help <file) <= 0)
        help = ""
    count = split(form, words, " ")
    if (words[1] !~ /^--/)
        fail("an option of " file " is not as vigil help prints them: " line)
    line = ".It " (letter == " " ? "" : "Fl " letter " , ") "Fl \\-" substr(words[1], 3)
    if (count > 1)
        line = line " Ar " argument(substr(form, length(words[1]) + 2))
    print line
    print_text(sentence(help))
}

function flush_paragraph() {
    if (paragraph != "") {
        print ".Pp"
        print_text(sentence(paragraph))
    }
    paragraph = ""
}

function print_options(title, line, begun) {
    while ((getline line <file) > 0 && line != "") {
        if (!begun++)
            print title
        print_option(line)
    }
    if (begun)
        print ".El"
}

function print_command(name, line, part) {
    file = work "/help-" name
    if ((getline line <file) <= 0)
        fail("there is no command '" name "'")
    sub("^usage: vigil " name, "", line)
    print ".It Ic " argument(name) synopsis(line)
    part = 0
    while ((getline line <file) > 0) {
        if (line ~ /^options( of every command)?:$/) {
            flush_paragraph()
            if (line == "options:")
                print_options(".Pp\n.Bl -tag -width Ds -compact")
            break
        }
        if (line == "")
            flush_paragraph()
        else if (++part == 1)
            print_text(sentence(line))
        else {
            if (line ~ /^exit status:/)
                flush_paragraph()
            paragraph = paragraph (paragraph == "" ? "" : " ") line
        }
    }
    close(file)
}

function print_general_options(line) {
    file = work "/help"
    while ((getline line <file) > 0 && line !~ /^options of every command:$/)
        continue
    print_options(".Bl -tag -width Ds")
    close(file)
}

# ---- settings ---------------------------------------------------------------------------------------

# A call's text of that number, as C has it.
function quoted(call, number, rest, text) {
    rest = call
    while (match(rest, /"([^"\\]|\\.)*"/)) {
        text = substr(rest, RSTART + 1, RLENGTH - 2)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/\\"/, "\"", text)
        if (--number == 0)
            return text
    }
    return ""
}

function read_settings(line, call, key) {
    file = work "/accepted"
    while ((getline line <file) > 0)
        accepts[substr(line, 1, index(line, "\t") - 1)] = substr(line, index(line, "\t") + 1)
    close(file)
    file = "src/config/settings.def"
    while ((getline line <file) > 0) {
        if (call == "" && line !~ /^(SETTING|LATER)\(/)
            continue
        call = call line
        if (line !~ /\)$/)
            continue
        key = quoted(call, 1)
        keys[++setting_count] = key
        default_of[key] = quoted(call, 2)
        help_of[key] = quoted(call, 3)
        call = ""
    }
    close(file)
}

function section_of(key) {
    return index(key, ".") ? substr(key, 1, index(key, ".") - 1) : ""
}

function print_settings(section, i, key, found) {
    for (i = 1; i <= setting_count; i++) {
        key = keys[i]
        if (accepts[key] == "later" || section_of(key) != section)
            continue
        if (!found++)
            print ".Bl -tag -width Ds"
        print ".It Va " argument(key)
        print_text(sentence(help_of[key]))
        print_text("It is " accepts[key] ".")
        print_text("Default: " default_of[key] ".")
    }
    if (!found)
        fail("there is no setting in the section '" section "'")
    print ".El"
}

function print_later(i, key) {
    print ".Bl -tag -width limits.per_directory -compact"
    for (i = 1; i <= setting_count; i++) {
        key = keys[i]
        if (accepts[key] != "later")
            continue
        print ".It Va " argument(key)
        print_text(sentence(help_of[key]) " Default: " default_of[key] ".")
    }
    print ".El"
}

# ---- the schema -------------------------------------------------------------------------------------

function comment_of(line) {
    return match(line, /(^|[ \t])-- /) ? substr(line, RSTART + RLENGTH) : ""
}

function code_of(line) {
    return match(line, /[ \t]*-- /) ? substr(line, 1, RSTART - 1) : line
}

function add_column(name, about) {
    column[++columns] = name
    saying[columns] = about
    type[columns] = rule[columns] = ""
}

function add_words(old, more) {
    return old (old == "" || more == "" ? "" : " ") more
}

# A table's line: a column, or what is said of the one before. A comment at the margin is about how a column is
# made, which is nobody's business who reads it.
function read_table_line(line, code, name, found) {
    code = code_of(line)
    if (match(code, /^\t[a-z_0-9]+ +(INTEGER|TEXT|REAL|BLOB|ANY)( |,|$)/)) {
        name = substr(code, 2)
        sub(/ .*/, "", name)
        add_column(name, comment_of(line))
        type[columns] = tolower(code)
        sub(/^\t[a-z_0-9]+ +/, "", type[columns])
        sub(/[ ,].*/, "", type[columns])
        if (match(code, /DEFAULT ('[^']*'|[-0-9.]+)/))
            type[columns] = type[columns] ", default " substr(code, RSTART + 8, RLENGTH - 8)
        else if (code ~ /DEFAULT \(strftime/)
            type[columns] = type[columns] ", default now"
        else if (code ~ /NOT NULL/)
            type[columns] = type[columns] ", never NULL"
        if (code ~ /strftime/)
            sub(/^text/, "time", type[columns])
    } else if (code ~ /^[ \t]*$/ && line !~ /^\t-- /) {
        saying[columns] = add_words(saying[columns], comment_of(line))
    }
    if (columns && code ~ /^\t\t.* IS strftime/)
        sub(/^text/, "time", type[columns])
    if (code !~ / is a UTC time like / && match(code, /CONSTRAINT "[^"]*"/)) {
        found = sentence(substr(code, RSTART + 12, RLENGTH - 13))
        if (code ~ /^\tCONSTRAINT/)
            rules = add_words(rules, found)
        else
            rule[columns] = add_words(rule[columns], found)
    } else if (rule[columns] == "" && match(code, /CHECK \([a-z_]+ IN \('[^)]*\)/)) {
        found = substr(code, RSTART, RLENGTH)
        sub(/.* IN \(/, "", found)
        sub(/\)$/, "", found)
        gsub(/'/, "", found)
        rule[columns] = "One of " found "."
    }
}

# What is selected, up to the FROM of the view itself. A comment is about the columns that end on its line, or
# else about the one that goes on.
function read_view_line(line, code, at, c, word, first, i) {
    code = code_of(line)
    gsub(/'[^']*'/, "''", code)
    first = columns + 1
    for (at = 1; at <= length(code) + 1 && !view_ended; at++) {
        c = substr(code " ", at, 1)
        if (c ~ /[A-Za-z_0-9]/) {
            word = word c
            continue
        }
        if (word == "CASE")
            depth++
        else if (word == "END")
            depth--
        else if (word == "FROM" && depth == 0)
            view_ended = 1
        else if (word != "" && word !~ /^(SELECT|CREATE|VIEW|AS|DISTINCT)$/ && depth == 0)
            name = word
        if ((c == "," || view_ended) && depth == 0) {
            add_column(name, carried)
            carried = ""
        }
        word = ""
        if (c == "(")
            depth++
        else if (c == ")")
            depth--
    }
    if (comment_of(line) == "")
        return
    if (columns >= first)
        for (i = first; i <= columns; i++)
            saying[i] = add_words(saying[i], comment_of(line))
    else if (code ~ /^[ \t]*$/ && carried == "" && columns)
        saying[columns] = add_words(saying[columns], comment_of(line))
    else
        carried = add_words(carried, comment_of(line))
}

function print_columns(i, about) {
    print ".Bl -tag -width tokens_cache_write -compact"
    for (i = 1; i <= columns; i++) {
        print ".It Va " argument(column[i])
        about = add_words(sentence(saying[i]), rule[i])
        print_text(type[i] == "" ? about : add_words(sentence(type[i]), about))
        if (type[i] == "" && about == "")
            print "\\&"
    }
    print ".El"
}

function begin_relation(line) {
    columns = depth = view_ended = 0
    rules = name = carried = ""
    return comment_of(line)
}

function end_relation(title, about) {
    print ".Ss " title
    if (about != "") {
        print_text(sentence(about))
        print ".Pp"
    }
    print_columns()
    if (rules != "") {
        print ".Pp"
        print_text(rules)
    }
}

function print_tables(line, about, table) {
    file = "schema/schema.sql"
    while ((getline line <file) > 0)
        if (match(line, /^CREATE TABLE [a-z_]+/)) {
            table = substr(line, 14, RLENGTH - 13)
            about = begin_relation(line)
        } else if (table != "" && line ~ /^\)/) {
            end_relation(table, about)
            table = ""
        } else if (table != "" && !columns && line ~ /^[ \t]*-- /) {
            about = add_words(about, comment_of(line))
        } else if (table != "") {
            read_table_line(line)
        }
    close(file)
}

function print_views(line, about, view) {
    file = "schema/schema.sql"
    while ((getline line <file) > 0)
        if (match(line, /^CREATE VIEW [a-z_]+/)) {
            view = substr(line, 13, RLENGTH - 12)
            about = begin_relation(line)
        } else if (view != "" && !columns && name == "" && line ~ /^[ \t]*-- /) {
            about = add_words(about, comment_of(line))
        } else if (view != "") {
            if (!view_ended)
                read_view_line(line)
            if (view_ended) {
                end_relation(view, about)
                view = ""
            }
        }
    close(file)
}

# ---- the page ---------------------------------------------------------------------------------------

BEGIN {
    read_settings()
    print ".\\\" Made by tools/manual: edits are lost."
}
/^@command / { print_command($2); next }
/^@options$/ { print_general_options(); next }
/^@settings / { print_settings($2 == "\"\"" ? "" : $2); next }
/^@later$/ { print_later(); next }
/^@tables$/ { print_tables(); next }
/^@views$/ { print_views(); next }
/^@/ { fail("it is not known what this stands for: " $0) }
{
    gsub(/@version@/, version)
    print
}
END { exit failed }
