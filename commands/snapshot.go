package commands

import (
	"context"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// snapshotRows are the commands about snapshots.
func snapshotRows() []Command {
	f := snapshotFamily
	current := flag("current", "the current snapshot")
	return []Command{
		f.row("create", "make a snapshot as a file describes it", f.createXML,
			str("xmlfile", Positional, "file that describes the snapshot").with(completion.Files),
			flag("redefine", "take over the description of a snapshot that exists"), flag("current", "with --redefine: make it the current one"),
			flag("no-metadata", "keep no description"), flag("halt", "stop the domain"), flag("disk-only", "without the memory"),
			flag("reuse-external", "use files that exist"), flag("quiesce", "freeze the guest's file systems"),
			flag("atomic", "all disks or none"), flag("live", "let the domain run meanwhile"), validateOption()),
		f.row("create-as", "make a snapshot as options describe it", snapshotCreateAs,
			str("name", Loose, "name of the snapshot").with(completion.Free),
			str("description", Loose, "what it is for").with(completion.Free), flag("print-xml", "print the description instead"),
			flag("no-metadata", "keep no description"), flag("halt", "stop the domain"), flag("disk-only", "without the memory"),
			flag("reuse-external", "use files that exist"), flag("quiesce", "freeze the guest's file systems"),
			flag("atomic", "all disks or none"), flag("live", "let the domain run meanwhile"), validateOption(),
			str("memspec", 0, "[file=]name[,snapshot=type] of the memory").with(completion.Free),
			argv("diskspec", Loose, "disk[,snapshot=type][,driver=type][,stype=type][,file=name]").with(completion.Free)),
		f.row("current", "show or set the current snapshot", snapshotCurrent, flag("name", "only its name"),
			flag("security-info", "with passwords"), f.option(Positional)),
		f.row("delete", "remove a snapshot", f.remove, f.option(Positional), current, flag("children", "and all that came from it"),
			flag("children-only", "only what came from it"), flag("metadata", "only its description")),
		f.row("dumpxml", "print the XML description of a snapshot", f.dump, f.option(RP), flag("security-info", "with passwords"), xpathOptions()),
		f.row("edit", "edit the XML description of a snapshot", snapshotEdit, f.option(Positional), flag("current", "and make it the current one"),
			flag("rename", "a changed name renames it"), flag("clone", "a changed name makes another one")),
		f.row("info", "show a snapshot's main values", f.info, f.option(Positional), current),
		f.row("list", "list the snapshots of a domain", f.list, flag("parent", "with their parents"), flag("roots", "those without a parent"),
			flag("leaves", "those without children"), flag("no-leaves", "those with children"), flag("metadata", "those with a description"),
			flag("no-metadata", "those without"), flag("inactive", "those of a stopped domain"), flag("active", "those of a running domain"),
			flag("disk-only", "those without the memory"), flag("internal", "those within the disks' files"),
			flag("external", "those in files of their own"), flag("tree", "as a tree"),
			str("from", Loose, "those that came from this one").with(f.complete), flag("current", "those that came from the current one"),
			flag("descendants", "their children, too"), flag("name", "only their names"), flag("topological", "parents first")),
		f.row("parent", "print the name of a snapshot's parent", f.parent, f.option(Positional), current),
		f.row("revert", "take a domain back to a snapshot", snapshotRevert, f.option(Positional), current,
			flag("running", "and let it run"), flag("paused", "and let it wait"), flag("force", "also where that is risky"),
			flag("reset-nvram", "begin with fresh firmware variables")),
	}
}

func validateOption() Option { return flag("validate", "check the description against the schema") }

func snapshotCurrent(ctx context.Context, c *Call) error {
	if err := c.Exclusive("name", "snapshotname"); err != nil {
		return err
	}
	f := snapshotFamily
	objects, dom, list, err := f.all(ctx, c)
	if xml.CodeOf(err) == xml.CodeNoSupport {
		err = drivers.Unsupported("virDomainHasCurrentSnapshot")
	}
	if err != nil {
		return err
	}
	if c.Has("snapshotname") {
		m, err := f.named(list, c.Str("snapshotname"))
		if err != nil {
			return err
		}
		doc, err := objects.XML(ctx, m.ref, drivers.SecurityInfo)
		if err != nil {
			return err
		}
		d, err := change[drivers.Momenter](c, objects, f.api+"CreateXML")
		if err != nil {
			return err
		}
		if _, err := d.CreateMoment(ctx, dom, xml.Source{Name: m.ref.Name, Data: doc}, drivers.MomentFlags{Redefine: true, Current: true}); err != nil {
			return err
		}
		c.Emit(Message{Text: "Snapshot " + m.ref.Name + " set as current", Data: Data{{"snapshot", m.ref.Name}, {"action", "current"}}, Extra: true})
		return nil
	}
	name := f.current(ctx, objects, dom)
	if name == "" {
		return shellError("domain '%s' has no current snapshot", dom.Name)
	}
	if c.Has("name") {
		c.Emit(Message{Text: name, Data: Data{{"name", name}}})
		return nil
	}
	m, err := f.named(list, name)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, m.ref, c.Flags("security-info", drivers.SecurityInfo))
	if err != nil {
		return err
	}
	c.Emit(Document{Text: string(doc)})
	return nil
}

