package xml

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 gives the document as UTF-8. Besides UTF-8 it reads what needs no
// tables: UTF-16 with a byte order mark, Latin 1 and ASCII.
func toUTF8(data []byte) (string, error) {
	switch {
	case len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF:
		return string(data[3:]), nil
	case len(data) >= 2 && data[0] == 0xFE && data[1] == 0xFF:
		return fromUTF16(data[2:], binary.BigEndian), nil
	case len(data) >= 2 && data[0] == 0xFF && data[1] == 0xFE:
		return fromUTF16(data[2:], binary.LittleEndian), nil
	}
	text := string(data)
	switch name := strings.ToLower(declared(text)); name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return text, nil
	case "iso-8859-1", "latin1", "latin-1":
		out := make([]rune, len(data))
		for i, b := range data {
			out[i] = rune(b)
		}
		return string(out), nil
	default:
		return "", fmt.Errorf("unsupported encoding %s", name)
	}
}

// declared is the encoding that the XML declaration names, or "".
func declared(text string) string {
	if !strings.HasPrefix(text, "<?xml") {
		return ""
	}
	decl, _, _ := strings.Cut(text, "?>")
	_, rest, ok := strings.Cut(decl, "encoding")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n=")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	return name
}

func fromUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

// unescape replaces references. In attribute values line ends and tabs count
// as blanks.
func (s *scanner) unescape(raw string, at int, attr bool) (string, error) {
	special := "&"
	if attr {
		special = "&\n\t"
	}
	i := strings.IndexAny(raw, special)
	if i < 0 {
		return raw, nil
	}
	out := make([]byte, 0, len(raw))
	for i >= 0 {
		out = append(out, raw[:i]...)
		if raw[i] != '&' {
			out = append(out, ' ')
			raw, at = raw[i+1:], at+i+1
		} else {
			end := strings.IndexByte(raw[i:], ';')
			if end < 0 || end > 64 {
				return "", s.fail(at+i, "a reference without ';' ('&' itself is written '&amp;')")
			}
			r, err := reference(raw[i+1 : i+end])
			if err != nil {
				return "", s.fail(at+i+end+1, err.Error())
			}
			out = utf8.AppendRune(out, r)
			raw, at = raw[i+end+1:], at+i+end+1
		}
		i = strings.IndexAny(raw, special)
	}
	return string(append(out, raw...)), nil
}

// reference resolves what stands between & and ;.
func reference(name string) (rune, error) {
	switch name {
	case "amp":
		return '&', nil
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if !strings.HasPrefix(name, "#") {
		if name == "" {
			return 0, errors.New("a reference without a name")
		}
		return 0, fmt.Errorf("entity %s is not defined", name)
	}
	digits, base := name[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	valid := v == '\t' || v == '\n' || v == '\r' || v >= 0x20 && v < 0xD800 || v >= 0xE000 && v < 0xFFFE || v >= 0x10000 && v <= 0x10FFFF
	if err != nil || !valid {
		return 0, fmt.Errorf("invalid character reference %s", name)
	}
	return rune(v), nil
}

// where gives line and column of a position. Positions mostly rise, so the
// count goes on from the last one.
func (s *scanner) where(at int) (line, column int) {
	if at < s.lineStart {
		s.seen, s.line, s.lineStart = 0, 1, 0
	}
	for s.seen < at {
		i := strings.IndexByte(s.text[s.seen:at], '\n')
		if i < 0 {
			s.seen = at
			break
		}
		s.seen += i + 1
		s.line++
		s.lineStart = s.seen
	}
	return s.line, at - s.lineStart + 1
}

func (s *scanner) failNode(n *Node, msg string) error {
	s.where(0)
	at := 0
	for line := int32(1); line < n.Line; line++ {
		at += strings.IndexByte(s.text[at:], '\n') + 1
	}
	return s.fail(at+int(n.Column)-1, msg)
}

func (s *scanner) failf(at int, format string, args ...any) error {
	return s.fail(at, fmt.Sprintf(format, args...))
}

// fail makes the error of a text that is not well formed, in the peer's form:
// the message, the line, a pointer. The message also has file, line and column.
func (s *scanner) fail(at int, msg string) error {
	at = min(at, len(s.text))
	line, column := s.where(at)
	text := s.text[s.lineStart:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	// A line of megabytes helps nobody.
	shown, pointer := text, column-1
	if len(shown) > 200 {
		from := max(0, pointer-100)
		shown = strings.ToValidUTF8(shown[from:min(len(shown), from+200)], "")
		pointer -= from
	}
	name := s.name
	if name == "" {
		name = "(input)"
	}
	return &Error{
		Code: CodeXMLDetail,
		Msg:  fmt.Sprintf("at line %d: %s:%d:%d: %s\n%s\n%s^", line, name, line, column, msg, shown, strings.Repeat("-", max(0, pointer))),
		File: s.name, Line: line, Column: column,
	}
}
