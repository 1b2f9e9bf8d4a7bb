package drivers

import (
	"strings"

	"virgo/xml"
)

// ReadMetadata gives a definition's title, description or the element of a
// namespace as applications see it: without the prefix.
func ReadMetadata(title, description string, m *xml.Metadata, k MetadataKind, uri string) (string, error) {
	text, what := "", ""
	switch k {
	case Title:
		text, what = title, "title"
	case Description:
		text, what = description, "description"
	default:
		what = "metadata"
		if m != nil {
			for _, n := range m.Nodes {
				if n.Space == uri {
					return unprefixed(n).Dump(), nil
				}
			}
		}
		return "", xml.Errorf(xml.CodeNoMetadata, "Requested metadata element is not present")
	}
	if text == "" {
		return "", xml.Errorf(xml.CodeNoMetadata, "Requested %s is not present", what)
	}
	return text, nil
}

// unprefixed is a copy of an element without its prefix and declarations.
func unprefixed(n *xml.Node) *xml.Node {
	c := *n
	if i := strings.IndexByte(c.Name, ':'); i >= 0 && c.IsElement() {
		c.Name = c.Name[i+1:]
	}
	c.Attrs, c.Children = nil, nil
	for _, a := range n.Attrs {
		if a.Name != "xmlns" && !strings.HasPrefix(a.Name, "xmlns:") {
			c.Attrs = append(c.Attrs, a)
		}
	}
	for _, k := range n.Children {
		if k.IsElement() {
			k = unprefixed(k)
		}
		c.Children = append(c.Children, k)
	}
	return &c
}

// WriteMetadata sets or removes (value nil) what ReadMetadata reads.
func WriteMetadata(title, description *string, m **xml.Metadata, k MetadataKind, value *string, key, uri string) error {
	text := ""
	if value != nil {
		text = *value
	}
	switch k {
	case Title:
		*title = text
		return nil
	case Description:
		*description = text
		return nil
	}
	list := &xml.Metadata{}
	if *m != nil {
		for _, n := range (*m).Nodes {
			if n.Space != uri {
				list.Nodes = append(list.Nodes, n)
			}
		}
	}
	if value != nil {
		n, err := xml.Parse(xml.Source{Name: "(metadata_xml)", Data: []byte(text)})
		if err != nil {
			return err
		}
		n = prefixed(n, key, uri)
		n.Attrs = append([]xml.Attr{{Name: "xmlns:" + key, Value: uri}}, n.Attrs...)
		list.Nodes = append(list.Nodes, n)
	}
	*m = list
	if len(list.Nodes) == 0 {
		*m = nil
	}
	return nil
}

// prefixed is a copy of an element with its names in a namespace.
func prefixed(n *xml.Node, key, uri string) *xml.Node {
	c := unprefixed(n)
	var name func(*xml.Node)
	name = func(n *xml.Node) {
		if !n.IsElement() {
			return
		}
		n.Name, n.Space = key+":"+n.Name, uri
		for _, k := range n.Children {
			name(k)
		}
	}
	name(c)
	return c
}

// CheckTitle refuses a title of several lines.
func CheckTitle(k MetadataKind, value *string) error {
	if k == Title && value != nil && strings.Contains(*value, "\n") {
		return xml.Errorf(xml.CodePlain, "metadata title can't contain newlines")
	}
	return nil
}
