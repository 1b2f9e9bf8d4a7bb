package domain

import "virgo/xml"

// checkMachine checks what the emulator and the machine can do.
func checkMachine(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return nil
	}
	if d.Bootloader != "" || d.BootArgs != "" {
		return unsupported("bootloader is not supported by QEMU")
	}
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	if !Serves(e.Arch, d.OS.Type.Arch) {
		return unsupported("Emulator '%s' does not support arch '%s'", e.Path, d.OS.Type.Arch)
	}
	known, limit := len(e.Machines) == 0, 0
	for _, m := range e.Machines {
		if m.Name == d.OS.Type.Machine {
			known, limit = true, m.MaxCPUs
		}
	}
	if !known {
		return unsupported("Emulator '%s' does not support machine type '%s'", e.Path, d.OS.Type.Machine)
	}
	if n := hotplugThreads(d); n > 1 && d.VCPU.Current%n != 0 {
		return unsupported("vCPUs count must be a multiple of the vCPU hotplug granularity (%d)", n)
	}
	if limit > 0 && int(d.VCPU.Count) > limit {
		return unsupported("Maximum CPUs greater than specified machine type limit %d", limit)
	}
	if d.OS.Type.Text != "hvm" {
		return unsupported("Emulator '%s' does not support os type '%s'", e.Path, d.OS.Type.Text)
	}
	if err := checkLimits(d, t.QEMU); err != nil {
		return err
	}
	for _, check := range []func(*xml.Domain) error{checkCPU, checkMemories, checkTimers} {
		if err := check(d); err != nil {
			return err
		}
	}
	if c := d.CPUTune; c != nil && d.Type != "kvm" && (len(c.CacheTunes) > 0 || len(c.MemoryTunes) > 0) {
		return unsupported("cachetune is only supported for KVM domains")
	}
	return checkFeatures(d, e)
}

// hotplugThreads is how many vCPUs come and go at once: POWER's cores.
func hotplugThreads(d *xml.Domain) uint {
	if !isPSeries(d) || d.CPU == nil || d.CPU.Topology == nil {
		return 1
	}
	return uint(d.CPU.Topology.Threads)
}

// checkTSEG checks the memory that system management mode gets.
func checkTSEG(d *xml.Domain) error {
	f := d.Features
	if f == nil || f.SMM == nil || f.SMM.TSEG == nil {
		return nil
	}
	bytes, _ := xml.Scale(f.SMM.TSEG.Value, f.SMM.TSEG.Unit, 1<<20)
	if !IsQ35(d) {
		return unsupported("SMM TSEG is only supported with q35 machine type")
	}
	if bytes%(1<<20) != 0 {
		return unsupported("SMM TSEG size must be divisible by 1 MiB")
	}
	return nil
}

// checkLimits checks what lies around the devices.
func checkLimits(d *xml.Domain, q *QEMU) error {
	if m := d.MemTune; m != nil && m.MinGuarantee > 0 {
		return unsupported("Parameter 'min_guarantee' not supported by QEMU.")
	}
	efi := d.OS.Firmware == "efi" && isARM(d) || isX86(d) && (d.OS.Firmware == "efi" || d.OS.Loader != nil && d.OS.Loader.Type == "pflash")
	if efi && (d.Features == nil || !d.Features.ACPI) {
		return unsupported("UEFI requires ACPI on this architecture")
	}
	if l := d.OS.Loader; l != nil && l.Secure == "yes" {
		if !IsQ35(d) {
			return unsupported("Secure boot is supported with q35 machine types only")
		}
		if d.Features == nil || d.Features.SMM == nil || d.Features.SMM.State != "on" {
			return unsupported("Secure boot requires SMM feature enabled")
		}
	}
	return nil
}

