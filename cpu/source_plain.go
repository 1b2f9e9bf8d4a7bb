package cpu

import (
	"bytes"

	"virgo/xml"
)

// plainHost reads the <cpu> element of a host at the front of a text, if it is
// written in the plain way that libvirt prints it: no comments, references or
// features that the map does not know. Baselines over thousands of hosts spend
// their time here; everything else, and every error, is left to package xml,
// for which ok is false.
func plainHost(text []byte) (c *xml.CPU, length int, ok bool) {
	p := plain{text: text}
	if !p.literal("<cpu>") {
		return nil, 0, false
	}
	root := &xml.Node{Name: "cpu"}
	list := make([]xml.CPUFeature, 0, 48)
	var seen set
	for {
		p.space()
		if p.literal("</cpu>") {
			break
		}
		if p.literal("<feature name='") {
			end := bytes.IndexByte(p.text[p.pos:], '\'')
			if end < 0 {
				return nil, 0, false
			}
			i := findFeatureBytes(p.text[p.pos : p.pos+end])
			p.pos += end + 1
			if i < 0 || seen.has(i) || !p.literal("/>") {
				return nil, 0, false
			}
			seen.add(i)
			list = append(list, xml.CPUFeature{Name: features[i].name})
			continue
		}
		child := p.element()
		if child == nil {
			return nil, 0, false
		}
		root.Children = append(root.Children, child)
	}
	c, err := xml.DecodeCPU(root, xml.AnyCPU)
	if err != nil || !c.IsHost() || len(c.Features) > 0 {
		return nil, 0, false
	}
	c.Features = list
	return c, p.pos, true
}

// plain is a text and a place in it.
type plain struct {
	text []byte
	pos  int
}

func (p *plain) space() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\n' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

// literal steps over s if it stands here.
func (p *plain) literal(s string) bool {
	if len(p.text)-p.pos >= len(s) && string(p.text[p.pos:p.pos+len(s)]) == s {
		p.pos += len(s)
		return true
	}
	return false
}

// word reads a name of letters, digits and _.
func (p *plain) word() string {
	start := p.pos
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9' && p.pos > start {
			p.pos++
			continue
		}
		break
	}
	return string(p.text[start:p.pos])
}

// element reads an element with attributes and text, and nothing else in it.
func (p *plain) element() *xml.Node {
	if !p.literal("<") {
		return nil
	}
	n := &xml.Node{Name: p.word()}
	if n.Name == "" || n.Name == "cpu" {
		return nil
	}
	for {
		before := p.pos
		p.space()
		switch {
		case p.literal("/>"):
			return n
		case p.literal(">"):
			end := bytes.IndexByte(p.text[p.pos:], '<')
			if end < 0 || !printable(p.text[p.pos:p.pos+end]) {
				return nil
			}
			value := string(p.text[p.pos : p.pos+end])
			p.pos += end
			if !p.literal("</") || !p.literal(n.Name) || !p.literal(">") {
				return nil
			}
			if value != "" {
				n.Children = []*xml.Node{{Text: value}}
			}
			return n
		case p.pos == before:
			return nil
		}
		name := p.word()
		if _, twice := n.Attr(name); twice || name == "" || !p.literal("='") {
			return nil
		}
		end := bytes.IndexByte(p.text[p.pos:], '\'')
		if end < 0 || !printable(p.text[p.pos:p.pos+end]) {
			return nil
		}
		n.Attrs = append(n.Attrs, xml.Attr{Name: name, Value: string(p.text[p.pos : p.pos+end])})
		p.pos += end + 1
	}
}

// printable tells whether a text has no byte that XML treats specially.
func printable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '&' || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

// findFeatureBytes is findFeature without a string, for features of the map.
func findFeatureBytes(name []byte) int {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c)) * 16777619
	}
	for h %= uint32(len(featureIndex)); featureIndex[h] != 0; h = (h + 1) % uint32(len(featureIndex)) {
		if i := int(featureIndex[h]) - 1; features[i].name == string(name) {
			if i >= mapFeatures {
				return -1
			}
			return i
		}
	}
	return -1
}
