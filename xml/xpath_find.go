package xml

// Find gives the elements and attributes that an XPath expression names, an
// attribute as a Node named "@" with its one Attr.
func (n *Node) Find(expr string) ([]*Node, error) {
	value, err := evalXPath(n, expr)
	if err != nil {
		return nil, err
	}
	nodes, ok := value.(pathNodes)
	if !ok {
		return nil, Errorf(CodeInternal, "Incorrect xpath '%s'", expr)
	}
	out := make([]*Node, 0, len(nodes))
	for _, p := range nodes {
		if p.attr != nil {
			out = append(out, &Node{Name: "@", Attrs: []Attr{*p.attr}})
		} else if p.node != nil {
			out = append(out, p.node)
		}
	}
	return out, nil
}
