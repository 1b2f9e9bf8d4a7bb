package xml

import (
	"fmt"
	"reflect"
	"strings"
)

// Finding is something in a document that the schema does not know and that
// define would drop silently.
type Finding struct {
	Line, Column int
	Message      string
}

// String is the finding in one line, place first.
func (f Finding) String() string { return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message) }

// lintNames are the names in types that read themselves: attributes, then
// children, and the types of children that are checked too.
type lintNames struct {
	attrs, kids string
	inner       map[string]reflect.Type
}

// lintables are the types whose fields do not tell their names.
func lintables() map[reflect.Type]lintNames {
	device := map[string]reflect.Type{"alias": reflect.TypeFor[Alias](), "address": reflect.TypeFor[Address](), "log": reflect.TypeFor[CharLog](), "boot": reflect.TypeFor[BootOrder]()}
	rule := lintNames{attrs: "action direction priority statematch"}
	for _, p := range filterProtocols() {
		rule.kids += " " + p.name
	}
	return map[reflect.Type]lintNames{
		reflect.TypeFor[NWFilter](): {attrs: "name chain priority", kids: "uuid rule filterref",
			inner: map[string]reflect.Type{"rule": reflect.TypeFor[FilterRule](), "filterref": reflect.TypeFor[FilterRef]()}},
		reflect.TypeFor[FilterRule]():  rule,
		reflect.TypeFor[Address]():     {attrs: "type domain bus slot function multifunction controller target unit port cssid ssid devno reg iobase irq base uuid device", kids: "zpci"},
		reflect.TypeFor[Chardev]():     {attrs: "type tty", kids: "source protocol target log alias acpi address", inner: device},
		reflect.TypeFor[Redirdev]():    {attrs: "type bus", kids: "source protocol log boot alias address", inner: device},
		reflect.TypeFor[Smartcard]():   {attrs: "mode type", kids: "source protocol log certificate database alias address", inner: device},
		reflect.TypeFor[RNGBackend]():  {attrs: "model type", kids: "source protocol log"},
		reflect.TypeFor[KiB]():         {attrs: "unit"},
		reflect.TypeFor[Bytes]():       {attrs: "unit"},
		reflect.TypeFor[MiB]():         {attrs: "unit"},
		reflect.TypeFor[ByteSize]():    {attrs: "unit"},
		reflect.TypeFor[LiveSize]():    {attrs: "unit"},
		reflect.TypeFor[ClusterSize](): {attrs: "unit"},
	}
}

// lintFree are types under which anything goes.
var lintFree = []reflect.Type{reflect.TypeFor[Metadata](), reflect.TypeFor[LXCCaps](), reflect.TypeFor[CPU](), reflect.TypeFor[CPUNUMA](),
	reflect.TypeFor[Capability]()}

// Lint compares a document with a document type, such as *Domain, and names
// each element and attribute that the type does not know.
func Lint(n *Node, v any) []Finding {
	l := linter{special: lintables()}
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if root := planOf(t).root; root != "" && root != n.Name {
		l.add(int(n.Line), int(n.Column), "the root element is <%s>, not <%s>", n.Name, root)
		return l.found
	}
	l.element(n, t)
	return l.found
}

type linter struct {
	special map[reflect.Type]lintNames
	found   []Finding
}

func (l *linter) add(line, column int, format string, args ...any) {
	l.found = append(l.found, Finding{line, column, fmt.Sprintf(format, args...)})
}

// element checks one element against its type.
func (l *linter) element(n *Node, t reflect.Type) {
	for _, f := range lintFree {
		if t == f {
			return
		}
	}
	if s, ok := l.special[t]; ok {
		l.names(n, strings.Fields(s.attrs), strings.Fields(s.kids), func(c *Node) {
			if inner := s.inner[c.Name]; inner != nil {
				l.element(c, inner)
			}
		})
		return
	}
	if t.Kind() != reflect.Struct {
		l.names(n, nil, nil, nil)
		return
	}
	l.plan(n, planOf(t))
}

func (l *linter) plan(n *Node, p *plan) {
	var attrs, kids []string
	inner := map[string]*field{}
	for _, f := range p.attrs {
		attrs = append(attrs, f.name)
	}
	for _, f := range p.kids {
		// A name may stand for two fields: an attribute of a path, and a child.
		if inner[f.name] == nil || f.kind == kindPath {
			inner[f.name] = f
		}
		kids = append(kids, f.name)
	}
	l.names(n, attrs, kids, func(c *Node) {
		switch f := inner[c.Name]; f.kind {
		case kindPath:
			l.plan(c, f.inner())
		case kindNode:
		case kindStruct, kindCustom:
			l.element(c, f.typ)
		default:
			l.names(c, nil, nil, nil)
		}
	})
}

// names reports what is not in the lists and goes on with the children that
// are.
func (l *linter) names(n *Node, attrs, kids []string, each func(*Node)) {
	for _, a := range n.Attrs {
		if strings.HasPrefix(a.Name, "xmlns") || strings.Contains(a.Name, ":") || contains(attrs, a.Name) {
			continue
		}
		l.add(int(a.Line), int(a.Column), "<%s> has no attribute '%s'%s", n.Name, a.Name, l.hint(a.Name, attrs, kids))
	}
	for _, c := range n.Children {
		if !c.IsElement() || c.Space != "" {
			continue
		}
		if contains(kids, c.Name) {
			each(c)
			continue
		}
		l.add(int(c.Line), int(c.Column), "<%s> has no element <%s>%s", n.Name, c.Name, l.hint(c.Name, kids, attrs))
	}
}

// hint names the nearest known name of the same kind, or says that the name is
// one of the other kind.
func (l *linter) hint(name string, same, other []string) string {
	if contains(other, name) {
		return " (that name exists, but not as what it is here: attribute or element)"
	}
	if best := Nearest(name, same); best != "" {
		return fmt.Sprintf(" (did you mean '%s'?)", best)
	}
	return ""
}

// Nearest is the known name that a mistyped one may mean: it differs in two
// letters at most, in one if the name is short. "" if there is none.
func Nearest(name string, known []string) string {
	best, distance := "", 3
	if len(name) < 4 {
		distance = 2
	}
	for _, s := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(s)); d < distance {
			best, distance = s, d
		}
	}
	return best
}

// editDistance is how many letters differ.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		last := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			last, row[j] = row[j], min(last+cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
