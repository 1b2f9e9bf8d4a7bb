package argv

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"virgo/xml"
)

// booting is a device that may be booted from.
type booting struct {
	kind  string // hd, cdrom, fd, network
	index uint64
	given bool // QEMU is told its place
	set   func(order uint)
}

// bootOf takes a device's place in the order of booting.
func (r *reader) bootOf(d *device, kind string) booting {
	index, given := d.number("bootindex")
	if d.base == "floppy" {
		for _, g := range r.globals {
			if g.driver == "isa-fdc" && g.property == []string{"bootindexA", "bootindexB"}[d.unit&1] {
				n, err := strconv.ParseUint(g.value, 10, 32)
				index, given = n, err == nil
			}
		}
	}
	return booting{kind: kind, index: index, given: given}
}

// order says what the guest boots from: by place if any device has one, else by
// kind, as firmware would go on.
func (r *reader) order() {
	os := &r.d.OS
	letters := "cad"
	if p := r.boot; p != nil {
		if l := p.take("order"); l != "" {
			letters = l
		} else if p.has("order") {
			letters = ""
		}
		if once := p.take("once"); once != "" {
			r.note("left out: -boot once=%s (%s)", once, atStart)
		}
		if v := p.yesNo("menu"); v != "" {
			os.BootMenu = &xml.BootMenu{Enable: v}
			if t := p.uint("splash-time"); t > 0 && v == "yes" {
				os.BootMenu.Timeout = &t
			}
		}
		if n, ok := p.number("reboot-timeout"); ok {
			t := int(min(n, 65535))
			os.BIOS = &xml.BIOS{RebootTimeout: &t}
		}
		p.ignore("strict", "off", "on")
		r.leftovers(p)
	}
	r.serialScreen()
	if r.placed() {
		return
	}
	if p := r.boot; p == nil || p.onOff("strict") != "on" {
		letters += "cdn" // what firmware tries in the end
	}
	for _, c := range letters {
		kind := map[rune]string{'a': "fd", 'b': "fd", 'c': "hd", 'd': "cdrom", 'n': "network", 'o': "network", 'p': "network"}[c]
		has := slices.ContainsFunc(r.boots, func(b booting) bool { return b.kind == kind })
		if kind != "" && (has || strings.ContainsRune(letters, c) && r.boot != nil) && !slices.Contains(os.Boot, xml.Boot{Dev: kind}) {
			os.Boot = append(os.Boot, xml.Boot{Dev: kind})
		}
	}
}

// serialScreen: without a screen, firmware shows on the serial port what it
// would show there.
func (r *reader) serialScreen() {
	m := r.machine.take("graphics")
	switch {
	case !r.nographic && toSwitch(m) != "off":
	case r.isX86() && len(r.d.Devices.Serials) > 0:
		if r.d.OS.BIOS == nil {
			r.d.OS.BIOS = &xml.BIOS{}
		}
		r.d.OS.BIOS.UseSerial = "yes"
	case !r.isX86() && !r.is("virt") && !r.isS390():
		r.passQuietly("-machine", "graphics=off")
	}
}

// placed gives the devices their places, if any has one. If those are all
// passed, the first of the others gets the last place, as else a definition
// would begin with it.
func (r *reader) placed() bool {
	last, any, passed := uint64(0), false, false
	for _, b := range r.boots {
		if !b.given {
			continue
		}
		last = max(last, b.index)
		passed = true
		if b.set != nil {
			any = true
			b.set(uint(min(b.index, 1<<31)))
		}
	}
	for _, b := range r.boots {
		if passed && !any && b.set != nil {
			b.set(uint(min(last+1, 1<<31)))
			break
		}
	}
	return passed
}

