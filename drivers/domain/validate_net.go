package domain

import (
	"strings"

	"virgo/xml"
)

// checkInterface checks a network card by itself.
func checkInterface(c *deviceCheck, n *xml.Interface) error {
	if err := checkROM(n.ROM); err != nil {
		return err
	}
	passt := n.Type == "user" || n.Type == "vhostuser"
	if s := n.Source; s != nil && len(s.IPs)+len(s.Routes) > 0 && n.Type != "ethernet" {
		return unsupported("Invalid attempt to set network interface host-side IP route and/or address info on interface of type '%s'. This is only supported on interfaces of type 'ethernet'", n.Type)
	}
	if b := n.Backend; b != nil && b.Type == "passt" && !passt {
		return unsupported("The 'passt' backend can only be used with interface type='user' or type='vhostuser'")
	}
	if len(n.PortForwards) > 0 && (!passt || n.Backend == nil || n.Backend.Type != "passt") {
		return unsupported("The <portForward> element can only be used with the 'passt' backend of interface type='user' or type='vhostuser'")
	}
	if t := n.Target; t != nil && t.Managed == "no" && n.Type != "ethernet" {
		return unsupported("unmanaged target dev is not supported on interfaces of type '%s'", n.Type)
	}
	if dr := n.Driver; dr != nil && (n.Model == nil || !strings.HasPrefix(n.Model.Type, "virtio")) {
		if err := noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ); err != nil {
			return err
		}
	}
	if t := n.Teaming; t != nil && t.Type == "transient" && t.Persistent == "" {
		return unsupported("teaming persistent attribute must be set if teaming type is 'transient'")
	}
	if t := n.Teaming; t != nil && t.Type == "persistent" && t.Persistent != "" {
		return unsupported("teaming persistent attribute not allowed if teaming type is 'persistent'")
	}
	if p := n.Port; p != nil && p.Isolated == "yes" && n.Type != "bridge" && n.Type != "network" {
		mac := ""
		if n.MAC != nil {
			mac = n.MAC.Address
		}
		return unsupported("interface %s - <port isolated='yes'/> is not supported for network interfaces with type='%s'", mac, n.Type)
	}
	if c.t.Driver == "xen" && n.FilterRef != nil {
		return unsupported("filterref is not supported in xen")
	}
	return nil
}

// vhostUserPath refuses a program's interface without its socket.
func vhostUserPath(n *xml.Interface) error {
	if n.Type == "vhostuser" && (n.Backend == nil || n.Backend.Type != "passt") && (n.Source == nil || n.Source.Path == "") {
		return xml.Errorf(xml.CodeXML, "Missing required attribute 'path' in element 'source'")
	}
	return nil
}

// checkROM refuses the parts of a ROM that is not there.
func checkROM(r *xml.ROM) error {
	if r != nil && r.Enabled == "no" && (r.Bar != "" || r.File != nil) {
		return unsupported("ROM tuning is not supported when ROM is disabled")
	}
	return nil
}

// checkQEMUROM refuses a ROM of a device at an address that has none.
func checkQEMUROM(r *xml.ROM, a *xml.Address) error {
	if r != nil && *r != (xml.ROM{}) && a != nil && a.Type != "pci" && a.Type != "unassigned" {
		return unsupported("ROM tuning is only supported for PCI devices")
	}
	return nil
}

// checkQEMUInterface checks what QEMU does not take.
func checkQEMUInterface(c *deviceCheck, n *xml.Interface) error {
	if err := checkQEMUROM(n.ROM, n.Address); err != nil {
		return err
	}
	if len(n.Routes) > 0 {
		return unsupported("Invalid attempt to set network interface guest-side IP route, not supported by QEMU")
	}
	if err := qemuGuestIPs(n); err != nil {
		return err
	}
	if err := vhostUserPath(n); err != nil {
		return err
	}
	if n.Type == "vhostuser" {
		if s := n.Source; s != nil && s.Mode == "server" && s.Reconnect != nil && s.Reconnect.Enabled == "yes" {
			return unsupported("'reconnect' attribute is not supported when source mode='server' for <interface type='vhostuser'>")
		}
		if !sharedMemory(c.d) {
			return unsupported("'interface' requires shared memory")
		}
	}
	if err := qemuNetKind(n); err != nil {
		return err
	}
	if dr := n.Driver; dr != nil {
		if dr.RXQueueSize&(dr.RXQueueSize-1) != 0 {
			return unsupported("rx_queue_size has to be a power of two")
		}
		if dr.TXQueueSize&(dr.TXQueueSize-1) != 0 {
			return unsupported("tx_queue_size has to be a power of two")
		}
	}
	return nil
}

