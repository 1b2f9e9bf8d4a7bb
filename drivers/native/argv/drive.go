package argv

import (
	"fmt"
	"strconv"
	"strings"
)

func (r *reader) optDrive(w word) {
	if p := r.parse(w, ""); p != nil {
		r.drives = append(r.drives, p)
	}
}

// addDrive is a drive of one of the options that only name a file.
func (r *reader) addDrive(w word, pairs ...string) {
	p := &props{option: "-drive", line: w.line}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.list = append(p.list, property{key: pairs[i], value: pairs[i+1]})
	}
	p.list = append(p.list, property{key: "file", value: w.arg})
	r.drives = append(r.drives, p)
}

// optHard is -hda to -hdd, and a file without an option.
func (r *reader) optHard(w word) {
	r.addDrive(w, "index", strconv.Itoa(int(w.name[3]-'a')), "media", "disk")
}

func (r *reader) optCDROM(w word) { r.addDrive(w, "index", "2", "media", "cdrom") }

func (r *reader) optFloppy(w word) {
	r.addDrive(w, "if", "floppy", "index", strconv.Itoa(int(w.name[3]-'a')))
}

func (r *reader) optSD(w word) { r.addDrive(w, "if", "sd") }

// driveInterface is where drives go that do not say it.
func (r *reader) driveInterface() string {
	switch {
	case r.is("virt"), strings.HasPrefix(r.arch(), "s390"), strings.HasPrefix(r.arch(), "riscv"), strings.HasPrefix(r.arch(), "loongarch"):
		return "virtio"
	case r.isPSeries():
		return "scsi"
	}
	return "ide"
}

// virtioBus is the ending of virtio devices that QEMU makes itself.
func (r *reader) virtioBus() string {
	switch {
	case strings.HasPrefix(r.arch(), "s390"):
		return "-ccw"
	case r.d.OS.Type.Machine == "microvm":
		return "-device"
	}
	return "-pci"
}

// unitsPerBus is how many drives are on one bus of IDE or AHCI.
func (r *reader) unitsPerBus() int {
	if r.is("q35") {
		return 1
	}
	return 2
}

// driveDevices makes the devices of the drives that are not for -device.
func (r *reader) driveDevices() {
	slots := map[string]bool{}
	for _, late := range []bool{false, true} { // those with a place have it first
		for n, p := range r.drives {
			placed := p.has("index") || p.has("bus") || p.has("unit")
			if placed != late {
				r.driveDevice(n, p, slots)
			}
			if r.err != nil {
				return
			}
		}
	}
	r.defaultDrives(slots)
}

// driveDevice makes the device of one drive.
func (r *reader) driveDevice(n int, p *props, slots map[string]bool) {
	if r.boardDrive(p) {
		return
	}
	kind := p.take("if")
	if kind == "" {
		kind = r.driveInterface()
	}
	per := map[string]int{"ide": r.unitsPerBus(), "scsi": 7, "floppy": 2, "pflash": 2}[kind]
	if per == 0 {
		per = 1 << 20
	}
	index, given := r.driveIndex(p, per)
	for ; !given && slots[fmt.Sprint(kind, index)]; index++ {
	}
	if slots[fmt.Sprint(kind, index)] && kind != "none" {
		r.fail(p, "there are two drives at %s index %d", kind, index)
		return
	}
	if kind != "none" {
		slots[fmt.Sprint(kind, index)] = true
	}
	id := p.peek("id")
	if id == "" {
		id = fmt.Sprintf("%s%d", kind, n)
		p.list = append(p.list, property{key: "id", value: id})
	}
	p.keepFor("none", "id")
	cdrom := p.peek("media") == "cdrom"
	p.ignore("media", "disk", "cdrom")
	bus, unit := index/per, index%per
	switch kind {
	case "none":
	case "virtio":
		r.last = append(r.last, build(p.option, p.line, "driver", "virtio-blk"+r.virtioBus(), "drive", id))
	case "ide":
		r.first = append(r.first, build(p.option, p.line, "driver", diskDriver("ide", cdrom), "bus", fmt.Sprintf("ide.%d", bus), "unit", strconv.Itoa(unit), "drive", id))
	case "scsi":
		r.scsiDrive(p, id, unit, cdrom)
	case "floppy":
		r.first = append(r.first, build(p.option, p.line, "driver", "floppy", "unit", strconv.Itoa(unit), "drive", id))
	case "pflash":
		for len(r.pflash) <= unit {
			r.pflash = append(r.pflash, "")
		}
		r.pflash[unit] = "drive:" + id
	case "sd":
		r.last = append(r.last, build(p.option, p.line, "driver", "sd", "drive", id))
	default:
		p.set("if", kind)
		r.passProps(p, "XML has no such drive")
	}
}

