package commands

import (
	"context"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/foreign"
	"virgo/xml"
)

// importRow is the command that takes over what another program keeps.
func importRow() Command {
	return Command{Name: "import", Own: true, Run: importAll, Summary: "take over the definitions of a libvirt, or of another connection",
		Description: "take over definitions of domains, networks, pools, filters and secrets, the marks for autostart, firmware variables and the secrets' values: " +
			"from the folder of a libvirt (/etc/libvirt, ~/.config/libvirt, the root of an embedded driver, or a copy of one), or from any other connection. " +
			"Nothing is overwritten, and nothing is changed there; what is skipped says why.",
		Options: opts(str("from", RP, "the folder, or the URI of the connection").with(completion.Files),
			flag("dry-run", "only tell what would be taken over"))}
}

func importAll(ctx context.Context, c *Call) error {
	if c.ReadOnly && !c.Has("dry-run") {
		return xml.Errorf(xml.CodeForbidden, "read only access prevents virDomainDefineXML")
	}
	conn, err := c.Conn(ctx)
	if err != nil {
		return err
	}
	items, err := c.foreign(ctx, c.Str("from"))
	if err != nil {
		return failed(err, "Failed to import from '%s'", c.Str("from"))
	}
	t := Listing{Columns: []Column{{"Kind", "kind"}, {"Name", "name"}, {"Result", "result"}, {"Note", "notes"}}}
	bad := false
	for i := range items {
		out := foreign.Put(ctx, conn, &items[i], c.Has("dry-run"))
		bad = bad || out.Result == foreign.Failed
		notes := out.Notes
		if out.Reason != "" {
			notes = append([]string{out.Reason}, notes...)
		}
		text := strings.ReplaceAll(strings.Join(notes, "; "), "\n", " ")
		t.Rows = append(t.Rows, []any{foreign.Noun(items[i].Kind), items[i].Name, string(out.Result), Cell{Text: text, Value: append([]string{}, notes...)}})
	}
	c.Emit(t)
	if bad {
		return &Exit{1, ErrReported}
	}
	return nil
}

// foreign lists what a folder or a connection has.
func (c *Call) foreign(ctx context.Context, from string) ([]foreign.Item, error) {
	if !strings.Contains(from, "://") {
		return foreign.Folder(from)
	}
	other, err := c.Open(ctx, from, drivers.OpenOptions{Getenv: c.Getenv, Ask: c.ask, Terminal: c.Terminal})
	if err != nil {
		return nil, err
	}
	defer other.Close()
	return foreign.From(ctx, other)
}