// qemuGuestIPs refuses addresses that QEMU cannot give the guest.
func qemuGuestIPs(n *xml.Interface) error {
	four, six := 0, 0
	for i := range n.IPs {
		ip := &n.IPs[i]
		if n.Type != "user" && !(n.Type == "vhostuser" && n.Backend != nil && n.Backend.Type == "passt") {
			return unsupported("Invalid attempt to set network interface guest-side IP address info, not supported by QEMU")
		}
		if ip.Peer != "" {
			return unsupported("Invalid attempt to set peer IP for guest")
		}
		if ip.Family == "ipv6" {
			six++
		} else {
			four++
		}
		if four > 1 {
			return unsupported("Only one IPv4 address per interface is allowed")
		}
		if six > 1 {
			return unsupported("Only one IPv6 address per interface is allowed")
		}
	}
	return nil
}

// mtuTypes and coalesceTypes are the types of interfaces whose host side has an
// MTU, and can gather packets.
var (
	mtuTypes      = []string{"network", "bridge", "ethernet", "vhostuser"}
	coalesceTypes = []string{"network", "bridge"}
)

// qemuNetKind checks what only some types of interfaces have.
func qemuNetKind(n *xml.Interface) error {
	model := "unknown"
	virtio := false
	if n.Model != nil {
		if contains(netModels, n.Model.Type) {
			model = n.Model.Type
		}
		virtio = strings.HasPrefix(n.Model.Type, "virtio")
	}
	if (n.Type == "vdpa" || n.Type == "vhostuser") && !virtio {
		return unsupported("invalid model for interface of type '%s': '%s' - must be 'virtio'", n.Type, model)
	}
	if t := n.Teaming; t != nil {
		switch {
		case t.Type == "persistent" && !virtio:
			return unsupported("virtio-net teaming persistent interface must be <model type='virtio'/>, not '%s'", model)
		case t.Type == "transient" && n.Type != "hostdev" && n.Type != "network":
			return unsupported("virtio-net teaming transient interface must be type='hostdev', not '%s'", n.Type)
		}
	}
	if n.MTU != nil && n.MTU.Size > 0 && !contains(mtuTypes, n.Type) {
		return unsupported("setting MTU on interface type %s is not supported yet", n.Type)
	}
	if n.Coalesce != nil && !contains(coalesceTypes, n.Type) {
		return unsupported("coalesce settings on interface type %s are not supported", n.Type)
	}
	return nil
}

// noVirtioSwitches refuses switches of a device that is not virtio.
func noVirtioSwitches(iommu, ats, packed, perQueue xml.OnOff) error {
	switch {
	case iommu != "":
		return unsupported("iommu driver option is only supported for virtio devices")
	case ats != "":
		return unsupported("ats driver option is only supported for virtio devices")
	case packed != "":
		return unsupported("packed driver option is only supported for virtio devices")
	case perQueue != "":
		return unsupported("page_per_vq option is only supported for virtio devices")
	}
	return nil
}

// sharedMemory tells whether processes beside QEMU can see the guest's memory.
func sharedMemory(d *xml.Domain) bool {
	if d.Backing != nil && d.Backing.Access == "shared" {
		return true
	}
	if d.CPU != nil && d.CPU.NUMA != nil {
		for i := range d.CPU.NUMA.Cells {
			if d.CPU.NUMA.Cells[i].MemAccess != "shared" {
				return false
			}
		}
		return len(d.CPU.NUMA.Cells) > 0
	}
	return false
}
