package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// checkDevices checks each device by itself.
func checkDevices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	for i := range dev.Disks {
		if err := checkDisk(d, &dev.Disks[i], t); err != nil {
			return err
		}
	}
	if err := checkCommon(d); err != nil {
		return err
	}
	if err := checkNetworks(d, t.QEMU != nil); err != nil {
		return err
	}
	for i := range dev.Videos {
		if err := checkVideo(&dev.Videos[i]); err != nil {
			return err
		}
	}
	for i := range dev.Redirdevs {
		if !hasUSB(d) {
			return errNoUSB()
		}
		if err := checkSource(&dev.Redirdevs[i].CharSource, t, true); err != nil {
			return err
		}
	}
	if p := dev.PStore; p != nil && (p.Size < 4 || p.Size&(p.Size-1) != 0) {
		return xml.Errorf(xml.CodeXML, "invalid size of ACPI ERST pstore device")
	}
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Driver != nil && c.Driver.IOThread > 0 && (c.Type != "scsi" || !strings.HasPrefix(c.Model, "virtio")) {
			return xml.Errorf(xml.CodeXML, "'iothread' attribute only supported for virtio scsi controllers")
		}
	}
	for i := range dev.Smartcards {
		if s := &dev.Smartcards[i]; s.Mode == "passthrough" {
			if err := checkSource(&s.CharSource, t, true); err != nil {
				return err
			}
		}
	}
	for i := range dev.Serials {
		if t := dev.Serials[i].Target; t != nil && t.Type == "isa-debug" && !isX86(d) {
			return unsupported("isa-debug serial type only valid on x86 architecture")
		}
	}
	for _, list := range [][]xml.Chardev{dev.Parallels, dev.Serials, dev.Consoles, dev.Channels} {
		for i := range list {
			unix := list[i].Target == nil || list[i].Target.Type != "virtio" && list[i].Target.Type != "xen"
			if err := checkSource(&list[i].CharSource, t, unix); err != nil {
				return err
			}
		}
	}
	return checkMoreDevices(d, t)
}

func checkMoreDevices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	for i := range dev.Hostdevs {
		if err := checkHostdev(&dev.Hostdevs[i]); err != nil {
			return err
		}
	}
	if err := checkInputs(d); err != nil {
		return err
	}
	if err := checkSmall(d); err != nil {
		return err
	}
	for i := range dev.RNGs {
		if b := dev.RNGs[i].Backend; b != nil && b.Model == "egd" {
			if err := checkSource(&b.Chardev, t, true); err != nil {
				return err
			}
		}
	}
	if err := checkFilesystems(dev); err != nil {
		return err
	}
	for i := range dev.Memories {
		if err := checkMemoryDevice(&dev.Memories[i]); err != nil {
			return err
		}
	}
	if v := dev.IOMMU; v != nil && v.Driver != nil && v.Model == "intel" {
		split := d.Features != nil && d.Features.IOAPIC != nil && d.Features.IOAPIC.Driver == "qemu"
		if v.Driver.IntRemap == "on" && !split {
			return unsupported("IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')")
		}
		if v.Driver.EIM == "on" && v.Driver.IntRemap != "on" {
			return unsupported("IOMMU eim requires interrupt remapping to be enabled")
		}
	}
	if v := dev.IOMMU; v != nil && v.Model != "intel" && v.Driver != nil && *v.Driver != (xml.IOMMUDriver{}) {
		return xml.Errorf(xml.CodeXML, "iommu model '%s' doesn't support additional attributes", v.Model)
	}
	if t.QEMU != nil {
		return checkQEMUDevices(d, t.QEMU)
	}
	return nil
}

// checkFilesystems refuses those without folder or name.
func checkFilesystems(dev *xml.Devices) error {
	for i := range dev.Filesystems {
		f := &dev.Filesystems[i]
		src := ""
		if s := f.Source; s != nil {
			for _, p := range []string{s.Dir, s.Dev, s.File, s.Name, s.Usage, s.Volume, s.Socket} {
				setDefault(&src, p)
			}
		}
		if src == "" && f.Target != nil && f.Target.Dir != "" {
			return xml.Errorf(xml.CodePlain, "missing source information for device %s", f.Target.Dir)
		}
		if src == "" {
			return xml.Errorf(xml.CodePlain, "missing source information for device")
		}
		if f.Target == nil || f.Target.Dir == "" {
			return xml.Errorf(xml.CodePlain, "missing target information for device %s", src)
		}
	}
	return nil
}

func errNoUSB() error {
	return unsupported("cannot add redirected USB device: USB is disabled for this domain")
}

// hasUSB tells whether the guest has a USB controller.
func hasUSB(d *xml.Domain) bool {
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "usb" && c.Model != "none" {
			return true
		}
	}
	return false
}

