package qemu

import "virgo/xml"

// A memory device counts in what a domain has and uses.

// deviceSize is the memory of a device in KiB, 0 for devices of other kinds.
func deviceSize(v any) uint64 {
	if m, ok := v.(*xml.MemoryDevice); ok && m.Target != nil {
		return uint64(m.Target.Size)
	}
	return 0
}

// takesAtOnce tells whether a guest uses all of a device as soon as it has it.
func takesAtOnce(v any) bool {
	m, ok := v.(*xml.MemoryDevice)
	return ok && (m.Model == "dimm" || m.Model == "nvdimm")
}

// useMore adds to what a domain uses of its memory.
func useMore(d *xml.Domain, kib uint64) { d.CurrentMem += xml.KiB(kib) }

// useLess takes it away again.
func useLess(d *xml.Domain, kib uint64) { d.CurrentMem -= min(d.CurrentMem, xml.KiB(kib)) }

// countDevice adds a device that came to a running guest.
func countDevice(d *xml.Domain, v any) {
	size := deviceSize(v)
	if size == 0 {
		return
	}
	d.Memory.KiB += size
	if takesAtOnce(v) {
		useMore(d, size)
	}
}

// discountDevice takes away one that went.
func discountDevice(d *xml.Domain, v any) {
	size := deviceSize(v)
	if size == 0 {
		return
	}
	d.Memory.KiB -= min(d.Memory.KiB, size)
	if takesAtOnce(v) {
		useLess(d, size)
	}
}
