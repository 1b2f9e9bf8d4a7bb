package test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// moments are a domain's snapshots or checkpoints.
type moments struct {
	list    []*moment
	current *moment
}

// moment is one snapshot or checkpoint.
type moment struct {
	name, description, parent string
	state                     string
	created                   int64
	memory                    string
	disks                     []momentDisk
	def                       *xml.Domain
}

// momentDisk is what becomes of one disk.
type momentDisk struct{ name, mode, bitmap string }

// family are the snapshots or the checkpoints of a node's domains.
type family struct {
	*node
	kind drivers.Kind
}

func (f family) word() string {
	if f.kind == drivers.Checkpoint {
		return "checkpoint"
	}
	return "snapshot"
}

func (f family) of(g *guest) *moments {
	if f.kind == drivers.Checkpoint {
		return &g.checks
	}
	return &g.snaps
}

func (f family) notFound(name string) error {
	code := xml.CodeNoDomainSnapshot
	if f.kind == drivers.Checkpoint {
		code = xml.CodeNoDomainCheckpoint
	}
	return xml.Errorf(code, "no domain %s with matching name '%s'", f.word(), name)
}

func (m *moments) find(name string) *moment {
	for _, x := range m.list {
		if x.name == name {
			return x
		}
	}
	return nil
}

// with runs fn on a moment and its domain, locked.
func (f family) with(r drivers.Ref, fn func(*guest, *moments, *moment) error) error {
	return f.node.with(*r.Parent, func(g *guest) error {
		all := f.of(g)
		m := all.find(r.Name)
		if m == nil {
			return f.notFound(r.Name)
		}
		return fn(g, all, m)
	})
}

func (f family) ref(parent drivers.Ref, m *moment) drivers.Ref {
	return drivers.Ref{Kind: f.kind, Name: m.name, ID: -1, Parent: &parent}
}

// List gives the moments of the filter's parent, in the order of their making.
func (f family) List(_ context.Context, fl drivers.Filter) ([]drivers.Entry, error) {
	var out []drivers.Entry
	if fl.Parent == nil {
		return nil, nil
	}
	err := f.node.with(*fl.Parent, func(g *guest) error {
		for _, m := range f.of(g).list {
			out = append(out, drivers.Entry{Ref: f.ref(*fl.Parent, m)})
		}
		return nil
	})
	return out, err
}

// Lookup cannot know the domain: List and the name have to do.
func (f family) Lookup(_ context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	return drivers.Ref{}, f.notFound(word)
}

// XML prints a moment.
func (f family) XML(_ context.Context, r drivers.Ref, fl drivers.Flags) ([]byte, error) {
	var out []byte
	err := f.with(r, func(_ *guest, _ *moments, m *moment) error {
		doc := xml.Element("domain"+f.word(), xml.TextElement("name", m.name))
		if m.description != "" {
			doc.Add(xml.TextElement("description", m.description))
		}
		if f.kind == drivers.Snapshot {
			doc.Add(xml.TextElement("state", m.state))
		}
		if m.parent != "" {
			doc.Add(xml.Element("parent", xml.TextElement("name", m.parent)))
		}
		doc.Add(xml.TextElement("creationTime", strconv.FormatInt(m.created, 10)))
		if f.kind == drivers.Snapshot && m.memory != "" {
			doc.Add(xml.Element("memory").With("snapshot", m.memory))
		}
		if len(m.disks) > 0 {
			disks := xml.Element("disks")
			for _, d := range m.disks {
				if f.kind == drivers.Checkpoint {
					disks.Add(xml.Element("disk").With("name", d.name, "checkpoint", d.mode, "bitmap", d.bitmap))
				} else {
					disks.Add(xml.Element("disk").With("name", d.name, "snapshot", d.mode))
				}
			}
			doc.Add(disks)
		}
		out = doc.Print()
		if m.def == nil || fl.Has(drivers.NoDomain) {
			return nil
		}
		text, err := domain.Print(m.def, &traits, fl&drivers.SecurityInfo)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"), []byte("\n  "))
		end := []byte("</domain" + f.word() + ">\n")
		out = append(append(append(append(bytes.TrimSuffix(out, end), "  "...), text...), '\n'), end...)
		return nil
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
			return ref, badFlags(n, "testDomainSnapshotCreateXML")
		}
	}
	switch {
	case f.kind == drivers.Checkpoint && fl.Redefine && fl.Quiesce:
		return ref, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE' and 'VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE' are mutually exclusive")
	case f.kind == drivers.Checkpoint && fl.Redefine && fl.RedefineValidate:
		return ref, badFlags(4, "testDomainCheckpointCreateXML")
	case f.kind == drivers.Checkpoint:
		if err := xml.CheckSchema(src, &xml.Checkpoint{}, "domaincheckpoint"); err != nil {
			return ref, err
		}
	case fl.Validate:
		if err := xml.CheckSchema(src, &xml.Snapshot{}, "domainsnapshot"); err != nil {
			return ref, err
		}
	}
	doc, err := xml.Parse(src)
	if err != nil {
		return ref, err
	}
	if root := "domain" + f.word(); doc.Name != root {
		return ref, xml.Errorf(xml.CodeXML, "expecting root element of '%s', not '%s'", root, doc.Name)
	}
	err = f.node.with(dom, func(g *guest) error {
		all := f.of(g)
		if f.kind == drivers.Snapshot && len(g.checks.list) > 0 {
			return xml.Errorf(xml.CodeUnsupported, "cannot create snapshot while checkpoint exists")
		}
		if f.kind == drivers.Checkpoint && !g.active() && !fl.Redefine {
			return xml.Errorf(xml.CodeUnsupported, "cannot create checkpoint for inactive domain")
		}
		m, err := f.parse(doc, g, fl)
		if err != nil {
			return err
		}
		if old := all.find(m.name); old != nil {
			if !fl.Redefine {
				return xml.Errorf(xml.CodeOperationFailed, "domain moment %s already exists", m.name)
			}
			*old = *m
			m = old
		} else {
			if !fl.Redefine && all.current != nil {
				m.parent = all.current.name
			}
			all.list = append(all.list, m)
		}
		if !fl.Redefine || fl.Current {
			all.current = m
		}
		ref = f.ref(dom, m)
		if fl.Halt && g.active() {
			f.stop(g, 7) // from snapshot
		}
		return nil
	})
	return ref, err
}

