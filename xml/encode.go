package xml

import (
	"reflect"
	"strconv"
	"sync"
)

// Marshal prints a document type, such as *Domain, in libvirt's form.
func Marshal(v any) ([]byte, error) {
	rv := reflect.Indirect(reflect.ValueOf(v))
	return MarshalAs(v, planOf(rv.Type()).root)
}

// MarshalAs prints v as an element of that name.
func MarshalAs(v any, name string) ([]byte, error) {
	p := printers.Get().(*printer)
	defer printers.Put(p)
	p.buf, p.depth = p.buf[:0], 0
	p.value(v, name)
	return append([]byte(nil), p.buf...), nil
}

// printers have buffers to print into: a document's size is known only when it
// is printed.
var printers = sync.Pool{New: func() any { return &printer{buf: make([]byte, 0, 4096)} }}

// Encode makes the element of v. nil if v prints nothing.
func Encode(v any, name string) *Node {
	if e, ok := v.(NodeEncoder); ok {
		return e.EncodeNode(name)
	}
	return EncodeFields(v, name)
}

// EncodeFields is Encode by v's tags alone, for a NodeEncoder that only adds
// to them.
func EncodeFields(v any, name string) *Node {
	rv := addressable(v)
	var p printer
	p.structure(planOf(rv.Type()), rv, name)
	n, err := Parse(Source{Name: name, Data: p.buf})
	if err != nil {
		return nil
	}
	return n
}

func (p *printer) value(v any, name string) {
	if e, ok := v.(NodeEncoder); ok {
		if n := e.EncodeNode(name); n != nil {
			p.node(n)
		}
		return
	}
	rv := addressable(v)
	p.structure(planOf(rv.Type()), rv, name)
}

// addressable gives the struct that v is or points to, such that pointers to
// its fields can be taken.
func addressable(v any) reflect.Value {
	rv := reflect.Indirect(reflect.ValueOf(v))
	if !rv.CanAddr() {
		c := reflect.New(rv.Type()).Elem()
		c.Set(rv)
		return c
	}
	return rv
}

// structure writes a struct as an element.
func (p *printer) structure(pl *plan, rv reflect.Value, name string) {
	p.open(name)
	for _, f := range pl.attrs {
		v := f.of(rv)
		if text, ok := f.format(v); ok {
			p.attr(f.name, text)
		}
	}
	p.body(pl, rv, name)
}

// body writes what follows the attributes.
func (p *printer) body(pl *plan, rv reflect.Value, name string) {
	if pl.text != nil {
		if text, _ := pl.text.format(pl.text.of(rv)); text != "" {
			p.buf = append(p.buf, '>')
			p.escape(text)
			p.closeTag(name)
			return
		}
	}
	if len(pl.kids) == 0 {
		p.buf = append(p.buf, '/', '>', '\n')
		return
	}
	p.buf = append(p.buf, '>', '\n')
	before := len(p.buf)
	p.depth++
	for _, f := range pl.kids {
		p.child(f, rv)
	}
	p.depth--
	if len(p.buf) == before && !pl.pair {
		p.buf = append(p.buf[:before-2], '/', '>', '\n')
		return
	}
	p.indent()
	p.closeTag(name)
}

func (p *printer) child(f *field, rv reflect.Value) {
	if f.kind == kindPath {
		p.path(f, rv)
		return
	}
	v := f.of(rv)
	if !f.list {
		p.element(f, v)
		return
	}
	for i := range v.Len() {
		p.element(f, v.Index(i))
	}
}

// path writes a wrapper if there is anything in it.
func (p *printer) path(f *field, rv reflect.Value) {
	start := len(p.buf)
	inner := f.inner()
	p.open(f.name)
	head := len(p.buf)
	for _, a := range inner.attrs {
		if text, ok := a.format(a.of(rv)); ok {
			p.attr(a.name, text)
		}
	}
	bare := len(p.buf) == head
	p.body(inner, rv, f.name)
	if bare && p.buf[len(p.buf)-3] == '/' && string(p.buf[start:]) == string(p.buf[start:head])+"/>\n" {
		p.buf = p.buf[:start]
	}
}

// element writes one child element, or nothing if it is zero.
func (p *printer) element(f *field, v reflect.Value) {
	switch f.kind {
	case kindNode:
		if n := v.Interface().(*Node); n != nil {
			p.node(n)
		}
		return
	case kindFlag:
		if !f.ptr {
			if v.Bool() {
				p.open(f.name)
				p.buf = append(p.buf, '/', '>', '\n')
			}
			return
		}
	case kindStruct:
		if f.ptr {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		} else if !f.list && !f.empty && v.IsZero() {
			return
		}
		start := len(p.buf)
		p.structure(f.inner(), v, f.name)
		if !f.list && !f.bare && !f.empty && len(p.buf)-start == 2*p.depth+len(f.name)+4 {
			p.buf = p.buf[:start]
		}
		return
	case kindCustom:
		if f.ptr && v.IsNil() || !f.ptr && !f.list && !f.empty && v.IsZero() {
			return
		}
		p.custom(f, v)
		return
	}
	text, ok := f.format(v)
	if !ok && !f.list {
		return
	}
	p.open(f.name)
	if text == "" {
		p.buf = append(p.buf, '/', '>', '\n')
		return
	}
	p.buf = append(p.buf, '>')
	p.escape(text)
	p.closeTag(f.name)
}

func (p *printer) custom(f *field, v reflect.Value) {
	if !f.ptr {
		v = v.Addr()
	}
	switch e := v.Interface().(type) {
	case nodePrinter:
		e.printNode(p, f.name)
	case NodeEncoder:
		if n := e.EncodeNode(f.name); n != nil {
			p.node(n)
		}
	default:
		p.structure(planOf(f.typ), v.Elem(), f.name)
	}
}

// nodePrinter is a NodeEncoder without the detour.
type nodePrinter interface{ printNode(p *printer, name string) }

// format gives the text of an attribute or a simple child, and whether it is
// printed.
func (f *field) format(v reflect.Value) (string, bool) {
	if f.ptr {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	} else if !f.empty && v.IsZero() {
		return "", false
	}
	switch f.kind {
	case kindString:
		return v.String(), true
	case kindUint:
		if f.hex > 0 {
			return hexText(v.Uint(), f.hex), true
		}
		return strconv.FormatUint(v.Uint(), 10), true
	case kindInt:
		return strconv.FormatInt(v.Int(), 10), true
	case kindFlag:
		if v.Bool() {
			return "yes", true
		}
		return "no", true
	case kindValue:
		if !v.CanAddr() {
			c := reflect.New(v.Type()).Elem()
			c.Set(v)
			v = c
		}
		text := v.Addr().Interface().(Value).FormatValue()
		return text, text != "" || f.empty
	}
	return "", false
}

// hexText prints a number as 0x and at least that many digits.
func hexText(u uint64, digits int) string {
	var buf [20]byte
	at := len(buf)
	for n := 0; n < digits || u != 0; n++ {
		at--
		buf[at] = "0123456789abcdef"[u&15]
		u >>= 4
	}
	at -= 2
	buf[at], buf[at+1] = '0', 'x'
	return string(buf[at:])
}
