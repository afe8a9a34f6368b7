#!/bin/sh
# The core calls nothing but itself: purity.sh FOLDER, with the objects of a plain build of src/core.
# decide.o may need memcpy and memset, which compilers put there by themselves; the others may look at strings
# too.
set -eu

folder=$1
[ -f "$folder/decide.o" ] || {
    echo "$folder/decide.o:0: is not there"
    exit 1
}
own=$(nm --defined-only -g "$folder"/*.o | awk 'NF == 3 { print $3 }')
bad=0
for object in "$folder"/*.o; do
    allowed='memcpy memset'
    case $object in
    */decide.o) ;;
    *) allowed="$allowed memcmp memchr strcmp strncmp strlen strchr strrchr strstr strspn strcspn" ;;
    esac
    for symbol in $(nm -u "$object" | awk '{ print $2 }'); do
        case " $allowed $(echo "$own" | tr '\n' ' ')" in
        *" $symbol "*) ;;
        *)
            echo "$object:0: is to be pure, and calls $symbol"
            bad=1
            ;;
        esac
    done
done
exit $bad
