package xml

import (
	"strings"
	"unicode/utf8"
)

// Limits of what is read. The depth is the peer's; the size is far beyond any
// document of a real host.
const (
	maxDepth = 256
	maxSize  = 64 << 20
)

// Parse reads a document: one root element, with whatever prolog.
func Parse(src Source) (*Node, error) {
	s, err := newScanner(src)
	if err != nil {
		return nil, err
	}
	if first := strings.TrimLeft(s.text, " \t\r\n"); first != "" && first[0] != '<' {
		return nil, s.fail(len(s.text)-len(first), "Start tag expected, '<' not found")
	}
	if err := s.content(); err != nil {
		return nil, err
	}
	roots := elements(s.pending)
	switch {
	case s.text == "":
		return nil, s.fail(0, "Document is empty")
	case len(roots) == 0:
		return nil, s.fail(s.pos, "Start tag expected, '<' not found")
	case len(roots) > 1:
		return nil, s.failNode(roots[1], extraContent)
	}
	for _, n := range s.pending {
		if n.isText() && strings.TrimSpace(n.Text) != "" {
			return nil, s.failNode(n, extraContent)
		}
	}
	return roots[0], nil
}

// ParseAll reads a text with any number of root elements, as files that hold
// several CPUs have. Text between them is passed over.
func ParseAll(src Source) ([]*Node, error) {
	s, err := newScanner(src)
	if err != nil {
		return nil, err
	}
	if err := s.content(); err != nil {
		return nil, err
	}
	roots := elements(s.pending)
	if len(roots) == 0 {
		return nil, s.fail(s.pos, "the document has no element")
	}
	return roots, nil
}

func elements(list []*Node) []*Node {
	out := make([]*Node, 0, 1)
	for _, n := range list {
		if n.IsElement() {
			out = append(out, n)
		}
	}
	return out
}

// How many nodes and attributes are allocated at once: what fills a size of the
// allocator's, 8 KiB.
const nodeSlab, attrSlab = 73, 204

// scanner reads one text from front to back. Finished nodes wait in pending
// until their parent closes, so that each list of children is allocated once.
type scanner struct {
	name    string
	text    string
	pos     int
	pending []*Node
	open    []frame
	nodes   []Node  // slab
	lists   []*Node // slab
	attrs   []Attr  // slab

	// the last position whose line is known
	seen, line, lineStart int
}

// frame is an element that is still open.
type frame struct {
	node  *Node
	first int    // index in pending of its first child
	scope *scope // namespaces in force
}

// scope is one declaration of a namespace, and those around it.
type scope struct {
	prefix, uri string
	up          *scope
}

func (s *scope) lookup(prefix string) string {
	for ; s != nil; s = s.up {
		if s.prefix == prefix {
			return s.uri
		}
	}
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace"
	}
	return ""
}

func newScanner(src Source) (*scanner, error) {
	s := &scanner{name: src.Name, line: 1}
	if len(src.Data) > maxSize {
		return nil, s.fail(0, "the document is too large")
	}
	text, wrong := toUTF8(src.Data)
	if wrong != "" {
		s.text = string(src.Data)
		end := strings.Index(s.text, "?>")
		if end < 0 {
			end = len(s.text)
		}
		return nil, s.fail(end, wrong)
	}
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	s.text = text
	if at, wrong := badByte(text); at >= 0 {
		return nil, s.fail(at, wrong)
	}
	if strings.HasPrefix(s.text, "<?xml") && len(s.text) > 5 && isSpace(s.text[5]) {
		end := strings.Index(s.text, "?>")
		if end < 0 {
			return nil, s.fail(len(s.text), "the XML declaration does not end")
		}
		s.pos = end + 2
	}
	return s, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= utf8.RuneSelf
}

func isNameByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// content reads everything to the end of the text.
func (s *scanner) content() error {
	for s.pos < len(s.text) {
		if s.text[s.pos] != '<' {
			if err := s.chars(); err != nil {
				return err
			}
			continue
		}
		rest := s.text[s.pos:]
		var err error
		switch {
		case strings.HasPrefix(rest, "</"):
			err = s.endTag()
		case strings.HasPrefix(rest, "<!--"):
			err = s.span("<!--", "-->", "!")
		case strings.HasPrefix(rest, "<![CDATA["):
			err = s.span("<![CDATA[", "]]>", cdata)
		case strings.HasPrefix(rest, "<?"):
			err = s.span("<?", "?>", "?")
		case strings.HasPrefix(rest, "<!DOCTYPE"):
			err = s.doctype()
		default:
			err = s.startTag()
		}
		if err != nil {
			return err
		}
	}
	if n := len(s.open); n > 0 {
		top := s.open[n-1].node
		return s.failf(s.pos, "Premature end of data in tag %s line %d", top.Name, top.Line)
	}
	return nil
}

