package xml

import (
	"slices"
	"strings"
)

// Controller is a bus of the guest, or what devices are plugged into.
type Controller struct {
	Type      string            `el:"type,attr,wanted,order=1" enum:"ide fdc scsi sata virtio-serial ccid usb pci xenbus isa"`
	Index     *uint             `el:"index,attr,nonneg,order=2"`
	Model     string            `el:"model,attr"`
	Ports     *uint             `el:"ports,attr,nonneg,order=8"`
	Vectors   *uint             `el:"vectors,attr,nonneg,order=9"`
	MaxGrants *uint             `el:"maxGrantFrames,attr,nonneg,order=10"`
	MaxEvents *uint             `el:"maxEventChannels,attr,nonneg,order=11"`
	ModelName *ControllerModel  `el:"model,order=5"`
	Target    *ControllerTarget `el:"target,order=6"`
	Driver    *ControllerDriver `el:"driver,order=3"`
	Alias     *Alias            `el:"alias"`
	Master    *ControllerMaster `el:"master"`
	ACPI      *ACPIIndex        `el:"acpi"`
	Address   *Address          `el:"address,order=4"`
	PCIHole64 *KiB              `el:"pcihole64,order=7"`
}

// ControllerModel is the device behind a kind of PCI controller.
type ControllerModel struct {
	Name string `el:"name,attr" enum:"none pci-bridge i82801b11-bridge ioh3420 x3130-upstream xio3130-downstream pxb pxb-pcie pcie-root-port spapr-pci-host-bridge pcie-pci-bridge"`
}

// ControllerTarget are the numbers of a PCI controller.
type ControllerTarget struct {
	ChassisNr  *uint   `el:"chassisNr,attr,nonneg,anybase,order=1"`
	Chassis    *uint   `el:"chassis,attr,nonneg,anybase,order=2"`
	Port       *uint   `el:"port,attr,nonneg,hex=1,order=3"`
	BusNr      *uint   `el:"busNr,attr,nonneg,anybase,order=4"`
	Index      *uint   `el:"index,attr,nonneg,anybase"`
	Hotplug    OnOff   `el:"hotplug,attr,order=5"`
	MemReserve *uint64 `el:"memReserve,attr"`
	Node       *uint   `el:"node" unknown:"XML error: invalid NUMA node in target"`
}

// ControllerMaster is the first port of a USB companion.
type ControllerMaster struct {
	StartPort uint `el:"startport,attr,empty"`
}

// ControllerDriver are a controller's switches.
type ControllerDriver struct {
	Queues     uint             `el:"queues,attr"`
	CmdPerLUN  uint             `el:"cmd_per_lun,attr"`
	MaxSectors uint             `el:"max_sectors,attr"`
	IOEventFD  OnOff            `el:"ioeventfd,attr"`
	IOThread   uint             `el:"iothread,attr"`
	IOMMU      OnOff            `el:"iommu,attr"`
	ATS        OnOff            `el:"ats,attr"`
	Packed     OnOff            `el:"packed,attr"`
	PagePerVQ  OnOff            `el:"page_per_vq,attr"`
	IOThreads  []DriverIOThread `el:"iothreads>iothread"`
}

// controllerModels are the models of a type of controller.
func controllerModels(kind string) []string {
	switch kind {
	case "pci":
		return strings.Fields("pci-root pcie-root pci-bridge dmi-to-pci-bridge pcie-to-pci-bridge pcie-root-port pcie-switch-upstream-port pcie-switch-downstream-port pci-expander-bus pcie-expander-bus")
	case "scsi":
		return strings.Fields("auto buslogic lsilogic lsisas1068 vmpvscsi ibmvscsi virtio-scsi lsisas1078 virtio-transitional virtio-non-transitional ncr53c90 dc390 am53c974")
	case "usb":
		return strings.Fields("piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 vt82c686b-uhci pci-ohci nec-xhci qusb1 qusb2 qemu-xhci none")
	case "ide":
		return strings.Fields("piix3 piix4 ich6")
	case "virtio-serial":
		return strings.Fields("virtio virtio-transitional virtio-non-transitional")
	}
	return nil
}

// DecodeNode reads the controller. Without a type it is one for IDE. What only
// controllers of other types have is not looked at.
func (c *Controller) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	if kind == "" {
		kind = "ide"
	}
	model, ok := n.Attr("model")
	if ok && slices.Contains(controllerTypes, kind) && !contains(controllerModels(kind), model) {
		return Errorf(CodeConfigUnsupported, "Unknown model type '%s'", model)
	}
	for _, name := range []string{"model", "target"} {
		if countChildren(n, name) > 1 {
			return Errorf(CodeXML, "Multiple <%s> elements in controller definition not allowed", name)
		}
	}
	err := DecodeFields(n.without(func(name string, attr bool) bool { return foreignToController(name, attr, kind, model) }), c)
	if c.Type == "" {
		c.Type = "ide"
	}
	if c.Type != "virtio-serial" && c.Type != "usb" {
		c.Ports = nil // though it must be a number
	}
	return err
}

// controllerTypes are all types.
var controllerTypes = []string{"ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa"}

// foreignToController tells whether an attribute or element is not of this type.
func foreignToController(name string, attr bool, kind, model string) bool {
	switch name {
	case "vectors":
		return kind != "virtio-serial"
	case "maxGrantFrames", "maxEventChannels":
		return kind != "xenbus"
	case "target", "model":
		return !attr && kind != "pci"
	case "pcihole64":
		return model != "pci-root" && model != "pcie-root"
	}
	return false
}

func countChildren(n *Node, name string) int {
	count := 0
	for _, c := range n.Children {
		if c.Name == name {
			count++
		}
	}
	return count
}
