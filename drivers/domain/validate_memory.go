package domain

import "virgo/xml"

// checkMemories refuses memory devices that the guest has no room for.
func checkMemories(d *xml.Domain) error {
	if d.MaxMemory == nil && len(d.Devices.Memories) > 0 {
		return unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined")
	}
	slots := uint(0)
	for i := range d.Devices.Memories {
		if m := d.Devices.Memories[i].Model; m == "dimm" || m == "nvdimm" {
			slots++
		}
	}
	if d.MaxMemory != nil && slots > d.MaxMemory.Slots {
		return unsupported("count of memory devices requiring memory slots '%d' exceeds slots count '%d'", slots, d.MaxMemory.Slots)
	}
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		kind := ""
		if m.Address != nil {
			kind = m.Address.Type
		}
		switch {
		case m.Target == nil:
		case m.Model == "virtio-pmem" && kind != "" && kind != "pci":
			return unsupported("only 'pci' addresses are supported for the %s device", m.Model)
		case m.Model == "virtio-mem" && kind != "" && kind != "pci" && kind != "ccw":
			return unsupported("only 'pci' and 'ccw' addresses are supported for the %s device", m.Model)
		case m.Target.Node == nil && m.Model != "virtio-pmem" && m.Model != "sgx-epc" && d.CPU != nil && d.CPU.NUMA != nil && len(d.CPU.NUMA.Cells) > 0:
			return unsupported("target NUMA node needs to be specified for memory device")
		}
	}
	return nil
}

// readNVDIMMs checks NVDIMMs' UUIDs and labels when they have been read.
func readNVDIMMs(d *xml.Domain) error {
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		if m.Model != "nvdimm" || m.Target == nil {
			continue
		}
		if m.UUID != "" {
			id, ok := xml.ParseUUID(m.UUID)
			if !ok {
				return xml.Errorf(xml.CodeInternal, "malformed uuid element")
			}
			m.UUID = id
		}
		label := xml.KiB(0)
		if l := m.Target.Label; l != nil {
			label = l.Size
		}
		switch {
		case label > 0 && label < 128:
			return xml.Errorf(xml.CodeXML, "nvdimm label must be at least 128KiB")
		case label >= m.Target.Size:
			return xml.Errorf(xml.CodeXML, "label size must be smaller than NVDIMM size")
		}
	}
	return nil
}

// checkMemory checks a memory device against the guest's nodes and the others.
func checkMemory(c *deviceCheck, m *xml.MemoryDevice) error {
	d, t := c.d, m.Target
	if t == nil {
		return nil
	}
	cells := 0
	if d.CPU != nil && d.CPU.NUMA != nil {
		cells = len(d.CPU.NUMA.Cells)
	}
	if n := t.Node; n != nil && cells == 0 {
		return xml.Errorf(xml.CodePlain, "can't add memory backend as guest has no NUMA nodes configured")
	}
	if n := t.Node; n != nil && int(*n) >= cells {
		return xml.Errorf(xml.CodePlain, "can't add memory backend for guest node '%d' as the guest has only '%d' NUMA nodes configured", *n, cells)
	}
	if (m.Model == "nvdimm" || m.Model == "virtio-pmem") && (m.Source == nil || m.Source.Path == "") {
		return xml.Errorf(xml.CodePlain, "path is required for model '%s'", m.Model)
	}
	if err := checkMemoryDevice(d, m); err != nil {
		return err
	}
	return memoryApart(d, m)
}

// memoryApart refuses a memory device in the slot, or in the place, of another.
func memoryApart(d *xml.Domain, m *xml.MemoryDevice) error {
	a := m.Address
	base := memoryBase(m)
	end := base + guestSize(m)
	for i := range d.Devices.Memories {
		o := &d.Devices.Memories[i]
		if o == m || o.Target == nil {
			continue
		}
		if a != nil && o.Address != nil && a.Type == "dimm" && o.Address.Type == "dimm" && a.Slot == o.Address.Slot {
			return unsupported("memory device slot '%d' is already being used by another memory device", a.Slot)
		}
		if b := memoryBase(o); base > 0 && b > 0 && b < end && base < b+guestSize(o) {
			return unsupported("memory device address [0x%x:0x%x] overlaps with other memory device (0x%x)", base, end, b)
		}
	}
	return nil
}

