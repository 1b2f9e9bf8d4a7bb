package domain

import (
	"strings"

	"virgo/xml"
)

// checkQEMUDisk checks what QEMU does not take.
func checkQEMUDisk(c *deviceCheck, v *xml.Disk) error {
	if v.Type == "vhostuser" && !sharedMemory(c.d) {
		return unsupported("'vhostuser' requires shared memory")
	}
	for _, check := range []func(*deviceCheck, *xml.Disk) error{qemuDiskAddress, qemuDiskGeometry, qemuDiskPlace, qemuDiskDriver, qemuDiskGuest, qemuDiskLUN, qemuDiskThreads,
		qemuDiskTransient, qemuDiskTune, qemuDiskNames, qemuDiskImages} {
		if err := check(c, v); err != nil {
			return err
		}
	}
	return nil
}

// qemuDiskPlace checks which drives can be empty or write-protected.
func qemuDiskPlace(_ *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	if v.Device == "cdrom" && (bus == "virtio" || bus == "sd") {
		return unsupported("disk type of '%s' does not support ejectable media", v.Target.Dev)
	}
	if bus == "usb" && v.Address != nil && v.Address.Type != "usb" {
		return xml.Errorf(xml.CodeInternal, "unexpected address type for usb disk")
	}
	if v.Source == nil && v.Type != "volume" || v.Source != nil && sourceText(v) == "" && v.Source.Protocol == "" && !contains([]string{"nvme", "vhostuser", "vhostvdpa", "volume"}, v.Type) {
		if bus == "usb" || bus == "virtio" {
			return unsupported("'%s' disk must not be empty", bus)
		}
	}
	if v.Readonly && v.Device == "disk" && (bus == "ide" || bus == "sata") {
		return unsupported("readonly %s disks are not supported", bus)
	}
	return nil
}

// qemuDiskNames checks names, and drives that cannot have removable media.
func qemuDiskNames(_ *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	if v.Driver.Name != "qemu" {
		return unsupported("unsupported driver name '%s' for disk '%s'", v.Driver.Name, v.Target.Dev)
	}
	if v.Device == "lun" && bus != "virtio" && bus != "scsi" {
		return unsupported("disk device='lun' is not supported for bus='%s'", bus)
	}
	if diskIndex(v.Target.Dev) < 0 {
		return unsupported("invalid disk target '%s'", v.Target.Dev)
	}
	if last := v.Target.Dev[len(v.Target.Dev)-1]; last >= '0' && last <= '9' {
		return unsupported("invalid disk target '%s', partitions can't appear in disk targets", v.Target.Dev)
	}
	return nil
}

// image is one of a disk's chain: its own, or one below.
type image struct {
	kind, format string
	source       *xml.DiskSource
	crypts       []*xml.Encryption
	writable     bool
	cache        bool // it is told how much of its metadata to keep, which its format does not know
}

// imagesOf gives a disk's chain, the topmost first.
func imagesOf(v *xml.Disk) []image {
	top := image{kind: v.Type, source: v.Source, writable: !v.Readonly}
	if v.Driver != nil {
		top.format = v.Driver.Type
	}
	if v.Encryption != nil {
		top.crypts = append(top.crypts, v.Encryption)
	}
	out := []image{top}
	for b := v.BackingStore; b != nil; b = b.BackingStore {
		if b.Source == nil {
			continue
		}
		im := image{kind: b.Type, source: b.Source}
		setDefault(&im.kind, "file")
		if b.Format != nil {
			im.format = b.Format.Type
		}
		out = append(out, im)
	}
	for i := range out {
		if s := out[i].source; s != nil && s.Encryption != nil {
			out[i].crypts = append(out[i].crypts, s.Encryption)
		}
	}
	return out
}

// qemuDiskImages checks the images of a chain one by one.
func qemuDiskImages(_ *deviceCheck, v *xml.Disk) error {
	for i, im := range imagesOf(v) {
		if c := v.Driver.MetadataCache; i == 0 && c != nil && c.MaxSize != nil && im.format != "qcow2" {
			im.cache = true
		}
		if err := im.check(); err != nil {
			return err
		}
		if i == 0 && v.Shareable && im.format != "raw" && im.format != "" {
			return unsupported("shared access for disk '%s' requires use of supported storage format", v.Target.Dev)
		}
		if im.kind == "vhostvdpa" {
			return unsupported("vhostvdpa disk is not supported with this QEMU binary")
		}
	}
	return nil
}

