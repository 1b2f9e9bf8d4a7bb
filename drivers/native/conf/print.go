package conf

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// Writer puts a file together, an entry a line. What is written again takes the
// place of what was written before.
type Writer struct {
	names []string
	lines [][]byte
	buf   bytes.Buffer // the line that is being written
	err   error
}

// Str writes a string, in the quotes that it needs.
func (w *Writer) Str(name, text string) { w.put(name, Value{Text: text}) }

// Num writes a number.
func (w *Writer) Num(name string, n int64) { w.put(name, Value{Kind: Number, Num: n}) }

// Bool writes 1 or 0.
func (w *Writer) Bool(name string, on bool) {
	n := int64(0)
	if on {
		n = 1
	}
	w.Num(name, n)
}

// List writes a list of values.
func (w *Writer) List(name string, list []Value) { w.put(name, Value{Kind: List, List: list}) }

// Strings writes a list of strings.
func (w *Writer) Strings(name string, list []string) { w.List(name, Strings(list)) }

// Strings makes values of strings.
func Strings(list []string) []Value {
	out := make([]Value, len(list))
	for i, t := range list {
		out[i].Text = t
	}
	return out
}

// Bytes gives the file, or why it cannot be written.
func (w *Writer) Bytes() ([]byte, error) {
	return bytes.ReplaceAll(bytes.Join(w.lines, nil), []byte(xml.Blank), nil), w.err
}

func (w *Writer) put(name string, v Value) {
	w.buf.Reset()
	w.buf.WriteString(name)
	w.buf.WriteString(" = ")
	w.value(name, v)
	w.buf.WriteByte('\n')
	line := bytes.Clone(w.buf.Bytes())
	if i := slices.Index(w.names, name); i >= 0 {
		w.lines[i] = line
		return
	}
	w.names, w.lines = append(w.names, name), append(w.lines, line)
}

func (w *Writer) value(name string, v Value) {
	switch v.Kind {
	case None:
	case Number:
		w.buf.WriteString(strconv.FormatInt(v.Num, 10))
	case List:
		w.buf.WriteString("[ ")
		for i := range v.List {
			if i > 0 {
				w.buf.WriteString(", ")
			}
			w.value(name, v.List[i])
		}
		w.buf.WriteString(" ]")
	default:
		q := quotes(v.Text)
		if q == "" && w.err == nil {
			w.err = xml.Errorf(xml.CodeConfigUnsupported, "the value of '%s' cannot be quoted: %s", name, v.Text)
		}
		w.buf.WriteString(q + v.Text + q)
	}
}

// quotes are those that a string can stand in; "" if there are none.
func quotes(text string) string {
	single, double, lines := strings.Contains(text, "'"), strings.Contains(text, `"`), strings.Contains(text, "\n")
	switch {
	case !double && !lines:
		return `"`
	case !single && !lines:
		return "'"
	case !strings.Contains(text, `"""`):
		return `"""`
	}
	return ""
}
