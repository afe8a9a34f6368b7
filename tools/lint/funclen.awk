# No function longer than `max` lines, and a median of at most `median`: awk -v max=70 -v median=15 -f ...
# A function is what clang-format leaves of one: a "{" and a "}" alone in the first column. Tables begin
# with "= {" and are not counted. `median` may be left out.

/^[A-Za-z_].*[(]/ { name = $0; sub(/[(].*/, "", name); sub(/.*[ *]/, "", name) }
# START_TEST(name)
/^START_TEST[(]/ { name = $0; sub(/.*[(]/, "", name); sub(/[)].*/, "", name) }
FNR == 1 { start = 0 }
/^{$/ { start = FNR }
/^}$/ && start {
    lines = FNR - start - 1
    length_of[++count] = lines
    if (lines > max) {
        printf "%s:%d: %s has %d lines, more than %d\n", FILENAME, start, name, lines, max
        bad = 1
    }
    start = 0
}

# Few distinct values: count them, do not sort them.
END {
    if (!count) {
        print "funclen.awk: no function found"
        exit 1
    }
    for (i = 1; i <= count; i++)
        histogram[length_of[i]]++
    seen = 0
    middle = p90 = -1
    for (lines = 0; p90 < 0; lines++) {
        seen += histogram[lines]
        if (middle < 0 && seen * 2 >= count)
            middle = lines
        if (seen * 10 >= count * 9)
            p90 = lines
    }
    printf "%d functions, median %d lines, p90 %d\n", count, middle, p90 >"/dev/stderr"
    if (median && middle > median) {
        printf "src:0: the median function has %d lines, more than %d\n", middle, median
        bad = 1
    }
    exit bad
}
