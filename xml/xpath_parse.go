package xml

import (
	"strconv"
	"strings"
)

// pathParser compiles an expression by recursive descent.
type pathParser struct {
	text  string
	pos   int
	depth int
}

// XPathError is an expression that does not parse; it is the cause of the error
// that tells of it.
type XPathError struct {
	Text   string
	Column int
}

// Error shows the place in the manner of libxml, on three lines.
func (e *XPathError) Error() string {
	return "XPath error : Invalid expression\n" + e.Text + "\n" + strings.Repeat(" ", e.Column-1) + "^"
}

// compile reads the whole text.
func (p *pathParser) compile() (e expr, err error) {
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(pathError)
			if !ok {
				panic(r)
			}
			err = Errorf(CodeInternal, "Incorrect xpath '%s': %s at column %d", p.text, string(bad), p.pos+1)
			err.(*Error).Err = &XPathError{Text: p.text, Column: p.pos + 1}
		}
	}()
	e = p.or()
	if p.space(); p.pos < len(p.text) {
		panic(pathError("invalid expression"))
	}
	return e, nil
}

func (p *pathParser) space() {
	for p.pos < len(p.text) && isSpace(p.text[p.pos]) {
		p.pos++
	}
}

// accept passes over a symbol if it comes next.
func (p *pathParser) accept(symbol string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.pos:], symbol) {
		return false
	}
	if c := symbol[len(symbol)-1]; c >= 'a' && c <= 'z' {
		// A word must end here.
		if i := p.pos + len(symbol); i < len(p.text) && isNameByte(p.text[i]) {
			return false
		}
	}
	p.pos += len(symbol)
	return true
}

func (p *pathParser) need(symbol string) {
	if !p.accept(symbol) {
		panic(pathError("expected '" + symbol + "'"))
	}
}

// binary reads operands of one precedence, joined from the left.
func (p *pathParser) binary(operand func() expr, join func(op string, a, b expr) expr, ops ...string) expr {
	if p.depth++; p.depth > 500 {
		panic(pathError("nested too deeply"))
	}
	defer func() { p.depth-- }()
	a := operand()
	for {
		found := ""
		for _, op := range ops {
			if p.accept(op) {
				found = op
				break
			}
		}
		if found == "" {
			return a
		}
		a = join(found, a, operand())
	}
}

func (p *pathParser) or() expr {
	return p.binary(p.and, func(_ string, a, b expr) expr {
		return func(c context) any { return toBool(a(c)) || toBool(b(c)) }
	}, "or")
}

func (p *pathParser) and() expr {
	return p.binary(p.equality, func(_ string, a, b expr) expr {
		return func(c context) any { return toBool(a(c)) && toBool(b(c)) }
	}, "and")
}

func comparison(op string, a, b expr) expr {
	return func(c context) any { return compare(op, a(c), b(c)) }
}

func (p *pathParser) equality() expr { return p.binary(p.relation, comparison, "!=", "=") }
func (p *pathParser) relation() expr { return p.binary(p.sum, comparison, "<=", ">=", "<", ">") }
func (p *pathParser) sum() expr      { return p.binary(p.product, calculation, "+", "-") }
func (p *pathParser) product() expr  { return p.binary(p.negative, calculation, "*", "div", "mod") }
func calculation(op string, a, b expr) expr {
	return func(c context) any { return arithmetic(op, toNumber(a(c)), toNumber(b(c))) }
}

func (p *pathParser) negative() expr {
	if p.accept("-") {
		if p.depth++; p.depth > 500 {
			panic(pathError("nested too deeply"))
		}
		e := p.negative()
		p.depth--
		return func(c context) any { return -toNumber(e(c)) }
	}
	return p.binary(p.path, func(_ string, a, b expr) expr {
		return func(c context) any {
			x, ok1 := a(c).(pathNodes)
			y, ok2 := b(c).(pathNodes)
			if !ok1 || !ok2 {
				panic(pathError("'|' needs nodes"))
			}
			return sorted(append(append(pathNodes(nil), x...), y...))
		}
	}, "|")
}

// path reads a location path, or a primary expression with steps after it.
func (p *pathParser) path() expr {
	p.space()
	if p.pos >= len(p.text) {
		panic(pathError("invalid expression"))
	}
	if start := p.primary(); start != nil {
		var filters []expr
		for p.accept("[") {
			filters = append(filters, p.predicate())
		}
		steps := p.steps(false)
		if len(filters) == 0 && len(steps) == 0 {
			return start
		}
		return func(c context) any {
			nodes, ok := start(c).(pathNodes)
			if !ok {
				panic(pathError("a path needs nodes"))
			}
			for _, f := range filters {
				nodes = filter(nodes, f)
			}
			return walk(nodes, steps)
		}
	}
	absolute := strings.HasPrefix(p.text[p.pos:], "/")
	steps := p.steps(true)
	return func(c context) any {
		from := c.node
		if absolute {
			for from.parent != nil {
				from = from.parent
			}
		}
		return walk(pathNodes{from}, steps)
	}
}

