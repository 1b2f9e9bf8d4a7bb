package xml

import "strings"

// Metadata is what applications keep with an object: elements in namespaces of
// their own, one for each namespace.
type Metadata struct {
	Nodes []*Node
	// Hollow: all that there was has no namespace and was dropped.
	Hollow bool
}

// DecodeNode takes the elements that have a namespace, the first of each.
func (m *Metadata) DecodeNode(n *Node) error {
	seen := map[string]bool{}
	for _, c := range n.Children {
		if c.IsElement() && c.Space != "" && !seen[c.Space] {
			seen[c.Space] = true
			m.Nodes = append(m.Nodes, c)
		}
	}
	m.Hollow = len(m.Nodes) == 0 && len(n.Elements("")) > 0
	return nil
}

// EncodeNode makes the element.
func (m *Metadata) EncodeNode(name string) *Node {
	n := Element(name, m.Nodes...)
	var known []string
	for _, c := range m.Nodes {
		n.Attrs = append(n.Attrs, undeclared(c, nil, &known)...)
	}
	return n
}

// undeclared gives declarations for the prefixes that n uses and does not
// declare itself.
func undeclared(n *Node, scope []string, known *[]string) []Attr {
	prefix, _, ok := strings.Cut(n.Name, ":")
	if !ok {
		prefix = ""
	}
	for _, a := range n.Attrs {
		if a.Name == "xmlns" {
			scope = append(scope[:len(scope):len(scope)], "")
		} else if p, ok := strings.CutPrefix(a.Name, "xmlns:"); ok {
			scope = append(scope[:len(scope):len(scope)], p)
		}
	}
	var out []Attr
	if n.Space != "" && !contains(scope, prefix) && !contains(*known, prefix) {
		*known = append(*known, prefix)
		name := "xmlns"
		if prefix != "" {
			name += ":" + prefix
		}
		out = append(out, Attr{Name: name, Value: n.Space})
	}
	for _, c := range n.Children {
		if c.IsElement() {
			out = append(out, undeclared(c, scope, known)...)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (m *Metadata) printNode(p *printer, name string) {
	if len(m.Nodes) == 0 && !m.Hollow {
		return
	}
	var d dumper
	d.node(m.EncodeNode(name), p.depth, true)
	p.indent()
	p.buf = append(append(p.buf, d.buf...), '\n')
}
