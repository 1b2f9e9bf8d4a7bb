package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// checkDisk checks what no driver takes, in the peer's order.
func checkDisk(c *deviceCheck, v *xml.Disk) error {
	for _, check := range []func(*deviceCheck, *xml.Disk) error{diskNamed, diskLogin, diskImages, diskUnit, diskLimits, diskPlaces, diskVirtio, diskVhostUser, diskThreads,
		diskInquiry, diskFloppy, diskPolicy, diskPresent, diskFilters} {
		if err := check(c, v); err != nil {
			return err
		}
	}
	return nil
}

// diskNamed wants a name in the guest, and of Sheepdog nothing.
func diskNamed(c *deviceCheck, v *xml.Disk) error {
	for _, im := range imagesOf(v) {
		if im.source != nil && im.source.Protocol == "sheepdog" {
			return unsupported("'sheepdog' protocol is no longer supported by any hypervisor driver")
		}
	}
	if s := v.Source; s != nil && s.FDGroup != "" && c.e == nil {
		name := diskName(v)
		setDefault(&name, "(null)")
		return unsupported("driver does not support FD passing for disk '%s'", name)
	}
	if diskName(v) != "" || v.Target != nil && v.Target.Blank {
		return nil
	}
	if s := v.Source; s != nil && v.Type == "volume" {
		return xml.Errorf(xml.CodePlain, "missing target information for device pool = '%s', volume = '%s'", s.Pool, s.Volume)
	}
	if s := sourceText(v); s != "" {
		return xml.Errorf(xml.CodePlain, "missing target information for device %s", s)
	}
	return xml.Errorf(xml.CodePlain, "missing target information for device")
}

// authProtocols are those with which a user can log in.
var authProtocols = []string{"rbd", "iscsi", "http", "https", "ftp", "ftps", "ssh"}

// diskLogin checks who may read a network disk.
func diskLogin(_ *deviceCheck, v *xml.Disk) error {
	for _, a := range diskAuths(v) {
		if v.Type == "network" && v.Source != nil && !slices.Contains(authProtocols, v.Source.Protocol) {
			return unsupported("authentication is not supported for protocol '%s'", v.Source.Protocol)
		}
		if err := checkAuth(a, v.Source); err != nil {
			return err
		}
	}
	return nil
}

// diskImages checks how the image is encrypted and where its data lie.
func diskImages(_ *deviceCheck, v *xml.Disk) error {
	s := v.Source
	if s == nil {
		return nil
	}
	for _, e := range []*xml.Encryption{v.Encryption, s.Encryption} {
		if e != nil && e.Cipher != nil {
			return unsupported("supplying <cipher> for domain disk definition is unnecessary")
		}
	}
	for _, im := range imagesOf(v) {
		if im.source == nil || im.source.DataStore == nil {
			continue
		}
		if im.format != "qcow2" {
			return unsupported("<dataStore> feature available only with qcow2 images")
		}
		if f := im.source.DataStore.Format; f != nil && f.Type != "raw" {
			return unsupported("only 'raw' images supported as <dataStore>")
		}
	}
	return nil
}

// diskUnit checks what only units of the host's have.
func diskUnit(_ *deviceCheck, v *xml.Disk) error {
	lun := v.Device == "lun"
	if v.SGIO == "unfiltered" {
		return unsupported("unfiltered sgio is no longer supported")
	}
	if s := v.Source; lun && v.Type == "network" && s != nil && s.Protocol != "iscsi" {
		return unsupported("disk device='lun' is not supported for protocol='%s'", s.Protocol)
	}
	if lun && v.Type != "block" && !(v.Type == "network" && v.Source != nil && v.Source.Protocol == "iscsi") && v.Type != "volume" {
		return unsupported("disk device='lun' is only valid for block type disk source")
	}
	if lun && v.Driver != nil && v.Driver.Type != "" && v.Driver.Type != "raw" {
		return unsupported("disk device 'lun' must use 'raw' format")
	}
	if lun && (v.Encryption != nil || v.Source != nil && v.Source.Encryption != nil) {
		return unsupported("disk device 'lun' doesn't support encryption")
	}
	if v.Source != nil && v.Source.Reservations != nil && !lun {
		return unsupported("<reservations/> allowed only for lun devices")
	}
	if v.RawIO != "" && !lun {
		return unsupported("rawio can be used only with device='lun'")
	}
	if v.SGIO == "filtered" && !lun {
		return unsupported("sgio can be used only with device='lun'")
	}
	return nil
}

// diskLimits refuses limits that exclude each other, and two ways to set them.
func diskLimits(_ *deviceCheck, v *xml.Disk) error {
	if v.IOTune == nil {
		return nil
	}
	return v.IOTune.Excluded()
}

