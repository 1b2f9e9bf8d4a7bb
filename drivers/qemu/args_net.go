package qemu

import (
	"strings"

	"virgo/xml"
)

// nicDrivers are QEMU's names of network cards, where they differ.
func (a *args) nicDriver(i *xml.Interface) string {
	model := ""
	if i.Model != nil {
		model = i.Model.Type
	}
	switch model {
	case "":
		return "rtl8139"
	case "virtio", "virtio-transitional", "virtio-non-transitional":
		return a.virtioName("virtio-net", model, i.Address)
	case "lan9118", "smc91c111", "usb-net", "spapr-vlan":
		return model
	}
	return model
}

func (a *args) interfaces() {
	shown := 0
	for n := range a.d.Devices.Interfaces {
		i := &a.d.Devices.Interfaces[n]
		if i.Type == "hostdev" {
			continue
		}
		if a.Live {
			a.liveInterface(i)
		} else {
			a.shownInterface(i, shown)
			shown++
		}
	}
}

// shownInterface: a command line that is only shown cannot name a network's
// tap, so that every card has one of a number of its own.
func (a *args) shownInterface(i *xml.Interface, n int) {
	id := "hostnet" + itoa(n)
	a.add("-netdev", newProps("type", "tap").str("fd", itoa(a.fd)).str("id", id).String())
	a.fd++
	card := xml.Interface{Type: i.Type, MAC: i.MAC, Alias: &xml.Alias{Name: "net" + itoa(n)}, Address: i.Address}
	if i.Model != nil {
		card.Model = &xml.InterfaceModel{Type: i.Model.Type}
	}
	a.card(&card, id, indexFor(nil, a.boot.network, &a.boot.usedNet))
}

func (a *args) liveInterface(i *xml.Interface) {
	id := "host" + aliasOf(i.Alias)
	if v := i.VirtualPort; v != nil && v.Type != "" && v.Type != "openvswitch" {
		a.fail(xml.CodeConfigUnsupported, "virtual ports of type '%s' are not supported by this driver", v.Type)
		return
	}
	if i.FilterRef != nil { // unfiltered would be worse than not at all
		a.fail(xml.CodeConfigUnsupported, "filters of interfaces are not supported by this driver: <filterref filter='%s'/>", i.FilterRef.Filter)
		return
	}
	switch i.Type {
	case "user", "internal":
		if usesPasst(i) {
			a.passt(id)
			break
		}
		p := newProps("type", "user")
		for _, ip := range i.IPs {
			prefix := uint64(ip.Prefix)
			if ip.Family == "ipv6" {
				p.str("ipv6-prefix", ip.Address).optNum("ipv6-prefixlen", prefix)
			} else if prefix > 0 {
				p.str("net", ip.Address+"/"+utoa(prefix))
			} else {
				p.str("net", ip.Address)
			}
		}
		a.add("-netdev", p.str("id", id).String())
	case "bridge", "network", "ethernet", "direct":
		a.tap(i, id)
	case "server", "client", "mcast", "udp":
		a.add("-netdev", socketNetdev(i).str("id", id).String())
	case "vhostuser":
		a.vhostUser(i, id)
	case "vdpa":
		a.vdpa(i, id)
	case "null":
		if a.Live {
			a.fail(xml.CodeConfigUnsupported, "network device type 'null' is not supported by this hypervisor")
		}
	default:
		a.fail(xml.CodeConfigUnsupported, "interfaces of type '%s' are not supported by this driver", i.Type)
		return
	}
	netdev := id
	if i.Type == "null" {
		netdev = ""
	}
	a.card(i, netdev, indexFor(i.Boot, a.boot.network, &a.boot.usedNet))
}

