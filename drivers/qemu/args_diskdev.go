package qemu

import (
	"strings"

	"virgo/xml"
)

// diskDevice is what the guest sees of a disk.
func (a *args) diskDevice(d *xml.Disk, drive string) {
	var p *props
	switch d.Target.Bus {
	case "ide", "sata":
		p = a.ideDisk(d)
	case "scsi":
		p = a.scsiDisk(d)
	case "virtio":
		p = a.virtioDisk(d)
	case "usb":
		p = a.where(newProps("driver", "usb-storage"), d.Address, nil)
	case "fdc":
		p = newProps("driver", "floppy").num("unit", uint64(unit(d)))
	default:
		a.fail(xml.CodeConfigUnsupported, "disk bus '%s' is not supported", d.Target.Bus)
		return
	}
	if d.Shareable && d.Target.Bus != "fdc" {
		p.flag("share-rw", true)
	}
	p.opt("drive", drive).str("id", aliasOf(d.Alias))
	a.diskTail(p, d)
	a.device(p)
}

func unit(d *xml.Disk) uint {
	if d.Address == nil {
		return 0
	}
	return d.Address.Unit
}

// diskTail is what all buses have, in the peer's order.
func (a *args) diskTail(p *props, d *xml.Disk) {
	var index uint
	switch {
	case d.Device == "floppy":
		if d.Boot != nil && d.Target.Bus != "fdc" {
			index = d.Boot.Order
		}
	case d.Device == "cdrom":
		index = indexFor(d.Boot, a.boot.cdrom, &a.boot.usedCD)
	default:
		index = indexFor(d.Boot, a.boot.disk, &a.boot.usedDisk)
	}
	p.optNum("bootindex", uint64(index))
	if d.Boot != nil && isS390(a.d.OS.Type.Arch) {
		p.opt("loadparm", d.Boot.LoadParm)
	}
	if b := d.BlockIO; b != nil {
		p.optNum("logical_block_size", uint64(b.Logical)).optNum("physical_block_size", uint64(b.Physical))
		if b.DiscardGranularity != nil {
			p.num("discard_granularity", uint64(*b.DiscardGranularity))
		}
	}
	if d.WWN != "" {
		p.raw("wwn", wwn(d.WWN))
	}
	if d.Target.RotationRate > 0 {
		p.num("rotation_rate", uint64(d.Target.RotationRate))
	}
	product := "product"
	if d.Target.Bus == "ide" || d.Target.Bus == "sata" {
		product = "model"
	}
	p.opt("vendor", d.Vendor).opt(product, d.Product)
	p.optFlag("removable", removable(d))
	if d.Driver != nil && d.Device != "lun" {
		p.opt("write-cache", writeCache(cacheMode(d)))
	}
	if g := d.Geometry; g != nil && g.Cylinders > 0 {
		p.optNum("cyls", uint64(g.Cylinders)).optNum("heads", uint64(g.Heads)).optNum("secs", uint64(g.Sectors)).opt("bios-chs-trans", g.Trans)
	}
	if d.Serial != "" && d.Device != "lun" {
		p.str("serial", strings.ReplaceAll(d.Serial, " ", `\ `)) // as the peer escapes it
	}
	if d.Driver != nil && d.Device != "lun" {
		werror, rerror := policy(d.Driver.ErrorPolicy), policy(d.Driver.RErrorPolicy)
		if rerror == "" && werror != "enospc" { // QEMU has no such policy for reads
			rerror = werror
		}
		p.opt("werror", werror).opt("rerror", rerror)
	}
}

func policy(p string) string {
	switch p {
	case "default":
		return ""
	case "enospace":
		return "enospc"
	}
	return p
}

func removable(d *xml.Disk) string {
	if d.Target.Bus == "usb" && d.Target.Removable == "" {
		return "off"
	}
	if d.Target.Ejectable != "" {
		return string(d.Target.Ejectable)
	}
	return string(d.Target.Removable)
}

// wwn is the number of a world wide name.
func wwn(hex string) string {
	n := uint64(0)
	for _, c := range hex {
		var v uint64
		switch {
		case c >= '0' && c <= '9':
			v = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			v = uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			v = uint64(c-'A') + 10
		}
		n = n<<4 | v
	}
	return utoa(n)
}