// parse reads the description of a moment and completes it.
func (f family) parse(doc *xml.Node, g *guest, fl drivers.MomentFlags) (*moment, error) {
	m := &moment{created: time.Now().Unix(), state: stateWord(g)}
	text := func(name string) string {
		if e := doc.Child(name); e != nil {
			return e.Value()
		}
		return ""
	}
	m.name, m.description = text("name"), text("description")
	if m.name == "" {
		if fl.Redefine {
			return nil, xml.Errorf(xml.CodeXML, "a redefined %s must have a name", f.word())
		}
		m.name = strconv.FormatInt(m.created, 10)
	}
	if fl.Redefine {
		if err := f.redefined(m, doc, g); err != nil {
			return nil, err
		}
	} else {
		m.def = clone(g.current())
		m.memory = "no"
		if g.active() {
			m.memory = "internal"
		}
	}
	return m, f.parseDisks(m, doc, fl)
}

// redefined reads what only an existing moment's description tells.
func (f family) redefined(m *moment, doc *xml.Node, g *guest) error {
	e := doc.Child("creationTime")
	if e == nil {
		return xml.Errorf(xml.CodeInternal, "missing creationTime from existing %s", f.word())
	}
	var err error
	if m.created, err = strconv.ParseInt(strings.TrimSpace(e.Value()), 10, 64); err != nil {
		return xml.Errorf(xml.CodeInternal, "missing creationTime from existing %s", f.word())
	}
	if s := doc.Child("state"); s != nil {
		m.state = s.Value()
	}
	if p := doc.Child("parent"); p != nil && p.Child("name") != nil {
		m.parent = p.Child("name").Value()
		if f.of(g).find(m.parent) == nil {
			return xml.Errorf(xml.CodeInvalidArg, "parent %s for moment %s not found", m.parent, m.name)
		}
	}
	if e := doc.Child("memory"); e != nil {
		m.memory, _ = e.Attr("snapshot")
	}
	d := doc.Child("domain")
	if d == nil {
		return xml.Errorf(xml.CodeXML, "missing domain in %s", f.word())
	}
	m.def, err = parse(xml.Source{Name: "snapshot", Data: d.Print()})
	return err
}