func checkCPU(d *xml.Domain) error {
	c := d.CPU
	if c == nil {
		return nil
	}
	if c.Mode == "maximum" && isPPC64(d) {
		return unsupported("maximum CPU is not supported by QEMU binary")
	}
	disabled, lengths := false, false
	for _, f := range c.Features {
		disabled = disabled || f.Name == "sve" && f.Policy == "disable"
		lengths = lengths || isVectorLength(f.Name)
	}
	if disabled && lengths {
		return unsupported("SVE disabled, but SVE vector lengths provided")
	}
	if k := c.Cache; k != nil {
		switch k.Mode {
		case "passthrough":
			if c.Mode != "host-passthrough" && c.Mode != "maximum" {
				return unsupported("CPU cache mode '%s' can only be used with '%s' / '%s' CPUs", k.Mode, "host-passthrough", "maximum")
			}
			if k.Level > 0 {
				return unsupported("unsupported CPU cache level for mode '%s'", k.Mode)
			}
		case "emulate":
			if k.Level != 3 {
				return unsupported("CPU cache mode '%s' can only be used with level='3'", k.Mode)
			}
		case "disable":
			if k.Level > 0 {
				return unsupported("unsupported CPU cache level for mode '%s'", k.Mode)
			}
		}
	}
	if a := c.MaxPhysAddr; a != nil && a.Mode == "passthrough" {
		if c.Mode != "host-passthrough" && c.Mode != "maximum" {
			return unsupported("CPU maximum physical address bits mode '%s' can only be used with '%s' / '%s' CPUs", a.Mode, "host-passthrough", "maximum")
		}
		if a.Bits > 0 {
			return unsupported("CPU maximum physical address bits number specification cannot be used with mode='%s'", a.Mode)
		}
	}
	if t := c.Topology; t != nil && t.Sockets > 0 {
		n := t.Sockets * max(t.Dies, 1) * max(t.Clusters, 1) * t.Cores * t.Threads
		if uint(n) != d.VCPU.Count {
			return unsupported("CPU topology doesn't match maximum vcpu count")
		}
	}
	return nil
}

// checkCCW refuses the addresses of s390 elsewhere.
func checkCCW(d *xml.Domain) error {
	if isS390(d) {
		return nil
	}
	var err error
	eachDevice(d, func(v deviceView) {
		if a := *v.addr; a != nil && a.Type == "ccw" && err == nil {
			err = unsupported("CCW addresses are not supported by machine type '%s'", d.OS.Type.Machine)
		}
	})
	return err
}

// checkQEMUDevices checks what QEMU refuses.
func checkQEMUDevices(d *xml.Domain, q *QEMU) error {
	dev := &d.Devices
	if err := checkArch(d, q); err != nil {
		return err
	}
	for i := range dev.Disks {
		if err := checkQEMUDisk(d, &dev.Disks[i]); err != nil {
			return err
		}
	}
	for i := range dev.Interfaces {
		n := &dev.Interfaces[i]
		if dr := n.Driver; dr != nil {
			if dr.RXQueueSize&(dr.RXQueueSize-1) != 0 {
				return unsupported("rx_queue_size has to be a power of two")
			}
			if dr.TXQueueSize&(dr.TXQueueSize-1) != 0 {
				return unsupported("tx_queue_size has to be a power of two")
			}
		}
		if n.Type == "vhostuser" && n.Backend != nil && n.Backend.Type == "passt" && !sharedMemory(d) {
			return unsupported("'interface' requires shared memory")
		}
	}
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		switch {
		case c.Type == "ide" && isX86(d) && !IsI440FX(d) && d.OS.Type.Machine != "isapc":
			return unsupported("IDE controllers are unsupported for this QEMU binary or machine type")
		case c.Type == "scsi" && c.Model == "buslogic":
			return unsupported("Unsupported controller model: buslogic")
		case c.Model == "pcie-expander-bus" && !IsQ35(d) && !isARMVirt(d):
			return unsupported("pcie-expander-bus controllers are not supported with this machine type")
		}
		if c.Type == "usb" && c.Ports != nil && *c.Ports > 15 {
			return unsupported("'%s' controller only supports up to '15' ports", c.Model)
		}
		if c.Type == "pci" && (c.Model == "pci-root" || c.Model == "pcie-root") && *c.Index > 0 && !isPSeries(d) {
			return xml.Errorf(xml.CodeXML, "pci-root and pcie-root controllers should have index 0")
		}
		if c.Target != nil && c.Target.Node != nil && (c.Model == "pci-expander-bus" || c.Model == "pcie-expander-bus") {
			cells := 0
			if d.CPU.NUMA != nil {
				cells = len(d.CPU.NUMA.Cells)
			}
			if int(*c.Target.Node) >= cells {
				return xml.Errorf(xml.CodeXML, "%s with index %d is configured for a NUMA node (%d) not present in the domain's <cpu><numa> array (%d)", c.Model, *c.Index, *c.Target.Node, cells)
			}
		}
	}
	if err := checkQEMUChardevs(d); err != nil {
		return err
	}
	for i := range dev.Inputs {
		in := &dev.Inputs[i]
		if in.Bus == "virtio" && (in.Model == "virtio-transitional" || in.Model == "virtio-non-transitional") && in.Type != "passthrough" {
			return unsupported("virtio (non-)transitional models are not supported for input type=%s", in.Type)
		}
	}
	e, err := q.find(d)
	if err != nil {
		return err
	}
	if err := checkVirtiofs(d); err != nil {
		return err
	}
	return checkQEMUMore(d, q, e)
}

