package domain

import (
	"strings"

	"virgo/xml"
)

// checkSound wants the audio backend to be there.
func checkSound(c *deviceCheck, s *xml.Sound) error {
	if a := s.Audio; a != nil && !hasAudio(c.d, a.ID) {
		return xml.Errorf(xml.CodeXML, "no audio device with ID %d", a.ID)
	}
	return nil
}

func hasAudio(d *xml.Domain, id uint) bool {
	for i := range d.Devices.Audios {
		if d.Devices.Audios[i].ID == id {
			return true
		}
	}
	return false
}

// checkQEMUAudios wants SPICE where the sound is to go there.
func checkQEMUAudios(d *xml.Domain) error {
	for i := range d.Devices.Audios {
		if d.Devices.Audios[i].Type != "spice" {
			continue
		}
		for j := range d.Devices.Graphics {
			if d.Devices.Graphics[j].Type == "spice" {
				return nil
			}
		}
		return unsupported("Spice audio is not supported without spice graphics")
	}
	return nil
}

func checkQEMUSound(c *deviceCheck, s *xml.Sound) error {
	if s.Model == "ich7" {
		return xml.Errorf(xml.CodeInternal, "sound card model '%s' is not supported by qemu", s.Model)
	}
	if s.Model == "ich9" && !isX86(c.d) && !c.has("ich9-intel-hda") {
		return unsupported("The ich9-intel-hda audio controller is not supported in this QEMU binary")
	}
	if s.Model != "ich6" && s.Model != "ich9" || isX86(c.d) {
		return nil
	}
	for i := range s.Codecs {
		if device := "hda-" + s.Codecs[i].Type; !c.has(device) {
			return unsupported("%s not supported in this QEMU binary", device)
		}
	}
	return nil
}

// checkInput checks a pointer's or keyboard's bus against the kind of guest.
func checkInput(c *deviceCheck, in *xml.Input) error {
	if err := inputFits(c.d, in); err != nil {
		return err
	}
	f := c.d.Features
	switch {
	case in.Type == "evdev" && in.Bus != "" && in.Bus != "none":
		return unsupported("input evdev doesn't support bus element")
	case in.Type == "passthrough" && in.Bus != "virtio":
		return unsupported("only bus 'virtio' is supported for 'passthrough' input devices")
	case in.Model != "" && in.Bus != "virtio":
		return unsupported("only bus 'virtio' is supported for input model '%s'", in.Model)
	case in.Bus == "ps2" && f != nil && f.PS2 != nil && f.PS2.State == "off":
		return unsupported("ps2 bus inputs require the ps2 feature not to be disabled")
	}
	return nil
}

func inputFits(d *xml.Domain, in *xml.Input) error {
	if d.OS.Type.Text == "hvm" {
		if in.Bus == "ps2" && in.Type != "mouse" && in.Type != "keyboard" {
			return xml.Errorf(xml.CodeInternal, "ps2 bus does not support %s input device", in.Type)
		}
		if in.Bus == "xen" {
			return xml.Errorf(xml.CodeInternal, "unsupported input bus %s", in.Bus)
		}
		return nil
	}
	if d.OS.Type.Text == "xen" || d.OS.Type.Text == "xenpvh" || d.OS.Type.Text == "linux" && d.Type == "xen" {
		if in.Bus != "" && in.Bus != "xen" {
			return xml.Errorf(xml.CodeInternal, "unsupported input bus %s", in.Bus)
		}
		if in.Type != "mouse" && in.Type != "keyboard" {
			return xml.Errorf(xml.CodeInternal, "xen bus does not support %s input device", in.Type)
		}
		return nil
	}
	if d.Type != "parallels" && d.Type != "vz" {
		return xml.Errorf(xml.CodeInternal, "Input devices are not supported by this virtualization driver.")
	}
	return nil
}

func checkQEMUInput(c *deviceCheck, in *xml.Input) error {
	switch {
	case in.Type == "passthrough" && isS390(c.d) && !c.has("virtio-input-host-ccw"):
		return unsupported("virtio-input-host is not supported by this QEMU binary")
	case in.Bus == "ps2" && !isX86(c.d):
		return unsupported("ps2 is not supported by this QEMU binary")
	}
	if in.Bus == "virtio" && (in.Model == "virtio-transitional" || in.Model == "virtio-non-transitional") {
		return unsupported("virtio (non-)transitional models are not supported for input type=%s", in.Type)
	}
	return nil
}

