package domain

import (
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// complete runs the steps in the order in which their errors win.
func complete(d *xml.Domain, t *Traits) error {
	steps := []func(*xml.Domain, *Traits) error{
		checkRead,
		insertDevices,
		chooseEmulator,
		postParse,
		validate,
	}
	for _, s := range steps {
		if err := s(d, t); err != nil {
			return err
		}
	}
	return nil
}

// postParse adds what is not written.
func postParse(d *xml.Domain, t *Traits) error {
	steps := []func(*xml.Domain, *Traits) error{
		selectFirmware,
		basics,
		early,
		vcpuStates,
		consoles,
		defaultDevices,
		devices,
		assignDrives,
		eachController,
		checkInit,
		memory,
		controllers,
		boot,
		checkTimerKinds,
		checkPanicModels,
		lateDefaults,
		assignAddresses,
	}
	for _, s := range steps {
		if err := s(d, t); err != nil {
			return err
		}
	}
	return nil
}

// checkInit wants a container to have a first program.
func checkInit(d *xml.Domain, _ *Traits) error {
	if d.OS.Type.Text == "exe" && d.OS.Init == "" {
		return xml.Errorf(xml.CodeXML, "init binary must be specified")
	}
	return nil
}

// basics fills in what stands outside of the devices.
func basics(d *xml.Domain, t *Traits) error {
	if d.UUID == "" {
		d.UUID = drivers.NewUUID()
	}
	if d.GenID != nil && *d.GenID == "" {
		*d.GenID = xml.GenID(drivers.NewUUID())
	}
	if d.VCPU == nil {
		d.VCPU = &xml.VCPU{}
	}
	if d.VCPU.Count == 0 {
		d.VCPU.Count = 1
	}
	if len(d.VCPUs) > 0 {
		d.VCPU.Current = 0
		for _, v := range d.VCPUs {
			if v.Enabled == "yes" {
				d.VCPU.Current++
			}
		}
	}
	if d.VCPU.Current == d.VCPU.Count {
		d.VCPU.Current = 0
	}
	setDefault(&d.VCPU.Placement, "static")
	pinned := false
	if c := d.CPUTune; c != nil {
		pinned = len(c.VCPUPins)+len(c.IOThreadPins) > 0 || c.EmulatorPin != nil
	}
	if !pinned && d.VCPU.CPUSet == "" && d.NUMATune != nil && d.NUMATune.Memory != nil && d.NUMATune.Memory.Placement == "auto" {
		d.VCPU.Placement = "auto"
	}
	if d.VCPU.Placement == "auto" {
		d.VCPU.CPUSet = ""
	}
	setDefault(&d.OnPoweroff, "destroy")
	setDefault(&d.OnReboot, "restart")
	setDefault(&d.OnCrash, "destroy")
	if m := d.MaxMemory; m != nil && m.KiB == 0 && m.Slots == 0 {
		d.MaxMemory = nil
	}
	clock(d)
	onlyNode(d)
	iothreads(d)
	features(d)
	seclabels(d, t)
	numatune(d)
	cputune(d)
	memtune(d)
	osDefaults(d, t)
	foreignCommandlines(d, t)
	if t.QEMU == nil {
		d.QEMU, d.QEMUCommandline, d.QEMUCapabilities, d.QEMUOverride, d.QEMUDeprecation = "", nil, nil, nil, nil
	}
	return nil
}

// onlyNode drops the number of the only node from huge pages where the guest has
// none, since it means all of its memory.
func onlyNode(d *xml.Domain) {
	if d.Backing == nil || d.Backing.HugePages == nil || d.CPU != nil && d.CPU.NUMA != nil && len(d.CPU.NUMA.Cells) > 0 {
		return
	}
	for i := range d.Backing.HugePages.Pages {
		if p := &d.Backing.HugePages.Pages[i]; p.NodeSet == "0" {
			p.NodeSet = ""
		}
	}
}

// early refuses what QEMU does before anything is added for it.
func early(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return otherEarly(d, t)
	}
	if err := checkPCIRoot(d); err != nil {
		return err
	}
	if err := checkVCPUStates(d); err != nil {
		return err
	}
	if err := checkShmemServers(d); err != nil {
		return err
	}
	return checkTSEG(d)
}

// setDefault sets a word that is not given.
func setDefault[T ~string](to *T, value T) {
	if *to == "" {
		*to = value
	}
}

func ptr[T any](v T) *T { return &v }

func clock(d *xml.Domain) {
	if d.Clock == nil {
		d.Clock = &xml.Clock{}
	}
	c := d.Clock
	setDefault(&c.Offset, "utc")
	switch c.Offset {
	case "utc", "localtime":
		if c.Adjustment != "" && c.Adjustment != "reset" {
			if c.Offset == "localtime" {
				c.Basis = "localtime"
			} else {
				c.Basis = "utc"
			}
			c.Offset = "variable"
		}
		if c.Offset != "variable" {
			c.Basis = ""
		}
		c.Timezone, c.Start = "", nil
	case "variable":
		setDefault(&c.Adjustment, "0")
		setDefault(&c.Basis, "utc")
		c.Timezone, c.Start = "", nil
	case "timezone":
		c.Adjustment, c.Basis, c.Start = "", "", nil
	case "absolute":
		c.Adjustment, c.Basis, c.Timezone = "", "", ""
	}
}