func checkQEMUMore(d *xml.Domain, q *QEMU, e *Emulator) error {
	dev := &d.Devices
	display := false
	for i := range dev.Graphics {
		switch g := &dev.Graphics[i]; g.Type {
		case "vnc":
			display = true
		case "spice", "rdp":
			return checkUnbuilt(d, g.Type)
		case "sdl", "dbus":
		}
	}
	for i := range dev.Graphics {
		if dev.Graphics[i].Type == "egl-headless" && !display && len(dev.Graphics) > 1 {
			return unsupported("graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types")
		}
	}
	for i := range dev.Videos {
		m := dev.Videos[i].Model
		if m == nil {
			continue
		}
		if i > 0 && m.Type != "virtio" && m.Type != "qxl" && m.Type != "bochs" && m.Type != "ramfb" && m.Type != "none" {
			return unsupported("video type '%s' is only valid as primary video device", m.Type)
		}
		if m.Type == "qxl" {
			return unsupported("domain configuration does not support video model 'qxl'")
		}
		if m.Type == "virtio" && m.Acceleration != nil && m.Acceleration.Accel3D == "yes" && (dev.Videos[i].Driver == nil || dev.Videos[i].Driver.Name != "vhostuser") {
			return unsupported("3d acceleration is not supported by this QEMU binary")
		}
	}
	for i := range dev.Hostdevs {
		h := &dev.Hostdevs[i]
		if err := checkMdev(h, e.has); err != nil {
			return err
		}
		if h.Display == "on" && len(dev.Graphics) == 0 {
			return unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>")
		}
		if h.Type == "scsi_host" && h.Boot != nil {
			return unsupported("booting from assigned devices is not supported by vhost SCSI devices")
		}
		if h.Source != nil && h.Source.WriteFiltering != "" {
			return unsupported("Write filtering of PCI device configuration space is not supported by qemu")
		}
		if h.Address != nil && h.Address.ZPCI != nil && !isS390(d) {
			return unsupported("This QEMU binary doesn't support zPCI")
		}
	}
	for i := range dev.TPMs {
		if b := dev.TPMs[i].Backend; b != nil && b.Type == "external" {
			return unsupported("The QEMU executable %s does not support TPM backend type %s", dev.Emulator, b.Type)
		}
		if b := dev.TPMs[i].Backend; b != nil && b.Type == "emulator" {
			version := b.Version
			if version == "" || version == "default" {
				version = "2.0"
			}
			if !contains(q.TPMVersions, version) {
				return unsupported("TPM version '%s' is not supported", version)
			}
		}
	}
	for i := range dev.Shmems {
		if dev.Shmems[i].Model == nil || dev.Shmems[i].Model.Type == "ivshmem" {
			return unsupported("ivshmem device is no longer supported")
		}
		if s := dev.Shmems[i].Size; s != nil && (uint64(*s)&(uint64(*s)-1) != 0 || *s < 1<<20) {
			return xml.Errorf(xml.CodeXML, "shmem size must be a power of 2 and at least 1 MiB (1024 KiB)")
		}
	}
	return checkIOMMU(d)
}

// checkMdev checks a mediated device against the emulator.
func checkMdev(h *xml.Hostdev, has func(string) bool) error {
	if h.Mode != "subsystem" || h.Type != "mdev" {
		return nil
	}
	switch {
	case h.Model == "vfio-ccw" && !has("vfio-ccw"):
		return unsupported("VFIO CCW device assignment is not supported by this version of QEMU")
	case h.Model == "vfio-ap" && !has("vfio-ap"):
		return unsupported("VFIO AP device assignment is not supported by this version of QEMU")
	case h.Model == "vfio-ap" && h.Boot != nil:
		return unsupported("booting from assigned devices is not supported by mediated devices of model vfio-ap")
	}
	return nil
}

// checkVirtiofs checks file systems that a process of the host serves.
func checkVirtiofs(d *xml.Domain) error {
	for i := range d.Devices.Filesystems {
		f := &d.Devices.Filesystems[i]
		if f.Driver == nil || f.Driver.Type != "virtiofs" {
			continue
		}
		if f.Boot != nil && f.Address != nil && f.Address.Type != "pci" {
			return unsupported("setting virtiofs boot order is supported only with PCI bus")
		}
		if !sharedMemory(d) {
			return unsupported("'virtiofs' requires shared memory")
		}
	}
	return nil
}

// checkUnbuilt refuses displays that this QEMU was built without.
func checkUnbuilt(d *xml.Domain, kind string) error {
	for i := range d.Devices.Videos {
		if m := d.Devices.Videos[i].Model; m != nil && m.Type == "qxl" {
			return unsupported("domain configuration does not support video model 'qxl'")
		}
	}
	return unsupported("%s graphics are not supported with this QEMU", kind)
}

