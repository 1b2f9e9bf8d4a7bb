package domain

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// usbHub is a hub, or the root hub of a controller. ports[i] is port i+1.
type usbHub struct {
	ports []usbPort
	full  bool // nothing is free here or below
}

type usbPort struct {
	used bool
	hub  *usbHub
}

func newHub(n int) *usbHub {
	return &usbHub{ports: make([]usbPort, n)}
}

// usbPorts is how many ports a controller of a model has.
func usbPorts(c *xml.Controller) int {
	switch c.Model {
	case "piix3-uhci", "piix4-uhci", "vt82c686b-uhci", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3":
		return 2
	case "pci-ohci":
		return 3
	case "ehci", "ich9-ehci1":
		return 6
	case "nec-xhci", "qemu-xhci":
		if c.Ports != nil && *c.Ports > 0 {
			return int(*c.Ports)
		}
		return 4
	}
	return 0
}

// usbDevice is a device on USB.
type usbDevice struct {
	addr **xml.Address
	hub  bool
}

// usbDevices lists the devices on USB in the order of assignment: hubs first.
func usbDevices(d *xml.Domain) []usbDevice {
	dev := &d.Devices
	var out []usbDevice
	for i := range dev.Hubs {
		out = append(out, usbDevice{&dev.Hubs[i].Address, true})
	}
	for i := range dev.Disks {
		if v := &dev.Disks[i]; diskBus(v) == "usb" {
			out = append(out, usbDevice{&v.Address, false})
		}
	}
	for i := range dev.Interfaces {
		if n := &dev.Interfaces[i]; n.Model != nil && n.Model.Type == "usb-net" {
			out = append(out, usbDevice{&n.Address, false})
		}
	}
	for i := range dev.Sounds {
		if s := &dev.Sounds[i]; s.Model == "usb" {
			out = append(out, usbDevice{&s.Address, false})
		}
	}
	for i := range dev.Hostdevs {
		if h := &dev.Hostdevs[i]; h.Mode == "subsystem" && h.Type == "usb" {
			out = append(out, usbDevice{&h.Address, false})
		}
	}
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Type == "ccid" {
			out = append(out, usbDevice{&c.Address, false})
		}
	}
	for i := range dev.Serials {
		if s := &dev.Serials[i]; s.Target != nil && s.Target.Type == "usb-serial" {
			out = append(out, usbDevice{&s.Address, false})
		}
	}
	for i := range dev.Inputs {
		if in := &dev.Inputs[i]; in.Bus == "usb" {
			out = append(out, usbDevice{&in.Address, false})
		}
	}
	for i := range dev.Filesystems {
		if f := &dev.Filesystems[i]; f.Driver != nil && f.Driver.Type == "mtp" {
			out = append(out, usbDevice{&f.Address, false})
		}
	}
	for i := range dev.Redirdevs {
		out = append(out, usbDevice{&dev.Redirdevs[i].Address, false})
	}
	return out
}

// noUSB tells whether the definition says that the guest has no USB.
func noUSB(d *xml.Domain) bool {
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "usb" && c.Model == "none" {
			return true
		}
	}
	return false
}

// usbSet are the buses by number.
type usbSet map[uint]*usbHub

