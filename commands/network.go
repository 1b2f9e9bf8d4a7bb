package commands

import (
	"context"

	"virgo/drivers"
)

// networkRows are the commands about networks.
func networkRows() []Command {
	k := networkKind
	return []Command{
		k.define(validate), k.create(nil, nil, validate), k.undefine(), k.start(), k.destroy(), k.autostart(),
		k.name(byUUID), k.uuid(byName), k.dumpxml(more{name: "inactive", flag: drivers.Inactive, help: "the definition, also of an active network"}),
		netListRow(), k.editRow(0), k.desc(), k.metadata(), k.event("net-event", "lifecycle metadata-change", false),
		{Name: "net-info", Summary: "show a network's main values", Run: netInfo, Options: opts(k.object(k.any))},
	}
}

func netInfo(ctx context.Context, c *Call) error {
	objects, ref, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	entries, err := objects.List(ctx, drivers.Filter{})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name != ref.Name {
			continue
		}
		f := Fields{Width: 15, Items: []Field{{Label: "Name", Value: e.Name}, {Label: "UUID", Value: e.UUID},
			{Label: "Active", Value: e.Active}, {Label: "Persistent", Value: e.Persistent}, {Label: "Autostart", Value: e.Autostart}}}
		if e.Bridge != "" {
			f.Items = append(f.Items, Field{Label: "Bridge", Value: e.Bridge})
		}
		c.Emit(f)
	}
	return nil
}
