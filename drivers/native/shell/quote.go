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

// JoinEnv makes a command line of assignments to the environment and words.
func JoinEnv(env, words []string) string {
	var out []string
	for _, e := range env {
		out = append(out, Assignment(e))
	}
	return strings.Join(append(out, Join(words)), " ")
}

// Quote makes a word of a text, with quotes if it needs them.
func Quote(w string) string {
	if w != "" && w[0] != '~' && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// Assignment is NAME=value with quotes around the value alone.
func Assignment(w string) string {
	if name, value, ok := strings.Cut(w, "="); ok && strings.Trim(name, plain) == "" {
		return name + "=" + Quote(value)
	}
	return Quote(w)
}
