package shell

import "strings"

// plain are the characters that need no quotes.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+@%:,./^~"

// Join makes a command line of words.
func Join(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Quote makes a word of a text, with quotes if it needs them.
func Quote(w string) string {
	if w != "" && w[0] != '~' && strings.Trim(w, plain) == "" {
		return w
	}
	if i := strings.IndexByte(w, '='); i > 0 && strings.Trim(w[:i], plain) == "" && w[0] != '-' && i+1 < len(w) && !strings.ContainsAny(w[:i], ",.:/") {
		return w[:i+1] + Quote(w[i+1:]) // NAME=value stays readable
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
