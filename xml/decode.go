package xml

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unsafe"
)

// Unmarshal reads a document into a document type, such as *Domain.
func Unmarshal(src Source, v any) error {
	n, err := Parse(src)
	if err != nil {
		return err
	}
	return DecodeRoot(n, src.Name, v)
}

// DecodeRoot reads a document's root element, which must be the one of v's
// type. Errors know the file.
func DecodeRoot(n *Node, file string, v any) error {
	if root := planOf(reflect.TypeOf(v).Elem()).root; n.Name != root {
		return Errorf(CodeXML, "expecting root element of '%s', not '%s'", root, n.Name)
	}
	return InFile(Decode(n, v), file)
}

// Decode reads an element into v, a pointer to a struct or a NodeDecoder.
// What the type does not know is passed over. Errors know the place.
func Decode(n *Node, v any) error {
	var err error
	if d, ok := v.(NodeDecoder); ok {
		err = located(d.DecodeNode(n), n)
	} else {
		err = DecodeFields(n, v)
	}
	if name := n.Child("name"); err != nil && name != nil {
		err = Named(err, name.Value())
	}
	return err
}

// Named puts a document's name where an error's text has %N, as texts in tags may.
func Named(err error, name string) error {
	var e *Error
	if errors.As(err, &e) && strings.Contains(e.Msg, "%N") {
		e.Msg = strings.ReplaceAll(e.Msg, "%N", name)
	}
	return err
}

// DecodeFields is Decode by v's tags alone, for a NodeDecoder that only adds
// to them. v points to a struct.
func DecodeFields(n *Node, v any) error {
	rv := reflect.ValueOf(v)
	return planOf(rv.Type().Elem()).decode(n, rv.UnsafePointer())
}

func located(err error, n *Node) error {
	if e, ok := err.(*Error); ok && e.Line == 0 && n.Line > 0 {
		e.Line, e.Column = int(n.Line), int(n.Column)
	}
	return err
}

// decodeInOrder reads the attributes, and then the children as they stand. Of several of
// a name the last one counts.
func (p *plan) decodeInOrder(n *Node, at unsafe.Pointer) error {
	for _, f := range p.attrs {
		if err := f.decodeAttr(n, at); err != nil {
			return located(err, n)
		}
	}
	for _, c := range n.Children {
		if !c.IsElement() {
			continue
		}
		if err := boxed(p.whole, at).(ChildChecker).CheckChild(c); err == errVoid {
			continue
		} else if err != nil {
			return located(err, c)
		}
		for _, f := range p.kids {
			if f.name != c.Name {
				continue
			}
			if err := f.setNode(f.in(at), c); err != nil {
				return located(err, c)
			}
		}
	}
	return nil
}

func (p *plan) decode(n *Node, at unsafe.Pointer) error {
	if p.whole != nil {
		return p.decodeInOrder(n, at)
	}
	var attrs, kids uint64
	for i := range n.Attrs {
		attrs |= nameBit(n.Attrs[i].Name)
	}
	for _, c := range n.Children {
		kids |= nameBit(c.Name)
	}
	for _, f := range p.parse {
		there := kids
		if f.attr {
			there = attrs
		}
		if there&f.bit == 0 && !f.always {
			continue
		}
		if err := f.decode(n, at); err != nil {
			return located(err, n)
		}
	}
	if p.check != nil {
		return located(boxed(p.check, at).(Checker).CheckNode(n), n)
	}
	return nil
}

func (f *field) decode(n *Node, at unsafe.Pointer) error {
	switch {
	case f.textual:
		return f.setText(f.in(at), n.Value(), n)
	case f.attr:
		return f.decodeAttr(n, at)
	case f.kind == kindPath:
		if c := n.Child(f.name); c != nil {
			return f.inner().decode(c, at)
		}
		// What is required inside is missing as well.
		for _, g := range f.inner().parse {
			if g.required {
				return g.absent(&Node{Name: f.name, Line: n.Line, Column: n.Column})
			}
		}
		return nil
	case f.list:
		return f.decodeList(n, at)
	}
	c := n.Child(f.name)
	if c == nil {
		if f.required {
			return f.absent(n)
		}
		return nil
	}
	return located(f.setNode(f.in(at), c), c)
}

func (f *field) decodeAttr(n *Node, at unsafe.Pointer) error {
	for i := range n.Attrs {
		if a := &n.Attrs[i]; a.Name == f.name {
			err := f.setText(f.in(at), a.Value, n)
			if e, ok := err.(*Error); ok && e.Line == 0 && a.Line > 0 {
				e.Line, e.Column = int(a.Line), int(a.Column)
			}
			return err
		}
	}
	if f.required {
		return f.absent(n)
	}
	return nil
}

func (f *field) absent(n *Node) error {
	if f.missing != "" {
		return raise(fill(f.missing, "", n))
	}
	if f.attr {
		return Errorf(CodeXML, "Missing required attribute '%s' in element '%s'", f.name, n.Name)
	}
	return Errorf(CodeXML, "missing element '%s' in element '%s'", f.name, n.Name)
}

