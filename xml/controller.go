package xml

import "strings"

// Controller is a bus of the guest, or what devices are plugged into.
type Controller struct {
	Type      string            `el:"type,attr,wanted" enum:"ide fdc scsi sata virtio-serial ccid usb pci xenbus isa nvme"`
	Index     *uint             `el:"index,attr,nonneg"`
	Model     string            `el:"model,attr"`
	Ports     *uint             `el:"ports,attr,nonneg"`
	Vectors   *uint             `el:"vectors,attr,nonneg"`
	MaxGrants *uint             `el:"maxGrantFrames,attr"`
	MaxEvents *uint             `el:"maxEventChannels,attr"`
	ModelName *ControllerModel  `el:"model"`
	Target    *ControllerTarget `el:"target"`
	Serial    string            `el:"serial"` // nvme
	Driver    *ControllerDriver `el:"driver"`
	Alias     *Alias            `el:"alias"`
	Master    *ControllerMaster `el:"master"`
	ACPI      *ACPIIndex        `el:"acpi"`
	Address   *Address          `el:"address"`
	PCIHole64 *KiB              `el:"pcihole64"`
}

// ControllerModel is the device behind a kind of PCI controller.
type ControllerModel struct {
	Name string `el:"name,attr" enum:"none pci-bridge i82801b11-bridge ioh3420 x3130-upstream xio3130-downstream pxb pxb-pcie pcie-root-port spapr-pci-host-bridge pcie-pci-bridge"`
}

// ControllerTarget are the numbers of a PCI controller.
type ControllerTarget struct {
	ChassisNr  *uint   `el:"chassisNr,attr"`
	Chassis    *uint   `el:"chassis,attr"`
	Port       *uint   `el:"port,attr,hex=1"`
	BusNr      *uint   `el:"busNr,attr"`
	Index      *uint   `el:"index,attr"`
	Hotplug    OnOff   `el:"hotplug,attr"`
	MemReserve *uint64 `el:"memReserve,attr"`
	Node       *uint   `el:"node"`
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
		return strings.Fields("auto buslogic lsilogic lsisas1068 vmpvscsi ibmvscsi virtio-scsi lsisas1078 virtio-transitional virtio-non-transitional ncr53c90 dc390 am53c974 default")
	case "usb":
		return strings.Fields("piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 vt82c686b-uhci pci-ohci nec-xhci qusb1 qusb2 qemu-xhci none default")
	case "ide":
		return strings.Fields("piix3 piix4 ich6")
	case "virtio-serial":
		return strings.Fields("virtio virtio-transitional virtio-non-transitional")
	}
	return nil
}

// DecodeNode reads the controller. Without a type it is one for IDE.
func (c *Controller) DecodeNode(n *Node) error {
	if err := DecodeFields(n, c); err != nil {
		return err
	}
	if c.Type == "" {
		c.Type = "ide"
	}
	if model, ok := n.Attr("model"); ok && !contains(controllerModels(c.Type), model) {
		return Errorf(CodeConfigUnsupported, "Unknown model type '%s'", model)
	}
	return nil
}
