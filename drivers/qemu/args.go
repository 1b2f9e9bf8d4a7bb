package qemu

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// Build is all but the definition that a command line depends on. Args is a
// pure function of both.
type Build struct {
	Emulator  *Emulator
	Layout    Layout
	ID        int    // -1 for a command line that is only shown
	CPU       string // model and features, as -cpu takes them
	CPUEnd    string // address width and caches
	Path      string // PATH of the guest's environment
	Sound     string // a variable that tells where PipeWire's socket is, "" for none
	Live      bool   // monitors and taps are inherited descriptors
	VHost     bool   // with Live: the host has vhost for networks
	Incoming  bool   // a saved state comes in before anything runs
	ByHand    bool   // with Live: nothing is inherited, and no watcher looks after the guest
	Paused    bool   // ByHand: its vCPUs wait
	Secrets   *bool  // if not nil, set where the command line holds encrypted secrets
	MasterKey []byte // encrypts the secrets on the command line
	// Reveal gives the value of a secret that the definition names, by UUID or
	// else by usage; nil where values do not matter.
	Reveal func(usageType, uuid, usage string) ([]byte, error)
	// Volume finds the file or device of a storage pool's volume; nil where none can be had.
	Volume func(pool, volume string) (path string, err error)
	// HugePages tells where the host lets memory be had in huge pages; nil: nowhere.
	HugePages func() HugePages
	// Probed are the images that only headers of images tell of.
	Probed map[*xml.DiskSource]bool
	// HostSMBIOS is what a guest with the host's tables gets; nil: the host has none.
	HostSMBIOS *xml.Sysinfo
	// RenderNode is the host's graphics card that displays are drawn with; nil where none matters.
	RenderNode func() (string, error)
	Numad      []int    // host nodes for placement auto
	Nodes      []string // host NUMA nodes
}

// args collects a command line.
type args struct {
	Build
	d        *xml.Domain
	words    []string
	pci      map[uint]string // bus number to QEMU's name of it
	nodes    map[*xml.DiskSource]int
	backends int // the last number of a block node
	boot     bootOrder
	fd       int             // next descriptor
	taps     int             // how many taps there are so far
	fdsets   int             // how many sets of descriptors
	render   string          // the host's graphics card, for displays that name none
	env      []string        // what devices add to the environment
	made     map[string]bool // shared objects that are there already
	zpci     *xml.ZPCI       // of the next device
	folders  []string        // in which memory lies in files
	err      error
}

// Args gives QEMU's words, the emulator first, and its environment.
func Args(d *xml.Domain, b Build) (argv, env []string, err error) {
	a := &args{Build: b, d: d, pci: pciBuses(d), fd: tapDescriptor, made: make(map[string]bool)}
	a.boot = bootOrderOf(d)
	a.numberNodes()
	a.renderNodes()
	if t := d.NUMATune; t != nil && t.Memory != nil && t.Memory.Placement == "auto" && !a.Live && len(a.Numad) == 0 {
		a.fail(xml.CodeInternal, "Advice from numad is needed in case of automatic numa placement")
	}
	if c := d.CPU; c != nil && c.DeprecatedFeatures != "" && !isS390(d.OS.Type.Arch) {
		a.fail(xml.CodeConfigUnsupported, "toggling deprecated features for CPU model is unsupported")
	}
	for _, part := range []func(){a.head, a.machine, a.cpu, a.memory, a.smp, a.iothreads, a.numa, a.identity, a.console,
		a.monitors, a.clock, a.power, a.bootFrom, a.controllers, a.memoryDevices, a.hubs, a.ccid, a.disks, a.filesystems, a.interfaces,
		a.smartcards, a.chardevs, a.tpms, a.inputs, a.audio, a.graphics, a.videos, a.sounds, a.watchdogs, a.redirdevs, a.hostdevs,
		a.incoming, a.balloon, a.rngs, a.nvram, a.coreInfo, a.tail} {
		part()
		if a.err != nil {
			return nil, nil, a.err
		}
	}
	env = a.environment()
	for _, list := range [][]string{a.words, env} {
		for i := range list {
			list[i] = xml.Plain(list[i])
		}
	}
	return forVersion(a.words, b.Emulator.VersionNumber()), env, nil
}

