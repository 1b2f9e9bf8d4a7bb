package xml

import (
	"sort"
	"strings"
)

// XPath evaluates an expression of XPath 1.0 on a document and prints what it
// finds as `virsh dumpxml --xpath` does: a node a line, or with wrap all in one
// element <nodes>. An expression that gives no nodes is an error.
func XPath(doc []byte, expr string, wrap bool) (string, error) {
	root, err := Parse(Source{Data: doc})
	if err != nil {
		return "", err
	}
	value, err := evalXPath(root, expr)
	if err != nil {
		return "", err
	}
	nodes, ok := value.(pathNodes)
	if !ok {
		return "", Errorf(CodeInternal, "Incorrect xpath '%s'", expr)
	}
	if wrap {
		all := Element("nodes")
		for _, n := range nodes {
			switch {
			case n.attr != nil:
				all.setAttr(n.attr.Name, n.attr.Value)
			case n.node.Name == "":
				all.Children = append(all.Children, &Node{Text: n.node.Text})
			default:
				all.Children = append(all.Children, n.node)
			}
		}
		return all.Dump() + "\n", nil
	}
	var b strings.Builder
	for _, n := range nodes {
		switch {
		case n.attr != nil:
			d := dumper{buf: []byte(" " + n.attr.Name + `="`)}
			d.attrText(n.attr.Value)
			b.Write(append(d.buf, '"'))
		case n.parent == nil:
			b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + n.node.Children[0].Dump() + "\n")
		default:
			b.WriteString(n.node.Dump())
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// XPathValue evaluates an expression and gives its value as text.
func XPathValue(root *Node, expr string) (string, error) {
	v, err := evalXPath(root, expr)
	if err != nil {
		return "", err
	}
	return toString(v), nil
}

func (n *Node) setAttr(name, value string) {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			n.Attrs[i].Value = value
			return
		}
	}
	n.Attrs = append(n.Attrs, Attr{Name: name, Value: value})
}

// pathNode is a node as XPath sees it: with its parent and its place.
type pathNode struct {
	node   *Node
	attr   *Attr // an attribute of parent's element
	parent *pathNode
	kids   []*pathNode
	attrs  []*pathNode
	order  int
}

type pathNodes []*pathNode

// pathTree gives the document node above root.
func pathTree(root *Node) *pathNode {
	order := 0
	var build func(n *Node, up *pathNode) *pathNode
	build = func(n *Node, up *pathNode) *pathNode {
		p := &pathNode{node: n, parent: up, order: order}
		order++
		for i := range n.Attrs {
			if strings.HasPrefix(n.Attrs[i].Name, "xmlns") {
				continue
			}
			p.attrs = append(p.attrs, &pathNode{node: n, attr: &n.Attrs[i], parent: p, order: order})
			order++
		}
		for _, c := range n.Children {
			p.kids = append(p.kids, build(c, p))
		}
		return p
	}
	return build(&Node{Name: "#document", Children: []*Node{root}}, nil)
}

func (p *pathNode) isElement() bool { return p.attr == nil && p.node.IsElement() && p.parent != nil }

// text is a node's string value.
func (p *pathNode) text() string {
	switch {
	case p.attr != nil:
		return p.attr.Value
	case p.node.IsElement():
		return p.node.Value()
	}
	return p.node.Text
}

// name is the qualified name, or "".
func (p *pathNode) name() string {
	switch {
	case p.attr != nil:
		return p.attr.Name
	case p.isElement():
		return p.node.Name
	}
	return ""
}

// sorted puts nodes into document order, each once.
func sorted(list pathNodes) pathNodes {
	sort.SliceStable(list, func(i, j int) bool { return list[i].order < list[j].order })
	out := list[:0]
	for i, n := range list {
		if i == 0 || n != list[i-1] {
			out = append(out, n)
		}
	}
	return out
}

// axis gives the nodes on an axis, nearest first.
func (p *pathNode) axis(name string) pathNodes {
	var out pathNodes
	switch name {
	case "child":
		return p.kids
	case "attribute":
		return p.attrs
	case "self":
		return pathNodes{p}
	case "parent":
		if p.parent != nil {
			out = pathNodes{p.parent}
		}
	case "descendant":
		for _, k := range p.kids {
			out = append(append(out, k), k.axis("descendant")...)
		}
	case "descendant-or-self":
		return append(pathNodes{p}, p.axis("descendant")...)
	case "ancestor":
		for u := p.parent; u != nil; u = u.parent {
			out = append(out, u)
		}
	case "ancestor-or-self":
		return append(pathNodes{p}, p.axis("ancestor")...)
	case "following-sibling", "preceding-sibling":
		out = p.siblings(name == "following-sibling")
	case "following":
		for u := p; u != nil; u = u.parent {
			for _, s := range u.siblings(true) {
				out = append(out, s.axis("descendant-or-self")...)
			}
		}
	case "preceding":
		for u := p; u != nil; u = u.parent {
			for _, s := range u.siblings(false) {
				below := s.axis("descendant-or-self")
				for i := len(below) - 1; i >= 0; i-- {
					out = append(out, below[i])
				}
			}
		}
	}
	return out
}

func (p *pathNode) siblings(after bool) pathNodes {
	if p.parent == nil || p.attr != nil {
		return nil
	}
	var out pathNodes
	for i, k := range p.parent.kids {
		if k != p {
			continue
		}
		if after {
			return p.parent.kids[i+1:]
		}
		for j := i - 1; j >= 0; j-- {
			out = append(out, p.parent.kids[j])
		}
	}
	return out
}

// matches applies a node test.
func (p *pathNode) matches(test, axis string) bool {
	switch test {
	case "node()":
		return true
	case "text()":
		return p.attr == nil && p.node.isText()
	case "comment()":
		return p.attr == nil && p.node.Name == "!"
	case "processing-instruction()":
		return p.attr == nil && p.node.Name == "?"
	}
	if axis == "attribute" {
		return p.attr != nil && (test == "*" || test == p.attr.Name)
	}
	if !p.isElement() {
		return false
	}
	if prefix, ok := strings.CutSuffix(test, ":*"); ok {
		return strings.HasPrefix(p.node.Name, prefix+":")
	}
	return test == "*" || test == p.node.Name && p.node.Space == "" || strings.Contains(test, ":") && test == p.node.Name
}
