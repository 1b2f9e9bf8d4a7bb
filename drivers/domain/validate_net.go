package domain

import (
	"strings"

	"virgo/xml"
)

// checkInterface checks a network card by itself.
func checkInterface(c *deviceCheck, n *xml.Interface) error {
	if err := checkROM(n.ROM, n.Address); err != nil {
		return err
	}
	passt := n.Type == "user" || n.Type == "vhostuser"
	if b := n.Backend; b != nil && b.Type == "passt" && !passt {
		return unsupported("The 'passt' backend can only be used with interface type='user' or type='vhostuser'")
	}
	if len(n.PortForwards) > 0 && (!passt || n.Backend == nil || n.Backend.Type != "passt") {
		return unsupported("The <portForward> element can only be used with the 'passt' backend of interface type='user' or type='vhostuser'")
	}
	if t := n.Target; t != nil && t.Managed == "no" && n.Type != "ethernet" {
		return unsupported("unmanaged target dev is not supported on interfaces of type '%s'", n.Type)
	}
	if t := n.Teaming; t != nil && t.Type == "transient" && t.Persistent == "" {
		return unsupported("teaming persistent attribute must be set if teaming type is 'transient'")
	}
	if p := n.Port; p != nil && p.Isolated == "yes" && n.Type != "bridge" && n.Type != "network" {
		mac := ""
		if n.MAC != nil {
			mac = n.MAC.Address
		}
		return unsupported("interface %s - <port isolated='yes'/> is not supported for network interfaces with type='%s'", mac, n.Type)
	}
	if b := n.Bandwidth; b != nil && b.Inbound != nil && b.Inbound.Floor > 0 && n.Type != "network" {
		return unsupported("floor attribute is not supported for this config")
	}
	if dr := n.Driver; dr != nil && (n.Model == nil || !strings.HasPrefix(n.Model.Type, "virtio")) {
		return noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ)
	}
	return nil
}

// checkROM refuses the parts of a ROM that is not there, or that a device at
// this address cannot have.
func checkROM(r *xml.ROM, a *xml.Address) error {
	if r == nil {
		return nil
	}
	if a != nil && a.Type != "pci" && a.Type != "unassigned" {
		return unsupported("ROM tuning is only supported for PCI devices")
	}
	if r.Enabled == "no" && (r.Bar != "" || r.File != nil) {
		return unsupported("ROM tuning is not supported when ROM is disabled")
	}
	return nil
}

// checkQEMUInterface checks what QEMU does not take.
func checkQEMUInterface(c *deviceCheck, n *xml.Interface) error {
	if len(n.Routes) > 0 {
		return unsupported("Invalid attempt to set network interface guest-side IP route, not supported by QEMU")
	}
	if dr := n.Driver; dr != nil {
		if dr.RXQueueSize&(dr.RXQueueSize-1) != 0 {
			return unsupported("rx_queue_size has to be a power of two")
		}
		if dr.TXQueueSize&(dr.TXQueueSize-1) != 0 {
			return unsupported("tx_queue_size has to be a power of two")
		}
	}
	if n.Type == "vhostuser" && n.Backend != nil && n.Backend.Type == "passt" && !sharedMemory(c.d) {
		return unsupported("'interface' requires shared memory")
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
