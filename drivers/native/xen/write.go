package xen

import (
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// writer writes one file.
type writer struct {
	conf.Writer
	dialect Dialect
	hvm     bool
	doc     *xml.Node
}

// To writes a domain, as drivers/domain completed it, as a configuration. doc is
// the document that it was read from, which tells empty attributes from those
// that are not there; nil: what is empty is not there.
func To(d *xml.Domain, doc *xml.Node, dialect Dialect) ([]byte, error) {
	w := &writer{dialect: dialect, doc: doc, hvm: d.OS.Type.Text == "hvm"}
	for _, step := range []func(*xml.Domain) error{
		w.general, w.features, w.clock, w.events, w.display, w.interfaces, w.pci, w.ports, w.system, w.cpu, w.limits, w.disks, w.spice, w.usb, w.channels, w.arguments,
	} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return w.Bytes()
}

// optional writes a string if there is one.
func (w *writer) optional(name, text string) {
	if text != "" {
		w.Str(name, text)
	}
}

// written gives a device of the domain as its document has it; an empty element
// if there is none.
func (w *writer) written(kind string, n int) *xml.Node {
	if w.doc != nil {
		for _, devices := range w.doc.Elements("devices") {
			list := devices.Elements(kind)
			if n < len(list) {
				return list[n]
			}
			n -= len(list)
		}
	}
	return &xml.Node{Name: kind}
}

// has tells whether there is an element that has an attribute.
func has(n *xml.Node, attr string) bool {
	if n == nil {
		return false
	}
	_, ok := n.Attr(attr)
	return ok
}

// given gives an attribute that a document has or, if there is none, a value.
func given(n *xml.Node, name, value string) (string, bool) {
	if text, ok := n.Attr(name); ok && text == "" {
		return "", true
	}
	return value, value != ""
}

func (w *writer) general(d *xml.Domain) error {
	w.Str("name", d.Name)
	w.Str("uuid", d.UUID)
	w.Num("maxmem", int64((d.Memory.KiB+1023)/1024))
	w.Num("memory", int64((d.CurrentMem+1023)/1024))
	now := d.VCPU.Count
	if c := d.VCPU.Current; c != 0 && c < now {
		w.Num("maxvcpus", int64(now))
		now = c
	}
	w.Num("vcpus", int64(now))
	if s := d.VCPU.CPUSet; s != "" {
		w.Str("cpus", string(s))
	}
	return nil
}

func (w *writer) features(d *xml.Domain) error {
	f := d.Features
	if f == nil {
		f = &xml.Features{}
	}
	if w.hvm {
		numa := d.CPU != nil && d.CPU.NUMA != nil && len(d.CPU.NUMA.Cells) > 0
		w.Bool("pae", f.PAE || d.OS.Type.Arch == "x86_64")
		w.Bool("acpi", f.ACPI || numa)
		w.Bool("apic", f.APIC != nil)
		if f.HAP != nil && f.HAP.State == "off" {
			w.Bool("hap", false)
		}
		w.Bool("viridian", f.Viridian)
	}
	if x := f.Xen; x != nil {
		if s := x.E820Host; s != nil && s.State == "on" && !w.hvm {
			w.Bool("e820_host", true)
		}
		if p := x.Passthrough; p != nil && p.State == "on" {
			mode := p.Mode
			if mode == "" {
				mode = "enabled"
			}
			w.Str("passthrough", mode)
		}
	}
	return nil
}

func (w *writer) clock(d *xml.Domain) error {
	c := d.Clock
	for i := range c.Timers {
		switch t := &c.Timers[i]; t.Name {
		case "tsc":
			word := "default"
			for _, m := range tscModes {
				if m.mode == t.Mode {
					word = m.word
				}
			}
			w.Str("tsc_mode", word)
		case "hpet":
			if !w.hvm {
				return unsupported("unsupported timer type (name) '%s'", t.Name)
			}
			w.Bool("hpet", t.Present != "no")
		default:
			return unsupported("unsupported timer type (name) '%s'", t.Name)
		}
	}
	local := c.Offset == "localtime"
	if !w.hvm {
		if c.Offset != "utc" && !local {
			return unsupported("unsupported clock offset='%s'", c.Offset)
		}
		w.Bool("localtime", local)
		return nil
	}
	seconds := int64(0)
	switch c.Offset {
	case "utc", "localtime":
		if c.Adjustment == "reset" {
			return unsupported("unsupported clock adjustment='reset'")
		}
	case "variable":
		local = c.Basis == "localtime"
		n, err := strconv.ParseInt(c.Adjustment, 10, 64)
		if err != nil {
			return unsupported("unsupported clock adjustment='%s'", c.Adjustment)
		}
		seconds = n
	default:
		return unsupported("unsupported clock offset='%s'", c.Offset)
	}
	w.Num("rtc_timeoffset", seconds)
	w.Bool("localtime", local)
	return nil
}

func (w *writer) events(d *xml.Domain) error {
	w.Str("on_poweroff", d.OnPoweroff)
	w.Str("on_reboot", d.OnReboot)
	w.Str("on_crash", d.OnCrash)
	w.optional("device_model_override", d.Devices.Emulator)
	return nil
}

// system writes how the guest boots.
func (w *writer) system(d *xml.Domain) error {
	o := &d.OS
	switch {
	case w.hvm:
		w.Str("builder", "hvm")
		w.firmware(o)
		boot := ""
		for _, b := range w.boot(d) {
			i := slices.IndexFunc(bootDevices, func(x struct {
				letter byte
				dev    string
			}) bool {
				return x.dev == b.Dev
			})
			if i >= 0 {
				boot += string(rune(bootDevices[i].letter))
			}
		}
		if boot == "" {
			boot = "c"
		}
		w.Str("boot", boot)
		return nil
	case o.Type.Text == "xenpvh":
		if w.dialect == XL { // xm knows of no such guests
			w.Str("type", "pvh")
		}
	}
	w.optional("bootloader", d.Bootloader)
	w.optional("bootargs", d.BootArgs)
	w.kernel(o)
	return nil
}

// boot is what a guest boots from. With a bootloader a domain keeps none of it,
// but its document tells.
func (w *writer) boot(d *xml.Domain) []xml.Boot {
	if d.Bootloader == "" || w.doc == nil || w.doc.Child("os") == nil {
		return d.OS.Boot
	}
	var list []xml.Boot
	for _, n := range w.doc.Child("os").Elements("boot") {
		dev, _ := n.Attr("dev")
		list = append(list, xml.Boot{Dev: dev})
	}
	return list
}

func (w *writer) firmware(o *xml.OS) {
	l := o.Loader
	if l == nil {
		l = &xml.Loader{}
	}
	if w.dialect == XM {
		w.optional("kernel", l.Path)
		return
	}
	if l.Type == "pflash" {
		w.Str("bios", "ovmf")
		w.optional("bios_path_override", l.Path)
	}
	for _, t := range o.ACPITables {
		w.Str("acpi_firmware", t.Path)
		break
	}
	w.kernel(o)
}

func (w *writer) kernel(o *xml.OS) {
	w.optional("kernel", o.Kernel)
	w.optional("ramdisk", o.Initrd)
	if w.dialect == XM {
		w.optional("extra", o.Cmdline)
	} else {
		w.optional("cmdline", o.Cmdline)
	}
}

// cpu writes what the guest sees of the host's CPU. xl alone has words for it.
func (w *writer) cpu(d *xml.Domain) error {
	c := d.CPU
	if c == nil || w.dialect == XM {
		return nil
	}
	if c.Mode == "host-passthrough" {
		nested := true
		parts := []string{"host"}
		for _, f := range c.Features {
			if f.Name == "vmx" || f.Name == "svm" {
				nested = nested && f.Policy != "disable" && f.Policy != "forbid"
				continue
			}
			value := map[string]string{"force": "1", "require": "1", "disable": "0", "forbid": "0", "optional": "x"}[f.Policy]
			if value != "" {
				parts = append(parts, xenWord(f.Name)+"="+value)
			}
		}
		if w.hvm {
			w.Bool("nestedhvm", nested)
		}
		if len(parts) > 1 {
			w.Str("cpuid", strings.Join(parts, ","))
		}
	}
	if c.NUMA != nil && len(c.NUMA.Cells) > 0 {
		return w.vnuma(c.NUMA)
	}
	return nil
}

// xenWord is Xen's word for a CPU feature.
func xenWord(feature string) string {
	for _, n := range cpuidNames {
		if n.feature == feature {
			return n.word
		}
	}
	return feature
}

func (w *writer) vnuma(n *xml.CPUNUMA) error {
	var nodes []conf.Value
	for i := range n.Cells {
		c := &n.Cells[i]
		if c.CPUs == "" {
			return unknown()
		}
		list := make([]string, len(n.Cells))
		for j := range list {
			if list[j] = "20"; i == j {
				list[j] = "10"
			}
		}
		for _, d := range c.Distances {
			if int(d.ID) < len(list) {
				list[d.ID] = strconv.FormatUint(uint64(d.Value), 10)
			}
		}
		nodes = append(nodes, conf.Value{Kind: conf.List, List: conf.Strings([]string{
			"pnode=" + strconv.Itoa(i), "size=" + strconv.FormatUint(c.Memory/1024, 10), "vcpus=" + c.CPUs, "vdistances=" + strings.Join(list, ",")})})
	}
	w.List("vnuma", nodes)
	return nil
}

func (w *writer) limits(d *xml.Domain) error {
	if w.dialect == XM {
		return nil
	}
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "xenbus" {
			continue
		}
		if n := c.MaxEvents; n != nil && *n > 0 {
			w.Num("max_event_channels", int64(*n))
		}
		if n := c.MaxGrants; n != nil && *n > 0 {
			w.Num("max_grant_frames", int64(*n))
		}
	}
	return nil
}

// arguments writes what is passed to the device model as it stands.
func (w *writer) arguments(d *xml.Domain) error {
	if d.XenCommandline == nil || len(d.XenCommandline.Args) == 0 || w.dialect == XM {
		return nil
	}
	var args []string
	for _, a := range d.XenCommandline.Args {
		args = append(args, a.Value)
	}
	w.Strings("device_model_args", args)
	return nil
}
