package qemu

import (
	"context"
	"os"
	"sync"

	"virgo/drivers"
	"virgo/drivers/host"
	"virgo/drivers/kept"
	"virgo/xml"
)

// Conn is a connection to a root. It holds nothing open between calls but what
// AutoDestroy asks for.
type Conn struct {
	host.Facts
	uri    string
	root   drivers.Root
	layout Layout
	store  *drivers.Store

	mu        sync.Mutex
	emulators map[string]*Emulator // what was asked for already, by path and accelerator
	hostCPU   *xml.CPU             // this machine's, once it was asked for
	parsed    parsedDomain
	owned     []*os.File // the ends of pipes by which guests die with this connection
}

var (
	_ drivers.Conn           = (*Conn)(nil)
	_ drivers.Capabler       = (*Conn)(nil)
	_ drivers.DomainCapabler = (*Conn)(nil)
	_ drivers.Hoster         = (*Conn)(nil)
	_ drivers.Versioner      = (*Conn)(nil)
	_ drivers.MaxVCPUer      = (*Conn)(nil)
	_ drivers.FreeMemorier   = (*Conn)(nil)
	_ drivers.FreePager      = (*Conn)(nil)
	_ drivers.CPUMapper      = (*Conn)(nil)
	_ drivers.CPULoader      = (*Conn)(nil)
	_ drivers.Converter      = (*Conn)(nil)
	_ drivers.PoolCapabler   = (*Conn)(nil)
)

// Open opens qemu:///system, qemu:///session or qemu:///embed?root=DIR.
func Open(_ context.Context, uri drivers.URI, o drivers.OpenOptions) (drivers.Conn, error) {
	root, err := drivers.RootFor(uri)
	if err != nil {
		return nil, err
	}
	root.By = o.Command
	store := root.Store("qemu")
	store.Lazy = true // Close is called
	return &Conn{uri: uri.Text, root: root, layout: layoutAt(root), store: store, emulators: make(map[string]*Emulator)}, nil
}

// URI is the connection's own.
func (c *Conn) URI() string { return c.uri }

// Objects gives the domains, and what else a root keeps.
func (c *Conn) Objects(k drivers.Kind) drivers.Objects {
	switch k {
	case drivers.Domain:
		return &domains{c}
	case drivers.Snapshot:
		return snapshots{moments{c, k}}
	case drivers.Checkpoint:
		return moments{c, k}
	}
	return kept.Objects(c.root, k)
}

// PoolCapabilities tells which kinds of pools there can be.
func (c *Conn) PoolCapabilities(context.Context) ([]byte, error) { return kept.PoolCapabilities(), nil }

// Close ends the guests that were started to live as long as the connection.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.owned {
		f.Close()
	}
	c.owned = nil
	c.store.Close()
	return nil
}

// MaxVCPUs is how many a guest of the default machine type may have.
func (c *Conn) MaxVCPUs(ctx context.Context, virtType string) (int, error) {
	if virtType != "" && virtType != "qemu" && virtType != "kvm" {
		return 0, xml.Errorf(xml.CodeInvalidArg, "unknown type '%s'", virtType)
	}
	_, m, _, err := c.resolveQuery(ctx, drivers.EmulatorQuery{VirtType: virtType})
	if err != nil {
		return 0, err
	}
	return m.MaxCPUs, nil
}

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
