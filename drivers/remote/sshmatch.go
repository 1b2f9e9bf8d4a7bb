package remote

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// match tells whether all conditions of a Match line hold.
func (r *sshReader) match(words []string) (bool, error) {
	holds := true
	for i := 0; i < len(words); i++ {
		word, not := strings.CutPrefix(words[i], "!")
		key, value, given := strings.Cut(word, "=")
		var yes bool
		switch key = strings.ToLower(key); key {
		case "all":
			yes = true
		case "canonical":
			yes = r.canonical
		case "final":
			r.again, yes = true, r.final
		default:
			if !given {
				if i++; i == len(words) {
					return false, fmt.Errorf("no value for Match %s", key)
				}
				value = words[i]
			}
			var err error
			if yes, err = r.condition(key, value, holds); err != nil {
				return false, err
			}
		}
		holds = holds && yes != not
	}
	return holds, nil
}

// condition is one that has a value. A program is only run where what stands
// before it holds.
func (r *sshReader) condition(key, value string, holds bool) (bool, error) {
	list := strings.Split(value, ",")
	switch key {
	case "host":
		return matchesHost(list, r.hostname()), nil
	case "originalhost":
		return matchesHost(list, r.host), nil
	case "user":
		name := r.values["user"]
		if name == "" {
			name = r.localUser
		}
		return matchesHost(list, name), nil
	case "localuser":
		return matchesHost(list, r.localUser), nil
	case "tagged":
		return matchesHost(list, r.values["tag"]), nil
	case "exec":
		return holds && r.run(r.ctx, r.tokens(value)), nil
	case "localnetwork", "version", "sessiontype", "command":
		return false, nil // newer ones, which no connection to a daemon needs
	}
	return false, fmt.Errorf("unsupported Match attribute %s", key)
}

// tokens replaces those with a percent sign.
func (s *sshSettings) tokens(text string) string {
	local, _ := os.Hostname()
	short, _, _ := strings.Cut(local, ".")
	port, user := s.values["port"], s.values["user"]
	if port == "" {
		port = "22"
	}
	if user == "" {
		user = s.localUser
	}
	alias := s.values["hostkeyalias"]
	if alias == "" {
		alias = s.host
	}
	jump := s.values["proxyjump"]
	sum := sha1.Sum([]byte(local + s.hostname() + port + user + jump))
	return strings.NewReplacer("%%", "%", "%h", s.hostname(), "%n", s.host, "%p", port, "%r", user, "%u", s.localUser, "%d", s.home, "%l", local, "%L", short,
		"%k", alias, "%j", jump, "%i", fmt.Sprint(os.Getuid()), "%C", hex.EncodeToString(sum[:])).Replace(text)
}

// path fills a file's name in: ~, variables, tokens.
func (s *sshSettings) path(name string) string {
	if name == "~" {
		return s.home
	}
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(s.home, rest)
	}
	for from := 0; ; {
		i := strings.Index(name[from:], "${")
		j := strings.Index(name[from:], "}")
		if i < 0 || j < i {
			break
		}
		value := s.getenv(name[from+i+2 : from+j])
		name = name[:from+i] + value + name[from+j+1:]
		from += i + len(value)
	}
	return s.tokens(name)
}

// sshRest is a line without its keyword.
func sshRest(line string) string {
	line = strings.TrimSpace(line)
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return ""
	}
	rest := strings.TrimLeft(line[end:], " \t")
	return strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
}

// sshWords splits a line of the configuration: blanks, or one =, after the
// keyword; quotes around words with blanks; what follows # is a comment.
func sshWords(line string) []string {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return []string{line}
	}
	words := []string{line[:end]}
	var w strings.Builder
	quote, begun := byte(0), false
	finish := func() {
		if begun {
			words = append(words, w.String())
		}
		w.Reset()
		begun = false
	}
	rest := sshRest(line)
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == '"' || rest[i+1] == '\'' || rest[i+1] == '\\' || quote == 0 && rest[i+1] == ' '):
			i++
			w.WriteByte(rest[i])
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r'):
			finish()
		case quote == 0 && c == '#' && !begun:
			return words
		default:
			w.WriteByte(c)
			begun = true
		}
	}
	finish()
	return words
}

// matchesHost tells whether patterns let a host through; one with ! keeps it out.
func matchesHost(patterns []string, host string) bool {
	found := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if !wildcard(strings.ToLower(p), strings.ToLower(host)) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// wildcard matches * and ?.
func wildcard(pattern, s string) bool {
	star, at := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i] && pattern[p] != '*'):
			p, i = p+1, i+1
		case p < len(pattern) && pattern[p] == '*':
			star, at = p, i
			p++
		case star >= 0:
			at++
			p, i = star+1, at
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
