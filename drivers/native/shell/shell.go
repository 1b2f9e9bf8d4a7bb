// Package shell reads the part of the shell's language that command lines of
// hypervisors are written in: words, quotes, continued lines, comments,
// variables and arrays that the script itself sets, sums, commands that take
// paths apart, and several commands. It runs nothing. It also quotes words for
// the shell.
package shell

import (
	"strings"

	"virgo/xml"
)

// Command is one command of a script.
type Command struct {
	Words []string
	Lines []int      // of each word, from 1
	Env   []Variable // assignments before the first word
	Line  int        // where it begins
}

// Lookup gives variables that the script does not set: those of the environment,
// and 0, which is the script itself.
type Lookup func(name string) (value string, ok bool)

// Variable is one assignment.
type Variable struct{ Name, Value string }

// Script is what was read.
type Script struct {
	Commands []Command
	// Unknown are expansions whose value the script does not tell, such as $1
	// or $(command), in the order in which they stand; words have them as written.
	Unknown []string
	// Documents are the texts of here-documents, which may be scripts themselves.
	Documents []Document
	vars      map[string]string
}

// Variable gives the value that the script leaves a variable with.
func (s *Script) Variable(name string) (string, bool) {
	value, ok := s.vars[name]
	return value, ok
}

// Limits of a script: how long it may become when variables are put in, and
// how deep commands may stand within words.
const (
	maxExpanded = 8 << 20
	maxDepth    = 16
)

// Parse reads a script. env may be nil.
func Parse(src xml.Source, env Lookup) (*Script, error) {
	p := &parser{text: string(src.Data), line: 1, name: src.Name, env: env, vars: map[string]string{}, arrays: map[string][]string{}}
	for p.pos < len(p.text) {
		if err := p.command(); err != nil {
			return nil, err
		}
	}
	p.out.vars = p.vars
	return &p.out, nil
}

type parser struct {
	text     string
	pos      int
	line     int
	name     string
	env      Lookup
	depth    int
	vars     map[string]string
	arrays   map[string][]string
	expanded int
	pending  []Document // whose text begins in the next line
	ends     []string   // the words that end them
	out      Script
}

func (p *parser) fail(words string) error {
	e := xml.Errorf(xml.CodeConfSyntax, "line %d: %s", p.line, words)
	e.File, e.Line, e.Column = p.name, p.line, 1
	return e
}

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.text[p.pos:], prefix) }

// blanks passes over blanks and continued lines.
func (p *parser) blanks() {
	for p.pos < len(p.text) {
		switch {
		case p.text[p.pos] == ' ', p.text[p.pos] == '\t', p.text[p.pos] == '\r':
			p.pos++
		case p.has("\\\n"):
			p.pos += 2
			p.line++
		case p.has("\\\r\n"):
			p.pos += 3
			p.line++
		default:
			return
		}
	}
}

// separators end a command; a parenthesis ends a subshell's or the pattern of a case.
var separators = []string{"&&", "||", ";;", ";", "|", "&", "\n", ")"}

// separator passes over the end of a command, and tells whether it was one.
func (p *parser) separator() bool {
	for _, s := range separators {
		if p.has(s) && !p.has("&>") {
			p.pos += len(s)
			if s == "\n" {
				p.line++
				p.documents()
			}
			return true
		}
	}
	return p.pos >= len(p.text)
}

func (p *parser) comment() {
	end := strings.IndexByte(p.text[p.pos:], '\n')
	if end < 0 {
		end = len(p.text) - p.pos
	}
	p.pos += end
}

// command reads up to the end of a command.
func (p *parser) command() error {
	var c Command
	for {
		p.blanks()
		if p.pos < len(p.text) && p.text[p.pos] == '#' {
			p.comment()
		}
		if p.separator() {
			break
		}
		if len(c.Words) == 0 && p.has("(") { // a subshell's commands are like others
			p.pos++
			continue
		}
		if c.Line == 0 {
			c.Line = p.line
		}
		if done, err := p.redirection(); err != nil {
			return err
		} else if done {
			continue
		}
		if len(c.Words) == 0 || len(c.Words) == 1 && declares(c.Words[0]) {
			done, err := p.assignment(&c)
			if err != nil {
				return err
			}
			if done {
				continue
			}
		}
		line := p.line
		words, err := p.word()
		if err != nil {
			return err
		}
		c.Words = append(c.Words, words...)
		for range words {
			c.Lines = append(c.Lines, line)
		}
	}
	if len(c.Words) > 0 {
		p.out.Commands = append(p.out.Commands, c)
	}
	if len(c.Words) > 0 && !declares(c.Words[0]) {
		return nil
	}
	for _, v := range c.Env { // assignments alone are for the rest of the script
		p.vars[v.Name] = v.Value
	}
	return nil
}

// declares tells the commands whose arguments are assignments.
func declares(word string) bool {
	switch word {
	case "export", "readonly", "local", "declare", "typeset":
		return true
	}
	return false
}

// assignment reads NAME=word or NAME=(words), if one stands here.
func (p *parser) assignment(c *Command) (bool, error) {
	n := nameLen(p.text[p.pos:])
	if n == 0 {
		return false, nil
	}
	name, rest := p.text[p.pos:p.pos+n], p.text[p.pos+n:]
	add := strings.HasPrefix(rest, "+=")
	if !add && !strings.HasPrefix(rest, "=") {
		return false, nil
	}
	p.pos += n + 1
	if add {
		p.pos++
	}
	if p.has("(") {
		p.pos++
		list, err := p.array()
		if err != nil {
			return false, err
		}
		if add {
			list = append(p.arrays[name], list...)
		}
		p.arrays[name] = list
		return true, nil
	}
	words, err := p.word()
	if err != nil {
		return false, err
	}
	value := strings.Join(words, " ")
	if add {
		value = p.vars[name] + value
	}
	if len(value) > maxExpanded {
		return false, p.fail("the value of a variable is too long")
	}
	c.Env = append(c.Env, Variable{name, value})
	return true, nil
}

// array reads the words up to the closing parenthesis.
func (p *parser) array() ([]string, error) {
	var out []string
	for {
		p.blanks()
		switch {
		case p.pos >= len(p.text):
			return nil, p.fail("an array is not closed with )")
		case p.text[p.pos] == '\n':
			p.pos++
			p.line++
		case p.text[p.pos] == '#':
			p.comment()
		case p.text[p.pos] == ')':
			p.pos++
			return out, nil
		default:
			start := p.pos
			words, err := p.word()
			if err != nil {
				return nil, err
			}
			if p.pos == start {
				return nil, p.fail("'" + p.text[p.pos:p.pos+1] + "' cannot stand in an array")
			}
			out = append(out, words...)
		}
	}
}

// nameLen is the length of the variable's name that a text begins with.
func nameLen(text string) int {
	i := 0
	for i < len(text) && nameByte(text[i]) && (i > 0 || text[0] < '0' || text[0] > '9') {
		i++
	}
	return i
}

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
