package domain

import (
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// defaultDevices adds devices that other parts ask for.
func defaultDevices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	if len(dev.Graphics) > 0 && len(dev.Videos) == 0 {
		dev.Videos = []xml.Video{{Model: &xml.VideoModel{Heads: 1}}}
	}
	if t.QEMU != nil {
		return qemuDevices(d, t.QEMU)
	}
	return otherDevices(d, t)
}

// devices completes each device by itself.
func devices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	for i := range dev.Disks {
		if err := disk(d, &dev.Disks[i], t); err != nil {
			return err
		}
	}
	for i := range dev.Interfaces {
		iface(d, &dev.Interfaces[i], t)
	}
	if t.isTest() {
		testTargets(d)
	}
	for i := range dev.Inputs {
		in := &dev.Inputs[i]
		if in.Bus == "none" && t.QEMU == nil { // which is not printed
			in.Bus = ""
		} else if in.Bus == "" || in.Bus == "none" && in.Type != "passthrough" {
			in.Bus = inputBus(d, in)
		} else if in.Bus == "none" {
			in.Bus = ""
		}
	}
	return moreDevices(d, t)
}

// moreDevices completes the kinds behind the inputs.
func moreDevices(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	for i := range dev.Graphics {
		if err := graphics(d, &dev.Graphics[i], t); err != nil {
			return err
		}
	}
	for i := range dev.Videos {
		video(d, &dev.Videos[i], i == 0, t)
	}
	for i := range dev.Sounds {
		if s := &dev.Sounds[i]; s.Model == "virtio" && s.Streams == 0 {
			s.Streams = 2
		}
	}
	if p := dev.PStore; p != nil && t.QEMU != nil {
		setDefault(&p.Path, t.QEMU.NVRAMDir+"/"+d.Name+"_PSTORE.raw")
	}
	for i := range dev.Channels {
		c := &dev.Channels[i]
		if a := c.Address; a != nil && a.Type != "virtio-serial" && c.Target != nil && c.Target.Type == "virtio" && t.QEMU != nil {
			c.Address = nil
		}
	}
	tpms(d, t)
	for i := range dev.Redirdevs {
		if r := &dev.Redirdevs[i]; r.Type == "dbus" {
			setDefault(&r.Channel, "org.qemu.usbredir")
		}
	}
	for i := range dev.Watchdogs {
		setDefault(&dev.Watchdogs[i].Action, "reset")
	}
	for i := range dev.RNGs {
		if b := dev.RNGs[i].Backend; b != nil && b.Model == "random" {
			setDefault(&b.Path, "/dev/random")
		}
	}
	for i := range dev.Hostdevs {
		hostdev(&dev.Hostdevs[i], t)
	}
	for i := range dev.Memories {
		m := &dev.Memories[i]
		if m.Model == "virtio-pmem" {
			setDefault(&m.Access, "shared")
		}
		if m.Model == "dimm" || m.Model == "virtio-pmem" {
			m.UUID = ""
		}
	}
	if v := dev.Vsock; v != nil {
		vsock(v, t)
	}
	for i := range dev.Filesystems {
		filesystem(&dev.Filesystems[i], t)
	}
	return nil
}

func tpms(d *xml.Domain, t *Traits) {
	dev := &d.Devices
	for i := range dev.TPMs {
		if t.QEMU != nil {
			tpm(d, &dev.TPMs[i])
		}
		if b := dev.TPMs[i].Backend; b != nil && b.Type == "passthrough" {
			if b.Device == nil {
				b.Device = &xml.TPMDevice{}
			}
			setDefault(&b.Device.Path, "/dev/tpm0")
		}
	}
}

// InputBus is the bus that an input device is put on if its document names none.
func InputBus(d *xml.Domain, in *xml.Input) string { return inputBus(d, in) }

