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
	case v.Type == "ide" && IsI440FX(d) && *v.Index > 0:
		return unsupported("Only a single IDE controller is supported for this machine type")
	case v.Type == "sata" && !c.has("ich9-ahci"):
		return unsupported("SATA is not supported with this QEMU binary")
	case v.Type == "scsi" && v.Model == "buslogic":
		return unsupported("Unsupported controller model: buslogic")
	case v.Model == "pcie-expander-bus" && !IsQ35(d) && !isARMVirt(d):
		return unsupported("pcie-expander-bus controllers are not supported with this machine type")
	}
	if err := controllerDriver(c, v); err != nil {
		return err
	}
	if v.Type == "usb" && v.Ports != nil && *v.Ports > 15 {
		return unsupported("'%s' controller only supports up to '15' ports", v.Model)
	}
	if v.Type == "pci" && (v.Model == "pci-root" || v.Model == "pcie-root") && *v.Index > 0 && !isPSeries(d) {
		return xml.Errorf(xml.CodeXML, "pci-root and pcie-root controllers should have index 0")
	}
	if v.Target != nil && v.Target.Node != nil && (v.Model == "pci-expander-bus" || v.Model == "pcie-expander-bus") {
		cells := 0
		if d.CPU.NUMA != nil {
			cells = len(d.CPU.NUMA.Cells)
		}
		if int(*v.Target.Node) >= cells {
			return xml.Errorf(xml.CodeXML, "%s with index %d is configured for a NUMA node (%d) not present in the domain's <cpu><numa> array (%d)",
				v.Model, *v.Index, *v.Target.Node, cells)
		}
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
	case !virtio && len(dr.IOThreads) > 0:
		return unsupported("iothreads are supported only by 'virtio-scsi' controllers")
	case virtio:
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