func snapshotRevert(ctx context.Context, c *Call) error {
	objects, m, _, err := snapshotFamily.one(ctx, c, true)
	if err != nil {
		return err
	}
	d, err := change[drivers.Reverter](c, objects, "virDomainRevertToSnapshot")
	if err == nil {
		err = d.Revert(ctx, m.ref, c.Has("running"), c.Has("paused"), c.Has("force"), c.Has("reset-nvram"))
	}
	if err != nil {
		return failed(err, "Failed to revert snapshot %s", m.ref.Name)
	}
	msg := msgf(Data{{"snapshot", m.ref.Name}, {"action", "reverted"}}, "Domain snapshot %s reverted", m.ref.Name)
	msg.Extra = true
	c.Emit(msg)
	return nil
}

func snapshotEdit(ctx context.Context, c *Call) error {
	if err := c.Exclusive("rename", "clone"); err != nil {
		return err
	}
	f := snapshotFamily
	objects, m, _, err := f.one(ctx, c, false)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, m.ref, drivers.SecurityInfo)
	if err != nil {
		return err
	}
	d, err := change[drivers.Momenter](c, objects, f.api+"CreateXML")
	if err != nil {
		return err
	}
	name := m.ref.Name
	var made drivers.Ref
	put := func(src xml.Source) (err error) {
		made, err = d.CreateMoment(ctx, *m.ref.Parent, src, drivers.MomentFlags{Redefine: true, Current: c.Has("current")})
		return err
	}
	changed, err := c.edit(doc, ".xml", put)
	if err == nil && !changed && c.Has("current") && c.Has("snapshotname") { // it is made the current one
		changed, err = true, put(xml.Source{Name: name, Data: doc})
	}
	switch {
	case err != nil:
		c.Report(err)
		return shellError("Failed to update %s", name)
	case !changed:
		c.Emit(msgf(Data{{"changed", false}}, "Snapshot %s XML configuration not changed.", name))
		return nil
	case made.Name == name:
		c.Emit(msgf(Data{{"changed", true}}, "Snapshot %s edited.", name))
		return nil
	case c.Has("clone"):
		c.Emit(msgf(Data{{"changed", true}, {"name", made.Name}}, "Snapshot %s cloned to %s.", name, made.Name))
		return nil
	}
	spare := made
	if c.Has("rename") {
		spare = m.ref
	}
	if err := d.DeleteMoment(ctx, spare, false, false, true); err != nil {
		c.Report(err)
		c.Errorf("Failed to clean up %s", spare.Name)
		return shellError("Failed to update %s", name)
	}
	if !c.Has("rename") {
		return shellError("Cannot rename snapshot %s to %s", name, made.Name)
	}
	c.Emit(msgf(Data{{"changed", true}, {"name", made.Name}}, "Snapshot %s renamed to %s.", name, made.Name))
	return nil
}

// spec reads name[,key=value]...; a doubled comma is a comma.
func spec(text string, keys ...string) (first string, values map[string]string, ok bool) {
	values = map[string]string{}
	for i, part := range shell.SplitCommas(text) {
		key, value, has := strings.Cut(part, "=")
		known := has && strings.Contains(" "+strings.Join(keys, " ")+" ", " "+key+" ")
		switch {
		case known:
			values[key] = value
		case i == 0 && !has:
			first = part
		default:
			return "", nil, false
		}
	}
	return first, values, true
}

func snapshotCreateAs(ctx context.Context, c *Call) error {
	doc := xml.Element("domainsnapshot")
	if v := c.Str("name"); v != "" {
		doc.Add(xml.TextElement("name", v))
	}
	if v := c.Str("description"); v != "" {
		doc.Add(xml.TextElement("description", v))
	}
	if text := c.Str("memspec"); text != "" {
		first, v, ok := spec(text, "file", "snapshot")
		if !ok || first != "" && (v["file"] != "" || first[0] != '/') || strings.Count(","+text, ",file=") > 1 {
			return shellError("unable to parse memspec: %s", text)
		}
		if first != "" {
			v["file"] = first
		}
		doc.Add(xml.Element("memory").With("snapshot", v["snapshot"], "file", v["file"]))
	}
	disks := xml.Element("disks")
	for _, text := range c.Words("diskspec") {
		e := diskSpec(text)
		if e == nil {
			return shellError("unable to parse diskspec: %s", text)
		}
		disks.Add(e)
	}
	if len(disks.Children) > 0 {
		doc.Add(disks)
	}
	text := doc.String()
	if len(doc.Children) == 0 {
		text = "<domainsnapshot>\n</domainsnapshot>\n"
	}
	if c.Has("print-xml") {
		if _, _, err := c.Domain(ctx); err != nil {
			return err
		}
		c.Emit(Document{Text: text + "\n"})
		return nil
	}
	return snapshotFamily.create(ctx, c, xml.Source{Name: "(snapshot)", Data: []byte(text)}, "", c.momentFlags())
}