func checkIOMMU(d *xml.Domain) error {
	v := d.Devices.IOMMU
	if v == nil {
		return nil
	}
	switch v.Model {
	case "intel":
		if !IsQ35(d) {
			return unsupported("IOMMU device: 'intel' is only supported with Q35 machines")
		}
	case "smmuv3":
		if !isARMVirt(d) {
			return unsupported("IOMMU device: 'smmuv3' is only supported with ARM Virt machines")
		}
	case "virtio":
		if !IsQ35(d) && !isARMVirt(d) {
			return unsupported("IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines")
		}
		if v.Address != nil && v.Address.Type != "pci" {
			return unsupported("IOMMU device: 'virtio' needs a PCI address")
		}
		if d.Features == nil || !d.Features.ACPI {
			return unsupported("IOMMU device: 'virtio' requires ACPI")
		}
	}
	return nil
}

func sharedMemory(d *xml.Domain) bool {
	if d.Backing != nil && d.Backing.Access == "shared" {
		return true
	}
	if d.CPU != nil && d.CPU.NUMA != nil {
		for i := range d.CPU.NUMA.Cells {
			if d.CPU.NUMA.Cells[i].MemAccess != "shared" {
				return false
			}
		}
		return len(d.CPU.NUMA.Cells) > 0
	}
	return false
}

func checkQEMUDisk(d *xml.Domain, v *xml.Disk) error {
	bus := diskBus(v)
	if v.Type == "vhostvdpa" {
		return unsupported("vhostvdpa disk is not supported with this QEMU binary")
	}
	if bus == "usb" && v.Address != nil && v.Address.Type != "usb" {
		return xml.Errorf(xml.CodeInternal, "unexpected address type for usb disk")
	}
	if v.Source == nil || sourceText(v) == "" && v.Source.Protocol == "" {
		if bus == "usb" || bus == "virtio" {
			return unsupported("'%s' disk must not be empty", bus)
		}
	}
	if a := v.Address; a != nil && a.Type == "drive" && a.Target != 0 && (bus == "sata" || bus == "ide" || bus == "fdc") {
		return unsupported("target must be 0 for %s controller", bus)
	}
	if v.Readonly && v.Device == "disk" && (bus == "ide" || bus == "sata") {
		return unsupported("readonly %s disks are not supported", bus)
	}
	if v.Driver.Name != "qemu" {
		return unsupported("unsupported driver name '%s' for disk '%s'", v.Driver.Name, v.Target.Dev)
	}
	if v.Device == "lun" && bus != "virtio" && bus != "scsi" {
		return unsupported("disk device='lun' is not supported for bus='%s'", bus)
	}
	if diskIndex(v.Target.Dev) < 0 {
		return unsupported("invalid disk target '%s'", v.Target.Dev)
	}
	if last := v.Target.Dev[len(v.Target.Dev)-1]; last >= '0' && last <= '9' {
		return unsupported("invalid disk target '%s', partitions can't appear in disk targets", v.Target.Dev)
	}
	if bus != "scsi" && v.Vendor != "" {
		return unsupported("Only scsi disk supports 'vendor'")
	}
	if bus != "scsi" && v.Product != "" {
		return unsupported("Only scsi disk supports 'product'")
	}
	if v.Device == "cdrom" && bus == "virtio" {
		return unsupported("disk type of '%s' does not support ejectable media", v.Target.Dev)
	}
	format := v.Driver.Type
	switch format {
	case "cow", "qcow", "vdi", "vmdk", "vpc", "vhd":
		if format == "cow" {
			return unsupported("'%s' storage format is not supported", format)
		}
	case "dir":
		return unsupported("'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead")
	case "iso":
		return unsupported("storage format 'iso' is not directly supported by QEMU, use 'raw' instead")
	}
	encrypted := v.Encryption != nil || v.Source != nil && v.Source.Encryption != nil && v.Source.Encryption.Engine != "librbd"
	if encrypted && format != "raw" && format != "qcow2" && format != "" {
		return unsupported("encryption is supported only with 'raw' and 'qcow2' image format")
	}
	if v.Shareable && format != "raw" && format != "" {
		return unsupported("shared access for disk '%s' requires use of supported storage format", v.Target.Dev)
	}
	if dr := v.Driver; dr.IOThread > 0 {
		found := dr.IOThread <= d.IOThreads && len(d.IOThreadIDs) == 0
		for _, i := range d.IOThreadIDs {
			found = found || i.ID == dr.IOThread
		}
		if !found {
			return unsupported("Disk iothread '%d' not defined in iothreadid", dr.IOThread)
		}
	}
	return nil
}