// diskPlaces checks the kind of address.
func diskPlaces(_ *deviceCheck, v *xml.Disk) error {
	if a := v.Address; a != nil && a.Type != "drive" {
		switch bus := diskBus(v); bus {
		case "ide", "scsi", "sata", "fdc":
			return unsupported("Invalid address type '%s' for the disk '%s' with the bus type '%s'", a.Type, v.Target.Dev, bus)
		}
	}
	return nil
}

// diskThreads wants threads to be named in one way, and a namespace.
func diskThreads(_ *deviceCheck, v *xml.Disk) error {
	if v.Driver != nil && v.Driver.IOThread > 0 && len(v.Driver.IOThreads) > 0 {
		return xml.Errorf(xml.CodeXML, "disk driver 'iothread' attribute can't be used together with 'iothreads' subelement")
	}
	if v.Type == "nvme" && v.Source != nil && strings.Trim(v.Source.Namespace, "0") == "" {
		return unsupported("NVMe namespace can't be zero")
	}
	return nil
}

// diskInquiry checks what the drive has and calls itself.
func diskInquiry(_ *deviceCheck, v *xml.Disk) error {
	if v.Target.Tray != "" && v.Device != "cdrom" && v.Device != "floppy" {
		return unsupported("tray is only valid for cdrom and floppy")
	}
	if len(v.Vendor) > 8 {
		return unsupported("disk vendor is more than 8 characters")
	}
	most := 40
	if diskBus(v) == "scsi" {
		most = 16
	}
	if len(v.Product) > most {
		return unsupported("disk product is more than %d characters", most)
	}
	for _, p := range []struct{ name, text string }{{"vendor", v.Vendor}, {"product", v.Product}} {
		if !printable(p.text) {
			return xml.Errorf(xml.CodeXML, "disk %s is not printable string", p.name)
		}
	}
	return nil
}

// diskFloppy keeps floppies and other drives on buses of their own.
func diskFloppy(_ *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	switch {
	case v.Device == "floppy" && bus != "fdc":
		return xml.Errorf(xml.CodeInternal, "Invalid bus type '%s' for floppy disk", bus)
	case v.Device != "floppy" && bus == "fdc":
		return xml.Errorf(xml.CodeInternal, "Invalid bus type 'fdc' for disk")
	}
	return nil
}

// diskPolicy checks what happens without the file.
func diskPolicy(_ *deviceCheck, v *xml.Disk) error {
	if v.Target.Removable != "" && v.Target.Bus != "usb" {
		return xml.Errorf(xml.CodeXML, "removable is only valid for usb or scsi disks")
	}
	if s := v.Source; s != nil && s.StartupPolicy != "" && contains([]string{"network", "nvme", "vhostuser", "vhostvdpa"}, v.Type) {
		return xml.Errorf(xml.CodeXML, "disk startupPolicy '%s' is not allowed for disk of '%s' type", s.StartupPolicy, v.Type)
	}
	if s := v.Source; s != nil && s.StartupPolicy == "requisite" && v.Device != "cdrom" && v.Device != "floppy" {
		return xml.Errorf(xml.CodeXML, "disk startupPolicy 'requisite' is allowed only for cdrom or floppy")
	}
	if wwn := strings.TrimPrefix(v.WWN, "0x"); v.WWN != "" && (len(wwn) != 16 || strings.Trim(strings.ToLower(wwn), "0123456789abcdef") != "") {
		return xml.Errorf(xml.CodeInternal, "Malformed wwn: %s", v.WWN)
	}
	return nil
}

// diskPresent refuses a disk with a name of another kind, or of nothing, unless its
// medium can be changed.
func diskPresent(_ *deviceCheck, v *xml.Disk) error {
	if v.Device == "floppy" && !strings.HasPrefix(v.Target.Dev, "fd") {
		return xml.Errorf(xml.CodeInternal, "Invalid floppy device name: %s", v.Target.Dev)
	}
	if v.Device == "disk" && (!diskPrefixed(v.Target.Dev) || strings.HasPrefix(v.Target.Dev, "fd")) {
		return xml.Errorf(xml.CodeInternal, "Invalid harddisk device name: %s", v.Target.Dev)
	}
	if sourceMissing(v) && v.Device != "cdrom" && v.Device != "floppy" {
		return xml.Errorf(xml.CodePlain, "missing source information for device %s", v.Target.Dev)
	}
	return nil
}

