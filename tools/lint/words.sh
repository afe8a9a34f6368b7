#!/bin/sh
# What no file is to hold: words.sh FILE... (text files). Paths of the machine it was written on; in a lock
# file, another registry than npm's own. The brackets keep the patterns from finding themselves.
set -eu

[ $# -gt 0 ] || {
    echo 'words.sh:0: no file was given'
    exit 1
}
bad=0
paths='(^|[^A-Za-z0-9_.~$}-])/([h]ome/[a-z]|[r]oot/|[w]ork/)'
if grep -nHIE "$paths" "$@" | cut -c 1-200 | sed 's/$/   <- a path of one machine/' | grep .; then
    bad=1
fi
for file; do
    case $file in
    *package-lock.json | *.npmrc)
        if grep -nHE 'https?://' "$file" | grep -vE 'https://registry\.npmjs\.org/' |
            sed 's/$/   <- not registry.npmjs.org/' | grep .; then
            bad=1
        fi
        ;;
    esac
done
exit $bad
