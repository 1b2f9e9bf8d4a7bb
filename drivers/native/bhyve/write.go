package bhyve

import (
	"net"
	"strconv"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// Command is one command that a guest needs.
type Command struct {
	Env  []string // NAME=value
	Argv []string
}

// To writes a domain, as drivers/domain completed it, as shell commands: the
// loader's, if it needs one, and bhyve's.
func To(d *xml.Domain) ([]byte, error) {
	run, err := Args(d)
	if err != nil {
		return nil, err
	}
	out := ""
	load, err := LoaderArgs(d)
	if err != nil {
		return nil, err
	}
	if len(load) > 0 {
		out = shell.Join(load) + "\n"
	}
	return []byte(out + shell.JoinEnv(run.Env, run.Argv) + "\n"), nil
}

// writer puts bhyve's arguments together.
type writer struct {
	d    *xml.Domain
	argv []string
}

func (w *writer) add(words ...string) { w.argv = append(w.argv, words...) }

// slot adds a PCI device.
func (w *writer) slot(a *xml.Address, device string) {
	w.add("-s", strconv.Itoa(int(a.Slot))+":"+strconv.Itoa(int(a.Function))+","+device)
}

// Args gives bhyve's own command line.
func Args(d *xml.Domain) (Command, error) {
	w := &writer{d: d}
	w.add(programPath)
	for _, step := range []func() error{
		w.general, w.controllers, w.interfaces, w.disks, w.display, w.sounds, w.rngs, w.shares, w.serials, w.unknown,
	} {
		if err := step(); err != nil {
			return Command{}, err
		}
	}
	c := Command{}
	if x := d.BhyveCommandline; x != nil {
		for _, a := range x.Args {
			w.add(a.Value)
		}
		for _, e := range x.Env {
			value := ""
			if e.Value != nil {
				value = *e.Value
			}
			c.Env = append(c.Env, e.Name+"="+value)
		}
	}
	w.add(d.Name)
	c.Argv = w.argv
	return c, nil
}

// megabytes is the memory; a command line need not have said how much.
func megabytes(d *xml.Domain) string {
	if d.Memory == nil {
		return "0"
	}
	return strconv.FormatUint((d.Memory.KiB+1023)/1024, 10)
}

func (w *writer) general() error {
	d := w.d
	cpus := strconv.Itoa(int(d.VCPU.Count))
	if d.CPU != nil && d.CPU.Topology != nil {
		t := d.CPU.Topology
		if uint(t.Sockets)*uint(t.Cores)*uint(t.Threads) != d.VCPU.Count {
			return unsupported("Invalid CPU topology: total number of vCPUs must equal the product of sockets, cores, and threads")
		}
		if t.Dies > 1 {
			return unsupported("Only 1 die per socket is supported")
		}
		cpus = "cpus=" + cpus
		for _, n := range []struct {
			name  string
			value uint32
		}{{"sockets", t.Sockets}, {"cores", t.Cores}, {"threads", t.Threads}} {
			cpus += "," + n.name + "=" + strconv.Itoa(int(n.value))
		}
	}
	w.add("-c", cpus, "-m", megabytes(d))
	if d.Backing != nil && d.Backing.Locked {
		w.add("-S")
	}
	if f := d.Features; f != nil {
		if f.ACPI {
			w.add("-A")
		}
		if f.APIC != nil {
			w.add("-I")
		}
		if f.MSRs != nil && f.MSRs.Unknown == "ignore" {
			w.add("-w")
		}
	}
	switch d.Clock.Offset {
	case "localtime":
	case "utc":
		w.add("-u")
	default:
		return unsupported("unsupported clock offset '%s'", d.Clock.Offset)
	}
	w.add("-H", "-P", "-s", "0:0,hostbridge")
	if l := d.OS.Loader; l != nil && l.Path != "" {
		if l.Type != "pflash" {
			return unsupported("Only pflash loaders are supported")
		}
		w.add("-l", "bootrom,"+l.Path)
	}
	return nil
}

// controllers adds the ISA bridge, then the others with what is plugged in.
func (w *writer) controllers() error {
	dev := &w.d.Devices
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Type == "isa" {
			w.slot(c.Address, "lpc")
		}
	}
	usb := false
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		switch c.Type {
		case "isa", "pci", "fdc", "ide":
		case "sata":
			if disks := w.drives(*c.Index); disks != "" {
				w.slot(c.Address, "ahci"+disks)
			}
		case "usb":
			if c.Model == "none" {
				continue
			}
			if usb {
				return unsupported("only single USB controller is supported")
			}
			usb = true
			if len(dev.Inputs) != 1 {
				return unsupported("only single input device is supported")
			}
			if in := &dev.Inputs[0]; in.Type != "tablet" || in.Bus != "usb" {
				return unsupported("unsupported input device")
			}
			w.slot(c.Address, "xhci,tablet")
		default:
			return unsupported("unsupported controller type '%s'", c.Type)
		}
	}
	return nil
}

