package argv

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/xml"
)

// disk is a device with an image.
func (r *reader) disk(d *device) func() {
	x := xml.Disk{Type: "file", Device: "disk", Target: &xml.DiskTarget{}, Driver: &xml.DiskDriver{Name: "qemu", Type: "raw"}}
	im := &image{kind: "file"}
	var p *props
	if d.base == "vhost-user-blk" {
		if im = r.vhostUser(d); im == nil {
			return nil
		}
	}
	if id := d.take("drive"); id != "" {
		var ok bool
		if im, p, ok = r.imageOf(d, id); !ok {
			return nil
		}
	}
	if !r.diskPlace(d, &x) {
		return nil
	}
	cdrom := p != nil && p.peek("media") == "cdrom"
	switch {
	case d.base == "usb-storage" && cdrom:
		return nil // in XML it would become a disk that can be taken out
	case strings.HasSuffix(d.base, "-cd"):
		x.Device = "cdrom"
	case d.base == "floppy":
		x.Device = "floppy"
	case d.base == "scsi-block":
		x.Device = "lun"
	}
	if im.source == nil && x.Device != "cdrom" && x.Device != "floppy" {
		return nil
	}
	r.diskImage(d, &x, im, cdrom)
	r.diskProperties(d, p, &x)
	boot := r.bootOf(d, map[string]string{"cdrom": "cdrom", "floppy": "fd"}[x.Device])
	if boot.kind == "" {
		boot.kind = "hd"
	}
	loadparm := d.take("loadparm")
	return func() {
		if im.guess {
			r.note("the command line does not tell the format of %s: it is taken as %s", im.source.File+im.source.Name, im.format)
		}
		if x.Target.Dev == "" || r.taken[x.Target.Dev] {
			x.Target.Dev = r.target(map[string]string{"virtio": "vd", "fdc": "fd", "ide": "hd"}[x.Target.Bus])
		}
		r.taken[x.Target.Dev] = true
		list := &r.d.Devices.Disks
		at := len(*list)
		*list = append(*list, x)
		boot.set = func(n uint) { (*list)[at].Boot = &xml.BootOrder{Order: n, LoadParm: loadparm} }
		r.boots = append(r.boots, boot)
	}
}

// vhostUser is a disk that another process shows.
func (r *reader) vhostUser(d *device) *image {
	s, ok := r.source(d, d.take("chardev"))
	if !ok || s.Type != "unix" || s.Mode == "bind" {
		return nil
	}
	im := &image{kind: "vhostuser", format: "raw", source: &xml.DiskSource{Type: "unix", Path: s.Path}}
	if c := s.Reconnect; c != nil {
		im.source.Reconnect = &xml.Reconnect{Enabled: c.Enabled}
		if c.Timeout != nil {
			im.source.Reconnect.Timeout = *c.Timeout
		}
	}
	return im
}

// imageOf is the image of a drive or block node.
func (r *reader) imageOf(d *device, id string) (*image, *props, bool) {
	if p := byID(r.drives, id); p != nil {
		im, ok := r.driveImage(d, p)
		return im, p, ok
	}
	p := byID(r.blockdevs, id)
	if p == nil {
		r.fail(d.props, "%s: there is no drive '%s'", d.driver, id)
		return nil, nil, false
	}
	im, ok := r.node(d, p, 0)
	return im, nil, ok
}

// diskImage is the part about the image.
func (r *reader) diskImage(d *device, x *xml.Disk, im *image, cdrom bool) {
	writeCache := string(d.onOff("write-cache"))
	d.ignore("write-cache", "auto")
	x.Type, x.Source, x.BackingStore = im.kind, im.source, im.backing
	v := x.Driver
	*v = im.driver
	v.Name, v.Type = "qemu", im.format
	if x.Target.Bus == "virtio" {
		r.virtioDiskDriver(d, v)
	}
	x.Driver.Cache = im.cacheMode(writeCache)
	if im.format == "" {
		x.Driver.Type = "raw"
	}
	x.Readonly = im.readonly || x.Device == "cdrom" || cdrom || im.kind == "dir"
	if x.Readonly && x.Device == "disk" && (x.Target.Bus == "ide" || x.Target.Bus == "sata") {
		x.Readonly = false
		r.note("disks on IDE and SATA cannot be read-only: QEMU does not start this command line")
	}
}

