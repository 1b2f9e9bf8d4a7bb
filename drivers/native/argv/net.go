package argv

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"virgo/xml"
)

func (r *reader) optNIC(w word) {
	if p := r.parse(w, "type"); p != nil {
		r.nics = append(r.nics, p)
	}
}

// defaultNIC is the model of network cards that name none.
func (r *reader) defaultNIC() string {
	switch {
	case r.is("pc"):
		return "e1000"
	case r.is("q35"):
		return "e1000e"
	case r.isPSeries():
		return "spapr-vlan"
	}
	return "virtio"
}

// nicDevices makes the cards of -nic and -net, and the one that QEMU adds.
func (r *reader) nicDevices() {
	if r.isBoard() {
		r.boardCards()
		return
	}
	var cards, backends []*props // of -net, which belong together by number
	for i, p := range r.nics {
		kind := p.take("type")
		switch {
		case kind == "none":
		case p.option == "-net" && kind == "nic":
			cards = append(cards, p)
		case p.option == "-net":
			p.take("id", "name", "vlan")
			backends = append(backends, r.backendOf(p, kind, fmt.Sprintf("net%d", i)))
		default:
			id := p.take("id")
			if id == "" {
				id = fmt.Sprintf("nic%d", i)
			}
			d := r.nicDevice(p, "")
			if d.base == "virtio-net" && d.transport == "pci" {
				d.set("vectors", "0") // so QEMU makes the cards of this option
			}
			r.backendOf(p, kind, id)
			d.set("netdev", id)
			r.first = append(r.first, d)
		}
	}
	for i, p := range cards {
		id := p.take("netdev")
		p.take("id", "name", "vlan")
		if id == "" && i < len(backends) {
			id, backends[i].spent = backends[i].peek("id"), true
		}
		d := r.nicDevice(p, id)
		if id == "" && len(backends) > 0 {
			r.note("-net nic: a card beyond the number of backends is not connected; QEMU has them all on one hub")
		}
		for _, key := range []string{"vectors", "addr"} {
			if v := p.take(key); v != "" {
				d.set(key, v)
			}
		}
		r.first = append(r.first, d)
	}
	for i, b := range backends {
		if i >= len(cards) {
			r.note("left out: -net %s (no card goes with it)", b)
		}
		b.spent = false
	}
	if r.defaults && len(r.nics) == 0 && len(r.netdevs) == 0 && !strings.HasPrefix(r.arch(), "riscv") && r.d.OS.Type.Machine != "microvm" {
		r.netdevs = append(r.netdevs, &props{option: "-netdev", list: []property{{key: "type", value: "user"}, {key: "id", value: "nic0"}}})
		r.first = append(r.first, build("-nic", 0, "driver", r.nicDriver(r.defaultNIC()), "netdev", "nic0"))
	}
}

// nicDriver is the device of a model.
func (r *reader) nicDriver(model string) string {
	if model == "virtio" || model == "virtio-net" {
		return "virtio-net" + r.virtioBus()
	}
	return model
}

func (r *reader) nicDevice(p *props, netdev string) *device {
	model := p.take("model")
	if model == "" {
		model = r.defaultNIC()
	}
	return build(p.option, p.line, "driver", r.nicDriver(model), "netdev", netdev, "mac", p.take("mac", "macaddr"))
}

// backendOf makes a netdev of what was not taken.
func (r *reader) backendOf(p *props, kind, id string) *props {
	b := &props{option: "-netdev", line: p.line, list: []property{{key: "type", value: kind}, {key: "id", value: id}}}
	for _, f := range p.list {
		if !f.used {
			b.list = append(b.list, f)
		}
	}
	r.netdevs = append(r.netdevs, b)
	return b
}

