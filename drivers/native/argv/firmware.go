package argv

import (
	"path"
	"strconv"
	"strings"

	"virgo/xml"
)

// firmware reads what the guest begins with, and the -global that are about it.
func (r *reader) firmware() {
	os := &r.d.OS
	switch {
	case r.bios == "":
	case path.IsAbs(r.bios) || strings.Contains(r.bios, "/") || r.o.Format != nil && r.o.Format(r.absolute(r.bios)) != "": // QEMU looks here first
		os.Loader = &xml.Loader{Type: "rom", Path: r.absolute(r.bios)}
	default:
		r.pass("QEMU looks for it in its own folder", "-bios", r.bios)
	}
	for i, text := range r.pflash {
		if text != "" && i < 2 && r.err == nil {
			r.flash(i, text)
		}
	}
	if l := os.Loader; l != nil && l.Type == "pflash" {
		if os.NVRAM == nil && l.Readonly == "yes" {
			l.Stateless = "yes"
		}
		if r.is("virt") {
			r.featuresOf().ACPI = true // without UEFI XML wants none
		}
	}
	for _, g := range r.globals {
		r.global(g)
	}
	if r.is("virt") && (os.Loader == nil || os.Loader.Type != "pflash") {
		if r.d.Features != nil {
			r.d.Features.ACPI = false
		}
		if acpi := r.machine.peek("acpi"); r.bios != "" && r.arch() == "aarch64" && acpi != "off" {
			r.pass("XML has ACPI with flash chips only", "-machine", "acpi=on")
		}
	}
}

// flash is one of the two flash chips: code, and the variables of the guest.
func (r *reader) flash(n int, text string) {
	d := build("-drive", 0, "driver", "pflash")
	im := &image{kind: "file", source: &xml.DiskSource{}}
	ok := true
	kind, id, _ := strings.Cut(text, ":")
	switch kind {
	case "node", "drive":
		im, _, ok = r.imageOf(d, id)
	default:
		im, ok = r.location(d, text)
		im.format, im.guess = r.guessFormat(im)
	}
	if r.err != nil {
		return
	}
	if !ok || im.source == nil || im.kind != "file" && n == 0 {
		r.note("left out: the flash chip %s (its image must be a file)", text)
		return
	}
	for _, p := range d.deps {
		p.spent = true
		r.leftovers(p)
	}
	format := im.format
	if format == "raw" {
		format = ""
	}
	os := &r.d.OS
	if n == 0 {
		os.Loader = &xml.Loader{Type: "pflash", Readonly: "yes", Path: im.source.File, Format: format}
		if !im.readonly && len(r.pflash) < 2 {
			os.Loader.Readonly = "no"
		}
		return
	}
	if os.Loader == nil || os.Loader.Type != "pflash" {
		r.note("left out: the second flash chip, %s (there is no first one)", im.source.File)
		return
	}
	os.NVRAM = &xml.NVRAMFile{Path: im.source.File, Format: format}
	if im.kind != "file" {
		os.NVRAM.Type, os.NVRAM.Source = im.kind, im.source
	}
	if format != "" {
		os.Loader.Format = format
	}
}

// global is a property of all devices of a kind.
type global struct {
	driver, property, value string
	word                    word
}

func (r *reader) optGlobal(w word) {
	g := global{word: w}
	if strings.HasPrefix(w.arg, "driver=") {
		p := r.parse(w, "")
		if p == nil {
			return
		}
		g.driver, g.property, g.value = p.take("driver"), p.take("property"), p.take("value")
	} else {
		key, value, _ := strings.Cut(w.arg, "=")
		g.value = value
		g.driver, g.property, _ = strings.Cut(key, ".")
		if i := strings.LastIndexByte(key, '.'); i > 0 {
			g.driver, g.property = key[:i], key[i+1:]
		}
	}
	r.globals = append(r.globals, g)
}

func (r *reader) global(g global) {
	on := toSwitch(g.value)
	if on == "" {
		on = map[string]xml.OnOff{"1": "on", "0": "off"}[g.value]
	}
	chip := g.driver == "ICH9-LPC" || g.driver == "PIIX4_PM"
	switch {
	case g.driver == "cfi.pflash01" && g.property == "secure" && on == "on" && r.d.OS.Loader != nil && r.guardedBySMM():
		r.d.OS.Loader.Secure = "yes"
	case chip && (g.property == "disable_s3" || g.property == "disable_s4") && on != "":
		if r.d.PM == nil {
			r.d.PM = &xml.PM{}
		}
		e := &xml.Enabled{Enabled: map[xml.OnOff]xml.YesNo{"on": "no", "off": "yes"}[on]}
		if g.property == "disable_s3" {
			r.d.PM.Mem = e
		} else {
			r.d.PM.Disk = e
		}
	case g.driver == "kvm-pit" && g.property == "lost_tick_policy" && (g.value == "delay" || g.value == "discard"):
		r.timer("pit").TickPolicy = g.value
	case g.driver == "mch" && g.property == "extended-tseg-mbytes":
		n, err := strconv.ParseUint(g.value, 0, 32)
		if f := r.featuresOf(); err == nil {
			if f.SMM == nil {
				f.SMM = &xml.SMM{State: "on"}
			}
			f.SMM.TSEG = &xml.TSEG{Unit: "MiB", Value: n}
		}
	case g.driver == "PIIX4_PM" && g.property == "acpi-root-pci-hotplug" && r.is("pc"): // read with the root bus
	case g.property == "pci-hole64-size" && (g.driver == "i440FX-pcihost" && r.is("pc") || g.driver == "q35-pcihost" && r.is("q35")):
	case g.driver == "isa-fdc" && strings.HasPrefix(g.property, "bootindex"): // read with the floppies
	case g.driver == "ICH9-LPC" && g.property == "noreboot" && on == "off": // as every definition has it
	default:
		r.pass("", "-global", g.word.arg)
	}
}

