package commands

import (
	"context"

	"virgo/drivers"
)

// filterRows are the commands about network filters and what they are bound to.
func filterRows() []Command {
	k, b := filterKind, bindingKind
	return []Command{
		k.historyRow(), k.undoRow(), k.define(validate), k.undefine(), k.dumpxml(), k.editRow(0),
		{Name: "nwfilter-list", Summary: "list network filters", Run: filterList},
		b.create(nil, nil, validate), b.dumpxml(),
		verbOf(b, "delete", "unbind a network filter", "Delete", b.any,
			func(d drivers.Destroyer, ctx context.Context, _ *Call, ref drivers.Ref) error {
				return d.Destroy(ctx, ref, 0)
			}),
		{Name: "nwfilter-binding-list", Summary: "list what network filters are bound to", Run: bindingList},
	}
}

func filterList(ctx context.Context, c *Call) error {
	_, entries, err := filterKind.list(ctx, c, drivers.Filter{UUIDs: true})
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "UUID"}, {Title: "Name"}}}
	for _, e := range entries {
		l.Rows = append(l.Rows, []any{e.UUID, e.Name})
	}
	c.Emit(l)
	return nil
}

func bindingList(ctx context.Context, c *Call) error {
	_, entries, err := bindingKind.list(ctx, c, drivers.Filter{})
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Port Dev"}, {Title: "Filter"}}}
	for _, e := range entries {
		l.Rows = append(l.Rows, []any{e.Name, e.Filter})
	}
	c.Emit(l)
	return nil
}
