package domain

import (
	"slices"

	"virgo/xml"
)

// deviceView is a device seen as what all devices have. Fields that a kind
// lacks are nil.
type deviceView struct {
	kind  string
	v     any // pointer to the device
	alias **xml.Alias
	addr  **xml.Address
	boot  **xml.BootOrder
}

// eachDevice goes over all devices, in the order in which they are printed.
func eachDevice(d *xml.Domain, f func(deviceView)) {
	dev := &d.Devices
	for i := range dev.Disks {
		v := &dev.Disks[i]
		f(deviceView{"disk", v, &v.Alias, &v.Address, &v.Boot})
	}
	for i := range dev.Controllers {
		v := &dev.Controllers[i]
		f(deviceView{"controller", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Filesystems {
		v := &dev.Filesystems[i]
		f(deviceView{"filesystem", v, &v.Alias, &v.Address, &v.Boot})
	}
	for i := range dev.Interfaces {
		v := &dev.Interfaces[i]
		f(deviceView{"interface", v, &v.Alias, &v.Address, &v.Boot})
	}
	for i := range dev.Smartcards {
		v := &dev.Smartcards[i]
		f(deviceView{"smartcard", v, &v.Alias, &v.Address, nil})
	}
	eachPort := func(kind string, list []xml.Chardev) {
		for i := range list {
			v := &list[i]
			f(deviceView{kind, v, &v.Alias, &v.Address, nil})
		}
	}
	eachPort("serial", dev.Serials)
	eachPort("parallel", dev.Parallels)
	eachPort("console", dev.Consoles)
	eachPort("channel", dev.Channels)
	for i := range dev.Inputs {
		v := &dev.Inputs[i]
		f(deviceView{"input", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.TPMs {
		v := &dev.TPMs[i]
		f(deviceView{"tpm", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Sounds {
		v := &dev.Sounds[i]
		f(deviceView{"sound", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Videos {
		v := &dev.Videos[i]
		f(deviceView{"video", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Hostdevs {
		v := &dev.Hostdevs[i]
		f(deviceView{"hostdev", v, &v.Alias, &v.Address, &v.Boot})
	}
	for i := range dev.Redirdevs {
		v := &dev.Redirdevs[i]
		f(deviceView{"redirdev", v, &v.Alias, &v.Address, &v.Boot})
	}
	eachLate(dev, f)
}

func eachLate(dev *xml.Devices, f func(deviceView)) {
	for i := range dev.Hubs {
		v := &dev.Hubs[i]
		f(deviceView{"hub", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Watchdogs {
		v := &dev.Watchdogs[i]
		f(deviceView{"watchdog", v, &v.Alias, &v.Address, nil})
	}
	if v := dev.Memballoon; v != nil {
		f(deviceView{"memballoon", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.RNGs {
		v := &dev.RNGs[i]
		f(deviceView{"rng", v, &v.Alias, &v.Address, nil})
	}
	if v := dev.NVRAM; v != nil {
		f(deviceView{"nvram", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Panics {
		v := &dev.Panics[i]
		f(deviceView{"panic", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Shmems {
		v := &dev.Shmems[i]
		f(deviceView{"shmem", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Memories {
		v := &dev.Memories[i]
		f(deviceView{"memory", v, &v.Alias, &v.Address, nil})
	}
	for i := range dev.Cryptos {
		v := &dev.Cryptos[i]
		f(deviceView{"crypto", v, &v.Alias, &v.Address, nil})
	}
	if v := dev.IOMMU; v != nil {
		f(deviceView{"iommu", v, &v.Alias, &v.Address, nil})
	}
	if v := dev.Vsock; v != nil {
		f(deviceView{"vsock", v, &v.Alias, &v.Address, nil})
	}
	if v := dev.PStore; v != nil {
		f(deviceView{"pstore", v, &v.Alias, &v.Address, nil})
	}
}

// addressOrder are the kinds of devices in the order in which the peer goes over
// their addresses.
var addressOrder = []string{"disk", "interface", "sound", "hostdev", "video", "controller", "smartcard", "serial", "parallel", "channel", "console", "input", "filesystem",
	"redirdev", "watchdog", "memballoon", "rng", "nvram", "hub", "shmem", "tpm", "panic", "memory", "iommu", "vsock", "crypto", "pstore"}

// byAddress lists the devices that have an address, in that order.
func byAddress(d *xml.Domain) []deviceView {
	var out []deviceView
	eachDevice(d, func(v deviceView) {
		if *v.addr != nil {
			out = append(out, v)
		}
	})
	slices.SortStableFunc(out, func(a, b deviceView) int {
		return slices.Index(addressOrder, a.kind) - slices.Index(addressOrder, b.kind)
	})
	return out
}