// card is the device that the guest sees.
func (a *args) card(i *xml.Interface, netdev string, bootindex uint) {
	if a.onBoard(i) {
		opt := "nic,macaddr=" + i.MAC.Address + ",netdev=" + netdev + ",model=" + i.Model.Type + ",id=" + aliasOf(i.Alias)
		a.add("-net", opt)
		return
	}
	driver := a.nicDriver(i)
	p := newProps("driver", driver)
	if d := i.Driver; d != nil {
		p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
		p.opt("tx", map[string]string{"iothread": "bh", "timer": "timer"}[d.TXMode]).optFlag("ioeventfd", string(d.IOEventFD)).optFlag("event_idx", string(d.EventIdx))
		offloads(p, d)
		if d.Queues > 1 {
			p.flag("mq", true).num("vectors", uint64(2*d.Queues+2))
		}
		p.optNum("rx_queue_size", uint64(d.RXQueueSize)).optNum("tx_queue_size", uint64(d.TXQueueSize)).optFlag("rss", string(d.RSS)).optFlag("hash", string(d.RSSHashReport))
	}
	if i.MTU != nil && strings.HasPrefix(driver, "virtio-net") {
		p.optNum("host_mtu", uint64(i.MTU.Size))
	}
	p.opt("netdev", netdev).str("id", aliasOf(i.Alias))
	if i.MAC != nil {
		p.str("mac", i.MAC.Address)
	}
	p.optNum("bootindex", uint64(bootindex))
	a.where(p, i.Address, i.ACPI)
	rom(p, i.ROM)
	a.device(p)
}

// onBoard tells whether a card is a part of the machine's board, which only
// -net can connect.
func (a *args) onBoard(i *xml.Interface) bool {
	t := a.d.OS.Type
	if !isARM(t.Arch) || i.Model == nil || i.MAC == nil {
		return false
	}
	if i.Address == nil {
		return !isVirt(t.Arch, t.Machine) && t.Machine != "versatilepb"
	}
	return i.Address.Type == "spapr-vio"
}

func offloads(p *props, d *xml.InterfaceDriver) {
	if h := d.Host; h != nil {
		p.optFlag("csum", string(h.CSum)).optFlag("gso", string(h.GSO)).optFlag("host_tso4", string(h.TSO4)).optFlag("host_tso6", string(h.TSO6)).
			optFlag("host_ecn", string(h.ECN)).optFlag("host_ufo", string(h.UFO)).optFlag("mrg_rxbuf", string(h.MrgRxBuf))
	}
	if g := d.Guest; g != nil {
		p.optFlag("guest_csum", string(g.CSum)).optFlag("guest_tso4", string(g.TSO4)).optFlag("guest_tso6", string(g.TSO6)).
			optFlag("guest_ecn", string(g.ECN)).optFlag("guest_ufo", string(g.UFO))
	}
}

// tap is a device of the host whose descriptors QEMU inherits: one a queue and,
// with vhost, as many of that.
func (a *args) tap(i *xml.Interface, id string) {
	t := tapOf(i, a.d, a.VHost)
	p := newProps("type", "tap")
	switch {
	case a.ByHand && t.Kind == directTap:
		a.fail(xml.CodeConfigUnsupported, "an interface of type 'direct' needs an open device, which a start by hand has not")
		return
	case a.ByHand:
		p.str("ifname", handTap(t, a.d, a.taps)).str("script", "no").str("downscript", "no")
	case t.Queues > 1:
		p.str("fds", a.descriptors(t.Queues))
	default:
		p.str("fd", a.descriptors(1))
	}
	if t.VHost && !a.ByHand {
		word := "vhostfd"
		if t.Queues > 1 {
			word = "vhostfds"
		}
		p.flag("vhost", true).str(word, a.descriptors(t.Queues))
	}
	a.taps++
	a.add("-netdev", p.str("id", id).String())
}

// descriptors are the next n inherited ones, as QEMU takes a list.
func (a *args) descriptors(n int) string {
	var list []string
	for range n {
		list = append(list, itoa(a.fd))
		a.fd++
	}
	return strings.Join(list, ":")
}

// usesPasst tells whether a program of its own carries an interface's packets.
func usesPasst(i *xml.Interface) bool {
	return i.Type == "user" && i.Backend != nil && i.Backend.Type == "passt"
}

// passt is joined by a pair of sockets.
func (a *args) passt(id string) {
	if a.ByHand {
		a.fail(xml.CodeConfigUnsupported, "passt is joined by an open socket, which a start by hand has not")
		return
	}
	addr := newProps("type", "fd").str("str", a.descriptors(1))
	a.add("-netdev", newProps("type", "stream").raw("addr", addr.String()).flag("server", false).str("id", id).String())
	a.taps++
}

