package vmx

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// slot is a place that a drive can have.
type slot struct {
	bus              string // scsi, sata, ide, fdc
	controller, unit int
}

// name is how the file's entries about the slot begin.
func (s slot) name() string {
	if s.bus == "fdc" {
		return "floppy" + strconv.Itoa(s.unit)
	}
	return s.bus + strconv.Itoa(s.controller) + ":" + strconv.Itoa(s.unit)
}

// disks reads the drives of all buses and the models of SCSI controllers.
func (r *reader) disks(d *xml.Domain) error {
	models := map[uint]string{}
	for _, bus := range []struct {
		name        string
		controllers int
		units       int
	}{{"scsi", 4, r.scsiUnits()}, {"sata", 4, 30}, {"ide", 2, 2}, {"fdc", 1, 2}} {
		for c := range bus.controllers {
			if bus.name == "scsi" || bus.name == "sata" {
				on, err := r.flag(bus.name+strconv.Itoa(c)+".present", false)
				if err != nil {
					return err
				}
				if !on {
					continue
				}
			}
			if bus.name == "scsi" {
				model, err := r.controller(c)
				if err != nil {
					return err
				}
				models[uint(c)] = model
			}
			for u := range bus.units {
				if bus.name == "scsi" && u == 7 {
					continue // the controller's own
				}
				if err := r.slot(d, slot{bus.name, c, u}); err != nil {
					return err
				}
			}
		}
	}
	addControllers(d, models)
	return nil
}

// addControllers adds SCSI and SATA controllers up to the last that has a disk,
// SCSI's with their models; a driver would add them without.
func addControllers(d *xml.Domain, models map[uint]string) {
	high := map[string]uint{}
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		high[v.Target.Bus] = max(high[v.Target.Bus], v.Address.Controller+1)
	}
	for c := range high["scsi"] {
		model := models[c]
		if c > 3 { // more than VMware has: an address that the peer made up
			model = "auto"
		}
		d.Devices.Controllers = append(d.Devices.Controllers, xml.Controller{Type: "scsi", Index: &c, Model: model})
	}
	for c := range high["sata"] {
		d.Devices.Controllers = append(d.Devices.Controllers, xml.Controller{Type: "sata", Index: &c})
	}
}

// scsiUnits is how many units SCSI controllers of the file's hardware have.
func (r *reader) scsiUnits() int {
	switch {
	case r.hardware >= 13:
		return 64
	case r.Desktop:
		return 7
	}
	return 16
}

// scsiModels are the models of SCSI controllers: VMware's word and the domain's.
var scsiModels = []struct{ word, model string }{
	{"buslogic", "buslogic"}, {"lsilogic", "lsilogic"}, {"lsisas1068", "lsisas1068"}, {"pvscsi", "vmpvscsi"},
}

// controller reads a SCSI controller's model; "" is VMware's default.
func (r *reader) controller(c int) (string, error) {
	name := "scsi" + strconv.Itoa(c) + ".virtualDev"
	word, ok := r.text(name)
	if !ok {
		return "", nil
	}
	word = strings.ToLower(word)
	for _, m := range scsiModels {
		if m.word == word {
			return m.model, nil
		}
	}
	return "", r.fail(name, "Expecting VMX entry '%s' to be 'buslogic' or 'lsilogic' or 'lsisas1068' or 'pvscsi' but found '%s'", name, word)
}

// slot reads the drive in a slot, if there is one.
func (r *reader) slot(d *xml.Domain, s slot) error {
	name := s.name()
	on, err := r.present(name)
	if err != nil || !on {
		return err
	}
	// A drive of the machine from which somebody looks at the guest.
	if away, err := r.flag(name+".clientDevice", false); err != nil || away {
		return err
	}
	through, err := r.flag(name+".writeThrough", false)
	if err != nil {
		return err
	}
	v := xml.Disk{Type: "file", Device: "disk", Target: &xml.DiskTarget{Bus: s.bus}, Address: &xml.Address{Type: "drive"}}
	r.place(&v, s)
	found := false
	switch {
	case s.bus == "fdc":
		found, err = r.floppy(&v, name)
	default:
		found, err = r.drive(&v, s, name)
	}
	if err != nil || !found {
		return err
	}
	if through && v.Device == "disk" {
		v.Driver = &xml.DiskDriver{Cache: "writethrough"}
	}
	d.Devices.Disks = append(d.Devices.Disks, v)
	return nil
}

// place gives a drive its name, and the address that goes with it.
func (r *reader) place(v *xml.Disk, s slot) {
	a := v.Address
	switch s.bus {
	case "scsi":
		index := s.controller*diskUnits + s.unit
		if s.unit > 7 {
			index--
		}
		v.Target.Dev = diskName("sd", index)
		units := diskUnits // how many of a controller the peer counts
		switch {
		case r.hardware >= 13:
			units = 63
		case r.Desktop:
			units = 7
		}
		a.Controller, a.Unit = uint(index/units), uint(index%units)
		if a.Unit >= 7 {
			a.Unit++
		}
	case "sata":
		index := s.controller*30 + s.unit
		v.Target.Dev = diskName("sd", index)
		a.Controller, a.Unit = uint(index/6), uint(index%6)
	case "ide":
		v.Target.Dev = diskName("hd", s.controller*2+s.unit)
		a.Bus, a.Unit = uint(s.controller), uint(s.unit)
	case "fdc":
		v.Target.Dev = diskName("fd", s.unit)
		a.Unit = uint(s.unit)
	}
}

