package qemu

import (
	"strconv"
	"strings"

	"virgo/drivers/domain"
	"virgo/xml"
)

// noDevice is the class of errors for a device that is not there.
func noDevice(format string, args ...any) error {
	return xml.Errorf(xml.CodeDeviceMissing, format, args...)
}

// match finds the domain's device that a document means. live says which of
// the peer's words an error has.
func match(d *xml.Domain, v *domain.Device, live bool) (*domain.Device, error) {
	switch want := v.Value.(type) {
	case *xml.Disk:
		return matchDisk(d, want, live)
	case *xml.Interface:
		return matchInterface(d, want)
	case *xml.Chardev:
		if serialConsole(v) {
			return nil, xml.Errorf(xml.CodeOperationInvalid, "detaching serial console is not supported")
		}
	}
	if found := same(d, v, live); found != nil {
		return found, nil
	}
	return nil, absent(v, live)
}

// absent is the error for a device that a document means and the domain lacks.
func absent(v *domain.Device, live bool) error {
	inDefinition := func(text string) error { return noDevice("%s", text) }
	switch k := v.Value.(type) {
	case *xml.Controller:
		if live {
			index := -1
			if k.Index != nil {
				index = int(*k.Index)
			}
			return noDevice("controller %s:%d not found", k.Type, index)
		}
	case *xml.Lease:
		return noDevice("Lease %s in lockspace %s does not exist", k.Key, k.Lockspace)
	case *xml.RNG:
		if live { // the peer names the backend that has the model's number
			return noDevice("model '%s' RNG device not present in domain configuration", numbered(k.Model, "random", "egd", "builtin"))
		}
		return inDefinition("no matching RNG device was found")
	case *xml.Watchdog, *xml.Redirdev:
		word := v.Kind
		if v.Kind == "redirdev" {
			word = "redirdev was not"
		} else {
			word += " was"
		}
		if live {
			return xml.Errorf(xml.CodeOperationInvalid, "no matching %s found", word)
		}
		return noDevice("no matching %s found", word)
	case *xml.Filesystem:
		if live {
			return inDefinition("matching filesystem not found")
		}
		return inDefinition("no matching filesystem device was found")
	case *xml.Input:
		return inDefinition("matching input device not found")
	case *xml.Shmem:
		if live {
			return noDevice("model '%s' shmem device not present in domain configuration", shmemModel(k))
		}
		return inDefinition("matching shmem device was not found")
	case *xml.MemoryDevice:
		if live {
			return noDevice("model '%s' memory device not present in the domain configuration", k.Model)
		}
		return inDefinition("matching memory device was not found")
	case *xml.Vsock, *xml.IOMMU:
		text := "matching " + v.Kind + " device not found"
		if live {
			return inDefinition(text)
		}
		return xml.Errorf(xml.CodeOperationFailed, "%s", text)
	case *xml.Hostdev:
		if live {
			return absentHostdev(k)
		}
	case *xml.Chardev:
		if !live {
			return xml.Errorf(xml.CodeInvalidArg, "device not present in domain configuration")
		}
		return noDevice("chr type '%s' device not present in domain configuration", v.Kind)
	}
	return noDevice("device not present in domain configuration")
}

// numbered is the word that stands where a virtio model does in the peer's list.
func numbered(model string, words ...string) string {
	switch model {
	case "virtio-transitional":
		return words[1]
	case "virtio-non-transitional":
		return words[2]
	}
	return words[0]
}

// absentHostdev names the host's device.
func absentHostdev(h *xml.Hostdev) error {
	s := h.Source
	if s == nil {
		return noDevice("device not present in domain configuration")
	}
	a := s.Address
	if a == nil {
		a = &xml.HostAddress{}
	}
	switch {
	case h.Type == "pci":
		return noDevice("host pci device %s not found", hostPCIName(a))
	case h.Type == "usb" && a.Device != nil:
		bus, _ := strconv.ParseUint(a.Bus, 0, 16)
		return noDevice("host usb device %03d.%03d not found", bus, number(a.Device))
	case h.Type == "usb" && s.Vendor != nil && s.Product != nil:
		return noDevice("host usb device vendor=0x%.4x product=0x%.4x not found", number(s.Vendor.ID), number(s.Product.ID))
	case h.Type == "scsi" && s.Protocol == "iscsi":
		return noDevice("host scsi iSCSI path %s not found", s.Name)
	case h.Type == "scsi" && s.Adapter != nil:
		unit := uint64(0)
		if a.Unit != nil {
			unit = *a.Unit
		}
		return noDevice("host scsi device %s:%s:%d.%d not found", s.Adapter.Name, a.Bus, number(a.Target), unit)
	case h.Type == "mdev":
		return noDevice("mediated device '%s' not found", a.UUID)
	}
	return noDevice("device not present in domain configuration")
}

func matchDisk(d *xml.Domain, want *xml.Disk, live bool) (*domain.Device, error) {
	if want.Target == nil || want.Target.Dev == "" {
		return nil, xml.Errorf(xml.CodePlain, "missing target information for device")
	}
	if found := diskAt(d, want.Target.Dev); found != nil {
		return found, nil
	}
	if live {
		return nil, noDevice("disk %s not found", want.Target.Dev)
	}
	return nil, noDevice("no target device %s", want.Target.Dev)
}

// diskAt finds a disk by its target.
func diskAt(d *xml.Domain, target string) *domain.Device {
	for _, c := range domain.All(d, "disk") {
		if k := c.Value.(*xml.Disk); k.Target != nil && k.Target.Dev == target {
			return c
		}
	}
	return nil
}

// matchInterface goes by the address of the card, and its place or alias if
// they are given.
func matchInterface(d *xml.Domain, want *xml.Interface) (*domain.Device, error) {
	mac := ""
	if want.MAC != nil {
		mac = want.MAC.Address
	}
	var fit []*domain.Device
	for _, c := range domain.All(d, "interface") {
		k := c.Value.(*xml.Interface)
		switch {
		case mac != "" && (k.MAC == nil || !strings.EqualFold(k.MAC.Address, mac)):
		case want.Address != nil && (k.Address == nil || *k.Address != *want.Address):
		case want.Alias != nil && k.Alias != nil && aliasOf(want.Alias) != aliasOf(k.Alias):
		default:
			fit = append(fit, c)
		}
	}
	switch len(fit) {
	case 0:
		place := orNone("")
		if want.Address != nil && want.Address.Type == "pci" {
			place = pciName(want.Address)
		}
		return nil, noDevice("no device found at address '%s' matching MAC address '%s' and alias '%s'", place, mac, orNone(aliasOf(want.Alias)))
	case 1:
		return fit[0], nil
	}
	return nil, xml.Errorf(xml.CodeOperationFailed, "multiple devices matching MAC address %s found", mac)
}

func orNone(s string) string {
	if s == "" {
		return "(<null>)"
	}
	return s
}
