package qemu

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// offer is a value of an enumeration of the domain capabilities, and which QOM
// type (any of them) or which command the emulator must have for it.
type offer struct {
	value   string
	types   []string
	command string
	since   uint64                          // version of QEMU, where no type tells
	machine func(arch, machine string) bool // only with these; nil: with all
}

// enumeration is one <enum> of a device or feature.
type enumeration struct {
	name   string
	offers []offer
}

// offering is one element below <devices>, in print order; it is supported if
// the emulator has one of the types, or if there are none.
type offering struct {
	name  string
	types []string
	enums []enumeration
}

func always(values ...string) []offer {
	list := make([]offer, len(values))
	for i, v := range values {
		list[i].value = v
	}
	return list
}

func typed(value string, types ...string) offer { return offer{value: value, types: types} }

// The virtio variants are offered where the emulator has virtio devices on PCI.
func virtioModels(pci string) []offer {
	return []offer{typed("virtio", pci, "virtio-blk-ccw", "virtio-blk-device"), typed("virtio-transitional", pci+"-transitional"),
		typed("virtio-non-transitional", pci+"-non-transitional")}
}

// deviceOfferings is what the peer tells of devices, by what the emulator has.
// Facts: recorded answers of libvirt 11.3.0 with QEMU 10.0.2, domcapabilities(1).
func deviceOfferings() []offering {
	return []offering{
		{"disk", nil, []enumeration{
			{"diskDevice", []offer{{value: "disk"}, {value: "cdrom"}, {value: "floppy", machine: hasFloppy}, {value: "lun"}}},
			{"bus", []offer{{value: "ide", machine: hasIDE}, {value: "fdc", machine: hasFloppy}, {value: "scsi"}, {value: "virtio"},
				typed("usb", "usb-storage"), typed("sata", "ich9-ahci")}},
			{"model", append(always("virtio"), virtioModels("virtio-blk-pci")[1:]...)}}},
		{"graphics", nil, []enumeration{{"type", []offer{{value: "sdl"}, {value: "vnc", command: "query-vnc"}, typed("spice", "chardev-spicevmc"),
			{value: "egl-headless", since: 6001000}, {value: "dbus", since: 7000000}}}}},
		{"video", nil, []enumeration{{"modelType", []offer{typed("vga", "VGA"), typed("cirrus", "cirrus-vga"), typed("vmvga", "vmware-svga"), typed("qxl", "qxl-vga", "qxl"),
			typed("virtio", "virtio-gpu-pci", "virtio-vga", "virtio-gpu-ccw", "virtio-gpu-device"), {value: "none"}, typed("bochs", "bochs-display"), typed("ramfb", "ramfb")}}}},
		{"hostdev", nil, []enumeration{
			{"mode", always("subsystem")}, {"startupPolicy", always("default", "mandatory", "requisite", "optional")},
			{"subsysType", []offer{typed("usb", "usb-host"), {value: "pci"}, {value: "scsi"}}},
			{"capsType", nil}, {"pciBackend", nil}}},
		{"rng", nil, []enumeration{
			{"model", virtioModels("virtio-rng-pci")}, {"backendModel", []offer{typed("random", "rng-random"), typed("egd", "rng-egd"), typed("builtin", "rng-builtin")}}}},
		{"filesystem", nil, []enumeration{{"driverType", []offer{{value: "path"}, {value: "handle"},
			typed("virtiofs", "vhost-user-fs-pci", "vhost-user-fs-device", "vhost-user-fs-ccw")}}}},
		{"tpm", []string{"tpm-tis", "tpm-crb", "tpm-spapr", "tpm-tis-device"}, []enumeration{
			{"model", []offer{typed("tpm-tis", "tpm-tis", "tpm-tis-device"), typed("tpm-crb", "tpm-crb"), typed("tpm-spapr", "tpm-spapr"), typed("spapr-tpm-proxy", "spapr-tpm-proxy")}},
			{"backendModel", []offer{typed("passthrough", "tpm-passthrough")}}}},
		{"redirdev", []string{"usb-redir"}, []enumeration{{"bus", always("usb")}}},
		{"channel", nil, []enumeration{{"type", []offer{{value: "pty"}, {value: "unix"}, typed("spicevmc", "chardev-spicevmc")}}}},
		{"crypto", nil, []enumeration{{"model", []offer{typed("virtio", "virtio-crypto-pci", "virtio-crypto-ccw", "virtio-crypto-device")}}, {"type", always("qemu")},
			{"backendModel", []offer{typed("builtin", "cryptodev-backend-builtin"), typed("lkcf", "cryptodev-backend-lkcf")}}}},
		{"interface", nil, []enumeration{{"backendType", always("default", "passt")}}},
		{"panic", []string{"pvpanic", "pvpanic-pci", "spapr-rtc", "virtio-blk-ccw"}, []enumeration{{"model", []offer{typed("isa", "pvpanic"),
			{value: "pseries", machine: isPSeries}, typed("hyperv", "x86_64-cpu", "pvpanic"), {value: "s390", machine: func(arch, _ string) bool { return isS390(arch) }},
			typed("pvpanic", "pvpanic-pci")}}}},
	}
}

// allowed tells whether the offer holds for that emulator and machine.
func (o offer) allowed(e *Emulator, arch, machine string) bool {
	if o.command != "" && !e.Command(o.command) {
		return false
	}
	if o.machine != nil && !o.machine(arch, machine) || e.VersionNumber() < o.since {
		return false
	}
	return len(o.types) == 0 || slices.ContainsFunc(o.types, e.Has)
}

func isI440FX(machine string) bool {
	return machine == "pc" || strings.HasPrefix(machine, "pc-i440fx-")
}