// check refuses what QEMU does not take of one image.
func (im image) check() error {
	if err := qemuFormat(im); err != nil {
		return err
	}
	if err := qemuProtocol(im); err != nil {
		return err
	}
	if im.cache {
		return unsupported("metadata cache max size control is supported only with qcow2 images")
	}
	if err := qemuEncryption(im); err != nil {
		return err
	}
	if s := im.source; s != nil && s.TLSHostname != "" && s.Protocol != "nbd" {
		return unsupported("'tlsHostname' field is supported only with NBD disks")
	}
	return nil
}

// qemuFormat refuses formats that QEMU does not read, or not there.
func qemuFormat(im image) error {
	switch im.format {
	case "cow":
		return unsupported("'%s' storage format is not supported", im.format)
	case "dir":
		return unsupported("'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead")
	case "iso":
		return unsupported("storage format 'iso' is not directly supported by QEMU, use 'raw' instead")
	case "fat":
		if im.kind != "dir" && im.kind != "volume" {
			return unsupported("storage format 'fat' is supported only with 'dir' storage type")
		}
		if im.writable && im.kind == "dir" {
			return unsupported("virtual FAT storage can't be accessed in read-write mode")
		}
	default:
		if im.kind == "dir" {
			return unsupported("storage type 'dir' requires use of storage format 'fat'")
		}
	}
	return nil
}

// qemuEncryption checks how an image is encrypted.
func qemuEncryption(im image) error {
	for _, e := range im.crypts {
		if e.Format == "default" || e.Format == "qcow" {
			return unsupported("old qcow/qcow2 encryption is not supported")
		}
		if e.Engine == "librbd" {
			if im.kind != "network" {
				return unsupported("librbd encryption is supported only with RBD backed disks")
			}
			if im.source == nil || im.source.Protocol == "rbd" {
				continue
			}
		}
		if e.Format == "luks2" || e.Format == "luks-any" {
			return unsupported("'%s' is currently not supported by the qemu encryption engine", e.Format)
		}
		if len(e.Secrets) > 1 {
			return unsupported("qemu encryption engine expects only a single secret")
		}
		if im.format != "raw" && im.format != "qcow2" && im.format != "" {
			return unsupported("encryption is supported only with 'raw' and 'qcow2' image format")
		}
	}
	return nil
}

// qemuProtocol refuses protocols that this QEMU lacks.
func qemuProtocol(im image) error {
	s := im.source
	if s == nil || im.kind != "network" {
		return nil
	}
	switch s.Protocol {
	case "tftp":
		return unsupported("'tftp' protocol is not supported with this QEMU binary")
	case "nfs":
		switch {
		case len(s.Hosts) != 1:
			return unsupported("'nfs' protocol requires the usage of exactly one host")
		case s.Hosts[0].Transport != "" && s.Hosts[0].Transport != "tcp":
			return unsupported("'nfs' host must use TCP protocol")
		case s.Hosts[0].Port != "":
			return unsupported("port cannot be specified in 'nfs' protocol host")
		}
	}
	return nil
}

// qemuDiskGeometry checks whether the drive can have a geometry.
func qemuDiskGeometry(_ *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	if g := v.Geometry; g != nil {
		switch {
		case bus == "usb" || bus == "sd":
			return unsupported("CHS geometry can not be set for '%s' bus", bus)
		case g.Trans != "" && bus != "ide":
			return unsupported("CHS translation mode can only be set for 'ide' bus not '%s'", bus)
		}
	}
	return nil
}