// diskSpec makes a disk's element of its words.
func diskSpec(text string) *xml.Node {
	name, v, ok := spec(text, "snapshot", "driver", "file", "stype")
	if !ok || name == "" {
		return nil
	}
	e := xml.Element("disk").With("name", name, "snapshot", v["snapshot"], "type", v["stype"])
	if v["driver"] != "" {
		e.Add(xml.Element("driver").With("type", v["driver"]))
	}
	if file := v["file"]; file != "" {
		attr := "file"
		switch v["stype"] {
		case "block":
			attr = "dev"
		case "network":
			attr = "name"
		}
		e.Add(xml.Element("source").With(attr, file))
	}
	return e
}

// checkpointRows are the commands about checkpoints.
func checkpointRows() []Command {
	f := checkFamily
	return []Command{
		f.row("create", "make a checkpoint as a file describes it", f.createXML,
			str("xmlfile", Positional, "file that describes the checkpoint").with(completion.Files),
			flag("redefine", "take over the description of a checkpoint that exists"),
			flag("redefine-validate", "check that the disks have it"), flag("quiesce", "freeze the guest's file systems")),
		f.row("create-as", "make a checkpoint as options describe it", checkpointCreateAs,
			str("name", Loose, "name of the checkpoint").with(completion.Free),
			str("description", Loose, "what it is for").with(completion.Free), flag("print-xml", "print the description instead"),
			flag("quiesce", "freeze the guest's file systems"),
			argv("diskspec", Loose, "disk[,checkpoint=type][,bitmap=name]").with(completion.Free)),
		f.row("delete", "remove a checkpoint", f.remove, f.option(RP), flag("children", "and all that came from it"),
			flag("children-only", "only what came from it"), flag("metadata", "only its description")),
		f.row("dumpxml", "print the XML description of a checkpoint", f.dump, f.option(RP), flag("security-info", "with passwords"),
			flag("no-domain", "without the domain"), flag("size", "with the sizes of what changed"), xpathOptions()),
		f.row("edit", "edit the XML description of a checkpoint", checkpointEdit, f.option(RP)),
		f.row("info", "show a checkpoint's main values", f.info, f.option(RP)),
		f.row("list", "list the checkpoints of a domain", f.list, flag("parent", "with their parents"), flag("roots", "those without a parent"),
			flag("leaves", "those without children"), flag("no-leaves", "those with children"), flag("tree", "as a tree"),
			str("from", Loose, "those that came from this one").with(f.complete), flag("descendants", "their children, too"),
			flag("name", "only their names"), flag("topological", "parents first")),
		f.row("parent", "print the name of a checkpoint's parent", f.parent, f.option(RP)),
	}
}

func checkpointCreateAs(ctx context.Context, c *Call) error {
	doc := xml.Element("domaincheckpoint")
	if v := c.Str("name"); v != "" {
		doc.Add(xml.TextElement("name", v))
	}
	if v := c.Str("description"); v != "" {
		doc.Add(xml.TextElement("description", v))
	}
	disks := xml.Element("disks")
	for _, text := range c.Words("diskspec") {
		name, v, ok := spec(text, "checkpoint", "bitmap")
		if !ok || name == "" {
			return shellError("unable to parse diskspec: %s", text)
		}
		disks.Add(xml.Element("disk").With("name", name, "checkpoint", v["checkpoint"], "bitmap", v["bitmap"]))
	}
	if len(disks.Children) > 0 {
		doc.Add(disks)
	}
	text := doc.String()
	if len(doc.Children) == 0 {
		text = "<domaincheckpoint>\n</domaincheckpoint>\n"
	}
	if c.Has("print-xml") {
		if _, _, err := c.Domain(ctx); err != nil {
			return err
		}
		c.Emit(Document{Text: text + "\n"})
		return nil
	}
	return checkFamily.create(ctx, c, xml.Source{Name: "(checkpoint)", Data: []byte(text)}, "", c.momentFlags())
}

func checkpointEdit(ctx context.Context, c *Call) error {
	f := checkFamily
	objects, m, _, err := f.one(ctx, c, false)
	if err != nil {
		return err
	}
	read := func() ([]byte, error) { return objects.XML(ctx, m.ref, drivers.SecurityInfo) }
	return c.editDocument("Checkpoint "+m.ref.Name, " XML configuration", read, func(src xml.Source) error {
		d, err := change[drivers.Momenter](c, objects, f.api+"CreateXML")
		if err != nil {
			return err
		}
		_, err = d.CreateMoment(ctx, *m.ref.Parent, src, drivers.MomentFlags{Redefine: true})
		return err
	})
}
