package network

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/watch"
	"virgo/xml"
)

// active is what is known of a network that runs, in status.json of a folder of
// its own below run/. It is written before anything is made, so that a start
// which was cut short can be undone by whoever finds it.
type active struct {
	Name, UUID string
	Up         bool   // the start came to its end
	Boot       string // of the host
	Space      uint64 // the network namespace: its inode
	Bridge     string // that the network made
	Index      int    // of the bridge
	Firewall   firewall

	dir string
	n   *Networks
}

const (
	statusFile = "status.json"
	liveFile   = "live.xml"
)

func (n *Networks) folder(name string) string {
	return filepath.Join(n.run, "active", name)
}

// bootID names the host's present life.
var bootID = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
})

// spaceID is the inode of this process's network namespace.
var spaceID = sync.OnceValue(func() uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/net", &st) != nil {
		return 0
	}
	return st.Ino
})

// recorded is what is written about a network, nil if nothing is.
func (n *Networks) recorded(name string) *active {
	dir := n.folder(name)
	data, err := os.ReadFile(filepath.Join(dir, statusFile))
	if err != nil {
		return nil
	}
	a := &active{dir: dir, n: n}
	if json.Unmarshal(data, a) != nil {
		return nil
	}
	return a
}

// running is a network that runs, nil if it does not.
func (n *Networks) running(name string) *active {
	if a := n.recorded(name); a != nil && a.stands() {
		return a
	}
	return nil
}

// stands tells whether what is recorded is still so. What belongs to another
// network namespace cannot be seen from here and is believed.
func (a *active) stands() bool {
	if !a.Up || a.Boot != bootID() {
		return false
	}
	return a.Bridge == "" || a.Space != spaceID() || linkIndex(a.Bridge) == a.Index
}

// definition is the live one.
func (a *active) definition() (*xml.Network, error) {
	data, err := os.ReadFile(filepath.Join(a.dir, liveFile))
	if err != nil {
		return nil, err
	}
	def, err := parse(drivers.Ref{Name: a.Name}, data)
	if err == nil {
		a.count(def)
	}
	return def, err
}

func (a *active) write() error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(filepath.Join(a.dir, statusFile), data, 0o600)
}

func (a *active) writeDefinition(def *xml.Network) error {
	c := *def
	c.Connections = 0
	data, err := xml.Marshal(&c)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(filepath.Join(a.dir, liveFile), data, 0o600)
}

func (a *active) dnsmasq() dnsmasq {
	return dnsmasq{config: filepath.Join(a.dir, "dnsmasq.conf"), pid: filepath.Join(a.dir, "dnsmasq.pid"), leases: a.n.leaseFile(a.Name)}
}

func (n *Networks) leaseFile(name string) string { return filepath.Join(n.lib, name+".leases") }

// up makes a network run. The caller holds the object's lock, and the network
// does not run. What an earlier start left is undone first.
func (n *Networks) up(ctx context.Context, def *xml.Network) error {
	if old := n.recorded(def.Name); old != nil {
		old.undo(ctx)
	}
	a := &active{Name: def.Name, UUID: string(def.UUID), Boot: bootID(), Space: spaceID(), dir: n.folder(def.Name), n: n}
	live, err := Clone(def)
	if err != nil {
		return err
	}
	if f := live.Forward; f != nil && f.Mode == "nat" && (len(f.NATs) == 0 || len(f.NATs[0].Ports) == 0) {
		if len(f.NATs) == 0 {
			f.NATs = []xml.NAT{{}}
		}
		f.NATs[0].Ports = []xml.PortRange{{Start: 1024, End: 65535}}
	}
	if err := os.MkdirAll(filepath.Join(a.dir, "ports"), 0o700); err != nil {
		return drivers.SystemError("cannot create directory", a.dir, err)
	}
	err = a.writeDefinition(live)
	if err == nil && OwnBridge(live) {
		err = a.build(ctx, live)
	}
	if err == nil {
		a.Up = true
		err = a.write()
	}
	if err != nil {
		a.undo(context.WithoutCancel(ctx))
	}
	return err
}

// build makes what a network with a bridge of its own consists of.
func (a *active) build(ctx context.Context, def *xml.Network) error {
	if z := def.Bridge.Zone; z != "" {
		return xml.Errorf(xml.CodeInternal, "zone %s requested for network %s but firewalld is not active", z, def.Name)
	}
	if err := inUse(def); err != nil {
		return err
	}
	if filtered(def) {
		w, err := a.n.firewall()
		if err != nil {
			return err
		}
		a.Firewall = w
	}
	if linkIndex(def.Bridge.Name) != 0 {
		return plain(unix.EEXIST, "error creating bridge interface %s", def.Bridge.Name)
	}
	a.Bridge = def.Bridge.Name
	if err := a.write(); err != nil {
		return err
	}
	index, err := makeBridge(def)
	if err != nil {
		a.Bridge = ""
		return err
	}
	a.Index = index
	if err := a.write(); err != nil {
		return err
	}
	if err := setUpBridge(def, index); err != nil {
		return err
	}
	if def.Bandwidth != nil {
		if err := Limit(ctx, def.Bridge.Name, def.Bandwidth); err != nil {
			return err
		}
	}
	if err := a.Firewall.set(ctx, def); err != nil {
		return err
	}
	if served(def) {
		return a.dnsmasq().start(ctx, def)
	}
	return nil
}

