package test

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// Conn is a connection to one node.
type Conn struct {
	*node
	uri string
}

// Open opens test:///default, or test:///FILE, a file that describes a node.
func Open(_ context.Context, u drivers.URI, o drivers.OpenOptions) (drivers.Conn, error) {
	var n *node
	var err error
	switch u.Path {
	case "", "/":
		return nil, xml.Errorf(xml.CodeInvalidArg, "testOpen: supply a path or use test:///default")
	case "/default":
		n = openDefault()
	default:
		n, err = openFile(u.Path)
	}
	if err != nil {
		return nil, err
	}
	n.command = o.Command
	return &Conn{n, u.Text}, n.login(o.Ask)
}

// login asks for a user's name and password, if the node has users.
func (n *node) login(ask func(string, bool) (string, error)) error {
	if len(n.users) == 0 {
		return nil
	}
	refused := xml.Errorf(xml.CodeAuthFailed, "authentication failed, see test XML for the correct username/password")
	if ask == nil {
		return refused
	}
	name, err := ask("Enter username for localhost: ", false)
	if err != nil {
		return xml.Errorf(xml.CodeAuthFailed, "authentication failed when asking for username")
	}
	password := ""
	for _, u := range n.users {
		if u.name == name {
			if u.password == "" {
				return nil
			}
			password = u.password
		}
	}
	given, err := ask("Enter "+name+"'s password for localhost: ", true)
	if err != nil {
		return xml.Errorf(xml.CodeAuthFailed, "authentication failed when asking for password")
	}
	if password == "" || given != password {
		return refused
	}
	return nil
}

// URI is the address that the connection was opened with.
func (c *Conn) URI() string { return c.uri }

// Objects gives the objects of a kind.
func (c *Conn) Objects(k drivers.Kind) drivers.Objects {
	of := k
	if k == drivers.Volume {
		of = drivers.Pool
	}
	c.mu.Lock()
	c.need(of)
	c.mu.Unlock()
	switch k {
	case drivers.Domain:
		return domains{c.node}
	case drivers.Snapshot:
		return snapshots{family{c.node, drivers.Snapshot}}
	case drivers.Checkpoint:
		return family{c.node, drivers.Checkpoint}
	case drivers.Network:
		return networks{c.node}
	case drivers.Interface:
		return cards{c.node}
	case drivers.NodeDevice:
		return devices{c.node}
	case drivers.Pool:
		return pools{c.node}
	case drivers.Volume:
		return volumes{pools{c.node}}
	}
	return nil
}

// Close forgets the node.
func (c *Conn) Close() error { return nil }
