package shell

import (
	"path"
	"strconv"
	"strings"
)

// backquoted reads `command`.
func (p *parser) backquoted(w *words) error {
	end := strings.IndexByte(p.text[p.pos+1:], '`')
	if end < 0 {
		return p.fail("a back quote is not closed")
	}
	inner, written := p.text[p.pos+1:p.pos+1+end], p.text[p.pos:p.pos+end+2]
	p.pos += end + 2
	return p.substitute(w, inner, written)
}

// substitution reads $(command) and $((sum)).
func (p *parser) substitution(w *words, rest string) error {
	depth := 0
	for i := range len(rest) {
		switch rest[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth > 0 {
			continue
		}
		inner, written := rest[1:i], p.text[p.pos:p.pos+i+2]
		p.pos += i + 2
		if strings.HasPrefix(inner, "(") && strings.HasSuffix(inner, ")") {
			return p.sum(w, inner[1:len(inner)-1], written)
		}
		return p.substitute(w, inner, written)
	}
	return p.fail("$( is not closed")
}

// substitute puts in what a command prints, if it is one of those that only take
// paths apart. No command is run.
func (p *parser) substitute(w *words, text, written string) error {
	p.line += strings.Count(written, "\n")
	if strings.HasPrefix(strings.TrimLeft(text, " \t"), "#") { // a comment within a command
		return nil
	}
	if p.depth < maxDepth {
		inner := parser{text: text, line: p.line, name: p.name, env: p.env, depth: p.depth + 1, vars: p.vars, arrays: p.arrays, expanded: p.expanded}
		if err := inner.command(); err != nil {
			return err
		}
		p.expanded = inner.expanded
		if inner.pos >= len(inner.text) && len(inner.out.Commands) == 1 && len(inner.out.Unknown) == 0 {
			if value, ok := p.print(inner.out.Commands[0].Words); ok {
				if err := p.grow(len(value)); err != nil {
					return err
				}
				w.put(value)
				return nil
			}
		}
	}
	p.unknown(w, written)
	return nil
}

// inner is a text within a word with its own variables put in.
func (p *parser) inner(text string) (string, error) {
	if p.depth >= maxDepth {
		return text, nil
	}
	q := parser{text: text, line: p.line, name: p.name, env: p.env, depth: p.depth + 1, vars: p.vars, arrays: p.arrays, expanded: p.expanded}
	var out strings.Builder
	list, err := q.word()
	out.WriteString(strings.Join(list, " "))
	for err == nil && q.pos < len(q.text) { // blanks and separators stand for themselves here
		out.WriteByte(q.text[q.pos])
		q.pos++
		list, err = q.word()
		out.WriteString(strings.Join(list, " "))
	}
	p.expanded = q.expanded
	p.out.Unknown = append(p.out.Unknown, q.out.Unknown...)
	return out.String(), err
}

// print is what a command prints.
func (p *parser) print(argv []string) (string, bool) {
	pwd := ""
	if p.env != nil {
		pwd, _ = p.env("PWD")
	}
	var operands []string
	for _, a := range argv[1:] {
		if !strings.HasPrefix(a, "-") {
			operands = append(operands, a)
		}
	}
	if path.Base(argv[0]) == "pwd" && len(operands) == 0 {
		return pwd, pwd != ""
	}
	if len(operands) != 1 {
		return "", false
	}
	arg := operands[0]
	switch path.Base(argv[0]) {
	case "echo":
		return arg, true
	case "dirname":
		return path.Dir(arg), true
	case "basename":
		return path.Base(arg), true
	case "realpath", "readlink": // links are not followed
		if !path.IsAbs(arg) && pwd == "" {
			return "", false
		}
		if !path.IsAbs(arg) {
			arg = path.Join(pwd, arg)
		}
		return path.Clean(arg), true
	}
	return "", false
}

// home puts in the home folder for ~ and ~/.
func (p *parser) home(w *words) bool {
	next := p.text[p.pos+1:]
	if p.env == nil || next != "" && strings.IndexByte("/ \t\n;", next[0]) < 0 {
		return false
	}
	home, ok := p.env("HOME")
	if ok {
		w.put(home)
		p.pos++
	}
	return ok
}

// sum puts in the value of an arithmetic expression.
func (p *parser) sum(w *words, text, written string) error {
	e := expression{text: text, vars: p.vars}
	value, ok := e.terms(0)
	if e.blanks(); !ok || e.pos < len(text) {
		p.unknown(w, written)
		return nil
	}
	w.put(strconv.FormatInt(value, 10))
	return nil
}

// expression is a sum of integers being read.
type expression struct {
	text string
	pos  int
	vars map[string]string
}

func (e *expression) blanks() {
	for e.pos < len(e.text) && strings.IndexByte(" \t\n", e.text[e.pos]) >= 0 {
		e.pos++
	}
}

// operators in the order in which they bind; level 0 binds loosest.
var operators = [2]string{"+-", "*/%"}

func (e *expression) terms(level int) (int64, bool) {
	if level == len(operators) {
		return e.factor()
	}
	left, ok := e.terms(level + 1)
	for e.blanks(); ok && e.pos < len(e.text) && strings.IndexByte(operators[level], e.text[e.pos]) >= 0; e.blanks() {
		op := e.text[e.pos]
		e.pos++
		var right int64
		if right, ok = e.terms(level + 1); !ok || right == 0 && (op == '/' || op == '%') {
			return 0, false
		}
		switch op {
		case '+':
			left += right
		case '-':
			left -= right
		case '*':
			left *= right
		case '/':
			left /= right
		case '%':
			left %= right
		}
	}
	return left, ok
}

// factor is a number or a variable; what else the shell knows is left alone.
func (e *expression) factor() (int64, bool) {
	e.blanks()
	start := e.pos
	if e.pos < len(e.text) && e.text[e.pos] == '$' {
		e.pos++
		start++
	}
	for e.pos < len(e.text) && nameByte(e.text[e.pos]) {
		e.pos++
	}
	word := e.text[start:e.pos]
	if v, ok := e.vars[word]; ok && nameLen(word) > 0 {
		word = v
	}
	v, err := strconv.ParseInt(word, 10, 64)
	return v, err == nil
}
