package xml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// plan is what the codec does for a struct type. Plans are made when a type is
// first used and never change.
type plan struct {
	root  string // element name of a document type
	attrs []*field
	kids  []*field // in print order
	text  *field
	parse []*field       // attrs, text and kids in the order in which they are read
	pair  bool           // printed as open and end tag although empty
	whole unsafe.Pointer // see boxed; nil if the type is no ChildChecker, and then read in the order of parse
	check unsafe.Pointer // see boxed; nil if the type is no Checker
}

// field is one attribute, child element, path or text of a struct.
type field struct {
	name     string
	offset   uintptr // of the struct field, in the struct that the plan is of
	kind     kind
	typ      reflect.Type   // element type, of lists and pointers too
	box      unsafe.Pointer // see boxed
	ptr      bool
	list     bool
	sub      atomic.Pointer[plan] // of structs, once it is made, and of paths
	enum     []string
	unknown  string // format of the error for a word that is not in enum
	required bool
	missing  string // the error of absence, if not the usual one
	empty    bool   // printed although zero
	nonzero  bool
	trim     bool
	hex      int    // digits of a hexadecimal number, 0 for decimal
	anybase  bool   // read in base 8, 10 or 16
	nonneg   bool   // read as a signed number that may not be negative
	bare     bool   // printed although nothing is inside
	blank    bool   // an empty word counts as absent
	filled   bool   // an empty word is as much an error as absence
	kept     bool   // an empty text is Blank, and so printed again
	wanted   bool   // a schema asks for it, reading does not
	like     string // the regular expression that a schema holds it against
	order    int
	attr     bool
	textual  bool   // ,text
	bit      uint64 // of the name, see nameBit
	always   bool   // absence is to be looked at
}

// nameBit is a bit that stands for a name and some others, so that most names
// that an element does not have are known without a search.
func nameBit(name string) uint64 {
	n := len(name)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(n)*5 + uint(name[0])*3 + uint(name[n/2])*11 + uint(name[n-1])*7) & 63)
}

type kind uint8

const (
	kindString kind = iota
	kindUint
	kindInt
	kindFlag   // bool: the child's presence; as attribute 1 or 0
	kindStruct // a struct with a plan
	kindNode   // *Node
	kindCustom // NodeDecoder
	kindValue  // Value
	kindPath
)

// Value is a type that has its own form as text, in attributes and elements.
type Value interface {
	// ParseValue reads the text; the error is for that text alone.
	ParseValue(string) error
	// FormatValue gives the text; "" prints nothing.
	FormatValue() string
}

// OnOff is the word on or off, or nothing.
type OnOff string

// YesNo is the word yes or no, or nothing.
type YesNo string

// On tells whether the word is there and means yes.
func (v OnOff) On() bool { return v == "on" }

// Yes tells whether the word is there and means yes.
func (v YesNo) Yes() bool { return v == "yes" }

var (
	decoderType      = reflect.TypeFor[NodeDecoder]()
	checkerType      = reflect.TypeFor[Checker]()
	valueType        = reflect.TypeFor[Value]()
	childCheckerType = reflect.TypeFor[ChildChecker]()
	nodeType         = reflect.TypeFor[*Node]()
	onOffType        = reflect.TypeFor[OnOff]()
	yesNoType        = reflect.TypeFor[YesNo]()

	plans sync.Map // reflect.Type -> *plan; only a cache
)

// planOf gives the plan of a struct type.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{}
	if ptr := reflect.PointerTo(t); ptr.Implements(checkerType) {
		p.check = boxOf(ptr)
	}
	if ptr := reflect.PointerTo(t); ptr.Implements(childCheckerType) {
		p.whole = boxOf(ptr)
	}
	p.fields(t, 0)
	p.finish()
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

// inner is the plan of what is inside a struct or path.
func (f *field) inner() *plan {
	if p := f.sub.Load(); p != nil {
		return p
	}
	p := planOf(f.typ)
	f.sub.Store(p)
	return p
}

// fields reads a struct's fields. Plans are made in every process anew, so that this
// looks at each thing once and takes memory for all fields of a struct at a time.
func (p *plan) fields(t reflect.Type, base uintptr) {
	n := t.NumField()
	room := make([]field, n)
	for i := range n {
		sf := t.Field(i)
		tags := tagsOf(string(sf.Tag))
		if tags.foreign {
			panic("xml: the tag's key is el, since encoding/xml's rules are not ours: " + t.Name() + "." + sf.Name)
		}
		switch {
		case tags.isRoot:
			p.root, _, p.pair = strings.Cut(tags.root, ",pair")
			continue
		case sf.Anonymous && !tags.isEl:
			p.fields(sf.Type, base+sf.Offset)
			continue
		case !tags.isEl || tags.el == "-":
			continue
		}
		name, options, _ := strings.Cut(tags.el, ",")
		f := &room[i]
		f.offset, f.like, f.enum, f.unknown, f.missing = base+sf.Offset, tags.like, tags.enum, tags.unknown, tags.missing
		f.options(t, sf, options)
		f.required = f.required || f.missing != ""
		f.classify(t, sf)
		p.place(f, name)
	}
}