// diskProperties are those of the device, some of which -drive may have.
func (r *reader) diskProperties(d *device, p *props, x *xml.Disk) {
	if p == nil {
		p = &props{}
	}
	first := func(keys ...string) string {
		if v := d.take(keys...); v != "" {
			return v
		}
		return p.take(keys...)
	}
	x.Serial = first("serial")
	if v, ok := d.number("wwn"); ok {
		x.WWN = fmt.Sprintf("%016x", v)
	}
	x.Vendor, x.Product = d.take("vendor"), d.take("product")
	b := xml.BlockIO{Logical: d.uint("logical_block_size"), Physical: d.uint("physical_block_size"), DiscardGranularity: d.uintPtr("discard_granularity")}
	if b != (xml.BlockIO{}) {
		x.BlockIO = &b
	}
	x.Shareable = d.isOn("share-rw")
	d.ignore("share-rw", "off")
	if n := d.uint("rotation_rate"); n > 0 {
		x.Target.RotationRate = n
	}
	r.deviceID(d, p, x)
	policy := map[string]string{"enospc": "enospace"}
	for _, e := range []struct {
		key string
		to  *string
	}{{"werror", &x.Driver.ErrorPolicy}, {"rerror", &x.Driver.RErrorPolicy}} {
		if *e.to = first(e.key); policy[*e.to] != "" {
			*e.to = policy[*e.to]
		}
		if *e.to == "auto" {
			*e.to = ""
		}
	}
	snapshot := p.onOff("snapshot")
	if (snapshot == "on" || snapshot == "" && r.snapshot) && !x.Readonly && x.Device == "disk" {
		x.Transient = &xml.Transient{}
	}
	for _, g := range []*props{p, d.props} { // one that is not whole is passed
		if g.has("cyls") && g.has("heads") && g.has("secs") {
			x.Geometry = &xml.Geometry{Cylinders: g.uint("cyls"), Heads: g.uint("heads"), Sectors: g.uint("secs"), Trans: g.take("trans", "bios-chs-trans")}
		}
	}
	x.IOTune = ioTune(p)
}

// deviceID is what identifies a SCSI disk without a serial number to the guest:
// the name of its drive, in a definition that of its place.
func (r *reader) deviceID(d *device, p *props, x *xml.Disk) {
	if x.Target.Bus != "scsi" || d.base == "scsi-block" {
		return
	}
	a := x.Address
	name := fmt.Sprintf("drive-scsi%d-%d-%d-%d", a.Controller, a.Bus, a.Target, a.Unit)
	for _, c := range r.d.Devices.Controllers {
		if c.Type == "scsi" && *c.Index == a.Controller && c.Model == "lsilogic" {
			name = fmt.Sprintf("drive-scsi%d-%d-%d", a.Controller, a.Bus, a.Unit)
		}
	}
	will := name
	if x.Serial != "" {
		will = x.Serial
	}
	id := d.peek("device_id")
	switch given := d.has("device_id"); {
	case given && (id == will || strings.HasPrefix(id, "drive-")):
		d.take("device_id")
	case given:
		return // and is passed
	case x.Serial != "":
		id = x.Serial
	default:
		id = p.peek("id")
	}
	if id != will {
		r.note("the SCSI disk on %s tells the guest the device_id '%s' instead of '%s'", strings.TrimPrefix(name, "drive-"), will, id)
	}
}

// ioTune are the limits of a drive.
func ioTune(p *props) *xml.IOTune {
	var t xml.IOTune
	for _, v := range []struct {
		to   *uint64
		keys [2]string
	}{
		{&t.TotalBytes, [2]string{"throttling.bps-total", "bps"}}, {&t.ReadBytes, [2]string{"throttling.bps-read", "bps_rd"}},
		{&t.WriteBytes, [2]string{"throttling.bps-write", "bps_wr"}}, {&t.TotalIOPS, [2]string{"throttling.iops-total", "iops"}},
		{&t.ReadIOPS, [2]string{"throttling.iops-read", "iops_rd"}}, {&t.WriteIOPS, [2]string{"throttling.iops-write", "iops_wr"}},
		{&t.TotalBytesMax, [2]string{"throttling.bps-total-max", "bps_max"}}, {&t.ReadBytesMax, [2]string{"throttling.bps-read-max", "bps_rd_max"}},
		{&t.WriteBytesMax, [2]string{"throttling.bps-write-max", "bps_wr_max"}}, {&t.TotalIOPSMax, [2]string{"throttling.iops-total-max", "iops_max"}},
		{&t.ReadIOPSMax, [2]string{"throttling.iops-read-max", "iops_rd_max"}}, {&t.WriteIOPSMax, [2]string{"throttling.iops-write-max", "iops_wr_max"}},
		{&t.TotalBytesLen, [2]string{"throttling.bps-total-max-length", ""}}, {&t.ReadBytesLen, [2]string{"throttling.bps-read-max-length", ""}},
		{&t.WriteBytesLen, [2]string{"throttling.bps-write-max-length", ""}}, {&t.TotalIOPSLen, [2]string{"throttling.iops-total-max-length", ""}},
		{&t.ReadIOPSLen, [2]string{"throttling.iops-read-max-length", ""}}, {&t.WriteIOPSLen, [2]string{"throttling.iops-write-max-length", ""}},
		{&t.SizeIOPS, [2]string{"throttling.iops-size", "iops_size"}},
	} {
		*v.to, _ = p.number(v.keys[0], v.keys[1])
	}
	t.Group = p.take("throttling.group", "group")
	if t == (xml.IOTune{}) {
		return nil
	}
	return &t
}