// qemuDiskGuest checks what the guest sees of the drive.
func qemuDiskGuest(_ *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	if v.WWN != "" && bus != "ide" && bus != "scsi" {
		return unsupported("Only ide and scsi disk support wwn")
	}
	if bus != "scsi" && v.Vendor != "" {
		return unsupported("Only scsi disk supports 'vendor'")
	}
	if bus != "scsi" && bus != "ide" && bus != "sata" && v.Product != "" {
		return unsupported("Only ide, sata and scsi disk supports 'product'")
	}
	if v.Target.RotationRate > 0 {
		if bus != "ide" && bus != "scsi" && bus != "sata" {
			return xml.Errorf(xml.CodeInternal, "rotation rate is only valid for SCSI/IDE/SATA bus")
		}
		if v.Device != "disk" {
			return xml.Errorf(xml.CodeInternal, "rotation rate is only valid for disk device")
		}
	}
	if v.Serial != "" && bus == "sd" {
		return xml.Errorf(xml.CodeInternal, "Serial property not supported for drive bus 'sd'")
	}
	for _, r := range v.Serial {
		if r >= 0x80 || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .+", r) {
			return xml.Errorf(xml.CodeInternal, "driver serial '%s' contains unsafe characters", v.Serial)
		}
	}
	return nil
}

// qemuDiskLUN refuses what a unit of the host's tells by itself.
func qemuDiskLUN(c *deviceCheck, v *xml.Disk) error {
	if v.Device != "lun" {
		return nil
	}
	switch {
	case v.Source != nil && v.Source.Slice != nil:
		return unsupported("disk device 'lun' doesn't support storage slice")
	case v.Target.Bus == "virtio":
		return unsupported("This QEMU doesn't support SCSI emulation with 'virtio-blk' device")
	case v.WWN != "":
		return unsupported("Setting wwn is not supported for lun device")
	case v.Vendor != "" || v.Product != "":
		return unsupported("Setting vendor or product is not supported for lun device")
	case v.Serial != "":
		return unsupported("scsi-block 'lun' devices do not support the serial property")
	}
	return nil
}

// qemuDiskDriver checks how the host serves the drive.
func qemuDiskDriver(_ *deviceCheck, v *xml.Disk) error {
	dr := v.Driver
	if dr.CopyOnRead == "on" {
		if v.Readonly {
			return unsupported("copy_on_read is not compatible with read-only disk '%s'", v.Target.Dev)
		}
		if v.Device == "cdrom" || v.Device == "floppy" {
			return unsupported("copy_on_read is not supported with removable disk '%s'", v.Target.Dev)
		}
	}
	if dr.IO == "native" && dr.Cache != "none" && dr.Cache != "directsync" {
		return unsupported("io='native' needs either no disk cache or directsync cache mode")
	}
	return nil
}

// qemuDiskThreads wants the threads that serve a disk to be there.
func qemuDiskThreads(c *deviceCheck, v *xml.Disk) error {
	dr := v.Driver
	if dr.IOThread == 0 && len(dr.IOThreads) == 0 {
		return nil
	}
	if v.Target.Bus != "virtio" {
		return unsupported("IOThreads not available for bus %s target %s", v.Target.Bus, v.Target.Dev)
	}
	if dr.IOThread > 0 && !hasIOThread(c.d, dr.IOThread) {
		return unsupported("Disk iothread '%d' not defined in iothreadid", dr.IOThread)
	}
	return checkThreadMap(c.d, dr.IOThreads, dr.Queues)
}

// checkThreadMap checks which threads serve which queues: all of them, each by
// one, or no queue is named.
func checkThreadMap(d *xml.Domain, list []xml.DriverIOThread, queues uint) error {
	taken := map[uint]bool{}
	if len(list) > 0 && len(list[0].Queues) > 0 && queues == 0 {
		return unsupported("'queue' count must be configured for explicit iothread to queue mapping")
	}
	for i := range list {
		t := &list[i]
		for j := range i {
			if list[j].ID == t.ID {
				return unsupported("duplicate mapping for iothread '%d'", t.ID)
			}
		}
		if !hasIOThread(d, t.ID) {
			return unsupported("iothread '%d' not defined in iothreadid", t.ID)
		}
		if (len(t.Queues) > 0) != (len(list[0].Queues) > 0) {
			return unsupported("iothread to queue mapping must be provided for all iothreads or for none")
		}
		for _, q := range t.Queues {
			switch {
			case q.ID >= queues:
				return unsupported("iothread queue '%d' mapping out of range", q.ID)
			case taken[q.ID]:
				return unsupported("iothread queue '%d' is already assigned", q.ID)
			}
			taken[q.ID] = true
		}
	}
	for q := uint(0); len(taken) > 0 && q < queues; q++ {
		if !taken[q] {
			return unsupported("missing iothread mapping for queue '%d'", q)
		}
	}
	return nil
}

