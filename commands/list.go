package commands

import (
	"context"
	"slices"

	"virgo/drivers"
)

// filterFlag is an option of a list that sets one condition.
type filterFlag struct {
	name, help string
	set        func(*drivers.Filter)
}

func yes(at func(*drivers.Filter) *drivers.Tri) func(*drivers.Filter) {
	return func(f *drivers.Filter) { add(at(f), drivers.Yes) }
}

func no(at func(*drivers.Filter) *drivers.Tri) func(*drivers.Filter) {
	return func(f *drivers.Filter) { add(at(f), drivers.No) }
}

// add sets a condition; both answers together are no condition.
func add(t *drivers.Tri, v drivers.Tri) {
	if *t == -v {
		*t = both
		return
	}
	if *t != both {
		*t = v
	}
}

// both marks a condition that was asked for both ways.
const both drivers.Tri = 2

// settle makes conditions asked for both ways none.
func settle(f *drivers.Filter) {
	for _, t := range []*drivers.Tri{&f.Active, &f.Persistent, &f.Autostart, &f.ManagedSave, &f.Snapshots, &f.Checkpoints, &f.Ephemeral, &f.Private} {
		if *t == both {
			*t = drivers.Any
		}
	}
}

func persistent(f *drivers.Filter) *drivers.Tri  { return &f.Persistent }
func autostarted(f *drivers.Filter) *drivers.Tri { return &f.Autostart }
func managed(f *drivers.Filter) *drivers.Tri     { return &f.ManagedSave }
func snapshots(f *drivers.Filter) *drivers.Tri   { return &f.Snapshots }
func checkpoints(f *drivers.Filter) *drivers.Tri { return &f.Checkpoints }

func inState(s ...drivers.State) func(*drivers.Filter) {
	return func(f *drivers.Filter) { f.States = append(f.States, s...) }
}

// domainFilters are the conditions of list.
func domainFilters() []filterFlag {
	return []filterFlag{
		{"transient", "those that are not kept", no(persistent)},
		{"persistent", "those that are kept", yes(persistent)},
		{"with-snapshot", "those that have snapshots", yes(snapshots)},
		{"without-snapshot", "those that have none", no(snapshots)},
		{"with-checkpoint", "those that have checkpoints", yes(checkpoints)},
		{"without-checkpoint", "those that have none", no(checkpoints)},
		{"state-running", "those that run", inState(drivers.Running)},
		{"state-paused", "those that are paused", inState(drivers.PausedState)},
		{"state-shutoff", "those that are shut off", inState(drivers.ShutOff)},
		{"state-other", "those in any other state", inState(drivers.NoState, drivers.Blocked, drivers.ShuttingDown, drivers.Crashed, drivers.PMSuspended)},
		{"autostart", "those that start with the host", yes(autostarted)},
		{"no-autostart", "those that do not", no(autostarted)},
		{"with-managed-save", "those with a saved state", yes(managed)},
		{"without-managed-save", "those without", no(managed)},
	}
}

// filterOptions makes a list's options of its conditions.
func filterOptions(list []filterFlag) []Option {
	out := []Option{flag("inactive", "those that are inactive"), flag("all", "the active and the inactive ones")}
	for _, f := range list {
		out = append(out, flag(f.name, f.help))
	}
	return out
}

// filter reads a list's conditions.
func (c *Call) filter(list []filterFlag) drivers.Filter {
	f := drivers.Filter{Active: drivers.Yes}
	if c.Has("inactive") {
		f.Active = drivers.No
	}
	if c.Has("all") {
		f.Active = drivers.Any
	}
	for _, o := range list {
		if c.Has(o.name) {
			o.set(&f)
		}
	}
	if len(f.States) > 0 && slices.Contains(f.States, drivers.ShutOff) {
		f.Active = drivers.Any // an active domain cannot be shut off
	}
	settle(&f)
	return f
}

func listRow() Command {
	return Command{Name: "list", Summary: "list domains", Description: "Lists domains: the active ones, or as the options say.",
		Run: list, Options: opts(filterOptions(domainFilters()),
			flag("uuid", "only their UUIDs"), flag("name", "only their names"), flag("id", "only their ids"),
			flag("table", "as a table, which is the default"), flag("managed-save", "mark those with a saved state"),
			flag("title", "with their titles"))}
}