// drives are the disks of a SATA controller.
func (w *writer) drives(index uint) string {
	out := ""
	for i := range w.d.Devices.Disks {
		v := &w.d.Devices.Disks[i]
		if v.Target.Bus != "sata" || v.Address == nil || v.Address.Type != "drive" || v.Address.Controller != index {
			continue
		}
		kind := ",hd:"
		if v.Device == "cdrom" {
			kind = ",cd:"
		}
		if path := file(v); path != "" {
			out += kind + path
		}
	}
	return out
}

// file is a disk's file; "" for an empty drive.
func file(v *xml.Disk) string {
	if v.Source == nil {
		return ""
	}
	if v.Type == "block" {
		return v.Source.Dev
	}
	return v.Source.File
}

func (w *writer) disks() error {
	for i := range w.d.Devices.Disks {
		v := &w.d.Devices.Disks[i]
		if v.Type != "file" && v.Type != "block" {
			return unsupported("unsupported disk type '%s'", v.Type)
		}
		switch v.Target.Bus {
		case "sata":
		case "virtio", "nvme":
			if v.Device != "disk" {
				return unsupported("unsupported disk device")
			}
			if file(v) == "" {
				return unsupported("'%s' disk must not be empty", v.Target.Bus)
			}
			w.slot(v.Address, map[string]string{"virtio": "virtio-blk", "nvme": "nvme"}[v.Target.Bus]+","+file(v))
		default:
			return unsupported("unsupported bus type '%s' for disk", v.Target.Bus)
		}
	}
	return nil
}

func (w *writer) interfaces() error {
	for i := range w.d.Devices.Interfaces {
		v := &w.d.Devices.Interfaces[i]
		if v.Type != "bridge" && v.Type != "network" {
			return unsupported("Network type '%s' is not supported", v.Type)
		}
		model := "virtio"
		if v.Model != nil && v.Model.Type != "" {
			model = v.Model.Type
		}
		switch model {
		case "virtio":
			model = "virtio-net"
		case "e1000":
		default:
			return unsupported("NIC model '%s' is not supported", model)
		}
		tap := "tap" + strconv.Itoa(i)
		if v.Target != nil && v.Target.Dev != "" {
			tap = v.Target.Dev
		}
		w.slot(v.Address, model+","+tap+",mac="+v.MAC.Address)
	}
	return nil
}

