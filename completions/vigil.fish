# Completion for fish. What may stand next is not known here: vigil complete says it.

# The names of files and folders, in an option's value too: --file=NAME.
function __vigil_complete_names --argument-names function part
    set -l prefix (string match -r -- '^--[^=]*=' $part)
    set -l name (string unescape -- (string replace -- "$prefix" '' "$part"))
    for name in ($function "$name")
        printf '%s%s\n' "$prefix" $name
    end
end

function __vigil_complete
    set -l typed (string replace -r '^~/' "$HOME/" -- (commandline -opc))
    set -l part (commandline -ct)
    set -l program $typed[1]
    set -e typed[1]
    for line in (command $program complete -- $typed "$part" 2>/dev/null)
        switch $line
            case \tfiles
                __vigil_complete_names __fish_complete_path "$part"
            case \tdirectories
                __vigil_complete_names __fish_complete_directories "$part"
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c vigil -e
complete -c vigil -f -k -a '(__vigil_complete)'