func list(ctx context.Context, c *Call) error {
	for _, o := range []string{"name", "uuid", "id"} {
		if err := c.Exclusive("table", o); err != nil && o != "uuid" && o != "id" {
			return err
		}
	}
	f := c.filter(domainFilters())
	f.Titles, f.Saves = c.Has("title"), c.Has("managed-save")
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return failed(err, "Failed to list domains")
	}
	entries, err := objects.List(ctx, f)
	if err != nil {
		return failed(err, "Failed to list domains")
	}
	sortEntries(entries)
	if !c.Has("table") && (c.Has("uuid") || c.Has("name") || c.Has("id")) {
		c.Emit(plainDomains(c, entries))
		return nil
	}
	if len(entries) == 0 && c.Hints && c.Has("all") {
		defer func() { c.advise(c.elsewhere()) }()
	}
	l := Listing{Columns: []Column{{Title: "Id"}, {Title: "Name"}, {Title: "State"}}}
	if c.Has("title") {
		l.Columns = append(l.Columns, Column{Title: "Title"})
	}
	if c.Has("uuid") {
		l.Columns = append(l.Columns, Column{Title: "UUID"})
	}
	for _, e := range entries {
		state := e.State.String()
		if e.ManagedSave && e.ID < 0 && c.Has("managed-save") {
			state = "saved"
		}
		row := []any{idCell(e.ID), e.Name, state}
		if c.Has("title") {
			row = append(row, e.Title)
		}
		if c.Has("uuid") {
			row = append(row, e.UUID)
		}
		l.Rows = append(l.Rows, row)
	}
	c.Emit(l)
	return nil
}

// plainDomains lists values alone: UUIDs, ids, names, in that order.
func plainDomains(c *Call, entries []drivers.Entry) Listing {
	l := Listing{Plain: true}
	for _, col := range []string{"uuid", "id", "name"} {
		if c.Has(col) {
			l.Columns = append(l.Columns, Column{Key: col})
		}
	}
	for _, e := range entries {
		var row []any
		if c.Has("uuid") {
			row = append(row, e.UUID)
		}
		if c.Has("id") {
			if e.ID < 0 && len(l.Columns) == 1 {
				continue
			}
			row = append(row, idCell(e.ID))
		}
		if c.Has("name") {
			row = append(row, e.Name)
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// idCell is a domain's id, or - for none.
func idCell(id int) any {
	if id < 0 {
		return Cell{"-", nil}
	}
	return id
}

// networkFilters are the conditions of net-list.
func networkFilters() []filterFlag {
	return []filterFlag{
		{"persistent", "those that are kept", yes(persistent)},
		{"transient", "those that are not kept", no(persistent)},
		{"autostart", "those that start with the host", yes(autostarted)},
		{"no-autostart", "those that do not", no(autostarted)},
	}
}

func netListRow() Command {
	return Command{Name: "net-list", Summary: "list networks", Description: "Lists networks: the active ones, or as the options say.",
		Run: netList, Options: opts(filterOptions(networkFilters()),
			flag("uuid", "only their UUIDs"), flag("name", "only their names"),
			flag("table", "as a table, which is the default"), flag("title", "with their titles"))}
}

func netList(ctx context.Context, c *Call) error {
	n := 0
	for _, o := range []string{"table", "name", "uuid"} {
		if c.Has(o) {
			n++
		}
	}
	if n > 1 {
		return shellError("Only one argument from --table, --name and --uuid may be specified.")
	}
	f := c.filter(networkFilters())
	f.Titles = c.Has("title")
	_, entries, err := networkKind.list(ctx, c, f)
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Name"}, {Title: "State"}, {Title: "Autostart"}, {Title: "Persistent"}}}
	if c.Has("title") {
		l.Columns = append(l.Columns, Column{Title: "Title"})
	}
	switch {
	case c.Has("uuid"):
		l = Listing{Plain: true, Columns: []Column{{Key: "uuid"}}}
	case c.Has("name"):
		l = Listing{Plain: true, Columns: []Column{{Key: "name"}}}
	}
	for _, e := range entries {
		switch {
		case c.Has("uuid"):
			l.Rows = append(l.Rows, []any{e.UUID})
			continue
		case c.Has("name"):
			l.Rows = append(l.Rows, []any{e.Name})
			continue
		}
		row := []any{e.Name, activeWord(e.Active), e.Autostart, e.Persistent}
		if c.Has("title") {
			row = append(row, e.Title)
		}
		l.Rows = append(l.Rows, row)
	}
	c.Emit(l)
	return nil
}

func activeWord(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}
