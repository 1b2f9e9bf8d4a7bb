package domain

import (
	"fmt"
	"slices"

	"virgo/xml"
)

// stableKinds are the kinds of devices in the order in which they are compared,
// with the peer's words for their number.
var stableKinds = []struct{ kind, words string }{{"disk", "disk"}, {"controller", "controller"}, {"filesystem", "filesystem"}, {"interface", "net card"},
	{"input", "input device"}, {"sound", "sound card"}, {"video", "video card"}, {"hostdev", "host device"}, {"smartcard", "smartcard"},
	{"serial", "serial port"}, {"parallel", "parallel port"}, {"channel", "channel"}, {"console", "console"}, {"hub", "hub device"},
	{"redirdev", "redirected devices"}, {"redirfilter", "USB redirection filter"}, {"watchdog", "watchdog device"}, {"memballoon", "memory balloon"},
	{"rng", "RNG device"}, {"tpm", "TPM device"}, {"shmem", "shared memory device"}, {"panic", "panic device"}, {"memory", "memory device"}}

func sameDevices(src, dst *xml.Domain) error {
	group := func(d *xml.Domain) map[string][]deviceView {
		m := make(map[string][]deviceView)
		eachDevice(d, func(v deviceView) { m[v.kind] = append(m[v.kind], v) })
		return m
	}
	a, b := group(src), group(dst)
	for _, k := range stableKinds {
		if k.kind == "redirfilter" { // no device itself
			if err := sameFilter(src.Devices.RedirFilter, dst.Devices.RedirFilter); err != nil {
				return err
			}
			continue
		}
		if err := differ("domain "+k.words+" count", len(b[k.kind]), len(a[k.kind])); err != nil {
			return err
		}
		for i := range a[k.kind] {
			if err := sameDevice(a[k.kind][i], b[k.kind][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameDevice(src, dst deviceView) error {
	var err error
	switch a := src.v.(type) {
	case *xml.Disk:
		err = sameDisk(a, dst.v.(*xml.Disk))
	case *xml.Controller:
		err = sameController(a, dst.v.(*xml.Controller))
	case *xml.Filesystem:
		if b := dst.v.(*xml.Filesystem); a.Target != nil && b.Target != nil {
			err = differ("filesystem guest target", b.Target.Dir, a.Target.Dir)
		}
	case *xml.Interface:
		b := dst.v.(*xml.Interface)
		if a.MAC != nil && b.MAC != nil {
			err = differ("network card mac", b.MAC.Address, a.MAC.Address)
		}
		if err == nil && a.Model != nil && b.Model != nil {
			err = differ("network card model", b.Model.Type, a.Model.Type)
		}
	case *xml.Sound:
		err = differ("sound card model", dst.v.(*xml.Sound).Model, a.Model)
	case *xml.Video:
		if b := dst.v.(*xml.Video); a.Model != nil && b.Model != nil {
			x, y := a.Model, b.Model
			err = first(differ("video card model", y.Type, x.Type), differ("video card ram", y.RAM, x.RAM), differ("video card vram", y.VRAM, x.VRAM),
				differ("video card vgamem", y.VGAMem, x.VGAMem), differ("video card heads", y.Heads, x.Heads))
		}
	case *xml.Memballoon:
		err = sameBalloon(a, dst.v.(*xml.Memballoon))
	case *xml.Input:
		b := dst.v.(*xml.Input)
		err = first(differ("input device type", b.Type, a.Type), differ("input device bus", b.Bus, a.Bus))
	case *xml.Chardev:
		err = samePort(src.kind, a, dst.v.(*xml.Chardev))
	case *xml.Panic:
		err = differ("panic model", "'"+dst.v.(*xml.Panic).Model+"'", "'"+a.Model+"'")
	case *xml.Shmem:
		if b := dst.v.(*xml.Shmem); role(a) != role(b) {
			err = unsupported("Target shared memory role '%s' does not match source role '%s'", role(b), role(a))
		}
	case *xml.MemoryDevice:
		err = sameMemoryDevice(a, dst.v.(*xml.MemoryDevice))
	}
	if err == nil {
		err = sameVirtio(virtioOf(src.v), virtioOf(dst.v))
	}
	if err == nil && src.addr != nil && dst.addr != nil {
		err = samePlace(*src.addr, *dst.addr)
	}
	return err
}

func role(s *xml.Shmem) string {
	if s.Role == "" {
		return "default"
	}
	return s.Role
}

func sameDisk(a, b *xml.Disk) error {
	if err := differ("disk device", b.Device, a.Device); err != nil {
		return err
	}
	if a.Target != nil && b.Target != nil {
		if err := first(differ("disk bus", b.Target.Bus, a.Target.Bus), differ("disk", b.Target.Dev, a.Target.Dev)); err != nil {
			return err
		}
	}
	if err := first(differ("disk serial", orNull(b.Serial), orNull(a.Serial)), differ("disk wwn", "'"+orNull(b.WWN)+"'", "'"+orNull(a.WWN)+"'")); err != nil {
		return err
	}
	if a.Readonly != b.Readonly {
		return unsupported("Target disk access mode does not match source")
	}
	return nil
}

// controllerModels are the models whose numbers the peer tells, in their order.
var controllerModels = map[string][]string{
	"scsi": {"auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi", "lsisas1078", "virtio-transitional", "virtio-non-transitional"},
	"usb": {"piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1", "qusb2",
		"qemu-xhci", "none"},
	"pci": {"pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port", "pcie-switch-upstream-port",
		"pcie-switch-downstream-port", "pci-expander-bus", "pcie-expander-bus"},
}

func sameController(a, b *xml.Controller) error {
	if err := differ("controller type", b.Type, a.Type); err != nil {
		return err
	}
	if a.Index != nil && b.Index != nil {
		if err := differ("controller index", *b.Index, *a.Index); err != nil {
			return err
		}
	}
	model := func(c *xml.Controller) int { return slices.Index(controllerModels[c.Type], c.Model) }
	number := func(n *uint) int {
		if n == nil {
			return -1
		}
		return int(*n)
	}
	err := first(differ("controller model", model(b), model(a)), differ("controller model", orNull(b.Model), orNull(a.Model)))
	if err == nil && a.Type == "virtio-serial" {
		err = first(differ("controller ports", number(b.Ports), number(a.Ports)), differ("controller vectors", number(b.Vectors), number(a.Vectors)))
	}
	return err
}

func sameBalloon(a, b *xml.Memballoon) error {
	if err := differ("balloon model", b.Model, a.Model); err != nil {
		return err
	}
	word := func(s xml.OnOff) string {
		if s == "" {
			return "'default'"
		}
		return "'" + string(s) + "'"
	}
	return first(differ("balloon autodeflate attribute value", word(b.AutoDeflate), word(a.AutoDeflate)),
		differ("balloon freePageReporting attribute value", word(b.FreePageReporting), word(a.FreePageReporting)))
}

// samePort compares the guest's side of character devices.
func samePort(kind string, a, b *xml.Chardev) error {
	x, y := a.Target, b.Target
	if x == nil || y == nil {
		return nil
	}
	port := func(t *xml.CharTarget) uint {
		if t.Port == nil {
			return 0
		}
		return uint(*t.Port)
	}
	switch kind {
	case "channel":
		return first(differ("channel type", y.Type, x.Type), differ("channel name", orNull(y.Name), orNull(x.Name)))
	case "serial", "parallel":
		return first(differ(kind+" type", y.Type, x.Type), differ(kind+" port", port(y), port(x)))
	}
	return nil
}

func sameMemoryDevice(a, b *xml.MemoryDevice) error {
	x, y := a.Target, b.Target
	if a.Model != b.Model || x == nil || y == nil {
		return differQuoted("memory device model", b.Model, a.Model)
	}
	if s, t := amount(x.Requested), amount(y.Requested); s != t {
		return unsupported("Target memory device requested size '%d' doesn't match source memory device requested size '%d'", t, s)
	}
	base := func(t *xml.MemoryTarget) uint64 {
		if t.Address == nil {
			return 0
		}
		return t.Address.Base
	}
	if s, t := base(x), base(y); s != t {
		return unsupported("Target memory device address '0x%x' doesn't match source memory device address '0x%x'", t, s)
	}
	return nil
}

func amount(k *xml.KiB) uint64 {
	if k == nil {
		return 0
	}
	return uint64(*k)
}

// sameFilter compares which USB devices may be redirected.
func sameFilter(a, b *xml.RedirFilter) error {
	count := func(f *xml.RedirFilter) int {
		if f == nil {
			return 0
		}
		return 1
	}
	if err := differ("domain USB redirection filter count", count(b), count(a)); err != nil || a == nil {
		return err
	}
	if err := differ("USB redirection filter rule count", len(b.USBDevs), len(a.USBDevs)); err != nil {
		return err
	}
	for i := range a.USBDevs {
		x, y := &a.USBDevs[i], &b.USBDevs[i]
		switch {
		case !sameValue(x.Class, y.Class):
			return unsupported("Target USB Class code does not match source")
		case !sameValue(x.Vendor, y.Vendor):
			return unsupported("Target USB vendor ID does not match source")
		case !sameValue(x.Product, y.Product):
			return unsupported("Target USB product ID does not match source")
		case !sameValue(x.Version, y.Version):
			return unsupported("Target USB version does not match source")
		case x.Allow != y.Allow:
			return unsupported("Target USB allow '%s' does not match source '%s'", y.Allow, x.Allow)
		}
	}
	return nil
}

func sameValue[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// virtioOf are a device's switches that all virtio devices have; nil: it has none.
func virtioOf(v any) *xml.VirtioDriver {
	switch d := v.(type) {
	case *xml.Disk:
		if k := d.Driver; k != nil && d.Target != nil && d.Target.Bus == "virtio" {
			return &xml.VirtioDriver{IOMMU: k.IOMMU, ATS: k.ATS, Packed: k.Packed, PagePerVQ: k.PagePerVQ}
		}
	case *xml.Interface:
		if k := d.Driver; k != nil {
			return &xml.VirtioDriver{IOMMU: k.IOMMU, ATS: k.ATS, Packed: k.Packed, PagePerVQ: k.PagePerVQ}
		}
	case *xml.Controller:
		if k := d.Driver; k != nil {
			return &xml.VirtioDriver{IOMMU: k.IOMMU, ATS: k.ATS, Packed: k.Packed, PagePerVQ: k.PagePerVQ}
		}
	case *xml.Video:
		if k := d.Driver; k != nil {
			return &xml.VirtioDriver{IOMMU: k.IOMMU, ATS: k.ATS, Packed: k.Packed, PagePerVQ: k.PagePerVQ}
		}
	case *xml.Input:
		return d.Driver
	case *xml.Memballoon:
		return d.Driver
	case *xml.RNG:
		return d.Driver
	}
	return nil
}

func sameVirtio(a, b *xml.VirtioDriver) error {
	if a == nil || b == nil {
		if (a == nil) != (b == nil) {
			return unsupported("Target device virtio options don't match the source")
		}
		return nil
	}
	word := func(s xml.OnOff) string {
		if s == "" {
			return "'default'"
		}
		return "'" + string(s) + "'"
	}
	return first(differ("device iommu option", word(b.IOMMU), word(a.IOMMU)), differ("device ats option", word(b.ATS), word(a.ATS)),
		differ("device packed option", word(b.Packed), word(a.Packed)), differ("device page_per_vq option", word(b.PagePerVQ), word(a.PagePerVQ)))
}

// samePlace compares where two devices are.
func samePlace(src, dst *xml.Address) error {
	kind := func(a *xml.Address) string {
		if a == nil {
			return "none"
		}
		return a.Type
	}
	base := func(a *xml.Address) string {
		if a.Base == nil {
			return "'0'"
		}
		return fmt.Sprintf("'%x'", *a.Base)
	}
	if src != nil && src.Type == "dimm" && dst == nil { // it is one in any case
		dst = &xml.Address{Type: "dimm"}
	}
	if err := differ("device address type", kind(dst), kind(src)); err != nil || src == nil {
		return err
	}
	text := func(format string, f func(a *xml.Address) []any) (string, string) {
		return fmt.Sprintf(format, f(dst)...), fmt.Sprintf(format, f(src)...)
	}
	var what, a, b string
	switch src.Type {
	case "pci":
		what = "device PCI address"
		a, b = text("%04x:%02x:%02x.%x", func(a *xml.Address) []any { return []any{a.Domain, a.Bus, a.Slot, a.Function} })
	case "drive":
		what = "device drive address"
		a, b = text("%d:%d:%d", func(a *xml.Address) []any { return []any{a.Controller, a.Bus, a.Unit} })
	case "virtio-serial":
		what = "device virtio serial address"
		a, b = text("%d:%d:%d", func(a *xml.Address) []any { return []any{a.Controller, a.Bus, a.SerialPort} })
	case "ccid":
		what = "device ccid address"
		a, b = text("%d:%d", func(a *xml.Address) []any { return []any{a.Controller, a.Slot} })
	case "dimm":
		if err := differ("device dimm slot", dst.Slot, src.Slot); err != nil {
			return err
		}
		what, a, b = "device dimm base address", base(dst), base(src)
	}
	return differ(what, a, b)
}
