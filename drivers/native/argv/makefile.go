package argv

import (
	"strings"
)

// isMakefile tells a Makefile by its name, or by a rule with a recipe.
func isMakefile(name, text string) bool {
	if name == "makefile" || name == "gnumakefile" || strings.HasSuffix(name, ".mk") {
		return true
	}
	rule := false
	for line := range strings.Lines(text) {
		if rule && strings.HasPrefix(line, "\t") {
			return true
		}
		target, _, ok := strings.Cut(line, ":")
		rule = ok && target != "" && strings.Trim(target, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./%$() ") == "" && target[0] != ' '
	}
	return false
}

// makefile puts the variables into the recipes, which are scripts of the shell.
func makefile(text string) string {
	m := makeReader{vars: map[string]string{}}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ { // a variable may be set behind the rule
		line := strings.TrimRight(lines[i], "\r")
		for !strings.HasPrefix(line, "\t") && strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(lines[i])
		}
		if !m.condition(line) {
			m.assign(line)
		}
	}
	m.skip = nil
	goesOn := false
	return eachLine(text, func(line string) string {
		recipe := strings.HasPrefix(line, "\t") || goesOn
		if m.condition(line) {
			return ""
		}
		if !recipe {
			m.rule(line)
			return ""
		}
		line = strings.TrimLeft(line, "\t ")
		if !goesOn {
			line = strings.TrimLeft(line, "@-+ ")
		}
		goesOn = strings.HasSuffix(line, `\`)
		return m.expand(line, 0)
	})
}

type makeReader struct {
	vars     map[string]string
	expanded int
	skip     []branch // the conditions that are open
}

// branch is one condition.
type branch struct {
	off  bool // what follows does not count
	done bool // a branch has been taken, or none may be
}

// condition reads ifdef, ifeq and their like, and tells whether a line is one of
// these or stands in a branch that does not count.
func (m *makeReader) condition(line string) bool {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	n := len(m.skip)
	outer := n > 0 && m.skip[n-1].off
	switch word {
	case "ifdef", "ifndef", "ifeq", "ifneq":
		holds := m.holds(word, rest)
		m.skip = append(m.skip, branch{off: outer || !holds, done: outer || holds})
		return true
	case "else":
		if n > 0 {
			b := &m.skip[n-1]
			next, rest, more := strings.Cut(strings.TrimSpace(rest), " ")
			b.off = b.done || more && !m.holds(next, rest)
			b.done = b.done || !b.off
		}
		return true
	case "endif":
		m.skip = m.skip[:max(0, n-1)]
		return true
	}
	return outer
}

// holds tells whether a condition is met.
func (m *makeReader) holds(word, rest string) bool {
	rest = strings.TrimSpace(rest)
	if word == "ifdef" || word == "ifndef" {
		return (m.vars[rest] != "") == (word == "ifdef")
	}
	a, b, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")"), ",")
	if !ok {
		a, b, _ = strings.Cut(rest, " ")
	}
	text := func(t string) string { return strings.Trim(m.expand(strings.TrimSpace(t), 0), `"'`) }
	return (text(a) == text(b)) == (word == "ifeq")
}

// assign reads NAME = value, and the other ways to set a variable.
func (m *makeReader) assign(line string) {
	if strings.HasPrefix(line, "\t") {
		return
	}
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		return
	}
	operator := ""
	for _, o := range []string{"::", ":", "?", "+", "!"} {
		if n, cut := strings.CutSuffix(name, o); cut {
			name, operator = n, o
			break
		}
	}
	for _, word := range []string{"export ", "override "} {
		name = strings.TrimPrefix(name, word)
	}
	name = strings.TrimSpace(name)
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	old, has := m.vars[name]
	switch {
	case name == "" || strings.ContainsAny(name, " :\t$(") || operator == "!":
	case operator == "?" && has:
	case operator == "+" && has && len(old) < 1<<16:
		m.vars[name] = old + " " + value
	case operator != "+" || !has:
		m.vars[name] = value
	}
}

// rule sets the variables that recipes have of their rule.
func (m *makeReader) rule(line string) {
	target, needs, ok := strings.Cut(line, ":")
	if !ok || strings.Contains(line, "=") || strings.HasPrefix(line, "#") {
		return
	}
	fields := strings.Fields(m.expand(needs, 0))
	m.vars["@"], m.vars["^"], m.vars["<"] = strings.TrimSpace(target), strings.Join(fields, " "), ""
	if len(fields) > 0 {
		m.vars["<"] = fields[0]
	}
}

// maxMake bounds how deep variables may name each other, and what they become.
const (
	maxMake     = 30
	maxMakeText = 8 << 20
)

// expand puts variables in. Those that are not known, and functions, stay as
// they are written: the shell's reader says so.
func (m *makeReader) expand(text string, depth int) string {
	if depth > maxMake || !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) || m.expanded > maxMakeText {
			b.WriteByte(text[i])
			continue
		}
		name, end := text[i+1:i+2], i+1
		if open := strings.IndexByte("({", text[i+1]); open >= 0 {
			n := strings.IndexByte(text[i:], ")}"[open])
			if n < 0 {
				b.WriteByte('$')
				continue
			}
			name, end = text[i+2:i+n], i+n
		}
		value, ok := m.vars[name]
		switch {
		case text[i+1] == '$':
			b.WriteByte('$')
		case ok:
			value = m.expand(value, depth+1)
			m.expanded += len(value) + 1
			b.WriteString(value)
		default:
			b.WriteString(text[i : end+1])
		}
		i = end
	}
	return b.String()
}
