package completion

// Script is the completion script of a shell. It needs the shell alone.
func Script(shell string) (string, bool) {
	switch shell {
	case "bash":
		return bashScript, true
	case "zsh":
		return zshScript, true
	}
	return "", false
}

const bashScript = `# Completion of virgo for bash. Load it with: source <(virgo completion bash)
_virgo() {
    local line="${COMP_LINE:0:COMP_POINT}" full word help prefix
    local -a words=()
    full="${line##*[[:space:]]}"
    prefix="${full%"${COMP_WORDS[COMP_CWORD]}"}"
    COMPREPLY=()
    while IFS=$'\t' read -r word help; do
        words+=("${word#"$prefix"}")
    done < <("${COMP_WORDS[0]}" -q complete --line "$line" 2>/dev/null </dev/null)
    for word in "${words[@]}"; do
        COMPREPLY+=("$(printf '%q' "$word")")
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ( ${COMPREPLY[0]} == */ || ${COMPREPLY[0]} == *= ) ]]; then
        compopt -o nospace 2>/dev/null
    fi
    compopt -o nosort 2>/dev/null
}
complete -F _virgo virgo
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