// assignUSB gives USB devices their ports, adding hubs where ports are short. keep:
// ports that are not named are left so.
func assignUSB(d *xml.Domain, keep bool) error {
	set := usbSet{}
	count := 0
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "usb" || c.Model == "none" || c.Master != nil && isICH9(c.Model) && c.Model != "ich9-ehci1" {
			continue
		}
		if n := usbPorts(c); n > 0 {
			if set[*c.Index] != nil {
				return xml.Errorf(xml.CodeXML, "Duplicate USB controllers with index %d", *c.Index)
			}
			set[*c.Index] = newHub(n)
			count += n
		}
	}
	devices := usbDevices(d)
	if len(set) == 0 {
		if len(devices) > 0 && (noUSB(d) || !isX86(d) && !hasUSB(d)) {
			return unsupported("USB is disabled for this domain, but USB devices are present in the domain XML")
		}
		return nil
	}
	need := 0
	for _, v := range devices {
		if v.hub {
			count += 8
		}
		if a := *v.addr; a == nil || a.Type == "usb" && a.Port == "" {
			need++
		} else {
			count--
		}
	}
	if need > count && !keep {
		// A hub takes a port and gives eight; the peer keeps one to spare.
		for hubs := (need - count + 1 + 6) / 7; hubs > 0; hubs-- {
			d.Devices.Hubs = append(d.Devices.Hubs, xml.Hub{Type: "usb"})
		}
		devices = usbDevices(d)
	}
	for _, hubs := range []bool{true, false} {
		for _, v := range devices {
			if a := *v.addr; v.hub == hubs && a != nil && a.Type == "usb" && a.Port != "" {
				if err := set.reserve(a, v.hub); err != nil {
					return err
				}
			}
		}
	}
	if keep {
		return nil
	}
	for _, v := range devices {
		if a := *v.addr; a != nil && (a.Type != "usb" || a.Port != "") {
			continue
		}
		a, err := set.assign(*v.addr, v.hub)
		if err != nil {
			return err
		}
		*v.addr = a
	}
	return nil
}

func (s usbSet) reserve(a *xml.Address, hub bool) error {
	h := s[a.Bus]
	if h == nil {
		return xml.Errorf(xml.CodeXML, "Missing USB bus %d", a.Bus)
	}
	parts := strings.Split(a.Port, ".")
	for i, p := range parts {
		n, _ := strconv.Atoi(p)
		if n < 1 || n > len(h.ports) {
			return xml.Errorf(xml.CodeXML, "requested USB port %s not present on USB bus %d", a.Port, a.Bus)
		}
		port := &h.ports[n-1]
		if i < len(parts)-1 {
			if port.hub == nil {
				return xml.Errorf(xml.CodeXML, "there is no hub at port %s in USB address bus: %d port: %s", p, a.Bus, a.Port)
			}
			h = port.hub
			continue
		}
		if port.used && hub {
			return xml.Errorf(xml.CodeXML, "Duplicate USB hub on bus %d port %s", a.Bus, a.Port)
		}
		if port.used {
			return xml.Errorf(xml.CodeXML, "Duplicate USB address bus %d port %s", a.Bus, a.Port)
		}
		port.used = true
		if hub {
			port.hub = newHub(8)
		}
	}
	return nil
}

// assign takes the first free port: of the bus that is named, or of any.
func (s usbSet) assign(old *xml.Address, hub bool) (*xml.Address, error) {
	var buses []uint
	if old != nil && old.Type == "usb" {
		if s[old.Bus] == nil {
			return nil, xml.Errorf(xml.CodeXML, "USB bus %d requested but no controller with that index is present", old.Bus)
		}
		buses = []uint{old.Bus}
	} else {
		for n := uint(0); len(buses) < len(s) && n < 65536; n++ {
			if s[n] != nil {
				buses = append(buses, n)
			}
		}
	}
	for _, n := range buses {
		if port := s[n].take(0, hub); port != "" {
			return &xml.Address{Type: "usb", Bus: n, Port: port}, nil
		}
	}
	return nil, xml.Errorf(xml.CodeInternal, "No free USB ports")
}

// take finds a free port of h, else one below its first hub that has any.
func (h *usbHub) take(depth int, hub bool) string {
	if depth == 4 || h.full {
		return ""
	}
	for i := range h.ports {
		if p := &h.ports[i]; !p.used {
			p.used = true
			if hub {
				p.hub = newHub(8)
			}
			return strconv.Itoa(i + 1)
		}
	}
	for i := range h.ports {
		if below := h.ports[i].hub; below != nil {
			if found := below.take(depth+1, hub); found != "" {
				return strconv.Itoa(i+1) + "." + found
			}
		}
	}
	h.full = true
	return ""
}
