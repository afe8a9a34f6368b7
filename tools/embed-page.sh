#!/bin/sh
# Files of a web page as C, on standard output: each as an array of lines (C11 promises no string over 4095
# bytes), and the hash by which a Content-Security-Policy lets it in.
#
#   tools/embed-page.sh report.css report.js > page.inc
#       static const char *const report_css[] = {…, NULL}; #define report_css_hash "sha256-…"
set -eu

for file; do
    name=$(basename "$file" | tr '.-' '__')
    awk -v name="$name" '
    BEGIN { print "static const char *const " name "[] = {" }
    { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\?/, "\\?"); print "\t\"" $0 "\\n\"," }
    END { print "\tNULL,\n};" }' "$file"
    sha256sum <"$file" | awk -v name="$name" '
    function value(digit) { return index("0123456789abcdef", digit) - 1 }
    {
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (i = 1; i <= 64; i += 3) { # three digits are two letters
            bits = value(substr($1, i, 1)) * 256
            if (i + 1 <= 64) bits += value(substr($1, i + 1, 1)) * 16 + value(substr($1, i + 2, 1))
            out = out substr(letters, int(bits / 64) + 1, 1)
            if (i + 1 <= 64) out = out substr(letters, bits % 64 + 1, 1)
        }
        print "#define " name "_hash \"sha256-" out "=\""
    }'
done
