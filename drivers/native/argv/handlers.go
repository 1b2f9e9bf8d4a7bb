package argv

import "sort"

// handler turns devices into XML. It gives what adds the device, or nil if XML
// has no such thing.
type handler struct {
	base string
	do   func(*reader, *device) func()
}

type handlerTable []handler

// handlers are the devices that XML has, by name.
var handlers = handlerTable{
	{"AC97", (*reader).sound},
	{"ES1370", (*reader).sound},
	{"VGA", (*reader).video},
	{"acpi-erst", (*reader).pstore},
	{"am53c974", (*reader).scsiController},
	{"bochs-display", (*reader).video},
	{"ccid-card-emulated", (*reader).smartcard},
	{"ccid-card-passthru", (*reader).smartcard},
	{"cirrus-vga", (*reader).video},
	{"diag288", (*reader).watchdog},
	{"e1000", (*reader).nic},
	{"e1000-82544gc", (*reader).nic},
	{"e1000-82545em", (*reader).nic},
	{"e1000e", (*reader).nic},
	{"floppy", (*reader).disk},
	{"i6300esb", (*reader).watchdog},
	{"i82550", (*reader).nic},
	{"i82551", (*reader).nic},
	{"i82557a", (*reader).nic},
	{"i82557b", (*reader).nic},
	{"i82557c", (*reader).nic},
	{"i82558a", (*reader).nic},
	{"i82558b", (*reader).nic},
	{"i82559a", (*reader).nic},
	{"i82559b", (*reader).nic},
	{"i82559c", (*reader).nic},
	{"i82559er", (*reader).nic},
	{"i82562", (*reader).nic},
	{"i82801", (*reader).nic},
	{"i82801b11-bridge", (*reader).bridge},
	{"ib700", (*reader).watchdog},
	{"ich9-ahci", (*reader).sataController},
	{"ich9-intel-hda", (*reader).sound},
	{"ich9-usb-ehci1", (*reader).usbController},
	{"ich9-usb-uhci1", (*reader).usbController},
	{"ich9-usb-uhci2", (*reader).usbController},
	{"ich9-usb-uhci3", (*reader).usbController},
	{"ide-cd", (*reader).disk},
	{"ide-hd", (*reader).disk},
	{"igb", (*reader).nic},
	{"intel-hda", (*reader).sound},
	{"intel-iommu", (*reader).iommu},
	{"isa-debugcon", (*reader).serial},
	{"isa-fdc", (*reader).floppyController},
	{"isa-parallel", (*reader).parallel},
	{"isa-serial", (*reader).serial},
	{"ivshmem-doorbell", (*reader).shmem},
	{"ivshmem-plain", (*reader).shmem},
	{"lsi53c895a", (*reader).scsiController},
	{"megasas", (*reader).scsiController},
	{"mptsas1068", (*reader).scsiController},
	{"ne2k_pci", (*reader).nic},
	{"nec-usb-xhci", (*reader).usbController},
	{"nvdimm", (*reader).memoryDevice},
	{"pc-dimm", (*reader).memoryDevice},
	{"pci-bridge", (*reader).bridge},
	{"pci-ohci", (*reader).usbController},
	{"pci-serial", (*reader).serial},
	{"pcie-pci-bridge", (*reader).bridge},
	{"pcie-root-port", (*reader).bridge},
	{"pcnet", (*reader).nic},
	{"piix3-usb-uhci", (*reader).usbController},
	{"piix4-usb-uhci", (*reader).usbController},
	{"pvpanic", (*reader).panic},
	{"pvpanic-pci", (*reader).panic},
	{"pvscsi", (*reader).scsiController},
	{"pxb", (*reader).bridge},
	{"pxb-pcie", (*reader).bridge},
	{"qemu-xhci", (*reader).usbController},
	{"qxl", (*reader).video},
	{"ramfb", (*reader).video},
	{"rtl8139", (*reader).nic},
	{"sb16", (*reader).sound},
	{"sclpconsole", (*reader).serial},
	{"sclplmconsole", (*reader).serial},
	{"scsi-block", (*reader).disk},
	{"scsi-cd", (*reader).disk},
	{"scsi-hd", (*reader).disk},
	{"sd", (*reader).disk},
	{"spapr-vlan", (*reader).nic},
	{"spapr-vscsi", (*reader).scsiController},
	{"spapr-vty", (*reader).serial},
	{"tpm-crb", (*reader).tpm},
	{"tpm-spapr", (*reader).tpm},
	{"tpm-tis", (*reader).tpm},
	{"tpm-tis-device", (*reader).tpm},
	{"tulip", (*reader).nic},
	{"usb-audio", (*reader).sound},
	{"usb-ccid", (*reader).ccidController},
	{"usb-ehci", (*reader).usbController},
	{"usb-host", (*reader).hostUSB},
	{"usb-hub", (*reader).hub},
	{"usb-kbd", (*reader).input},
	{"usb-mouse", (*reader).input},
	{"usb-mtp", (*reader).mtp},
	{"usb-net", (*reader).nic},
	{"usb-redir", (*reader).redirected},
	{"usb-serial", (*reader).serial},
	{"usb-storage", (*reader).disk},
	{"usb-tablet", (*reader).input},
	{"vfio-ap", (*reader).hostChannel},
	{"vfio-ccw", (*reader).hostChannel},
	{"vfio-pci", (*reader).hostPCI},
	{"vhost-user-blk", (*reader).disk},
	{"vhost-user-fs", (*reader).filesystem},
	{"vhost-vsock", (*reader).vsock},
	{"virtconsole", (*reader).channel},
	{"virtio-9p", (*reader).filesystem},
	{"virtio-balloon", (*reader).balloon},
	{"virtio-blk", (*reader).disk},
	{"virtio-crypto", (*reader).crypto},
	{"virtio-gpu", (*reader).video},
	{"virtio-gpu-gl", (*reader).video},
	{"virtio-input-host", (*reader).input},
	{"virtio-iommu", (*reader).iommu},
	{"virtio-keyboard", (*reader).input},
	{"virtio-mem", (*reader).memoryDevice},
	{"virtio-mouse", (*reader).input},
	{"virtio-net", (*reader).nic},
	{"virtio-pmem", (*reader).memoryDevice},
	{"virtio-rng", (*reader).rng},
	{"virtio-scsi", (*reader).scsiController},
	{"virtio-serial", (*reader).serialController},
	{"virtio-sound", (*reader).sound},
	{"virtio-tablet", (*reader).input},
	{"virtio-vga", (*reader).video},
	{"virtserialport", (*reader).channel},
	{"vmcoreinfo", (*reader).vmcoreinfo},
	{"vmgenid", (*reader).generation},
	{"vmware-svga", (*reader).video},
	{"vmxnet3", (*reader).nic},
	{"x3130-upstream", (*reader).bridge},
	{"xio3130-downstream", (*reader).bridge},
}

func (t handlerTable) find(base string) *handler {
	i := sort.Search(len(t), func(i int) bool { return t[i].base >= base })
	if i < len(t) && t[i].base == base {
		return &t[i]
	}
	return nil
}

// scsi tells whether a device is a SCSI controller.
func (handlerTable) scsi(base string) bool {
	for _, m := range scsiModels {
		if m.base == base {
			return true
		}
	}
	return base == "virtio-scsi"
}
