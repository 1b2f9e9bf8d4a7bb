package domain

import (
	"strings"

	"virgo/xml"
)

// chooseEmulator settles architecture, emulator and machine.
func chooseEmulator(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		otherMachine(d, t)
		return nil
	}
	setDefault(&d.OS.Type.Arch, t.QEMU.HostArch)
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	setDefault(&d.Devices.Emulator, e.Path)
	if d.OS.Type.Machine == "" && (d.Type == "hvf" || d.Type == "kvm" && !e.Native) {
		return xml.Errorf(xml.CodeInvalidArg, "could not get preferred machine for %s type=%s", e.Path, d.Type)
	}
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
	if err := checkNumbers(d); err != nil {
		return err
	}
	if err := hostdevsEarly(d); err != nil {
		return err
	}
	e, err := q.find(d)
	if err != nil {
		return err
	}
	implicitControllers(d, e)
	if isX86(d) && d.OS.Type.Machine != "microvm" && !(d.Features != nil && d.Features.PS2 != nil && d.Features.PS2.State == "off") {
		addInput(d, "mouse")
		addInput(d, "keyboard")
	}
	if IsQ35(d) {
		found, action := false, ""
		for i := range dev.Watchdogs {
			found = found || dev.Watchdogs[i].Model == "itco"
			setDefault(&action, dev.Watchdogs[i].Action)
		}
		if !found {
			dev.Watchdogs = append(dev.Watchdogs, xml.Watchdog{Model: "itco", Action: action})
		}
	}
	if dev.Memballoon == nil && (isX86(d) || isS390(d) || hasPCIRoot(d) && !isARM(d) || isRISCV(d) || strings.HasPrefix(d.OS.Type.Arch, "mips")) {
		dev.Memballoon = &xml.Memballoon{Model: "virtio"}
	}
	addAudio(dev)
	archDevices(d)
	return nil
}

func addInput(d *xml.Domain, kind string) {
	for i := range d.Devices.Inputs {
		if in := &d.Devices.Inputs[i]; in.Type == kind && in.Bus == "ps2" {
			return
		}
	}
	d.Devices.Inputs = append(d.Devices.Inputs, xml.Input{Type: kind, Bus: "ps2"})
}

// addAudio adds the silent backend, unless the display brings its own: the last one that
// is neither headless nor on D-Bus, which are beside another.
func addAudio(dev *xml.Devices) {
	if len(dev.Audios) > 0 {
		return
	}
	silent := len(dev.Graphics) == 0
	for i := range dev.Graphics {
		if kind := dev.Graphics[i].Type; kind != "egl-headless" && kind != "dbus" {
			silent = kind != "sdl"
		}
	}
	if !silent {
		return
	}
	dev.Audios = []xml.Audio{{ID: 1, Type: "none"}}
}

// implicitControllers adds those that the machine itself brings along.
func implicitControllers(d *xml.Domain, e *Emulator) {
	if model := implicitUSB(d); model != "" && d.OS.Type.Machine != "isapc" && findController(d, "usb", 0) == nil {
		addController(d, xml.Controller{Type: "usb", Index: ptr(uint(0)), Model: model})
	}
	if IsQ35(d) && findController(d, "sata", 0) == nil {
		addController(d, xml.Controller{Type: "sata", Index: ptr(uint(0))})
	}
	if findController(d, "pci", 0) == nil {
		switch {
		case hasPCIERoot(d):
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(0)), Model: "pcie-root"})
		case IsI440FX(d), isPSeries(d), isS390(d) && e.has("zpci"), hasPCIRoot(d):
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(0)), Model: "pci-root"})
		}
	}
}

// checkPCIRoot wants the first PCI controller to be the machine's, and roots to
// be first ones, except where there can be several.
func checkPCIRoot(d *xml.Domain) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if (c.Model == "pci-root" || c.Model == "pcie-root") && c.Type == "pci" && *c.Index > 0 && !isPSeries(d) {
			return xml.Errorf(xml.CodeXML, "pci-root and pcie-root controllers should have index 0")
		}
		if c.Type == "pci" && *c.Index == 0 && c == findController(d, "pci", 0) { // a second one is told later
			want := ""
			switch {
			case IsI440FX(d), isPSeries(d), isS390(d), hasPCIRoot(d):
				want = "pci-root"
			case hasPCIERoot(d):
				want = "pcie-root"
			}
			if want != "" && c.Model != want {
				setDefault(&c.Model, "(null)")
				return xml.Errorf(xml.CodeXML, "The PCI controller with index='0' must be model='%s' for this machine type, but model='%s' was found instead", want, c.Model)
			}
		}
	}
	return nil
}

