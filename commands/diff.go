package commands

import (
	"context"
	"fmt"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// exitCode is the option of commands that compare.
var exitCode = flag("exit-code", "end with status 1 where there is a difference").own()

// domdiffRow is the command that compares a running domain with its definition.
func domdiffRow() Command {
	return Command{Name: "domdiff", Own: true, Run: domdiff, Summary: "compare a running domain with its definition",
		Description: "show in what a running domain's definition differs from what runs: what the next start changes. " +
			"What only a running domain has (ids, aliases, terminals) is no difference.",
		Options: opts(domainKind.object(completion.ActiveDomains), exitCode)}
}

func domdiff(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if ref.ID < 0 {
		return failed(xml.Errorf(xml.CodeOperationInvalid, "domain is not running"), "Failed to compare domain '%s' with its definition", ref.Name)
	}
	config, err := parsed(objects.XML(ctx, ref, drivers.Inactive))
	if err != nil {
		return err
	}
	live, err := parsed(objects.XML(ctx, ref, 0))
	if err != nil {
		return err
	}
	entries, err := objects.List(ctx, drivers.Filter{Active: drivers.Yes})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.UUID == ref.UUID && !e.Persistent {
			return failed(xml.Errorf(xml.CodeOperationInvalid, "transient domains do not have any persistent config"),
				"Failed to compare domain '%s' with its definition", ref.Name)
		}
	}
	// The CPU that it was started with, in the definition's words.
	started, err := parsed(objects.XML(ctx, ref, drivers.MigratableXML))
	if err != nil {
		started = nil
	}
	domain.Compare(live, config, started)
	return c.differences(xml.Diff(live, config))
}

// parsed reads a document that a driver gave.
func parsed(doc []byte, err error) (*xml.Node, error) {
	if err != nil {
		return nil, err
	}
	return xml.Parse(xml.Source{Data: doc})
}

// diff compares two documents, of which one may be missing.
func (c *Call) diff(old, now []byte) error {
	var list []xml.Difference
	switch {
	case len(old) == 0 && len(now) == 0:
	case len(old) == 0:
		list = []xml.Difference{{New: strings.TrimSpace(string(now)), Added: true, Element: true}}
	case len(now) == 0:
		list = []xml.Difference{{Old: strings.TrimSpace(string(old)), Removed: true, Element: true}}
	default:
		a, err := parsed(old, nil)
		if err != nil {
			return err
		}
		b, err := parsed(now, nil)
		if err != nil {
			return err
		}
		list = xml.Diff(a, b)
	}
	return c.differences(list)
}

// differences shows them: a line each, or an element below its line.
func (c *Call) differences(list []xml.Difference) error {
	var text strings.Builder
	data := make([]Data, 0, len(list))
	for _, d := range list {
		mark, change := "~", "changed"
		switch {
		case d.Added:
			mark, change = "+", "added"
		case d.Removed:
			mark, change = "-", "removed"
		}
		row := Data{{"path", d.Path}, {"change", change}, {"old", nil}, {"new", nil}}
		if !d.Added {
			row[2].Value = d.Old
		}
		if !d.Removed {
			row[3].Value = d.New
		}
		data = append(data, row)
		text.WriteString(mark)
		if d.Path != "" {
			text.WriteString(" " + d.Path)
		}
		switch {
		case d.Element:
			text.WriteString("\n    " + strings.ReplaceAll(d.Old+d.New, "\n", "\n    ") + "\n")
		case d.Added, d.Removed:
			fmt.Fprintf(&text, ": %s\n", word(d.Old+d.New))
		default:
			fmt.Fprintf(&text, ": %s -> %s\n", word(d.Old), word(d.New))
		}
	}
	if len(list) == 0 {
		text.WriteString("no difference\n")
	}
	c.Emit(Message{Text: text.String(), Data: data})
	if len(list) > 0 && c.Has("exit-code") {
		return &Exit{1, ErrReported}
	}
	return nil
}

// word shows a value on one line.
func word(v string) string {
	if v == "" || strings.TrimSpace(v) != v || strings.ContainsAny(v, "\n\t") {
		return fmt.Sprintf("%q", v)
	}
	return v
}

// previewDiff compares what define would keep with what stands.
func (k *kind) previewDiff(ctx context.Context, c *Call, objects drivers.Objects, src xml.Source) error {
	p, err := query[drivers.Previewer](objects, "define --diff")
	if err != nil {
		return err
	}
	doc, err := p.Preview(ctx, src)
	if err != nil {
		return k.fail("define", err, "", src.Name)
	}
	now, err := parsed(doc, nil)
	if err != nil {
		return err
	}
	name, uuid := now.Child("name"), now.Child("uuid")
	if name == nil || uuid == nil {
		return c.diff(nil, doc)
	}
	old, err := k.definition(ctx, objects, name.Value(), 0)
	if err == nil && old == nil {
		return c.diff(nil, doc)
	}
	if err != nil {
		return err
	}
	was, err := parsed(old, nil)
	if err != nil {
		return err
	}
	if given, err := parsed(src.Data, nil); err == nil && given.Child("uuid") == nil && was.Child("uuid") != nil {
		*uuid = *was.Child("uuid")
		c.Note("without its uuid, %s, the file cannot be defined over the %s '%s'", uuid.Value(), k.noun, name.Value())
	}
	return c.differences(xml.Diff(was, now))
}

// Note tells something that is no result and no error, in its order with the output.
func (c *Call) Note(format string, args ...any) {
	c.Flush()
	fmt.Fprintf(c.Err, "note: "+format+"\n", args...)
}
