package test

import (
	"context"
	"fmt"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/xml"
)

// family are the snapshots or the checkpoints of a node's domains.
type family struct {
	*node
	kind drivers.Kind
}

func (f family) of(g *guest) *moment.Set {
	if f.kind == drivers.Checkpoint {
		return &g.checks
	}
	return &g.snaps
}

// with runs fn on a moment and its domain, locked.
func (f family) with(r drivers.Ref, fn func(*guest, *moment.Set, *moment.Moment) error) error {
	return f.node.with(*r.Parent, func(g *guest) error {
		all := f.of(g)
		m := all.Find(r.Name)
		if m == nil {
			return moment.NotFound(f.kind, r.Name)
		}
		return fn(g, all, m)
	})
}

func (f family) ref(parent drivers.Ref, m *moment.Moment) drivers.Ref {
	return drivers.Ref{Kind: f.kind, Name: m.Name, ID: -1, Parent: &parent}
}

// List gives the moments of the filter's parent, in the order of their making.
func (f family) List(_ context.Context, fl drivers.Filter) ([]drivers.Entry, error) {
	var out []drivers.Entry
	if fl.Parent == nil {
		return nil, nil
	}
	err := f.node.with(*fl.Parent, func(g *guest) error {
		for _, m := range f.of(g).List {
			out = append(out, drivers.Entry{Ref: f.ref(*fl.Parent, m)})
		}
		return nil
	})
	return out, err
}

// Lookup cannot know the domain: List and the name have to do.
func (f family) Lookup(_ context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	return drivers.Ref{}, moment.NotFound(f.kind, word)
}

// XML prints a moment.
func (f family) XML(_ context.Context, r drivers.Ref, fl drivers.Flags) ([]byte, error) {
	var out []byte
	err := f.with(r, func(_ *guest, _ *moment.Set, m *moment.Moment) (err error) {
		out, err = m.Print(&traits, fl)
		return err
	})
	return out, err
}

// CreateMoment makes a moment, or takes over the description of one.
func (f family) CreateMoment(_ context.Context, dom drivers.Ref, src xml.Source, fl drivers.MomentFlags) (drivers.Ref, error) {
	var ref drivers.Ref
	if f.kind == drivers.Snapshot {
		if fl.Redefine && fl.NoMetadata {
			return ref, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' and 'VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA' are mutually exclusive")
		}
		n := uint(0)
		for _, b := range []struct {
			on     bool
			number uint
		}{{fl.NoMetadata, 4}, {fl.DiskOnly, 0x10}, {fl.Reuse, 0x20}} {
			if b.on {
				n |= b.number
			}
		}
		if fl.Current && !fl.Redefine {
			return ref, xml.Errorf(xml.CodePlain, "Flag 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' is required by flag 'VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT'")
		}
		if n != 0 {
			return ref, drivers.BadFlags(n, "testDomainSnapshotCreateXML")
		}
	}
	switch {
	case f.kind == drivers.Checkpoint && fl.Redefine && fl.Quiesce:
		return ref, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE' and 'VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE' are mutually exclusive")
	case f.kind == drivers.Checkpoint && fl.Redefine && fl.RedefineValidate:
		return ref, drivers.BadFlags(4, "testDomainCheckpointCreateXML")
	case f.kind == drivers.Checkpoint:
		if err := xml.CheckSchema(src, &xml.Checkpoint{}, "domaincheckpoint"); err != nil {
			return ref, err
		}
	case fl.Validate:
		if err := xml.CheckSchema(src, &xml.Snapshot{}, "domainsnapshot"); err != nil {
			return ref, err
		}
	}
	m, err := moment.Parse(f.kind, src, moment.Options{Redefine: fl.Redefine, Complete: completeDomain})
	if err != nil {
		return ref, err
	}
	err = f.node.with(dom, func(g *guest) error {
		all := f.of(g)
		if f.kind == drivers.Snapshot && len(g.checks.List) > 0 {
			return xml.Errorf(xml.CodeUnsupported, "cannot create snapshot while checkpoint exists")
		}
		if f.kind == drivers.Checkpoint && !g.active() && !fl.Redefine {
			return xml.Errorf(xml.CodeUnsupported, "cannot create checkpoint for inactive domain")
		}
		if err := f.complete(m, g, fl); err != nil {
			return err
		}
		all.Put(m)
		if !fl.Redefine || fl.Current {
			all.Current = m
		}
		ref = f.ref(dom, m)
		if fl.Halt && g.active() {
			f.stop(g, 7) // from snapshot
		}
		return nil
	})
	return ref, err
}

