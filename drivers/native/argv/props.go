package argv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// props are the properties of one option in their order, whichever of QEMU's
// two ways they are written in. What is taken is marked, so that in the end it
// is known what was not understood.
type props struct {
	option string // -device
	line   int
	list   []property
	json   bool
	spent  bool // said in XML, or passed
}

type property struct {
	key, value string
	used       bool
	bare       bool // in JSON without quotes
}

// maxProps bounds the properties of one option.
const maxProps = 10000

// parseProps reads k=v,k=v, in which a comma in a value is doubled, or JSON.
// The first word may stand without the key that is implied.
func parseProps(w word, implied string) (*props, error) {
	p := &props{option: w.name, line: w.line}
	if strings.HasPrefix(w.arg, "{") {
		return p, p.readJSON(w)
	}
	for i, part := range shell.SplitCommas(w.arg) {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case ok:
		case i == 0 && implied != "":
			key, value = implied, part
		case part == "":
			continue
		case strings.HasPrefix(part, "no") && len(part) > 2 && w.name != "-blockdev": // server,nowait
			key, value = part[2:], "off"
		default:
			value = "on"
		}
		p.list = append(p.list, property{key: key, value: value})
	}
	if len(p.list) > maxProps {
		return nil, w.fail("too many properties")
	}
	return p, nil
}

func (p *props) readJSON(w word) error {
	p.json = true
	dec := json.NewDecoder(strings.NewReader(w.arg))
	dec.UseNumber()
	if err := p.readValue(dec, "", 0); err != nil {
		return w.fail(fmt.Sprintf("malformed JSON: %v", err))
	}
	if dec.More() {
		return w.fail("something stands behind the JSON")
	}
	return nil
}