// vhostUser is a switch's process that moves the packets itself, in the guest's memory.
func (a *args) vhostUser(i *xml.Interface, id string) {
	if i.Backend != nil && i.Backend.Type == "passt" {
		a.fail(xml.CodeConfigUnsupported, "interfaces of type 'vhostuser' with the passt backend are not supported by this driver")
		return
	}
	s := i.Source
	char := "char" + aliasOf(i.Alias)
	opt := "socket,id=" + char + ",path=" + escapeComma(s.Path)
	if s.Mode == "server" {
		opt += ",server=on" // and QEMU waits for the switch before the guest runs
	} else {
		opt += a.socketMode(&xml.CharSource{Reconnect: s.Reconnect})
	}
	a.add("-chardev", opt)
	p := newProps("type", "vhost-user").str("chardev", char)
	if i.Driver != nil && i.Driver.Queues > 1 {
		p.num("queues", uint64(i.Driver.Queues))
	}
	a.add("-netdev", p.str("id", id).String())
}

// vdpa is a card's own virtio queues, whose device QEMU is given open.
func (a *args) vdpa(i *xml.Interface, id string) {
	dev := i.Source.Dev
	if !a.ByHand { // QEMU can open it itself, where it is allowed to
		set := itoa(a.fdsets)
		a.fdsets++
		a.add("-add-fd", "set="+set+",fd="+a.descriptors(1)+",opaque="+aliasOf(i.Alias)+"-vdpa")
		dev = "/dev/fdset/" + set
	}
	p := newProps("type", "vhost-vdpa").str("vhostdev", dev)
	if i.Driver != nil && i.Driver.Queues > 1 {
		p.num("queues", uint64(i.Driver.Queues))
	}
	a.add("-netdev", p.str("id", id).String())
	a.taps++
}

// passtArgs are passt's words behind the descriptor.
func passtArgs(i *xml.Interface) []string {
	args := []string{"--one-off", "--foreground", "--fd", "3"}
	if i.Source != nil && i.Source.Dev != "" {
		args = append(args, "--interface", i.Source.Dev)
	}
	if b := i.Backend; b.LogFile != "" {
		args = append(args, "--log-file", b.LogFile)
	}
	for _, ip := range i.IPs {
		args = append(args, "--address", ip.Address)
		if ip.Prefix > 0 && ip.Family != "ipv6" {
			args = append(args, "--netmask", utoa(uint64(ip.Prefix)))
		}
	}
	for _, f := range i.PortForwards {
		args = append(args, "--"+f.Proto+"-ports", passtPorts(&f))
	}
	return args
}

// passtPorts is ADDRESS%DEVICE/PORTS, as passt(1) has it.
func passtPorts(f *xml.PortForward) string {
	text := f.Address
	if f.Dev != "" {
		text += "%" + f.Dev
	}
	if text != "" {
		text += "/"
	}
	if len(f.Ranges) == 0 {
		return text + "all"
	}
	for n, r := range f.Ranges {
		if n > 0 {
			text += ","
		}
		if r.Exclude == "yes" {
			text += "~"
		}
		text += utoa(uint64(r.Start))
		if r.End > 0 {
			text += "-" + utoa(uint64(r.End))
		}
		if r.To > 0 {
			text += ":" + utoa(uint64(r.To))
			if r.End > 0 {
				text += "-" + utoa(uint64(r.To+r.End-r.Start))
			}
		}
	}
	return text
}

// socketNetdev joins guests over a socket of the host.
func socketNetdev(i *xml.Interface) *props {
	p := newProps("type", "socket")
	s := i.Source
	if s == nil {
		s = &xml.InterfaceSource{}
	}
	at := s.Address + ":" + s.Port
	switch i.Type {
	case "server":
		return p.str("listen", at)
	case "client":
		return p.str("connect", at)
	case "mcast":
		return p.str("mcast", at)
	}
	near := ":"
	if s.Local != nil {
		near = s.Local.Address + ":" + s.Local.Port
	}
	return p.str("udp", at).str("localaddr", near)
}

