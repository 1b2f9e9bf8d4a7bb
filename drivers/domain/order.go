package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// insertDevices puts disks and controllers where the peer inserts them, moves
// the primary video card to the front, and drops what does not count: places of
// what is none, aliases that are not the user's, terminals of former runs.
func insertDevices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	dev.Disks = sortDisks(dev.Disks)
	usbCompanions(dev.Controllers)
	dev.Controllers = sortControllers(dev.Controllers) // before those without a number get one
	again := len(dev.Controllers) > 1 && slices.ContainsFunc(dev.Controllers[1:], func(c xml.Controller) bool { return c.Index == nil && c.Type == "usb" && isICH9(c.Model) })
	nextIndexes(dev.Controllers)
	if again { // the peer finds a place for all anew when one of ICH9's that is not the first gets its number
		dev.Controllers = sortControllers(dev.Controllers)
	}
	for i := range dev.Videos {
		if m := dev.Videos[i].Model; m != nil && m.Primary == "yes" && i > 0 {
			v := dev.Videos[i]
			dev.Videos = slices.Insert(slices.Delete(dev.Videos, i, i+1), 0, v)
			break
		}
	}
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Type == "usb" && c.Model == "none" {
			c.Alias, c.Address = nil, nil
		}
	}
	for i := range dev.Videos {
		if v := &dev.Videos[i]; v.Model != nil && v.Model.Type == "none" {
			v.Driver, v.ACPI, v.Address = nil, nil, nil
		}
	}
	eachDevice(d, func(v deviceView) {
		if *v.alias != nil && !userAlias((*v.alias).Name) {
			*v.alias = nil
		}
	})
	for _, source := range dev.CharSources() {
		if source.Type == "pty" { // which terminal it is shows when the guest runs
			source.Path, source.TTY = "", ""
		}
	}
	d.ID = nil
	return nil
}

// userAlias tells whether a device's name is one that the user may give.
func userAlias(name string) bool {
	rest, ok := strings.CutPrefix(name, "ua-")
	return ok && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func sortDisks(list []xml.Disk) []xml.Disk {
	return insertSorted(list, func(a, b *xml.Disk) bool { return diskBus(a) == diskBus(b) },
		func(there, v *xml.Disk) bool { return diskIndex(diskName(there)) > diskIndex(diskName(v)) })
}

// sortControllers takes one without a number behind all others, and lets others pass it.
func sortControllers(list []xml.Controller) []xml.Controller {
	return insertSorted(list, func(a, b *xml.Controller) bool { return a.Type == b.Type },
		func(there, v *xml.Controller) bool {
			return there.Index != nil && v.Index != nil && controllerRank(there) > controllerRank(v)
		})
}

// SortControllers puts controllers in the order in which a definition has them
// that is read once more, when all have numbers.
func SortControllers(d *xml.Domain) {
	d.Devices.Controllers = sortControllers(d.Devices.Controllers)
}

// insertSorted rebuilds a list by inserting one after the other: among those of
// the same class, before the first one that is greater, else behind the last.
func insertSorted[T any](list []T, same, greater func(there, v *T) bool) []T {
	out := make([]T, 0, len(list))
	for i := range list {
		v := &list[i]
		at := -1
		for j := len(out) - 1; j >= 0; j-- {
			switch {
			case !same(&out[j], v):
			case greater(&out[j], v):
				at = j
			case at < 0:
				at = j + 1
			}
		}
		if at < 0 {
			at = len(out)
		}
		out = slices.Insert(out, at, *v)
	}
	return out
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func diskName(v *xml.Disk) string {
	if v.Target == nil {
		return ""
	}
	return v.Target.Dev
}

func diskBus(v *xml.Disk) string {
	if v.Target == nil {
		return ""
	}
	return v.Target.Bus
}

// diskPrefixes are the beginnings of disks' names and the bus that each means.
var diskPrefixes = []struct{ prefix, bus string }{
	{"fd", "fdc"}, {"hd", "ide"}, {"vd", "virtio"}, {"sd", "scsi"}, {"xvd", "xen"}, {"ubd", "uml"}, {"mmcblk", "sd"},
}

// diskPrefixed tells whether a name begins as disks' names do.
func diskPrefixed(name string) bool {
	for _, p := range diskPrefixes {
		if strings.HasPrefix(name, p.prefix) {
			return true
		}
	}
	return false
}

// diskIndex is the number of a disk's name: vda 0, vdz 25, vdaa 26; -1 if the
// name is none.
func diskIndex(name string) int {
	rest, ok := "", false
	for _, p := range diskPrefixes {
		if rest, ok = strings.CutPrefix(name, p.prefix); ok {
			break
		}
	}
	if !ok {
		return -1
	}
	idx, i := 0, 0
	for ; i < len(rest) && rest[i] >= 'a' && rest[i] <= 'z'; i++ {
		if i > 0 {
			idx++
		}
		if idx > (1<<31-26)/26 {
			return -1
		}
		idx = idx*26 + int(rest[i]-'a')
	}
	if i == 0 {
		return -1
	}
	// A partition's number may follow.
	for j := i; j < len(rest); j++ {
		if rest[j] < '0' || rest[j] > '9' {
			return -1
		}
	}
	return idx
}

// controllerRank orders controllers of a type: by number; companions behind their
// USB 2 controller.
func controllerRank(v *xml.Controller) int {
	rank := 2 * int(*v.Index)
	if v.Master != nil {
		rank++
	}
	return rank
}

// usbCompanions gives the USB 1 controllers of ICH9 their first port.
func usbCompanions(list []xml.Controller) {
	for i := range list {
		c := &list[i]
		if c.Type != "usb" || c.Master != nil {
			continue
		}
		switch c.Model {
		case "ich9-uhci1":
			c.Master = &xml.ControllerMaster{StartPort: 0}
		case "ich9-uhci2":
			c.Master = &xml.ControllerMaster{StartPort: 2}
		case "ich9-uhci3":
			c.Master = &xml.ControllerMaster{StartPort: 4}
		}
	}
}

// lastICH9 is the number of the last USB controller before, if it belongs to a
// set of ICH9's controllers that lacks this model.
func lastICH9(before []xml.Controller, model string) *uint {
	if !isICH9(model) {
		return nil
	}
	var last *xml.Controller
	for i := range before {
		if before[i].Type == "usb" {
			last = &before[i]
		}
	}
	if last == nil || !isICH9(last.Model) {
		return nil
	}
	for i := range before {
		if c := &before[i]; c.Type == "usb" && *c.Index == *last.Index && c.Model == model {
			return nil
		}
	}
	return last.Index
}

// nextIndexes numbers controllers that have no number: the lowest one that is
// free of their type.
func nextIndexes(list []xml.Controller) {
	for i := range list {
		if list[i].Index != nil {
			continue
		}
		if n := lastICH9(list[:i], list[i].Model); list[i].Type == "usb" && n != nil {
			list[i].Index = ptr(*n)
			continue
		}
		next := uint(0)
		for taken := true; taken; {
			taken = false
			for j := range list {
				if list[j].Type == list[i].Type && list[j].Index != nil && *list[j].Index == next {
					taken = true
					next++
				}
			}
		}
		list[i].Index = &next
	}
}