// readValue reads one value; the members of objects are named with dots.
func (p *props) readValue(dec *json.Decoder, key string, depth int) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if len(p.list) >= maxProps || depth > 20 {
		return fmt.Errorf("too much of it")
	}
	delim, nested := t.(json.Delim)
	if !nested {
		_, text := t.(string)
		p.list = append(p.list, property{key: key, value: scalar(t), bare: !text})
		return nil
	}
	if key != "" {
		key += "."
	}
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if delim == '{' {
			t, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ = t.(string)
		}
		if err := p.readValue(dec, key+name, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func scalar(t json.Token) string {
	switch v := t.(type) {
	case bool:
		return onOff(v)
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// find gives the last of the properties of that name, as QEMU does.
func (p *props) find(key string) *property {
	for i := len(p.list) - 1; i >= 0; i-- {
		if p.list[i].key == key {
			return &p.list[i]
		}
	}
	return nil
}

func (p *props) has(key string) bool { return p.find(key) != nil }

// peek is a property's value, which it leaves to be taken.
func (p *props) peek(key string) string {
	if f := p.find(key); f != nil {
		return f.value
	}
	return ""
}

// take gives the value of a property by any of its names, "" if it has none.
func (p *props) take(keys ...string) string {
	value := ""
	for _, k := range keys {
		for i := range p.list {
			if p.list[i].key == k {
				value, p.list[i].used = p.list[i].value, true
			}
		}
	}
	return value
}

// takePrefix gives all properties below a name, without it.
func (p *props) takePrefix(prefix string) *props {
	sub := &props{option: p.option, line: p.line}
	for i := range p.list {
		if key, ok := strings.CutPrefix(p.list[i].key, prefix); ok {
			p.list[i].used = true
			sub.list = append(sub.list, property{key: key, value: p.list[i].value})
		}
	}
	return sub
}

// ignore marks properties that need not be said if they have the value that
// they would have anyway.
func (p *props) ignore(key string, values ...string) {
	for i := range p.list {
		for _, v := range values {
			if p.list[i].key == key && (p.list[i].value == v || sameSwitch(p.list[i].value, v)) {
				p.list[i].used = true
			}
		}
	}
}

func sameSwitch(a, b string) bool { return toSwitch(a) != "" && toSwitch(a) == toSwitch(b) }

// toSwitch is on or off for any of QEMU's words for it.
func toSwitch(word string) xml.OnOff {
	switch word {
	case "on", "yes", "true", "y":
		return "on"
	case "off", "no", "false", "n":
		return "off"
	}
	return ""
}

// onOff takes a switch.
func (p *props) onOff(keys ...string) xml.OnOff {
	for _, k := range keys {
		f := p.find(k)
		if f == nil {
			continue
		}
		if v := toSwitch(f.value); v != "" {
			p.take(k)
			return v
		}
	}
	return ""
}

// isOn takes a switch that is off if it is not there.
func (p *props) isOn(keys ...string) bool { return p.onOff(keys...) == "on" }

func (p *props) yesNo(keys ...string) xml.YesNo {
	switch p.onOff(keys...) {
	case "on":
		return "yes"
	case "off":
		return "no"
	}
	return ""
}

// number takes a number, decimal or with 0x. One that is none stays untaken.
func (p *props) number(keys ...string) (uint64, bool) {
	for _, k := range keys {
		if f := p.find(k); f != nil {
			if v, err := strconv.ParseUint(f.value, 0, 64); err == nil {
				p.take(k)
				return v, true
			}
		}
	}
	return 0, false
}

// uint takes a number, 0 if there is none.
func (p *props) uint(keys ...string) uint {
	v, _ := p.number(keys...)
	if v > 1<<32-1 {
		return 1<<32 - 1
	}
	return uint(v)
}

func (p *props) uintPtr(keys ...string) *uint {
	v, ok := p.number(keys...)
	if !ok || v > 1<<32-1 {
		return nil
	}
	u := uint(v)
	return &u
}

// bytes takes a size; a number without a unit has that of the option.
func (p *props) bytes(key string, unit byte) uint64 {
	f := p.find(key)
	if f == nil {
		return 0
	}
	v, ok := size(f.value, unit)
	if ok {
		p.take(key)
	}
	return v
}

// size reads 512, 2G, 1.5G, 0x1000.
func size(text string, unit byte) (uint64, bool) {
	number := text
	if n := len(text); n > 0 {
		if s := strings.IndexByte("bkmgtpe", text[n-1]|0x20); s >= 0 && !strings.HasPrefix(text, "0x") {
			unit, number = text[n-1]|0x20, text[:n-1]
		}
	}
	shift := strings.IndexByte("bkmgtpe", unit) * 10
	if v, err := strconv.ParseUint(number, 0, 64); err == nil {
		if v > (1<<63)>>shift {
			return 0, false
		}
		return v << shift, true
	}
	v, err := strconv.ParseFloat(number, 64)
	if v *= float64(uint64(1) << shift); err != nil || !(v >= 0 && v < 1<<62) {
		return 0, false
	}
	return uint64(v), true
}

// left are the names of what was not taken.
func (p *props) left() []string {
	var out []string
	for _, f := range p.list {
		if !f.used {
			out = append(out, f.key)
		}
	}
	return out
}

// set gives a property another value, or adds it.
func (p *props) set(key, value string) {
	if f := p.find(key); f != nil {
		f.value = value
		return
	}
	p.list = append(p.list, property{key: key, value: value})
}

// String writes the properties for a command line, in the way in which they
// were written. The first one stands without its key if QEMU implies it.
func (p *props) String() string {
	if p.json {
		return writeJSON(p.list)
	}
	var b bytes.Buffer
	for i, f := range p.list {
		if i > 0 {
			b.WriteByte(',')
		}
		implied := i == 0 && p.option != "-drive" && (f.key == "driver" || f.key == "type" || f.key == "qom-type" || f.key == "backend" || f.key == "fsdriver" || f.key == "spec")
		if !implied {
			b.WriteString(f.key + "=")
		}
		b.WriteString(strings.ReplaceAll(f.value, ",", ",,"))
	}
	return b.String()
}

// writeJSON writes an object, or a list if the names are numbers.
func writeJSON(list []property) string {
	var b bytes.Buffer
	brackets := "{}"
	if len(list) > 0 && (list[0].key == "0" || strings.HasPrefix(list[0].key, "0.")) {
		brackets = "[]"
	}
	b.WriteByte(brackets[0])
	for i := 0; i < len(list); {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _, nested := strings.Cut(list[i].key, ".")
		if brackets == "{}" {
			b.Write(quote(name))
			b.WriteByte(':')
		}
		if !nested {
			b.WriteString(list[i].written())
			i++
			continue
		}
		var inner []property
		for ; i < len(list) && strings.HasPrefix(list[i].key, name+"."); i++ {
			f := list[i]
			f.key = f.key[len(name)+1:]
			inner = append(inner, f)
		}
		b.WriteString(writeJSON(inner))
	}
	b.WriteByte(brackets[1])
	return b.String()
}

func (f *property) written() string {
	if !f.bare {
		return string(quote(f.value))
	}
	switch f.value {
	case "on":
		return "true"
	case "off":
		return "false"
	case "":
		return "null"
	}
	return f.value
}

func quote(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