// tapDescriptor is where inherited taps begin (tapFD of the watcher).
const tapDescriptor = 6

func (a *args) add(words ...string) { a.words = append(a.words, words...) }

func (a *args) fail(code xml.Code, format string, v ...any) {
	if a.err == nil {
		a.err = xml.Errorf(code, format, v...)
	}
}

func (a *args) object(p *props)   { a.add("-object", p.String()) }
func (a *args) blockdev(p *props) { a.add("-blockdev", p.String()) }

// device adds a device and, before a PCI device of s390, what gives it its
// numbers.
func (a *args) device(p *props) {
	if z := a.zpci; z != nil {
		a.zpci = nil
		var id struct{ ID string }
		_ = json.Unmarshal([]byte(p.String()), &id)
		uid := uint64(*z.UID)
		a.add("-device", newProps("driver", "zpci").num("uid", uid).num("fid", uint64(*z.FID)).str("target", id.ID).str("id", "zpci"+utoa(uid)).String())
	}
	a.add("-device", a.overridden(p.String()))
}

func (a *args) libDir() string { return a.Layout.libDir(a.ID, a.d.Name) }

func (a *args) environment() []string {
	dir := a.libDir()
	env := []string{"LC_ALL=C", "PATH=" + a.Path, "HOME=" + dir, "XDG_DATA_HOME=" + dir + "/.local/share",
		"XDG_CACHE_HOME=" + dir + "/.cache", "XDG_CONFIG_HOME=" + dir + "/.config"}
	for _, word := range a.env {
		env = setVariable(env, word)
	}
	if c := a.d.QEMUCommandline; c != nil {
		for _, e := range c.Env {
			v := ""
			if e.Value != nil {
				v = *e.Value
			}
			env = setVariable(env, e.Name+"="+v)
		}
	}
	return env
}

// setVariable adds a variable, or gives one that is there another value.
func setVariable(env []string, word string) []string {
	name, _, _ := strings.Cut(word, "=")
	at := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	if at < 0 {
		return append(env, word)
	}
	env[at] = word
	return env
}

