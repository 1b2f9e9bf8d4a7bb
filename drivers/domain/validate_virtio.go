package domain

import (
	"strings"

	"virgo/xml"
)

// checkCommon checks what devices of all kinds have: addresses that only host
// devices may have, and switches that only virtio devices know.
func checkCommon(d *xml.Domain) error {
	var err error
	eachDevice(d, func(v deviceView) {
		if a := *v.addr; err == nil && a != nil && a.Type == "unassigned" && v.kind != "hostdev" {
			err = unsupported("address of type 'unassigned' is supported only for hostdevs")
		}
		if err == nil {
			err = checkSwitches(v)
		}
	})
	return err
}

// virtioSwitches are the switches as written.
type virtioSwitches struct{ iommu, ats, packed, perQueue xml.OnOff }

// checkSwitches refuses virtio's switches of devices that are not virtio.
func checkSwitches(v deviceView) error {
	var s virtioSwitches
	virtio := true
	switch c := v.v.(type) {
	case *xml.Video:
		if dr := c.Driver; dr != nil {
			s = virtioSwitches{dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ}
		}
		virtio = c.Model != nil && c.Model.Type == "virtio"
	case *xml.Vsock:
		if dr := c.Driver; dr != nil {
			s = virtioSwitches{dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ}
		}
		virtio = c.Model != "" && c.Model != "default"
	case *xml.Interface:
		if dr := c.Driver; dr != nil {
			s = virtioSwitches{dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ}
		}
		virtio = c.Model != nil && strings.HasPrefix(c.Model.Type, "virtio")
	}
	if virtio {
		return nil
	}
	for _, o := range []struct {
		set  bool
		name string
	}{{s.iommu != "", "iommu driver"}, {s.ats != "", "ats driver"}, {s.packed != "", "packed driver"}, {s.perQueue != "", "page_per_vq"}} {
		if o.set {
			return unsupported("%s option is only supported for virtio devices", o.name)
		}
	}
	return nil
}

// checkVideo checks a graphics card by itself.
func checkVideo(v *xml.Video) error {
	m := v.Model
	if m == nil {
		return nil
	}
	vhost := v.Driver != nil && v.Driver.Name == "vhostuser"
	if vhost && m.Type != "virtio" {
		return unsupported("'vhostuser' driver is only supported with 'virtio' device")
	}
	if a := m.Acceleration; a != nil {
		if *a == (xml.VideoAccel{}) {
			return unsupported("missing values for acceleration")
		}
		if a.RenderNode != "" && !vhost {
			return unsupported("unsupported rendernode accel attribute without 'vhostuser'")
		}
	}
	if m.Blob != "" && m.Type != "virtio" {
		return unsupported("video type '%s' does not support blob resources", m.Type)
	}
	if r := m.Resolution; r != nil && (r.X == 0 || r.Y == 0) {
		return unsupported("video resolution values must be greater than 0")
	}
	return nil
}

// checkSmall checks devices of which little can be said.
func checkSmall(d *xml.Domain) error {
	dev := &d.Devices
	for i := range dev.Smartcards {
		if a := dev.Smartcards[i].Address; a != nil && a.Type != "ccid" {
			return unsupported("Controllers must use the 'ccid' address type")
		}
	}
	for i := range dev.Sounds {
		if a := dev.Sounds[i].Audio; a != nil && !hasAudio(d, a.ID) {
			return xml.Errorf(xml.CodeXML, "no audio device with ID %d", a.ID)
		}
	}
	for i := range dev.Inputs {
		if in := &dev.Inputs[i]; in.Model != "" && in.Bus != "virtio" {
			return unsupported("only bus 'virtio' is supported for input model '%s'", in.Model)
		}
	}
	for i := range dev.Shmems {
		if s := &dev.Shmems[i]; s.MSI != nil && s.Server == nil {
			return xml.Errorf(xml.CodeXML, "msi option is only supported with a server")
		}
	}
	if v := dev.IOMMU; v != nil && v.Address != nil && v.Model != "virtio" {
		return xml.Errorf(xml.CodeXML, "iommu model '%s' can't have address", v.Model)
	}
	if p := dev.PStore; p != nil && p.Path == "" {
		return xml.Errorf(xml.CodeXML, "missing path for ACPI ERST pstore device")
	}
	for i := range dev.TPMs {
		if err := checkTPM(dev.TPMs[i].Backend); err != nil {
			return err
		}
	}
	if v := dev.Vsock; v != nil && v.CID != nil && (v.CID.Auto == "no" || v.CID.Address > 0) && v.CID.Address < 3 {
		return unsupported("guest CIDs must be >= 3")
	}
	for i := range dev.Audios {
		for _, s := range []*xml.AudioSide{dev.Audios[i].Input, dev.Audios[i].Output} {
			if s != nil && s.FixedSettings == "yes" && s.MixingEngine != "yes" {
				return unsupported("fixed audio settings requires mixing engine")
			}
		}
	}
	for i := range dev.Filesystems {
		if f := &dev.Filesystems[i]; f.Boot != nil && (f.Driver == nil || f.Driver.Type != "virtiofs") {
			return unsupported("boot order is only supported for virtiofs")
		}
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

func checkTPM(b *xml.TPMBackend) error {
	if b == nil || b.Type != "emulator" {
		return nil
	}
	if b.Version != "2.0" && b.PCRBanks != nil {
		return xml.Errorf(xml.CodeXML, "<active_pcr_banks/> requires TPM version '2.0'")
	}
	if b.Version != "2.0" && b.Profile != nil && *b.Profile != (xml.TPMProfile{}) {
		return xml.Errorf(xml.CodeXML, "<profile/> requires TPM version '2.0'")
	}
	return nil
}