// hasIOThread tells whether the definition has a thread of that number.
func hasIOThread(d *xml.Domain, id uint) bool {
	for _, t := range d.IOThreadIDs {
		if t.ID == id {
			return true
		}
	}
	return len(d.IOThreadIDs) == 0 && id > 0 && id <= d.IOThreads
}

// qemuDiskAddress checks the place on the bus.
func qemuDiskAddress(c *deviceCheck, v *xml.Disk) error {
	a, bus := v.Address, diskBus(v)
	if a == nil {
		return nil
	}
	if a.Type != "drive" {
		return nil
	}
	if a.Target != 0 && (bus == "sata" || bus == "ide" || bus == "fdc") {
		return unsupported("target must be 0 for %s controller", bus)
	}
	switch bus {
	case "fdc":
		if a.Controller > 0 {
			return xml.Errorf(xml.CodeInternal, "Only 1 fdc controller is supported")
		}
		if a.Bus > 0 {
			return xml.Errorf(xml.CodeInternal, "Only 1 fdc bus is supported")
		}
	case "ide":
		if a.Controller > 0 && isX86(c.d) {
			return xml.Errorf(xml.CodeInternal, "Only 1 IDE controller is supported")
		}
	case "sata":
		if a.Bus != 0 {
			return unsupported("bus must be 0 for sata controller")
		}
	case "scsi":
		return scsiPlace(c.d, a)
	}
	return nil
}

// scsiPlace checks a place on a SCSI controller against its model.
func scsiPlace(d *xml.Domain, a *xml.Address) error {
	if a.Bus > 0 {
		return xml.Errorf(xml.CodeInternal, "SCSI controller only supports 1 bus")
	}
	if c := findController(d, "scsi", a.Controller); c != nil && c.Model == "lsilogic" && a.Target != 0 {
		return unsupported("target must be 0 for controller model 'lsilogic'")
	}
	return nil
}

// qemuDiskTransient checks a disk whose changes are dropped.
func qemuDiskTransient(c *deviceCheck, v *xml.Disk) error {
	if v.Transient == nil {
		return nil
	}
	name := v.Target.Dev
	switch {
	case v.Readonly:
		return unsupported("transient disk '%s' must not be read-only", name)
	case v.Type != "file":
		return unsupported("transient disk supported only with 'file' type (%s)", name)
	case v.Device == "floppy":
		return unsupported("transient disk supported only with 'disk' device (%s)", name)
	case v.Transient.ShareBacking == "yes" && v.Target.Bus != "virtio" && v.Target.Bus != "scsi" && v.Target.Bus != "usb":
		return unsupported("disk bus '%s' doesn't support transiend disk backing image sharing", v.Target.Bus)
	}
	return nil
}

// mostIOTune is the highest limit that QEMU takes.
const mostIOTune = 1000000000000000

func qemuDiskTune(c *deviceCheck, v *xml.Disk) error {
	t := v.IOTune
	if t == nil {
		return nil
	}
	if *t == (xml.IOTune{Group: t.Group}) {
		return unsupported("group_name can be configured only together with settings")
	}
	for _, n := range []uint64{t.TotalBytes, t.ReadBytes, t.WriteBytes, t.TotalIOPS, t.ReadIOPS, t.WriteIOPS, t.TotalBytesMax, t.ReadBytesMax,
		t.WriteBytesMax, t.TotalIOPSMax, t.ReadIOPSMax, t.WriteIOPSMax, t.SizeIOPS} {
		if n > mostIOTune {
			return xml.Errorf(xml.CodeArgUnsupported, "block I/O throttle limit must be no more than %d using QEMU", uint64(mostIOTune))
		}
	}
	return nil
}
