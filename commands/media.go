package commands

import (
	"context"
	"math"
	"slices"
	"strconv"

	"virgo/drivers"
	"virgo/xml"
)

// mediaActions are what change-media does, with its words for it.
var mediaActions = []struct{ option, past string }{{"eject", "ejected"}, {"insert", "inserted"}, {"update", "updated"}}

func changeMedia(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"eject", "insert"}, {"eject", "update"}, {"insert", "update"}, {"eject", "block"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	f, err := c.impact()
	if err != nil {
		return err
	}
	action, past := "update", "updated"
	for _, a := range mediaActions {
		if c.Has(a.option) {
			action, past = a.option, a.past
		}
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	shown := f
	if f.Has(drivers.Config) { // the definition's drive counts, for the guest too
		shown = drivers.Config
	}
	root, err := c.devices(ctx, objects, ref, shown)
	if err != nil {
		return err
	}
	drive := findDisk(root, c.Str("path"))
	if device := attr(drive, "device"); device != "cdrom" && device != "floppy" {
		return noDisk(root, c.Str("path"))
	}
	if err := exchange(c, drive, action); err != nil {
		return err
	}
	if !c.Has("source") { // an update to nothing
		action, past = "eject", "ejected"
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: drive.Dump()})
		return nil
	}
	src := xml.Source{Name: "(device)", Data: []byte(drive.Dump())}
	if err := c.update(ctx, objects, ref, src, f|c.Flags("force", drivers.Force)); err != nil {
		return failed(err, "Failed to complete action %s on media", action)
	}
	c.Emit(Message{Text: "Successfully " + past + " media.", Data: Data{{"domain", ref.Name}, {"action", past}}})
	return nil
}

// exchange changes the source in a drive's element.
func exchange(c *Call, drive *xml.Node, action string) error {
	target := attr(drive.Child("target"), "dev")
	full, present := false, false
	if s := drive.Child("source"); s != nil {
		present = true // one without a medium keeps the number that it had
		for _, a := range sourceAttrs {
			full = full || attr(s, a) != ""
		}
		drive.Children = slices.DeleteFunc(drive.Children, func(n *xml.Node) bool { return n == s })
	}
	named := c.Has("eject") || c.Has("insert") || c.Has("update")
	switch {
	case !c.Has("source") && (action == "insert" || !named):
		return shellError("New disk media source was not specified")
	case action == "insert" && full:
		return shellError("The disk device '%s' already has media", target)
	case !present && !c.Has("source"), !present && action == "eject":
		return shellError("The disk device '%s' doesn't have media", target)
	case action == "eject" || !c.Has("source"):
		return nil
	}
	kind, name := "file", "file"
	if c.Has("block") {
		kind, name = "block", "dev"
	}
	for i := range drive.Attrs {
		if drive.Attrs[i].Name == "type" {
			drive.Attrs[i].Value = kind
		}
	}
	drive.Add(withAttr(xml.Element("source"), name, c.Str("source")))
	return nil
}

func updateMemory(ctx context.Context, c *Call) error {
	if err := c.Exclusive("node", "alias"); err != nil {
		return err
	}
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	node, _, err := c.Uint32("node")
	if err != nil {
		return err
	}
	root, err := c.devices(ctx, objects, ref, f)
	if err != nil {
		return err
	}
	memory, err := findMemory(c, root, node)
	if err != nil {
		return err
	}
	if c.Has("requested-size") {
		if err := requestSize(c, memory); err != nil {
			return err
		}
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: memory.Dump()})
		return nil
	}
	if err := c.update(ctx, objects, ref, xml.Source{Name: "(device)", Data: []byte(memory.Dump())}, f); err != nil {
		return err
	}
	return nil // virsh tells nothing
}

// findMemory finds the one memory device that is meant.
func findMemory(c *Call, root *xml.Node, node uint32) (*xml.Node, error) {
	all, _ := root.Find("/domain/devices/memory")
	var fit []*xml.Node
	for _, n := range all {
		target := n.Child("target")
		switch {
		case c.Has("alias"):
			if attr(n.Child("alias"), "name") != c.Str("alias") {
				continue
			}
		case c.Has("node"):
			if target == nil || target.Child("node") == nil || target.Child("node").Value() != strconv.FormatUint(uint64(node), 10) {
				continue
			}
		}
		fit = append(fit, n)
	}
	switch len(fit) {
	case 0:
		return nil, shellError("no memory device found")
	case 1:
		return fit[0], nil
	}
	return nil, shellError("multiple memory devices found, use --alias or --node to select one")
}

// requestSize writes --requested-size into a memory device's element.
func requestSize(c *Call, memory *xml.Node) error {
	bytes, _, err := c.Scaled("requested-size", 1024, math.MaxInt64)
	if err != nil {
		return err
	}
	target := memory.Child("target")
	if target == nil || target.Child("requested") == nil {
		return shellError("requested size element not found")
	}
	r := target.Child("requested")
	r.Attrs = []xml.Attr{{Name: "unit", Value: "KiB"}}
	r.Children = []*xml.Node{{Text: strconv.FormatUint(xml.ToKiB(bytes), 10)}}
	return nil
}
