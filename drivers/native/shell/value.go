package shell

import (
	"path"
	"strings"
)

// value puts a variable's value in. suffix is what stands behind its name in
// braces, written how it stands in the script.
func (p *parser) value(w *words, name, suffix, written string, quoted bool) error {
	value, ok := p.vars[name]
	if !ok && len(p.arrays[name]) > 0 {
		value, ok = p.arrays[name][0], true
	}
	if !ok && p.env != nil && name != "" {
		value, ok = p.env(name)
	}
	var err error
	if value, suffix, ok, err = p.orElse(name, value, suffix, ok); err != nil {
		return err
	}
	if ok && suffix != "" {
		value, suffix, err = p.part(value, suffix)
		if err != nil {
			return err
		}
	}
	if !ok || suffix != "" || name == "" {
		p.unknown(w, written)
		return nil
	}
	if err := p.grow(len(value)); err != nil {
		return err
	}
	if quoted {
		w.put(value)
		return nil
	}
	for i, f := range strings.Fields(value) {
		if i > 0 || value[0] == ' ' {
			w.end()
		}
		w.put(f)
	}
	return nil
}

// orElse reads what is put in if a variable has a value, or has none: :- := :+ :?
func (p *parser) orElse(name, value, suffix string, ok bool) (string, string, bool, error) {
	rest, colon := strings.CutPrefix(suffix, ":")
	if rest == "" || strings.IndexByte("-=+?", rest[0]) < 0 {
		return value, suffix, ok, nil
	}
	has := ok && (value != "" || !colon)
	switch {
	case rest[0] == '?':
		return value, "", ok, nil
	case rest[0] == '+' && !has:
		return "", "", true, nil
	case rest[0] != '+' && has:
		return value, "", true, nil
	}
	def, err := p.inner(rest[1:])
	if rest[0] == '=' {
		p.vars[name] = def
	}
	return def, "", true, err
}

// part is a value without its beginning or end, or with a text replaced. The
// suffix is left if it is not one of these.
func (p *parser) part(value, suffix string) (string, string, error) {
	operator := ""
	for _, o := range []string{"%%", "%", "##", "#", "//", "/"} {
		if strings.HasPrefix(suffix, o) {
			operator = o
			break
		}
	}
	if operator == "" || len(value) > maxPattern {
		return value, suffix, nil
	}
	pattern, err := p.inner(suffix[len(operator):])
	if err != nil {
		return value, suffix, err
	}
	matches := func(text string) bool {
		if !strings.ContainsAny(pattern, "*?[") {
			return text == pattern
		}
		// in patterns of the shell, unlike in those of paths, * goes on over a slash
		ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
		return err == nil && ok
	}
	n := len(value)
	if err := p.grow(n * n / 64); err != nil { // it is held against the pattern at every place
		return "", "", err
	}
	switch operator {
	case "%":
		for i := n; i >= 0; i-- {
			if matches(value[i:]) {
				return value[:i], "", nil
			}
		}
	case "%%":
		for i := 0; i <= n; i++ {
			if matches(value[i:]) {
				return value[:i], "", nil
			}
		}
	case "#":
		for i := 0; i <= n; i++ {
			if matches(value[:i]) {
				return value[i:], "", nil
			}
		}
	case "##":
		for i := n; i >= 0; i-- {
			if matches(value[:i]) {
				return value[i:], "", nil
			}
		}
	default:
		old, by, _ := strings.Cut(pattern, "/")
		if old == "" || strings.ContainsAny(old, "*?[") {
			return value, suffix, nil
		}
		times := 1
		if operator == "//" {
			times = -1
		}
		value = strings.Replace(value, old, by, times)
		if len(value) > maxExpanded {
			return "", "", p.fail("the value of a variable is too long")
		}
	}
	return value, "", nil
}

// maxPattern bounds the values that patterns are held against.
const maxPattern = 4096
