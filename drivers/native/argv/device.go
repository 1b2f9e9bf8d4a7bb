package argv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// device is one -device, or one that another option or the machine makes.
type device struct {
	*props
	driver    string // as it is written: virtio-blk-pci
	base      string // without its bus: virtio-blk
	transport string // pci, ccw, device (mmio); "" if it was not written
	model     string // of virtio devices: virtio, virtio-transitional, virtio-non-transitional
	id        string
	json      bool
	made      bool   // by the machine or another option, not by -device
	foreign   bool   // on a bus that XML does not have
	slot      string // where it is on PCI: BUS and address
	place     *xml.Address
	unit      uint     // of a floppy
	deps      []*props // its backends
}

// transports are the endings of the names of virtio devices and their like.
var transports = []struct{ end, transport, model string }{
	{"-pci-transitional", "pci", "virtio-transitional"},
	{"-pci-non-transitional", "pci", "virtio-non-transitional"},
	{"-pci", "pci", "virtio"},
	{"-ccw", "ccw", "virtio"},
	{"-device", "device", "virtio"},
}

// synonyms are other names of devices.
var synonyms = []struct{ name, base string }{
	{"ac97", "AC97"}, {"ahci", "ich9-ahci"}, {"e1000-82540em", "e1000"}, {"es1370", "ES1370"}, {"ide-drive", "ide-hd"}, {"ioh3420", "pcie-root-port"}, {"lsi", "lsi53c895a"}, {"lsi53c810a", "lsi53c810"},
	{"qxl-vga", "qxl"}, {"scsi-disk", "scsi-hd"}, {"virtio-serial-bus", "virtio-serial"}, {"virtio-vga-gl", "virtio-vga"},
}

func newDevice(p *props) *device {
	d := &device{props: p, driver: p.take("driver"), model: "virtio", id: p.take("id")}
	d.base = d.driver
	for _, s := range synonyms {
		if s.name == d.base {
			d.base = s.base
		}
	}
	if strings.HasPrefix(d.base, "virtio-") || strings.HasPrefix(d.base, "vhost-") {
		for _, t := range transports {
			if base, ok := strings.CutSuffix(d.base, t.end); ok {
				d.base, d.transport, d.model = base, t.transport, t.model
				break
			}
		}
	}
	return d
}

// build makes a device of pairs of keys and values; empty values are left out.
func build(option string, line int, pairs ...string) *device {
	p := &props{option: option, line: line}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.list = append(p.list, property{key: pairs[i], value: pairs[i+1]})
		}
	}
	d := newDevice(p)
	d.made = true
	return d
}

func (r *reader) optDevice(w word) {
	p := r.parse(w, "driver")
	if p == nil {
		return
	}
	at := slices.IndexFunc(p.list, func(f property) bool { return f.key == "driver" })
	if at < 0 {
		r.err = w.fail("no driver is named")
		return
	}
	driver := p.list[at]
	p.list = slices.Insert(slices.Delete(p.list, at, at+1), 0, driver)
	d := newDevice(p)
	d.json = strings.HasPrefix(w.arg, "{")
	r.devices = append(r.devices, d)
}

// inOrder are all devices in the order in which QEMU makes them.
func (r *reader) inOrder() []*device {
	list := slices.Clone(r.first)
	for _, d := range r.devices {
		if !d.json {
			list = append(list, d)
		}
	}
	list = append(list, r.last...)
	for _, d := range r.devices {
		if d.json {
			list = append(list, d)
		}
	}
	return list
}

// ref finds the backend that a device names. It counts as the device's own.
func (r *reader) ref(d *device, list []*props, id string) *props {
	p := byID(list, id)
	if p == nil {
		r.fail(d.props, "%s: there is no '%s'", d.driver, id)
		return nil
	}
	d.deps = append(d.deps, p)
	return p
}

// handle turns the devices into XML, and passes those that XML cannot say.
func (r *reader) handle() {
	for _, d := range r.inOrder() {
		if r.err != nil {
			return
		}
		h := handlers.find(d.base)
		if strings.HasPrefix(d.base, "usb-") && d.base != "usb-ehci" && r.ownUSB() {
			d.foreign = true
		}
		var commit func()
		if h != nil && !d.spent && !d.foreign {
			commit = h.do(r, d)
		}
		if r.err != nil || d.spent {
			continue
		}
		missing := d.missing()
		switch {
		case commit == nil:
			r.passDevice(d, nil)
			continue
		case len(missing) > 0:
			r.passDevice(d, missing)
			continue
		}
		d.spent = true
		for _, dep := range d.deps {
			dep.spent = true
		}
		commit()
	}
}

// missing are the properties of a device and its backends that were not taken.
func (d *device) missing() []string {
	list := d.left()
	for _, dep := range d.deps {
		list = append(list, dep.left()...)
	}
	return list
}

// soundless are the sound cards that XML lacks.
var soundless = []string{"adlib", "cs4231a", "gus"}