func inputBus(d *xml.Domain, in *xml.Input) string {
	switch {
	case in.Type == "passthrough" && d.OS.Type.Text == "hvm":
		return "virtio"
	case in.Type == "evdev":
		return ""
	case d.OS.Type.Text == "hvm" && isS390(d):
		return "virtio"
	case d.OS.Type.Text == "hvm" && in.Type != "tablet" && isX86(d):
		return "ps2"
	case d.OS.Type.Text == "hvm":
		return "usb"
	case d.Type == "parallels":
		return "parallels"
	}
	return "xen"
}

func iface(d *xml.Domain, n *xml.Interface, t *Traits) {
	setDefault(&n.Type, "user")
	if n.MAC == nil {
		n.MAC = &xml.MAC{}
	}
	if (n.MAC.Address == "" || n.MAC.Address == "00:00:00:00:00:00") && !t.built {
		n.MAC.Address = newMAC(t)
	} else if m, ok := xml.ParseMAC(n.MAC.Address); ok {
		n.MAC.Address = m
	}
	if tg := n.Target; !t.built && (tg != nil && n.Type != "ethernet" || tg != nil && tg.Managed == "") {
		if generated(tg.Dev) || t.Driver == "xen" && strings.HasPrefix(tg.Dev, "vif") {
			n.Target = nil
		}
	}
	netModel(n)
	if v := n.VirtualPort; v != nil && v.Type == "openvswitch" && !t.built {
		if v.Parameters == nil {
			v.Parameters = &xml.VirtualPortParams{}
		}
		if v.Parameters.InterfaceID == "" {
			v.Parameters.InterfaceID = xml.UUID(drivers.NewUUID())
		}
	}
	if n.Type == "direct" && n.Source != nil {
		setDefault(&n.Source.Mode, "vepa")
	}
	if t.QEMU != nil {
		qemuInterface(d, n)
	}
}

// testTargets gives interfaces without a target the lowest name that none has,
// as the test driver makes them.
func testTargets(d *xml.Domain) {
	list := d.Devices.Interfaces
	taken := make(map[string]bool, len(list))
	for i := range list {
		if t := list[i].Target; t != nil {
			taken[t.Dev] = true
		}
	}
	next := 0
	for i := range list {
		if t := list[i].Target; t != nil && t.Dev != "" {
			continue
		}
		name := "testnet" + strconv.Itoa(next)
		for taken[name] {
			next++
			name = "testnet" + strconv.Itoa(next)
		}
		taken[name] = true
		list[i].Target = &xml.InterfaceTarget{Dev: name}
	}
}

// generated tells names of taps that the driver made up itself.
func generated(dev string) bool {
	for _, p := range []string{"vnet", "macvtap", "macvlan"} {
		if rest, ok := strings.CutPrefix(dev, p); ok && (rest == "" || strings.Trim(rest, "0123456789") == "" || rest == "%d") {
			return true
		}
	}
	return false
}

// newMAC makes a random address in the hypervisor's range.
func newMAC(t *Traits) string {
	u := drivers.NewUUID()
	return macPrefix(t) + u[0:2] + ":" + u[2:4] + ":" + u[4:6]
}

// netModels are the models that are known by name, however they are written.
var netModels = []string{
	"virtio", "virtio-transitional", "virtio-non-transitional", "e1000", "e1000e", "e1000-82544gc", "e1000-82545em", "igb",
	"rtl8139", "spapr-vlan", "lan9118", "smc91c111", "usb-net", "vmxnet", "vmxnet2", "vmxnet3", "vlance", "netfront",
	"Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC",
}

