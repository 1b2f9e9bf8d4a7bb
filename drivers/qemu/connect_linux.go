package qemu

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/kept"
	"virgo/drivers/network"
	"virgo/drivers/nodedev"
	"virgo/xml"
)

// endsFile lists in a guest's run folder what of its devices does not go by
// itself. Something is noted before it is made.
const (
	endsFile = "connections.json"
	endsLock = "connections.lock"
)

// hostEnd is one thing to be taken away when its device or the guest ends.
type hostEnd struct {
	Port       string `json:"port,omitempty"`       // the file of a network's port
	Dev        string `json:"dev,omitempty"`        // the interface's name on the host
	MAC        string `json:"mac,omitempty"`        // of a macvtap, which has to be removed
	DownScript string `json:"downScript,omitempty"` // to be run
	PCI        string `json:"pci,omitempty"`        // a device of the host that goes back to its driver
	Switch     bool   `json:"switch,omitempty"`     // it is a port of an Open vSwitch
	// Process is a companion that QEMU may not have reached.
	Process *drivers.Process `json:"process,omitempty"`
	State   string           `json:"state,omitempty"`  // a folder that only a defined domain keeps
	Socket  string           `json:"socket,omitempty"` // QEMU listens on it, and takes it away only if it ends in order
	Owner   *fileOwner       `json:"owner,omitempty"`  // an image that goes back to whose it was
}

func hostEnds(dir string) (list []hostEnd) {
	data, err := os.ReadFile(filepath.Join(dir, endsFile))
	if err == nil {
		_ = json.Unmarshal(data, &list)
	}
	return list
}

// note adds to the list.
func note(dir string, e hostEnd) error {
	return editEnds(dir, func(list []hostEnd) []hostEnd { return append(list, e) })
}

// editEnds changes the list. A command may note what a device needs while the
// watcher takes away what another one has left.
func editEnds(dir string, edit func([]hostEnd) []hostEnd) error {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	lock, err := drivers.LockFile(ctx, filepath.Join(dir, endsLock))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	data, err := json.Marshal(edit(hostEnds(dir)))
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(filepath.Join(dir, endsFile), data, 0o600)
}

// disconnect takes away what an ended guest's devices have left; kept: the
// domain is still defined.
func disconnect(dir string, kept bool) {
	for _, e := range hostEnds(dir) {
		e.remove()
		if e.State != "" && !kept {
			os.RemoveAll(e.State)
		}
	}
}

func (e hostEnd) remove() {
	if e.Port != "" {
		os.Remove(e.Port)
	}
	if e.DownScript != "" {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		_ = runScript(ctx, e.DownScript, e.Dev)
	}
	if e.Switch {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		network.UnplugSwitch(ctx, e.Dev)
	}
	if e.PCI != "" {
		_ = nodedev.Host{Sys: hostSys}.Bind(e.PCI, "")
	}
	if e.Socket != "" {
		removeSocket(e.Socket)
	}
	if e.Process != nil {
		_ = e.Process.Signal(unix.SIGTERM)
	}
	if e.Owner != nil {
		e.Owner.remove()
	}
	if e.MAC == "" {
		return
	}
	i, err := net.InterfaceByName(e.Dev)
	if err != nil || !strings.EqualFold(i.HardwareAddr.String(), e.MAC) {
		return
	}
	if link, err := netlink.LinkByIndex(i.Index); err == nil && link.Type() == "macvtap" {
		_ = netlink.LinkDel(link)
	}
}

// release takes away what belonged to one device of a guest that goes on.
func release(dir string, device any) {
	var belongs func(hostEnd) bool
	switch k := device.(type) {
	case *xml.Interface:
		belongs = func(e hostEnd) bool {
			port := k.Source != nil && k.Source.PortID != "" && filepath.Base(e.Port) == k.Source.PortID+".xml"
			return port || e.Socket != "" && k.Type == "vhostuser" && k.Source != nil && k.Source.Path == e.Socket ||
				e.Dev != "" && k.Target != nil && k.Target.Dev == e.Dev ||
				e.PCI != "" && k.Type == "hostdev" && k.Source != nil && k.Source.PCI != nil && pciName(k.Source.PCI) == e.PCI
		}
	case *xml.Hostdev:
		belongs = func(e hostEnd) bool {
			return e.PCI != "" && k.Type == "pci" && k.Source != nil && k.Source.Address != nil && hostPCIName(k.Source.Address) == e.PCI
		}
	default:
		return
	}
	// What could not be written off goes when the guest ends.
	_ = editEnds(dir, func(list []hostEnd) []hostEnd {
		return slices.DeleteFunc(list, func(e hostEnd) bool {
			mine := belongs(e)
			if mine {
				e.remove()
			}
			return mine
		})
	})
}

