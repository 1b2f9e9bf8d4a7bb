package conf

import (
	"math"
	"strings"

	"virgo/xml"
)

// maxDepth bounds lists within lists; no configuration has more than two.
const maxDepth = 16

// Parse reads a file.
func Parse(src xml.Source, m Manner) (*File, error) {
	s := scanner{text: string(src.Data), line: 1, manner: m, name: src.Name}
	f := &File{Name: src.Name, manner: m}
	for !s.done() {
		e, ok, err := s.statement()
		if err != nil {
			return nil, err
		}
		if ok {
			f.Entries = append(f.Entries, e)
		}
	}
	return f, nil
}

type scanner struct {
	text   string
	pos    int
	line   int
	manner Manner
	name   string
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.pos]
}

// fail is a syntax error on the line that is read.
func (s *scanner) fail(words string) error { return s.failWith(xml.CodeConfSyntax, words) }

func (s *scanner) failWith(code xml.Code, words string) error {
	e := xml.Errorf(code, "memory conf:%d: %s", s.line, words)
	e.File, e.Line, e.Column = s.name, s.line, s.column()
	return e
}

func (s *scanner) column() int {
	at := min(s.pos, len(s.text))
	return at - strings.LastIndexByte(s.text[:at], '\n')
}

func (s *scanner) blanks() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

// newline reads the end of a line, of Unix or DOS.
func (s *scanner) newline() bool {
	if strings.HasPrefix(s.text[s.pos:], "\r\n") {
		s.pos++
	}
	if s.peek() != '\n' && s.peek() != '\r' {
		return false
	}
	s.pos++
	s.line++
	return true
}

// toEOL moves to the end of the line and gives what it passes.
func (s *scanner) toEOL() string {
	end := strings.IndexByte(s.text[s.pos:], '\n')
	if end < 0 {
		end = len(s.text) - s.pos
	}
	line := s.text[s.pos : s.pos+end]
	s.pos += end
	return strings.TrimSuffix(line, "\r")
}

// space passes over blanks, empty lines and comments.
func (s *scanner) space() {
	for {
		s.blanks()
		if s.peek() == '#' {
			s.toEOL()
		}
		if s.done() || !s.newline() {
			return
		}
	}
}

func (s *scanner) statement() (Entry, bool, error) {
	s.space()
	if s.done() {
		return Entry{}, false, nil
	}
	var e Entry
	if e.Name = s.word(); e.Name == "" {
		return e, false, s.fail("expecting a name")
	}
	s.blanks()
	if s.peek() != '=' {
		return e, false, s.fail("expecting an assignment")
	}
	s.pos++
	s.blanks()
	if c := s.peek(); s.manner == LXC && c != '"' && c != '\'' {
		e.Value = Value{Line: s.line, Text: s.toEOL()}
		return e, true, nil
	}
	var err error
	if e.Value, err = s.value(0); err != nil {
		return e, false, err
	}
	s.blanks()
	if s.peek() == ';' {
		s.pos++
		return e, true, nil
	}
	if s.peek() == '#' {
		s.toEOL()
	}
	if !s.done() && !s.newline() {
		return e, false, s.fail("expecting a separator")
	}
	return e, true, nil
}

// word reads a name.
func (s *scanner) word() string {
	extra := "_"
	switch s.manner {
	case VMX:
		extra = "_.:*-"
	case LXC:
		extra = "_."
	}
	start := s.pos
	for !s.done() {
		c := s.text[s.pos]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		first := letter || c == '.' && s.manner == VMX
		if s.pos == start && !first || !letter && !isDigit(c) && strings.IndexByte(extra, c) < 0 {
			break
		}
		s.pos++
	}
	return s.text[start:s.pos]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (s *scanner) value(depth int) (Value, error) {
	v := Value{Line: s.line}
	switch c := s.peek(); {
	case c == '"' || c == '\'':
		var err error
		v.Text, err = s.quoted(c)
		return v, err
	case c == '[':
		if s.manner == VMX {
			return v, s.fail("lists not allowed in VMX format")
		}
		if depth == maxDepth {
			return v, s.fail("too many lists within lists")
		}
		v.Kind = List
		var err error
		v.List, err = s.list(depth + 1)
		return v, err
	case c == '-' || isDigit(c):
		if s.manner == VMX {
			return v, s.fail("numbers not allowed in VMX format")
		}
		v.Kind = Number
		var err error
		v.Num, err = s.number()
		return v, err
	}
	return v, s.fail("expecting a value")
}

// quoted reads a string. One in three double quotes may have line breaks.
func (s *scanner) quoted(quote byte) (string, error) {
	if rest, ok := strings.CutPrefix(s.text[s.pos:], `"""`); ok {
		end := strings.Index(rest, `"""`)
		if end < 0 {
			return "", s.fail("unterminated string")
		}
		for strings.HasPrefix(rest[end+1:], `"""`) {
			end++ // a quote right before the closing ones belongs to the string
		}
		s.pos += end + 6
		s.line += strings.Count(rest[:end], "\n")
		return rest[:end], nil
	}
	rest := s.text[s.pos+1:]
	end := strings.IndexAny(rest, string(quote)+"\n")
	if end < 0 || rest[end] == '\n' {
		return "", s.fail("unterminated string")
	}
	s.pos += end + 2
	return rest[:end], nil
}

func (s *scanner) number() (int64, error) {
	negative := s.peek() == '-'
	if negative {
		s.pos++
	}
	if !isDigit(s.peek()) {
		return 0, s.fail("unterminated number")
	}
	var n uint64
	for ; isDigit(s.peek()); s.pos++ {
		d := uint64(s.peek() - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, s.failWith(xml.CodeOverflow, "numeric overflow in conf value")
		}
		n = n*10 + d
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}

func (s *scanner) list(depth int) ([]Value, error) {
	s.pos++
	var out []Value
	for {
		s.space()
		if s.peek() == ']' {
			s.pos++
			return out, nil
		}
		if s.done() {
			return nil, s.fail("list is not closed with ]")
		}
		v, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		s.space()
		switch {
		case s.peek() == ',':
			s.pos++
		case s.done():
			return nil, s.fail("list is not closed with ]")
		case s.peek() != ']':
			return nil, s.fail("expecting a separator in list")
		}
	}
}
