# Includes point down only: awk -f layers.awk layers.txt FILE...

function complain(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}

# The rule for a file: its own, else its folder's.
function rule_of(file,    folder) {
    if (file in allowed)
        return file
    folder = file
    sub("/[^/]*$", "", folder)
    return (folder in allowed) ? folder : ""
}

function may(rule, header,    count, items, i) {
    count = split(allowed[rule], items, " ")
    for (i = 1; i <= count; i++)
        if (header == items[i] || (items[i] !~ /[<.]/ && index(header, items[i] "/") == 1))
            return 1
    return 0
}

function among(file, places,    count, items, i) {
    count = split(places, items, " ")
    for (i = 1; i <= count; i++)
        if (file ~ "^" items[i] "$")
            return 1
    return 0
}

function rest(from,    text, i) {
    text = ""
    for (i = from; i <= NF; i++)
        text = text " " $i
    return text
}

FNR == 1 { files++ }

files == 1 && $1 == "in" { allowed[$2] = rest(3) }
files == 1 && $1 == "only" { only[$2] = rest(3) }
files == 1 && NF && $1 !~ /^(#|in$|only$)/ { complain("not a rule: " $0) }
files == 1 { next }

FNR == 1 {
    rule = rule_of(FILENAME)
    if (rule == "")
        complain("no rule for this folder in tools/lint/layers.txt")
}

match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*[>"]/) {
    header = substr($0, RSTART, RLENGTH)
    sub(/^[^<"]*/, "", header)
    for (pattern in only)
        if (header ~ pattern && !among(FILENAME, only[pattern]))
            complain(header " is for" only[pattern] " alone")
    if (rule == "")
        next
    if (header ~ /^</) {
        if (allowed[rule] ~ /</ && !may(rule, header))
            complain(rule " may not include " header)
    } else {
        gsub(/"/, "", header)
        if (!may(rule, header))
            complain(rule " may not include \"" header "\"")
    }
}

END {
    if (files < 2) {
        print "layers.awk: no source was given"
        bad = 1
    }
    exit bad
}
