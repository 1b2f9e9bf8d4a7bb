package network

import (
	"context"
	"path/filepath"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Networks are the networks that a root keeps, and those that run.
type Networks struct {
	*drivers.Shelf
	run, lib, config string // folders, and virgo.conf
}

// New gives the networks of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Networks {
	n := &Networks{Shelf: drivers.Shelf{Kind: drivers.Network, Noun: "network", Short: "network", Miss: xml.CodeNoNetwork}.At(root, "network", j),
		run: filepath.Join(root.Run, "network"), lib: filepath.Join(root.Lib, "network"), config: filepath.Join(root.Etc, "virgo.conf")}
	n.Check = func(doc []byte) error {
		def, err := parse(drivers.Ref{}, doc)
		if err != nil {
			return err
		}
		return n.name(def)
	}
	return n
}

// traits are those of definitions that a host is to start.
var traits = Traits{Dnsmasq: true}

func parse(r drivers.Ref, doc []byte) (*xml.Network, error) {
	return Parse(xml.Source{Name: r.Name, Data: doc}, traits)
}

// read reads a document that somebody gives.
func read(src xml.Source, f drivers.Flags) (*xml.Network, error) {
	if err := drivers.CheckSchema(f, src, &xml.Network{}, "network"); err != nil {
		return nil, err
	}
	def, err := Parse(src, traits)
	if err == nil {
		err = drivers.OneLine(def.Name)
	}
	if err == nil {
		err = drivers.CheckName(def.Name)
	}
	if err == nil {
		err = checkHost(def)
	}
	return def, err
}

// firewall is the tool for rules.
func (n *Networks) firewall() (firewall, error) {
	c, err := drivers.ReadConfig(n.config)
	if err != nil {
		return "", err
	}
	named, err := c.String("firewall_backend")
	if err != nil {
		return "", err
	}
	return chooseFirewall(named)
}

// List gives the networks, by name.
func (n *Networks) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	live, err := n.actives()
	if err != nil {
		return nil, err
	}
	kept := map[string]bool{}
	out, err := n.Entries(drivers.Filter{}, func(e *drivers.Entry, doc []byte) {
		kept[e.Name] = true
		e.Active = live[e.Name] != nil
		if def, err := parse(e.Ref, doc); err == nil {
			fill(e, def)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, a := range live {
		if kept[a.Name] {
			continue
		}
		e := drivers.Entry{Ref: n.Ref(a.Name, a.UUID), Active: true}
		if def, err := a.definition(); err == nil {
			fill(&e, def)
		}
		out = append(out, e)
	}
	out = slices.DeleteFunc(out, func(e drivers.Entry) bool { return !f.Admits(e) })
	drivers.Sort(out)
	return out, nil
}

func fill(e *drivers.Entry, def *xml.Network) {
	e.Title = def.Title
	if def.Bridge != nil {
		e.Bridge = def.Bridge.Name
	}
}

// Lookup finds a network by name or UUID.
func (n *Networks) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	ref, miss := n.Shelf.Lookup(ctx, by, word)
	if xml.CodeOf(miss) != xml.CodeNoNetwork {
		return ref, miss
	}
	if by == drivers.ByName && drivers.CheckName(word) == nil {
		if a := n.running(word); a != nil {
			return n.Ref(a.Name, a.UUID), nil
		}
	}
	if by == drivers.ByUUID {
		all, err := n.actives()
		if err != nil {
			return drivers.Ref{}, err
		}
		for _, a := range all {
			if a.UUID == word {
				return n.Ref(a.Name, a.UUID), nil
			}
		}
	}
	return drivers.Ref{}, miss
}

// XML prints a network as it runs or, with Inactive, as it is kept.
func (n *Networks) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	a := n.running(r.Name)
	if a != nil && (!f.Has(drivers.Inactive) || !n.Store.Has(r.Name)) {
		def, err := a.definition()
		if err != nil {
			return nil, err
		}
		if f.Has(drivers.Inactive) {
			def.Connections = 0
		}
		return xml.Marshal(def)
	}
	return n.Shelf.Read(r)
}

// Define keeps a definition. A network that runs goes on as it is.
func (n *Networks) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	def, err := read(src, f)
	if err != nil {
		return drivers.Ref{}, err
	}
	ref, err := n.Put(ctx, def.Name, string(def.UUID), func() ([]byte, error) {
		if err := n.claimed(def, false); err != nil {
			return nil, err
		}
		return xml.Marshal(def)
	})
	if err == nil {
		n.Tell(ref, "lifecycle", "Defined", "")
	}
	return ref, err
}

// claim checks a document that is to run against the networks that are there,
// and names its bridge.
func (n *Networks) claim(ctx context.Context, def *xml.Network, live bool) error {
	lock, err := n.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := n.Store.Clash(n.Short, def.Name, string(def.UUID)); err != nil {
		return err
	}
	return n.claimed(def, live)
}

