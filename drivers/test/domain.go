package test

import (
	"context"
	"slices"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/xml"
)

// guest is one domain.
type guest struct {
	name, uuid string
	id         int // -1: not running
	live       *xml.Domain
	config     *xml.Domain // nil: transient
	unread     bool        // built in, neither definition is read yet
	before     []byte      // config before what is being done may change it, or nil
	state      drivers.State
	reason     drivers.Reason
	since      time.Time // when it came into its state
	autostart  bool
	saved      bool // has a managed save
	frozen     map[string]bool
	taints     []string
	snaps      moment.Set
	checks     moment.Set
}

// domains are the domains of a node.
type domains struct{ *node }

var traits = domain.Traits{}

func (g *guest) active() bool { return g.id >= 0 }

// current is the definition that counts: the running one, else the kept one.
func (g *guest) current() *xml.Domain {
	if g.active() {
		return g.live
	}
	return g.config
}

func (g *guest) title() string {
	if g.unread {
		return ""
	}
	return g.current().Title
}

func (g *guest) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Domain, Name: g.name, UUID: g.uuid, ID: g.id}
}

// parse reads a definition as define does.
func parse(src xml.Source) (*xml.Domain, error) {
	d, err := domain.Parse(src, &traits)
	if err != nil {
		return nil, err
	}
	for i := range d.Devices.Consoles {
		d.Devices.Consoles[i].TTY = "" // of a running guest only, and none runs here
	}
	if u, ok := xml.ParseUUID(d.UUID); ok {
		d.UUID = u
	}
	return d, nameInterfaces(d)
}

// nameInterfaces gives interfaces without a name on the host the next free one.
func nameInterfaces(d *xml.Domain) error {
	used := map[string]bool{}
	for i := range d.Devices.Interfaces {
		if t := d.Devices.Interfaces[i].Target; t != nil {
			used[t.Dev] = true
		}
	}
	next := 0
	for i := range d.Devices.Interfaces {
		n := &d.Devices.Interfaces[i]
		if n.Target != nil && n.Target.Dev != "" {
			continue
		}
		for used["testnet"+strconv.Itoa(next)] {
			next++
		}
		name := "testnet" + strconv.Itoa(next)
		used[name] = true
		if n.Target == nil {
			n.Target = &xml.InterfaceTarget{}
		}
		n.Target.Dev = name
	}
	return nil
}

// clone copies a definition.
func clone(d *xml.Domain) *xml.Domain {
	c, err := domain.Clone(d)
	if err != nil {
		panic(err) // a definition that was read can be printed and read again
	}
	return c
}

// find gives the domain of a Ref.
func (n *node) find(r drivers.Ref) (*guest, error) {
	for _, g := range n.guests {
		if g.uuid == r.UUID {
			return g.read(), nil
		}
	}
	return nil, xml.Errorf(xml.CodeNoDomain, "no domain with matching uuid '%s' (%s)", r.UUID, r.Name)
}

// List gives the domains.
func (d domains) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []drivers.Entry
	for _, g := range d.guests {
		e := drivers.Entry{
			Ref: g.ref(), Active: g.active(), Persistent: g.config != nil || g.unread, Autostart: g.autostart, State: g.state, Reason: g.reason,
			ManagedSave: g.saved, Snapshots: len(g.snaps.List), Checkpoints: len(g.checks.List), Title: g.title(),
		}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	drivers.Sort(out)
	return out, nil
}

// Lookup finds a domain.
func (d domains) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.guests {
		switch {
		case by == drivers.ByName && g.name == word, by == drivers.ByUUID && g.uuid == word,
			by == drivers.ByID && g.active() && strconv.Itoa(g.id) == word:
			return g.ref(), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoDomain, "no domain with matching %s '%s'", by, word)
}

// XML prints a definition.
func (d domains) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := drivers.Refuse(f, "testDomainGetXMLDesc", drivers.UpdateCPU, 4); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g, err := d.find(r)
	if err != nil {
		return nil, err
	}
	def := g.current()
	if f.Has(drivers.Inactive) && g.config != nil {
		def = g.config
	}
	c := *def
	c.ID = nil
	if g.active() && !f.Has(drivers.Inactive) {
		id := g.id
		c.ID = &id
	}
	return printed(&c, f&(drivers.SecurityInfo|drivers.MigratableXML))
}

func printed(def *xml.Domain, f drivers.Flags) ([]byte, error) { return domain.Print(def, &traits, f) }

// define puts a parsed definition into the node; live: it is to run.
func (n *node) define(def *xml.Domain, live bool) (*guest, error) {
	for _, g := range n.guests {
		switch {
		case g.uuid == def.UUID && g.name != def.Name:
			return nil, xml.Errorf(xml.CodeOperationFailed, "domain '%s' is already defined with uuid %s", g.name, g.uuid)
		case g.name == def.Name && g.uuid != def.UUID:
			return nil, xml.Errorf(xml.CodeOperationFailed, "domain '%s' already exists with uuid %s", g.name, g.uuid)
		case g.uuid == def.UUID && live:
			if g.active() {
				return nil, xml.Errorf(xml.CodeOperationInvalid, "domain '%s' is already active", g.name)
			}
			g.live = def
			return g, nil
		case g.uuid == def.UUID:
			n.replace(g.read(), def)
			return g, nil
		}
	}
	g := &guest{name: def.Name, uuid: def.UUID, id: -1, state: drivers.ShutOff}
	if live {
		g.live = def
	} else {
		g.config = def
	}
	n.guests = append(n.guests, g)
	return g, nil
}

// remove forgets a domain.
func (n *node) remove(g *guest) {
	n.guests = slices.DeleteFunc(n.guests, func(x *guest) bool { return x == g })
}

// enter puts the guest into a state.
func (g *guest) enter(state drivers.State, reason drivers.Reason) {
	g.state, g.reason, g.since = state, reason, time.Now()
}
