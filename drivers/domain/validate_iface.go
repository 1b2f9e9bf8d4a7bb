package domain

import "virgo/xml"

// checkInterface checks a network card by itself.
func checkInterface(n *xml.Interface, qemu bool) error {
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
	if qemu && len(n.Routes) > 0 {
		return unsupported("Invalid attempt to set network interface guest-side IP route, not supported by QEMU")
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

// checkNetworks checks what leads to networks: cards and host devices.
func checkNetworks(d *xml.Domain, qemu bool) error {
	for i := range d.Devices.Interfaces {
		n := &d.Devices.Interfaces[i]
		if err := checkROM(n.ROM); err != nil {
			return err
		}
		if err := checkInterface(n, qemu); err != nil {
			return err
		}
	}
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if err := checkROM(h.ROM); err != nil {
			return err
		}
		if t := h.Teaming; t != nil && t.Type != "transient" {
			return unsupported("teaming hostdev devices must have type='transient'")
		}
		if s := h.Source; s != nil && s.StartupPolicy != "" && h.Mode == "subsystem" && h.Type != "usb" {
			return unsupported("Setting startupPolicy is only allowed for USB devices")
		}
	}
	return nil
}
