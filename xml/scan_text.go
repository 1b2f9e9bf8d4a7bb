package xml

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 gives the document as UTF-8, or what is wrong with it. Besides UTF-8 it reads what needs no
// tables: UTF-16 with a byte order mark, Latin 1 and ASCII.
func toUTF8(data []byte) (text, wrong string) {
	switch {
	case len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF:
		return string(data[3:]), ""
	case len(data) >= 2 && data[0] == 0xFE && data[1] == 0xFF:
		return fromUTF16(data[2:], binary.BigEndian), ""
	case len(data) >= 2 && data[0] == 0xFF && data[1] == 0xFE:
		return fromUTF16(data[2:], binary.LittleEndian), ""
	}
	text = string(data)
	switch name := strings.ToLower(declared(text)); name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return text, ""
	case "iso-8859-1", "latin1", "latin-1":
		out := make([]rune, len(data))
		for i, b := range data {
			out[i] = rune(b)
		}
		return string(out), ""
	default:
		return "", "Unsupported encoding " + name
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
			r, length, wrong := reference(raw[i:])
			if wrong != "" {
				return "", s.fail(at+i+length, wrong)
			}
			out = utf8.AppendRune(out, r)
			raw, at = raw[i+length:], at+i+length
		}
		i = strings.IndexAny(raw, special)
	}
	return string(append(out, raw...)), nil
}

// entities are the references that every document has.
var entities = []struct {
	name string
	r    rune
}{{"amp", '&'}, {"apos", '\''}, {"gt", '>'}, {"lt", '<'}, {"quot", '"'}}

// reference resolves what text begins with: from & to ;. It gives how long that
// is, and what is wrong with it, or "": the length is then up to that place.
func reference(text string) (r rune, length int, wrong string) {
	if strings.HasPrefix(text, "&#") {
		return numbered(text)
	}
	n := 1
	for n < len(text) && (isNameStart(text[n]) || n > 1 && isNameByte(text[n])) {
		n++
	}
	switch name := text[1:n]; {
	case name == "":
		return 0, 1, "xmlParseEntityRef: no name"
	case n == len(text) || text[n] != ';':
		return 0, n, "EntityRef: expecting ';'"
	default:
		for _, k := range entities {
			if k.name == name {
				return k.r, n + 1, ""
			}
		}
		return 0, n + 1, "Entity '" + name + "' not defined"
	}
}

// numbered is reference for a character's number.
func numbered(text string) (r rune, length int, wrong string) {
	n, base, digits, kind := 2, uint64(10), "0123456789", "decimal"
	if strings.HasPrefix(text, "&#x") {
		n, base, digits, kind = 3, 16, "0123456789abcdefABCDEF", "hexadecimal"
	}
	first, v := n, uint64(0)
	for ; n < len(text) && strings.IndexByte(digits, text[n]) >= 0; n++ {
		digit := uint64(strings.IndexByte(digits, text[n]))
		if digit > 15 {
			digit -= 6
		}
		v = min(v*base+digit, 0x110000)
	}
	if n == first || n == len(text) || text[n] != ';' {
		return 0, n, "CharRef: invalid " + kind + " value"
	}
	if v == '\t' || v == '\n' || v == '\r' || v >= 0x20 && v < 0xD800 || v >= 0xE000 && v < 0xFFFE || v >= 0x10000 && v <= 0x10FFFF {
		return rune(v), n + 1, ""
	}
	return 0, n + 1, fmt.Sprintf("xmlParseCharRef: invalid xmlChar value %d", v)
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

// fail makes the error of a text that is not well formed, in libxml's words:
// the message, the line, a pointer. At the end of the text that is the end of
// the last line with something on it.
func (s *scanner) fail(at int, msg string) error {
	at = min(at, len(s.text))
	line, column := s.where(at)
	end := at
	if at == len(s.text) {
		end = len(strings.TrimRight(s.text, "\n"))
	}
	start := strings.LastIndexByte(s.text[:end], '\n') + 1
	shown, pointer := s.text[start:], end-start
	if i := strings.IndexByte(shown, '\n'); i >= 0 {
		shown = shown[:i]
	}
	if end == 0 && at == len(s.text) {
		shown = "(null)"
	}
	// A line of megabytes helps nobody.
	if len(shown) > 200 {
		from := max(0, pointer-100)
		shown = strings.ToValidUTF8(shown[from:min(len(shown), from+200)], "")
		pointer -= from
	}
	return &Error{
		Code: CodeXMLDetail,
		Msg:  fmt.Sprintf("at line %d: %s\n%s\n%s^", line, msg, shown, strings.Repeat("-", max(0, pointer))),
		File: s.name, Line: line, Column: column,
	}
}

// badByte finds the first byte that no document may hold, and what libxml says
// of it; -1 if there is none.
func badByte(text string) (at int, wrong string) {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < utf8.RuneSelf || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		if r == utf8.RuneError && n == 1 {
			words := "Input is not proper UTF-8, indicate encoding !\nBytes:"
			for _, b := range []byte(text[i:min(len(text), i+4)]) {
				words += fmt.Sprintf(" 0x%02X", b)
			}
			return i, words
		}
		if c < 0x20 || r == 0xFFFE || r == 0xFFFF {
			if strings.LastIndexByte(text[:i], '<') > strings.LastIndexByte(text[:i], '>') {
				return i, "invalid character in attribute value"
			}
			return i, fmt.Sprintf("PCDATA invalid Char value %d", r)
		}
		i += n
	}
	return -1, ""
}
