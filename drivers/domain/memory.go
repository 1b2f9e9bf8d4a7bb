package domain

import "virgo/xml"

// memory completes the amounts of memory.
func memory(d *xml.Domain, t *Traits) error {
	cells := uint64(0)
	if d.CPU != nil && d.CPU.NUMA != nil {
		for i := range d.CPU.NUMA.Cells {
			cells += d.CPU.NUMA.Cells[i].Memory
		}
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
		plugged += memoryDeviceSize(&d.Devices.Memories[i])
	}
	if d.Memory.KiB <= plugged {
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
