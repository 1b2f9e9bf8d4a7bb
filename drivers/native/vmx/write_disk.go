package vmx

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// disks writes SCSI controllers, then all drives, then what floppy drives there
// are not: VMware's machines have them unless told otherwise.
func (w *writer) disks(d *xml.Domain) error {
	if err := w.controllers(d); err != nil {
		return err
	}
	var floppies [2]bool
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		var err error
		switch v.Device {
		case "floppy":
			err = w.floppy(v, &floppies)
		case "disk":
			err = w.hardDisk(v)
		case "cdrom", "lun":
			err = w.cdrom(v)
		default:
			err = unsupported("Unsupported disk device type '%s'", v.Device)
		}
		if err != nil {
			return err
		}
	}
	for i, there := range floppies {
		if !there {
			w.flag("floppy"+strconv.Itoa(i)+".present", false)
		}
	}
	return nil
}

// controllers writes the SCSI controllers that have disks.
func (w *writer) controllers(d *xml.Domain) error {
	var models [4]string
	var used [4]bool
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "scsi" && *c.Index < 4 {
			models[*c.Index] = strings.TrimPrefix(c.Model, "auto")
		}
	}
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Target == nil || v.Target.Bus != "scsi" || v.Address == nil || v.Address.Type != "drive" {
			continue
		}
		n := v.Address.Controller
		if n > 3 {
			return internal("SCSI controller index %d out of [0..3] range", n)
		}
		used[n] = true
		if v.Driver == nil || v.Driver.Name == "" {
			continue
		}
		// The way in which a disk named its controller's model once.
		model := strings.ToLower(v.Driver.Name)
		if modelWord(model) == "" {
			return internal("Unknown driver name '%s'", v.Driver.Name)
		}
		if models[n] != "" && models[n] != model {
			return internal("Inconsistent SCSI controller model ('%s' is not '%s') for SCSI controller index %d", v.Driver.Name, models[n], n)
		}
		models[n] = model
	}
	for n, on := range used {
		if !on {
			continue
		}
		name := "scsi" + strconv.Itoa(n)
		w.flag(name+".present", true)
		if m := models[n]; m != "" {
			word := modelWord(m)
			if word == "" {
				return internal("Expecting domain XML attribute 'model' of entry 'controller' to be 'buslogic' or 'lsilogic' or 'lsisas1068' or 'vmpvscsi' but found '%s'", m)
			}
			w.put(name+".virtualDev", word)
		}
	}
	return nil
}

// modelWord is VMware's word for a model of SCSI controller, or "".
func modelWord(model string) string {
	for _, m := range scsiModels {
		if m.model == model {
			return m.word
		}
	}
	return ""
}

// index is the number of a disk's name: sda 0, sdaa 26.
func index(dev string) int {
	n := 0
	for i, c := range dev[min(2, len(dev)):] {
		if c < 'a' || c > 'z' || i > 5 {
			return -1
		}
		n = n*26 + int(c-'a') + 1
	}
	return n - 1
}

// matches tells whether a drive's address is the one that its name means.
func matches(v *xml.Disk) bool {
	a, n := v.Address, index(v.Target.Dev)
	if n < 0 || a.Target != 0 {
		return false
	}
	i := uint(n)
	switch v.Target.Bus {
	case "scsi":
		unit := i % diskUnits
		if unit >= 7 {
			unit++
		}
		return a.Controller == i/diskUnits && a.Bus == 0 && a.Unit == unit
	case "ide":
		return a.Controller == i/4 && a.Bus == i%4/2 && a.Unit == i%2
	case "fdc":
		return a.Controller == i/2 && a.Bus == 0 && a.Unit == i%2
	}
	return false
}

