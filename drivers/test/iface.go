package test

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/drivers/iface"
	"virgo/xml"
)

// card is one interface of the host.
type card struct {
	def    *xml.HostInterface
	active bool
}

// cards are the interfaces of a node.
type cards struct{ *node }

func (c *card) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Interface, Name: c.def.Name, ID: -1}
}

func (c *card) mac() string {
	if c.def.MAC == nil {
		return ""
	}
	return c.def.MAC.Address
}

// readInterface takes an interface of a node's description: an active one.
func (n *node) readInterface(e *xml.Node, dir string) error {
	e, err := follow(e, dir)
	if err != nil {
		return err
	}
	def, err := iface.Parse(xml.Source{Name: dir, Data: e.Print()})
	if err != nil {
		return err
	}
	n.cards = append(n.cards, &card{def: def, active: true})
	return nil
}

// with runs f on an interface, locked.
func (n cards) with(r drivers.Ref, f func(*card) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.cards {
		if c.def.Name == r.Name {
			return f(c)
		}
	}
	return xml.Errorf(xml.CodeNoInterface, "no interface with matching name '%s'", r.Name)
}

// List gives the interfaces, by name.
func (n cards) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []drivers.Entry
	for _, c := range n.cards {
		e := drivers.Entry{Ref: c.ref(), Active: c.active, Persistent: true, MAC: c.mac()}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	drivers.Sort(out)
	return out, nil
}

// Lookup finds an interface by its name or address.
func (n cards) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []drivers.Ref
	for _, c := range n.cards {
		mac, _ := xml.ParseMAC(c.mac())
		if by == drivers.ByName && c.def.Name == word || by == drivers.ByKey && mac == word {
			found = append(found, c.ref())
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return drivers.Ref{}, xml.Errorf(xml.CodeMultipleInterfaces, "")
	case by == drivers.ByKey:
		return drivers.Ref{}, xml.Errorf(xml.CodeNoInterface, "no interface with matching mac '%s'", word)
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoInterface, "no interface with matching name '%s'", word)
}

// XML prints a definition.
func (n cards) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := drivers.Refuse(f, "testInterfaceGetXMLDesc", drivers.Inactive, 1); err != nil {
		return nil, err
	}
	var doc []byte
	err := n.with(r, func(c *card) (err error) {
		doc, err = xml.Marshal(c.def)
		return err
	})
	return doc, err
}

// Define adds or replaces an interface.
func (n cards) Define(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.HostInterface{}, "interface"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := iface.Parse(src)
	if err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.cards {
		if c.def.Name == def.Name {
			c.def = def
			return c.ref(), nil
		}
	}
	c := &card{def: def}
	n.cards = append(n.cards, c)
	return c.ref(), nil
}

// Undefine forgets an interface.
func (n cards) Undefine(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, func(c *card) error {
		n.cards = slices.DeleteFunc(n.cards, func(o *card) bool { return o == c })
		return nil
	})
}

// set brings an interface up or down; one that is so already is refused.
func (n cards) set(r drivers.Ref, active bool) error {
	return n.with(r, func(c *card) error {
		if c.active == active {
			return xml.Errorf(xml.CodeOperationInvalid, "")
		}
		c.active = active
		return nil
	})
}

// Start brings an interface up.
func (n cards) Start(_ context.Context, r drivers.Ref, _ drivers.Flags) error { return n.set(r, true) }

// Destroy brings an interface down.
func (n cards) Destroy(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.set(r, false)
}

// BeginInterfaces takes note of the interfaces.
func (n cards) BeginInterfaces(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept != nil {
		return xml.Errorf(xml.CodeOperationInvalid, "there is another transaction running.")
	}
	n.kept = make([]*card, 0, len(n.cards))
	for _, c := range n.cards {
		n.kept = append(n.kept, &card{def: c.def}) // what comes back is down
	}
	return nil
}

var errNoTransaction = xml.Errorf(xml.CodeOperationInvalid, "no transaction running, nothing to be committed.")

// CommitInterfaces keeps the changes.
func (n cards) CommitInterfaces(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept == nil {
		return errNoTransaction
	}
	n.kept = nil
	return nil
}

// RollbackInterfaces undoes the changes.
func (n cards) RollbackInterfaces(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept == nil {
		return xml.Errorf(xml.CodeOperationInvalid, "no transaction running, nothing to rollback.")
	}
	n.cards, n.kept = n.kept, nil
	return nil
}