// span reads a comment, CDATA section or processing instruction.
func (s *scanner) span(head, tail, kind string) error {
	start := s.pos
	body := s.text[start+len(head):]
	end := strings.Index(body, tail)
	if end < 0 {
		return s.fail(len(s.text), unended(kind, body))
	}
	switch {
	case kind == cdata && len(s.open) == 0:
		return s.fail(start, extraContent)
	case kind == "!" && strings.Contains(body[:end], "--"):
		i := strings.Index(body, "--")
		return s.fail(start+len(head)+i, "Double hyphen within comment: <!--"+body[:i])
	case kind == "?" && strings.HasPrefix(body, "xml") && end > 3 && isSpace(body[3]):
		return s.fail(start+len("<?xml"), "XML declaration allowed only at the start of the document")
	}
	s.pos = start + len(head) + end + len(tail)
	s.add(s.node(kind, body[:end], start))
	return nil
}

// extraContent is what is wrong with anything behind the root element.
const extraContent = "Extra content at the end of the document"

// unended is what is wrong with a comment, section or instruction without end.
func unended(kind, body string) string {
	switch kind {
	case "!":
		return "Comment not terminated"
	case cdata:
		return "CData section not finished\n" + body[:max(0, len(body)-2)]
	}
	name := body
	if i := strings.IndexFunc(body, func(r rune) bool { return r < 0x80 && !isNameByte(byte(r)) }); i >= 0 {
		name = body[:i]
	}
	return "ParsePI: PI " + name + " never end ..."
}

// doctype passes over a document type. Nothing of it is used: entities that it
// declares stay unknown.
func (s *scanner) doctype() error {
	start := s.pos
	if len(s.open) > 0 || len(elements(s.pending)) > 0 {
		return s.fail(start, "a document type belongs before the root element")
	}
	inner := 0
	for i := start; i < len(s.text); i++ {
		switch c := s.text[i]; c {
		case '[':
			inner++
		case ']':
			inner--
		case '"', '\'':
			end := strings.IndexByte(s.text[i+1:], c)
			if end < 0 {
				return s.fail(start, "the document type does not end")
			}
			i += end + 1
		case '>':
			if inner <= 0 {
				s.pos = i + 1
				return nil
			}
		}
	}
	return s.fail(start, "the document type does not end")
}

// chars reads text up to the next tag.
func (s *scanner) chars() error {
	start := s.pos
	end := strings.IndexByte(s.text[start:], '<')
	if end < 0 {
		end = len(s.text) - start
	}
	raw := s.text[start : start+end]
	s.pos = start + end
	if i := strings.Index(raw, "]]>"); i >= 0 {
		return s.fail(start, "Sequence ']]>' not allowed in content")
	}
	text, err := s.unescape(raw, start, false)
	if err != nil {
		return err
	}
	if strings.TrimSpace(raw) == "" && s.layout() {
		return nil
	}
	s.add(s.node("", text, start))
	return nil
}

// layout tells whether white space that was just read only lays the document
// out: beside elements, not beside text or alone in its element. The peer's
// parser has the same rule, which shows in metadata.
func (s *scanner) layout() bool {
	if len(s.open) == 0 {
		return true
	}
	kids := s.pending[s.open[len(s.open)-1].first:]
	if len(kids) == 0 {
		return !strings.HasPrefix(s.text[s.pos:], "</")
	}
	return !kids[0].isText() && !kids[len(kids)-1].isText()
}

func (s *scanner) endTag() error {
	start := s.pos
	s.pos += 2
	name := s.word()
	if len(s.open) == 0 {
		return s.fail(start+1, "StartTag: invalid element name")
	}
	top := &s.open[len(s.open)-1]
	if name == "" {
		s.space()
		return s.fail(s.pos, "expected '>'")
	}
	if name != top.node.Name {
		s.space()
		if s.pos < len(s.text) && s.text[s.pos] == '>' {
			s.pos++
		}
		return s.failf(s.pos, "Opening and ending tag mismatch: %s line %d and %s", top.node.Name, top.node.Line, name)
	}
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != '>' {
		return s.fail(s.pos, "expected '>'")
	}
	s.pos++
	s.close()
	return nil
}

// close ends the innermost open element.
func (s *scanner) close() {
	top := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	kids := s.pending[top.first:]
	if len(kids) > 0 {
		if len(s.lists)+len(kids) > cap(s.lists) {
			s.lists = make([]*Node, 0, max(s.slab(256, 16), len(kids)))
		}
		at := len(s.lists)
		s.lists = append(s.lists, kids...)
		top.node.Children = s.lists[at:len(s.lists):len(s.lists)]
	}
	s.pending = s.pending[:top.first]
	s.add(top.node)
}

func (s *scanner) add(n *Node) { s.pending = append(s.pending, n) }

// slab is how many things to make room for: as many as the rest of the text can
// be thought to hold, if each takes that many bytes.
func (s *scanner) slab(most, bytes int) int { return min(most, 8+(len(s.text)-s.pos)/bytes) }

// node makes a node from the slab.
func (s *scanner) node(name, text string, at int) *Node {
	if len(s.nodes) == cap(s.nodes) {
		s.nodes = make([]Node, 0, s.slab(nodeSlab, 24))
	}
	line, column := s.where(at)
	s.nodes = append(s.nodes, Node{Name: name, Text: text, Line: int32(line), Column: int32(column)})
	return &s.nodes[len(s.nodes)-1]
}