// eachController completes models, and refuses first of each what no driver takes,
// then what QEMU does not.
func eachController(d *xml.Domain, t *Traits) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if dr := c.Driver; dr != nil && dr.IOThread > 0 && (c.Type != "scsi" || !strings.HasPrefix(c.Model, "virtio")) {
			return xml.Errorf(xml.CodeXML, "'iothread' attribute only supported for virtio scsi controllers")
		}
		if t.QEMU == nil {
			continue
		}
		if err := qemuController(d, c, t.QEMU); err != nil {
			return err
		}
	}
	return nil
}

// qemuController completes a model and checks what expanders need.
func qemuController(d *xml.Domain, c *xml.Controller, q *QEMU) error {
	switch c.Type {
	case "scsi":
		if c.Model == "auto" {
			c.Model = ""
		}
		if err := scsiModel(d, c, q); err != nil {
			return err
		}
	case "usb":
		if c.Model == "" {
			c.Model = defaultUSB(d, c, q)
		}
		if strings.HasSuffix(c.Model, "-xhci") && c.Ports != nil && *c.Ports > 15 {
			return unsupported("'%s' controller only supports up to '15' ports", c.Model)
		}
		if c.Model == "qusb1" || c.Model == "qusb2" {
			return unsupported("USB controller model type 'qusb1' or 'qusb2' is not supported in %s", d.Type)
		}
	}
	return checkExpander(d, c)
}

// defaultSCSI is the model of a SCSI controller that has none; "" where the
// emulator has none that fits.
func defaultSCSI(d *xml.Domain, e *Emulator) string {
	switch {
	case isPSeries(d):
		return "ibmvscsi"
	case isS390(d), isLoongArch(d):
		return "virtio-scsi"
	case d.OS.Type.Arch == "sparc":
		return "ncr53c90"
	case e.has("lsi53c895a"):
		return "lsilogic"
	case e.has("virtio-scsi-pci"), e.has("virtio-scsi-device"):
		return "virtio-scsi"
	}
	return ""
}

// scsiModel settles the model of a SCSI controller.
func scsiModel(d *xml.Domain, c *xml.Controller, q *QEMU) error {
	if c.Model != "" {
		return nil
	}
	e, err := q.find(d)
	if err != nil {
		return err
	}
	if c.Model = defaultSCSI(d, e); c.Model == "" {
		return xml.Errorf(xml.CodeInternal, "Unable to determine model for SCSI controller idx=%d", *c.Index)
	}
	return nil
}

func defaultUSB(d *xml.Domain, c *xml.Controller, q *QEMU) string {
	switch {
	case isX86(d):
		return "piix3-uhci"
	case isS390(d):
		if c.Address != nil {
			return ""
		}
		return "none"
	case d.OS.Type.Arch == "aarch64", isLoongArch(d):
		return "qemu-xhci"
	case isARM(d), isRISCV(d):
		return "piix3-uhci"
	}
	if m := implicitUSB(d); m != "" {
		return m
	}
	if e, err := q.find(d); err == nil && e.has("piix3-usb-uhci") {
		return "piix3-uhci"
	}
	return ""
}

// qemuLate completes what controllers that were just added lack.
func qemuLate(d *xml.Domain, q *QEMU) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type == "scsi" {
			if err := scsiModel(d, c, q); err != nil {
				return err
			}
		}
	}
	for i := range d.Devices.Shmems {
		s := &d.Devices.Shmems[i]
		if s.Server != nil && s.Model != nil && s.Model.Type == "ivshmem-doorbell" {
			if s.MSI == nil {
				s.MSI = &xml.ShmemMSI{}
			}
			setDefault(&s.MSI.IOEventFD, "on")
		}
		if s.Size == nil && s.Model != nil && s.Model.Type == "ivshmem-plain" {
			s.Size = ptr(xml.MiB(4 << 20))
		}
	}
	largeAPIC(d)
	return spaprAddresses(d)
}

// largeAPIC gives guests with many CPUs what Intel's IOMMU needs for them, and
// its interrupts the APIC that they need.
func largeAPIC(d *xml.Domain) {
	large := IsQ35(d) && d.VCPU.Count > 255
	if large && d.Devices.IOMMU == nil {
		d.Devices.IOMMU = &xml.IOMMU{Model: "intel"}
	}
	v := d.Devices.IOMMU
	if v == nil || v.Model != "intel" {
		return
	}
	if large {
		if v.Driver == nil {
			v.Driver = &xml.IOMMUDriver{}
		}
		setDefault(&v.Driver.IntRemap, "on")
		setDefault(&v.Driver.EIM, "on")
	}
	if v.Driver == nil || v.Driver.IntRemap != "on" {
		return
	}
	if d.Features == nil {
		d.Features = &xml.Features{}
	}
	if d.Features.IOAPIC == nil {
		d.Features.IOAPIC = &xml.IOAPIC{}
	}
	setDefault(&d.Features.IOAPIC.Driver, "qemu")
}

