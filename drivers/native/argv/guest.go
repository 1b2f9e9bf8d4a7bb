package argv

import (
	"path"
	"strconv"
	"strings"
	"time"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// programs are the architectures whose program has another name.
var programs = []struct{ program, arch string }{{"arm", "armv7l"}, {"i386", "i686"}, {"kvm", "x86_64"}, {"qemu-kvm", "x86_64"}}

// guest settles the machine, and what is about the guest as a whole.
func (r *reader) guest() {
	os := &r.d.OS
	os.Type.Text = "hvm"
	base := programName(r.program)
	os.Type.Arch = strings.TrimPrefix(base, "qemu-system-")
	for _, p := range programs {
		if p.program == os.Type.Arch {
			os.Type.Arch = p.arch
		}
	}
	if !xml.KnownArchitecture(os.Type.Arch) {
		r.err = xml.Errorf(xml.CodeConfSyntax, "the architecture of '%s' is not known", r.program)
		return
	}
	if path.IsAbs(r.program) {
		r.d.Devices.Emulator = r.program
	}
	if base == "kvm" || base == "qemu-kvm" {
		r.d.Type = "kvm"
	}
	machine := r.machine.take("type")
	os.Type.Machine, _, _ = strings.Cut(machine, "+pve") // Proxmox's versions of QEMU's machines
	if os.Type.Machine != machine {
		r.note("the machine %s, of Proxmox's QEMU, became %s", machine, os.Type.Machine)
	}
	if os.Type.Machine == "" && r.isX86() {
		os.Type.Machine = "pc"
	}
	r.accelerator()
	f := r.featuresOf()
	if r.isX86() {
		f.ACPI, f.APIC = true, &xml.APIC{}
	}
	r.features(f)
	r.machineArch(f)
	if *f == (xml.Features{}) {
		r.d.Features = nil
	}
	r.clock()
	r.naming()
}

// accelerator is the first that is named; QEMU takes the others if it fails.
func (r *reader) accelerator() {
	names := strings.Split(r.machine.take("accel"), ":")
	var p *props
	if len(r.accels) > 0 {
		names = nil
		for _, a := range r.accels {
			names = append(names, strings.Split(a.take("accel"), ":")...)
		}
		p = r.accels[0]
	}
	switch names[0] {
	case "":
	case "kvm", "hvf":
		r.d.Type = names[0]
	case "tcg":
		r.d.Type = "qemu"
	default:
		r.note("left out: accelerator %s (the guest is emulated)", names[0])
		r.d.Type = "qemu"
	}
	if len(names) > 1 {
		r.note("left out: accelerators behind the first one, %s", names[0])
	}
	if p == nil {
		return
	}
	f := r.featuresOf()
	if n, ok := p.number("dirty-ring-size"); ok && r.d.Type == "kvm" {
		f.KVM = &xml.KVMFeatures{DirtyRing: &xml.DirtyRing{State: "on", Size: uint(n)}}
	}
	if n, ok := p.number("tb-size"); ok && r.d.Type == "qemu" {
		f.TCG = &xml.TCGFeatures{TBCache: xml.KiB(n << 10)}
	}
	r.irqChip(p.take("kernel-irqchip", "kernel_irqchip"))
	p.ignore("thread", "multi")
	if len(p.left()) > 0 {
		p.list = append([]property{{key: "accel", value: names[0]}}, p.list...)
		r.pass("", "-accel", names[0]+","+joinLeft(p))
	}
}

// joinLeft writes what was not taken.
func joinLeft(p *props) string {
	rest := &props{}
	for _, f := range p.list {
		if !f.used && f.key != "accel" {
			rest.list = append(rest.list, f)
		}
	}
	return rest.String()
}

func (r *reader) featuresOf() *xml.Features {
	if r.d.Features == nil {
		r.d.Features = &xml.Features{}
	}
	return r.d.Features
}

func (r *reader) irqChip(word string) {
	switch word {
	case "split":
		r.featuresOf().IOAPIC = &xml.IOAPIC{Driver: "qemu"}
	case "on":
		r.featuresOf().IOAPIC = &xml.IOAPIC{Driver: "kvm"}
	case "":
	default:
		r.pass("", "-machine", "kernel-irqchip="+word)
	}
}

func (r *reader) optTBSize(w word) {
	if n, err := strconv.ParseUint(w.arg, 10, 32); err == nil {
		r.accels = append(r.accels, &props{option: "-accel", list: []property{{key: "accel", value: "tcg"}, {key: "tb-size", value: strconv.FormatUint(n, 10)}}})
	}
}

func state(v xml.OnOff) *xml.State {
	if v == "" {
		return nil
	}
	return &xml.State{State: v}
}

// features are the properties of machines that XML knows; the others are passed.
func (r *reader) features(f *xml.Features) {
	m := r.machine
	if m.onOff("acpi") == "off" {
		f.ACPI = false
	}
	f.VMPort = state(m.onOff("vmport"))
	f.PS2 = state(m.onOff("i8042"))
	if v := m.onOff("smm"); v != "" {
		f.SMM = &xml.SMM{State: v}
	}
	r.irqChip(m.take("kernel-irqchip", "kernel_irqchip"))
	if v := m.yesNo("hpet"); v != "" {
		r.timer("hpet").Present = v
	}
	if v := m.onOff("dump-guest-core"); v != "" {
		r.memoryOf().DumpCore = v
	}
	if m.onOff("mem-merge") == "off" {
		r.backing().NoSharePages = true
	}
	if m.onOff("usb") == "on" {
		r.usb = true
	}
	if v := m.peek("iommu"); v == "smmuv3" {
		m.take("iommu")
		r.d.Devices.IOMMU = &xml.IOMMU{Model: "smmuv3"}
	}
	for i, name := range []string{"pflash0", "pflash1"} {
		if node := m.take(name); node != "" {
			for len(r.pflash) <= i {
				r.pflash = append(r.pflash, "")
			}
			r.pflash[i] = "node:" + node
		}
	}
	m.ignore("usb", "on", "off")
	m.ignore("mem-merge", "on")
	for _, key := range []string{"nvdimm", "hmat"} {
		m.ignore(key, "off")
	}
	if audio := m.take("pcspk-audiodev"); audio != "" {
		r.d.Devices.Sounds = append(r.d.Devices.Sounds, xml.Sound{Model: "pcspk", Audio: r.audioRef(audio)})
	}
}

// machineArch are those that other architectures have.
func (r *reader) machineArch(f *xml.Features) {
	m := r.machine
	if v := m.take("gic-version"); v != "" {
		f.GIC = &xml.GIC{Version: v}
	}
	f.RAS = state(m.onOff("ras"))
	f.HTM = state(m.onOff("cap-htm"))
	f.NestedHV = state(m.onOff("cap-nested-hv"))
	f.CCFAssist = state(m.onOff("cap-ccf-assist"))
	for _, c := range []struct {
		key string
		to  **xml.Workaround
	}{{"cap-cfpc", &f.CFPC}, {"cap-sbbc", &f.SBBC}} {
		if v := m.take(c.key); v != "" {
			*c.to = &xml.Workaround{Value: v}
		}
	}
	if v := m.take("cap-ibs"); v != "" {
		f.IBS = &xml.IBS{Value: v}
	}
	if v := m.take("aia"); v != "" {
		f.AIA = &xml.AIA{Value: v}
	}
	if v := m.take("resize-hpt"); v != "" {
		f.HPT = &xml.HPT{Resizing: v}
	}
	for _, k := range []string{"aes", "dea"} {
		if v := m.onOff(k + "-key-wrap"); v != "" {
			r.d.KeyWrap = append(r.d.KeyWrap, xml.KeyWrap{Name: k, State: v})
		}
	}
}

func (r *reader) timer(name string) *xml.Timer {
	c := r.clockOf()
	for i := range c.Timers {
		if c.Timers[i].Name == name {
			return &c.Timers[i]
		}
	}
	c.Timers = append(c.Timers, xml.Timer{Name: name})
	return &c.Timers[len(c.Timers)-1]
}

func (r *reader) clockOf() *xml.Clock {
	if r.d.Clock == nil {
		r.d.Clock = &xml.Clock{Offset: "utc"}
	}
	return r.d.Clock
}

// clock is -rtc.
func (r *reader) clock() {
	c, p := r.clockOf(), r.rtc
	if p == nil {
		return
	}
	switch base := p.take("base"); base {
	case "", "utc":
	case "localtime":
		c.Offset = "localtime"
	default:
		t, err := parseDate(base)
		if err != nil {
			r.fail(p, "'%s' is no date", base)
			return
		}
		start := uint64(t.Unix())
		c.Offset, c.Start = "absolute", &start
	}
	switch p.take("clock") {
	case "vm":
		r.timer("rtc").Track = "guest"
	case "rt":
		r.timer("rtc").Track = "realtime"
	}
	switch p.take("driftfix") {
	case "slew":
		r.timer("rtc").TickPolicy = "catchup"
	case "none":
		r.timer("rtc").TickPolicy = "delay"
	}
	r.leftovers(p)
}

func parseDate(text string) (time.Time, error) {
	if t, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02", text)
}

// naming gives a guest without a name that of its first disk, or of the file.
func (r *reader) naming() {
	if r.d.Name != "" {
		return
	}
	for _, p := range r.drives {
		if f := p.peek("file"); p.peek("media") != "cdrom" && p.peek("if") != "pflash" && f != "" && !strings.ContainsAny(f, "${:") {
			r.d.Name = plainName(f)
			break
		}
	}
	for _, from := range []string{r.file, "guest"} {
		if r.d.Name == "" {
			r.d.Name = plainName(from)
		}
	}
	r.note("the command line names no guest: it is called '%s'", r.d.Name)
}

// plainName is a file's name without folder and ending.
func plainName(file string) string {
	base := path.Base(file)
	base = strings.TrimSuffix(base, path.Ext(base))
	return strings.Trim(strings.Map(func(c rune) rune {
		if c <= ' ' || strings.ContainsRune("/\\:\"'<>|?*$", c) {
			return '-'
		}
		return c
	}, base), "-.")
}

// optAction is what happens when the guest ends in some way.
func (r *reader) optAction(w word) {
	p := r.parse(w, "")
	if p == nil {
		return
	}
	switch p.take("reboot") {
	case "shutdown":
		r.d.OnReboot = "destroy"
	case "reset":
		r.d.OnReboot = "restart"
	}
	if a := p.take("watchdog"); a != "" {
		r.watchdogAction = a
	}
	switch a := p.peek("panic"); a {
	case "pause":
		p.take("panic")
		r.d.OnCrash = "preserve"
	case "shutdown":
		p.take("panic")
		r.d.OnCrash = "destroy"
	}
	if left := p.left(); len(left) > 0 {
		r.note("left out: %s (%s)", shell.Join([]string{w.name, w.arg}), ownProcess)
	}
}

func (r *reader) optRunWith(w word) {
	p := r.parse(w, "")
	if p == nil {
		return
	}
	if p.isOn("async-teardown") {
		r.featuresOf().AsyncTeardown = &xml.AsyncTeardown{Enabled: "yes"}
	}
	for _, key := range p.left() {
		r.note("left out: %s %s=%s (%s)", w.name, key, p.peek(key), ownProcess)
	}
}

func (r *reader) optOvercommit(w word) {
	p := r.parse(w, "")
	if p == nil {
		return
	}
	if p.isOn("mem-lock", "mlock") {
		r.backing().Locked = true
	}
	p.ignore("mem-lock", "off")
	p.ignore("mlock", "off")
	p.ignore("cpu-pm", "off")
	if len(p.left()) > 0 {
		r.pass("", w.name, joinLeft(p))
	}
}