// diskFilters checks what stands between the image and the guest.
func diskFilters(c *deviceCheck, v *xml.Disk) error {
	if dr := v.Driver; dr != nil && dr.DiscardNoUnref == "on" && dr.Type != "qcow2" {
		return unsupported("'discard_no_unref' only works with qcow2 disk format")
	}
	if dr := v.Driver; dr != nil && dr.DiscardNoUnref == "on" && v.Readonly {
		return unsupported("'discard_no_unref' is not compatible with read-only disk")
	}
	if len(v.Throttle) > 0 && v.IOTune != nil {
		return xml.Errorf(xml.CodeUnsupported, "block 'throttlefilters' can't be used together with 'iotune' for disk '%s'", v.Target.Dev)
	}
	if len(v.Throttle) > 0 && v.Device == "cdrom" {
		return xml.Errorf(xml.CodeUnsupported, "cdrom device with throttle filters isn't supported")
	}
	for _, f := range v.Throttle {
		if !slices.ContainsFunc(c.d.Throttle, func(t xml.ThrottleGroup) bool { return t.Group == f.Group }) {
			setDefault(&f.Group, "(null)")
			return xml.Errorf(xml.CodeXML, "throttle group '%s' not found", f.Group)
		}
	}
	return nil
}

// diskVirtio refuses what only virtio disks have.
func diskVirtio(c *deviceCheck, v *xml.Disk) error {
	bus := v.Target.Bus
	if bus == "virtio" {
		return nil
	}
	if v.Model != "" {
		return unsupported("disk model '%s' not supported for bus '%s'", v.Model, bus)
	}
	dr := v.Driver
	if dr == nil {
		return nil
	}
	switch {
	case dr.Queues > 0:
		return unsupported("queues attribute in disk driver element is only supported for virtio bus")
	case dr.QueueSize > 0:
		return unsupported("queue_size attribute in disk driver is only supported for virtio bus")
	case dr.EventIdx != "":
		return unsupported("disk event_idx mode supported only for virtio bus")
	case dr.IOEventFD != "":
		return unsupported("disk ioeventfd mode supported only for virtio bus")
	}
	return noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ)
}

// diskVhostUser refuses what the process behind a vhost-user disk decides.
func diskVhostUser(c *deviceCheck, v *xml.Disk) error {
	if v.Type != "vhostuser" {
		return nil
	}
	if v.Target.Bus != "virtio" {
		return unsupported("vhostuser disk supports only virtio bus")
	}
	if v.Snapshot != "" && v.Snapshot != "no" {
		return unsupported("only snapshot=no is supported with vhostuser disk")
	}
	dr := v.Driver
	if dr == nil {
		dr = &xml.DiskDriver{}
	}
	for _, f := range []struct {
		set  bool
		what string
	}{
		{dr.Cache != "", "cache"}, {dr.ErrorPolicy != "" || dr.RErrorPolicy != "", "error_policy"}, {dr.IO != "", "io"}, {dr.IOEventFD != "", "ioeventfd"},
		{dr.CopyOnRead != "", "copy_on_read"}, {dr.Discard != "", "discard"}, {dr.IOThread != 0, "iothread"}, {dr.DetectZeroes != "", "detect_zeroes"}, {dr.MetadataCache != nil, "metadata_cache"},
		{v.IOTune != nil, "iotune"}, {v.BackingStore != nil, "backingStore"}, {v.Encryption != nil || v.Source != nil && v.Source.Encryption != nil, "encryption"},
		{v.Readonly, "readonly"}, {v.Shareable, "shareable"}, {v.Transient != nil, "transient"}, {v.Serial != "", "serial"}, {v.WWN != "", "wwn"},
		{v.Vendor != "", "vendor"}, {v.Product != "", "product"}, {v.Auth != nil || v.Source != nil && v.Source.Auth != nil, "auth"}, {v.Geometry != nil, "geometry"}, {v.BlockIO != nil && *v.BlockIO != (xml.BlockIO{}), "blockio"},
	} {
		if f.set {
			return unsupported("%s is not supported with vhostuser disk", f.what)
		}
	}
	return nil
}

// sourceMissing tells whether nothing says where the disk's data lies.
func sourceMissing(v *xml.Disk) bool {
	switch v.Type {
	case "volume": // else it would be of another type
		return false
	case "network", "nvme", "vhostuser", "vhostvdpa":
		return v.Source == nil
	}
	return sourceText(v) == "" && !(v.Device == "lun" && v.Source != nil && v.Source.StartupPolicy != "")
}

// sourceText is where a disk's data lies, for messages: a path or what is called so.
func sourceText(v *xml.Disk) string {
	s := v.Source
	switch {
	case s == nil:
		return ""
	case v.Type == "block":
		return s.Dev
	case v.Type == "dir":
		return s.Dir
	case v.Type == "network" && (s.Protocol == "rbd" || s.Protocol == "gluster"):
		if _, image, ok := strings.Cut(s.Name, "/"); ok { // behind the pool or volume
			return image
		}
		return s.Name
	case v.Type == "network":
		return s.Name
	case v.Type == "file" || v.Type == "":
		return s.File
	}
	return ""
}
