package commands

import (
	"context"
	"maps"
	"slices"
	"strings"

	"virgo/completion"
)

// Kind says what an option takes.
type Kind uint8

// The kinds of options.
const (
	Bool   Kind = iota
	String      // one word
	Int         // one whole number
	Argv        // any number of words
	Alias       // another name for Target
)

// Flag modifies an option.
type Flag uint8

// The flags of options.
const (
	Required   Flag = 1 << iota
	Positional      // takes a word that stands without the option's name
	Loose           // takes such a word too, but help does not say so
	Empty           // may be given as an empty word
	RP         = Required | Positional
)

// Option is one option of a command.
type Option struct {
	Name     string
	Kind     Kind
	Flags    Flag
	Target   string // Alias: the option meant, or option=value
	Help     string
	Values   string          // the words it takes, if they are few: "acpi agent"
	List     bool            // several of them, with commas
	Own      bool            // virsh's command does not have it
	Unless   string          // it is not required if this option is given
	object   *kind           // it names one of these
	Complete completion.Func // what else it takes, for completion
}

// Has tells whether all of f's bits are set.
func (o *Option) Has(f Flag) bool { return o.Flags&f == f }

// Command is one row: all there is to say about a command.
type Command struct {
	Name        string
	Alias       string // this row is another name of that command
	Summary     string // a few words, for lists
	Description string // sentences; Summary if empty
	Options     []Option
	NoConnect   bool // runs without a connection
	Hidden      bool
	Own         bool // virsh has no such command
	Run         func(context.Context, *Call) error
}

// Option finds an option by its name.
func (c *Command) Option(name string) *Option {
	for i := range c.Options {
		if c.Options[i].Name == name {
			return &c.Options[i]
		}
	}
	return nil
}

// named is the option that names the object that the command is about, or nil.
func (c *Command) named() *Option {
	for i := range c.Options {
		if o := &c.Options[i]; o.object != nil && o.Has(RP) {
			return o
		}
	}
	return nil
}

// Group is a group of commands, as help shows it.
type Group struct {
	Title   string
	Keyword string
	parts   []part
	order   string
	passed  [][]Command // of the parts, those that were looked through
	made    []Command   // all, in order
}

// Commands are the group's rows. They are made when first asked for: a start
// with one command in mind does not pay for the others.
func (g *Group) Commands() []Command {
	if g.made == nil {
		for g.more() {
		}
		g.made = sorted(slices.Concat(g.passed...), g.order)
	}
	return g.made
}

// more makes the next part; it tells whether there was one.
func (g *Group) more() bool {
	n := len(g.passed)
	if n == len(g.parts) {
		return false
	}
	g.passed = append(g.passed, g.parts[n]())
	return true
}

// known gives the row of a name from what was made, or nil.
func (g *Group) known(name string) *Command {
	if g.made != nil {
		return rowOf(g.made, name)
	}
	for _, rows := range g.passed {
		if c := rowOf(rows, name); c != nil {
			return c
		}
	}
	return nil
}

// find gives the row of a name, or nil. It makes as few as it can.
func (g *Group) find(name string) *Command {
	c := g.known(name)
	for c == nil && g.more() {
		c = rowOf(g.passed[len(g.passed)-1], name)
	}
	return c
}

func rowOf(rows []Command, name string) *Command {
	for i := range rows {
		if rows[i].Name == name {
			return &rows[i]
		}
	}
	return nil
}

// Table is all groups, in help's order.
type Table []*Group

// NewTable gives the table. It is for one goroutine.
func NewTable() Table {
	t := make(Table, 0, len(groups))
	for _, g := range groups {
		t = append(t, &Group{Title: g.title, Keyword: g.keyword, parts: g.rows, order: g.order})
	}
	return t
}

// sorted puts rows into virsh's order; what virsh does not have comes last, by
// name. Rows are large, so that each is moved once.
func sorted(rows []Command, order string) []Command {
	at := make(map[string]int, len(rows))
	for i := range rows {
		at[rows[i].Name] = i
	}
	out := make([]Command, 0, len(rows))
	for name := range strings.FieldsSeq(order) {
		if i, ok := at[name]; ok {
			out = append(out, rows[i])
			delete(at, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(at)) {
		out = append(out, rows[at[name]])
	}
	return out
}

// Find gives the row of a name, or nil. It does not follow aliases.
func (t Table) Find(name string) *Command {
	for _, g := range t { // a script names the same few again and again
		if c := g.known(name); c != nil {
			return c
		}
	}
	for _, listed := range []bool{true, false} {
		for _, g := range t {
			if hasWord(g.order, name) != listed {
				continue
			}
			if c := g.find(name); c != nil {
				return c
			}
		}
	}
	return nil
}

// hasWord tells whether a list with blanks has the word. It makes
// no copies: every start asks.
func hasWord(list, word string) bool {
	for at := 0; ; at++ {
		i := strings.Index(list[at:], word)
		if i < 0 || word == "" {
			return false
		}
		at += i
		end := at + len(word)
		if (at == 0 || list[at-1] == ' ') && (end == len(list) || list[end] == ' ') {
			return true
		}
	}
}

// Resolve gives the row that does a name's work, or nil.
func (t Table) Resolve(name string) *Command {
	c := t.Find(name)
	if c != nil && c.Alias != "" {
		return t.Find(c.Alias)
	}
	return c
}

// names are the names of all commands.
func (t Table) names() []string {
	var out []string
	for _, g := range t {
		for i := range g.Commands() {
			out = append(out, g.Commands()[i].Name)
		}
	}
	return out
}

// optionNames are the names of a command's options.
func (c *Command) optionNames() []string {
	out := make([]string, 0, len(c.Options))
	for i := range c.Options {
		out = append(out, c.Options[i].Name)
	}
	return out
}

// Group finds a group by its keyword or title.
func (t Table) Group(name string) *Group {
	for i := range t {
		if t[i].Keyword == name || t[i].Title == name {
			return t[i]
		}
	}
	return nil
}

// The rows' shorthand.

func flag(name, help string) Option { return Option{Name: name, Kind: Bool, Help: help} }

func str(name string, f Flag, help string) Option {
	return Option{Name: name, Kind: String, Flags: f, Help: help}
}

func num(name string, f Flag, help string) Option {
	return Option{Name: name, Kind: Int, Flags: f, Help: help}
}

func argv(name string, f Flag, help string) Option {
	return Option{Name: name, Kind: Argv, Flags: f, Help: help}
}

func alias(name, target string) Option { return Option{Name: name, Kind: Alias, Target: target} }

// of gives an option the words that it takes.
func (o Option) of(values string) Option { o.Values = values; return o }

// list says that an option takes several words, with commas.
func (o Option) list() Option { o.List = true; return o }

// own marks an option that virsh's command does not have.
func (o Option) own() Option { o.Own = true; return o }

// unless says that an option is not required where another one is given.
func (o Option) unless(other string) Option { o.Unless = other; return o }

// with gives an option a completer.
func (o Option) with(f completion.Func) Option { o.Complete = f; return o }

// opts makes an option list of options and of lists of options.
func opts(parts ...any) []Option {
	var out []Option
	for _, p := range parts {
		switch p := p.(type) {
		case Option:
			out = append(out, p)
		case []Option:
			out = append(out, p...)
		}
	}
	return out
}