// display adds the framebuffer, which only firmware of UEFI's kind can use.
func (w *writer) display() error {
	dev := &w.d.Devices
	if len(dev.Graphics) == 0 {
		return nil
	}
	l := w.d.OS.Loader
	if w.d.OS.Firmware == "" && (l == nil || l.Type != "pflash") {
		return unsupported("Graphics are only supported when booting using UEFI")
	}
	if len(dev.Graphics) > 1 {
		return unsupported("Multiple graphics devices are not supported")
	}
	g := &dev.Graphics[0]
	if g.Type != "vnc" {
		return unsupported("Only VNC supported")
	}
	if len(dev.Videos) != 1 {
		return unsupported("Only one video device is supported")
	}
	v := &dev.Videos[0]
	if v.Model.Type != "gop" {
		return unsupported("video type '%s' is not supported with bhyve", v.Model.Type)
	}
	host, port := "127.0.0.1", 5900
	switch first := g.Listens[0]; first.Type {
	case "address", "network":
		if first.Address != "" {
			host = first.Address
		}
	default:
		return unsupported("Unsupported listen type")
	}
	if g.Port != nil && *g.Port > 0 && g.Autoport != "yes" {
		port = *g.Port
	}
	text := "fbuf,tcp=" + net.JoinHostPort(host, strconv.Itoa(port))
	if g.Passwd != "" {
		if strings.IndexByte(g.Passwd, ',') >= 0 {
			return unsupported("Password may not contain ',' character")
		}
		text += ",password=" + g.Passwd
	}
	if r := v.Model.Resolution; r != nil {
		text += ",w=" + strconv.Itoa(int(r.X)) + ",h=" + strconv.Itoa(int(r.Y))
	}
	if v.Driver != nil && v.Driver.VGAConf != "" {
		text += ",vga=" + v.Driver.VGAConf
	}
	w.slot(v.Address, text)
	return nil
}

func (w *writer) sounds() error {
	dev := &w.d.Devices
	for i := range dev.Sounds {
		s := &dev.Sounds[i]
		if s.Model != "ich7" && s.Model != "ich6" {
			return unsupported("Sound device model is not supported")
		}
		text := "hda"
		for j := range dev.Audios {
			a := &dev.Audios[j]
			if s.Audio != nil && s.Audio.ID != a.ID {
				continue
			}
			if a.Type != "oss" {
				return unsupported("unsupported audio backend '%s'", a.Type)
			}
			if a.Output != nil && a.Output.Dev != "" {
				text += ",play=" + a.Output.Dev
			}
			if a.Input != nil && a.Input.Dev != "" {
				text += ",rec=" + a.Input.Dev
			}
			break
		}
		w.slot(s.Address, text)
	}
	return nil
}

func (w *writer) rngs() error {
	for i := range w.d.Devices.RNGs {
		r := &w.d.Devices.RNGs[i]
		switch {
		case r.Model != "virtio":
			return unsupported("Only 'virio' RNG device model is supported")
		case r.Backend == nil || r.Backend.Model != "random":
			return unsupported("Only 'random' backend model is supported")
		case r.Backend.Path != "" && r.Backend.Path != "/dev/random":
			return unsupported("Only /dev/random source is supported")
		}
		w.slot(r.Address, "virtio-rnd")
	}
	return nil
}

func (w *writer) shares() error {
	for i := range w.d.Devices.Filesystems {
		f := &w.d.Devices.Filesystems[i]
		if f.Type != "mount" {
			return unsupported("unsupported filesystem type '%s'", f.Type)
		}
		if f.AccessMode != "" && f.AccessMode != "passthrough" {
			return unsupported("unsupported filesystem accessmode '%s'", f.AccessMode)
		}
		if f.Driver != nil && f.Driver.Type != "" && f.Driver.Type != "path" {
			return unsupported("unsupported filesystem driver '%s'", f.Driver.Type)
		}
		text := "virtio-9p," + f.Target.Dir + "=" + f.Source.Dir
		if f.Readonly {
			text += ",ro"
		}
		w.slot(f.Address, text)
	}
	return nil
}

func (w *writer) serials() error {
	for i := range w.d.Devices.Serials {
		c := &w.d.Devices.Serials[i]
		if c.Type != "nmdm" {
			return unsupported("only nmdm console types are supported")
		}
		port := uint(0)
		if c.Target != nil && c.Target.Port != nil {
			port = *c.Target.Port
		}
		if port > 3 {
			return unsupported("only four serial ports are supported")
		}
		w.add("-l", "com"+strconv.Itoa(int(port)+1)+","+c.Master)
	}
	return nil
}

// unknown refuses devices that the guest would be without.
func (w *writer) unknown() error {
	dev := &w.d.Devices
	switch {
	case len(dev.Hostdevs) > 0:
		return unsupported("devices of the host are not supported")
	case len(dev.TPMs) > 0:
		return unsupported("TPM devices are not supported")
	}
	return nil
}
