package xml

import (
	"fmt"
	"sort"
	"strings"
)

// Difference is one thing in which two documents differ in meaning. White space,
// comments, the order of attributes and of elements that have names of their own
// mean nothing.
type Difference struct {
	// Path is where, below the root: devices/disk[vda]/source/@file. In brackets
	// stands what an element of several is known by, or its number.
	Path     string
	Old, New string // values, or whole elements; "" where there is none
	Added    bool   // only the new document has it
	Removed  bool   // only the old one has
	Element  bool   // Old or New is XML
}

// keyed says what elements of a name are known by among their like: paths of
// attributes and of elements' texts, the first of which that is there counts;
// with a plus, both count.
type keyed struct{ name, keys string }

// keyTable is sorted by name.
var keyTable = []keyed{
	{"bandwidth", "@dev"}, {"cell", "@id"}, {"channel", "target/@name"}, {"controller", "@type+@index"}, {"device", "@path path"},
	{"disk", "target/@dev @name"}, {"feature", "@name"}, {"filesystem", "target/@dir"}, {"filterref", "@filter"}, {"forwarder", "@domain"},
	{"graphics", "@type"}, {"group", "@gid"}, {"host", "@mac @id @name @ip"}, {"hyperv", "@mode"}, {"input", "@type+@bus"}, {"interface", "mac/@address @dev"},
	{"iothread", "@id"}, {"iothreadpin", "@iothread"}, {"ip", "@address"}, {"memnode", "@cellid"}, {"option", "@number @name"},
	{"page", "@size+@unit"}, {"parameter", "@name"}, {"pf", "@dev"}, {"portgroup", "@name"}, {"property", "@name"}, {"route", "@address"},
	{"seclabel", "@model"}, {"sibling", "@id"}, {"srv", "@service"}, {"sysinfo", "@type"}, {"throttlegroup", "group_name"}, {"timer", "@name"},
	{"txt", "@name"}, {"usbdev", "@vendor+@product"}, {"vcpu", "@id"}, {"vcpupin", "@vcpu"}, {"vlan", "@id"},
}

// Diff lists the differences between two documents, in the order of the old one.
func Diff(old, now *Node) []Difference {
	var d differ
	if old.Name != now.Name {
		d.whole("", old, now)
		return d.list
	}
	d.element("", old, now)
	return d.list
}

type differ struct{ list []Difference }

func (d *differ) add(x Difference) { d.list = append(d.list, x) }

// join makes a path.
func join(path, step string) string {
	if path == "" {
		return step
	}
	return path + "/" + step
}

// whole says that an element is another one, or is on one side alone.
func (d *differ) whole(path string, old, now *Node) {
	x := Difference{Path: path, Added: old == nil, Removed: now == nil}
	if old != nil {
		x.Old = shown(old)
	}
	if now != nil {
		x.New = shown(now)
	}
	x.Element = strings.HasPrefix(x.Old+x.New, "<")
	d.add(x)
}

// shown is an element's value, if it has no more than that, or its XML.
func shown(n *Node) string {
	if value, ok := plain(n); ok && value != "" {
		return value
	}
	return strings.TrimSpace(n.String())
}

// plain is the value of an element that has none but text, and a unit.
func plain(n *Node) (string, bool) {
	for _, c := range n.Children {
		if c.IsElement() {
			return "", false
		}
	}
	value := strings.TrimSpace(n.Value())
	switch unit, ok := n.Attr("unit"); {
	case len(n.Attrs) == 0:
		return value, true
	case ok && len(n.Attrs) == 1:
		return value + " " + unit, true
	}
	return "", false
}

func (d *differ) element(path string, old, now *Node) {
	if a, ok := plain(old); ok {
		if b, ok := plain(now); ok {
			if a != b {
				d.add(Difference{Path: path, Old: a, New: b})
			}
			return
		}
	}
	d.attrs(path, old, now)
	if hasElements(old) || hasElements(now) {
		d.children(path, old, now)
	} else if a, b := strings.TrimSpace(old.Value()), strings.TrimSpace(now.Value()); a != b {
		d.add(Difference{Path: path, Old: a, New: b, Added: a == "", Removed: b == ""})
	}
}

func hasElements(n *Node) bool {
	for _, c := range n.Children {
		if c.IsElement() {
			return true
		}
	}
	return false
}

