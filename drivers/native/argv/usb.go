package argv

import (
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// usbHubPorts is how many ports QEMU's hubs have.
const usbHubPorts = 8

// usbPorts are how many ports controllers have, by their models in XML.
var usbPorts = map[string]int{
	"ehci": 6, "ich9-ehci1": 6, "ich9-uhci1": 2, "ich9-uhci2": 2, "ich9-uhci3": 2, "nec-xhci": 4, "pci-ohci": 3, "piix3-uhci": 2, "piix4-uhci": 2, "qemu-xhci": 4,
}

// onUSB tells whether a device is on such a bus.
func (d *device) onUSB() bool {
	return strings.HasPrefix(d.base, "usb-") && d.base != "usb-ehci" || strings.HasPrefix(d.base, "u2f-")
}

// crowdedUSB tells whether it matters which port a device gets: where there are
// several controllers or hubs, or so many devices that QEMU adds a hub of
// itself. Otherwise a definition can leave the ports to its driver.
func (r *reader) crowdedUSB() bool {
	if r.crowded != nil {
		return *r.crowded
	}
	devices, controllers, fewest, hub, given := 0, 0, 1<<10, false, false
	if r.usb && !r.ownUSB() {
		controllers, fewest = 1, 6
		if r.is("pc") {
			fewest = 2
		}
	}
	for _, d := range r.inOrder() {
		at := slices.IndexFunc(usbModels, func(m struct{ base, model string }) bool { return m.base == d.base })
		switch {
		case d.onUSB():
			devices++
			hub = hub || d.base == "usb-hub"
			given = given || d.has("port")
		case at >= 0 && !d.has("masterbus"):
			controllers++
			fewest = min(fewest, usbPorts[usbModels[at].model])
		}
	}
	yes := devices > 1 && (hub || given || devices >= fewest) || devices > 0 && controllers > 1
	r.crowded = &yes
	return yes
}

// usbAddress is the place of a device on USB, nil if the driver may choose it.
func (r *reader) usbAddress(d *device) *xml.Address {
	if a, ok := r.usbAt[d]; ok {
		d.take("bus", "port")
		return a
	}
	given := d.has("bus") || d.has("port")
	if !given && !r.crowdedUSB() {
		return nil
	}
	c, ok := r.controllerOn(d, "usb")
	if !ok {
		return nil
	}
	a := &xml.Address{Type: "usb", Bus: c.index, Port: d.take("port")}
	if r.crowdedUSB() {
		r.usbPort(a, d.base == "usb-hub")
	}
	if r.usbAt == nil {
		r.usbAt = map[*device]*xml.Address{}
	}
	r.usbAt[d] = a
	return a
}

// usbPort takes a port as QEMU does: the first that is free, but in the last of
// them it puts a hub, if the device is none itself.
func (r *reader) usbPort(a *xml.Address, hub bool) {
	free := r.freeUSB(a.Bus)
	under := func(port string) {
		for i := range usbHubPorts {
			free = append(free, port+"."+strconv.Itoa(i+1))
		}
	}
	if a.Port == "" && len(free) == 1 && !hub {
		h := xml.Hub{Type: "usb", Address: &xml.Address{Type: "usb", Bus: a.Bus, Port: free[0]}}
		r.d.Devices.Hubs = append(r.d.Devices.Hubs, h)
		free = nil
		under(h.Address.Port)
	}
	if a.Port == "" && len(free) > 0 {
		a.Port = free[0]
	}
	free = slices.DeleteFunc(free, func(p string) bool { return p == a.Port })
	if hub && a.Port != "" {
		under(a.Port)
	}
	r.usbFree[a.Bus] = free
}

// freeUSB are the free ports of a bus.
func (r *reader) freeUSB(index uint) []string {
	if r.usbFree == nil {
		r.usbFree = map[uint][]string{}
	}
	free, ok := r.usbFree[index]
	if ok {
		return free
	}
	for _, c := range r.d.Devices.Controllers {
		if c.Type != "usb" || c.Index == nil || *c.Index != index || c.Master != nil {
			continue
		}
		n := usbPorts[c.Model]
		if c.Ports != nil {
			n = int(min(*c.Ports, 15))
		}
		for i := range n {
			free = append(free, strconv.Itoa(i+1))
		}
	}
	return free
}