// nic is a network card.
func (r *reader) nic(d *device) func() {
	i := xml.Interface{Type: "null", Model: &xml.InterfaceModel{Type: d.base}}
	virtio := d.base == "virtio-net"
	if virtio {
		i.Model.Type = d.virtioModel()
	}
	v := &xml.InterfaceDriver{}
	if id := d.take("netdev"); id != "" {
		p := r.ref(d, r.netdevs, id)
		if p == nil || !r.backend(d, p, &i, v, virtio) {
			return nil
		}
	}
	quiet := d.made && d.peek("vectors") == "0"
	if quiet {
		d.take("vectors")
	}
	mac := d.peek("mac")
	i.MAC = &xml.MAC{Address: r.mac(d.take("mac"))}
	if virtio {
		nicDriverOf(d, v)
	}
	if *v != (xml.InterfaceDriver{}) {
		i.Driver = v
	}
	switch i.Type {
	case "network", "bridge", "ethernet", "vhostuser": // no others have one in definitions
		if n := d.uint("host_mtu"); n > 0 {
			i.MTU = &xml.MTU{Size: n}
		}
	}
	if d.base == "usb-net" {
		i.Address = r.usbAddress(d)
	} else {
		i.Address, i.ACPI = d.address(), d.acpiIndex()
	}
	i.ROM = r.rom(d)
	boot := r.bootOf(d, "network")
	if mac == "" { // so that it stays the same if the card is passed
		d.list = append(d.list, property{key: "mac", value: i.MAC.Address, used: true})
	}
	return func() {
		if quiet {
			r.note("%s: the card has interrupts by message (MSI-X), which QEMU does not give to cards of this option", d.option)
		}
		list := &r.d.Devices.Interfaces
		at := len(*list)
		*list = append(*list, i)
		boot.set = func(n uint) { (*list)[at].Boot = &xml.BootOrder{Order: n} }
		r.boots = append(r.boots, boot)
	}
}

// mac is the address of a card: QEMU counts from 52:54:00:12:34:56.
func (r *reader) mac(given string) string {
	if given != "" {
		given = strings.ToLower(given)
		r.taken[given] = true
		return given
	}
	for n := 0x56; ; n++ {
		mac := fmt.Sprintf("52:54:00:12:34:%02x", n&0xff)
		if !r.taken[mac] || n > 0xff+0x56 {
			r.taken[mac] = true
			return mac
		}
	}
}

// nicDriverOf are the switches of a virtio card.
func nicDriverOf(d *device, v *xml.InterfaceDriver) {
	if v.Queues > 1 {
		d.ignore("mq", "on")
		d.ignore("vectors", strconv.Itoa(int(2*v.Queues+2)))
	}
	d.ignore("mq", "off")
	v.TXMode = map[string]string{"bh": "iothread", "timer": "timer"}[d.take("tx")]
	v.IOEventFD, v.EventIdx = d.onOff("ioeventfd"), d.onOff("event_idx")
	v.RXQueueSize, v.TXQueueSize = d.uint("rx_queue_size"), d.uint("tx_queue_size")
	v.RSS, v.RSSHashReport = d.onOff("rss"), d.onOff("hash")
	if s := d.virtioDriver(); s != nil {
		v.IOMMU, v.ATS, v.Packed, v.PagePerVQ = s.IOMMU, s.ATS, s.Packed, s.PagePerVQ
	}
	h := xml.Offload{CSum: d.onOff("csum"), GSO: d.onOff("gso"), TSO4: d.onOff("host_tso4"), TSO6: d.onOff("host_tso6"), ECN: d.onOff("host_ecn"),
		UFO: d.onOff("host_ufo"), MrgRxBuf: d.onOff("mrg_rxbuf")}
	if h != (xml.Offload{}) {
		v.Host = &h
	}
	g := xml.Offload{CSum: d.onOff("guest_csum"), TSO4: d.onOff("guest_tso4"), TSO6: d.onOff("guest_tso6"), ECN: d.onOff("guest_ecn"), UFO: d.onOff("guest_ufo")}
	if g != (xml.Offload{}) {
		v.Guest = &g
	}
}

// backend is the host's side of a card; false if XML has none like it.
func (r *reader) backend(d *device, p *props, i *xml.Interface, v *xml.InterfaceDriver, virtio bool) bool {
	p.take("id")
	kind := p.take("type")
	switch kind {
	case "user":
		return r.userNet(p, i)
	case "tap":
		return r.tap(p, i, v, virtio)
	case "bridge":
		i.Type = "bridge"
		p.take("helper")
		i.Source = &xml.InterfaceSource{Bridge: p.take("br")}
		if i.Source.Bridge == "" {
			i.Source.Bridge = "br0"
		}
		return true
	case "socket":
		return socketNet(p, i)
	case "stream":
		i.Type = map[bool]string{true: "server", false: "client"}[p.isOn("server")]
		p.ignore("server", "off")
		p.ignore("addr.type", "inet")
		i.Source = &xml.InterfaceSource{Address: p.take("addr.host"), Port: p.take("addr.port")}
		return i.Source.Address != ""
	case "dgram":
		return dgramNet(p, i)
	case "vhost-user":
		c := r.ref(d, r.chardevs, p.take("chardev"))
		if c == nil {
			return false
		}
		i.Type = "vhostuser"
		i.Source = &xml.InterfaceSource{Type: "unix", Path: c.take("path"), Mode: "client"}
		if c.isOn("server") {
			i.Source.Mode = "server"
			c.ignore("wait", "on", "off")
		}
		c.take("id")
		v.Queues = p.uint("queues")
		p.ignore("vhostforce", "on")
		return c.take("backend") == "socket" && i.Source.Path != ""
	case "vhost-vdpa":
		i.Type = "vdpa"
		i.Source = &xml.InterfaceSource{Dev: p.take("vhostdev")}
		v.Queues = p.uint("queues")
		return i.Source.Dev != ""
	}
	return false
}

