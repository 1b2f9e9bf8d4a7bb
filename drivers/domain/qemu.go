package domain

import (
	"strings"

	"virgo/xml"
)

// chooseEmulator settles architecture, emulator and machine.
func chooseEmulator(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		setDefault(&d.OS.Type.Arch, "i686")
		return nil
	}
	setDefault(&d.OS.Type.Arch, t.QEMU.HostArch)
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	setDefault(&d.Devices.Emulator, e.Path)
	d.OS.Type.Machine = e.machine(d.OS.Type.Machine)
	return nil
}

// find gives the emulator that the definition names or its architecture needs.
func (q *QEMU) find(d *xml.Domain) (*Emulator, error) {
	if path := d.Devices.Emulator; path != "" {
		for i := range q.Emulators {
			if e := &q.Emulators[i]; e.Path == path {
				return e, nil
			}
		}
		if q.Lookup != nil {
			return q.Lookup(path)
		}
		return nil, xml.Errorf(xml.CodePlain, "Cannot check QEMU binary %s: No such file or directory", path)
	}
	for i := range q.Emulators {
		if e := &q.Emulators[i]; e.Arch == d.OS.Type.Arch {
			return e, nil
		}
	}
	return nil, xml.Errorf(xml.CodeConfigUnsupported, "No emulator found for arch '%s'", d.OS.Type.Arch)
}

// machine resolves an alias, or gives the default machine.
func (e *Emulator) machine(name string) string {
	for _, m := range e.Machines {
		if name == "" && m.Default || name != "" && m.Alias == name {
			return m.Name
		}
	}
	return name
}

// qemuDevices adds the devices that every machine has.
func qemuDevices(d *xml.Domain, q *QEMU) error {
	dev := &d.Devices
	qemuCPU(d)
	implicitControllers(d)
	if isX86(d) && d.OS.Type.Machine != "microvm" && !(d.Features != nil && d.Features.PS2 != nil && d.Features.PS2.State == "off") {
		addInput(d, "mouse")
		addInput(d, "keyboard")
	}
	if IsQ35(d) {
		found := false
		for i := range dev.Watchdogs {
			found = found || dev.Watchdogs[i].Model == "itco"
		}
		if !found {
			dev.Watchdogs = append(dev.Watchdogs, xml.Watchdog{Model: "itco"})
		}
	}
	if dev.Memballoon == nil {
		dev.Memballoon = &xml.Memballoon{Model: "virtio"}
	}
	addAudio(dev)
	return nil
}

func addInput(d *xml.Domain, kind string) {
	for i := range d.Devices.Inputs {
		if in := &d.Devices.Inputs[i]; in.Type == kind && (in.Bus == "ps2" || in.Bus == "") {
			return
		}
	}
	d.Devices.Inputs = append(d.Devices.Inputs, xml.Input{Type: kind, Bus: "ps2"})
}

// addAudio adds the silent backend, unless a display brings its own.
func addAudio(dev *xml.Devices) {
	if len(dev.Audios) > 0 {
		return
	}
	for i := range dev.Graphics {
		switch dev.Graphics[i].Type {
		case "sdl", "egl-headless", "dbus":
			return
		}
	}
	dev.Audios = []xml.Audio{{ID: 1, Type: "none"}}
}

// implicitControllers adds those that the machine itself brings along.
func implicitControllers(d *xml.Domain) {
	has := func(kind string) bool {
		for i := range d.Devices.Controllers {
			if d.Devices.Controllers[i].Type == kind {
				return true
			}
		}
		return false
	}
	machine := d.OS.Type.Machine
	if !has("usb") && isX86(d) && machine != "isapc" {
		addController(d, xml.Controller{Type: "usb", Index: ptr(uint(0))})
	}
	if IsQ35(d) && findController(d, "sata", 0) == nil {
		addController(d, xml.Controller{Type: "sata", Index: ptr(uint(0))})
	}
	if findController(d, "pci", 0) == nil {
		switch {
		case hasPCIERoot(d):
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(0)), Model: "pcie-root"})
		case IsI440FX(d), isPSeries(d):
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(0)), Model: "pci-root"})
		}
	}
}

