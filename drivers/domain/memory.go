package domain

import (
	"virgo/drivers"
	"virgo/xml"
)

// memory completes the amounts of memory.
func memory(d *xml.Domain, t *Traits) error {
	if t.QEMU != nil {
		if err := qemuMemory(d, t.QEMU); err != nil {
			return err
		}
	}
	cells := uint64(0)
	if d.CPU != nil && d.CPU.NUMA != nil {
		for i := range d.CPU.NUMA.Cells {
			cells += d.CPU.NUMA.Cells[i].Memory
		}
	}
	if m := d.MaxMemory; m != nil && m.KiB == 0 && m.Slots > 0 {
		return xml.Errorf(xml.CodeXML, "maximum memory size must be specified when specifying number of memory slots")
	}
	if d.Memory == nil {
		d.Memory = &xml.MemorySize{Unit: "KiB"}
	}
	if cells > 0 && (t.QEMU != nil || d.Memory.KiB == 0) {
		d.Memory.KiB = cells
		for i := range d.Devices.Memories {
			d.Memory.KiB += memoryDeviceSize(&d.Devices.Memories[i])
		}
	}
	plugged := uint64(0)
	for i := range d.Devices.Memories {
		if m := &d.Devices.Memories[i]; m.Model == "virtio-mem" && m.Target != nil && m.Target.Requested == nil {
			m.Target.Requested = ptr(xml.KiB(0))
		}
		plugged += memoryDeviceSize(&d.Devices.Memories[i])
	}
	if plugged > d.Memory.KiB {
		return xml.Errorf(xml.CodeXML, "Total size of memory devices exceeds the total memory size")
	}
	if d.Memory.KiB == plugged {
		return xml.Errorf(xml.CodeXML, "Memory size must be specified via <memory> or in the <numa> configuration")
	}
	if d.CurrentMem == 0 || uint64(d.CurrentMem) > d.Memory.KiB {
		d.CurrentMem = xml.KiB(d.Memory.KiB)
	}
	if m := d.MaxMemory; m != nil {
		if m.KiB < d.Memory.KiB {
			return xml.Errorf(xml.CodeXML, "maximum memory size must be equal or greater than the actual memory size")
		}
	}
	return nil
}

func memoryDeviceSize(m *xml.MemoryDevice) uint64 {
	if m.Target == nil {
		return 0
	}
	return uint64(m.Target.Size)
}

// qemuMemory settles the CPU, whose cells hold the memory, and the devices that
// add to it.
func qemuMemory(d *xml.Domain, q *QEMU) error {
	e, err := q.find(d)
	if err != nil {
		return err
	}
	qemuCPU(d, e)
	if d.CPU != nil {
		PlugCell(d)
	}
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		if m.Target == nil {
			continue
		}
		if isPSeries(d) && m.Model == "nvdimm" && m.UUID == "" {
			m.UUID = drivers.NewUUID()
		}
		if isPPC64(d) && (m.Model == "dimm" || m.Model == "nvdimm") {
			powerSize(m)
		}
	}
	return nil
}

// PlugCell makes a cell where memory can be plugged, plugs the devices into it that
// name none, and gives the first cell the CPUs that are in none. A definition that says nothing of its CPU gets the cell when
// the guest is started.
func PlugCell(d *xml.Domain) {
	plugCell(d)
	qemuNUMA(d)
}

func plugCell(d *xml.Domain) {
	if d.MaxMemory == nil || d.Memory == nil || isS390(d) || d.CPU != nil && d.CPU.NUMA != nil && len(d.CPU.NUMA.Cells) > 0 {
		return
	}
	if d.CPU == nil {
		d.CPU = &xml.CPU{}
	}
	size := d.Memory.KiB
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		size -= min(size, memoryDeviceSize(m))
		if m.Target != nil && m.Target.Node == nil && m.Model != "virtio-pmem" && m.Model != "sgx-epc" {
			m.Target.Node = ptr(uint(0))
		}
	}
	d.CPU.NUMA = &xml.CPUNUMA{Cells: []xml.NUMACell{{Memory: size, Unit: "KiB"}}}
}

// powerSize rounds the size of a memory device to what POWER plugs: pieces of
// 256 MiB, beside the label. Where there is a label the size cannot grow.
func powerSize(m *xml.MemoryDevice) {
	const piece = 256 << 10
	size, label := uint64(m.Target.Size), uint64(0)
	if m.Model == "nvdimm" && m.Target.Label != nil {
		label = uint64(m.Target.Label.Size)
	}
	if m.Model == "nvdimm" {
		size = max((size-min(size, label))/piece*piece, piece)
	} else {
		size = (size + piece - 1) / piece * piece
	}
	m.Target.Size = xml.KiB(size + label)
}

// dimmSlots numbers memory devices.
func dimmSlots(d *xml.Domain) error {
	taken := map[uint]bool{}
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		if m.Model != "dimm" && m.Model != "nvdimm" {
			continue
		}
		if a := m.Address; a != nil && a.Type != "dimm" {
			m.Address = nil
		}
		a := m.Address
		if a == nil {
			continue
		}
		if d.MaxMemory != nil && a.Slot >= d.MaxMemory.Slots {
			return unsupported("memory device slot '%d' exceeds slots count '%d'", a.Slot, d.MaxMemory.Slots)
		}
		taken[a.Slot] = true
	}
	for i := range d.Devices.Memories {
		m := &d.Devices.Memories[i]
		if m.Address != nil || m.Model != "dimm" && m.Model != "nvdimm" {
			continue
		}
		slot := uint(0)
		for taken[slot] {
			slot++
		}
		if d.MaxMemory != nil && slot >= d.MaxMemory.Slots {
			return xml.Errorf(xml.CodeInternal, "failed to find an empty memory slot")
		}
		taken[slot] = true
		m.Address = &xml.Address{Type: "dimm", Slot: slot}
	}
	return nil
}