// passDevice passes a device and its backends. It keeps the place that QEMU
// would give it, so that no device of the definition gets there.
func (r *reader) passDevice(d *device, missing []string) {
	why := "XML has none like it"
	switch {
	case d.foreign:
		why = "XML does not have its bus there"
	case len(missing) > 0:
		why = "XML cannot say " + strings.Join(missing, ", ")
	}
	if n, err := strconv.ParseUint(d.peek("bootindex"), 10, 31); err == nil {
		r.boots = append(r.boots, booting{index: n, given: true})
	}
	behind, bus := r.behind(d), ""
	if behind && !d.foreign && !d.has("bus") {
		bus = r.lastBus(d)
	}
	if d.onUSB() && r.crowdedUSB() && !d.foreign && !d.has("port") {
		if a := r.usbAddress(d); a != nil && a.Port != "" {
			d.set("port", a.Port)
		}
	}
	if slices.Contains(soundless, d.base) && !d.has("audiodev") { // QEMU chooses a backend where none is given
		d.set("audiodev", "audio1")
	}
	var words []string
	for i := range d.list {
		f := &d.list[i]
		switch f.key {
		case "id":
			f.value = passedID(f.value)
		case "bus":
			f.value = r.renamedBus(f.value)
		case "iothread":
			f.value = r.renamed("iothread", f.value)
		case "audiodev":
			f.value = r.renamed("audio", f.value)
		case "netdev", "chardev", "drive", "memdev", "fsdev", "tpmdev", "rng", "cryptodev":
			words = append(words, r.backends(f, 0)...)
		}
	}
	if bus != "" {
		d.set("bus", bus)
	}
	if d.slot != "" {
		bus, addr, _ := strings.Cut(d.slot, " ")
		d.set("bus", r.renamedBus(bus))
		d.set("addr", addr)
	}
	d.spent = true
	if d.id != "" {
		r.named[d.id] = named{behind: behind}
	}
	if behind && !d.props.json {
		d.inJSON()
	}
	r.pass(why, append(words, "-device", d.String())...)
}

// backends are the options that make what a property names, and what that
// needs in turn.
func (r *reader) backends(f *property, depth int) []string {
	var words []string
	for _, list := range [][]*props{r.netdevs, r.chardevs, r.drives, r.blockdevs, r.objects, r.fsdevs, r.tpmdevs} {
		p := byID(list, f.value)
		if p == nil || depth > maxChain {
			continue
		}
		f.value = passedID(f.value)
		if p.spent {
			continue
		}
		p.spent = true
		for i := range p.list {
			key := p.list[i].key
			switch {
			case key == "chardev", key == "netdev" && p.option == "-netdev", strings.HasSuffix(key, "-secret"), strings.HasSuffix(key, "tls-creds"), strings.HasSuffix(key, "throttle-group"),
				p.option == "-blockdev" && (key == "file" || key == "backing" || key == "data-file"):
				words = append(words, r.backends(&p.list[i], depth+1)...)
			}
		}
		for _, key := range []string{"id", "node-name"} {
			if p.has(key) {
				p.set(key, f.value)
			}
		}
		r.absolutePaths(p)
		words = append(words, p.option, p.String())
		words = append(words, r.hubPorts(p, depth)...)
	}
	return words
}

// hubPorts are the other ports of a hub, without which one is of no use.
func (r *reader) hubPorts(p *props, depth int) []string {
	var words []string
	if p.option != "-netdev" || p.peek("type") != "hubport" {
		return nil
	}
	for _, other := range r.netdevs {
		if !other.spent && other.peek("type") == "hubport" && other.peek("hubid") == p.peek("hubid") && other.has("netdev") {
			words = append(words, r.backends(&property{key: "netdev", value: other.peek("id")}, depth+1)...)
		}
	}
	return words
}

// absolutePaths makes the paths of an option absolute, as guests run elsewhere.
func (r *reader) absolutePaths(p *props) {
	for i := range p.list {
		f := &p.list[i]
		switch f.key {
		case "tftp", "smb", "dir", "logfile", "addr.path", "local.path", "remote.path", "vhostdev", "trafficlog":
			if f.value != "" {
				f.value = r.absolute(f.value)
			}
		case "file", "filename", "path", "mem-path", "file.filename", "romfile":
			if p.option == "-blockdev" && f.key == "file" || strings.Contains(f.value, ":") {
				continue
			}
			f.value = r.absolute(f.value)
		}
	}
}

// reserved are the beginnings of the names that drivers give to what they make.
var reserved = []string{"audio", "balloon", "ccid", "channel", "char", "console", "crypto", "dimm", "fs", "host", "hub", "ide", "input", "iothread", "libvirt",
	"net", "nvdimm", "panic", "parallel", "pci", "pcie", "redir", "rng", "sata", "scsi", "serial", "shmem", "sound", "tpm", "ua-", "usb", "video", "virtio",
	"vsock", "watchdog"}

// passedID is an id that no device of the definition will have.
func passedID(id string) string {
	for _, prefix := range reserved {
		if strings.HasPrefix(id, prefix) {
			return "own-" + id
		}
	}
	return id
}

// renamedBus is the name of a bus in the definition's QEMU: its controller gets
// a name that is kept.
func (r *reader) renamedBus(bus string) string {
	id, rest, _ := strings.Cut(bus, ".")
	if rest != "" {
		rest = "." + rest
	}
	c, ok := r.named[id]
	if !ok {
		return bus
	}
	if c.alias == nil {
		return passedID(id) + rest
	}
	name := "ua-" + id
	c.alias(name)
	return name + rest
}

// renamed is the name that a driver gives to the thing of a kind with an id.
func (r *reader) renamed(kind, id string) string {
	switch kind {
	case "iothread":
		if n := r.iothread(id); n > 0 {
			return fmt.Sprintf("iothread%d", n)
		}
	case "audio":
		if n, ok := r.audio[id]; ok {
			return fmt.Sprintf("audio%d", n)
		}
	}
	return id
}
