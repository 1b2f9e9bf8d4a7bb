package qemu

import (
	"context"
	"os"
	"sync"

	"virgo/drivers"
	"virgo/drivers/host"
	"virgo/xml"
)

// Conn is a connection to a root. It holds nothing open between calls but what
// AutoDestroy asks for.
type Conn struct {
	uri    string
	layout Layout
	store  *drivers.Store

	mu        sync.Mutex
	emulators map[string]*Emulator // what was asked for already, by path and accelerator
	hostCPU   *xml.CPU             // this machine's, once it was asked for
	owned     []*os.File           // the ends of pipes by which guests die with this connection
}

var (
	_ drivers.Conn           = (*Conn)(nil)
	_ drivers.Capabler       = (*Conn)(nil)
	_ drivers.DomainCapabler = (*Conn)(nil)
	_ drivers.Hoster         = (*Conn)(nil)
	_ drivers.Versioner      = (*Conn)(nil)
	_ drivers.Converter      = (*Conn)(nil)
)

// Open opens qemu:///system, qemu:///session or qemu:///embed?root=DIR.
func Open(_ context.Context, uri drivers.URI, _ drivers.OpenOptions) (drivers.Conn, error) {
	l, err := layoutFor(uri)
	if err != nil {
		return nil, err
	}
	return &Conn{uri: uri.Text, layout: l, store: l.store(), emulators: make(map[string]*Emulator)}, nil
}

// URI is the connection's own.
func (c *Conn) URI() string { return c.uri }

// Objects gives the domains; a root keeps nothing else yet.
func (c *Conn) Objects(k drivers.Kind) drivers.Objects {
	if k == drivers.Domain {
		return &domains{c}
	}
	return nil
}

// Close ends the guests that were started to live as long as the connection.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.owned {
		f.Close()
	}
	c.owned = nil
	return nil
}

// NodeInfo tells about the host.
func (c *Conn) NodeInfo(ctx context.Context) (drivers.NodeInfo, error) { return host.Info(ctx) }

// Hostname is the host's.
func (c *Conn) Hostname(context.Context) (string, error) { return os.Hostname() }

// Version is QEMU's, of the emulator for this host's architecture.
func (c *Conn) Version(ctx context.Context) (string, uint64, error) {
	path, err := c.emulatorPath(host.Arch(), "")
	if err != nil {
		return "", 0, err
	}
	e, err := c.emulator(ctx, path, "qemu")
	if err != nil {
		return "", 0, err
	}
	return "QEMU", e.VersionNumber(), nil
}
