package xml

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// tie is a rule of the schema that holds parts of an element against one
// another.
//
// at is the element, with or without its parent's name ("source/seclabel"), or
// several with blanks between. when is what must be true for the rule, all of
// its words: "@type=a,b" (a value of the list; an empty one is absence),
// "@type!=a,b", "@type" (it is there), "!@type" (it is not), of a child without
// the @, of the parent with ^ in front, of its parent with ^^. want is what must be true then:
//
//	+a|b     one of them is there
//	-a       it is not there
//	=a       it may be there; what no = names may not
//	a~form   its text has the form
//	a:1..9   its text is a number of this range, decimal
//	a*3      the child is there three times
type tie struct{ at, when, want string }

// ties are the rules of domains by the element's name.
var ties = sync.OnceValue(func() map[string][]tie {
	out := map[string][]tie{}
	for _, list := range [][]tie{tiesWhole, tiesDisk, tiesDevices, tiesChar, tiesSystem} {
		for _, t := range list {
			for _, at := range strings.Fields(t.at) {
				name := at[strings.LastIndexByte(at, '/')+1:]
				out[name] = append(out[name], tie{at, t.when, t.want})
			}
		}
	}
	return out
})

// tied checks the rules of an element and of those below; up are those above,
// the nearest last.
func (l *linter) tied(n *Node, up []*Node) {
	for _, t := range ties()[n.Name] {
		if t.of(up) && t.holds(n, up) {
			t.check(l, n, up)
		}
	}
	if n.Name == "metadata" {
		return
	}
	up = append(up, n)
	for _, c := range n.Children {
		if c.IsElement() && c.Space == "" {
			l.tied(c, up)
		}
	}
}

func (t tie) of(up []*Node) bool {
	parent, _, ok := strings.Cut(t.at, "/")
	return !ok || len(up) > 0 && up[len(up)-1].Name == parent
}

// partOf is the text of an attribute or a child, and whether it is there.
func partOf(n *Node, name string) (string, bool) {
	if attr, ok := strings.CutPrefix(name, "@"); ok {
		return n.Attr(attr)
	}
	if c := n.Child(name); c != nil {
		return strings.TrimSpace(c.Value()), true
	}
	return "", false
}

func (t tie) holds(n *Node, up []*Node) bool {
	for _, w := range strings.Fields(t.when) {
		at := n
		name := strings.TrimLeft(w, "^")
		if above := len(w) - len(name); above > 0 {
			at = up[len(up)-above]
		}
		name, list, valued := strings.Cut(name, "=")
		name, not := strings.CutSuffix(name, "!")
		if rest, ok := strings.CutPrefix(name, "!"); ok {
			name, not = rest, true
		}
		text, there := partOf(at, name)
		if valued {
			there = slices.Contains(strings.Split(list, ","), text)
		}
		if there == not {
			return false
		}
	}
	return true
}

// check looks at what the rule wants. Without strict only what means nothing is told: the
// rest is for define to refuse.
func (t tie) check(l *linter, n *Node, up []*Node) {
	tag := t.facts(n, up)
	bad := func(code, format string, args ...any) {
		if l.strict {
			l.add(LintError, n.Line, n.Column, code, format, args...)
		}
	}
	unused := func(name string, known []string) {
		line, column := placeOf(n, name)
		if !l.unknown[[2]int{int(line), int(column)}] {
			l.add(l.level(LintWarning), line, column, "unused", "%s takes no %s%s", tag, partName(name), nearestPart(name, known))
		}
	}
	var only []string
	for _, w := range strings.Fields(t.want) {
		switch w[0] {
		case '+':
			if !slices.ContainsFunc(strings.Split(w[1:], "|"), func(s string) bool { _, ok := partOf(n, s); return ok }) {
				bad("missing", "%s lacks %s", tag, partName(strings.Split(w[1:], "|")...))
			}
		case '-':
			if _, ok := partOf(n, w[1:]); ok {
				unused(w[1:], nil)
			}
		case '=':
			only = append(only, w[1:])
		default:
			if name, text, ok := t.form(n, w); !ok {
				bad("bad-form", "%s cannot be '%s'", partOfTag(name, tag), text)
			}
		}
	}
	if only != nil {
		for _, name := range partNames(n) {
			if !slices.Contains(only, name) {
				unused(name, only)
			}
		}
	}
}

