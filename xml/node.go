package xml

import (
	"errors"
	"slices"
	"strings"
)

// Source is a document to read: its bytes, and the name that errors give it.
type Source struct {
	Name string
	Data []byte
}

// Node is an element of a document, or a piece of text or a comment in it.
type Node struct {
	Name         string // "" for text; "!" for a comment, "![CDATA[" for text written so, "?" for an instruction; else the qualified name as written
	Space        string // namespace URI of the name, "" for none
	Text         string // text or comment, unescaped
	Attrs        []Attr
	Children     []*Node
	Line, Column int32 // 1-based; documents are smaller than that
	Pair         bool  // printed as <a></a> on two lines even if nothing is inside
}

// Attr is one attribute, value unescaped.
type Attr struct {
	Name, Value  string
	Line, Column int32
}

// Attr gives the attribute's value and whether it is there.
func (n *Node) Attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Child gives the first child element of that name, or nil.
func (n *Node) Child(name string) *Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// without is the element less the attributes and children that foreign names;
// itself if it has none of them.
func (n *Node) without(foreign func(name string, attr bool) bool) *Node {
	some := false
	for i := range n.Attrs {
		some = some || foreign(n.Attrs[i].Name, true)
	}
	for _, c := range n.Children {
		some = some || foreign(c.Name, false)
	}
	if !some {
		return n
	}
	own := *n
	own.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a Attr) bool { return foreign(a.Name, true) })
	own.Children = slices.DeleteFunc(slices.Clone(n.Children), func(c *Node) bool { return foreign(c.Name, false) })
	return &own
}

// partOfTypes is an attribute ("@name"), a child ("name") or a child's attribute
// ("child@name") that an element has only if it is of one of the types.
type partOfTypes struct{ name, types string }

// ofType is the element without what one of its type has not: the peer does not look
// at that, whatever it says.
func (n *Node) ofType(kind string, parts []partOfTypes) *Node {
	foreign := func(name string) bool {
		return slices.ContainsFunc(parts, func(p partOfTypes) bool { return p.name == name && !slices.Contains(strings.Fields(p.types), kind) })
	}
	own := n.without(func(name string, attr bool) bool { return attr && foreign("@"+name) || !attr && foreign(name) })
	for i, c := range own.Children {
		if less := c.without(func(name string, attr bool) bool { return attr && foreign(c.Name+"@"+name) }); less != c {
			if own == n {
				own = n.shallow()
			}
			own.Children[i] = less
		}
	}
	return own
}

// shallow is a copy with lists of its own.
func (n *Node) shallow() *Node {
	own := *n
	own.Attrs, own.Children = slices.Clone(n.Attrs), slices.Clone(n.Children)
	return &own
}

// NodeDecoder is a type that reads itself from an element.
type NodeDecoder interface{ DecodeNode(*Node) error }

// NodeEncoder is a type that makes its own element; nil prints nothing.
type NodeEncoder interface{ EncodeNode(name string) *Node }

// errVoid is a Checker's answer that an element is as good as absent.
var errVoid = errors.New("void")

// Checker is a type that checks, once its fields are read, what tags cannot say.
type Checker interface{ CheckNode(*Node) error }

// ChildChecker is a type whose children are read in the order in which they stand, and
// that looks at each before.
type ChildChecker interface{ CheckChild(*Node) error }

// ours is a copy of a document's root with one prefix for the children that
// belong to a namespace, whatever it was in the document, and without declarations.
func (n *Node) ours(space, prefix string) *Node {
	own := *n
	own.Children = make([]*Node, len(n.Children))
	for i, c := range n.Children {
		own.Children[i] = c
		if c.Space == space {
			own.Children[i] = c.prefixed(prefix)
		}
	}
	own.Attrs = nil
	for _, a := range n.Attrs {
		if !strings.HasPrefix(a.Name, "xmlns") {
			own.Attrs = append(own.Attrs, a)
		}
	}
	return &own
}

// prefixed is a copy of the element with all names under one prefix.
func (n *Node) prefixed(prefix string) *Node {
	c := *n
	if i := strings.IndexByte(c.Name, ':'); i >= 0 {
		c.Name = c.Name[i+1:]
	}
	c.Name = prefix + c.Name
	c.Children = nil
	for _, k := range n.Children {
		if k.IsElement() {
			k = k.prefixed(prefix)
		}
		c.Children = append(c.Children, k)
	}
	return &c
}