func (c *Conn) networks() *network.Networks {
	return kept.Objects(c.root, drivers.Network).(*network.Networks)
}

// connect plugs the interfaces of networks into them: what they are plugged into
// stands in the definition from then on.
func (c *Conn) connect(ctx context.Context, dom *xml.Domain, dir string) error {
	for i := range dom.Devices.Interfaces {
		if err := c.connectOne(ctx, dom, &dom.Devices.Interfaces[i], dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) connectOne(ctx context.Context, dom *xml.Domain, n *xml.Interface, dir string) error {
	if n.Type == "vhostuser" {
		return vhostUserEnd(n, dir)
	}
	if n.Type != "network" || n.Source == nil {
		return nil
	}
	p := portOf(dom, n)
	nets := c.networks()
	if err := note(dir, hostEnd{Port: nets.PortFile(n.Source.Network, string(p.UUID))}); err != nil {
		return err
	}
	if err := nets.Plug(ctx, n.Source.Network, p); err != nil {
		return err
	}
	plugInto(n, p)
	return nil
}

// vhostUserEnd prepares the host's end of an interface that another process serves.
func vhostUserEnd(n *xml.Interface, dir string) error {
	if n.MTU != nil && n.MTU.Size > 0 {
		name := "(null)" // as libvirt says it of one that has no name
		if n.Target != nil && n.Target.Dev != "" {
			name = n.Target.Dev
		}
		link, err := netlink.LinkByName(name)
		if err != nil {
			return xml.Errorf(xml.CodeSystem, "Cannot set interface MTU on '%s': No such device", name)
		}
		if err := netlink.LinkSetMTU(link, int(n.MTU.Size)); err != nil {
			return xml.Errorf(xml.CodeSystem, "Cannot set interface MTU on '%s': %s", name, drivers.SystemText(err))
		}
	}
	if n.Source != nil && n.Source.Mode == "server" { // one behind passt needs none
		return note(dir, hostEnd{Socket: n.Source.Path})
	}
	return nil
}

// removeSocket removes a socket on which nobody listens any more.
func removeSocket(path string) {
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode()&os.ModeSocket == 0 {
		return
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return
	}
	os.Remove(path)
}

// portOf asks a network for a port.
func portOf(dom *xml.Domain, n *xml.Interface) *xml.NetworkPort {
	p := &xml.NetworkPort{UUID: xml.UUID(drivers.NewUUID()), Group: n.Source.PortGroup, Bandwidth: n.Bandwidth, VLAN: n.VLAN, VirtualPort: n.VirtualPort,
		Port: n.Port, Owner: &xml.NetworkPortOwner{Name: dom.Name, UUID: xml.UUID(dom.UUID)}}
	if n.MAC != nil {
		p.MAC = &xml.NetworkPortMAC{Address: xml.MACAddress(n.MAC.Address)}
	}
	return p
}

// plugInto writes what a port is plugged into to the interface, as a running
// guest's document shows it.
func plugInto(n *xml.Interface, p *xml.NetworkPort) {
	n.Source.PortID = string(p.UUID)
	n.Source.Bridge, n.Source.Dev, n.Source.Mode = p.Plug.Bridge, p.Plug.Dev, p.Plug.Mode
	n.Bandwidth, n.VLAN, n.Port, n.VirtualPort = p.Bandwidth, p.VLAN, p.Port, p.VirtualPort
}

// foresee is connect for a start that is only shown: nothing is plugged in.
func (c *Conn) foresee(ctx context.Context, dom *xml.Domain) error {
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if n.Type != "network" || n.Source == nil {
			continue
		}
		p := portOf(dom, n)
		if err := c.networks().Foresee(ctx, n.Source.Network, p); err != nil {
			return err
		}
		plugInto(n, p)
	}
	return nil
}
