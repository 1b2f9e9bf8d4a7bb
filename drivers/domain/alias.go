package domain

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/xml"
)

// AssignAliases gives each device its name, as QEMU and live definitions have
// it. Names that are there already, the user's, stay. Where the peer counts
// only its own names, the user's take no number.
func AssignAliases(d *xml.Domain) {
	dev := &d.Devices
	for i := range dev.Disks {
		v := &dev.Disks[i]
		name(&v.Alias, diskAlias(d, v))
	}
	for i := range dev.Controllers {
		v := &dev.Controllers[i]
		name(&v.Alias, controllerAlias(d, v))
	}
	counts := map[string]int{}
	eachDevice(d, func(v deviceView) {
		var prefix string
		switch v.kind {
		case "interface":
			prefix = "net"
		case "filesystem":
			prefix = "fs"
		case "hostdev", "rng", "crypto":
			prefix = v.kind
		case "memory":
			memoryAlias(v, counts)
			return
		default:
			return
		}
		if *v.alias == nil {
			name(v.alias, fmt.Sprint(prefix, counts[prefix]))
			counts[prefix]++
		}
	})
	index := map[string]int{}
	eachDevice(d, func(v deviceView) {
		i := index[v.kind]
		index[v.kind]++
		switch v.kind {
		case "panic": // QEMU knows them by none
		case "redirdev":
			name(v.alias, fmt.Sprint("redir", i))
		case "memballoon":
			name(v.alias, "balloon0")
		case "nvram":
			name(v.alias, "nvram")
		case "console":
			c := v.v.(*xml.Chardev)
			if i == 0 && c.Target != nil && c.Target.Type == "serial" && len(dev.Serials) > 0 {
				name(v.alias, dev.Serials[0].Alias.Name)
				return
			}
			name(v.alias, fmt.Sprint("console", i))
		default:
			name(v.alias, fmt.Sprint(v.kind, i)) // unless it was named above
		}
	})
}

func name(a **xml.Alias, to string) {
	if *a == nil {
		*a = &xml.Alias{Name: to}
	}
}

func diskAlias(d *xml.Domain, v *xml.Disk) string {
	bus := diskBus(v)
	if a := v.Address; a != nil && a.Type == "drive" {
		if bus == "scsi" {
			if c := findController(d, "scsi", a.Controller); c == nil || c.Model != "lsilogic" && c.Model != "" {
				return fmt.Sprintf("scsi%d-%d-%d-%d", a.Controller, a.Bus, a.Target, a.Unit)
			}
		}
		return fmt.Sprintf("%s%d-%d-%d", bus, a.Controller, a.Bus, a.Unit)
	}
	return fmt.Sprintf("%s-disk%d", bus, diskIndex(diskName(v)))
}

func controllerAlias(d *xml.Domain, v *xml.Controller) string {
	index := *v.Index
	switch v.Type {
	case "pci":
		if !NumberedBuses(d) {
			return "pci"
		}
		if index == 0 && v.Model == "pcie-root" {
			return "pcie.0"
		}
		return fmt.Sprint("pci.", index)
	case "usb":
		if index == 0 {
			return "usb"
		}
	case "ide":
		if index == 0 && isX86(d) {
			return "ide"
		}
	case "sata":
		if index == 0 && IsQ35(d) {
			return "ide"
		}
	}
	return fmt.Sprint(v.Type, index)
}

func memoryAlias(v deviceView, counts map[string]int) {
	m := v.v.(*xml.MemoryDevice)
	prefix := map[string]string{"dimm": "dimm", "nvdimm": "nvdimm", "virtio-pmem": "virtiopmem", "virtio-mem": "virtiomem", "sgx-epc": "epc"}[m.Model]
	if m.Alias != nil {
		return
	}
	i := counts[prefix]
	if (m.Model == "dimm" || m.Model == "nvdimm") && m.Address != nil && m.Address.Type == "dimm" {
		i = int(m.Address.Slot)
	}
	name(&m.Alias, fmt.Sprint(prefix, i))
	counts[prefix]++
}

// DropAliases takes out the names that AssignAliases gave; the user's own
// (ua-...) stay.
func DropAliases(d *xml.Domain) {
	eachDevice(d, func(v deviceView) {
		if v.alias != nil && *v.alias != nil && !strings.HasPrefix((*v.alias).Name, "ua-") {
			*v.alias = nil
		}
	})
}

// Name gives a device of a live domain its alias: the one that a start would
// give it, or the next free number where another has that.
func Name(d *xml.Domain, v *Device) {
	if v.Alias() != "" {
		return
	}
	AssignAliases(d)
	alias := v.Alias()
	stem := strings.TrimRight(alias, "0123456789")
	if stem == alias {
		return
	}
	n, _ := strconv.Atoi(alias[len(stem):])
	for len(ByAlias(d, v.Alias())) > 1 {
		n++
		v.SetAlias(stem + strconv.Itoa(n))
	}
}