func diskDriver(kind string, cdrom bool) string {
	if cdrom {
		return kind + "-cd"
	}
	return kind + "-hd"
}

// keepFor makes a drive one for -device, in case it is passed as it stands.
func (p *props) keepFor(kind, id string) {
	p.take(id)
	rest := p.list[:0]
	for _, f := range p.list {
		if f.key != "if" && f.key != "index" && f.key != "bus" && f.key != "unit" {
			rest = append(rest, f)
		}
	}
	p.list = append(rest, property{key: "if", value: kind, used: true})
}

// driveIndex is the place that a drive asks for.
func (r *reader) driveIndex(p *props, per int) (int, bool) {
	index, ok := p.number("index")
	bus, hasBus := p.number("bus")
	unit, hasUnit := p.number("unit")
	if hasBus || hasUnit {
		index, ok = bus*uint64(per)+unit, true
	}
	return int(min(index, 1000)), ok
}

// scsiDrive needs a controller: QEMU's POWER machines have one.
func (r *reader) scsiDrive(p *props, id string, unit int, cdrom bool) {
	if !r.isPSeries() {
		found := false
		for _, d := range append(r.first, r.devices...) {
			found = found || handlers.scsi(d.base)
		}
		if !found {
			r.note("if=scsi: this machine has no SCSI controller; the definition has an lsilogic one")
			r.first = append(r.first, build(p.option, p.line, "driver", "lsi53c895a", "id", "lsi"))
		}
	}
	bus := ""
	if r.isPSeries() {
		bus = "spapr-vscsi-0.0"
	}
	r.last = append(r.last, build(p.option, p.line, "driver", diskDriver("scsi", cdrom), "bus", bus, "scsi-id", strconv.Itoa(unit), "drive", id))
}

// defaultDrives are the empty drives that QEMU adds.
func (r *reader) defaultDrives(slots map[string]bool) {
	if r.isPSeries() {
		r.seriesDefaults(slots)
	}
	if r.isBoard() {
		r.boardDefaults()
	}
	old := r.is("pc") || r.isMalta() || r.d.OS.Type.Machine == "isapc"
	if !r.defaults || !old && !r.is("q35") {
		return
	}
	if !r.hasDevice("ide-cd", "ide-hd", "scsi-cd", "scsi-hd") && !slots["ide2"] {
		bus, unit := 2/r.unitsPerBus(), 2%r.unitsPerBus()
		r.first = append(r.first, build("-cdrom", 0, "driver", "ide-cd", "bus", fmt.Sprintf("ide.%d", bus), "unit", strconv.Itoa(unit)))
	}
	if old && !r.hasDevice("floppy", "isa-fdc") && !slots["floppy0"] {
		r.first = append(r.first, build("-fda", 0, "driver", "floppy", "unit", "0"))
	}
}

// hasDevice tells whether -device makes one of these.
func (r *reader) hasDevice(names ...string) bool {
	for _, d := range r.devices {
		for _, n := range names {
			if d.base == n && !d.made {
				return true
			}
		}
	}
	return false
}
