package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// ideBoards are the machines beside PCs that have an IDE controller.
var ideBoards = []string{"g3beige", "malta", "sun4u"}

// checkQEMUController checks what QEMU does not take.
func checkQEMUController(c *deviceCheck, v *xml.Controller) error {
	d := c.d
	switch {
	case v.Type == "ide" && (isX86(d) && !IsI440FX(d) && d.OS.Type.Machine != "isapc" || !isX86(d) && !slices.Contains(ideBoards, d.OS.Type.Machine)):
		return unsupported("IDE controllers are unsupported for this QEMU binary or machine type")
	case v.Type == "ide" && *v.Index > 0 && (IsI440FX(d) || !isX86(d)):
		return unsupported("Only a single IDE controller is supported for this machine type")
	case v.Type == "sata" && !c.has("ich9-ahci"):
		return unsupported("SATA is not supported with this QEMU binary")
	case v.Type == "scsi" && v.Model == "buslogic":
		return unsupported("Unsupported controller model: buslogic")
	}
	if err := controllerDriver(c, v); err != nil {
		return err
	}
	if v.Type == "scsi" {
		return scsiController(c, v)
	}
	if v.Type == "pci" {
		return pciOptions(c, v)
	}
	return nil
}

// scsiDevices are QEMU's devices for models of SCSI controllers, and what is said
// where they are missing.
var scsiDevices = []struct{ model, device, lacks string }{
	{"lsilogic", "lsi53c895a", "This QEMU doesn't support the LSI 53C895A SCSI controller"},
	{"lsisas1068", "mptsas1068", "This QEMU doesn't support the LSI SAS1068 (MPT Fusion) controller"},
	{"lsisas1078", "megasas", "This QEMU doesn't support the LSI SAS1078 (MegaRAID) controller"},
	{"vmpvscsi", "pvscsi", "This QEMU doesn't support the pvscsi (VMware paravirtual SCSI) controller"},
}

// scsiController refuses models that the emulator or the board does not have.
func scsiController(c *deviceCheck, v *xml.Controller) error {
	if v.Model == "ncr53c90" {
		if *v.Index != 0 {
			return unsupported("ncr53c90 can only be used as first SCSI controller")
		}
		if c.d.OS.Type.Arch != "sparc" && !(c.d.OS.Type.Arch == "m68k" && c.d.OS.Type.Machine == "q800") {
			return unsupported("ncr53c90 SCSI controller is not a built-in for this machine")
		}
	}
	for _, s := range scsiDevices {
		if v.Model == s.model && !isX86(c.d) && !c.has(s.device) {
			return unsupported("%s", s.lacks)
		}
	}
	return nil
}

// checkController checks the numbers of PCI controllers.
func checkController(_ *deviceCheck, v *xml.Controller) error {
	if err := controllerThreads(v); err != nil || v.Type != "pci" {
		return err
	}
	if *v.Index > 255 {
		return unsupported("PCI controller index %d too high, maximum is 255", *v.Index)
	}
	if (v.Model == "pci-root" || v.Model == "pcie-root") && v.Address != nil {
		return unsupported("pci-root and pcie-root controllers should not have an address")
	}
	t := v.Target
	if t == nil {
		return nil
	}
	for _, n := range []struct {
		name        string
		value       *uint
		least, most uint
	}{{"target index", t.Index, 0, 30}, {"chassisNr", t.ChassisNr, 1, 255}, {"chassis", t.Chassis, 0, 255}, {"port", t.Port, 0, 255}, {"busNr", t.BusNr, 1, 254}} {
		if n.value == nil {
			continue
		}
		if *n.value < n.least || *n.value > n.most {
			return unsupported("PCI controller %s '%d' out of range - must be %d-%d", n.name, *n.value, n.least, n.most)
		}
		if n.value == t.Index && (*n.value == 0) != (*v.Index == 0) {
			return unsupported("Only the PCI controller with index 0 can have target index 0, and vice versa")
		}
	}
	if t.Node != nil && *v.Index == 0 {
		return unsupported("The PCI controller with index=0 can't be associated with a NUMA node")
	}
	return nil
}

// checkExpander wants the machine that an expander is for, and the guest's node
// that a controller is near to.
func checkExpander(d *xml.Domain, v *xml.Controller) error {
	switch {
	case v.Model == "pci-expander-bus" && !IsI440FX(d):
		return unsupported("pci-expander-bus controllers are only supported on 440fx-based machinetypes")
	case v.Model == "pcie-expander-bus" && !IsQ35(d) && !isARMVirt(d):
		return unsupported("pcie-expander-bus controllers are not supported with this machine type")
	}
	if v.Target == nil || v.Target.Node == nil {
		return nil
	}
	cells := 0
	if d.CPU != nil && d.CPU.NUMA != nil {
		cells = len(d.CPU.NUMA.Cells)
	}
	if int(*v.Target.Node) >= cells {
		model := v.Model
		setDefault(&model, "(null)")
		return xml.Errorf(xml.CodeXML, "%s with index %d is configured for a NUMA node (%d) not present in the domain's <cpu><numa> array (%d)",
			model, *v.Index, *v.Target.Node, cells)
	}
	return nil
}

