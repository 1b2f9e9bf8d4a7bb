package xml

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
	Line, Column int  // 1-based
	Pair         bool // printed as <a></a> on two lines even if nothing is inside
}

// Attr is one attribute, value unescaped.
type Attr struct {
	Name, Value  string
	Line, Column int
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

// NodeDecoder is a type that reads itself from an element.
type NodeDecoder interface{ DecodeNode(*Node) error }

// NodeEncoder is a type that makes its own element; nil prints nothing.
type NodeEncoder interface{ EncodeNode(name string) *Node }
