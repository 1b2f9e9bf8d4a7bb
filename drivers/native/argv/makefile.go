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
// Conditions are not looked at: what stands in them counts.
func makefile(text string) string {
	m := makeReader{vars: map[string]string{}}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ { // a variable may be set behind the rule
		line := strings.TrimRight(lines[i], "\r")
		for !strings.HasPrefix(line, "\t") && strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(lines[i])
		}
		m.assign(line)
	}
	goesOn := false
	return eachLine(text, func(line string) string {
		recipe := strings.HasPrefix(line, "\t") || goesOn
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