func (r *reader) floppy(v *xml.Disk, name string) (bool, error) {
	v.Device = "floppy"
	file, ok := r.text(name + ".fileName")
	switch kind := r.str(name + ".fileType"); {
	case strings.EqualFold(kind, "device"):
		if v.Type = "block"; ok {
			v.Source = &xml.DiskSource{Dev: r.given(name + ".fileName")}
		}
	case strings.EqualFold(kind, "file") && !ok:
	case strings.EqualFold(kind, "file"):
		path, err := r.file(file)
		if err != nil {
			return false, r.At(asError(err), r.Get(name+".fileName"))
		}
		v.Source = &xml.DiskSource{File: path}
	default:
		kind, typed := r.text(name + ".deviceType")
		if !typed {
			kind = "unknown"
		}
		return false, r.unhandled(name, file, ok, kind)
	}
	return true, nil
}

func (r *reader) unhandled(name, file string, ok bool, kind string) error {
	if !ok {
		file = "<null>"
	}
	return r.fail(name+".fileName", "Invalid or not yet handled value '%s' for VMX entry '%s.fileName' for device type '%s'", file, name, kind)
}

func (r *reader) notImage(name, kind string) error {
	return r.fail(name+".deviceType", "Expecting VMX entry '%s.deviceType' to be 'cdrom-image' but found '%s'", name, kind)
}

// passthrough begins the names of CD-ROM drives of an ESX host.
const passthrough = "/vmfs/devices/cdrom/"

// drive reads a hard disk or a CD-ROM drive; found is false for what neither is.
func (r *reader) drive(v *xml.Disk, s slot, name string) (found bool, err error) {
	file, ok := r.text(name + ".fileName")
	kind, typed := r.text(name + ".deviceType")
	is := func(word string) bool { return strings.EqualFold(kind, word) }
	switch {
	case ok && hasSuffix(file, ".vmdk"):
		if is("cdrom-image") || is("atapi-cdrom") || is("cdrom-raw") {
			return false, nil // an image that no such drive reads
		}
		hard := map[string]string{"scsi": "scsi-hardDisk", "ide": "ata-hardDisk"}[s.bus]
		if typed && hard != "" && !is(hard) && !is("disk") {
			return false, r.fail(name+".deviceType", "Expecting VMX entry '%s.deviceType' to be '%s' or 'disk' but found '%s'", name, hard, kind)
		}
		return true, r.hardDisk(v, name, file)
	case ok && hasSuffix(file, ".iso"):
		if typed && !is("cdrom-image") {
			return false, r.notImage(name, kind)
		}
		path, err := r.file(file)
		if err != nil {
			return false, r.At(asError(err), r.Get(name+".fileName"))
		}
		v.Device, v.Readonly, v.Source = "cdrom", true, &xml.DiskSource{File: path}
		return true, nil
	case is("atapi-cdrom"), is("cdrom-raw"):
		v.Type, v.Device, v.Readonly = "block", "cdrom", true
		if is("cdrom-raw") {
			v.Device = "lun"
		}
		switch {
		case ok && strings.EqualFold(file, "auto detect"):
			v.Source = &xml.DiskSource{StartupPolicy: "optional"}
		case ok:
			v.Source = &xml.DiskSource{Dev: r.given(name + ".fileName")}
		}
		return true, nil
	case s.bus == "scsi" && is("scsi-passthru") && ok && strings.EqualFold(file, "emptyBackingString"):
		return false, nil
	case s.bus == "scsi" && is("scsi-passthru") && (!ok || strings.HasPrefix(file, passthrough)):
		v.Type, v.Device, v.Readonly, v.Source = "block", "lun", true, &xml.DiskSource{Dev: file}
		return ok, nil
	case ok && (strings.EqualFold(file, "emptyBackingString") || file == "" && is("cdrom-image")):
		if typed && !is("cdrom-image") {
			return false, r.notImage(name, kind)
		}
		v.Device, v.Readonly = "cdrom", true
		return true, nil
	}
	if !typed {
		kind = "unknown"
	}
	return false, r.unhandled(name, file, ok, kind)
}

func (r *reader) hardDisk(v *xml.Disk, name, file string) error {
	path, err := r.file(file)
	if err != nil {
		return r.At(asError(err), r.Get(name+".fileName"))
	}
	v.Source = &xml.DiskSource{File: path}
	if strings.EqualFold(r.str(name+".mode"), "independent-nonpersistent") {
		v.Transient = &xml.Transient{}
	}
	return nil
}
