package completion

// Script is the completion script of a shell. It needs the shell alone.
func Script(shell string) (string, bool) {
	switch shell {
	case "bash":
		return bashScript, true
	case "zsh":
		return zshScript, true
	case "fish":
		return fishScript, true
	}
	return "", false
}

const bashScript = `# Completion of virgo for bash. Load it with: source <(virgo completion bash)
_virgo() {
    local line="${COMP_LINE:0:COMP_POINT}" cur="${COMP_WORDS[COMP_CWORD]}" full prefix= word help i width=0
    local -a words=() helps=()
    # bash cuts words at = and : too; candidates are for what is left of the word
    full="${line##*[[:space:]]}"
    [[ $full == *"$cur" ]] && prefix="${full%"$cur"}"
    COMPREPLY=()
    while IFS=$'\t' read -r word help; do
        word="${word#"$prefix"}"
        words+=("$word")
        helps+=("$help")
        (( ${#word} > width )) && width=${#word}
    done < <("${COMP_WORDS[0]}" -q complete --line "$line" 2>/dev/null </dev/null)
    for i in "${!words[@]}"; do
        word="${words[i]}"
        if [[ ${#words[@]} -gt 1 && $COMP_TYPE -eq 63 && -n ${helps[i]} ]]; then
            # a list to read: with what each word means, a line each
            printf -v word '%-*s  (%s)' "$width" "$word" "${helps[i]}"
            word="${word:0:$((${COLUMNS:-80} - 1))}"
            printf -v word '%-*s' "$((${COLUMNS:-80} / 2 + 1))" "$word"
        elif [[ $cur != [\"\']* ]]; then
            printf -v word '%q' "$word"
        fi
        COMPREPLY+=("$word")
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ( ${COMPREPLY[0]} == */ || ${COMPREPLY[0]} == *= ) ]]; then
        compopt -o nospace 2>/dev/null
    fi
    compopt -o nosort 2>/dev/null
}
complete -F _virgo virgo
`

const fishScript = `# Completion of virgo for fish. Load it with: virgo completion fish | source
function __virgo_complete
    set -l words (commandline -opc)
    $words[1] -q complete --line (commandline -cp | string collect) 2>/dev/null </dev/null
end
complete -c virgo -f -k -a '(__virgo_complete)'
`

const zshScript = `#compdef virgo
# Completion of virgo for zsh. Load it with: source <(virgo completion zsh)
_virgo() {
    local line="${(j: :)words[1,CURRENT-1]} ${PREFIX}" word help
    local -a found shown
    while IFS=$'\t' read -r word help; do
        found+=("$word")
        shown+=("${(r:28:)word} ${help}")
    done < <("${words[1]}" -q complete --line "$line" 2>/dev/null </dev/null)
    (( ${#found} )) || return 1
    local -a files=(${(M)found:#*/}) 
    if (( ${#found} == 1 && ${#files} == 1 )); then
        compadd -U -S '' -- "${found[@]}"
    else
        compadd -U -l -V virgo -d shown -- "${found[@]}"
    fi
}
if (( ! $+functions[compdef] )); then
    autoload -Uz compinit && compinit
fi
compdef _virgo virgo
`
