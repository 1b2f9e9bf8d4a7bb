package commands

import (
	"context"
	"math"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// historyRow is the verb that shows what definitions were before they changed.
func (k *kind) historyRow() Command {
	number := completion.Revisions(k.Kind, k.option)
	name := str(k.option, Positional, "name of the "+k.noun+", which may be undefined").with(completion.WithHistory(k.Kind))
	row := k.verb("history", "list the former definitions of "+k.one(), k.history, name,
		num("dumpxml", 0, "print the definition with this number").with(number),
		num("diff", 0, "print what the change after the definition with this number did").with(number),
		flag("security-info", "with passwords"))
	row.Own = true
	row.Description = "list the former definitions of " + k.one() + ", until when each stood, and the command that changed it; without a name, the " +
		k.noun + "s that are undefined and can be brought back"
	return row
}

// undoRow is the verb that brings a former definition back.
func (k *kind) undoRow() Command {
	name := str(k.option, RP, "name of the "+k.noun+", which may be undefined").with(completion.WithHistory(k.Kind))
	row := k.verb("undo", "take back the last change of the definition of "+k.one(), k.undo, name,
		num("to", 0, "bring back the definition with this number, as history shows it").with(completion.Revisions(k.Kind, k.option)))
	row.Own = true
	return row
}

// former is the name of an object that may be defined no more: the word, if
// nothing is called so now.
func (k *kind) former(ctx context.Context, c *Call, objects drivers.Objects) string {
	word := c.Str(k.option)
	if ref, err := k.resolve(ctx, c, objects, k.option, word, byAny); err == nil {
		return ref.Name
	}
	return word
}

func (k *kind) historian(ctx context.Context, c *Call) (drivers.Objects, drivers.Historian, error) {
	objects, err := k.objects(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	h, err := query[drivers.Historian](objects, k.prefix+"history")
	return objects, h, err
}

func (k *kind) history(ctx context.Context, c *Call) error {
	if err := c.Exclusive("dumpxml", "diff"); err != nil {
		return err
	}
	objects, h, err := k.historian(ctx, c)
	if err != nil {
		return err
	}
	if !c.Has(k.option) {
		return k.listFormer(ctx, c, h)
	}
	name := k.former(ctx, c, objects)
	for _, option := range []string{"dumpxml", "diff"} {
		n, given, err := c.Int(option, 1, math.MaxInt32)
		switch {
		case err != nil:
			return err
		case given && option == "diff":
			return k.revisionDiff(ctx, c, objects, h, name, int(n))
		case given:
			doc, err := k.revision(ctx, c, h, name, int(n))
			if err != nil {
				return err
			}
			c.Emit(Document{Text: string(doc)})
			return nil
		}
	}
	list, err := h.Revisions(ctx, name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		if _, err := objects.Lookup(ctx, drivers.ByName, name); err != nil {
			return k.fail("find", nil, name, "")
		}
	}
	t := Listing{Columns: []Column{{"Revision", "revision"}, {"Until", "until"}, {"Change", "change"}, {"Command", "command"}}}
	for _, r := range list {
		t.Rows = append(t.Rows, []any{r.Number, when(r.Time), string(r.Change), oneLine(r.Command)})
	}
	c.Emit(t)
	return nil
}

// when is a time for people, and for JSON.
func when(t time.Time) Cell {
	return Cell{Text: t.Local().Format("2006-01-02 15:04:05"), Value: t.UTC().Format(time.RFC3339)}
}

// oneLine is a command for a table, which has no room for line breaks.
func oneLine(command string) Cell {
	return Cell{Text: strings.Join(strings.Fields(command), " "), Value: command}
}

// listFormer lists the objects that are defined no more.
func (k *kind) listFormer(ctx context.Context, c *Call, h drivers.Historian) error {
	list, err := h.Former(ctx)
	if err != nil {
		return err
	}
	t := Listing{Columns: []Column{{"Name", "name"}, {"Until", "until"}, {"Command", "command"}}}
	for _, f := range list {
		t.Rows = append(t.Rows, []any{f.Name, when(f.Last.Time), oneLine(f.Last.Command)})
	}
	c.Emit(t)
	return nil
}

// revision is a former definition; there has to be one.
func (k *kind) revision(ctx context.Context, c *Call, h drivers.Historian, name string, n int) ([]byte, error) {
	f := c.Flags("security-info", drivers.SecurityInfo)
	if c.ReadOnly && f != 0 {
		return nil, xml.Errorf(xml.CodeForbidden, "%sGetXMLDesc with secure flag", k.api)
	}
	doc, err := h.Revision(ctx, name, n, f)
	if err == nil && len(doc) == 0 {
		err = xml.Errorf(xml.CodeInvalidArg, "at revision %d there was no definition of '%s'", n, name)
	}
	return doc, err
}

// revisionDiff tells what the change did that came after a revision.
func (k *kind) revisionDiff(ctx context.Context, c *Call, objects drivers.Objects, h drivers.Historian, name string, n int) error {
	f := c.Flags("security-info", drivers.SecurityInfo)
	if c.ReadOnly && f != 0 {
		return xml.Errorf(xml.CodeForbidden, "%sGetXMLDesc with secure flag", k.api)
	}
	old, err := h.Revision(ctx, name, n, f)
	if err != nil {
		return err
	}
	list, err := h.Revisions(ctx, name)
	if err != nil {
		return err
	}
	for i, r := range list {
		if r.Number != n {
			continue
		}
		var now []byte
		switch {
		case r.Change == drivers.Dropped:
		case i+1 < len(list):
			now, err = h.Revision(ctx, name, list[i+1].Number, f)
		default:
			now, err = k.definition(ctx, objects, name, f)
		}
		if err != nil {
			return err
		}
		return c.diff(old, now)
	}
	return xml.Errorf(xml.CodeInvalidArg, "no revision %d of '%s' is kept", n, name)
}

// definition is the kept document of an object, nil if there is none.
func (k *kind) definition(ctx context.Context, objects drivers.Objects, name string, f drivers.Flags) ([]byte, error) {
	ref, err := objects.Lookup(ctx, drivers.ByName, name)
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if k.Kind != drivers.NWFilter {
		f |= drivers.Inactive
	}
	return objects.XML(ctx, ref, f)
}

func (k *kind) undo(ctx context.Context, c *Call) error {
	objects, h, err := k.historian(ctx, c)
	if err != nil {
		return err
	}
	if _, err := change[drivers.Historian](c, objects, k.api+"DefineXML"); err != nil {
		return err
	}
	n, _, err := c.Int("to", 1, math.MaxInt32)
	if err != nil {
		return err
	}
	name := k.former(ctx, c, objects)
	list, err := h.Revisions(ctx, name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		if _, err := objects.Lookup(ctx, drivers.ByName, name); err != nil {
			return k.fail("find", nil, c.Str(k.option), "")
		}
	}
	ref, gone, err := h.Undo(ctx, name, int(n))
	if err != nil {
		return failed(err, "Failed to undo the change of %s '%s'", k.noun, name)
	}
	undone := ""
	if n == 0 && len(list) > 0 {
		undone = list[len(list)-1].Command
	}
	switch {
	case gone:
		c.Emit(k.done(ref, "undefined", "%s '%s' is undefined again", k.title, name))
	case undone != "":
		c.Emit(k.done(ref, "restored", "%s '%s' is as it was before '%s'", k.title, name, undone))
	case n > 0:
		c.Emit(k.done(ref, "restored", "%s '%s' is as it was at revision %d", k.title, name, n))
	default:
		c.Emit(k.done(ref, "restored", "%s '%s' is as it was before", k.title, name))
	}
	return nil
}