// rest reads the objects that no device needs, and tells what is left.
func (r *reader) rest() {
	r.audioRef("")
	for _, o := range r.objects {
		switch {
		case o.spent:
		case o.peek("qom-type") == "iothread":
			r.iothread(o.peek("id"))
		case o.peek("qom-type") == "main-loop":
			o.spent = true
			r.d.DefaultIO = &xml.DefaultIO{Min: intPtr(o, "thread-pool-min"), Max: intPtr(o, "thread-pool-max")}
			o.take("qom-type", "id")
			r.leftovers(o)
		case o.peek("qom-type") == "input-linux" && r.inputLinux(o):
			o.spent = true
		case o.peek("qom-type") == "secret":
			r.note("left out: -object secret,id=%s (nothing uses it)", o.peek("id"))
		default:
			r.passProps(o, "")
		}
	}
	for _, list := range []struct {
		props []*props
		what  string
	}{{r.drives, "drive"}, {r.netdevs, "network backend"}, {r.chardevs, "chardev"}, {r.fsdevs, "folder"}, {r.tpmdevs, "TPM backend"}} {
		for _, p := range list.props {
			switch {
			case p.spent || slices.Contains(r.pflash, "drive:"+p.peek("id")):
			case slices.Contains(r.monitors, p.peek("id")):
				r.note("left out: %s %s (%s)", p.option, p, ownMonitor)
			default:
				r.note("left out: %s %s (no device uses this %s)", p.option, p, list.what)
			}
		}
	}
	for _, p := range r.blockdevs {
		if !p.spent {
			r.note("left out: -blockdev %s (no device uses it)", p)
		}
	}
	if slices.ContainsFunc(r.d.Devices.Memories, func(m xml.MemoryDevice) bool { return m.Model == "nvdimm" }) {
		r.machine.take("nvdimm") // such devices bring it
	}
	if n := r.d.CPU; n != nil && n.NUMA != nil && (len(n.NUMA.Links) > 0 || slices.ContainsFunc(n.NUMA.Cells, func(c xml.NUMACell) bool { return len(c.Caches) > 0 })) {
		r.machine.take("hmat")
	}
	if left := r.machine.left(); len(left) > 0 {
		r.pass("", "-machine", joinLeft(r.machine))
	}
	r.watchdogs()
}

// watchdogs all do the same.
func (r *reader) watchdogs() {
	list, action := &r.d.Devices.Watchdogs, r.watchdogAction
	switch action {
	case "":
		action = "reset"
	case "debug":
		r.note("left out: -watchdog-action debug (XML has no such action); it resets the guest")
		action = "reset"
	}
	if r.is("q35") && len(*list) == 0 && action != "reset" {
		*list = append(*list, xml.Watchdog{Model: "itco"}) // which every such definition has
	}
	for i := range *list {
		(*list)[i].Action = action
	}
	if action != "reset" && len(*list) == 0 {
		r.note("left out: the action of a watchdog, %s (there is no watchdog)", action)
	}
}

// finish says no where a definition without a word would get a device.
func (r *reader) finish() {
	dev := &r.d.Devices
	if dev.Memballoon == nil {
		dev.Memballoon = &xml.Memballoon{Model: "none"}
	}
	usb := slices.ContainsFunc(dev.Controllers, func(c xml.Controller) bool { return c.Type == "usb" })
	if !usb && strings.HasPrefix(r.arch(), "ppc64") && len(dev.Graphics) > 0 {
		r.note("a USB controller, a keyboard and a mouse are added: define does so where a POWER guest has a screen")
	} else if !usb && !strings.HasPrefix(r.arch(), "s390") && !r.needsUSB() {
		zero := uint(0)
		dev.Controllers = append(dev.Controllers, xml.Controller{Type: "usb", Index: &zero, Model: "none"})
	}
	r.d.VCPU.Placement = "static"
	r.d.CurrentMem = xml.KiB(r.d.Memory.KiB)
	if len(dev.Memories) > 0 {
		for _, m := range dev.Memories {
			r.d.Memory.KiB += uint64(m.Target.Size)
		}
		r.d.CurrentMem = xml.KiB(r.d.Memory.KiB)
		if c := r.cpuOf(); c.NUMA == nil {
			all := "0"
			if n := r.d.VCPU.Count; n > 1 {
				all = "0-" + utoa(n-1)
			}
			c.NUMA = &xml.CPUNUMA{Cells: []xml.NUMACell{{CPUs: all, Memory: uint64(r.d.CurrentMem) - r.deviceMemory(), Unit: "KiB"}}}
		}
	}
	if c := r.d.Clock; c != nil {
		sort.SliceStable(c.Timers, func(i, j int) bool { return c.Timers[i].Name < c.Timers[j].Name })
	}
	if f := r.d.Features; f != nil && *f == (xml.Features{}) {
		r.d.Features = nil
	}
}

func (r *reader) deviceMemory() uint64 {
	var sum uint64
	for _, m := range r.d.Devices.Memories {
		sum += uint64(m.Target.Size)
	}
	return sum
}

// needsUSB tells whether a device is there that is on USB.
func (r *reader) needsUSB() bool {
	dev := &r.d.Devices
	return slices.ContainsFunc(dev.Inputs, func(i xml.Input) bool { return i.Bus == "usb" }) ||
		slices.ContainsFunc(dev.Hostdevs, func(h xml.Hostdev) bool { return h.Type == "usb" }) ||
		slices.ContainsFunc(dev.Disks, func(x xml.Disk) bool { return x.Target.Bus == "usb" }) || len(dev.Redirdevs)+len(dev.Smartcards)+len(dev.Hubs) > 0
}