// slot checks a drive's address and gives how entries about it begin.
func (w *writer) slot(v *xml.Disk) (string, error) {
	a := v.Address
	if a == nil || a.Type != "drive" {
		kind := "none"
		if a != nil {
			kind = a.Type
		}
		return "", unsupported("Unsupported disk address type '%s'", kind)
	}
	switch v.Target.Bus {
	case "scsi", "ide", "fdc":
	default:
		return "", unsupported("Unsupported bus type '%s'", v.Target.Bus)
	}
	if !matches(v) {
		return "", internal("Disk address %d:%d:%d doesn't match target device '%s'", a.Controller, a.Bus, a.Unit, v.Target.Dev)
	}
	switch v.Target.Bus {
	case "scsi":
		return "scsi" + strconv.Itoa(int(a.Controller)) + ":" + strconv.Itoa(int(a.Unit)), nil
	case "ide":
		if a.Controller != 0 {
			return "", internal("IDE controller index %d out of [0] range", a.Controller)
		}
		return "ide" + strconv.Itoa(int(a.Bus)) + ":" + strconv.Itoa(int(a.Unit)), nil
	}
	if a.Controller != 0 {
		return "", internal("FDC controller index %d out of [0] range", a.Controller)
	}
	return "floppy" + strconv.Itoa(int(a.Unit)), nil
}

// image writes the file of a drive, which must end as such files do.
func (w *writer) image(v *xml.Disk, name, suffix string) error {
	if !hasSuffix(v.Source.File, suffix) {
		return internal("Image file for %s %s '%s' has unsupported suffix, expecting '%s'", v.Target.Bus, v.Device, v.Target.Dev, suffix)
	}
	path, err := w.path(v.Source.File)
	if err != nil {
		return err
	}
	w.put(name+".fileName", path)
	return nil
}

func (w *writer) hardDisk(v *xml.Disk) error {
	name, err := w.slot(v)
	if err != nil {
		return err
	}
	if v.Type != "file" {
		return unsupported("%s disk '%s' has unsupported type '%s', expecting 'file'", v.Target.Bus, v.Target.Dev, v.Type)
	}
	w.flag(name+".present", true)
	kind := "ata-hardDisk"
	if v.Target.Bus == "scsi" {
		kind = "scsi-hardDisk"
	}
	w.put(name+".deviceType", kind)
	if v.Source == nil {
		return internal("Image file for %s %s '%s' has unsupported suffix, expecting '%s'", v.Target.Bus, v.Device, v.Target.Dev, ".vmdk")
	}
	if err := w.image(v, name, ".vmdk"); err != nil {
		return err
	}
	if v.Driver != nil && v.Target.Bus == "scsi" && v.Driver.Cache == "writethrough" {
		w.flag(name+".writeThrough", true)
	}
	if v.Transient != nil {
		w.put(name+".mode", "independent-nonpersistent")
	}
	return nil
}

func (w *writer) cdrom(v *xml.Disk) error {
	name, err := w.slot(v)
	if err != nil {
		return err
	}
	src := v.Source
	if src == nil {
		src = &xml.DiskSource{}
	}
	var kind string
	switch v.Type {
	case "file":
		w.flag(name+".present", true)
		w.put(name+".deviceType", "cdrom-image")
		if src.File == "" {
			w.put(name+".fileName", "emptyBackingString")
			return nil
		}
		return w.image(v, name, ".iso")
	case "block":
		kind = "atapi-cdrom"
		if v.Device == "lun" {
			kind = "cdrom-raw"
			if v.Target.Bus == "scsi" && strings.HasPrefix(src.Dev, passthrough) {
				kind = "scsi-passthru"
			}
		}
	default:
		return unsupported("%s cdrom '%s' has unsupported type '%s', expecting 'file' or 'block'", v.Target.Bus, v.Target.Dev, v.Type)
	}
	w.flag(name+".present", true)
	w.put(name+".deviceType", kind)
	if src.Dev == "" && src.StartupPolicy == "optional" {
		w.flag(name+".autodetect", true)
		w.put(name+".fileName", "auto detect")
		return nil
	}
	w.put(name+".fileName", src.Dev)
	return nil
}

func (w *writer) floppy(v *xml.Disk, floppies *[2]bool) error {
	name, err := w.slot(v)
	if err != nil {
		return err
	}
	floppies[v.Address.Unit] = true
	w.flag(name+".present", true)
	src := v.Source
	if src == nil {
		src = &xml.DiskSource{}
	}
	switch v.Type {
	case "file":
		w.put(name+".fileType", "file")
		if src.File != "" {
			path, err := w.path(src.File)
			if err != nil {
				return err
			}
			w.put(name+".fileName", path)
		}
	case "block":
		w.put(name+".fileType", "device")
		w.put(name+".fileName", src.Dev)
	default:
		return unsupported("Floppy '%s' has unsupported type '%s', expecting 'file' or 'block'", v.Target.Dev, v.Type)
	}
	return nil
}