func walk(nodes pathNodes, steps []step) pathNodes {
	for _, s := range steps {
		nodes = s.run(nodes)
	}
	return nodes
}

func (p *pathParser) predicate() expr {
	e := p.or()
	p.need("]")
	return e
}

// primary reads a literal, number, parentheses or a function call; nil if
// something else comes.
func (p *pathParser) primary() expr {
	switch c := p.text[p.pos]; {
	case c == '"' || c == '\'':
		end := strings.IndexByte(p.text[p.pos+1:], c)
		if end < 0 {
			panic(pathError("unfinished literal"))
		}
		text := p.text[p.pos+1 : p.pos+1+end]
		p.pos += end + 2
		return func(context) any { return text }
	case c >= '0' && c <= '9' || c == '.' && p.pos+1 < len(p.text) && p.text[p.pos+1] >= '0' && p.text[p.pos+1] <= '9':
		start := p.pos
		for p.pos < len(p.text) && (p.text[p.pos] >= '0' && p.text[p.pos] <= '9' || p.text[p.pos] == '.') {
			p.pos++
		}
		v, err := strconv.ParseFloat(p.text[start:p.pos], 64)
		if err != nil {
			panic(pathError("invalid number"))
		}
		return func(context) any { return v }
	case c == '(':
		p.pos++
		e := p.or()
		p.need(")")
		return e
	}
	start := p.pos
	name := p.name()
	if name == "" || strings.HasSuffix(name, ":*") || !p.accept("(") {
		p.pos = start
		return nil
	}
	switch name {
	case "text", "node", "comment", "processing-instruction":
		p.pos = start
		return nil
	}
	var args []expr
	for !p.accept(")") {
		if len(args) > 0 {
			p.need(",")
		}
		args = append(args, p.or())
	}
	return func(c context) any {
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = a(c)
		}
		return call(name, c, values)
	}
}

// name reads a qualified name; prefix:* too.
func (p *pathParser) name() string {
	start := p.pos
	if p.pos >= len(p.text) || !isNameStart(p.text[p.pos]) || p.text[p.pos] == ':' {
		return ""
	}
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		if p.text[p.pos] == ':' && strings.HasPrefix(p.text[p.pos:], "::") {
			break
		}
		p.pos++
		if strings.HasSuffix(p.text[start:p.pos], ":") && p.pos < len(p.text) && p.text[p.pos] == '*' {
			p.pos++
			break
		}
	}
	return p.text[start:p.pos]
}

// steps reads steps; first: the path may begin without a slash.
func (p *pathParser) steps(first bool) []step {
	var out []step
	for {
		switch {
		case p.accept("//"):
			out = append(out, step{axis: "descendant-or-self", test: "node()"})
		case p.accept("/"):
			if p.space(); first && len(out) == 0 && !p.stepNext() {
				return out
			}
		case !first || len(out) > 0:
			return out
		}
		out = append(out, p.step())
	}
}

// stepNext tells whether a step can begin here.
func (p *pathParser) stepNext() bool {
	if p.pos >= len(p.text) {
		return false
	}
	c := p.text[p.pos]
	return isNameStart(c) || c == '*' || c == '@' || c == '.'
}

func (p *pathParser) step() step {
	s := step{axis: "child"}
	switch {
	case p.accept(".."):
		s.axis, s.test = "parent", "node()"
	case p.accept("."):
		s.axis, s.test = "self", "node()"
	default:
		if p.accept("@") {
			s.axis = "attribute"
		}
		p.space()
		if p.accept("*") {
			s.test = "*"
			break
		}
		name := p.name()
		if name != "" && p.accept("::") {
			s.axis = name
			if !knownAxis(name) {
				panic(pathError("unknown axis " + name))
			}
			if p.space(); p.accept("*") {
				s.test = "*"
				break
			}
			name = p.name()
		}
		if name == "" {
			panic(pathError("invalid expression"))
		}
		s.test = name
		if p.accept("(") {
			if name == "processing-instruction" && !p.accept(")") {
				p.primary()
			}
			if !strings.HasSuffix(p.text[:p.pos], ")") {
				p.need(")")
			}
			s.test += "()"
		}
	}
	for p.accept("[") {
		s.filters = append(s.filters, p.predicate())
	}
	return s
}

func knownAxis(name string) bool {
	return contains([]string{"child", "attribute", "self", "parent", "descendant", "descendant-or-self", "ancestor", "ancestor-or-self",
		"following-sibling", "preceding-sibling", "following", "preceding"}, name)
}
