package argv

import (
	"sort"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// option is one of QEMU's options and what becomes of it.
type option struct {
	name    string
	arg     bool
	do      func(*reader, word)
	list    func(*reader) *[]*props // where its properties are kept for later
	implied string                  // the key that the first of them may lack
	note    string                  // why it is left out
	pass    bool                    // passed as it stands
	path    bool                    // and its argument is a path
}

// Reasons to leave an option out.
const (
	ownMonitor = "guests have monitors of their own: qemu-monitor-command"
	ownProcess = "the guest's process is looked after by its driver"
	ownWindow  = "it is about QEMU's own window"
	atStart    = "it is about one start, not about the guest"
)

// options are those of QEMU 10 and of older ones, in the order of their names.
var options = []option{
	{name: "D", arg: true, pass: true, path: true},
	{name: "L", arg: true, pass: true, path: true},
	{name: "M", arg: true, do: (*reader).optMachine},
	{name: "S", note: atStart + ": start --paused"},
	{name: "accel", arg: true, list: func(r *reader) *[]*props { return &r.accels }, implied: "accel"},
	{name: "acpitable", arg: true, do: (*reader).optACPITable},
	{name: "action", arg: true, do: (*reader).optAction},
	{name: "add-fd", arg: true, note: "open files cannot be passed to a guest"},
	{name: "alt-grab", note: ownWindow},
	{name: "append", arg: true, do: func(r *reader, w word) { r.d.OS.Cmdline = w.arg }},
	{name: "audio", arg: true, do: (*reader).optAudio},
	{name: "audiodev", arg: true, list: func(r *reader) *[]*props { return &r.audiodevs }, implied: "driver"},
	{name: "balloon", arg: true, do: (*reader).optBalloon},
	{name: "bios", arg: true, do: func(r *reader, w word) { r.bios = w.arg }},
	{name: "blockdev", arg: true, list: func(r *reader) *[]*props { return &r.blockdevs }, implied: "driver"},
	{name: "boot", arg: true, do: (*reader).optBoot},
	{name: "cdrom", arg: true, do: (*reader).optCDROM},
	{name: "chardev", arg: true, list: func(r *reader) *[]*props { return &r.chardevs }, implied: "backend"},
	{name: "chroot", arg: true, note: ownProcess},
	{name: "compat", arg: true, pass: true},
	{name: "cpu", arg: true, do: func(r *reader, w word) { r.cpu = append(r.cpu, w) }},
	{name: "ctrl-grab", note: ownWindow},
	{name: "curses", do: (*reader).optOldDisplay},
	{name: "d", arg: true, pass: true},
	{name: "daemonize", note: ownProcess},
	{name: "debugcon", arg: true, do: (*reader).optDebugConsole},
	{name: "device", arg: true, do: (*reader).optDevice},
	{name: "dfilter", arg: true, pass: true},
	{name: "display", arg: true, list: func(r *reader) *[]*props { return &r.displays }, implied: "type"},
	{name: "drive", arg: true, do: (*reader).optDrive},
	{name: "dtb", arg: true, do: func(r *reader, w word) { r.d.OS.DTB = r.absolute(w.arg) }},
	{name: "dump-vmstate", arg: true, note: atStart},
	{name: "echr", arg: true, note: ownMonitor},
	{name: "enable-kvm", do: (*reader).optKVM},
	{name: "enable-sync-profile", pass: true},
	{name: "fda", arg: true, do: (*reader).optFloppy},
	{name: "fdb", arg: true, do: (*reader).optFloppy},
	{name: "fsdev", arg: true, list: func(r *reader) *[]*props { return &r.fsdevs }, implied: "fsdriver"},
	{name: "full-screen", do: func(r *reader, _ word) { r.fullScreen = true }},
	{name: "fw_cfg", arg: true, do: (*reader).optFirmwareConfig},
	{name: "g", arg: true, pass: true},
	{name: "gdb", arg: true, pass: true},
	{name: "global", arg: true, do: (*reader).optGlobal},
	{name: "hda", arg: true, do: (*reader).optHard},
	{name: "hdb", arg: true, do: (*reader).optHard},
	{name: "hdc", arg: true, do: (*reader).optHard},
	{name: "hdd", arg: true, do: (*reader).optHard},
	{name: "icount", arg: true, pass: true},
	{name: "id", arg: true, note: "it is Proxmox's number of the guest"},
	{name: "incoming", arg: true, note: atStart},
	{name: "initrd", arg: true, do: func(r *reader, w word) { r.d.OS.Initrd = r.absolute(w.arg) }},
	{name: "iscsi", arg: true, pass: true},
	{name: "jitdump", pass: true},
	{name: "k", arg: true, do: func(r *reader, w word) { r.keymap = w.arg }},
	{name: "kernel", arg: true, do: func(r *reader, w word) { r.d.OS.Kernel = r.absolute(w.arg) }},
	{name: "loadvm", arg: true, note: atStart + ": snapshot-revert"},
	{name: "localtime", do: (*reader).optLocaltime},
	{name: "m", arg: true, do: (*reader).optMemory},
	{name: "machine", arg: true, do: (*reader).optMachine},
	{name: "mem-path", arg: true, do: func(r *reader, w word) { r.memPath = w.arg }},
	{name: "mem-prealloc", do: func(r *reader, _ word) { r.prealloc = true }},
	{name: "mon", arg: true, do: (*reader).optMonitor},
	{name: "monitor", arg: true, do: (*reader).optMonitor},
	{name: "msg", arg: true, note: ownProcess},
	{name: "mtdblock", arg: true, pass: true, path: true},
	{name: "name", arg: true, do: (*reader).optName},
	{name: "net", arg: true, do: (*reader).optNIC},
	{name: "netdev", arg: true, list: func(r *reader) *[]*props { return &r.netdevs }, implied: "type"},
	{name: "nic", arg: true, do: (*reader).optNIC},
	{name: "no-acpi", do: func(r *reader, _ word) { r.machine.set("acpi", "off") }},
	{name: "no-fd-bootchk", do: func(r *reader, _ word) { r.machine.set("fd-bootchk", "off") }},
	{name: "no-hpet", do: func(r *reader, _ word) { r.machine.set("hpet", "off") }},
	{name: "no-kvm", do: func(r *reader, _ word) { r.machine.set("accel", "tcg") }},
	{name: "no-quit", note: ownWindow},
	{name: "no-reboot", do: func(r *reader, _ word) { r.d.OnReboot = "destroy" }},
	{name: "no-shutdown", note: ownProcess},
	{name: "no-user-config", do: func(*reader, word) {}},
	{name: "nodefaults", do: func(r *reader, _ word) { r.defaults = false }},
	{name: "nodefconfig", do: func(*reader, word) {}},
	{name: "nographic", do: func(r *reader, _ word) { r.nographic = true }},
	{name: "numa", arg: true, list: func(r *reader) *[]*props { return &r.numa }, implied: "type"},
	{name: "object", arg: true, list: func(r *reader) *[]*props { return &r.objects }, implied: "qom-type"},
	{name: "one-insn-per-tb", pass: true},
	{name: "only-migratable", pass: true},
	{name: "option-rom", arg: true, pass: true, path: true},
	{name: "overcommit", arg: true, do: (*reader).optOvercommit},
	{name: "parallel", arg: true, do: (*reader).optPort},
	{name: "perfmap", pass: true},
	{name: "pflash", arg: true, do: func(r *reader, w word) { r.pflash = append(r.pflash, w.arg) }},
	{name: "pidfile", arg: true, note: ownProcess},
	{name: "plugin", arg: true, pass: true},
	{name: "preconfig", note: atStart},
	{name: "prom-env", arg: true, pass: true},
	{name: "qmp", arg: true, do: (*reader).optMonitor},
	{name: "qmp-pretty", arg: true, do: (*reader).optMonitor},
	{name: "readconfig", arg: true},
	{name: "realtime", arg: true, do: (*reader).optOvercommit},
	{name: "rtc", arg: true, do: (*reader).optRTC},
	{name: "rtc-td-hack", do: func(r *reader, _ word) { r.rtcProps().set("driftfix", "slew") }},
	{name: "run-with", arg: true, do: (*reader).optRunWith},
	{name: "runas", arg: true, note: ownProcess},
	{name: "s", pass: true},
	{name: "sandbox", arg: true, note: ownProcess},
	{name: "sd", arg: true, do: (*reader).optSD},
	{name: "sdl", do: (*reader).optOldDisplay},
	{name: "seed", arg: true, pass: true},
	{name: "semihosting", pass: true},
	{name: "semihosting-config", arg: true, pass: true},
	{name: "serial", arg: true, do: (*reader).optPort},
	{name: "set", arg: true, do: (*reader).optSet},
	{name: "shim", arg: true, do: func(r *reader, w word) { r.d.OS.Shim = r.absolute(w.arg) }},
	{name: "show-cursor", note: ownWindow},
	{name: "singlestep", pass: true},
	{name: "smbios", arg: true, do: (*reader).optSMBIOS},
	{name: "smp", arg: true, do: (*reader).optSMP},
	{name: "snapshot", do: func(r *reader, _ word) { r.snapshot = true }},
	{name: "soundhw", arg: true, do: func(r *reader, w word) { r.soundhw = w.arg }},
	{name: "spice", arg: true, list: func(r *reader) *[]*props { return &r.spices }},
	{name: "startdate", arg: true, do: func(r *reader, w word) { r.rtcProps().set("base", w.arg) }},
	{name: "tb-size", arg: true, do: (*reader).optTBSize},
	{name: "tdf", do: func(*reader, word) {}}, // had no effect for long
	{name: "tpmdev", arg: true, list: func(r *reader) *[]*props { return &r.tpmdevs }, implied: "type"},
	{name: "trace", arg: true, pass: true},
	{name: "usb", do: func(r *reader, _ word) { r.usb = true }},
	{name: "usbdevice", arg: true, do: (*reader).optUSBDevice},
	{name: "uuid", arg: true, do: (*reader).optUUID},
	{name: "vga", arg: true, do: func(r *reader, w word) { r.vga = w.arg }},
	{name: "virtfs", arg: true, do: (*reader).optVirtFS},
	{name: "vnc", arg: true, list: func(r *reader) *[]*props { return &r.vncs }, implied: "vnc"},
	{name: "watchdog", arg: true, do: (*reader).optWatchdog},
	{name: "watchdog-action", arg: true, do: func(r *reader, w word) { r.watchdogAction = w.arg }},
	{name: "win2k-hack", pass: true},
	{name: "writeconfig", arg: true, note: atStart},
}

// words reads all options.
func (r *reader) words(c *shell.Command) {
	for i := 0; i < len(c.Words) && r.err == nil; i++ {
		text := c.Words[i]
		w := word{name: text, line: c.Lines[i]}
		if expansion(text) { // most are options that a script adds or not
			r.note("left out: %s (what it stands for is not known here)", text)
			continue
		}
		if !strings.HasPrefix(text, "-") || text == "-" {
			r.optHard(word{name: "-hda", arg: text, line: w.line}) // a disk without an option
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "-")
		w.name = "-" + name
		at := sort.Search(len(options), func(i int) bool { return options[i].name >= name })
		known := at < len(options) && options[at].name == name
		more := i+1 < len(c.Words)
		switch {
		case known && options[at].arg && !more:
			r.err = w.fail("its argument is missing")
		case known && options[at].arg, !known && more && !strings.HasPrefix(c.Words[i+1], "-"):
			i++
			w.arg = c.Words[i]
		}
		switch {
		case r.err != nil:
		case known && expansion(w.arg) && !options[at].free():
			r.note("left out: %s %s (what it stands for is not known here)", w.name, w.arg)
		case known:
			r.kept[w.arg] = true
			r.option(&options[at], w)
		case w.arg != "":
			r.pass("the option is not known here", w.name, w.arg)
		default:
			r.pass("the option is not known here", w.name)
		}
	}
}

// free tells the options whose argument may be any text.
func (o *option) free() bool {
	switch o.name {
	case "append", "bios", "cdrom", "dtb", "fda", "fdb", "hda", "hdb", "hdc", "hdd", "initrd", "kernel", "mem-path", "mtdblock", "name", "pflash", "sd", "shim":
		return true
	}
	return o.pass || o.note != ""
}

// expansion tells a word that is one of the shell's expansions and nothing else.
func expansion(word string) bool {
	switch {
	case len(word) < 2:
		return false
	case word[0] == '`':
		return word[len(word)-1] == '`'
	case word[0] != '$':
		return false
	}
	body := word[1:]
	switch body[0] {
	case '(':
		return body[len(body)-1] == ')'
	case '{':
		return strings.IndexByte(body, '}') == len(body)-1
	}
	return strings.Trim(body, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func (r *reader) option(o *option, w word) {
	switch {
	case o.pass && o.path && !strings.ContainsAny(w.arg, ",="):
		r.pass("", w.name, r.absolute(w.arg))
	case o.pass && o.arg:
		r.pass("", w.name, w.arg)
	case o.pass:
		r.pass("", w.name)
	case o.note != "" && o.arg:
		r.note("left out: %s (%s)", shell.Join([]string{w.name, w.arg}), o.note)
	case o.note != "":
		r.note("left out: %s (%s)", w.name, o.note)
	case o.list != nil:
		if p := r.parse(w, o.implied); p != nil {
			to := o.list(r)
			*to = append(*to, p)
		}
	case o.name == "readconfig": // which reads options in turn
		r.optReadConfig(w)
	default:
		o.do(r, w)
	}
}

// parse reads an option's properties; nil after an error.
func (r *reader) parse(w word, implied string) *props {
	p, err := parseProps(w, implied)
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return nil
	}
	return p
}

// merge reads properties to those that an option had before.
func (r *reader) merge(to **props, w word, implied string) {
	p := r.parse(w, implied)
	if p == nil {
		return
	}
	if *to == nil {
		*to = &props{option: w.name}
	}
	(*to).line = w.line
	for _, f := range p.list {
		(*to).set(f.key, f.value)
	}
}

func (r *reader) optMachine(w word) { r.merge(&r.machine, w, "type") }

func (r *reader) optBoot(w word) { r.merge(&r.boot, w, "order") }

func (r *reader) optMemory(w word) { r.merge(&r.mem, w, "size") }

func (r *reader) optSMP(w word) { r.merge(&r.smp, w, "cpus") }

func (r *reader) optRTC(w word) { r.merge(&r.rtc, w, "base") }

func (r *reader) rtcProps() *props {
	if r.rtc == nil {
		r.rtc = &props{option: "-rtc"}
	}
	return r.rtc
}

func (r *reader) optLocaltime(word) { r.rtcProps().set("base", "localtime") }

func (r *reader) optKVM(word) { r.machine.set("accel", "kvm") }

func (r *reader) optMonitor(w word) {
	r.note("left out: %s (%s)", shell.Join([]string{w.name, w.arg}), ownMonitor)
	if w.name == "-mon" { // its chardev is used
		if p := r.parse(w, "chardev"); p != nil {
			r.monitors = append(r.monitors, p.take("chardev"))
		}
	}
}

func (r *reader) optName(w word) {
	p := r.parse(w, "guest")
	if p == nil {
		return
	}
	if name := p.take("guest"); name != "" {
		r.d.Name = strings.Trim(strings.ReplaceAll(name, "/", "-"), " ")
	}
	p.ignore("debug-threads", "on", "off")
	if process := p.take("process"); process != "" {
		r.note("left out: -name process=%s (%s)", process, ownProcess)
	}
	r.leftovers(p)
}

// leftovers tells what of an option was not understood.
func (r *reader) leftovers(p *props) {
	for _, key := range p.left() {
		r.note("left out: %s %s=%s (it is not known here)", p.option, key, p.peek(key))
	}
}

func (r *reader) optUUID(w word) {
	u, ok := xml.ParseUUID(w.arg)
	if !ok {
		r.err = w.fail("'" + w.arg + "' is not a UUID")
	}
	r.d.UUID = u
}

// optSet changes a property of what stands before: -set device.id.key=value.
func (r *reader) optSet(w word) {
	path, value, ok := strings.Cut(w.arg, "=")
	parts := strings.SplitN(path, ".", 3)
	if !ok || len(parts) < 3 {
		r.err = w.fail("GROUP.ID.PROPERTY=VALUE is expected")
		return
	}
	lists := map[string][]*props{"drive": r.drives, "netdev": r.netdevs, "chardev": r.chardevs, "object": r.objects, "fsdev": r.fsdevs, "blockdev": r.blockdevs}
	for _, d := range r.devices {
		lists["device"] = append(lists["device"], d.props)
	}
	for _, p := range lists[parts[0]] {
		if p.peek("id") == parts[1] {
			p.set(parts[2], value)
			return
		}
	}
	r.pass("", "-set", w.arg)
}