func (r *reader) userNet(p *props, i *xml.Interface) bool {
	i.Type = "user"
	p.ignore("ipv4", "on")
	p.ignore("ipv6", "on")
	p.ignore("restrict", "off")
	if prefix, err := netip.ParsePrefix(p.peek("net")); err == nil {
		p.take("net")
		i.IPs = append(i.IPs, xml.InterfaceIP{Family: "ipv4", Address: prefix.Addr().String(), Prefix: uint(prefix.Bits())})
	}
	if a, err := netip.ParseAddr(p.peek("ipv6-prefix")); err == nil {
		p.take("ipv6-prefix")
		i.IPs = append(i.IPs, xml.InterfaceIP{Family: "ipv6", Address: a.String(), Prefix: p.uint("ipv6-prefixlen")})
	}
	return true
}

// tap is a tap device: on a bridge, or one that others or a script take care of.
func (r *reader) tap(p *props, i *xml.Interface, v *xml.InterfaceDriver, virtio bool) bool {
	if p.has("fd") || p.has("fds") {
		r.note("-netdev %s: open files cannot be passed to a guest; use another <interface>", p)
		i.Type = "null"
		p.take("fd", "fds", "vhost", "vhostfd", "vhostfds", "vnet_hdr")
		return true
	}
	p.take("helper")
	i.Type = "ethernet"
	name := p.take("ifname")
	if name != "" {
		i.Target = &xml.InterfaceTarget{Dev: name}
	}
	script, down := p.peek("script"), p.peek("downscript")
	p.take("script", "downscript")
	switch br := p.take("br"); {
	case br != "":
		i.Type, i.Source = "bridge", &xml.InterfaceSource{Bridge: br}
	case script == "no":
		if i.Target != nil {
			i.Target.Managed = "no"
		}
	default:
		if script == "" {
			script = "/etc/qemu-ifup"
		}
		if down == "" {
			down = "/etc/qemu-ifdown"
		}
		i.Script = &xml.PathRef{Path: r.absolute(script)}
		if down != "no" {
			i.DownScript = &xml.PathRef{Path: r.absolute(down)}
		}
	}
	vhost := p.onOff("vhost")
	p.ignore("vhostforce", "off")
	p.ignore("vnet_hdr", "on")
	if virtio {
		v.Name = map[xml.OnOff]string{"on": "vhost", "off": "qemu"}[vhost]
	}
	v.Queues = p.uint("queues")
	if n := p.bytes("sndbuf", 'b'); n > 0 {
		i.Tune = &xml.InterfaceTune{SndBuf: &n}
	}
	return true
}

// hostPort cuts host:port; no host is any.
func hostPort(text string) (host, port string) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, ""
	}
	return strings.Trim(text[:i], "[]"), text[i+1:]
}

func socketNet(p *props, i *xml.Interface) bool {
	s := &xml.InterfaceSource{}
	i.Source = s
	for _, k := range []struct{ key, kind string }{{"listen", "server"}, {"connect", "client"}, {"mcast", "mcast"}, {"udp", "udp"}} {
		if a := p.take(k.key); a != "" {
			i.Type = k.kind
			s.Address, s.Port = hostPort(a)
		}
	}
	if i.Type == "udp" {
		s.Local = &xml.InterfaceLocal{}
		s.Local.Address, s.Local.Port = hostPort(p.take("localaddr"))
	}
	if s.Address == "" && i.Type == "server" {
		s.Address = "0.0.0.0"
	}
	return i.Type != "null" && s.Address != "" && s.Port != ""
}

func dgramNet(p *props, i *xml.Interface) bool {
	p.ignore("remote.type", "inet")
	p.ignore("local.type", "inet")
	s := &xml.InterfaceSource{Address: p.take("remote.host"), Port: p.take("remote.port")}
	i.Source = s
	if a, err := netip.ParseAddr(s.Address); err == nil && a.IsMulticast() {
		i.Type = "mcast"
		return true
	}
	i.Type = "udp"
	s.Local = &xml.InterfaceLocal{Address: p.take("local.host"), Port: p.take("local.port")}
	return s.Address != "" && s.Port != ""
}
