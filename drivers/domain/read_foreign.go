package domain

import (
	"fmt"
	"strconv"

	"virgo/xml"
)

// memoryForeign keeps what the model of memory has.
func memoryForeign(m *xml.MemoryDevice) {
	t := m.Target
	if t == nil {
		return
	}
	t.Current = nil // which only a guest that runs has
	if m.Model != "virtio-mem" {
		t.DynamicMemslots, t.Block, t.Requested = "", 0, nil
	}
	if m.Model != "nvdimm" {
		t.Readonly, t.Label = false, nil
	}
	if m.Model != "virtio-mem" && m.Model != "virtio-pmem" {
		t.Address = nil
	}
	if m.Model == "virtio-mem" || m.Model == "sgx-epc" {
		m.UUID = ""
	}
	s := m.Source
	if s == nil {
		return
	}
	switch m.Model {
	case "dimm", "virtio-mem":
		*s = xml.MemorySource{NodeMask: s.NodeMask, PageSize: s.PageSize}
	case "nvdimm":
		*s = xml.MemorySource{Path: s.Path, AlignSize: s.AlignSize, PMem: s.PMem}
	case "virtio-pmem":
		*s = xml.MemorySource{Path: s.Path}
	case "sgx-epc":
		*s = xml.MemorySource{NodeMask: s.NodeMask}
	}
	if *s == (xml.MemorySource{}) {
		m.Source = nil
	}
}

// hostdevForeign keeps what names a device of the type.
func hostdevForeign(h *xml.Hostdev) {
	s := h.Source
	if s == nil {
		return
	}
	var keep xml.HostdevSource
	switch {
	case h.Mode == "capabilities":
		keep.Block, keep.Char, keep.Interface = s.Block, s.Char, s.Interface
	case h.Type == "usb":
		keep.StartupPolicy, keep.GuestReset, keep.Vendor, keep.Product, keep.Address = s.StartupPolicy, s.GuestReset, s.Vendor, s.Product, s.Address
	case h.Type == "pci":
		keep.StartupPolicy, keep.WriteFiltering, keep.Address = s.StartupPolicy, s.WriteFiltering, s.Address
	case h.Type == "scsi" && s.Protocol == "iscsi":
		keep.Protocol, keep.Name, keep.Hosts, keep.Auth, keep.Initiator = s.Protocol, s.Name, s.Hosts, s.Auth, s.Initiator
	case h.Type == "scsi":
		keep.Adapter, keep.Address = s.Adapter, s.Address
	case h.Type == "scsi_host":
		keep.Protocol, keep.WWPN = s.Protocol, s.WWPN
	case h.Type == "mdev":
		keep.Address = s.Address
	default:
		return
	}
	*s = keep
	if h.Mode == "capabilities" {
		return
	}
	hostAddress(h.Type, s)
}

// hostAddress keeps what an address on the host has, as it is printed.
func hostAddress(kind string, s *xml.HostdevSource) {
	if kind == "pci" && s.Address == nil {
		s.Address = &xml.HostAddress{}
	}
	a := s.Address
	if a == nil {
		return
	}
	switch kind {
	case "pci":
		*a = xml.HostAddress{Domain: a.Domain, Bus: a.Bus, Slot: a.Slot, Function: a.Function}
		if n, err := strconv.ParseUint(a.Bus, 10, 8); err == nil {
			a.Bus = fmt.Sprintf("0x%02x", n)
		}
	case "usb":
		*a = xml.HostAddress{Bus: a.Bus, Device: a.Device, Port: a.Port}
	case "scsi":
		*a = xml.HostAddress{Bus: a.Bus, Target: a.Target, Unit: a.Unit}
	case "mdev":
		u, _ := xml.ParseUUID(a.UUID)
		*a = xml.HostAddress{UUID: u}
	}
}