// fsSource is what a file system is made of: the first name of it that is written.
func fsSource(f *xml.Filesystem) string {
	src := ""
	if s := f.Source; s != nil {
		for _, p := range []string{s.Dir, s.Dev, s.File, s.Name, s.Socket} {
			setDefault(&src, p)
		}
	}
	return src
}

// checkFilesystem refuses one without a name for the guest.
func checkFilesystem(_ *deviceCheck, f *xml.Filesystem) error {
	if f.Target == nil || f.Target.Dir == "" {
		return xml.Errorf(xml.CodePlain, "missing target information for device %s", fsSource(f))
	}
	if f.Boot != nil && (f.Driver == nil || f.Driver.Type != "virtiofs") {
		return unsupported("boot order is only supported for virtiofs")
	}
	return nil
}

// checkQEMUFilesystem checks file systems that a process of the host serves.
func checkQEMUFilesystem(c *deviceCheck, f *xml.Filesystem) error {
	switch {
	case f.Type != "mount":
		return unsupported("only supports mount filesystem type")
	case f.HardLimit != nil || f.SoftLimit != nil:
		return unsupported("filesystem usage limits are not supported with QEMU")
	case (f.FMode != "" || f.DMode != "") && f.AccessMode != "mapped":
		return unsupported("fmode and dmode must be used with accessmode=mapped")
	case f.Driver != nil && f.Driver.Type == "mtp" && f.AccessMode != "passthrough":
		return unsupported("mtp only supports passthrough accessmode")
	}
	if f.Driver == nil {
		return nil
	}
	if f.Driver.Type == "handle" && f.AccessMode != "" && f.AccessMode != "passthrough" {
		return unsupported("only supports passthrough accessmode")
	}
	if f.Driver.Type != "virtiofs" {
		return nil
	}
	switch {
	case !f.Served && f.AccessMode != "" && f.AccessMode != "passthrough":
		return unsupported("virtiofs only supports passthrough accessmode")
	case !f.Served && f.Driver.WRPolicy != "":
		return unsupported("virtiofs does not support wrpolicy")
	case f.Model != "":
		return unsupported("virtiofs does not support model")
	case f.Driver.Format != "":
		return unsupported("virtiofs does not support format")
	case f.MultiDevs != "" && f.MultiDevs != "default":
		return unsupported("virtiofs does not support multidevs")
	case !sharedMemory(c.d):
		return unsupported("'virtiofs' requires shared memory")
	}
	if f.Boot != nil && f.Address != nil && f.Address.Type != "pci" {
		return unsupported("setting virtiofs boot order is supported only with PCI bus")
	}
	return nil
}

func checkQEMUWatchdog(c *deviceCheck, w *xml.Watchdog) error {
	if w.Action != c.d.Devices.Watchdogs[0].Action {
		return unsupported("watchdogs with different actions are not supported with this QEMU binary")
	}
	if w.Model != "i6300esb" {
		for i := range c.d.Devices.Watchdogs {
			if o := &c.d.Devices.Watchdogs[i]; o != w && o.Model == w.Model {
				return unsupported("domain can only have one watchdog with model '%s'", w.Model)
			}
		}
	}
	switch w.Model {
	case "diag288":
		if w.Address != nil {
			return unsupported("diag288 model of watchdog is virtual and cannot go on any bus.")
		}
		if !isS390(c.d) {
			return unsupported("diag288 model of watchdog is allowed for s390 and s390x only")
		}
	case "i6300esb":
		if w.Address != nil && w.Address.Type != "pci" {
			return unsupported("i6300esb model of watchdog can go only on PCI bus")
		}
	case "ib700":
		if !IsI440FX(c.d) && c.d.OS.Type.Machine != "isapc" {
			return unsupported("ib700 model of watchdog cannot be used with this machine type")
		}
		if w.Address != nil {
			return unsupported("ib700 model of watchdog does not support configuring the address")
		}
	case "itco":
		if w.Address != nil {
			return unsupported("itco model of watchdog is part of the machine and cannot have any address set.")
		}
		if !IsQ35(c.d) {
			return unsupported("itco model of watchdog is only part of q35 machine")
		}
	}
	return nil
}

func checkQEMUBalloon(_ *deviceCheck, b *xml.Memballoon) error {
	if b.Model == "xen" {
		return unsupported("Memory balloon device type 'xen' is not supported by this version of qemu")
	}
	return nil
}