// guestSize is how much of a memory device the guest sees, in bytes: an NVDIMM's label
// lies outside of it, and what remains is whole pieces.
func guestSize(m *xml.MemoryDevice) uint64 {
	size := uint64(m.Target.Size)
	if l := m.Target.Label; m.Model == "nvdimm" && l != nil {
		size -= min(size, uint64(l.Size))
	}
	if s := m.Source; s != nil && s.AlignSize > 0 {
		size -= size % uint64(s.AlignSize)
	}
	return size * 1024
}

// memoryBase is where a memory device begins in the guest, 0 if it is not said.
func memoryBase(m *xml.MemoryDevice) uint64 {
	switch {
	case m.Address != nil && m.Address.Type == "dimm" && m.Address.Base != nil:
		return *m.Address.Base
	case m.Target.Address != nil:
		return m.Target.Address.Base
	}
	return 0
}

// checkMemoryDevice checks a memory device by itself.
func checkMemoryDevice(d *xml.Domain, m *xml.MemoryDevice) error {
	t := m.Target
	if t == nil {
		return nil
	}
	switch m.Model {
	case "nvdimm":
		if m.Discard == "yes" {
			return unsupported("discard is not supported for nvdimms")
		}
		if m.UUID != "" && !isPSeries(d) {
			return unsupported("UUID is not supported for NVDIMM device")
		}
		if t.Label == nil && isPSeries(d) {
			return unsupported("label size is required for NVDIMM device")
		}
	case "virtio-pmem":
		if m.Discard == "yes" {
			return unsupported("discard is not supported for model '%s'", m.Model)
		}
		if m.Access != "" && m.Access != "shared" {
			return unsupported("shared access mode required for virtio-pmem device")
		}
		if t.Node != nil {
			return unsupported("virtio-pmem does not support NUMA nodes")
		}
		if t.Address != nil && t.Address.Base%4096 != 0 {
			return unsupported("memory address must be aligned to 4096 bytes")
		}
	case "sgx-epc":
		if m.Address != nil {
			return unsupported("memory device address is not supported for model 'sgx-epc'")
		}
	case "virtio-mem":
		return checkVirtioMem(t)
	}
	return nil
}

// smallestBlock is the least that virtio-mem plugs at once, a huge page of x86.
const smallestBlock = 2048

func checkVirtioMem(t *xml.MemoryTarget) error {
	plain := func(format string, args ...any) error { return xml.Errorf(xml.CodePlain, format, args...) }
	requested := xml.KiB(0)
	if t.Requested != nil {
		requested = *t.Requested
	}
	switch {
	case requested > t.Size:
		return plain("requested size must be smaller than or equal to @size (%dKiB)", t.Size)
	case t.Block == 0 || t.Block&(t.Block-1) != 0:
		return plain("block size must be a power of two")
	case t.Block < smallestBlock:
		return plain("block size too small, must be at least %dKiB", smallestBlock)
	case requested%t.Block != 0:
		return plain("requested size must be an integer multiple of block size")
	case t.Address != nil && t.Address.Base%(uint64(t.Block)*1024) != 0:
		return plain("memory device address must be aligned to blocksize")
	}
	return nil
}

// memoryDevices are what QEMU calls the models, on PCI or s390's channels.
var memoryDevices = [][3]string{{"dimm", "pc-dimm", "memory hotplug"}, {"nvdimm", "nvdimm", "nvdimm"}, {"virtio-pmem", "virtio-pmem-pci", "virtio-pmem"},
	{"virtio-mem", "virtio-mem-pci", "virtio-mem"}, {"sgx-epc", "", "sgx epc"}}

// checkQEMUMemory checks what QEMU can plug.
func checkQEMUMemory(c *deviceCheck, m *xml.MemoryDevice) error {
	has := c.has
	if m.Target == nil {
		return nil
	}
	for _, v := range memoryDevices {
		if v[0] == m.Model && (v[1] == "" || !has(v[1]) && !(m.Model == "virtio-mem" && has("virtio-mem-ccw"))) {
			return unsupported("%s isn't supported by this QEMU binary", v[2])
		}
	}
	return nil
}
