// Package kept gives the objects other than domains that a root keeps, and the
// connections that have nothing else.
package kept

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/network"
	"virgo/drivers/nodedev"
	"virgo/drivers/nwfilter"
	"virgo/drivers/secret"
	"virgo/drivers/storage"
	"virgo/drivers/watch"
)

// Objects are those of a kind in a root; nil if none are kept of it.
func Objects(root drivers.Root, k drivers.Kind) drivers.Objects {
	switch k {
	case drivers.Network:
		return network.New(root, journal)
	case drivers.NodeDevice:
		return nodedev.Devices{}
	case drivers.NetworkPort:
		return network.Ports{Networks: network.New(root, journal)}
	case drivers.NWFilter:
		return nwfilter.New(root, journal)
	case drivers.Pool:
		return storage.New(root, journal)
	case drivers.Volume:
		return &storage.Volumes{Of: storage.New(root, journal), Reveal: secret.New(root, journal).Reveal}
	case drivers.Secret:
		return secret.New(root, journal)
	}
	return nil
}

// PoolCapabilities tells which kinds of pools there can be.
func PoolCapabilities() []byte { return storage.Capabilities(storage.Supported) }

func journal(path string) drivers.Journal { return watch.Journal{Path: path} }

// Conn is a connection to the objects of a root that belong to one driver.
type Conn struct {
	uri   string
	root  drivers.Root
	kinds []drivers.Kind
}

// kindsOf are the kinds that the drivers have.
func kindsOf(driver string) []drivers.Kind {
	switch driver {
	case "network":
		return []drivers.Kind{drivers.Network, drivers.NetworkPort}
	case "nodedev":
		return []drivers.Kind{drivers.NodeDevice}
	case "nwfilter":
		return []drivers.Kind{drivers.NWFilter}
	case "storage":
		return []drivers.Kind{drivers.Pool, drivers.Volume}
	case "secret":
		return []drivers.Kind{drivers.Secret}
	}
	return nil
}

// Open opens secret:///embed?root=DIR and the like.
func Open(_ context.Context, uri drivers.URI, o drivers.OpenOptions) (drivers.Conn, error) {
	root, err := drivers.RootFor(uri)
	if err != nil {
		return nil, err
	}
	root.By = o.Command
	return &Conn{uri: uri.Text, root: root, kinds: kindsOf(uri.Driver)}, nil
}

// URI is the connection's own.
func (c *Conn) URI() string { return c.uri }

// Objects gives those of the driver's kinds.
func (c *Conn) Objects(k drivers.Kind) drivers.Objects {
	for _, mine := range c.kinds {
		if mine == k {
			return Objects(c.root, k)
		}
	}
	return nil
}

// PoolCapabilities tells which kinds of pools there can be.
func (c *Conn) PoolCapabilities(context.Context) ([]byte, error) { return PoolCapabilities(), nil }

// Close has nothing to close.
func (c *Conn) Close() error { return nil }