func (d *differ) attrs(path string, old, now *Node) {
	for _, a := range old.Attrs {
		b, ok := now.Attr(a.Name)
		if !ok || a.Value != b {
			d.add(Difference{Path: join(path, "@"+a.Name), Old: a.Value, New: b, Removed: !ok})
		}
	}
	for _, b := range now.Attrs {
		if _, ok := old.Attr(b.Name); !ok {
			d.add(Difference{Path: join(path, "@"+b.Name), New: b.Value, Added: true})
		}
	}
}

// children compares the elements inside, those of one name together.
func (d *differ) children(path string, old, now *Node) {
	seen := map[string]bool{}
	for _, n := range [2]*Node{old, now} {
		for _, c := range n.Children {
			if c.IsElement() && !seen[c.Space+" "+c.Name] {
				seen[c.Space+" "+c.Name] = true
				d.sameName(path, named(old, c), named(now, c))
			}
		}
	}
}

func named(n, like *Node) []*Node {
	var out []*Node
	for _, c := range n.Children {
		if c.IsElement() && c.Name == like.Name && c.Space == like.Space {
			out = append(out, c)
		}
	}
	return out
}

// pair is an element of the old document and what became of it.
type pair struct{ old, now *Node }

// sameName compares elements of one name: those with the same key, then those
// that are equal, then those at the same place.
func (d *differ) sameName(path string, old, now []*Node) {
	pairs := make([]pair, len(old))
	taken := make([]bool, len(now))
	match := func(same func(a, b *Node) bool) {
		for i, a := range old {
			pairs[i].old = a
			for j, b := range now {
				if pairs[i].now == nil && !taken[j] && same(a, b) {
					pairs[i].now, taken[j] = b, true
				}
			}
		}
	}
	single := len(old) == 1 && len(now) == 1
	if len(old) > maxMatched || len(now) > maxMatched { // comparing each with each takes too long
		inOrder(pairs, old, now, taken)
	} else {
		match(func(a, b *Node) bool { k := keyOf(a); return k != "" && k == keyOf(b) })
		texts := map[*Node]string{}
		for _, n := range append(append([]*Node(nil), old...), now...) {
			texts[n] = n.String()
		}
		match(func(a, b *Node) bool { return texts[a] == texts[b] })
		match(func(a, b *Node) bool { return single && !hasKeys(a.Name) || keyOf(a) == "" && keyOf(b) == "" })
	}
	for i, p := range pairs {
		step := stepOf(p.old, i, len(old) > 1 || len(now) > 1)
		if p.now == nil {
			d.whole(join(path, step), p.old, nil)
			continue
		}
		d.element(join(path, step), p.old, p.now)
	}
	for j, b := range now {
		if !taken[j] {
			d.whole(join(path, stepOf(b, j, len(old) > 1 || len(now) > 1)), nil, b)
		}
	}
}

// maxMatched is how many elements of one name are compared each with each.
const maxMatched = 1000

func inOrder(pairs []pair, old, now []*Node, taken []bool) {
	for i, a := range old {
		pairs[i].old = a
		if i < len(now) {
			pairs[i].now, taken[i] = now[i], true
		}
	}
}

// stepOf names an element among its like.
func stepOf(n *Node, index int, several bool) string {
	if k := keyOf(n); k != "" {
		return n.Name + "[" + k + "]"
	}
	if several {
		return fmt.Sprintf("%s[%d]", n.Name, index+1)
	}
	return n.Name
}

func keysOf(name string) string {
	i := sort.Search(len(keyTable), func(i int) bool { return keyTable[i].name >= name })
	if i < len(keyTable) && keyTable[i].name == name {
		return keyTable[i].keys
	}
	return ""
}

func hasKeys(name string) bool { return keysOf(name) != "" }

// keyOf is what an element is known by, "" if it has no such thing.
func keyOf(n *Node) string {
	for _, keys := range strings.Fields(keysOf(n.Name)) {
		var parts []string
		for _, k := range strings.Split(keys, "+") {
			if v := valueAt(n, k); v != "" {
				parts = append(parts, v)
			}
		}
		if len(parts) > 0 {
			return strings.Join(parts, " ")
		}
	}
	return ""
}

// valueAt is an attribute's value or an element's text, at a path of names.
func valueAt(n *Node, path string) string {
	for {
		step, rest, more := strings.Cut(path, "/")
		if name, ok := strings.CutPrefix(step, "@"); ok {
			v, _ := n.Attr(name)
			return v
		}
		if n = n.Child(step); n == nil {
			return ""
		}
		if !more {
			return strings.TrimSpace(n.Value())
		}
		path = rest
	}
}