// netModel settles the model's name, and drops what only virtio has.
func netModel(n *xml.Interface) {
	virtio := false
	if n.Model != nil {
		for _, m := range netModels {
			if strings.EqualFold(m, n.Model.Type) {
				n.Model.Type = m
			}
		}
		if n.Model.Type == "" {
			n.Model = nil
		}
	}
	if n.Model != nil {
		virtio = strings.HasPrefix(n.Model.Type, "virtio")
	}
	if !virtio || n.Type == "hostdev" {
		name := ""
		if n.Driver != nil && n.Type == "hostdev" {
			name = n.Driver.Name
		}
		if n.Driver = onlySwitches(n.Driver); name != "" {
			if n.Driver == nil {
				n.Driver = &xml.InterfaceDriver{}
			}
			n.Driver.Name = name
		}
	}
	if n.Driver != nil && n.Driver.Queues == 1 {
		n.Driver.Queues = 0
	}
	if c := n.Coalesce; c != nil && (c.RX == nil || c.RX.Frames == nil || c.RX.Frames.Max == nil || *c.RX.Frames.Max == 0) {
		n.Coalesce = nil
	}
	if b := n.Backend; b != nil {
		if b.Type == "default" {
			b.Type = ""
		}
		if !virtio {
			b.Vhost = ""
		}
	}
	switch n.Type {
	case "ethernet", "network", "bridge":
	default:
		n.FilterRef = nil
	}
}

// tpm chooses the model, and the version that is emulated.
func tpm(d *xml.Domain, v *xml.TPM) {
	model := "tpm-tis"
	if isPPC64(d) {
		model = "tpm-spapr"
	}
	setDefault(&v.Model, model)
	if b := v.Backend; b != nil && b.Type == "emulator" && (b.Version == "" || b.Version == "default") {
		b.Version = "2.0"
		if v.Model == "tpm-tis" && isX86(d) {
			b.Version = "1.2"
		}
	}
}

func vsock(v *xml.Vsock, t *Traits) {
	if v.CID == nil {
		v.CID = &xml.VsockCID{}
	}
	if v.CID.Auto == "" {
		v.CID.Auto = "no"
		if v.CID.Address == 0 {
			v.CID.Auto = "yes"
		}
	}
	if t.QEMU != nil {
		setDefault(&v.Model, "virtio")
	}
}

func hostdev(h *xml.Hostdev, t *Traits) {
	setDefault(&h.Mode, "subsystem")
	if h.Mode != "subsystem" {
		h.Managed = ""
		return
	}
	if h.Managed != "yes" {
		h.Managed = "no"
	}
	if s := h.Source; s != nil && s.Address != nil && h.Type == "pci" {
		for _, n := range []**uint{&s.Address.Domain, &s.Address.Slot, &s.Address.Function} {
			if *n == nil {
				*n = new(uint)
			}
		}
		setDefault(&s.Address.Bus, "0x00")
	}
	if t.QEMU != nil && h.Type == "mdev" && (h.Model == "vfio-pci") {
		setDefault(&h.Display, "off")
	}
	if s := h.Source; s != nil && s.Protocol == "iscsi" {
		s.Name = withLUN(s.Name)
	}
	if s := h.Source; s != nil && h.Type == "scsi" && s.Address != nil {
		setDefault(&s.Address.Bus, "0")
	}
}

// octal prints a mode with four digits.
func octal(mode string) string {
	if mode == "" {
		return ""
	}
	mode = strings.TrimLeft(mode, "0")
	return strings.Repeat("0", max(0, 4-len(mode))) + mode
}

func filesystem(f *xml.Filesystem, t *Traits) {
	setDefault(&f.Type, "mount")
	if !f.Served && (f.Source == nil || f.Source.Socket == "") {
		setDefault(&f.AccessMode, "passthrough")
	}
	f.FMode, f.DMode = octal(f.FMode), octal(f.DMode)
}

// onlySwitches keeps virtio's switches, which are refused where they do not
// belong. nil if there are none.
func onlySwitches(d *xml.InterfaceDriver) *xml.InterfaceDriver {
	if d == nil || d.IOMMU == "" && d.ATS == "" && d.Packed == "" && d.PagePerVQ == "" {
		return nil
	}
	return &xml.InterfaceDriver{IOMMU: d.IOMMU, ATS: d.ATS, Packed: d.Packed, PagePerVQ: d.PagePerVQ}
}
