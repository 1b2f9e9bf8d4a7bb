package xml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Locate gives an error without a place the place in the document that its text
// speaks of, as far as that can be told: the last element or attribute that has
// a value which the text names. Errors that know their place, and those whose
// text names nothing of the document, stay as they are.
func Locate(err error, root *Node) error {
	var e *Error
	if !errors.As(err, &e) || e.Line > 0 || root == nil {
		return err
	}
	for _, word := range namedIn(e.Msg) {
		line, column, count := 0, 0, 0
		root.each(func(n *Node) {
			if n.address() == word {
				line, column, count = int(n.Line), int(n.Column), count+1
			}
			for _, a := range n.Attrs {
				if a.Value == word && a.Line > 0 {
					line, column, count = int(a.Line), int(a.Column), count+1
				}
			}
			if len(n.Children) == 1 && strings.TrimSpace(n.Value()) == word {
				line, column, count = int(n.Line), int(n.Column), count+1
			}
		})
		if count > 0 && count <= maxPlaces {
			placed := *e
			placed.Line, placed.Column, placed.Err = line, column, err
			return &placed
		}
	}
	return locateSpoken(err, *e, root)
}

// spoken are errors that name no value, and the elements that they speak of.
var spoken = []struct {
	text string
	of   func(*Node) bool
}{
	{"Maximum CPUs greater than", func(n *Node) bool { return n.Name == "vcpu" }},
	{"PCI controller index", func(n *Node) bool {
		index, _ := n.Attr("index")
		u, err := strconv.ParseUint(index, 10, 64)
		return n.Name == "controller" && err == nil && u > 255
	}},
}

// locateSpoken gives the place of the first element that an error speaks of.
func locateSpoken(err error, e Error, root *Node) error {
	for _, s := range spoken {
		if !strings.HasPrefix(e.Msg, s.text) {
			continue
		}
		root.each(func(n *Node) {
			if e.Line == 0 && s.of(n) {
				e.Line, e.Column, e.Err = int(n.Line), int(n.Column), err
			}
		})
	}
	if e.Line == 0 {
		return err
	}
	return &e
}

// maxPlaces is how many places may have a value: one that stands everywhere says nothing.
const maxPlaces = 4

// namedIn are the values that a message may name: what stands in quotes, then
// PCI addresses, paths and long numbers.
func namedIn(msg string) []string {
	var quoted, bare []string
	for i, part := range strings.Split(msg, "'") {
		if i%2 == 1 {
			if part != "" && len(part) < 256 {
				quoted = append(quoted, part)
			}
			continue
		}
		for _, w := range strings.Fields(part) {
			w = strings.TrimRight(w, ".,;")
			if _, err := strconv.ParseUint(w, 10, 64); err == nil && len(w) > 1 || strings.Contains(w, "/") || strings.Count(w, ":") == 2 && strings.Contains(w, ".") {
				bare = append(bare, w)
			}
		}
	}
	const most = 8
	list := append(quoted, bare...)
	return list[:min(len(list), most)]
}

// address is a PCI address as messages name it, "" of another element.
func (n *Node) address() string {
	if n.Name != "address" {
		return ""
	}
	var v [4]uint64
	for i, name := range []string{"domain", "bus", "slot", "function"} {
		text, ok := n.Attr(name)
		u, err := strconv.ParseUint(text, 0, 32)
		if ok && err != nil {
			return ""
		}
		v[i] = u
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", v[0], v[1], v[2], v[3])
}

// each goes over an element and all below it.
func (n *Node) each(f func(*Node)) {
	f(n)
	for _, c := range n.Children {
		if c.IsElement() {
			c.each(f)
		}
	}
}
