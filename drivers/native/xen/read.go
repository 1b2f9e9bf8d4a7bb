package xen

import (
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// From reads a configuration.
func From(src xml.Source, dialect Dialect) (*xml.Domain, error) {
	f, err := conf.Parse(src, conf.Xen)
	if err != nil {
		return nil, err
	}
	r := &reader{File: f, dialect: dialect}
	d := &xml.Domain{Type: "xen"}
	for _, step := range []func(*xml.Domain) error{
		r.general, r.system, r.memory, r.processors, r.events, r.features, r.clock, r.cpu, r.vnuma,
		r.emulator, r.disks, r.interfaces, r.graphics, r.pci, r.usb, r.ports, r.channels, r.sounds, r.limits,
	} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *reader) general(d *xml.Domain) (err error) {
	if err = r.texts("name", &d.Name); err == nil && d.Name == "" {
		_, err = r.need("name")
	}
	if err != nil {
		return err
	}
	text, err := r.str("uuid")
	if err != nil || r.Get("uuid") == nil {
		return err
	}
	u, ok := xml.ParseUUID(strings.ReplaceAll(text, " ", ""))
	if !ok {
		return r.fail("uuid", xml.Errorf(xml.CodeConfSyntax, "%s not parseable", text))
	}
	d.UUID = u
	return nil
}

// system reads what kind of guest it is, and how it boots.
func (r *reader) system(d *xml.Domain) error {
	kind := "pv"
	switch v, builder := r.Get("type"), r.Get("builder"); {
	case v != nil && v.Kind == conf.String:
		kind = v.Text
	case builder != nil && builder.Text == "hvm":
		kind = "hvm"
	}
	switch o := &d.OS; kind {
	case "hvm":
		r.hvm = true
		o.Type = xml.OSType{Text: "hvm", Arch: "x86_64", Machine: "xenfv"}
		if err := r.loader(o); err != nil {
			return err
		}
		return r.boot(o)
	case "pvh":
		o.Type = xml.OSType{Text: "xenpvh", Arch: "x86_64", Machine: "xenpvh"}
	case "pv":
		o.Type = xml.OSType{Text: "linux", Arch: "x86_64", Machine: "xenpv"}
	default:
		return r.fail("type", unsupported("type %s is not supported", kind))
	}
	if err := r.texts("bootloader", &d.Bootloader); err != nil {
		return err
	}
	if err := r.strs("bootargs", &d.BootArgs); err != nil {
		return err
	}
	return r.kernel(&d.OS)
}

// loader reads the firmware of a fully virtual guest.
func (r *reader) loader(o *xml.OS) error {
	if r.dialect == XM {
		path, err := r.need("kernel")
		o.Loader = &xml.Loader{Type: "rom", Path: path}
		return err
	}
	var bios, path, slic string
	if err := r.strs("bios", &bios); err != nil {
		return err
	}
	if err := r.texts("bios_path_override", &path, "acpi_firmware", &slic); err != nil {
		return err
	}
	o.Loader = &xml.Loader{Type: "rom", Path: "/usr/lib/xen/boot/hvmloader"}
	if bios == "ovmf" {
		if path == "" {
			path = "/usr/lib/xen/boot/ovmf.bin"
		}
		o.Loader = &xml.Loader{Type: "pflash", Readonly: "yes", Path: path}
	}
	if slic != "" {
		o.ACPITables = []xml.ACPITable{{Type: "rawset", Path: slic}}
	}
	return r.kernel(o)
}

// kernel reads a kernel that the host has, and its arguments: cmdline, or else
// root and extra.
func (r *reader) kernel(o *xml.OS) error {
	var root, extra string
	if err := r.texts("kernel", &o.Kernel, "ramdisk", &o.Initrd); err != nil {
		return err
	}
	if err := r.strs("root", &root, "extra", &extra); err != nil {
		return err
	}
	if r.dialect == XL && r.Get("cmdline") != nil {
		return r.texts("cmdline", &o.Cmdline)
	}
	if r.Get("root") != nil {
		extra = strings.TrimSuffix("root="+root+" "+extra, " ")
	}
	if o.Cmdline = extra; r.Get("extra") != nil || r.Get("root") != nil {
		o.Cmdline = stated(extra)
	}
	return nil
}

func (r *reader) boot(o *xml.OS) error {
	text, err := r.str("boot")
	if err != nil {
		return err
	}
	for i := range min(len(text), len(bootDevices)) {
		dev := "hd" // of letters that are none, too
		for _, b := range bootDevices {
			if text[i] == b.letter {
				dev = b.dev
			}
		}
		o.Boot = append(o.Boot, xml.Boot{Dev: dev})
	}
	return nil
}

func (r *reader) memory(d *xml.Domain) error {
	now, err := r.number("memory", 128)
	if err != nil {
		return err
	}
	most, err := r.number("maxmem", now)
	if err != nil {
		return err
	}
	const limit = 1 << 40 // MiB
	if now > limit || most > limit {
		return xml.Errorf(xml.CodeOverflow, "value too large: %dMiB", max(now, most))
	}
	d.CurrentMem = xml.KiB(now * 1024)
	d.Memory = &xml.MemorySize{Unit: "KiB", KiB: most * 1024}
	return nil
}

// maxCPUs is more than any guest has.
const maxCPUs = 1 << 20

func (r *reader) processors(d *xml.Domain) error {
	now, err := r.number("vcpus", 1)
	if err != nil {
		return err
	}
	most, err := r.number("maxvcpus", now)
	if err != nil {
		return err
	}
	if now, most = now&(1<<32-1), most&(1<<32-1); now > maxCPUs || most > maxCPUs { // the peer has 32 bits for them
		return internal("maxvcpus out of range: %d", max(now, most))
	}
	d.VCPU = &xml.VCPU{Placement: "static", Count: uint(most)}
	if now < most {
		d.VCPU.Current = uint(now)
	}
	text, err := r.str("cpus")
	if err != nil || r.Get("cpus") == nil {
		return err
	}
	set, err := xml.ParseSet(text)
	if text == "" {
		err = xml.Errorf(xml.CodeInvalidArg, "Failed to parse bitmap ''")
	}
	if err != nil {
		return r.fail("cpus", asError(err))
	}
	d.VCPU.CPUSet = xml.CPUSet(set.String())
	return nil
}

func asError(err error) *xml.Error {
	if e, ok := err.(*xml.Error); ok {
		return e
	}
	return xml.Errorf(xml.CodeInternal, "%s", err)
}

// lifecycle are the words for what is done when a guest ends.
var lifecycle = strings.Fields("destroy restart rename-restart preserve coredump-destroy coredump-restart")

func (r *reader) events(d *xml.Domain) error {
	for _, e := range []struct {
		name, def string
		to        *string
	}{{"on_poweroff", "destroy", &d.OnPoweroff}, {"on_reboot", "restart", &d.OnReboot}, {"on_crash", "restart", &d.OnCrash}} {
		text, err := r.str(e.name)
		if err != nil {
			return err
		}
		if r.Get(e.name) == nil {
			text = e.def
		}
		if !known(lifecycle, text) {
			return r.fail(e.name, internal("unexpected value %s for %s", text, e.name))
		}
		*e.to = text
	}
	return nil
}

func (r *reader) features(d *xml.Domain) error {
	f := &xml.Features{}
	var err error
	flag := func(name string, def bool) bool {
		v, e := r.flag(name, def)
		if err == nil {
			err = e
		}
		return v
	}
	if r.hvm {
		flag("pae", true) // checked; 64-bit guests have it in any case
		f.PAE, f.ACPI = true, flag("acpi", true)
		if flag("apic", true) {
			f.APIC = &xml.APIC{}
		}
		if !flag("hap", true) {
			f.HAP = &xml.State{State: "off"}
		}
		f.Viridian = flag("viridian", false)
	}
	x := &xml.XenFeatures{}
	if !r.hvm && flag("e820_host", false) {
		x.E820Host = &xml.State{State: "on"}
	}
	if err != nil {
		return err
	}
	mode, err := r.str("passthrough")
	if err != nil {
		return err
	}
	switch mode {
	case "enabled":
		x.Passthrough = &xml.XenPassthrough{State: "on"}
	case "sync_pt", "share_pt":
		x.Passthrough = &xml.XenPassthrough{State: "on", Mode: mode}
	}
	if *x != (xml.XenFeatures{}) {
		f.Xen = x
	}
	if *f != (xml.Features{}) {
		d.Features = f
	}
	return nil
}

func (r *reader) clock(d *xml.Domain) error {
	local, err := r.flag("localtime", false)
	if err != nil {
		return err
	}
	offset := "utc"
	if local {
		offset = "localtime"
	}
	c := &xml.Clock{Offset: offset, Adjustment: "reset"}
	d.Clock = c
	if r.hvm {
		seconds, err := r.number("rtc_timeoffset", 0)
		if err != nil {
			return err
		}
		*c = xml.Clock{Offset: "variable", Adjustment: number(int64(int32(seconds))), Basis: offset}
	}
	tsc, err := r.str("tsc_mode")
	if err != nil {
		return err
	}
	if r.Get("tsc_mode") != nil {
		mode := "auto"
		for _, m := range tscModes {
			if m.word == tsc {
				mode = m.mode
			}
		}
		c.Timers = append(c.Timers, xml.Timer{Name: "tsc", Present: "yes", Mode: mode})
	}
	if r.hvm && r.Get("hpet") != nil {
		on, err := r.flag("hpet", false)
		if err != nil {
			return err
		}
		c.Timers = append(c.Timers, xml.Timer{Name: "hpet", Present: yesNo(on)})
	}
	return nil
}

func yesNo(on bool) xml.YesNo {
	if on {
		return "yes"
	}
	return "no"
}