func checkRNG(c *deviceCheck, r *xml.RNG) error {
	if b := r.Backend; b != nil && b.Model == "egd" {
		return checkSource(&b.Chardev, c.t, true)
	}
	return nil
}

func checkQEMURNG(c *deviceCheck, r *xml.RNG) error {
	if !c.has("virtio-rng-pci") && !c.has("virtio-rng-ccw") && !c.has("virtio-rng-device") {
		return unsupported("domain configuration does not support rng model '%s'", r.Model)
	}
	if b := r.Backend; b != nil && b.Model == "egd" {
		return checkChardev(c.d, &b.Chardev)
	}
	return nil
}

func checkQEMUNVRAM(c *deviceCheck, _ *xml.NVRAM) error {
	if !isPSeries(c.d) {
		return unsupported("nvram device is only supported for PPC64")
	}
	return nil
}

func checkShmem(c *deviceCheck, s *xml.Shmem) error {
	if strings.Contains(s.Name, "/") {
		return unsupported("shmem name cannot include '/' character")
	}
	if s.MSI != nil && s.Server == nil {
		return xml.Errorf(xml.CodeXML, "msi option is only supported with a server")
	}
	if n := s.Size; n != nil && c.e != nil && (uint64(*n)&(uint64(*n)-1) != 0 || *n < 1<<20) {
		return xml.Errorf(xml.CodeXML, "shmem size must be a power of 2 and at least 1 MiB (1024 KiB)")
	}
	return nil
}

// checkShmemServers wants a server where memory is shared through one, and none
// elsewhere.
func checkShmemServers(d *xml.Domain) error {
	for i := range d.Devices.Shmems {
		s := &d.Devices.Shmems[i]
		switch {
		case s.Model == nil:
		case s.Model.Type == "ivshmem-plain" && s.Server != nil:
			return unsupported("shmem model 'ivshmem-plain' is supported only with server option disabled")
		case s.Model.Type == "ivshmem-doorbell" && s.Server == nil:
			return unsupported("shmem model 'ivshmem-doorbell' is supported only with server option enabled")
		}
	}
	return nil
}

func checkQEMUShmem(c *deviceCheck, s *xml.Shmem) error {
	switch {
	case s.Model == nil || s.Model.Type == "ivshmem":
		return unsupported("ivshmem device is no longer supported")
	case s.Model.Type == "ivshmem-doorbell" && s.Size != nil:
		return unsupported("shmem model 'ivshmem-doorbell' does not support size setting")
	case strings.HasPrefix(s.Model.Type, "ivshmem-") && !isX86(c.d) && !c.has(s.Model.Type):
		return unsupported("shmem model '%s' is not supported by this QEMU binary", s.Model.Type)
	}
	return nil
}

func checkTPM(c *deviceCheck, t *xml.TPM) error {
	b := t.Backend
	if b != nil && b.Type == "external" {
		return checkExternalTPM(b.Source)
	}
	if b == nil || b.Type != "emulator" || c.e != nil && b.Version != "1.2" && !c.hasTPM(b.Version) {
		return nil // the version's own error comes first
	}
	if b.Version != "2.0" && b.PCRBanks != nil && *b.PCRBanks != (xml.TPMPCRBanks{}) {
		return xml.Errorf(xml.CodeXML, "<active_pcr_banks/> requires TPM version '2.0'")
	}
	if b.Version != "2.0" && b.Profile != nil && *b.Profile != (xml.TPMProfile{}) {
		return xml.Errorf(xml.CodeXML, "<profile/> requires TPM version '2.0'")
	}
	return nil
}

func checkQEMUTPM(c *deviceCheck, t *xml.TPM) error {
	if b := t.Backend; b != nil {
		if b.Type == "passthrough" && !c.has("tpm-passthrough") || b.Type == "external" && len(c.t.QEMU.TPMVersions) == 0 {
			return unsupported("The QEMU executable %s does not support TPM backend type %s", c.path, b.Type)
		}
		if b.Type == "emulator" {
			if !c.hasTPM(b.Version) {
				return unsupported("TPM version '%s' is not supported", tpmVersion(b.Version))
			}
			if tpmVersion(b.Version) == "1.2" && t.Model != "tpm-tis" {
				return unsupported("TPM 1.2 is not supported for model '%s'", t.Model)
			}
		}
	}
	lacks := t.Model == "tpm-tis" && !c.has("tpm-tis") && !c.has("tpm-tis-device")
	if lacks || (t.Model == "tpm-crb" || t.Model == "tpm-spapr" || t.Model == "spapr-tpm-proxy") && !c.has(t.Model) {
		return unsupported("The QEMU executable %s does not support TPM model %s", c.path, t.Model)
	}
	return nil
}