// diskPlace is the bus of a disk and its place there; false if XML has none.
func (r *reader) diskPlace(d *device, x *xml.Disk) bool {
	x.Address = &xml.Address{Type: "drive"}
	switch d.base {
	case "ide-hd", "ide-cd":
		return r.idePlace(d, x)
	case "scsi-hd", "scsi-cd", "scsi-block":
		return r.scsiPlace(d, x)
	case "virtio-blk", "vhost-user-blk":
		r.virtioDisk(d, x)
	case "usb-storage":
		x.Target.Bus, x.Address = "usb", r.usbAddress(d)
		if v := d.onOff("removable"); v == "on" {
			x.Target.Removable = v
		}
	case "floppy":
		x.Target.Bus = "fdc"
		d.unit = d.uint("unit")
		x.Address.Unit = d.unit
		x.Target.Dev = "fd" + letters(int(x.Address.Unit))
		d.take("bus")
	case "sd":
		x.Target.Bus, x.Address = "sd", nil
	}
	return true
}

// idePlace is a place on IDE or AHCI; without one the first that is free.
func (r *reader) idePlace(d *device, x *xml.Disk) bool {
	bus, number, _ := strings.Cut(d.peek("bus"), ".")
	unit := int(d.uint("unit"))
	c, extra := r.named[bus]
	n, err := strconv.Atoi(number)
	switch {
	case extra && c.kind == "sata":
		if err != nil {
			return false
		}
		d.take("bus")
	case bus == "ide" && err == nil:
		d.take("bus")
	case bus == "":
		per := r.unitsPerBus()
		n = 0
		for n, unit = 0, 0; r.taken[fmt.Sprintf("ide.%d.%d", n, unit)] && n < 6; {
			if unit++; unit >= per {
				n, unit = n+1, 0
			}
		}
	default:
		return false
	}
	if !extra {
		r.taken[fmt.Sprintf("ide.%d.%d", n, unit)] = true
	}
	if extra || r.is("q35") {
		x.Target.Bus = "sata"
		x.Address.Controller, x.Address.Unit = c.index, uint(n)
		return unit == 0
	}
	x.Target.Bus = "ide"
	x.Address.Bus, x.Address.Unit = uint(n), uint(unit)
	x.Target.Dev = "hd" + letters(n*2+unit)
	return n < 2 && unit < 2
}

// scsiPlace is a place on a SCSI controller.
func (r *reader) scsiPlace(d *device, x *xml.Disk) bool {
	c, ok := r.controllerOn(d, "scsi")
	if !ok {
		return false
	}
	x.Target.Bus = "scsi"
	channel, lun := d.uint("channel"), d.uint("lun")
	id, given := d.number("scsi-id")
	for !given && r.taken[fmt.Sprintf("scsi%d.%d.%d.%d", c.index, channel, id, lun)] && id < 256 {
		id++
	}
	r.taken[fmt.Sprintf("scsi%d.%d.%d.%d", c.index, channel, id, lun)] = true
	x.Address.Controller, x.Address.Bus, x.Address.Target, x.Address.Unit = c.index, channel, uint(id), lun
	for _, other := range r.d.Devices.Controllers {
		if other.Type == "scsi" && *other.Index == c.index && other.Model == "lsilogic" {
			x.Address.Target, x.Address.Unit = 0, uint(id)
			return lun == 0 && channel == 0
		}
	}
	return true
}

func (r *reader) virtioDisk(d *device, x *xml.Disk) {
	x.Target.Bus = "virtio"
	x.Model = d.variant()
	x.Address, x.ACPI = d.address(), d.acpiIndex()
	d.ignore("scsi", "off")
	d.ignore("config-wce", "on")
}

// virtioDiskDriver are the threads, queues and switches of a virtio disk.
func (r *reader) virtioDiskDriver(d *device, v *xml.DiskDriver) {
	if id := d.take("iothread"); id != "" {
		v.IOThread = r.iothread(id)
	}
	v.IOThreads = r.iothreadMap(d)
	v.IOEventFD, v.EventIdx = d.onOff("ioeventfd"), d.onOff("event_idx")
	v.Queues, v.QueueSize = d.uint("num-queues"), d.uint("queue-size")
	if s := d.virtioDriver(); s != nil {
		v.IOMMU, v.ATS, v.Packed, v.PagePerVQ = s.IOMMU, s.ATS, s.Packed, s.PagePerVQ
	}
}

// target is the next name of a disk: vda, vdb.
func (r *reader) target(prefix string) string {
	if prefix == "" {
		prefix = "sd"
	}
	for n := 0; ; n++ {
		name := prefix + letters(n)
		if !r.taken[name] {
			r.taken[name] = true
			return name
		}
	}
}

// letters counts a, b ... z, aa, ab.
func letters(n int) string {
	s := ""
	for n++; n > 0; n = (n - 1) / 26 {
		s = string(rune('a'+(n-1)%26)) + s
	}
	return s
}