// parseDisks reads what becomes of each disk; the ones that are not named get
// the default.
func (f family) parseDisks(m *moment, doc *xml.Node, fl drivers.MomentFlags) error {
	given := map[string]momentDisk{}
	if list := doc.Child("disks"); list != nil {
		for _, e := range list.Elements("disk") {
			if mode, _ := e.Attr("snapshot"); mode == "manual" && f.kind == drivers.Snapshot {
				return xml.Errorf(xml.CodeUnsupported, "'manual' snapshot mode is not supported by the test driver")
			}
		}
		if len(list.Elements("disk")) > len(m.def.Devices.Disks) {
			return xml.Errorf(xml.CodeConfigUnsupported, "too many disk %s requests for domain", f.word())
		}
		for _, e := range list.Elements("disk") {
			name, ok := e.Attr("name")
			if !ok {
				return xml.Errorf(xml.CodeInternal, "missing name from disk %s element", f.word())
			}
			d := momentDisk{name: name}
			d.mode, _ = e.Attr(f.word())
			d.bitmap, _ = e.Attr("bitmap")
			if d.mode == "" && e.Child("source") != nil {
				d.mode = "external"
			}
			known := false
			for i := range m.def.Devices.Disks {
				k := &m.def.Devices.Disks[i]
				if k.Target != nil && (k.Target.Dev == name || k.Source != nil && k.Source.File == name) {
					d.name, known = k.Target.Dev, true
				}
			}
			if !known {
				return xml.Errorf(xml.CodeConfigUnsupported, "no disk named '%s'", name)
			}
			if f.kind == drivers.Snapshot && d.mode != "" && d.mode != "internal" && !fl.DiskOnly && !fl.Redefine {
				return xml.Errorf(xml.CodeConfigUnsupported, "disk '%s' must use snapshot mode 'internal'", d.name)
			}
			given[d.name] = d
		}
	}
	if mem := doc.Child("memory"); mem != nil && !fl.Redefine {
		if file, ok := mem.Attr("file"); ok && file != "" && len(m.def.Devices.Disks) > 0 {
			return xml.Errorf(xml.CodeConfigUnsupported, "source for disk '%s' is not a regular file; refusing to generate external snapshot name",
				m.def.Devices.Disks[0].Target.Dev)
		}
	}
	for i := range m.def.Devices.Disks {
		k := &m.def.Devices.Disks[i]
		if k.Target == nil {
			continue
		}
		d, ok := given[k.Target.Dev]
		if !ok {
			d = momentDisk{name: k.Target.Dev}
			if f.kind == drivers.Checkpoint && len(given) > 0 {
				d.mode = "no"
			}
		}
		if d.mode == "" {
			d.mode = "internal"
			if f.kind == drivers.Checkpoint {
				d.mode = "bitmap"
			}
		}
		if f.kind == drivers.Checkpoint && d.mode == "bitmap" && d.bitmap == "" {
			d.bitmap = m.name
		}
		m.disks = append(m.disks, d)
	}
	return nil
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
		if f.of(g).current == nil {
			return xml.Errorf(xml.CodeNoDomainSnapshot, "the domain does not have a current %s", f.word())
		}
		ref = f.ref(dom, f.of(g).current)
		return nil
	})
	return ref, err
}

// DeleteMoment removes a moment, or its descendants, or both.
func (f family) DeleteMoment(_ context.Context, r drivers.Ref, children, only, metadata bool) error {
	title := "VIR_DOMAIN_" + strings.ToUpper(f.word()) + "_DELETE_CHILDREN"
	switch {
	case metadata && f.kind == drivers.Snapshot:
		return badFlags(2, "testDomainSnapshotDelete")
	case children && only:
		return xml.Errorf(xml.CodePlain, "Flags '%s' and '%s_ONLY' are mutually exclusive", title, title)
	}
	return f.with(r, func(_ *guest, all *moments, m *moment) error {
		doomed := map[string]bool{}
		if children || only {
			all.descend(m.name, doomed)
		}
		if !only {
			doomed[m.name] = true
		}
		for _, x := range all.list {
			if x.parent == m.name && !children && !only {
				x.parent = m.parent
			}
		}
		wasCurrent := all.current != nil && doomed[all.current.name]
		all.list = slices.DeleteFunc(all.list, func(x *moment) bool { return doomed[x.name] })
		if wasCurrent {
			all.current = all.find(m.parent)
			if only {
				all.current = m
			}
		}
		return nil
	})
}

// descend gathers the descendants of a moment.
func (m *moments) descend(name string, into map[string]bool) {
	for _, x := range m.list {
		if x.parent == name && !into[x.name] {
			into[x.name] = true
			m.descend(x.name, into)
		}
	}
}

// snapshots are those that can be reverted to.
type snapshots struct{ family }

// Revert takes a domain back.
func (s snapshots) Revert(_ context.Context, r drivers.Ref, running, paused, _, fresh bool) error {
	if fresh {
		return badFlags(8, "testDomainRevertToSnapshot")
	}
	if running && paused {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive")
	}
	return s.with(r, func(g *guest, all *moments, m *moment) error {
		all.current = m
		if g.config != nil {
			g.config = clone(m.def)
		}
		if m.state == "shutoff" {
			if g.active() {
				s.emit(g.ref(), "Stopped", "From Snapshot")
			}
			g.id, g.live = -1, nil
			g.enter(drivers.ShutOff, 7)
			return nil
		}
		wasActive := g.active()
		g.live = clone(m.def)
		s.start(g, 4)
		if !wasActive {
			s.emit(g.ref(), "Started", "From Snapshot")
		}
		if (m.state == "paused" || paused) && !running {
			g.enter(drivers.PausedState, 7)
		}
		return nil
	})
}

// readSnapshot takes a snapshot of a node's description.
func (g *guest) readSnapshot(e *xml.Node) error {
	n := *e
	n.Name = "domainsnapshot"
	f := family{kind: drivers.Snapshot}
	m, err := f.parse(&n, g, drivers.MomentFlags{Redefine: true})
	if err != nil {
		return err
	}
	g.snaps.list = append(g.snaps.list, m)
	if a := e.Child("active"); a != nil && strings.TrimSpace(a.Value()) == "1" {
		if g.snaps.current != nil {
			return fmt.Errorf("more than one snapshot claims to be active")
		}
		g.snaps.current = m
	}
	return nil
}
