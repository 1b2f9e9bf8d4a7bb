package xml

import (
	"strings"
)

// String is the element as libvirt prints it: two spaces a level, single
// quotes, <a/> where nothing is inside. White space between elements of the
// document that it was read from does not matter.
func (n *Node) String() string { return string(n.Print()) }

// Print is String as bytes, with a line end.
func (n *Node) Print() []byte {
	var p printer
	p.node(n)
	return p.buf
}

// IsElement tells elements from text, comments and processing instructions.
func (n *Node) IsElement() bool {
	return n.Name != "" && n.Name[0] != '!' && n.Name[0] != '?'
}

// cdata is the name of text that was written as a CDATA section.
const cdata = "![CDATA["

func (n *Node) isText() bool { return n.Name == "" || n.Name == cdata }

// Elements gives the child elements of that name, or all if it is "".
func (n *Node) Elements(name string) []*Node {
	var out []*Node
	for _, c := range n.Children {
		if c.IsElement() && (name == "" || c.Name == name) {
			out = append(out, c)
		}
	}
	return out
}

// Value is the text inside the element, that of children included.
func (n *Node) Value() string {
	if len(n.Children) == 1 && n.Children[0].Name == "" {
		return n.Children[0].Text
	}
	if n.isText() {
		return n.Text
	}
	var b strings.Builder
	n.value(&b)
	return b.String()
}

func (n *Node) value(b *strings.Builder) {
	for _, c := range n.Children {
		if c.isText() {
			b.WriteString(c.Text)
		} else if c.IsElement() {
			c.value(b)
		}
	}
}

// Element makes an element with children.
func Element(name string, children ...*Node) *Node {
	return &Node{Name: name, Children: children}
}

