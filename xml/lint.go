package xml

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// Level says how grave a finding is.
type Level string

// The levels.
const (
	LintError   Level = "error"   // define refuses it
	LintWarning Level = "warning" // define drops it, or it will make trouble later
	LintNote    Level = "note"    // something could not be looked at
)

// Finding is something in a document that is wrong, or that the schema does not
// know and define would drop silently.
type Finding struct {
	Line, Column int // 0: of the whole document
	Level        Level
	Code         string // what kind: unknown-element, bad-value ...
	Message      string
}

// String is the finding in one line, place first.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.Message
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message)
}

// Lint compares a document with a document type, such as *Domain: it names each
// element and attribute that the type does not know, each that stands where only
// the first of its kind counts, and each value that cannot be.
func Lint(n *Node, v any) []Finding { return lint(n, v, false) }

// lint is Lint; strict adds what only a schema minds.
func lint(n *Node, v any, strict bool) []Finding {
	l := linter{special: lintables(), top: reflect.TypeOf(v), strict: strict}
	for l.top.Kind() == reflect.Pointer {
		l.top = l.top.Elem()
	}
	if root := planOf(l.top).root; root != "" && root != n.Name {
		l.add(LintError, n.Line, n.Column, "wrong-root", "the root element is <%s>, not <%s>", n.Name, root)
		return l.found
	}
	if l.top == reflect.TypeFor[Domain]() {
		for _, c := range n.Children {
			if c.IsElement() && c.Space != "" && c.Space != QEMUSpace && c.Space != XenSpace && c.Space != BhyveSpace {
				l.add(LintWarning, c.Line, c.Column, "unknown-namespace", "<%s> is of the namespace %s, which means nothing here", c.Name, c.Space)
			}
		}
		n = n.ours(QEMUSpace, "qemu:").ours(XenSpace, "xen:").ours(BhyveSpace, "bhyve:")
	}
	l.element(n, l.top)
	l.whole(n, v)
	if l.top == reflect.TypeFor[Domain]() {
		l.tied(n, nil)
	}
	sort.SliceStable(l.found, func(i, j int) bool {
		a, b := l.found[i], l.found[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return l.found
}

type linter struct {
	special map[reflect.Type]lintNames
	top     reflect.Type
	parents map[string][]string // what elements of a name may stand in, made when first asked for
	strict  bool
	found   []Finding
	told    map[Finding]bool
	lacking string          // the attribute that the element lacks whose names come next
	unknown map[[2]int]bool // where a name was found that is not known there
}

func (l *linter) add(level Level, line, column int32, code, format string, args ...any) {
	f := Finding{int(line), int(column), level, code, fmt.Sprintf(format, args...)}
	if l.told == nil {
		l.told = map[Finding]bool{}
	}
	if !l.told[f] { // two rules may want the same
		l.told[f] = true
		l.found = append(l.found, f)
	}
}

// level is a finding's level; a schema knows only errors.
func (l *linter) level(otherwise Level) Level {
	if l.strict {
		return LintError
	}
	return otherwise
}

// whole reads the document as define does: what the tags do not say is found so.
func (l *linter) whole(n *Node, v any) {
	err := Decode(n, reflect.New(reflect.TypeOf(v).Elem()).Interface())
	l.refused(n, err)
}

// refused adds an error of reading, unless one was found at its place.
func (l *linter) refused(n *Node, err error) {
	if err == nil || err == errVoid || l.lax(err) {
		return
	}
	line, column := n.Line, n.Column
	var e *Error
	if errors.As(err, &e) && e.Line > 0 {
		line, column = int32(e.Line), int32(e.Column)
	}
	for _, f := range l.found {
		if f.Level == LintError && f.Line == int(line) && (f.Column == int(column) || f.Message == err.Error()) {
			return
		}
	}
	l.add(LintError, line, column, "bad-value", "%s", err)
}

// element checks one element against its type.
func (l *linter) element(n *Node, t reflect.Type) {
	if slices.Contains(lintFree, t) {
		return
	}
	if s, ok := l.special[t]; ok {
		l.listed(n, &s)
		return
	}
	if t.Kind() != reflect.Struct {
		l.names(n, nil, nil, nil)
		return
	}
	l.plan(n, planOf(t))
}

// listed checks an element whose type does not tell its names.
func (l *linter) listed(n *Node, s *lintNames) {
	if s.kids != "" && !s.text {
		l.stray(n)
	}
	seen := map[string]bool{}
	l.names(n, strings.Fields(s.attrs), strings.Fields(s.kids), func(c *Node) {
		if l.strict && seen[c.Name] && slices.Contains(strings.Fields(s.once), c.Name) {
			l.add(LintError, c.Line, c.Column, "repeated", "<%s> has more than one <%s>", n.Name, c.Name)
		}
		seen[c.Name] = true
		if inner := s.inner[c.Name]; inner != nil {
			l.element(c, inner)
			return
		}
		if nested := s.nested[c.Name]; nested != nil {
			l.listed(c, nested)
		}
	})
}

func (l *linter) plan(n *Node, p *plan) {
	var attrs, kids []string
	inner := map[string]*field{}
	for _, f := range p.attrs {
		attrs = append(attrs, f.name)
		if a := n.attr(f.name); a != nil {
			l.value(f, a.Value, n, a.Line, a.Column)
		}
	}
	if p.text != nil && hasText(n) {
		l.value(p.text, n.Value(), n, n.Line, n.Column)
	}
	if p.text == nil {
		l.stray(n)
	}
	if l.strict {
		l.demands(n, p)
	}
	for _, f := range p.kids {
		// A name may stand for two fields: an attribute of a path, and a child.
		if inner[f.name] == nil || f.kind == kindPath {
			inner[f.name] = f
		}
		kids = append(kids, f.name)
	}
	seen := map[string]int{}
	l.lacking = lacking(n, p)
	l.names(n, attrs, kids, func(c *Node) {
		f := inner[c.Name]
		if seen[c.Name]++; seen[c.Name] == 2 && !f.list && (l.strict || !merged(p, c.Name)) {
			l.add(LintWarning, c.Line, c.Column, "repeated", "<%s> has more than one <%s>: only the first counts", n.Name, c.Name)
		}
		switch f.kind {
		case kindPath:
			l.plan(c, f.inner())
		case kindNode:
		case kindStruct:
			l.element(c, f.typ)
		case kindCustom:
			l.element(c, f.typ)
			l.refused(c, Decode(c, reflect.New(f.typ).Interface()))
		case kindFlag:
			l.stray(c)
			l.names(c, nil, nil, nil)
		default:
			l.names(c, nil, nil, nil)
			l.value(f, c.Value(), c, c.Line, c.Column)
		}
	})
}

// lacking is the one attribute that is wanted and not there, "" if there is none or several.
func lacking(n *Node, p *plan) string {
	name := ""
	for _, f := range p.attrs {
		if _, ok := n.Attr(f.name); f.wanted && !ok {
			if name != "" {
				return ""
			}
			name = f.name
		}
	}
	return name
}

// merged are the elements of which all count, though a document has one.
func merged(p *plan, name string) bool {
	return p.root == "domain" && (name == "os" || slices.Contains(mergedParts, name))
}

func (n *Node) attr(name string) *Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

func hasText(n *Node) bool {
	for _, c := range n.Children {
		if c.isText() {
			return true
		}
	}
	return false
}

// value checks a text against what a field can have.
func (l *linter) value(f *field, text string, n *Node, line, column int32) {
	if f.enum != nil && f.unknown == "" && !slices.Contains(f.enum, text) && !(f.blank && text == "") && text != "" {
		what := "<" + n.Name + ">"
		if f.attr {
			what = "attribute '" + f.name + "' of <" + n.Name + ">"
		}
		hint := "one of " + strings.Join(f.enum, ", ")
		if best := Nearest(text, f.enum); best != "" {
			hint = "did you mean '" + best + "'?"
		}
		l.add(LintError, line, column, "bad-value", "%s cannot be '%s' (%s)", what, text, hint)
		return
	}
	typ := f.typ
	if f.ptr {
		typ = reflect.PointerTo(typ)
	}
	at := *n
	at.Line, at.Column = line, column
	l.refused(&at, f.setText(reflect.New(typ).UnsafePointer(), text, &at))
}

// names reports what is not in the lists and goes on with the children that
// are.
func (l *linter) names(n *Node, attrs, kids []string, each func(*Node)) {
	lacking := l.lacking
	l.lacking = ""
	for _, a := range n.Attrs {
		if strings.HasPrefix(a.Name, "xmlns") || strings.Contains(a.Name, ":") || slices.Contains(attrs, a.Name) || l.ignores(n, a.Name) {
			continue
		}
		hint := l.hint(a.Name, attrs, kids)
		if hint == "" && lacking != "" {
			hint = didYouMean(lacking)
		}
		l.strange(a.Line, a.Column, "unknown-attribute", "<%s> has no attribute '%s'%s", n.Name, a.Name, hint)
	}
	for _, c := range n.Children {
		if !c.IsElement() || c.Space != "" && !slices.Contains(kids, c.Name) {
			continue
		}
		if slices.Contains(kids, c.Name) {
			if each != nil {
				each(c)
			}
			continue
		}
		if l.ignores(n, c.Name) {
			continue
		}
		hint := l.hint(c.Name, kids, attrs)
		code := "unknown-element"
		if where := l.places(c.Name); where != "" && (hint == "" || !slices.Contains(attrs, c.Name)) {
			hint, code = hint+where, "misplaced-element"
		}
		l.strange(c.Line, c.Column, code, "<%s> has no element <%s>%s", n.Name, c.Name, hint)
	}
}

// strange adds a name that is not known where it stands.
func (l *linter) strange(line, column int32, code, format string, args ...any) {
	if l.unknown == nil {
		l.unknown = map[[2]int]bool{}
	}
	l.unknown[[2]int{int(line), int(column)}] = true
	l.add(LintWarning, line, column, code, format, args...)
}

// hint names the nearest known name of the same kind, or says that the name is
// one of the other kind.
func (l *linter) hint(name string, same, other []string) string {
	if slices.Contains(other, name) {
		return " (that name exists, but not as what it is here: attribute or element)"
	}
	if best := Nearest(name, same); best != "" {
		return didYouMean(best)
	}
	return ""
}

func didYouMean(name string) string { return " (did you mean '" + name + "'?)" }

// places says where an element belongs that stands in the wrong place, "" if it
// is known nowhere or in too many places.
func (l *linter) places(name string) string {
	if l.parents == nil {
		l.parents = map[string][]string{}
		l.collect(planOf(l.top).root, l.top, map[reflect.Type]bool{})
	}
	const most = 3
	list := l.parents[name]
	if len(list) == 0 || len(list) > most {
		return ""
	}
	return " (it belongs in <" + strings.Join(list, ">, <") + ">)"
}

// collect notes what stands in elements of a type, and in those below.
func (l *linter) collect(name string, t reflect.Type, done map[reflect.Type]bool) {
	if done[t] || slices.Contains(lintFree, t) {
		return
	}
	done[t] = true
	if s, ok := l.special[t]; ok {
		for _, kid := range strings.Fields(s.kids) {
			l.belongs(kid, name)
			if inner := s.inner[kid]; inner != nil {
				l.collect(kid, inner, done)
			}
		}
		return
	}
	if t.Kind() == reflect.Struct {
		l.collectPlan(name, planOf(t), done)
	}
}

func (l *linter) collectPlan(name string, p *plan, done map[reflect.Type]bool) {
	for _, f := range p.kids {
		l.belongs(f.name, name)
		switch f.kind {
		case kindPath:
			l.collectPlan(f.name, f.inner(), done)
		case kindStruct, kindCustom:
			l.collect(f.name, f.typ, done)
		}
	}
}

func (l *linter) belongs(kid, parent string) {
	if !slices.Contains(l.parents[kid], parent) {
		l.parents[kid] = append(l.parents[kid], parent)
	}
}