// escapeComma doubles commas, as QEMU's option syntax wants it.
func escapeComma(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func itoa(n int) string { return strconv.Itoa(n) }

func utoa[T uint | uint64](n T) string { return strconv.FormatUint(uint64(n), 10) }

func (a *args) head() {
	a.add(a.Emulator.Path, "-name", "guest="+escapeComma(a.d.Name)+",debug-threads=on")
	a.deprecation()
	if !a.ByHand || a.Paused {
		a.add("-S")
	}
	a.object(newProps("qom-type", "secret").str("id", "masterKey0").str("format", "raw").str("file", filepath.Join(a.libDir(), keyFile)))
	a.prManagers()
	a.pflash()
}

// incoming has QEMU wait for a state that goes on.
func (a *args) incoming() {
	if a.Incoming {
		a.add("-incoming", "defer")
	}
}

// deprecation is what QEMU does when something deprecated is used.
func (a *args) deprecation() {
	q := a.d.QEMUDeprecation
	if q == nil || !slices.Contains([]string{"omit", "reject", "crash"}, q.Behavior) {
		return
	}
	p := newProps("deprecated-output", "hide")
	if q.Behavior != "omit" {
		p.str("deprecated-input", q.Behavior)
	}
	a.add("-compat", p.String())
}

func isOn[T ~string](v T) bool { return v == "on" || v == "yes" }

func state(s *xml.State) string {
	if s == nil {
		return ""
	}
	if s.State == "" {
		return "on"
	}
	return string(s.State)
}

func (a *args) machine() {
	d, m := a.d, a.d.OS.Type.Machine
	f := d.Features
	if f == nil {
		f = &xml.Features{}
	}
	opt := m + ",usb=off"
	add := func(name, value string) {
		if value != "" {
			opt += "," + name + "=" + value
		}
	}
	add("vmport", state(f.VMPort))
	if f.SMM != nil {
		smm := string(f.SMM.State)
		if smm == "" {
			smm = "on"
		}
		add("smm", smm)
	}
	if f.IOAPIC != nil {
		add("kernel_irqchip", map[string]string{"qemu": "split", "kvm": "on"}[f.IOAPIC.Driver])
	}
	add("i8042", state(f.PS2))
	a.machineArch(f, add)
	core := "off"
	if d.Memory != nil && isOn(d.Memory.DumpCore) {
		core = "on"
	}
	add("dump-guest-core", core)
	if d.Backing != nil && d.Backing.NoSharePages {
		add("mem-merge", "off")
	}
	for _, mem := range d.Devices.Memories {
		if mem.Model == "nvdimm" {
			add("nvdimm", "on")
			break
		}
	}
	if a.hasHMAT() {
		add("hmat", "on")
	}
	if !a.hasNUMA() {
		add("memory-backend", a.ramID())
	}
	if a.pflashUsed() {
		add("pflash0", "libvirt-pflash0-format")
		if d.OS.NVRAM != nil {
			if d.OS.NVRAM.Format == "raw" {
				add("pflash1", "libvirt-pflash1-storage")
			} else {
				add("pflash1", block.FirmwareNode)
			}
		}
	}
	if len(d.KeyWrap) > 0 && !isS390(d.OS.Type.Arch) {
		a.fail(xml.CodeConfigUnsupported, "'aes-key-wrap'/'dea-key-wrap' is not available on this architecture")
	}
	a.machineEnd(f, add)
	a.add("-machine", opt)
	a.accelerator(f)
}

func (a *args) machineEnd(f *xml.Features, add func(name, value string)) {
	if b := a.d.OS.BIOS; b != nil && isOn(b.UseSerial) { // firmware shows its screen on the serial port
		add("graphics", "off")
	}
	if t := a.timer("hpet"); t != nil && isX86(a.d.OS.Type.Arch) && t.Present != "" {
		add("hpet", map[bool]string{true: "on", false: "off"}[isOn(t.Present)])
	}
	for _, s := range a.d.Devices.Sounds {
		if s.Model == "pcspk" {
			add("pcspk-audiodev", "audio"+utoa(a.audioOf(s.Audio)))
			break
		}
	}
	if t := a.d.OS.Type; isX86(t.Arch) || isVirt(t.Arch, t.Machine) {
		add("acpi", map[bool]string{true: "on", false: "off"}[f.ACPI])
	}
}

func (a *args) accelerator(f *xml.Features) {
	accel := "tcg"
	if a.d.Type == "kvm" {
		accel = "kvm"
		if f.KVM != nil && f.KVM.DirtyRing != nil && isOn(f.KVM.DirtyRing.State) {
			accel += ",dirty-ring-size=" + utoa(f.KVM.DirtyRing.Size)
		}
	} else if f.TCG != nil && f.TCG.TBCache > 0 {
		accel += ",tb-size=" + utoa(uint64(f.TCG.TBCache)/1024)
	}
	a.add("-accel", accel)
}

func (a *args) timer(name string) *xml.Timer {
	if a.d.Clock == nil {
		return nil
	}
	for i := range a.d.Clock.Timers {
		if a.d.Clock.Timers[i].Name == name {
			return &a.d.Clock.Timers[i]
		}
	}
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// identity is -uuid, -smbios and -fw_cfg.
func (a *args) identity() {
	a.add("-uuid", a.d.UUID)
	mode := ""
	if a.d.OS.SMBIOS != nil {
		mode = a.d.OS.SMBIOS.Mode
	}
	if mode == "host" {
		if a.HostSMBIOS == nil {
			a.fail(xml.CodeConfigUnsupported, "Host SMBIOS information is not available")
		} else {
			a.smbios(*a.HostSMBIOS)
		}
	}
	if mode == "sysinfo" {
		if !slices.ContainsFunc(a.d.Sysinfo, func(s xml.Sysinfo) bool { return s.Type == "smbios" }) {
			a.fail(xml.CodeXML, "Domain '%s' sysinfo are not available", a.d.Name)
		}
		for _, s := range a.d.Sysinfo {
			a.smbios(s)
		}
	}
	for _, s := range a.d.Sysinfo {
		if s.Type != "fwcfg" {
			continue
		}
		for _, e := range s.Entries {
			if e.File != "" {
				a.add("-fw_cfg", "name="+e.Name+",file="+e.File) // as it stands, commas too
			} else {
				a.add("-fw_cfg", "name="+e.Name+",string="+e.Text)
			}
		}
	}
	if a.d.GenID != nil {
		a.device(newProps("driver", "vmgenid").str("guid", string(*a.d.GenID)).str("id", "vmgenid0"))
	}
}

// smbiosNames are QEMU's names of the fields, in its order, by table.
var smbiosNames = [][][2]string{
	0: {{"vendor", "vendor"}, {"version", "version"}, {"date", "date"}, {"release", "release"}},
	1: {{"manufacturer", "manufacturer"}, {"product", "product"}, {"version", "version"}, {"serial", "serial"}, {"uuid", "uuid"}, {"sku", "sku"}, {"family", "family"}},
	2: {{"manufacturer", "manufacturer"}, {"product", "product"}, {"version", "version"}, {"serial", "serial"}, {"asset", "asset"}, {"location", "location"}},
	3: {{"manufacturer", "manufacturer"}, {"version", "version"}, {"serial", "serial"}, {"asset", "asset"}, {"sku", "sku"}},
}

func (a *args) smbios(s xml.Sysinfo) {
	table := func(n int, entries []xml.SysinfoEntry) {
		if len(entries) == 0 {
			return
		}
		opt := "type=" + itoa(n)
		if n >= 2 && !slices.ContainsFunc(entries, func(e xml.SysinfoEntry) bool { return e.Name == "manufacturer" }) {
			opt += ",manufacturer=" // which the peer writes in any case
		}
		for _, name := range smbiosNames[n] {
			for _, e := range entries {
				if e.Name == name[0] {
					opt += "," + name[1] + "=" + escapeComma(e.Text)
				}
			}
		}
		a.add("-smbios", opt)
	}
	table(0, s.BIOS)
	table(1, s.System)
	if len(s.BaseBoards) > 1 {
		a.fail(xml.CodeConfigUnsupported, "qemu does not support more than one entry to Type 2 in SMBIOS table")
		return
	}
	for _, b := range s.BaseBoards {
		table(2, b.Entries)
	}
	table(3, s.Chassis)
	if len(s.OEMStrings) > 0 {
		opt := "type=11"
		for _, e := range s.OEMStrings {
			opt += ",value=" + escapeComma(e.Text)
		}
		a.add("-smbios", opt)
	}
}

// console is -display none where there is no graphics, and QEMU's own defaults off.
func (a *args) console() {
	if len(a.d.Devices.Graphics) == 0 {
		a.add("-display", "none")
	}
	a.add("-no-user-config", "-nodefaults")
}

func (a *args) monitors() {
	if a.Live && !a.ByHand {
		a.add("-chardev", "socket,id=charmonitor,fd="+itoa(monitorDescriptor)+",server=on,wait=off", "-mon", "chardev=charmonitor,id=monitor,mode=control")
		a.add("-chardev", "socket,id=charspare,fd="+itoa(monitorDescriptor+1)+",server=on,wait=off", "-mon", "chardev=charspare,id=spare,mode=control")
		return
	}
	path := filepath.Join(a.libDir(), "monitor.sock")
	if a.ByHand && len(path) > longestSocket {
		return // QEMU cannot make it
	}
	a.add("-chardev", "socket,id=charmonitor,path="+escapeComma(path)+",server=on,wait=off", "-mon", "chardev=charmonitor,id=monitor,mode=control")
}

const (
	monitorDescriptor = 4
	longestSocket     = 107 // bytes of a socket's path
)

func (a *args) clock() {
	c := a.d.Clock
	if c == nil {
		c = &xml.Clock{Offset: "utc"}
	}
	opt := "base="
	switch c.Offset {
	case "localtime":
		opt += "localtime"
	case "timezone":
		opt += "localtime"
		if c.Timezone != "" {
			a.env = append(a.env, "TZ="+c.Timezone)
		}
	case "variable", "absolute":
		opt += a.clockBase(c)
	default:
		opt += "utc"
	}
	if t := a.timer("rtc"); t != nil {
		switch t.Track {
		case "guest":
			opt += ",clock=vm"
		case "realtime":
			opt += ",clock=rt"
		case "wall":
			opt += ",clock=host"
		}
		if t.TickPolicy == "catchup" {
			opt += ",driftfix=slew"
		}
	}
	a.add("-rtc", opt)
	for _, t := range c.Timers {
		if t.Name != "pit" || !isX86(a.d.OS.Type.Arch) {
			continue
		}
		switch t.TickPolicy {
		case "", "delay":
			a.add("-global", "kvm-pit.lost_tick_policy=delay")
		case "discard":
			a.add("-global", "kvm-pit.lost_tick_policy=discard")
		}
	}
}

// byHandActions let QEMU itself do what a watcher does where it can.
func (a *args) byHandActions() {
	if a.d.OnPoweroff == "preserve" {
		a.add("-no-shutdown")
	}
	if a.d.OnReboot == "destroy" || a.d.OnReboot == "preserve" {
		a.add("-action", "reboot=shutdown")
	}
}

// power is what happens when the guest stops, and the sleeping states it is offered.
func (a *args) power() {
	if !a.ByHand {
		a.add("-no-shutdown") // the watcher does what on_poweroff says
	} else {
		a.byHandActions()
	}
	if a.d.PM == nil {
		return
	}
	chip := "PIIX4_PM"
	if isQ35(a.d.OS.Type.Machine) {
		chip = "ICH9-LPC"
	}
	for _, s := range []struct {
		e    *xml.Enabled
		prop string
	}{{a.d.PM.Mem, "disable_s3"}, {a.d.PM.Disk, "disable_s4"}} {
		if s.e != nil && s.e.Enabled != "" {
			a.add("-global", fmt.Sprintf("%s.%s=%s", chip, s.prop, map[bool]string{true: "0", false: "1"}[isOn(s.e.Enabled)]))
		}
	}
}

func (a *args) bootFrom() {
	os := a.d.OS
	var opt []string
	if m := os.BootMenu; m != nil && m.Enable != "" {
		opt = append(opt, "menu="+onOff(isOn(m.Enable)))
	}
	if os.BIOS != nil && os.BIOS.RebootTimeout != nil {
		opt = append(opt, "reboot-timeout="+itoa(*os.BIOS.RebootTimeout))
	}
	if m := os.BootMenu; m != nil && m.Timeout != nil && isOn(m.Enable) {
		opt = append(opt, "splash-time="+utoa(*m.Timeout))
	}
	a.add("-boot", strings.Join(append(opt, "strict=on"), ","))
	for _, f := range []struct{ option, value string }{{"-kernel", os.Kernel}, {"-initrd", os.Initrd}, {"-append", os.Cmdline}, {"-shim", os.Shim}, {"-dtb", os.DTB}} {
		if f.value != "" {
			a.add(f.option, f.value)
		}
	}
	for _, t := range os.ACPITables {
		switch t.Type {
		case "slic":
			a.add("-acpitable", "sig=SLIC,file="+escapeComma(t.Path))
		case "msdm":
			a.add("-acpitable", "sig=MSDM,file="+escapeComma(t.Path))
		default:
			a.add("-acpitable", "file="+escapeComma(t.Path))
		}
	}
}

// tail is what follows the devices.
func (a *args) tail() {
	if c := a.d.QEMUCommandline; c != nil {
		for _, w := range c.Args {
			a.add(w.Value)
		}
	}
	a.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
	a.later()
	a.add("-msg", "timestamp=on")
}