// guardedBySMM tells whether the machine has the mode that keeps guests from the
// variables of secure boot, which XML wants to be said where they are kept so.
func (r *reader) guardedBySMM() bool {
	f := r.featuresOf()
	if f.SMM == nil && r.is("q35") {
		f.SMM = &xml.SMM{State: "on"}
	}
	return f.SMM != nil && f.SMM.State == "on" && r.is("q35")
}

// optACPITable is one more table for the guest.
func (r *reader) optACPITable(w word) {
	p := r.parse(w, "")
	if p == nil {
		return
	}
	file := p.peek("file")
	kind := map[string]string{"": "raw", "SLIC": "slic", "MSDM": "msdm"}[p.peek("sig")]
	p.take("file", "sig")
	if file == "" || kind == "" || strings.Contains(file, ":") || len(p.left()) > 0 {
		r.pass("", "-acpitable", w.arg)
		return
	}
	r.d.OS.ACPITables = append(r.d.OS.ACPITables, xml.ACPITable{Type: kind, Path: r.absolute(file)})
}

// smbiosFields are the fields of the tables that XML has, QEMU's names and XML's.
var smbiosFields = [4]string{"vendor version date release", "manufacturer product version serial uuid sku family", "manufacturer product version serial asset location",
	"manufacturer version serial asset sku"}

// optSMBIOS is a table about the machine.
func (r *reader) optSMBIOS(w word) {
	p := r.parse(w, "")
	if p == nil {
		return
	}
	kind := p.take("type")
	var entries []xml.SysinfoEntry
	if kind == "11" {
		for i := range p.list {
			if f := &p.list[i]; f.key == "value" {
				f.used = true
				entries = append(entries, xml.SysinfoEntry{Text: f.value})
			}
		}
	} else if n, err := strconv.Atoi(kind); err == nil && n >= 0 && n < len(smbiosFields) {
		for _, key := range strings.Fields(smbiosFields[n]) {
			if v := p.take(key); v != "" {
				entries = append(entries, xml.SysinfoEntry{Name: key, Text: v})
			}
		}
	}
	if len(entries) == 0 || len(p.left()) > 0 {
		r.pass("", "-smbios", w.arg)
		return
	}
	s := r.sysinfo("smbios")
	r.d.OS.SMBIOS = &xml.SMBIOS{Mode: "sysinfo"}
	switch kind {
	case "0":
		s.BIOS = append(s.BIOS, entries...)
	case "1":
		s.System = append(s.System, entries...)
	case "2":
		s.BaseBoards = append(s.BaseBoards, xml.SysinfoBlock{Entries: entries})
	case "3":
		s.Chassis = append(s.Chassis, entries...)
	case "11":
		for _, e := range entries {
			s.OEMStrings = append(s.OEMStrings, xml.OEMString{Text: e.Text})
		}
	}
	if kind == "1" {
		r.systemUUID(s)
	}
}

// systemUUID: the guest's UUID must be that of the table.
func (r *reader) systemUUID(s *xml.Sysinfo) {
	for _, e := range s.System {
		if u, ok := xml.ParseUUID(e.Text); e.Name == "uuid" && ok && r.d.UUID == "" {
			r.d.UUID = u
		}
	}
}

func (r *reader) sysinfo(kind string) *xml.Sysinfo {
	list := &r.d.Sysinfo
	for i := range *list {
		if (*list)[i].Type == kind {
			return &(*list)[i]
		}
	}
	*list = append(*list, xml.Sysinfo{Type: kind})
	return &(*list)[len(*list)-1]
}

// optFirmwareConfig is a blob that firmware and guests can read.
func (r *reader) optFirmwareConfig(w word) {
	p := r.parse(w, "name")
	if p == nil {
		return
	}
	e := xml.SysinfoEntry{Name: p.take("name"), Text: p.take("string")}
	if file := p.take("file"); file != "" {
		e.File = r.absolute(file)
	}
	if len(p.left()) > 0 || !strings.HasPrefix(e.Name, "opt/") {
		r.pass("", "-fw_cfg", w.arg)
		return
	}
	s := r.sysinfo("fwcfg")
	s.Entries = append(s.Entries, e)
}