// completeDomain adds to a moment's definition what define adds.
func completeDomain(_ *xml.Node, d *xml.Domain) error { return domain.Complete(d, &traits) }

// complete checks a moment and adds what its description leaves open.
func (f family) complete(m *moment.Moment, g *guest, fl drivers.MomentFlags) error {
	all := f.of(g)
	m.Cookie = nil
	if fl.Redefine {
		if _, err := all.Redefined(m, g.uuid); err != nil {
			return err
		}
		return m.Align(m.Mode())
	}
	m.State, m.Domain = stateWord(g), clone(g.current())
	if err := m.CheckMemory(); err != nil {
		return err
	}
	if m.Memory.Snapshot == "" {
		m.Memory.Snapshot = "no"
		if g.active() {
			m.Memory.Snapshot = "internal"
		}
	}
	mode := "internal"
	if m.Memory.Snapshot == "external" {
		mode = "external"
	}
	for _, d := range m.Disks {
		if d.Snapshot == "manual" {
			return xml.Errorf(xml.CodeUnsupported, "'manual' snapshot mode is not supported by the test driver")
		}
	}
	if err := m.Align(mode); err != nil {
		return err
	}
	if all.Current != nil {
		m.Parent = all.Current.Name
	}
	return all.Taken(m)
}

func stateWord(g *guest) string {
	switch g.state {
	case drivers.ShutOff:
		return "shutoff"
	case drivers.PausedState:
		return "paused"
	}
	return strings.ReplaceAll(g.state.String(), " ", "")
}

// CurrentMoment gives the current one.
func (f family) CurrentMoment(_ context.Context, dom drivers.Ref) (drivers.Ref, error) {
	var ref drivers.Ref
	err := f.node.with(dom, func(g *guest) error {
		if f.of(g).Current == nil {
			return moment.NoCurrent(f.kind)
		}
		ref = f.ref(dom, f.of(g).Current)
		return nil
	})
	return ref, err
}

// DeleteMoment removes a moment, or its descendants, or both.
func (f family) DeleteMoment(_ context.Context, r drivers.Ref, children, only, metadata bool) error {
	if metadata && f.kind == drivers.Snapshot {
		return drivers.BadFlags(2, "testDomainSnapshotDelete")
	}
	if err := moment.CheckDelete(f.kind, children, only); err != nil {
		return err
	}
	return f.with(r, func(_ *guest, all *moment.Set, m *moment.Moment) error {
		for _, x := range all.Doomed(m, children, only) {
			all.Remove(x)
		}
		return nil
	})
}

// snapshots are those that can be reverted to.
type snapshots struct{ family }

// Revert takes a domain back.
func (s snapshots) Revert(_ context.Context, r drivers.Ref, running, paused, _, fresh bool) error {
	if fresh {
		return drivers.BadFlags(8, "testDomainRevertToSnapshot")
	}
	if running && paused {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive")
	}
	return s.with(r, func(g *guest, all *moment.Set, m *moment.Moment) error {
		all.Current = m
		if g.config != nil {
			g.config = clone(m.Domain)
		}
		if m.State == "shutoff" {
			if g.active() {
				s.emit(g.ref(), "Stopped", "From Snapshot")
			}
			g.id, g.live = -1, nil
			g.enter(drivers.ShutOff, 7)
			return nil
		}
		wasActive := g.active()
		g.live = clone(m.Domain)
		s.start(g, 4)
		if !wasActive {
			s.emit(g.ref(), "Started", "From Snapshot")
		}
		if (m.State == "paused" || paused) && !running {
			g.enter(drivers.PausedState, 7)
		}
		return nil
	})
}

// readSnapshot takes a snapshot of a node's description.
func (g *guest) readSnapshot(e *xml.Node) error {
	m, err := moment.Read(drivers.Snapshot, e, moment.Options{Redefine: true, Complete: completeDomain})
	if err == nil {
		_, err = g.snaps.Redefined(m, g.uuid)
	}
	if err == nil {
		err = m.Align(m.Mode())
	}
	if err != nil {
		return err
	}
	g.snaps.List = append(g.snaps.List, m)
	if a := e.Child("active"); a != nil && strings.TrimSpace(a.Value()) == "1" {
		if g.snaps.Current != nil {
			return fmt.Errorf("more than one snapshot claims to be active")
		}
		g.snaps.Current = m
	}
	return nil
}