// iothreads makes the count and the list agree.
func iothreads(d *xml.Domain) {
	if len(d.IOThreadIDs) == 0 {
		return
	}
	seen := map[uint]bool{}
	for _, t := range d.IOThreadIDs {
		seen[t.ID] = true
	}
	for id := uint(1); len(d.IOThreadIDs) < int(d.IOThreads); id++ {
		if !seen[id] {
			d.IOThreadIDs = append(d.IOThreadIDs, xml.IOThread{ID: id})
		}
	}
	d.IOThreads = uint(len(d.IOThreadIDs))
}

// features drops an element in which nothing is left and completes switches.
func features(d *xml.Domain) {
	f := d.Features
	if f == nil {
		return
	}
	for _, s := range []*xml.State{f.PMU, f.VMPort, f.HAP, f.VMCoreInfo, f.PVSpinlock, f.HTM, f.NestedHV, f.CCFAssist, f.RAS, f.PS2} {
		if s != nil {
			setDefault(&s.State, "on")
		}
	}
	if f.SMM != nil {
		setDefault(&f.SMM.State, "on")
	}
	if f.Capabilities != nil && len(f.Capabilities.Caps) == 0 && f.Capabilities.Policy == "default" {
		f.Capabilities = nil
	}
	if h := f.HyperV; h != nil {
		setDefault(&h.Mode, "custom")
	}
	if f.TCG != nil && f.TCG.TBCache == 0 {
		f.TCG = nil
	}
	if f.SMM != nil && f.SMM.State == "off" {
		f.SMM.TSEG = nil
	}
	if f.AsyncTeardown != nil {
		setDefault(&f.AsyncTeardown.Enabled, "yes")
	}
	if f.SMM != nil && f.SMM.TSEG != nil {
		setDefault(&f.SMM.TSEG.Unit, "MiB")
	}
	if f.HPT != nil && *f.HPT == (xml.HPT{}) {
		f.HPT = nil
	}
	if *f == (xml.Features{}) {
		d.Features = nil
	}
}

// seclabels completes the labels.
func seclabels(d *xml.Domain, t *Traits) {
	d.SecLabels = slices.DeleteFunc(d.SecLabels, func(s xml.SecLabel) bool { return s.Type == "" })
	for i := range d.SecLabels {
		s := &d.SecLabels[i]
		s.ImageLabel = ""
		if t.QEMU != nil && s.Type == "dynamic" && (s.Model == "" || s.Model == "none") {
			s.Type = "none"
		}
		if s.Type == "none" {
			if t.QEMU != nil {
				setDefault(&s.Model, "none")
			}
			s.Relabel = ""
		}
		if s.Type == "static" {
			setDefault(&s.Relabel, "no")
		}
		if s.Type == "dynamic" {
			setDefault(&s.Relabel, "yes")
		}
	}
}

// numatune follows the placement of the virtual CPUs.
func numatune(d *xml.Domain) {
	n := d.NUMATune
	if n == nil {
		if d.VCPU.Placement == "auto" {
			d.NUMATune = &xml.NUMATune{Memory: &xml.NUMAMemory{Mode: "strict", Placement: "auto"}}
		}
		return
	}
	if m := n.Memory; m != nil {
		setDefault(&m.Mode, "strict")
		if m.Placement == "static" {
			m.Placement = ""
		}
		if m.NodeSet == "" && m.Placement == "" && d.VCPU.Placement == "auto" {
			m.Placement = "auto"
		}
		if m.Placement == "auto" {
			m.NodeSet = ""
		}
	}
	for i := range n.MemNodes {
		setDefault(&n.MemNodes[i].Mode, "strict")
	}
}

// boot adds the first hard disk to an empty order.
func boot(d *xml.Domain, t *Traits) error {
	if d.OS.Type.Text != "hvm" {
		return nil
	}
	orders, err := bootOrders(d)
	if err != nil || d.Bootloader != "" {
		return err
	}
	if len(d.OS.Boot) == 0 && orders == 0 && !t.NoBootOrder {
		d.OS.Boot = []xml.Boot{{Dev: "hd"}}
	}
	return nil
}

// bootOrders counts the devices with a place of their own and refuses a place
// that two have.
func bootOrders(d *xml.Domain) (int, error) {
	seen := map[uint]bool{}
	var err error
	eachDevice(d, func(v deviceView) {
		if v.boot == nil || *v.boot == nil || err != nil {
			return
		}
		o := (*v.boot).Order
		if seen[o] {
			err = xml.Errorf(xml.CodeConfigUnsupported, "boot order '%d' used for more than one device", o)
		}
		seen[o] = true
	})
	if err == nil && len(seen) > 0 && len(d.OS.Boot) > 0 {
		err = xml.Errorf(xml.CodeConfigUnsupported, "per-device boot elements cannot be used together with os/boot elements")
	}
	return len(seen), err
}