// taps lists the devices of the host that the interfaces need, in their order,
// and behind them the one of a socket device.
func taps(d *xml.Domain, vhost bool) []Tap {
	var list []Tap
	for n := range d.Devices.Interfaces {
		switch i := &d.Devices.Interfaces[n]; i.Type {
		case "bridge", "network", "ethernet", "direct":
			list = append(list, tapOf(i, d, vhost))
		case "vdpa":
			list = append(list, Tap{Kind: vdpaTap, Link: i.Source.Dev, Queues: 1})
		case "user":
			if usesPasst(i) {
				list = append(list, Tap{Kind: passtTap, Queues: 1, Passt: passtArgs(i)})
			}
		}
	}
	if d.Devices.Vsock != nil {
		list = append(list, Tap{Kind: vsockTap, Queues: 1})
	}
	return list
}

// tapOf is the device of one interface. One of a network has been told what the
// network plugs it into.
func tapOf(i *xml.Interface, d *xml.Domain, vhost bool) Tap {
	t := Tap{Kind: bridgeTap, Queues: 1, Isolated: i.Port != nil && i.Port.Isolated == "yes"}
	if s := i.Source; s != nil {
		t.Bridge, t.Link, t.Mode = s.Bridge, s.Dev, s.Mode
	}
	switch {
	case i.Type == "ethernet":
		t.Kind = plainTap
	case i.Type == "direct" || t.Bridge == "" && t.Link != "":
		t.Kind = directTap
	}
	if i.MAC != nil {
		t.MAC = i.MAC.Address
	}
	if i.Target != nil {
		t.Name, t.Unmanaged = i.Target.Dev, i.Target.Managed == "no"
	}
	if i.MTU != nil {
		t.MTU = int(i.MTU.Size)
	}
	if i.Script != nil {
		t.Script = i.Script.Path
	}
	if i.DownScript != nil {
		t.DownScript = i.DownScript.Path
	}
	t.VLAN, t.Bandwidth = i.VLAN, i.Bandwidth
	if v := i.VirtualPort; v != nil && t.Kind == bridgeTap {
		if v.Type == "openvswitch" || v.Type == "midonet" {
			t.Switch, t.Domain = v, d.UUID
		}
	}
	t.Down = i.Link != nil && i.Link.State == "down"
	backend := ""
	if v := i.Driver; v != nil {
		t.Queues, backend = max(1, int(v.Queues)), v.Name
	}
	t.VHost = vhost && d.Type == "kvm" && backend != "qemu" && i.Model != nil && strings.HasPrefix(i.Model.Type, "virtio")
	return t
}

// The kinds of Tap.
const (
	bridgeTap = ""       // a port of a bridge
	plainTap  = "plain"  // whoever wants it plugs it in
	directTap = "direct" // a macvtap on a card
	passtTap  = "passt"  // a socket to a passt
	vsockTap  = "vsock"  // the kernel's half of a socket device
	vdpaTap   = "vdpa"   // a card's own virtio queues
)

// Tap is a device of the host to be made for one interface.
type Tap struct {
	Kind           string
	Bridge         string
	Link, Mode     string // directTap: the card, and vepa, private, bridge or passthrough; vdpaTap: the device's path
	MAC            string // the guest's end
	Name           string // filled in when it is made
	Unmanaged      bool   // it is there already, and stays as it is
	MTU            int    // 0: the bridge's
	Isolated, Down bool
	Queues         int
	VHost          bool
	Script         string // run when it is there, its name the argument
	DownScript     string // run when it goes
	VLAN           *xml.VLAN
	Bandwidth      *xml.Bandwidth
	Passt          []string         // passtTap: its words
	Switch         *xml.VirtualPort // bridgeTap: the bridge is a switch of that kind
	Domain         string           // with Switch: the guest's UUID
}

// vhostVsock connects a guest's sockets to the host's.
const vhostVsock = "/dev/vhost-vsock"

// inherited says what its descriptors are.
func (t *Tap) inherited() (list []string) {
	what := map[string]string{bridgeTap: "tap in bridge " + t.Bridge, plainTap: "tap " + t.Name, directTap: "macvtap on " + t.Link, passtTap: "socket of passt", vsockTap: vhostVsock, vdpaTap: t.Link}[t.Kind]
	for range t.Queues {
		list = append(list, strings.TrimSpace(what))
	}
	for i := 0; t.VHost && i < t.Queues; i++ {
		list = append(list, "vhost for it")
	}
	return list
}
