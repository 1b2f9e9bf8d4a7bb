package domain

import (
	"slices"

	"virgo/xml"
)

// controllers adds the controllers that devices need: drive addresses first,
// then one controller for each number up to the highest in use.
func controllers(d *xml.Domain, t *Traits) error {
	if err := checkNumbers(d); err != nil {
		return err
	}
	if err := uniqueControllers(d); err != nil {
		return err
	}
	if t.QEMU == nil {
		if err := hostdevsEarly(d); err != nil {
			return err
		}
	}
	for _, kind := range []struct{ bus, controller string }{{"scsi", "scsi"}, {"fdc", "fdc"}, {"ide", "ide"}, {"sata", "sata"}} {
		fillControllers(d, kind.controller, highestDrive(d, kind.bus))
	}
	serialControllers(d)
	smartcards(d)
	if len(d.Devices.Smartcards) > 0 {
		high := -1
		for i := range d.Devices.Smartcards {
			if a := d.Devices.Smartcards[i].Address; a != nil && a.Type == "ccid" {
				high = max(high, int(a.Controller))
			}
		}
		fillControllers(d, "ccid", high)
	}
	return nil
}

// checkNumbers refuses numbers beyond all bounds.
func checkNumbers(d *xml.Domain) error {
	var err error
	bad := func(n uint) {
		if n > maxController && err == nil {
			err = xml.Errorf(xml.CodeXML, "controller number %d is out of range", n)
		}
	}
	eachDevice(d, func(v deviceView) {
		if a := *v.addr; a != nil {
			bad(a.Controller)
		}
	})
	return err
}

func uniqueControllers(d *xml.Domain) error {
	list := d.Devices.Controllers
	for i := range list {
		for j := range i {
			a, b := &list[i], &list[j]
			if a.Type != b.Type || *a.Index != *b.Index || a.Type == "usb" { // which have companions
				continue
			}
			return xml.Errorf(xml.CodeXML, "Multiple '%s' controllers with index '%d'", a.Type, *a.Index)
		}
	}
	return nil
}

func isICH9(model string) bool {
	switch model {
	case "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3":
		return true
	}
	return false
}

// readControllers refuses companions where there is no other USB controller.
func readControllers(d *xml.Domain) error {
	companions, masters := 0, 0
	for i := range d.Devices.Controllers {
		switch c := &d.Devices.Controllers[i]; {
		case c.Type != "usb":
		case c.Master != nil, isICH9(c.Model) && c.Model != "ich9-ehci1":
			companions++
		default:
			masters++
		}
	}
	if companions > 0 && masters == 0 {
		return xml.Errorf(xml.CodePlain, "No master USB controller specified")
	}
	return nil
}

// hostdevControllers adds the controllers of SCSI host devices, of the model
// that there is already.
func hostdevControllers(d *xml.Domain) {
	high, model := -1, ""
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Type == "scsi" && h.Mode == "subsystem" && h.Address != nil && h.Address.Type == "drive" {
			high = max(high, int(h.Address.Controller))
		}
	}
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "scsi" && model == "" {
			model = c.Model
		}
	}
	for i := highestDrive(d, "scsi") + 1; i <= high; i++ {
		if findController(d, "scsi", uint(i)) == nil {
			addController(d, xml.Controller{Type: "scsi", Index: ptr(uint(i)), Model: model})
		}
	}
}

// highestDrive is the highest controller that drives of a bus sit on, or -1.
func highestDrive(d *xml.Domain, bus string) int {
	high := -1
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Target != nil && v.Target.Bus == bus && v.Address != nil && v.Address.Type == "drive" {
			high = max(high, int(v.Address.Controller))
		}
	}
	return high
}

// maxController bounds the numbers of controllers, so that a document cannot
// ask for millions of them.
const maxController = 4096

// fillControllers adds what is missing of 0..high.
func fillControllers(d *xml.Domain, kind string, high int) {
	for i := 0; i <= high; i++ {
		if findController(d, kind, uint(i)) == nil {
			addController(d, xml.Controller{Type: kind, Index: ptr(uint(i))})
		}
	}
}

func findController(d *xml.Domain, kind string, index uint) *xml.Controller {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type == kind && *c.Index == index {
			return c
		}
	}
	return nil
}

// addController inserts a controller where the peer would.
func addController(d *xml.Domain, c xml.Controller) *xml.Controller {
	list := d.Devices.Controllers
	at := -1
	for j := len(list) - 1; j >= 0; j-- {
		if list[j].Type != c.Type {
			continue
		}
		if controllerRank(&list[j]) <= controllerRank(&c) {
			at = j + 1
			break
		}
		at = j
	}
	if at < 0 {
		at = len(list)
	}
	d.Devices.Controllers = slices.Insert(list, at, c)
	return &d.Devices.Controllers[at]
}

// hostdevsEarly gives SCSI host devices their addresses and controllers. QEMU's
// get them before the machine's own controllers are added.
func hostdevsEarly(d *xml.Domain) error {
	scsiHostdevs(d)
	if err := checkNumbers(d); err != nil {
		return err
	}
	hostdevControllers(d)
	return nil
}