func (a *args) ideDisk(d *xml.Disk) *props {
	driver := "ide-hd"
	if d.Device == "cdrom" {
		driver = "ide-cd"
	}
	addr := d.Address
	if addr == nil {
		addr = &xml.Address{}
	}
	if d.Target.Bus == "sata" {
		bus := a.controllerAlias("sata", addr.Controller)
		return newProps("driver", driver).str("bus", bus+"."+utoa(addr.Unit))
	}
	return newProps("driver", driver).str("bus", "ide."+utoa(addr.Bus)).num("unit", uint64(addr.Unit))
}

func (a *args) scsiDisk(d *xml.Disk) *props {
	driver := "scsi-hd"
	switch d.Device {
	case "cdrom":
		driver = "scsi-cd"
	case "lun":
		driver = "scsi-block"
	}
	p := a.scsiPlace(newProps("driver", driver), d.Address)
	if d.Device != "lun" {
		id := d.Serial
		if id == "" {
			id = "drive-" + aliasOf(d.Alias)
		}
		p.str("device_id", id)
	}
	return p
}

// scsiPlace says where a SCSI device sits.
func (a *args) scsiPlace(p *props, addr *xml.Address) *props {
	if addr == nil {
		addr = &xml.Address{}
	}
	if a.scsiModel(addr.Controller) == "ncr53c90" { // the board's own has no name
		return p.str("bus", "scsi."+utoa(addr.Controller)).num("scsi-id", uint64(addr.Unit))
	}
	p.str("bus", a.controllerAlias("scsi", addr.Controller)+".0")
	if a.scsiModel(addr.Controller) == "lsilogic" {
		return p.num("scsi-id", uint64(addr.Unit))
	}
	return p.num("channel", uint64(addr.Bus)).num("scsi-id", uint64(addr.Target)).num("lun", uint64(addr.Unit))
}

func (a *args) scsiModel(index uint) string {
	for _, c := range a.d.Devices.Controllers {
		if c.Type == "scsi" && number(c.Index) == index {
			return c.Model
		}
	}
	return ""
}

func (a *args) virtioDisk(d *xml.Disk) *props {
	p := newProps("driver", a.virtioName("virtio-blk", d.Model, d.Address))
	diskVirtioFlags(p, d.Driver)
	if v := d.Driver; v != nil {
		if v.IOThread > 0 {
			p.str("iothread", "iothread"+utoa(v.IOThread))
		}
		p.optFlag("ioeventfd", string(v.IOEventFD)).optFlag("event_idx", string(v.EventIdx))
		p.optNum("num-queues", uint64(v.Queues)).optNum("queue-size", uint64(v.QueueSize))
		if len(v.IOThreads) > 0 {
			p.raw("iothread-vq-mapping", iothreadMapping(v.IOThreads))
		}
	}
	return a.where(p, d.Address, d.ACPI)
}

// floppies: the controller's boot places are its own properties.
func (a *args) floppyController() {
	var drives []string
	found := false
	for i := range a.d.Devices.Disks {
		d := &a.d.Devices.Disks[i]
		if d.Target == nil || d.Target.Bus != "fdc" {
			continue
		}
		found = true
		if isPPC64(a.d.OS.Type.Arch) && strings.HasPrefix(a.d.OS.Type.Machine, "pseries") {
			a.fail(xml.CodeConfigUnsupported, "PowerPC pseries machines do not support floppy device")
			return
		}
		if index := indexFor(d.Boot, a.boot.floppy, &a.boot.usedFloppy); index > 0 {
			letter := "A"
			if unit(d) == 1 {
				letter = "B"
			}
			drives = append(drives, "bootindex"+letter, utoa(index))
		}
	}
	explicit := false
	for _, c := range a.d.Devices.Controllers {
		explicit = explicit || c.Type == "fdc"
	}
	if explicit && found && isQ35(a.d.OS.Type.Machine) {
		p := newProps("driver", "isa-fdc")
		for i := 0; i+1 < len(drives); i += 2 {
			p.raw(drives[i], drives[i+1])
		}
		a.device(p)
		return
	}
	for i := 0; i+1 < len(drives); i += 2 {
		a.add("-global", "isa-fdc."+drives[i]+"="+drives[i+1])
	}
}
