package commands

import (
	"context"
	"fmt"
	"strings"
)

// Help is a command's page, laid out as virsh does it.
func (c *Command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s\n", c.Name, c.Summary, c.Synopsis())
	text := c.Description
	if text == "" {
		text = sentence(c.Summary)
	}
	fmt.Fprintf(&b, "\n  DESCRIPTION\n    %s\n", text)
	shown := false
	for i := range c.Options {
		o := &c.Options[i]
		if o.Kind == Alias {
			continue
		}
		if !shown {
			b.WriteString("\n  OPTIONS\n")
			shown = true
		}
		fmt.Fprintf(&b, "    %-15s  %s\n", o.label(), o.Help)
	}
	b.WriteByte('\n')
	return b.String()
}

// sentence makes a description of a summary.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// label is an option as the list of options names it.
func (o *Option) label() string {
	switch {
	case o.Kind == Bool:
		return "--" + o.Name
	case o.Kind == Argv && o.Has(Positional):
		return fmt.Sprintf("[--%s] <string>...", o.Name)
	case o.Has(Positional):
		return fmt.Sprintf("[--%s] <%s>", o.Name, o.valueWord())
	}
	return fmt.Sprintf("--%s <%s>", o.Name, o.valueWord())
}

// Synopsis is the command with all its options in a line.
func (c *Command) Synopsis() string {
	parts := []string{c.Name}
	for i := range c.Options {
		o := &c.Options[i]
		var s string
		switch {
		case o.Kind == Alias:
			continue
		case o.Kind == Bool:
			s = "[--" + o.Name + "]"
		case o.Kind == Argv:
			s = "<" + o.Name + ">"
			if !o.Has(Positional) {
				s = "--" + o.Name + " <string>"
			}
			if o.Has(Required) {
				s = "{" + s + "}..."
			} else {
				s = "[" + s + "]..."
			}
			if o.Has(Required) && o.Has(Positional) {
				s = "<" + o.Name + ">..."
			}
		case o.Has(RP):
			s = "<" + o.Name + ">"
		case o.Has(Required):
			s = "--" + o.Name + " <" + o.valueWord() + ">"
		case o.Has(Positional):
			s = "[<" + o.Name + ">]"
		default:
			s = "[--" + o.Name + " <" + o.valueWord() + ">]"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// List is a group's commands with their summaries.
func (g *Group) List(colon string) string {
	var b strings.Builder
	fmt.Fprintf(&b, " %s (help keyword '%s')%s\n", g.Title, g.Keyword, colon)
	for i := range g.Commands() {
		if c := &g.Commands()[i]; !c.Hidden && c.Alias == "" {
			fmt.Fprintf(&b, "    %-30s %s\n", c.Name, c.Summary)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func help(_ context.Context, c *Call) error {
	name := c.Str("command")
	if name == "" {
		var b strings.Builder
		b.WriteString("Grouped commands:\n\n")
		for i := range c.Table {
			if g := c.Table[i]; g.visible() {
				b.WriteString(g.List(":"))
			}
		}
		c.Emit(Message{Text: b.String(), Data: c.Table.data()})
		return nil
	}
	if row := c.Table.Resolve(name); row != nil {
		c.Emit(Message{Text: row.Help(), Data: row.data()})
		return nil
	}
	if g := c.Table.Group(name); g != nil {
		c.Emit(Message{Text: g.List(":"), Data: Table{g}.data()})
		return nil
	}
	return shellError("command or command group '%s' doesn't exist", name)
}

// visible tells whether a group has anything to list.
func (g *Group) visible() bool {
	for i := range g.Commands() {
		if !g.Commands()[i].Hidden {
			return true
		}
	}
	return false
}

func (t Table) data() Data {
	out := Data{}
	for _, g := range t {
		for i := range g.Commands() {
			if c := &g.Commands()[i]; !c.Hidden && c.Alias == "" {
				out = append(out, Pair{c.Name, Data{{"group", g.Keyword}, {"summary", c.Summary}}})
			}
		}
	}
	return out
}

func (c *Command) data() Data {
	options := []Data{}
	for i := range c.Options {
		o := &c.Options[i]
		if o.Kind == Alias {
			continue
		}
		options = append(options, Data{{"name", o.Name}, {"type", kindNames[o.Kind]}, {"required", o.Has(Required)},
			{"positional", o.Has(Positional)}, {"help", o.Help}})
	}
	return Data{{"name", c.Name}, {"summary", c.Summary}, {"synopsis", c.Synopsis()}, {"options", options}}
}

var kindNames = [...]string{"bool", "string", "int", "argv", "alias"}
