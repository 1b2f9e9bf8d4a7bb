package xml

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"
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
	p.structure(planOf(rv.Type()), rv.Addr().UnsafePointer(), name)
	n, err := Parse(Source{Name: name, Data: p.buf})
	if err != nil {
		return nil
	}
	pairs(n)
	return n
}

// pairs marks the elements that were printed as two tags with nothing between:
// the break of line was no text.
func pairs(n *Node) {
	for _, c := range n.Children {
		pairs(c)
	}
	if len(n.Children) == 1 && n.Children[0].Name == "" && strings.HasPrefix(n.Children[0].Text, "\n") && strings.TrimSpace(n.Children[0].Text) == "" {
		n.Children, n.Pair = nil, true
	}
}

func (p *printer) value(v any, name string) {
	if e, ok := v.(NodeEncoder); ok {
		if n := e.EncodeNode(name); n != nil {
			p.node(n)
		}
		return
	}
	rv := addressable(v)
	p.structure(planOf(rv.Type()), rv.Addr().UnsafePointer(), name)
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
func (p *printer) structure(pl *plan, at unsafe.Pointer, name string) {
	p.open(name)
	for _, f := range pl.attrs {
		p.attribute(f, f.in(at))
	}
	p.body(pl, at, name)
}

// body writes what follows the attributes.
func (p *printer) body(pl *plan, at unsafe.Pointer, name string) {
	if pl.text != nil {
		if v, ok := pl.text.shown(pl.text.in(at)); ok {
			p.buf = append(p.buf, '>')
			before := len(p.buf)
			if p.text(pl.text, v); len(p.buf) > before || pl.text.empty {
				p.closeTag(name)
				return
			}
			p.buf = p.buf[:before-1]
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
		p.child(f, at)
	}
	p.depth--
	if len(p.buf) == before && !pl.pair {
		p.buf = append(p.buf[:before-2], '/', '>', '\n')
		return
	}
	p.indent()
	p.closeTag(name)
}

func (p *printer) child(f *field, at unsafe.Pointer) {
	if f.kind == kindPath {
		p.path(f, at)
		return
	}
	at = f.in(at)
	if !f.list {
		p.element(f, at)
		return
	}
	first, count, stride := f.items(at)
	for i := range count {
		p.element(f, unsafe.Add(first, uintptr(i)*stride))
	}
}

// path writes a wrapper if there is anything in it.
func (p *printer) path(f *field, at unsafe.Pointer) {
	start := len(p.buf)
	inner := f.inner()
	p.open(f.name)
	head := len(p.buf)
	for _, a := range inner.attrs {
		p.attribute(a, a.in(at))
	}
	bare := len(p.buf) == head
	p.body(inner, at, f.name)
	if bare && p.buf[len(p.buf)-3] == '/' && string(p.buf[start:]) == string(p.buf[start:head])+"/>\n" {
		p.buf = p.buf[:start]
	}
}

// element writes one child element, or nothing if it is zero.
func (p *printer) element(f *field, at unsafe.Pointer) {
	switch f.kind {
	case kindNode:
		if n := *nodeAt(at); n != nil {
			p.node(n)
		}
		return
	case kindFlag:
		if !f.ptr {
			if *flagAt(at) {
				p.open(f.name)
				p.buf = append(p.buf, '/', '>', '\n')
			}
			return
		}
	case kindStruct:
		if f.ptr {
			if at = pointee(at); at == nil {
				return
			}
		} else if !f.list && !f.empty && f.zero(at) {
			return
		}
		start := len(p.buf)
		p.structure(f.inner(), at, f.name)
		if !f.list && !f.bare && !f.empty && len(p.buf)-start == 2*p.depth+len(f.name)+4 {
			p.buf = p.buf[:start]
		}
		return
	case kindCustom:
		if f.ptr {
			if at = pointee(at); at == nil {
				return
			}
		} else if !f.list && !f.empty && f.zero(at) {
			return
		}
		p.custom(f, at)
		return
	}
	at, ok := f.shown(at)
	if !ok && !f.list {
		return
	}
	start := len(p.buf)
	p.open(f.name)
	p.buf = append(p.buf, '>')
	before := len(p.buf)
	switch ok = ok && p.text(f, at); {
	case !ok && !f.list:
		p.buf = p.buf[:start]
	case len(p.buf) == before:
		p.buf = append(p.buf[:before-1], '/', '>', '\n')
	default:
		p.closeTag(f.name)
	}
}

func (p *printer) custom(f *field, at unsafe.Pointer) {
	switch e := boxed(f.box, at).(type) {
	case nodePrinter:
		e.printNode(p, f.name)
	case NodeEncoder:
		if n := e.EncodeNode(f.name); n != nil {
			p.node(n)
		}
	default:
		p.structure(planOf(f.typ), at, f.name)
	}
}

// nodePrinter is a NodeEncoder without the detour.
type nodePrinter interface{ printNode(p *printer, name string) }

// attribute writes an attribute if it is to be printed.
func (p *printer) attribute(f *field, at unsafe.Pointer) {
	at, ok := f.shown(at)
	if !ok {
		return
	}
	start := len(p.buf)
	p.attrStart(f.name)
	if !p.text(f, at) {
		p.buf = p.buf[:start]
		return
	}
	p.buf = append(p.buf, '\'')
}

// shown gives the value itself, and whether it is printed at all: what is zero
// mostly is not.
func (f *field) shown(at unsafe.Pointer) (unsafe.Pointer, bool) {
	if f.ptr {
		at = pointee(at)
		return at, at != nil
	}
	if f.empty {
		return at, true
	}
	switch f.kind {
	case kindString:
		return at, *textAt(at) != ""
	case kindUint, kindInt:
		return at, f.uint(at) != 0
	case kindFlag:
		return at, *flagAt(at)
	}
	return at, !f.zero(at)
}

// text writes the text of an attribute or a simple child that is shown. A type
// with a form of its own may still say that it is not.
func (p *printer) text(f *field, at unsafe.Pointer) bool {
	switch f.kind {
	case kindString:
		p.escape(*textAt(at))
	case kindUint:
		if f.hex > 0 {
			p.hex(f.uint(at), f.hex)
		} else {
			p.buf = strconv.AppendUint(p.buf, f.uint(at), 10)
		}
	case kindInt:
		p.buf = strconv.AppendInt(p.buf, f.int(at), 10)
	case kindFlag:
		word := "no"
		if *flagAt(at) {
			word = "yes"
		}
		p.buf = append(p.buf, word...)
	case kindValue:
		text := boxed(f.box, at).(Value).FormatValue()
		p.escape(text)
		return text != "" || f.empty
	default:
		return false
	}
	return true
}

// hex writes a number as 0x and at least that many digits.
func (p *printer) hex(u uint64, digits int) {
	var buf [20]byte
	p.buf = append(p.buf, putHex(buf[:], u, digits)...)
}

// hexText prints a number as 0x and at least that many digits.
func hexText(u uint64, digits int) string {
	var buf [20]byte
	return string(putHex(buf[:], u, digits))
}

// putHex is hexText into the end of buf.
func putHex(buf []byte, u uint64, digits int) []byte {
	at := len(buf)
	for n := 0; n < digits || u != 0; n++ {
		at--
		buf[at] = "0123456789abcdef"[u&15]
		u >>= 4
	}
	at -= 2
	buf[at], buf[at+1] = '0', 'x'
	return buf[at:]
}
