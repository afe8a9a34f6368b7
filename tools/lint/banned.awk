# Functions that are not to be called, outside comments and strings: awk -f banned.awk FILE...

BEGIN {
    before = "(^|[^A-Za-z0-9_.>])"
    unsafe = before "(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|system|popen|gets|localtime|gmtime|ctime|asctime|tmpnam|mktemp|rand|alloca)[ \t]*[(]"
    raw = before "(malloc|calloc|realloc|strdup|strndup)[ \t]*[(]"
}

FNR == 1 { in_comment = 0 }

{
    code = ""
    line = $0
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            if (!end)
                break
            line = substr(line, end + 2)
            in_comment = 0
        } else if (match(line, /\/\*|\/\/|"|'/)) {
            code = code substr(line, 1, RSTART - 1)
            mark = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            if (mark == "//")
                break
            if (mark == "/*")
                in_comment = 1
            else if (mark == "\"" ? match(line, /^([^"\\]|\\.)*"/) : match(line, /^([^'\\]|\\.)*'/))
                line = substr(line, RLENGTH + 1)
        } else {
            code = code line
            line = ""
        }
    }
    if (code ~ unsafe)
        complain("a banned function: " call(unsafe))
    if (FILENAME ~ /^src\// && FILENAME != "src/base/buf.c" && code ~ raw)
        complain("memory is had from base/buf.h: " call(raw))
}

function call(pattern,    name) {
    match(code, pattern)
    name = substr(code, RSTART, RLENGTH)
    gsub(/[^A-Za-z0-9_]/, "", name)
    return name "()"
}

function complain(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}

END { exit bad }