// facts are the rule's conditions as they are met: the element's tag with its attributes
// among them, and what is above it.
func (t tie) facts(n *Node, up []*Node) string {
	attrs, without, where := "", "", ""
	for _, w := range strings.Fields(t.when) {
		name := strings.TrimLeft(w, "^!")
		above := strings.Count(w, "^")
		name, _, _ = strings.Cut(name, "=")
		name = strings.TrimSuffix(name, "!")
		at := n
		if above > 0 {
			at = up[len(up)-above]
		}
		text, there := partOf(at, name)
		attr, isAttr := strings.CutPrefix(name, "@")
		fact := ""
		switch {
		case !there:
			fact = " without " + partName(name)
		case !isAttr:
			fact = " with " + partName(name)
		case above == 0:
			attrs += " " + attr + "='" + text + "'"
			continue
		default:
			fact = " " + attr + "='" + text + "'"
		}
		switch {
		case above == 0:
			without += fact
		case there && isAttr:
			where += " in <" + at.Name + fact + ">"
		default:
			where += " in <" + at.Name + ">" + fact
		}
	}
	return "<" + n.Name + attrs + ">" + without + where
}

// partName names attributes and children, of which one is meant.
func partName(names ...string) string {
	var out []string
	for _, name := range names {
		if attr, ok := strings.CutPrefix(name, "@"); ok {
			out = append(out, "attribute '"+attr+"'")
		} else {
			out = append(out, "<"+name+">")
		}
	}
	return strings.Join(out, " or ")
}

// partOfTag names an attribute or a child of an element.
func partOfTag(name, tag string) string {
	if strings.HasPrefix(name, "@") {
		return partName(name) + " of " + tag
	}
	return partName(name) + " in " + tag
}

// nearestPart is a hint at the nearest of the known parts of the same kind, or at all of
// them if they are few.
func nearestPart(name string, known []string) string {
	const few = 5
	attr, isAttr := strings.CutPrefix(name, "@")
	var same []string
	for _, k := range known {
		if rest, ok := strings.CutPrefix(k, "@"); ok == isAttr && k != "privateData" {
			same = append(same, rest)
		}
	}
	if best := Nearest(attr, same); best != "" {
		return didYouMean(best)
	}
	if len(same) == 0 || len(same) > few {
		return ""
	}
	return " (it may have " + strings.Join(same, ", ") + ")"
}

// placeOf is where an attribute or a child stands.
func placeOf(n *Node, name string) (line, column int32) {
	if attr, ok := strings.CutPrefix(name, "@"); ok {
		if a := n.attr(attr); a != nil {
			return a.Line, a.Column
		}
	} else if c := n.Child(name); c != nil {
		return c.Line, c.Column
	}
	return n.Line, n.Column
}

// partNames are the names of what an element has.
func partNames(n *Node) []string {
	var out []string
	for _, a := range n.Attrs {
		if !strings.Contains(a.Name, ":") && !strings.HasPrefix(a.Name, "xmlns") {
			out = append(out, "@"+a.Name)
		}
	}
	for _, c := range n.Children {
		if c.IsElement() && c.Space == "" {
			out = append(out, c.Name)
		}
	}
	return out
}

// form checks one form, range or count, and gives the text that was looked at.
func (t tie) form(n *Node, w string) (name, text string, ok bool) {
	at := strings.IndexAny(w, "~:*")
	name = w[:at]
	text, there := partOf(n, name)
	if w[at] == '*' {
		count := 0
		for _, c := range n.Children {
			if c.IsElement() && c.Name == name {
				count++
			}
		}
		return name, strconv.Itoa(count), strconv.Itoa(count) == w[at+1:]
	}
	if !there {
		return name, "", true
	}
	if w[at] == '~' {
		re, err := regexp.Compile("^(?:" + w[at+1:] + ")$")
		return name, text, err == nil && re.MatchString(text)
	}
	low, high, _ := strings.Cut(w[at+1:], "..")
	least, _ := strconv.ParseInt(low, 10, 64)
	most, err := strconv.ParseInt(high, 10, 64)
	v, bad := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return name, text, bad == nil && v >= least && (err != nil || v <= most)
}