// With adds attributes, given as name, value pairs; empty values are left out.
func (n *Node) With(pairs ...string) *Node {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			n.Attrs = append(n.Attrs, Attr{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return n
}

// Add adds children; nil ones are left out.
func (n *Node) Add(children ...*Node) *Node {
	for _, c := range children {
		if c != nil {
			n.Children = append(n.Children, c)
		}
	}
	return n
}

// TextElement makes an element that holds text.
func TextElement(name, text string) *Node {
	n := &Node{Name: name}
	if text != "" {
		n.Children = []*Node{{Text: text}}
	}
	return n
}

// printer writes libvirt's form.
type printer struct {
	buf   []byte
	depth int
}

func (p *printer) indent() {
	const blanks = "                                "
	n := 2 * p.depth
	for n > len(blanks) {
		p.buf = append(p.buf, blanks...)
		n -= len(blanks)
	}
	p.buf = append(p.buf, blanks[:n]...)
}

// attrStart writes an attribute up to its value. Each append is a statement of
// its own, so that the buffer's pointer is stored only where it changes.
func (p *printer) attrStart(name string) {
	p.buf = append(p.buf, ' ')
	p.buf = append(p.buf, name...)
	p.buf = append(p.buf, '=', '\'')
}

func (p *printer) attr(name, value string) {
	p.attrStart(name)
	p.escape(value)
	p.buf = append(p.buf, '\'')
}

// Blank is a text without characters that is given all the same, and printed;
// "" is one that is not there.
const Blank = "\x01"

// Plain is the text itself, of one that may be Blank.
func Plain(text string) string { return strings.ReplaceAll(text, Blank, "") }

func (p *printer) escape(text string) {
	last := 0
	for i := 0; i < len(text); i++ {
		var to string
		switch c := text[i]; {
		case c > '>':
			continue
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			to = "" // XML has no such characters
		case c == '&':
			to = "&amp;"
		case c == '<':
			to = "&lt;"
		case c == '>':
			to = "&gt;"
		case c == '"':
			to = "&quot;"
		case c == '\'':
			to = "&apos;"
		default:
			continue
		}
		p.buf = append(p.buf, text[last:i]...)
		p.buf = append(p.buf, to...)
		last = i + 1
	}
	p.buf = append(p.buf, text[last:]...)
}

// open writes the start of an element up to its attributes.
func (p *printer) open(name string) {
	p.indent()
	p.buf = append(p.buf, '<')
	p.buf = append(p.buf, name...)
}

// closeTag writes an end tag and the line's end.
func (p *printer) closeTag(name string) {
	p.buf = append(p.buf, '<', '/')
	p.buf = append(p.buf, name...)
	p.buf = append(p.buf, '>', '\n')
}

func (p *printer) node(n *Node) {
	if !n.IsElement() {
		return
	}
	p.open(n.Name)
	for _, a := range n.Attrs {
		p.attr(a.Name, a.Value)
	}
	kids := 0
	for _, c := range n.Children {
		if c.IsElement() {
			kids++
		}
	}
	if kids > 0 {
		p.buf = append(p.buf, '>', '\n')
		p.depth++
		for _, c := range n.Children {
			p.node(c)
		}
		p.depth--
		p.indent()
		p.closeTag(n.Name)
		return
	}
	if n.Pair {
		p.buf = append(p.buf, '>', '\n')
		p.indent()
		p.closeTag(n.Name)
		return
	}
	text := n.Value()
	if text == "" {
		p.buf = append(p.buf, '/', '>', '\n')
		return
	}
	p.buf = append(p.buf, '>')
	p.escape(text)
	p.closeTag(n.Name)
}

// Dump is the element as libxml writes it: double quotes, and the layout of
// the document that it was read from. Virsh prints metadata and the results of
// --xpath so.
func (n *Node) Dump() string {
	var d dumper
	d.node(n, 0, true)
	return string(d.buf)
}

type dumper struct{ buf []byte }

// node writes n. pretty: n's siblings are all elements, so that layout is ours.
func (d *dumper) node(n *Node, depth int, pretty bool) {
	switch {
	case n.Name == "":
		d.text(n.Text)
		return
	case n.Name == cdata:
		d.buf = append(append(append(d.buf, "<![CDATA["...), n.Text...), "]]>"...)
		return
	case n.Name == "!":
		d.buf = append(append(append(d.buf, "<!--"...), n.Text...), "-->"...)
		return
	case n.Name == "?":
		d.buf = append(append(append(d.buf, "<?"...), n.Text...), "?>"...)
		return
	}
	d.buf = append(append(d.buf, '<'), n.Name...)
	for _, a := range n.Attrs {
		d.buf = append(append(append(d.buf, ' '), a.Name...), '=', '"')
		d.attrText(a.Value)
		d.buf = append(d.buf, '"')
	}
	if len(n.Children) == 0 {
		d.buf = append(d.buf, '/', '>')
		return
	}
	d.buf = append(d.buf, '>')
	inner := pretty
	for _, c := range n.Children {
		inner = inner && !c.isText()
	}
	for _, c := range n.Children {
		if inner {
			d.line(depth + 1)
		}
		d.node(c, depth+1, inner)
	}
	if inner {
		d.line(depth)
	}
	d.buf = append(append(append(d.buf, '<', '/'), n.Name...), '>')
}

func (d *dumper) line(depth int) {
	d.buf = append(d.buf, '\n')
	for range depth {
		d.buf = append(d.buf, ' ', ' ')
	}
}

func (d *dumper) text(text string) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '&':
			d.buf = append(d.buf, "&amp;"...)
		case '<':
			d.buf = append(d.buf, "&lt;"...)
		case '>':
			d.buf = append(d.buf, "&gt;"...)
		case '\r':
			d.buf = append(d.buf, "&#13;"...)
		default:
			d.buf = append(d.buf, c)
		}
	}
}

func (d *dumper) attrText(text string) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			d.buf = append(d.buf, "&quot;"...)
		case '\n':
			d.buf = append(d.buf, "&#10;"...)
		case '\t':
			d.buf = append(d.buf, "&#9;"...)
		default:
			d.text(string(c))
		}
	}
}