// qemuNUMA gives CPUs that no cell has to the first one.
func qemuNUMA(d *xml.Domain) {
	if d.CPU == nil || d.CPU.NUMA == nil || len(d.CPU.NUMA.Cells) == 0 {
		return
	}
	first, _ := xml.ParseSet(d.CPU.NUMA.Cells[0].CPUs)
	seen := xml.Set{}
	for i := range d.CPU.NUMA.Cells {
		s, _ := xml.ParseSet(d.CPU.NUMA.Cells[i].CPUs)
		for j := 0; j <= s.Last(); j++ {
			if s.Has(j) {
				seen.Add(j)
			}
		}
	}
	for i := 0; i < int(d.VCPU.Count); i++ {
		if !seen.Has(i) {
			first.Add(i)
		}
	}
	d.CPU.NUMA.Cells[0].CPUs = first.String()
}

// builtInFirmwares are the pairs that are known without a descriptor.
var builtInFirmwares = []Firmware{
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
	{"/usr/share/AAVMF/AAVMF32_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
}

func firmware(d *xml.Domain, q *QEMU) {
	l := d.OS.Loader
	if l == nil || l.Path == "" {
		return
	}
	if l.Type != "pflash" {
		return
	}
	setDefault(&l.Format, "raw")
	if l.Stateless == "yes" {
		return
	}
	var known *Firmware
	for _, f := range append(q.Firmwares, builtInFirmwares...) {
		if f.Code == l.Path && l.Format == "raw" && l.Readonly != "no" {
			known = &f
			break
		}
	}
	if known != nil {
		l.Readonly = "yes"
	}
	if l.Readonly != "yes" {
		return
	}
	if d.OS.NVRAM == nil {
		d.OS.NVRAM = &xml.NVRAMFile{}
	}
	n := d.OS.NVRAM
	setDefault(&n.Format, l.Format)
	if known != nil {
		setDefault(&n.Template, known.Vars)
		n.TemplateFormat, n.Format = "raw", "raw"
	}
	if n.Path == "" && n.Source == nil {
		n.Path = q.NVRAMDir + "/" + d.Name + "_VARS." + strings.Replace(n.Format, "raw", "fd", 1)
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
	for _, im := range imagesOf(v) {
		for _, e := range im.crypts {
			setDefault(&e.Engine, "qemu")
		}
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
		case v.Type == "vhostuser", v.Type == "vdpa", madeUp(d):
			v.Model.Type = "virtio"
		case isARM(d) && d.OS.Type.Machine == "versatilepb":
			v.Model.Type = "scm91c111"
		case isARM(d):
			v.Model.Type = "lan9118"
		default:
			v.Model.Type = "rtl8139"
		}
	}
}

// qemuCPU names the CPU model.
func qemuCPU(d *xml.Domain, e *Emulator) {
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
		model := e.defaultCPU(d)
		if model == "" {
			if c.Topology == nil && c.NUMA == nil && len(c.Features) == 0 {
				d.CPU = nil
			}
			return
		}
		c.Mode, c.Match, c.Model, c.Fallback, c.Check = "custom", "exact", model, "forbid", "none"
		return
	}
	setDefault(&c.Mode, "custom")
	vectors(c)
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
	case "maximum":
		setDefault(&c.Check, "none")
	case "host-passthrough":
		setDefault(&c.Check, "none")
		if e.Arch == "x86_64" {
			setDefault(&c.Migratable, "on")
		}
		if isX86(d) {
			setDefault(&c.Migratable, "off")
		}
	}
}

// vectors adds ARM's vector extension where one of its lengths is named, as the
// peer does on all machines.
func vectors(c *xml.CPU) {
	named := false
	for _, f := range c.Features {
		if f.Name == "sve" {
			return
		}
		named = named || isVectorLength(f.Name)
	}
	if named {
		c.Features = append(c.Features, xml.CPUFeature{Name: "sve", Policy: "require"})
	}
}

func isVectorLength(feature string) bool {
	rest, ok := strings.CutPrefix(feature, "sve")
	return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}

// defaultCPU is the model of a guest that names none.
func (e *Emulator) defaultCPU(d *xml.Domain) string {
	for _, m := range e.Machines {
		if m.Name == d.OS.Type.Machine && m.DefaultCPU != "" {
			return m.DefaultCPU
		}
	}
	switch {
	case d.OS.Type.Machine == "isapc":
		return "486"
	case e.Arch == "i686":
		return "qemu32"
	case e.Arch == "x86_64":
		return "qemu64"
	}
	return ""
}