// fieldTags is what a field's tag says.
type fieldTags struct {
	root, el, like, unknown, missing string
	enum                             []string
	isRoot, isEl, foreign            bool
}

// tagsOf reads a tag, key:"value" with blanks between. That tags are of that form is
// for go vet.
func tagsOf(tag string) fieldTags {
	var t fieldTags
	for tag != "" {
		key, rest, ok := strings.Cut(tag, ":\"")
		if !ok {
			break
		}
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			break
		}
		value := rest[:end]
		if strings.IndexByte(value, '\\') >= 0 {
			value, _ = strconv.Unquote(`"` + value + `"`)
		}
		tag = strings.TrimLeft(rest[end+1:], " ")
		switch key {
		case "root":
			t.root, t.isRoot = value, true
		case "el":
			t.el, t.isEl = value, true
		case "xml":
			t.foreign = true
		case "like":
			t.like = value
		case "enum":
			t.enum = strings.Fields(value)
		case "unknown":
			t.unknown = value
		case "missing":
			t.missing = value
		}
	}
	return t
}

func (f *field) options(t reflect.Type, sf reflect.StructField, options string) {
	for o := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "":
		case "attr":
			f.attr = true
		case "text":
			f.textual = true
		case "required":
			f.required = true
		case "empty":
			f.empty = true
		case "nonzero":
			f.nonzero = true
		case "trim":
			f.trim = true
		case "nonneg":
			f.nonneg = true
		case "bare":
			f.bare = true
		case "blank":
			f.blank = true
		case "filled":
			f.required, f.filled = true, true
		case "kept":
			f.kept = true
		case "wanted":
			f.wanted = true
		case "hex":
			f.hex, _ = strconv.Atoi(value)
			f.anybase = true
		case "anybase":
			f.anybase = true
		case "order":
			f.order, _ = strconv.Atoi(value)
		default:
			panic(fmt.Sprintf("xml: %s.%s: unknown option %q", t, sf.Name, o))
		}
	}
}

func (f *field) classify(t reflect.Type, sf reflect.StructField) {
	typ := sf.Type
	if typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8 && !(typ.PkgPath() != "" && reflect.PointerTo(typ).Implements(valueType)) {
		f.list = true
		typ = typ.Elem()
	}
	if typ == nodeType {
		f.kind, f.typ = kindNode, typ
		return
	}
	if typ.Kind() == reflect.Pointer {
		f.ptr = true
		typ = typ.Elem()
	}
	f.typ = typ
	var ptr reflect.Type
	if typ.PkgPath() != "" { // only a named type has methods
		ptr = reflect.PointerTo(typ)
	}
	switch {
	case ptr != nil && ptr.Implements(decoderType):
		f.kind, f.box = kindCustom, boxOf(ptr)
	case ptr != nil && ptr.Implements(valueType):
		f.kind, f.box = kindValue, boxOf(ptr)
	case typ == onOffType:
		f.kind, f.enum = kindString, []string{"on", "off"}
	case typ == yesNoType:
		f.kind, f.enum = kindString, []string{"yes", "no"}
	default:
		switch typ.Kind() {
		case reflect.String:
			f.kind = kindString
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			f.kind = kindUint
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			f.kind = kindInt
		case reflect.Bool:
			f.kind = kindFlag
		case reflect.Struct:
			f.kind = kindStruct
		default:
			panic(fmt.Sprintf("xml: %s.%s: a type without a form", t, sf.Name))
		}
	}
}

// place puts a field where its name says, inside the wrappers of a path.
func (p *plan) place(f *field, name string) {
	head, rest, path := strings.Cut(name, ">")
	if path {
		var wrap *field
		for _, k := range p.kids {
			if k.kind == kindPath && k.name == head {
				wrap = k
			}
		}
		if wrap == nil {
			wrap = &field{name: head, kind: kindPath, order: f.order}
			wrap.sub.Store(&plan{})
			p.kids = append(p.kids, wrap)
		}
		wrap.inner().place(f, rest)
		return
	}
	f.name = name
	switch {
	case f.textual:
		p.text = f
	case f.attr:
		p.attrs = append(p.attrs, f)
	default:
		p.kids = append(p.kids, f)
	}
}

// finish fixes the order of reading: fields with an order first, by it, the
// others as they stand.
func (p *plan) finish() {
	n := len(p.attrs) + len(p.kids) + 1
	all := append(make([]*field, 0, n), p.attrs...)
	if p.text != nil {
		all = append(all, p.text)
	}
	all = append(all, p.kids...)
	top := 0
	for _, f := range all {
		top = max(top, f.order)
		f.bit = nameBit(f.name)
		f.always = f.required || f.textual
		if f.kind == kindPath {
			f.inner().finish()
			for _, g := range f.inner().parse {
				f.always = f.always || g.required
			}
		}
	}
	if top == 0 {
		p.parse = all
		return
	}
	p.parse = make([]*field, 0, n)
	for o := 1; o <= top; o++ {
		for _, f := range all {
			if f.order == o {
				p.parse = append(p.parse, f)
			}
		}
	}
	for _, f := range all {
		if f.order == 0 {
			p.parse = append(p.parse, f)
		}
	}
}
