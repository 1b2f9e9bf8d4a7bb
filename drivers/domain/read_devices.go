package domain

import "virgo/xml"

// dropForeign drops what only devices of another kind or type have, as reading
// does.
func dropForeign(d *xml.Domain) error {
	dev := &d.Devices
	for i := range dev.Sounds {
		s := &dev.Sounds[i]
		if s.Model != "virtio" {
			s.Driver, s.Streams = nil, 0
		}
		if s.Model != "usb" {
			s.MultiChannel = ""
		}
		if s.Model != "ich6" && s.Model != "ich9" {
			s.Codecs = nil
		}
	}
	for i := range dev.Hostdevs {
		h := &dev.Hostdevs[i]
		if h.Mode == "capabilities" || h.Type != "scsi" {
			h.Readonly, h.Shareable = false, false
		}
		if err := readBoot(h.Boot); err != nil {
			return err
		}
	}
	for i := range dev.TPMs {
		b := dev.TPMs[i].Backend
		if b == nil {
			continue
		}
		if b.Type != "emulator" {
			b.Version, b.PersistentState, b.Profile = "", "", nil
		}
		if b.Type == "external" && b.Source == nil {
			return xml.Errorf(xml.CodeXML, "missing external TPM backend source type")
		}
		if b.PersistentState == "no" {
			b.PersistentState = ""
		}
	}
	for i := range dev.Shmems {
		s := &dev.Shmems[i]
		if s.Model == nil {
			s.Model = &xml.ShmemModel{Type: "ivshmem"}
		}
		if s.Size != nil && *s.Size == 0 {
			s.Size = nil
		}
	}
	if m := dev.Memballoon; m != nil && m.Model == "none" {
		m.Alias, m.ACPI, m.Address = nil, nil, nil
	}
	for i := range dev.Memories {
		m := &dev.Memories[i]
		if s := m.Source; s != nil && m.Model == "dimm" {
			s.Path, s.AlignSize, s.PMem = "", 0, false
			if *s == (xml.MemorySource{}) {
				m.Source = nil
			}
		}
	}
	return nil
}