func (n *Networks) claimed(def *xml.Network, live bool) error {
	all, err := n.actives()
	if err != nil {
		return err
	}
	for _, a := range all {
		switch {
		case a.Name == def.Name && a.UUID != string(def.UUID):
			return xml.Errorf(xml.CodeOperationFailed, "network '%s' already exists with uuid %s", a.Name, a.UUID)
		case a.Name != def.Name && a.UUID == string(def.UUID):
			return xml.Errorf(xml.CodeOperationFailed, "network '%s' is already defined with uuid %s", a.Name, a.UUID)
		case live && a.Name == def.Name:
			return xml.Errorf(xml.CodeOperationInvalid, "network is already active as '%s'", a.Name)
		case a.Name == def.Name && def.Bridge != nil && def.Bridge.Name == "" && a.Bridge != "":
			def.Bridge.Name = a.Bridge // its own
		}
	}
	return n.name(def)
}

// name adds what depends on other networks.
func (n *Networks) name(def *xml.Network) error {
	all, err := n.List(context.Background(), drivers.Filter{})
	if err != nil {
		return err
	}
	var others []string
	for _, e := range all {
		if e.Name != def.Name {
			others = append(others, e.Bridge)
		}
	}
	return name(def, others)
}

// transient is the refusal of what only a kept network can have.
func (n *Networks) transient(r drivers.Ref, text string) error {
	if !n.Store.Has(r.Name) && n.running(r.Name) != nil {
		return xml.Errorf(xml.CodeOperationInvalid, "%s", text)
	}
	return nil
}

// Undefine drops a definition. A network that runs goes on.
func (n *Networks) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	err := n.transient(r, "can't undefine transient network")
	if err == nil {
		err = n.Drop(ctx, r)
	}
	if err == nil {
		n.Tell(r, "lifecycle", "Undefined", "")
	}
	return err
}

// SetAutostart sets or takes away the autostart mark.
func (n *Networks) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	if err := n.transient(r, "cannot set autostart for transient network"); err != nil {
		return err
	}
	return n.Shelf.SetAutostart(ctx, r, on)
}

// UpdateNetwork changes a part of a network: of what runs, of what is kept, or
// of both.
func (n *Networks) UpdateNetwork(ctx context.Context, r drivers.Ref, u drivers.NetworkUpdate, f drivers.Flags) error {
	return n.change(ctx, r, f, true, func(def *xml.Network) (*xml.Network, error) { return Update(def, u, traits) })
}

// change replaces documents by what f makes of them; serve: what is served may change too.
func (n *Networks) change(ctx context.Context, r drivers.Ref, flags drivers.Flags, serve bool, f func(*xml.Network) (*xml.Network, error)) error {
	lock, err := n.Store.LockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	a := n.running(r.Name)
	live, config := flags.Has(drivers.Live), flags.Has(drivers.Config)
	if !live && !config {
		live, config = a != nil, a == nil
	}
	if live && a == nil {
		return xml.Errorf(xml.CodeOperationInvalid, "network is not running")
	}
	if config {
		if err := n.transient(r, "cannot change persistent config of a transient network"); err != nil {
			return err
		}
	}
	var now *xml.Network
	if live { // made before anything is written: both change or neither
		if now, err = a.definition(); err == nil {
			now, err = f(now)
		}
		if err != nil {
			return err
		}
	}
	if config {
		err := n.Change(ctx, r, func(doc []byte) ([]byte, error) {
			def, err := parse(r, doc)
			if err != nil {
				return nil, err
			}
			if def, err = f(def); err != nil {
				return nil, err
			}
			return xml.Marshal(def)
		})
		if err != nil {
			return err
		}
	}
	if live {
		return a.become(ctx, now, serve)
	}
	return nil
}

// become makes a running network the one of that definition, as far as it can
// be changed: what is served, and what is only written.
func (a *active) become(ctx context.Context, def *xml.Network, serve bool) error {
	if err := a.writeDefinition(def); err != nil || !serve || !served(def) {
		return err
	}
	m := a.dnsmasq()
	if m.process().PID != 0 && m.serves(def) {
		return nil
	}
	m.stop()
	return m.start(ctx, def)
}

// Metadata reads title, description or an element.
func (n *Networks) Metadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	def, err := n.current(r, f)
	if err != nil {
		return "", err
	}
	return drivers.ReadMetadata(def.Title, def.Description, def.Metadata, k, uri)
}

// current is the definition that flags ask for: Live, Config, or what counts now.
func (n *Networks) current(r drivers.Ref, f drivers.Flags) (*xml.Network, error) {
	a := n.running(r.Name)
	switch {
	case f.Has(drivers.Live) && a == nil:
		return nil, xml.Errorf(xml.CodeOperationInvalid, "network is not running")
	case f.Has(drivers.Config):
		if err := n.transient(r, "cannot change persistent config of a transient network"); err != nil {
			return nil, err
		}
	case a != nil:
		return a.definition()
	}
	doc, err := n.Shelf.Read(r)
	if err != nil {
		return nil, err
	}
	return parse(r, doc)
}

// SetMetadata sets or removes them.
func (n *Networks) SetMetadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	err := n.change(ctx, r, f, false, func(def *xml.Network) (*xml.Network, error) {
		return def, drivers.WriteMetadata(&def.Title, &def.Description, &def.Metadata, k, value, key, uri)
	})
	if err == nil {
		n.Tell(r, "metadata-change", "", "")
	}
	return err
}