// pciOptions refuses the options that a model of PCI controller does not have,
// and devices behind it that are of another model.
func pciOptions(c *deviceCheck, v *xml.Controller) error {
	d := c.d
	name := "none"
	if v.ModelName != nil {
		setDefault(&v.ModelName.Name, "none")
		name = v.ModelName.Name
	}
	refuse := func(option, why string) error {
		return unsupported("Option '%s' %s for PCI controller with index '%d', model '%s' and modelName '%s'", option, why, *v.Index, v.Model, name)
	}
	const foreign = "is not valid"
	want := kindOf(v.Model).name
	switch {
	case v.Model == "pci-root" && isPSeries(d):
		want = "spapr-pci-host-bridge"
	case v.Model == "pcie-root-port" && name == "ioh3420":
		want = name
	}
	switch {
	case want != "" && name == "none":
		return xml.Errorf(xml.CodeInternal, "Required option 'modelName' is not set for PCI controller with index '%d', model '%s' and modelName '%s'", *v.Index, v.Model, name)
	case want == "" && name != "none":
		return refuse("modelName", foreign)
	case want != "" && name != want:
		return refuse("modelName", "has invalid value")
	}
	t := v.Target
	if t == nil {
		t = &xml.ControllerTarget{}
	}
	if want != "" && v.Model != "pci-root" && !c.has(want) {
		return unsupported("The '%s' device is not supported by this QEMU binary", want)
	}
	expander := v.Model == "pci-expander-bus" || v.Model == "pcie-expander-bus"
	port := v.Model == "pcie-root-port" || v.Model == "pcie-switch-downstream-port"
	power := v.Model == "pci-root" && isPSeries(d)
	for _, o := range []struct {
		name      string
		given, of bool
	}{
		{"targetIndex", t.Index != nil, power},
		{"busNr", t.BusNr != nil, expander},
		{"numaNode", t.Node != nil, expander || power},
		{"chassisNr", t.ChassisNr != nil, v.Model == "pci-bridge"},
		{"chassis", t.Chassis != nil, port},
		{"port", t.Port != nil, port},
		{"hotplug", t.Hotplug != "", port || v.Model == "pci-root"},
		{"memReserve", t.MemReserve != nil, v.Model == "pcie-root-port" || v.Model == "pci-bridge"},
	} {
		if o.given && !o.of {
			return refuse(o.name, foreign)
		}
	}
	if v.PCIHole64 != nil && !IsI440FX(d) && !IsQ35(d) {
		return unsupported("Setting the 64-bit PCI hole size is not supported for machine '%s'", d.OS.Type.Machine)
	}
	if t.Hotplug != "" && v.Model == "pci-root" && !c.has("PIIX4_PM") {
		return unsupported("setting the 'hotplug' property on a 'pci-root' device is not supported by this QEMU binary")
	}
	return nil
}

// controllerThreads lets virtio's SCSI controllers have threads, named in one way.
func controllerThreads(v *xml.Controller) error {
	dr := v.Driver
	switch {
	case dr == nil || len(dr.IOThreads) == 0:
		return nil
	case dr.IOThread > 0:
		return xml.Errorf(xml.CodeXML, "controller driver 'iothread' attribute can't be used together with 'iothreads' subelement")
	case v.Type != "scsi" || !strings.HasPrefix(v.Model, "virtio"):
		return unsupported("iothreads are supported only by 'virtio-scsi' controllers")
	}
	return nil
}

// controllerDriver refuses what only virtio's SCSI controllers have.
func controllerDriver(c *deviceCheck, v *xml.Controller) error {
	dr := v.Driver
	if dr == nil {
		return nil
	}
	virtio := v.Type == "scsi" && strings.HasPrefix(v.Model, "virtio")
	switch {
	case virtio && dr.IOThread > 0 && !hasIOThread(c.d, dr.IOThread):
		return unsupported("controller iothread '%d' not defined in iothreadid", dr.IOThread)
	case virtio:
		return checkThreadMap(c.d, dr.IOThreads, dr.Queues)
	case dr.Queues > 0:
		return unsupported("'queues' is only supported by virtio-scsi controller")
	case dr.CmdPerLUN > 0:
		return unsupported("'cmd_per_lun' is only supported by virtio-scsi controller")
	case dr.MaxSectors > 0:
		return unsupported("'max_sectors' is only supported by virtio-scsi controller")
	case dr.IOEventFD != "":
		return unsupported("'ioeventfd' is only supported by virtio-scsi controller")
	}
	return nil
}
