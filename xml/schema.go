package xml

import (
	"reflect"
	"strings"
)

// CheckSchema compares a document with a document type, such as *Network, more
// strictly than reading does: elements and attributes that the type does not
// know, and those that are wanted and not there, are errors. schema is its name.
func CheckSchema(src Source, v any, schema string) error {
	n, err := Parse(src)
	if err != nil {
		return err
	}
	var words []string
	for _, f := range Lint(n, v) {
		words = append(words, f.String())
	}
	t := reflect.TypeOf(v).Elem()
	words = append(words, wanted(n, planOf(t))...)
	if len(words) == 0 {
		if err := Decode(n, reflect.New(t).Interface()); err != nil {
			words = append(words, err.Error())
		}
	}
	if len(words) == 0 {
		return nil
	}
	return Errorf(CodeSchema, "Unable to validate doc against %s.rng\n%s", schema, strings.Join(words, "\n"))
}

// wanted names what a schema asks for and reading does not.
func wanted(n *Node, p *plan) []string {
	var out []string
	for _, f := range p.parse {
		if !f.wanted {
			continue
		}
		if _, ok := n.Attr(f.name); f.attr && !ok {
			out = append(out, "Element "+n.Name+" lacks the attribute "+f.name)
		}
		if !f.attr && n.Child(f.name) == nil {
			out = append(out, "Expecting an element "+f.name+", got nothing")
		}
	}
	return out
}
