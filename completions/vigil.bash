# shellcheck shell=bash
# Completion for bash, with and without the package bash-completion. What may stand next is not known here:
# vigil complete says it.

_vigil() {
    local rest=${COMP_LINE:0:COMP_POINT} blanks word part line value i
    local tab=$'\t'
    local -a words=()
    COMPREPLY=()

    # bash cuts words at "=" and ":" as well; vigil is to have them whole.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blanks=${rest%%[![:space:]]*}
        rest=${rest#"$blanks"}
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then word=$rest; fi # up to the cursor
        rest=${rest#"$word"}
        part=$word
        # Quotes as they were typed. Nothing is expanded: there may be anything in it.
        word=${word//[\\\"\']/}
        if ((i > 0)) && [[ -z $blanks ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("${word/#\~\//$HOME/}")
        fi
    done

    # What stands before the part that bash replaces is not to be repeated.
    if [[ $part == [=:] ]]; then part=; fi
    word=${words[${#words[@]} - 1]}
    local prefix=${word%"${part//[\\\"\']/}"}

    local -a values=() shown=()
    while IFS= read -r line; do
        case $line in
        "${tab}files") compopt -o default 2>/dev/null ;;
        "${tab}directories") compopt -o dirnames 2>/dev/null ;;
        *)
            value=${line%%"$tab"*}
            value=${value#"$prefix"}
            values+=("$value")
            shown+=("$value  ${line#*"$tab"}")
            ;;
        esac
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    compopt -o nosort 2>/dev/null # newest first

    # Only where bash lists them (? ! @) can there be more than the words: else it would insert it.
    case ${COMP_TYPE-} in
    63 | 33 | 64) if ((${#values[@]} > 1)); then values=("${shown[@]}"); fi ;;
    esac
    COMPREPLY=("${values[@]}")
}

complete -F _vigil vigil
