package xml

import (
	"math"
	"strconv"
	"strings"
)

// context is what an expression is evaluated on.
type context struct {
	node      *pathNode
	pos, size int
}

// expr is a compiled expression. Its value is a string, float64, bool or
// pathNodes.
type expr func(context) any

// evalXPath evaluates on the document whose root element is root. What the
// functions refuse is recovered here, so that they need no error each.
func evalXPath(root *Node, text string) (v any, err error) {
	p := &pathParser{text: text}
	e, err := p.compile()
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			if bad, ok := r.(pathError); ok {
				v, err = nil, Errorf(CodeInternal, "Incorrect xpath '%s': %s", text, string(bad))
				return
			}
			panic(r)
		}
	}()
	return e(context{pathTree(root).kids[0], 1, 1}), nil // relative paths begin at the document's element
}

// pathError is a mistake found while an expression is evaluated.
type pathError string

func toString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case pathNodes:
		if len(v) > 0 {
			return v[0].text()
		}
	}
	return ""
}

func toNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	text := strings.Trim(toString(v), " \t\n")
	if strings.Trim(text, "-.0123456789") != "" {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

func toBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case pathNodes:
		return len(v) > 0
	}
	return false
}

// compare applies = != < <= > >=; of node sets, any pair may hold.
func compare(op string, a, b any) bool {
	if n, ok := a.(pathNodes); ok {
		if _, isBool := b.(bool); isBool {
			return compareOne(op, toBool(a), b)
		}
		for _, x := range n {
			if compare(op, atom(x, b), b) {
				return true
			}
		}
		return false
	}
	if n, ok := b.(pathNodes); ok {
		if _, isBool := a.(bool); isBool {
			return compareOne(op, a, toBool(b))
		}
		for _, x := range n {
			if compareOne(op, a, atom(x, a)) {
				return true
			}
		}
		return false
	}
	return compareOne(op, a, b)
}

// atom is a node's value as what it is compared with.
func atom(n *pathNode, with any) any {
	if _, ok := with.(float64); ok {
		return toNumber(n.text())
	}
	return n.text()
}

func compareOne(op string, a, b any) bool {
	if op == "=" || op == "!=" {
		var equal bool
		_, ab := a.(bool)
		_, bb := b.(bool)
		_, an := a.(float64)
		_, bn := b.(float64)
		switch {
		case ab || bb:
			equal = toBool(a) == toBool(b)
		case an || bn:
			equal = toNumber(a) == toNumber(b)
		default:
			equal = toString(a) == toString(b)
		}
		return equal == (op == "=")
	}
	x, y := toNumber(a), toNumber(b)
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

func arithmetic(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "div":
		return x / y
	}
	return math.Mod(x, y)
}

// step is one step of a path.
type step struct {
	axis, test string
	filters    []expr
}

func (s step) run(from pathNodes) pathNodes {
	var out pathNodes
	for _, n := range from {
		var hits pathNodes
		for _, c := range n.axis(s.axis) {
			if c.matches(s.test, s.axis) {
				hits = append(hits, c)
			}
		}
		for _, f := range s.filters {
			hits = filter(hits, f)
		}
		out = append(out, hits...)
	}
	return sorted(out)
}

// filter keeps the nodes for which a predicate holds; a number is a position.
func filter(list pathNodes, f expr) pathNodes {
	var out pathNodes
	for i, n := range list {
		v := f(context{n, i + 1, len(list)})
		if pos, ok := v.(float64); ok && pos == float64(i+1) || !ok && toBool(v) {
			out = append(out, n)
		}
	}
	return out
}

// call applies a function of the core library.
func call(name string, c context, args []any) any {
	arg := func(i int) any {
		if i < len(args) {
			return args[i]
		}
		if i == 0 && len(args) == 0 {
			return pathNodes{c.node}
		}
		panic(pathError("too few arguments of " + name + "()"))
	}
	nodes := func(i int) pathNodes {
		n, ok := arg(i).(pathNodes)
		if !ok {
			panic(pathError(name + "() needs nodes"))
		}
		return n
	}
	str := func(i int) string { return toString(arg(i)) }
	switch name {
	case "last":
		return float64(c.size)
	case "position":
		return float64(c.pos)
	case "count":
		return float64(len(nodes(0)))
	case "name", "local-name":
		n := nodes(0)
		if len(n) == 0 {
			return ""
		}
		full := n[0].name()
		if name == "local-name" {
			full = full[strings.IndexByte(full, ':')+1:]
		}
		return full
	case "namespace-uri":
		if n := nodes(0); len(n) > 0 && n[0].isElement() {
			return n[0].node.Space
		}
		return ""
	case "string":
		return str(0)
	case "concat":
		out := str(0) + str(1)
		for i := 2; i < len(args); i++ {
			out += str(i)
		}
		return out
	case "boolean":
		return toBool(arg(0))
	case "not":
		return !toBool(arg(0))
	case "true":
		return true
	case "false":
		return false
	}
	return callText(name, str, arg, nodes, args)
}

func callText(name string, str func(int) string, arg func(int) any, nodes func(int) pathNodes, args []any) any {
	switch name {
	case "starts-with":
		return strings.HasPrefix(str(0), str(1))
	case "contains":
		return strings.Contains(str(0), str(1))
	case "substring-before":
		before, _, ok := strings.Cut(str(0), str(1))
		if !ok {
			return ""
		}
		return before
	case "substring-after":
		_, after, _ := strings.Cut(str(0), str(1))
		return after
	case "substring":
		from, end := math.Round(toNumber(arg(1))), math.Inf(1)
		if len(args) > 2 {
			end = from + math.Round(toNumber(arg(2)))
		}
		var out []rune
		for i, r := range []rune(str(0)) {
			if p := float64(i + 1); p >= from && p < end {
				out = append(out, r)
			}
		}
		return string(out)
	case "string-length":
		return float64(len([]rune(str(0))))
	case "normalize-space":
		return strings.Join(strings.Fields(str(0)), " ")
	case "translate":
		from, to := []rune(str(1)), []rune(str(2))
		return strings.Map(func(r rune) rune {
			for i, f := range from {
				if f == r {
					if i < len(to) {
						return to[i]
					}
					return -1
				}
			}
			return r
		}, str(0))
	case "number":
		return toNumber(arg(0))
	case "sum":
		total := 0.0
		for _, n := range nodes(0) {
			total += toNumber(n.text())
		}
		return total
	case "floor":
		return math.Floor(toNumber(arg(0)))
	case "ceiling":
		return math.Ceil(toNumber(arg(0)))
	case "round":
		return math.Floor(toNumber(arg(0)) + 0.5)
	}
	panic(pathError("unknown function " + name + "()"))
}