// undo takes away what a network consists of, as far as it is there.
func (a *active) undo(ctx context.Context) {
	if a.Up { // from here on it does not run, even if this is cut short
		a.Up = false
		_ = a.write()
	}
	if a.Boot == bootID() && a.Space == spaceID() {
		a.dnsmasq().stop()
		watch.DropGroups("net-" + a.Name)
		if a.Bridge != "" {
			if def, err := a.definition(); err == nil && def.Bridge != nil {
				a.Firewall.clear(ctx, def)
				if a.Index == 0 { // cut short while it was made
					a.Index = ownIndex(def)
				}
			}
			removeLink(a.Bridge, a.Index)
		}
	}
	// away in one step, so that nobody finds half of it
	_ = os.Rename(a.dir, filepath.Join(a.n.run, "active", goneFolder+drivers.NewUUID()))
	left, _ := filepath.Glob(filepath.Join(a.n.run, "active", goneFolder+"*")) // also what a kill has left
	for _, dir := range left {
		os.RemoveAll(dir)
	}
}

// goneFolder begins the name of the folder of a network that has ended.
const goneFolder = ".gone-"

// Start makes a defined network run.
func (n *Networks) Start(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	lock, err := n.Store.LockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if n.running(r.Name) != nil {
		return xml.Errorf(xml.CodeOperationInvalid, "network is already active")
	}
	doc, err := n.Shelf.Read(r)
	if err != nil {
		return err
	}
	def, err := parse(r, doc)
	if err == nil {
		err = n.up(ctx, def)
	}
	if err == nil {
		n.Tell(r, "lifecycle", "Started", "")
	}
	return err
}

// Create makes a network run that is not kept, or a kept one by another document.
func (n *Networks) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	def, err := read(src, f)
	if err != nil {
		return drivers.Ref{}, err
	}
	lock, err := n.Store.LockObject(ctx, def.Name)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer lock.Unlock()
	if err := n.claim(ctx, def, true); err != nil {
		return drivers.Ref{}, err
	}
	if err := n.up(ctx, def); err != nil {
		return drivers.Ref{}, err
	}
	ref := n.Ref(def.Name, string(def.UUID))
	n.Tell(ref, "lifecycle", "Started", "")
	return ref, nil
}

// Destroy ends a network that runs.
func (n *Networks) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	lock, err := n.Store.LockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	a := n.running(r.Name)
	if a == nil {
		if old := n.recorded(r.Name); old != nil {
			old.undo(ctx)
		}
		return xml.Errorf(xml.CodeOperationInvalid, "network '%s' is not active", r.Name)
	}
	if a.Bridge != "" && a.Space != spaceID() {
		return xml.Errorf(xml.CodeOperationInvalid, "network '%s' runs in another network namespace", r.Name)
	}
	a.undo(context.WithoutCancel(ctx))
	n.Tell(r, "lifecycle", "Stopped", "")
	return nil
}

// actives are the networks that run, by name.
func (n *Networks) actives() (map[string]*active, error) {
	entries, err := os.ReadDir(filepath.Join(n.run, "active"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, drivers.SystemError("cannot read folder", n.run, err)
	}
	all := map[string]*active{}
	for _, e := range entries {
		if a := n.running(e.Name()); a != nil {
			all[a.Name] = a
		}
	}
	return all, nil
}

// ownIndex is the index of the bridge that a start made before it could write
// that down: one of the network's name and Ethernet address.
func ownIndex(def *xml.Network) int {
	i, err := net.InterfaceByName(def.Bridge.Name)
	if err != nil || def.MAC == nil || !strings.EqualFold(i.HardwareAddr.String(), string(def.MAC.Address)) {
		return 0
	}
	return i.Index
}

// Leases are the addresses that the network has lent.
func (n *Networks) Leases(_ context.Context, r drivers.Ref, mac string) ([]drivers.Lease, error) {
	a := n.running(r.Name)
	if a == nil {
		_, err := n.Shelf.Read(r)
		return nil, err
	}
	def, err := a.definition()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(n.leaseFile(r.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := parseLeases(string(data), time.Now(), func(a netip.Addr) int {
		for i := range def.IPs {
			if p := netip.PrefixFrom(def.IPs[i].Address.Addr, Prefix(&def.IPs[i])); p.Contains(a) {
				return p.Bits()
			}
		}
		return 0
	})
	if mac != "" {
		all = slices.DeleteFunc(all, func(l drivers.Lease) bool { return !strings.EqualFold(l.MAC, mac) })
	}
	return all, nil
}