// ideBoards are the machines beside PCs that have an IDE controller.
var ideBoards = []string{"g3beige", "malta", "sun4u"}

func hasIDE(_, machine string) bool { return isI440FX(machine) || slices.Contains(ideBoards, machine) }

func isPSeries(arch, machine string) bool {
	return isPPC64(arch) && (machine == "pseries" || strings.HasPrefix(machine, "pseries-"))
}

func hasFloppy(arch, machine string) bool { return !isPSeries(arch, machine) }

func isQ35(machine string) bool { return machine == "q35" || strings.HasPrefix(machine, "pc-q35-") }

func isX86(arch string) bool { return arch == "x86_64" || arch == "i686" }

// hasPS2 tells whether the machine brings a PS/2 controller.
func hasPS2(machine string) bool {
	return isI440FX(machine) || isQ35(machine) || machine == "isapc"
}

// enumNode is an <enum> with its values.
func enumNode(name string, values ...string) *xml.Node {
	n := xml.Element("enum").With("name", name)
	for _, v := range values {
		n.Add(xml.TextElement("value", v))
	}
	return n
}

func supported(name string, yes bool) *xml.Node {
	if yes {
		return xml.Element(name).With("supported", "yes")
	}
	return xml.Element(name).With("supported", "no")
}

// domainCapabilities makes the document from the emulator's and its CPU's facts.
func domainCapabilities(e *Emulator, m *Machine, arch, virt string, cpu *xml.Node, firmware, tpms []string) *xml.Node {
	root := xml.Element("domainCapabilities",
		xml.TextElement("path", e.Path), xml.TextElement("domain", virt), xml.TextElement("machine", m.Name), xml.TextElement("arch", arch))
	if m.MaxCPUs > 0 {
		root.Add(xml.Element("vcpu").With("max", strconv.Itoa(m.MaxCPUs)))
	}
	loader := supported("loader", true)
	for _, f := range firmware {
		loader.Add(xml.TextElement("value", f))
	}
	loader.Add(enumNode("type", "rom", "pflash"), enumNode("readonly", "yes", "no"), enumNode("secure", "no"))
	root.Add(supported("iothreads", true), supported("os", true).Add(enumNode("firmware"), loader), cpu,
		supported("memoryBacking", true).Add(enumNode("sourceType", "file", "anonymous", "memfd")))
	devices := xml.Element("devices")
	for _, d := range deviceOfferings() {
		if len(d.types) > 0 && !slices.ContainsFunc(d.types, e.Has) {
			devices.Add(supported(d.name, false))
			continue
		}
		n := supported(d.name, true)
		for _, en := range d.enums {
			var values []string
			for _, o := range en.offers {
				if o.allowed(e, arch, m.Name) {
					values = append(values, o.value)
				}
			}
			if en.name == "backendModel" && d.name == "tpm" && len(tpms) > 0 && e.Has("tpm-emulator") {
				n.Add(enumNode(en.name, append(values, "emulator", "external")...), enumNode("backendVersion", tpms...))
				continue
			}
			n.Add(enumNode(en.name, values...))
		}
		devices.Add(n)
	}
	return root.Add(devices, featureNodes(e, m, arch, virt))
}

func featureNodes(e *Emulator, m *Machine, arch, virt string) *xml.Node {
	gic := supported("gic", false)
	if isARM(arch) && isVirt(arch, m.Name) {
		gic = supported("gic", true).Add(enumNode("version", "2", "3"))
	}
	n := xml.Element("features",
		gic,
		supported("vmcoreinfo", e.Has("vmcoreinfo")),
		supported("genid", e.Has("vmgenid")),
		supported("backingStoreInput", true),
		supported("backup", true),
		supported("async-teardown", e.VersionNumber() >= 8001000 || e.VersionNumber() >= 7002000 && e.VersionNumber() < 8000000))
	if isS390(arch) {
		n.Add(supported("s390-pv", false))
	}
	n.Add(supported("ps2", hasPS2(m.Name)), supported("sev", false), supported("sgx", false))
	if isX86(arch) {
		values := []string{"spinlocks", "vendor_id"}
		if virt == "kvm" {
			values = []string{"relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id",
				"frequencies", "reenlightenment", "tlbflush", "ipi", "avic", "emsr_bitmap", "xmm_input"}
			values = slices.DeleteFunc(values, func(v string) bool { return !e.hyperv(v) })
		}
		n.Add(supported("hyperv", true).Add(enumNode("features", values...)))
	}
	return n.Add(supported("launchSecurity", false))
}

// hypervProps are QEMU's names of the Hyper-V enlightenments.
var hypervProps = [][2]string{{"relaxed", "hv-relaxed"}, {"vapic", "hv-vapic"}, {"vpindex", "hv-vpindex"}, {"runtime", "hv-runtime"},
	{"synic", "hv-synic"}, {"stimer", "hv-stimer"}, {"reset", "hv-reset"}, {"frequencies", "hv-frequencies"}, {"reenlightenment", "hv-reenlightenment"},
	{"tlbflush", "hv-tlbflush"}, {"ipi", "hv-ipi"}, {"avic", "hv-avic"}, {"emsr_bitmap", "hv-emsr-bitmap"}, {"xmm_input", "hv-xmm-input"}}

// hyperv tells whether the accelerator offers the enlightenment: the expanded
// host model has it turned on only if it can be had.
func (e *Emulator) hyperv(name string) bool {
	for _, p := range hypervProps {
		if p[0] == name {
			return bytes.Contains(e.CPUs().Props, []byte(`"`+p[1]+`":true`))
		}
	}
	return true // spinlocks and vendor_id need nothing of the host
}
