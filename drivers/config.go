package drivers

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"virgo/xml"
)

// ConfigFile is a file in libvirt.conf's syntax: lines NAME = VALUE, where a value is
// a number, a string in quotes (in three double ones over several lines) or a list
// of such in brackets; # begins a comment. Of two lines with one name the first
// counts.
type ConfigFile struct {
	file    string
	entries []configEntry
}

type configEntry struct {
	name  string
	value any // string, int64 or []any
}

// ReadConfig reads a file; one that is not there is empty. The error tells file
// and line.
func ReadConfig(file string) (*ConfigFile, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &ConfigFile{file: file}, nil
	}
	if err != nil {
		return nil, SystemError("Failed to open file", file, err)
	}
	return ParseConfig(file, string(data))
}

// ParseConfig reads a text that is called file in errors.
func ParseConfig(file, text string) (*ConfigFile, error) {
	p := configParser{file: file, text: text, line: 1}
	c := &ConfigFile{file: file}
	for {
		p.blank(true)
		if p.pos == len(p.text) {
			return c, nil
		}
		e, err := p.entry()
		if err != nil {
			return nil, err
		}
		c.entries = append(c.entries, e)
	}
}

func (c *ConfigFile) find(name string) any {
	for _, e := range c.entries {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

func (c *ConfigFile) wrong(want, name string) error {
	return xml.Errorf(xml.CodeInternal, "%s: expected %s for '%s' parameter", c.file, want, name)
}

// String is a string, "" if there is none of the name.
func (c *ConfigFile) String(name string) (string, error) {
	switch v := c.find(name).(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", c.wrong("a string", name)
}

// Strings is a list of strings, nil if there is none of the name.
func (c *ConfigFile) Strings(name string) ([]string, error) {
	list, ok := c.find(name).([]any)
	if !ok && c.find(name) != nil {
		return nil, c.wrong("a string list", name)
	}
	var out []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, xml.Errorf(xml.CodeConfSyntax, "%s: expected a string list for '%s' parameter", c.file, name)
		}
		out = append(out, s)
	}
	return out, nil
}

// Count is a number from 0, preset if there is none of the name.
func (c *ConfigFile) Count(name string, preset int) (int, error) {
	switch v := c.find(name).(type) {
	case nil:
		return preset, nil
	case int64:
		if v >= 0 && v <= math.MaxInt32 {
			return int(v), nil
		}
	}
	return 0, c.wrong("an unsigned integer", name)
}

type configParser struct {
	file, text string
	pos, line  int
}

func (p *configParser) fail(what string) error {
	return xml.Errorf(xml.CodeConfSyntax, "%s:%d: %s", p.file, p.line, what)
}

// next is the byte at the place, 0 at the end.
func (p *configParser) next() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// blank passes over white space; over lines and comments too, if lines is set.
func (p *configParser) blank(lines bool) {
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n' && lines:
			p.line++
		case c == '#' && lines:
			if p.comment(); p.pos == len(p.text) {
				return
			}
			p.line++
		default:
			return
		}
	}
}

// comment goes to the end of the line.
func (p *configParser) comment() {
	end := strings.IndexByte(p.text[p.pos:], '\n')
	if end < 0 {
		end = len(p.text) - p.pos
	}
	p.pos += end
}

func (p *configParser) entry() (configEntry, error) {
	var e configEntry
	start := p.pos
	if c := p.next() | 0x20; c < 'a' || c > 'z' {
		return e, p.fail("expecting a name")
	}
	for c := p.next(); c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'; c = p.next() {
		p.pos++
	}
	e.name = p.text[start:p.pos]
	p.blank(false)
	if p.next() != '=' {
		return e, p.fail("expecting an assignment")
	}
	p.pos++
	p.blank(false)
	var err error
	if e.value, err = p.value(0); err != nil {
		return e, err
	}
	p.blank(false)
	switch p.next() {
	case '#':
		p.comment()
	case '\n': // the next look for white space takes it
	case ';':
		p.pos++
	default:
		if p.pos < len(p.text) {
			return e, p.fail("expecting a separator")
		}
	}
	return e, nil
}

func (p *configParser) value(depth int) (any, error) {
	switch c := p.next(); {
	case c == '"' || c == '\'':
		return p.quoted(c)
	case c == '[' && depth < 16:
		return p.list(depth)
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		return p.number()
	}
	return nil, p.fail("expecting a value")
}

func (p *configParser) quoted(quote byte) (any, error) {
	end, open := string(quote), 1
	if strings.HasPrefix(p.text[p.pos:], `"""`) {
		end, open = `"""`, 3
	}
	rest := p.text[p.pos+open:]
	n := strings.Index(rest, end)
	if open == 1 {
		if stop := strings.IndexByte(rest, '\n'); stop >= 0 && stop < n {
			n = -1
		}
	} else if lines := strings.Count(rest[:max(n, 0)], "\n"); n >= 0 {
		p.line += lines
	}
	if n < 0 {
		return nil, p.fail("unterminated string")
	}
	p.pos += open + n + open
	return rest[:n], nil
}

func (p *configParser) number() (any, error) {
	start := p.pos
	for p.pos++; p.next() >= '0' && p.next() <= '9'; p.pos++ {
	}
	word := p.text[start:p.pos]
	n, err := strconv.ParseInt(word, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return nil, xml.Errorf(xml.CodeOverflow, "%s:%d: numeric overflow in conf value", p.file, p.line)
	}
	if err != nil {
		return nil, p.fail("unterminated number")
	}
	return n, nil
}

// list reads what is in brackets; comments may stand in it.
func (p *configParser) list(depth int) (any, error) {
	p.pos++
	list := []any{}
	for {
		p.blank(true)
		switch {
		case p.pos == len(p.text):
			return nil, p.fail("list is not closed with ]")
		case p.next() == ']':
			p.pos++
			return list, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.blank(true)
		switch c := p.next(); {
		case c == ',':
			p.pos++
		case c != ']' && p.pos < len(p.text):
			return nil, p.fail("expecting a separator in list")
		}
	}
}
