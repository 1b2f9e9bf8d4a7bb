package shell

import "strings"

// word reads one word; variables that stand outside of quotes, and arrays, may
// make several of it, or none.
func (p *parser) word() ([]string, error) {
	w := words{}
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case strings.IndexByte(" \t\r\n;&|<>)", c) >= 0 && !(c == ')' && w.any && w.parens > 0):
			if c == '\r' && !p.has("\r\n") {
				w.put("\r")
				p.pos++
				continue
			}
			return w.done(), nil
		case p.has("\\\n"), p.has("\\\r\n"): // the word goes on in the next line
			p.pos += strings.IndexByte(p.text[p.pos:], '\n') + 1
			p.line++
		case c == '\\':
			if p.pos+1 < len(p.text) {
				w.put(p.text[p.pos+1 : p.pos+2])
			}
			p.pos += 2
		case c == '\'':
			end := strings.IndexByte(p.text[p.pos+1:], '\'')
			if end < 0 {
				return nil, p.fail("a single quote is not closed")
			}
			text := p.text[p.pos+1 : p.pos+1+end]
			w.put(text)
			p.line += strings.Count(text, "\n")
			p.pos += end + 2
		case c == '"':
			if err := p.double(&w); err != nil {
				return nil, err
			}
		case c == '$':
			if _, err := p.variable(&w, false); err != nil {
				return nil, err
			}
		case c == '`':
			if err := p.backquoted(&w); err != nil {
				return nil, err
			}
		case c == '~' && !w.any && p.home(&w):
		default:
			if c == '(' {
				w.parens++
			}
			if c == ')' {
				w.parens--
			}
			w.put(string([]byte{c}))
			p.pos++
		}
	}
	p.pos = min(p.pos, len(p.text))
	return w.done(), nil
}

// words are the words that one word became.
type words struct {
	list    []string
	current strings.Builder
	any     bool // there is a current word, be it empty
	parens  int
}

func (w *words) put(text string) {
	w.current.WriteString(text)
	w.any = true
}

func (w *words) end() {
	if w.any {
		w.list = append(w.list, w.current.String())
	}
	w.current.Reset()
	w.any = false
}

func (w *words) done() []string {
	w.end()
	return w.list
}

// double reads a string in double quotes.
func (p *parser) double(w *words) error {
	p.pos++
	before := len(w.list)
	empty := true // until something stands here; a variable may be empty
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '"':
			p.pos++
			if empty && len(w.list) == before {
				w.put("")
			}
			return nil
		case p.has("\\\n"):
			p.pos += 2
			p.line++
			continue
		case c == '\\' && p.pos+1 < len(p.text) && strings.IndexByte("$`\"\\", p.text[p.pos+1]) >= 0:
			w.put(p.text[p.pos+1 : p.pos+2])
			p.pos += 2
		case c == '`':
			if err := p.backquoted(w); err != nil {
				return err
			}
		case c == '$':
			array, err := p.variable(w, true)
			if err != nil {
				return err
			}
			if array { // which may well become no word at all
				empty = false
			}
			continue
		default:
			if c == '\n' {
				p.line++
			}
			w.put(string([]byte{c}))
			p.pos++
		}
		empty = false
	}
	return p.fail("a double quote is not closed")
}

// variable reads $NAME, ${NAME}, ${NAME[@]} and what else begins with a dollar.
// array tells that it was an array, whose words stay apart.
func (p *parser) variable(w *words, quoted bool) (array bool, err error) {
	rest := p.text[p.pos+1:]
	if n := nameLen(rest); n > 0 {
		p.pos += 1 + n
		return false, p.value(w, rest[:n], "", "$"+rest[:n], quoted)
	}
	switch {
	case strings.HasPrefix(rest, "{"):
		end := closing(rest)
		if end < 0 {
			return false, p.fail("${ is not closed")
		}
		inner := rest[1:end]
		p.pos += end + 2
		n := nameLen(inner)
		if n == 0 { // the script's arguments
			n = len(inner) - len(strings.TrimLeft(inner, "0123456789"))
		}
		if s := inner[n:]; s == "[@]" || s == "[*]" {
			return true, p.elements(w, inner[:n])
		}
		return false, p.value(w, inner[:n], inner[n:], "${"+inner+"}", quoted)
	case strings.HasPrefix(rest, "("):
		return false, p.substitution(w, rest)
	case strings.HasPrefix(rest, "0"):
		p.pos += 2
		return false, p.value(w, "0", "", "$0", quoted)
	case strings.HasPrefix(rest, "@"), strings.HasPrefix(rest, "*"):
		p.pos += 2 // the script's own arguments: none were given
		return true, nil
	case rest != "" && strings.IndexByte("0123456789#?$!-", rest[0]) >= 0:
		p.unknown(w, "$"+rest[:1])
		p.pos += 2
		return false, nil
	}
	w.put("$")
	p.pos++
	return false, nil
}

func (p *parser) unknown(w *words, text string) {
	w.put(text)
	p.out.Unknown = append(p.out.Unknown, text)
}

// closing finds the brace that ends ${, -1 if there is none.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// elements puts an array's words in.
func (p *parser) elements(w *words, name string) error {
	for i, t := range p.arrays[name] {
		if i > 0 {
			w.end()
		}
		if err := p.grow(len(t)); err != nil {
			return err
		}
		w.put(t)
	}
	return nil
}

// grow counts what variables add, so that a small script cannot become a huge one.
func (p *parser) grow(n int) error {
	if p.expanded += n + 1; p.expanded > maxExpanded {
		return p.fail("the script becomes too long when its variables are put in")
	}
	return nil
}