func (f *field) decodeList(n *Node, at unsafe.Pointer) error {
	count := 0
	for _, c := range n.Children {
		if c.Name == f.name {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	total := count
	item, stride := f.grow(f.in(at), count), f.stride()
	for _, c := range n.Children {
		if c.Name != f.name {
			continue
		}
		if err := f.setNode(item, c); err != nil {
			f.shorten(f.in(at), total-count) // what is read can be looked at
			return err
		}
		if count--; count > 0 { // a place behind the last item is not the list's
			item = unsafe.Add(item, stride)
		}
	}
	return nil
}

// setNode stores an element.
func (f *field) setNode(at unsafe.Pointer, c *Node) error {
	if f.kind == kindNode {
		*nodeAt(at) = c
		return nil
	}
	if f.kind == kindFlag && !f.ptr {
		*flagAt(at) = true
		return nil
	}
	if f.ptr {
		if f.kind != kindCustom && f.kind != kindStruct {
			return f.setText(at, c.Value(), c)
		}
		pointer := at
		at = f.make()
		setPointee(pointer, at)
		err := f.setInner(at, c)
		if err == errVoid {
			setPointee(pointer, nil)
			return nil
		}
		return err
	}
	return f.setInner(at, c)
}

// setInner stores an element in the place that is there for it.
func (f *field) setInner(at unsafe.Pointer, c *Node) error {
	switch f.kind {
	case kindCustom:
		return located(boxed(f.box, at).(NodeDecoder).DecodeNode(c), c)
	case kindStruct:
		return f.inner().decode(c, at)
	default:
		return f.setText(at, c.Value(), c)
	}
}

// setText stores the value of an attribute or the text of an element.
func (f *field) setText(at unsafe.Pointer, text string, n *Node) error {
	if f.trim {
		text = strings.TrimSpace(text)
	}
	if text == "" && f.filled {
		return f.absent(n)
	}
	if text == "" && f.kept {
		text = Blank
	}
	if f.blank && text == "" && (f.kind == kindUint || f.kind == kindInt) {
		return nil
	}
	if f.ptr {
		to := f.make()
		setPointee(at, to)
		at = to
	}
	switch f.kind {
	case kindString:
		return f.setString(at, text, n)
	case kindUint, kindInt:
		if f.blank && text == "" {
			return nil
		}
		return f.setNumber(at, text, n)
	case kindValue:
		if f.blank && text == "" {
			return nil
		}
		err := boxed(f.box, at).(Value).ParseValue(text)
		if err == nil {
			return nil
		}
		if _, ok := err.(*Error); ok {
			return err
		}
		if err == errNotInteger {
			return f.invalid(text, n, " Expected integer value")
		}
		return f.invalid(text, n, "")
	case kindFlag:
		*flagAt(at) = text == "1" || text == "yes" || text == "on"
		return nil
	}
	return fmt.Errorf("xml: %s cannot be read from text", f.name)
}

func (f *field) setString(at unsafe.Pointer, text string, n *Node) error {
	if f.enum != nil && !(f.blank && text == "") {
		known := false
		for _, w := range f.enum {
			known = known || w == text
		}
		if !known || f.nonzero && len(f.enum) > 0 && text == f.enum[0] {
			return f.invalid(text, n, "")
		}
	}
	*textAt(at) = text
	return nil
}

// errNotInteger is what ParseValue gives where a whole number is wanted.
var errNotInteger = errors.New("not an integer")

// invalid is the error of a value that cannot be.
func (f *field) invalid(text string, n *Node, expected string) error {
	if f.unknown != "" {
		return raise(fill(f.unknown, text, n))
	}
	if f.attr {
		return Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': '%s'.%s", f.name, n.Name, text, expected)
	}
	return Errorf(CodeXML, "Invalid value for element '%s': '%s'.%s", n.Name, text, expected)
}

func (f *field) setNumber(at unsafe.Pointer, text string, n *Node) error {
	digits := strings.TrimLeft(text, " \t\n")
	base := 10
	if f.anybase {
		base = 0
		if strings.HasPrefix(digits, "0") && len(digits) > 1 && digits[1] != 'x' && digits[1] != 'X' {
			base = 8
		}
	}
	if f.kind == kindInt {
		bits := f.typ.Bits()
		if f.typ.Kind() == reflect.Int { // as in C; what is wider is int64
			bits = 32
		}
		i, err := strconv.ParseInt(strings.TrimPrefix(digits, "+"), base, bits)
		if err != nil || strings.Contains(digits, "_") {
			return f.invalid(text, n, " Expected integer value")
		}
		f.setBits(at, uint64(i))
		return nil
	}
	if f.nonneg {
		i, err := strconv.ParseInt(strings.TrimPrefix(digits, "+"), base, 32)
		if err != nil {
			return f.invalid(text, n, " Expected integer value")
		}
		if i < 0 {
			return f.invalid(text, n, " Expected non-negative value")
		}
	}
	bits := f.typ.Bits()
	if f.typ.Kind() == reflect.Uint { // what is wider is uint64
		bits = 32
	}
	u, err := strconv.ParseUint(strings.TrimPrefix(digits, "+"), base, bits)
	if err != nil || strings.Contains(digits, "_") {
		return f.invalid(text, n, " Expected non-negative integer value")
	}
	if f.nonzero && u == 0 {
		if f.unknown == "" && f.attr {
			return Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': Zero is not permitted", f.name, n.Name)
		}
		return f.invalid(text, n, " Zero is not permitted")
	}
	f.setBits(at, u)
	return nil
}

// fill puts the value and attributes of the element into a text of a tag.
func fill(format, value string, n *Node) string {
	for _, a := range n.Attrs {
		format = strings.ReplaceAll(format, "%{"+a.Name+"}", a.Value)
	}
	return strings.ReplaceAll(format, "%s", value)
}

// raise makes the error of a complete text: its first words say the class.
func raise(text string) *Error {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(text, p.words); ok {
			return &Error{Code: p.code, Msg: rest}
		}
	}
	return &Error{Code: CodePlain, Msg: text}
}