func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

func (s *scanner) word() string {
	rest, n := s.text[s.pos:], 0
	if rest != "" && isNameStart(rest[0]) {
		for n < len(rest) && isNameByte(rest[n]) {
			n++
		}
	}
	s.pos += n
	return rest[:n]
}

func (s *scanner) startTag() error {
	start := s.pos
	s.pos++
	name := s.word()
	if name == "" {
		return s.fail(s.pos, "StartTag: invalid element name")
	}
	if len(s.open) >= maxDepth {
		return s.failf(start, "elements are nested more than %d deep", maxDepth)
	}
	n := s.node(name, "", start)
	f := frame{node: n, first: len(s.pending)}
	if len(s.open) > 0 {
		f.scope = s.open[len(s.open)-1].scope
	}
	first := len(s.attrs)
	for {
		before := s.pos
		s.space()
		if s.pos >= len(s.text) {
			if s.pos == before && len(s.attrs) > first {
				return s.fail(s.pos, "attributes construct error")
			}
			return s.failf(s.pos, "Couldn't find end of Start Tag %s line %d", name, n.Line)
		}
		if c := s.text[s.pos]; c == '>' || c == '/' {
			break
		}
		if s.pos == before {
			return s.fail(s.pos, "attributes construct error")
		}
		var err error
		if first, err = s.attr(first, &f); err != nil {
			return err
		}
	}
	n.Attrs = s.attrs[first:len(s.attrs):len(s.attrs)]
	if err := s.unique(n); err != nil {
		return err
	}
	prefix := ""
	if i := strings.IndexByte(name, ':'); i > 0 {
		prefix = name[:i]
	}
	n.Space = f.scope.lookup(prefix)
	s.open = append(s.open, f)
	if s.text[s.pos] == '/' {
		if !strings.HasPrefix(s.text[s.pos:], "/>") {
			return s.fail(s.pos, "error parsing attribute name")
		}
		s.pos++
		s.close()
	}
	s.pos++
	return nil
}

// attr reads one attribute into the slab, in which the element's begin at
// first, and gives where they begin now.
func (s *scanner) attr(first int, f *frame) (int, error) {
	start := s.pos
	name := s.word()
	if name == "" {
		return 0, s.fail(s.pos, "error parsing attribute name")
	}
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != '=' {
		return 0, s.failf(s.pos, "Specification mandates value for attribute %s", name)
	}
	s.pos++
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != '\'' && s.text[s.pos] != '"' {
		return 0, s.fail(s.pos, "AttValue: \" or ' expected")
	}
	from := s.pos + 1
	value, end, err := s.quoted()
	if err != nil {
		return 0, err
	}
	s.pos = from + end + 1
	if len(s.attrs) == cap(s.attrs) {
		old := s.attrs[first:]
		s.attrs = make([]Attr, 0, max(s.slab(attrSlab, 32), 2*len(old)))
		s.attrs = append(s.attrs, old...)
		first = 0
	}
	line, column := s.where(start)
	s.attrs = append(s.attrs, Attr{Name: name, Value: value, Line: int32(line), Column: int32(column)})
	if name == "xmlns" {
		f.scope = &scope{"", value, f.scope}
	} else if strings.HasPrefix(name, "xmlns:") {
		f.scope = &scope{name[6:], value, f.scope}
	}
	return first, nil
}

// quoted gives the value of an attribute that starts at s.pos with its quote,
// and the length in which it is written. Values are short, so one look at each
// byte is faster than several searches.
func (s *scanner) quoted() (value string, end int, err error) {
	from, quote := s.pos+1, s.text[s.pos]
	rest := s.text[from:]
	plain, less := true, -1
	for end < len(rest) && rest[end] != quote {
		switch rest[end] {
		case '&', '\n', '\t':
			plain = false
		case '<':
			if less < 0 {
				less = end
			}
		}
		end++
	}
	switch {
	case less >= 0:
		err = s.fail(from+less, "Unescaped '<' not allowed in attributes values")
	case end == len(rest):
		err = s.failf(len(s.text), "AttValue: %c expected", quote)
	case plain:
		value = rest[:end]
	default:
		value, err = s.unescape(rest[:end], from, true)
	}
	return value, end, err
}

// unique refuses an attribute that is given twice.
func (s *scanner) unique(n *Node) error {
	if len(n.Attrs) > 16 {
		seen := make(map[string]bool, len(n.Attrs))
		for _, a := range n.Attrs {
			if seen[a.Name] {
				return s.failf(s.pos, "Attribute %s redefined", a.Name)
			}
			seen[a.Name] = true
		}
		return nil
	}
	for i, a := range n.Attrs {
		for _, b := range n.Attrs[:i] {
			if a.Name == b.Name {
				return s.failf(s.pos, "Attribute %s redefined", a.Name)
			}
		}
	}
	return nil
}