// checkSource checks the host's side of a character device. path: a UNIX
// socket needs one.
func checkSource(s *xml.CharSource, t *Traits, path bool) error {
	missing := func(what string) error {
		return xml.Errorf(xml.CodeInternal, "Missing source %s attribute for char device", what)
	}
	switch s.Type {
	case "file", "dev", "pipe":
		if s.Path == "" {
			return missing("path")
		}
	case "unix":
		if s.Path == "" && path {
			return missing("path")
		}
	case "tcp":
		if s.Host == "" {
			return missing("host")
		}
		if s.Service == "" {
			return missing("service")
		}
	case "udp":
		if s.Service == "" {
			return missing("service")
		}
	case "spiceport":
		if s.Channel == "" {
			return missing("channel")
		}
	}
	if r := s.Reconnect; r != nil {
		if s.Mode == "bind" && r.Enabled == "yes" {
			return xml.Errorf(xml.CodeInternal, "chardev reconnect is possible only for connect mode")
		}
		if t.QEMU != nil && r.Enabled == "yes" && r.Timeout != nil && *r.Timeout == 0 {
			return xml.Errorf(xml.CodeInvalidArg, "chardev reconnect source timeout cannot be '0'")
		}
	}
	return nil
}

func checkDisk(d *xml.Domain, v *xml.Disk, t *Traits) error {
	bus := diskBus(v)
	if diskName(v) == "" {
		if s := sourceText(v); s != "" {
			return xml.Errorf(xml.CodePlain, "missing target information for device %s", s)
		}
		return xml.Errorf(xml.CodePlain, "missing target information for device")
	}
	if sourceMissing(v) && v.Device != "cdrom" && v.Device != "floppy" {
		return xml.Errorf(xml.CodePlain, "missing source information for device %s", v.Target.Dev)
	}
	if v.Device == "floppy" && !strings.HasPrefix(v.Target.Dev, "fd") {
		return xml.Errorf(xml.CodeInternal, "Invalid floppy device name: %s", v.Target.Dev)
	}
	if v.Device == "disk" && !diskPrefixed(v.Target.Dev) {
		return xml.Errorf(xml.CodeInternal, "Invalid harddisk device name: %s", v.Target.Dev)
	}
	if v.Device == "lun" && v.Type != "block" && !(v.Type == "network" && v.Source != nil && v.Source.Protocol == "iscsi") && v.Type != "volume" {
		return unsupported("disk device='lun' is only valid for block type disk source")
	}
	if v.RawIO != "" && v.Device != "lun" {
		return unsupported("rawio can be used only with device='lun'")
	}
	for _, f := range v.Throttle {
		if !slices.ContainsFunc(d.Throttle, func(t xml.IOTune) bool { return t.Group == f.Group }) {
			return xml.Errorf(xml.CodeXML, "throttle group '%s' not found", f.Group)
		}
	}
	if a := v.Address; a != nil && a.Type != "drive" {
		switch bus {
		case "ide", "scsi", "sata", "fdc":
			return unsupported("Invalid address type '%s' for the disk '%s' with the bus type '%s'", a.Type, v.Target.Dev, bus)
		}
	}
	if s := v.Source; s != nil {
		if s.FDGroup != "" && t.QEMU == nil {
			return unsupported("driver does not support FD passing for disk '%s'", v.Target.Dev)
		}
		for _, e := range []*xml.Encryption{v.Encryption, s.Encryption} {
			if e != nil && e.Cipher != nil {
				return unsupported("supplying <cipher> for domain disk definition is unnecessary")
			}
		}
	}
	return nil
}

// sourceMissing tells whether nothing says where the disk's data lies.
func sourceMissing(v *xml.Disk) bool {
	switch v.Type {
	case "network", "nvme", "vhostuser", "vhostvdpa":
		return v.Source == nil
	}
	return sourceText(v) == "" && (v.Source == nil || v.Source.StartupPolicy == "")
}

// sourceText is where a disk's data lies, for messages.
func sourceText(v *xml.Disk) string {
	s := v.Source
	if s == nil {
		return ""
	}
	for _, p := range []string{s.File, s.Dev, s.Dir, s.Name, s.Volume, s.Path} {
		if p != "" {
			return p
		}
	}
	return ""
}

func checkHostdev(h *xml.Hostdev) error {
	if h.Mode != "subsystem" || h.Address == nil {
		return nil
	}
	kind := h.Address.Type
	switch h.Type {
	case "pci":
		if kind != "pci" && kind != "unassigned" {
			return xml.Errorf(xml.CodeXML, "PCI host devices must use 'pci' or 'unassigned' address type")
		}
	case "scsi":
		if kind != "drive" {
			return xml.Errorf(xml.CodeXML, "SCSI host device must use 'drive' address type")
		}
	case "scsi_host":
		if kind != "pci" && kind != "ccw" {
			return xml.Errorf(xml.CodeXML, "SCSI_host host device must use 'pci' or 'ccw' address type")
		}
	case "mdev":
		if h.Model == "vfio-pci" && kind != "pci" || h.Model == "vfio-ccw" && kind != "ccw" {
			return xml.Errorf(xml.CodeXML, "Unsupported address type '%s' with mediated device model '%s'", kind, h.Model)
		}
	}
	return nil
}