// tpmVersion is a version as written, or that which is meant.
func tpmVersion(version string) string {
	if version == "" || version == "default" {
		return "2.0"
	}
	return version
}

// hasTPM tells whether swtpm on this host emulates a version.
func (c *deviceCheck) hasTPM(version string) bool {
	return contains(c.t.QEMU.TPMVersions, tpmVersion(version))
}

// checkTPMCount refuses more TPMs than a guest can have.
func checkTPMCount(d *xml.Domain) error {
	single, proxy := 0, 0
	for i := range d.Devices.TPMs {
		if d.Devices.TPMs[i].Model == "spapr-tpm-proxy" {
			proxy++
		} else {
			single++
		}
	}
	switch {
	case single > 1:
		return unsupported("only a single TPM non-proxy device is supported")
	case proxy > 1:
		return unsupported("only a single TPM Proxy device is supported")
	}
	return nil
}

func checkRedirdev(c *deviceCheck, r *xml.Redirdev) error {
	if !hasUSB(c.d) {
		return errNoUSB()
	}
	return checkSource(&r.CharSource, c.t, true)
}

func checkQEMURedirdev(c *deviceCheck, r *xml.Redirdev) error {
	return checkChardev(c.d, &r.CharSource)
}

func errNoUSB() error {
	return unsupported("cannot add redirected USB device: USB is disabled for this domain")
}

// hasUSB tells whether the guest has a USB controller.
func hasUSB(d *xml.Domain) bool {
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "usb" && c.Model != "none" {
			return true
		}
	}
	return false
}

func checkIOMMU(c *deviceCheck, v *xml.IOMMU) error {
	if v.Address != nil && v.Model != "virtio" {
		return xml.Errorf(xml.CodeXML, "iommu model '%s' can't have address", v.Model)
	}
	if v.Model != "intel" && v.Driver != nil && *v.Driver != (xml.IOMMUDriver{}) {
		return xml.Errorf(xml.CodeXML, "iommu model '%s' doesn't support additional attributes", v.Model)
	}
	if dr := v.Driver; dr != nil && v.Model == "intel" {
		split := c.d.Features != nil && c.d.Features.IOAPIC != nil && c.d.Features.IOAPIC.Driver == "qemu"
		if dr.IntRemap == "on" && !split {
			return unsupported("IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')")
		}
		if dr.EIM == "on" && dr.IntRemap != "on" {
			return unsupported("IOMMU eim requires interrupt remapping to be enabled")
		}
	}
	return nil
}

func checkQEMUIOMMU(c *deviceCheck, v *xml.IOMMU) error {
	d := c.d
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
		if d.Features == nil || !d.Features.ACPI {
			return unsupported("IOMMU device: 'virtio' requires ACPI")
		}
		if v.Address != nil && v.Address.Type != "pci" {
			return unsupported("IOMMU device: 'virtio' needs a PCI address")
		}
	}
	return nil
}

func checkVsock(c *deviceCheck, v *xml.Vsock) error {
	if v.CID != nil && v.CID.Address > 0 && v.CID.Address < 3 {
		return unsupported("guest CIDs must be >= 3")
	}
	if dr := v.Driver; dr != nil && (v.Model == "" || v.Model == "default") {
		return noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ)
	}
	return nil
}

func checkQEMUCrypto(c *deviceCheck, v *xml.Crypto) error {
	if b := v.Backend; b != nil && b.Model == "lkcf" && !c.has("cryptodev-backend-lkcf") {
		return unsupported("crypto backend lkcf is not supported")
	}
	return nil
}

func checkPStore(c *deviceCheck, p *xml.PStore) error {
	if p.Path == "" {
		return xml.Errorf(xml.CodeXML, "missing path for ACPI ERST pstore device")
	}
	if p.Size < 4 || p.Size&(p.Size-1) != 0 {
		return xml.Errorf(xml.CodeXML, "invalid size of ACPI ERST pstore device")
	}
	return nil
}

func checkQEMUPStore(c *deviceCheck, p *xml.PStore) error {
	if !isX86(c.d) && !c.has("acpi-erst") {
		return unsupported("acpi-erst backend of pstore device is not supported")
	}
	if p.Address != nil && p.Address.Type != "pci" {
		return unsupported("ACPI ERST device must reside on a PCI bus")
	}
	return nil
}
