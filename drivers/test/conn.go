package test

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// Conn is a connection to one node.
type Conn struct {
	uri string
}

// Open opens test:///default, or test:///FILE, a file that describes a node.
func Open(_ context.Context, u drivers.URI, _ drivers.OpenOptions) (drivers.Conn, error) {
	if u.Path == "" || u.Path == "/" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "testOpen: supply a path or use test:///default")
	}
	return &Conn{uri: u.Text}, nil
}

// URI is the address that the connection was opened with.
func (c *Conn) URI() string { return c.uri }

// Objects gives the objects of a kind.
func (c *Conn) Objects(drivers.Kind) drivers.Objects { return nil }

// Close forgets the node.
func (c *Conn) Close() error { return nil }

// Version is the peer's test driver's.
func (c *Conn) Version(context.Context) (string, uint64, error) { return "TEST", 2, nil }
