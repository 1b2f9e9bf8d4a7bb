package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"virgo/xml"
)

// ParseOutput reads the value of --output.
func ParseOutput(word string) (string, error) {
	switch word {
	case "text", "json":
		return word, nil
	}
	return "", fmt.Errorf("unknown output format '%s': expected text or json", word)
}

// resultJSON is a result as one line of JSON.
func resultJSON(r Result) string {
	switch r := r.(type) {
	case Listing:
		rows := make([]Data, 0, len(r.Rows))
		for _, row := range r.Rows {
			d := make(Data, 0, len(row))
			for i, v := range row {
				d = append(d, Pair{r.Columns[i].key(), v})
			}
			rows = append(rows, d)
		}
		return jsonLine(rows)
	case Fields:
		d := make(Data, 0, len(r.Items))
		for _, f := range r.Items {
			key := f.Key
			if key == "" {
				key = keyOf(f.Label)
			}
			d = append(d, Pair{key, f.Value})
		}
		return jsonLine(d)
	case Document:
		key := r.Key
		if key == "" {
			key = "xml"
		}
		return jsonLine(Data{{key, r.Text}})
	case Message:
		return dataJSON(r.Text, r.Data)
	case Event:
		return dataJSON(r.Text, r.Data)
	}
	return ""
}

// dataJSON is a message's values; its text stands for them where it has none.
func dataJSON(text string, data any) string {
	if d, ok := data.(Data); data != nil && !(ok && d == nil) {
		return jsonLine(data)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return jsonLine(Data{{"message", text}})
}

func (c Column) key() string {
	if c.Key != "" {
		return c.Key
	}
	return keyOf(c.Title)
}

// keyOf makes a key of a label: "Max memory" is max_memory.
func keyOf(label string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(label) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		} else {
			gap = true
		}
	}
	return b.String()
}

// MarshalJSON keeps the order of the values.
func (d Data) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(p.Key)
		value, err := marshal(p.Value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// MarshalJSON gives the value alone.
func (c Cell) MarshalJSON() ([]byte, error) { return marshal(c.Value) }

func marshal(v any) ([]byte, error) {
	if s, ok := v.(fmt.Stringer); ok {
		v = s.String()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

func jsonLine(v any) string {
	data, err := marshal(v)
	if err != nil {
		return string(errorJSON(err))
	}
	return string(data) + "\n"
}

// errorJSON is an error as a line of JSON: the shell's text, the driver's, and
// the driver's class of it.
func errorJSON(err error) []byte {
	d := Data{}
	var f *Failure
	var x *xml.Error
	if errors.As(err, &f) {
		d = append(d, Pair{"error", f.Text})
		if f.Err != nil {
			d = append(d, Pair{"detail", f.Err.Error()})
		}
	} else {
		d = append(d, Pair{"error", err.Error()})
	}
	if errors.As(err, &x) {
		d = append(d, Pair{"code", int(x.Code)})
		if x.Line > 0 {
			d = append(d, Pair{"file", x.File}, Pair{"line", x.Line}, Pair{"column", x.Column})
		}
	}
	line, _ := marshal(d)
	return append(line, '\n')
}
