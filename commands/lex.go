package commands

import "strings"

// The parsers' tokens: words, the end of one command, the end of everything.
type token uint8

const (
	tokWord token = iota
	tokEndCommand
	tokEnd
)

// lexer gives the next token; text is the word's value.
type lexer interface {
	next() (tok token, text string, err error)
}

// words is the lexer of a command line that the caller has split already: no
// quoting, no separators.
type words struct{ rest []string }

func (w *words) next() (token, string, error) {
	if len(w.rest) == 0 {
		return tokEnd, "", nil
	}
	s := w.rest[0]
	w.rest = w.rest[1:]
	return tokWord, s, nil
}

// script is the lexer of a whole script in one string, with virsh's quoting: a
// single quote keeps everything to the next one, a double quote all but the
// backslash, a backslash the next character; backslash-newline vanishes except
// in single quotes; # at a word's start begins a comment.
type script struct {
	text string
	pos  int
	open byte // the quote within which the last word ended, or 0
}

func (s *script) next() (token, string, error) {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == ' ' || c == '\t':
			s.pos++
		case c == '\\' && strings.HasPrefix(s.text[s.pos:], "\\\n"):
			s.pos += 2
		case c == ';' || c == '\n':
			s.pos++
			return tokEndCommand, "", nil
		case c == '#':
			end := strings.IndexByte(s.text[s.pos:], '\n')
			if end < 0 {
				s.pos = len(s.text)
				return tokEnd, "", nil
			}
			s.pos += end + 1
			return tokEndCommand, "", nil
		default:
			text, err := s.word()
			return tokWord, text, err
		}
	}
	return tokEnd, "", nil
}

// word reads the word that begins here.
func (s *script) word() (string, error) {
	var b strings.Builder
	quoted := false // in double quotes
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		switch {
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == ';'):
			return b.String(), nil
		case !quoted && c == '\'':
			rest := s.text[s.pos+1:]
			end := strings.IndexByte(rest, '\'')
			if end < 0 { // the peer accepts a missing one
				b.WriteString(rest)
				s.pos, s.open = len(s.text), c
				return b.String(), nil
			}
			b.WriteString(rest[:end])
			s.pos += end + 1
		case c == '\\':
			s.pos++
			if s.pos == len(s.text) {
				return "", errDangling
			}
			if s.text[s.pos] != '\n' {
				b.WriteByte(s.text[s.pos])
			}
		case c == '"':
			quoted = !quoted
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		s.open = '"'
		return b.String(), errQuote
	}
	return b.String(), nil
}
