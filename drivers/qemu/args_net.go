package qemu

import (
	"virgo/xml"
)

// nicDrivers are QEMU's names of network cards, where they differ.
func nicDriver(i *xml.Interface) string {
	model := ""
	if i.Model != nil {
		model = i.Model.Type
	}
	switch model {
	case "":
		return "rtl8139"
	case "virtio", "virtio-transitional", "virtio-non-transitional":
		return virtioName("virtio-net", model, i.Address)
	case "netfront":
		return ""
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
	switch i.Type {
	case "user":
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
	case "bridge":
		p := newProps("type", "tap")
		if a.ByHand {
			p.str("ifname", handTap(taps(a.d)[a.fd-tapDescriptor], a.d, a.fd-tapDescriptor)).str("script", "no").str("downscript", "no")
		} else {
			p.str("fd", itoa(a.fd))
		}
		a.add("-netdev", p.str("id", id).String())
		a.fd++
	case "null":
	default:
		a.fail(xml.CodeConfigUnsupported, "interfaces of type '%s' are not supported by this driver; use type 'user' or 'bridge'", i.Type)
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
	driver := nicDriver(i)
	if a.onBoard(i) {
		opt := "nic,macaddr=" + i.MAC.Address + ",netdev=" + netdev + ",model=" + i.Model.Type + ",id=" + aliasOf(i.Alias)
		a.add("-net", opt)
		return
	}
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
	if i.MTU != nil {
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
	if !isARM(t.Arch) || i.Model == nil || i.MAC == nil || isVirt(t.Arch, t.Machine) || t.Machine == "versatilepb" {
		return false
	}
	return i.Address == nil
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

// taps lists the tap devices that the interfaces need, in their order.
func taps(d *xml.Domain) []Tap {
	var list []Tap
	for _, i := range d.Devices.Interfaces {
		if i.Type == "bridge" && i.Source != nil {
			t := Tap{Bridge: i.Source.Bridge}
			if i.MAC != nil {
				t.MAC = i.MAC.Address
			}
			if i.Target != nil {
				t.Name = i.Target.Dev
			}
			list = append(list, t)
		}
	}
	return list
}

// Tap is a tap device to be made for one interface.
type Tap struct {
	Bridge string
	MAC    string // the guest's end
	Name   string // filled in when it is made
}