// scsiHostdevs gives host devices the first free unit of a SCSI controller.
func scsiHostdevs(d *xml.Domain) {
	type unit struct{ controller, unit uint }
	taken := map[unit]bool{}
	take := func(a *xml.Address) {
		if a != nil && a.Type == "drive" && a.Bus == 0 && a.Target == 0 {
			taken[unit{a.Controller, a.Unit}] = true
		}
	}
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		switch {
		case v.Target == nil || diskBus(v) != "scsi" && (diskBus(v) != "" || busOf(d, v) != "scsi"):
		case v.Address != nil:
			take(v.Address)
		default:
			take(driveAddress("scsi", diskIndex(v.Target.Dev), &Traits{}))
		}
	}
	for i := range d.Devices.Hostdevs {
		if h := &d.Devices.Hostdevs[i]; h.Type == "scsi" {
			take(h.Address)
		}
	}
	next := unit{}
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Type != "scsi" || h.Mode != "subsystem" || h.Address != nil {
			continue
		}
		for taken[next] {
			if next.unit++; next.unit == 7 {
				next = unit{next.controller + 1, 0}
			}
		}
		taken[next] = true
		h.Address = &xml.Address{Type: "drive", Controller: next.controller, Unit: next.unit}
	}
}

// virtioPorts are the devices on virtio-serial controllers.
func virtioPorts(d *xml.Domain) []*xml.Chardev {
	var out []*xml.Chardev
	for i := range d.Devices.Channels {
		if c := &d.Devices.Channels[i]; c.Target != nil && c.Target.Type == "virtio" {
			out = append(out, c)
		}
	}
	for i := range d.Devices.Consoles {
		if c := &d.Devices.Consoles[i]; c.Target != nil && c.Target.Type == "virtio" {
			out = append(out, c)
		}
	}
	return out
}

// serialControllers adds the virtio-serial controllers that are named, and the
// first one for ports that name none.
func serialControllers(d *xml.Domain) {
	for _, c := range virtioPorts(d) {
		index := uint(0)
		if c.Address != nil && c.Address.Type == "virtio-serial" {
			index = c.Address.Controller
		}
		if findController(d, "virtio-serial", index) == nil {
			addController(d, xml.Controller{Type: "virtio-serial", Index: &index})
		}
	}
}

// serialPort is a port of a virtio-serial controller.
type serialPort struct{ controller, port uint }

// takenSerials are the ports that devices have, of whatever kind they are.
func takenSerials(d *xml.Domain) (taken map[serialPort]bool, err error) {
	taken = map[serialPort]bool{}
	eachDevice(d, func(v deviceView) {
		if err != nil || v.addr == nil || *v.addr == nil || (*v.addr).Type != "virtio-serial" || (*v.addr).SerialPort == 0 {
			return
		}
		p := serialPort{(*v.addr).Controller, (*v.addr).SerialPort}
		switch c := findController(d, "virtio-serial", p.controller); {
		case c == nil:
			err = xml.Errorf(xml.CodeXML, "virtio serial controller %d is missing", p.controller)
		case p.port >= portLimit(c):
			err = xml.Errorf(xml.CodeXML, "virtio serial controller %d does not have port %d", p.controller, p.port)
		case taken[p]:
			err = xml.Errorf(xml.CodeXML, "virtio serial port %d on controller %d is already occupied", p.port, p.controller)
		}
		taken[p] = true
	})
	return taken, err
}

// assignSerials gives the channels on virtio-serial controllers the lowest free
// port from 1 on.
func assignSerials(d *xml.Domain) error {
	taken, err := takenSerials(d)
	if err != nil {
		return err
	}
	for i := range d.Devices.Channels {
		c := &d.Devices.Channels[i]
		if c.Target == nil || c.Target.Type != "virtio" {
			continue
		}
		if a := c.Address; a != nil && (a.Type != "virtio-serial" || a.SerialPort != 0) {
			continue
		}
		ctl := uint(0)
		fixed := c.Address != nil
		if fixed {
			ctl = c.Address.Controller
		}
		for found := false; !found; ctl++ {
			v := findController(d, "virtio-serial", ctl)
			if v == nil {
				v = addController(d, xml.Controller{Type: "virtio-serial", Index: ptr(ctl)})
			}
			for p := uint(1); p < portLimit(v); p++ {
				if !taken[serialPort{ctl, p}] {
					taken[serialPort{ctl, p}] = true
					c.Address = &xml.Address{Type: "virtio-serial", Controller: ctl, SerialPort: p}
					found = true
					break
				}
			}
			if fixed {
				break
			}
		}
	}
	return nil
}

// portLimit is one more than a virtio-serial controller's last port.
func portLimit(c *xml.Controller) uint {
	if c == nil || c.Ports == nil {
		return 31
	}
	return *c.Ports
}

// smartcards gives readers the first free slot.
func smartcards(d *xml.Domain) {
	list := d.Devices.Smartcards
	for i := range list {
		if list[i].Address != nil {
			continue
		}
		slot := uint(0)
		for taken := true; taken; {
			taken = false
			for j := range list {
				if a := list[j].Address; a != nil && a.Type == "ccid" && a.Controller == 0 && a.Slot == slot {
					taken = true
					slot++
				}
			}
		}
		list[i].Address = &xml.Address{Type: "ccid", Slot: slot}
	}
}