// qemuControllers completes models and checks the root.
func qemuControllers(d *xml.Domain, q *QEMU) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		switch c.Type {
		case "scsi":
			setDefault(&c.Model, defaultSCSI(d))
		case "usb":
			if c.Model == "" {
				c.Model = defaultUSB(d)
			}
		}
		if c.Type == "pci" && *c.Index == 0 {
			want := ""
			switch {
			case IsI440FX(d), isPSeries(d):
				want = "pci-root"
			case hasPCIERoot(d):
				want = "pcie-root"
			}
			setDefault(&c.Model, want)
			if want != "" && c.Model != want {
				return xml.Errorf(xml.CodeXML, "The PCI controller with index='0' must be model='%s' for this machine type, but model='%s' was found instead", want, c.Model)
			}
		}
	}
	return nil
}

func defaultSCSI(d *xml.Domain) string {
	switch {
	case isPSeries(d):
		return "ibmvscsi"
	case isX86(d):
		return "lsilogic"
	}
	return "virtio-scsi"
}

func defaultUSB(d *xml.Domain) string {
	switch {
	case IsQ35(d):
		return "qemu-xhci"
	case isX86(d):
		return "piix3-uhci"
	}
	return "qemu-xhci"
}

// qemuLate completes what controllers that were just added lack.
func qemuLate(d *xml.Domain) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type == "scsi" {
			setDefault(&c.Model, defaultSCSI(d))
		}
	}
	firmware(d)
	return nil
}

func firmware(d *xml.Domain) {
	l := d.OS.Loader
	if l == nil || l.Path == "" {
		return
	}
	setDefault(&l.Format, "raw")
	if n := d.OS.NVRAM; n != nil {
		setDefault(&n.Format, "raw")
	}
}

func qemuDisk(d *xml.Domain, v *xml.Disk) {
	if v.Driver == nil {
		v.Driver = &xml.DiskDriver{}
	}
	setDefault(&v.Driver.Name, "qemu")
	if v.Type != "volume" {
		setDefault(&v.Driver.Type, "raw")
	}
	for _, s := range diskSources(v) {
		if s.Encryption != nil {
			setDefault(&s.Encryption.Engine, "qemu")
		}
	}
	if v.Encryption != nil {
		setDefault(&v.Encryption.Engine, "qemu")
	}
}

func qemuInterface(d *xml.Domain, v *xml.Interface) {
	if v.Type == "hostdev" {
		return
	}
	if v.Model == nil {
		v.Model = &xml.InterfaceModel{}
	}
	if v.Model.Type == "" {
		switch {
		case v.Type == "vhostuser", v.Type == "vdpa", !isX86(d):
			v.Model.Type = "virtio"
		default:
			v.Model.Type = "rtl8139"
		}
	}
}

// qemuCPU names the CPU model.
func qemuCPU(d *xml.Domain) {
	if d.CPU == nil {
		d.CPU = &xml.CPU{}
	}
	c := d.CPU
	if c.Topology != nil {
		for _, n := range []*uint32{&c.Topology.Dies, &c.Topology.Clusters} {
			if *n == 0 {
				*n = 1
			}
		}
	}
	if (c.Mode == "" || c.Mode == "custom") && c.Model == "" {
		c.Mode, c.Match, c.Model, c.Fallback = "custom", "exact", defaultCPU(d), "forbid"
		setDefault(&c.Check, "none")
		return
	}
	setDefault(&c.Mode, "custom")
	switch c.Mode {
	case "custom":
		setDefault(&c.Match, "exact")
		setDefault(&c.Fallback, "allow")
		if d.Type == "kvm" {
			setDefault(&c.Check, "partial")
		}
		setDefault(&c.Check, "none")
	case "host-model":
		setDefault(&c.Check, "partial")
	case "host-passthrough", "maximum":
		setDefault(&c.Check, "none")
		setDefault(&c.Migratable, "on")
	}
}

func defaultCPU(d *xml.Domain) string {
	switch {
	case d.OS.Type.Machine == "isapc":
		return "486"
	case d.OS.Type.Arch == "i686":
		return "qemu32"
	case d.OS.Type.Arch == "x86_64":
		return "qemu64"
	case strings.HasPrefix(d.OS.Type.Arch, "ppc64"):
		return "POWER10"
	}
	return ""
}
