package qemu

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// What a guest gets over the monitor before it runs.

// policies are the kernel's numbers of schedulers.
var policies = map[string]uint32{"other": 0, "fifo": 1, "rr": 2, "batch": 3, "idle": 5}

// scheduleAll gives the guest's threads the schedulers that its definition says.
func scheduleAll(ctx context.Context, q *qmp.Conn, pid int, dom *xml.Domain) error {
	t := dom.CPUTune
	if t == nil || t.EmulatorSched == nil && len(t.VCPUScheds) == 0 && len(t.IOThreadScheds) == 0 {
		return nil
	}
	if s := t.EmulatorSched; s != nil {
		if err := schedule(pid, s.Scheduler, s.Priority); err != nil {
			return err
		}
	}
	if len(t.VCPUScheds) > 0 {
		list, err := vcpuThreads(ctx, q)
		if err != nil {
			return err
		}
		for _, s := range t.VCPUScheds {
			for _, v := range list {
				if s.VCPUs.Set().Has(v.Index) {
					if err := schedule(v.Thread, s.Scheduler, s.Priority); err != nil {
						return err
					}
				}
			}
		}
	}
	if len(t.IOThreadScheds) == 0 {
		return nil
	}
	list, err := ioThreads(ctx, q)
	if err != nil {
		return err
	}
	for _, s := range t.IOThreadScheds {
		for _, i := range list {
			if s.IOThreads.Set().Has(i.number()) {
				if err := schedule(i.Thread, s.Scheduler, s.Priority); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// schedule gives a thread a scheduler.
func schedule(tid int, name string, priority *int) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policies[name]}
	if priority != nil && (name == "fifo" || name == "rr") {
		attr.Priority = uint32(*priority)
	}
	if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
		return xml.Errorf(xml.CodeSystem, "Cannot set scheduler parameters for pid %d: %s", tid, drivers.SystemText(err))
	}
	return nil
}

// memoryPlace is what QEMU tells of a memory device.
type memoryPlace struct {
	Data struct {
		ID   string
		Slot uint
		Addr uint64
		// Of virtio devices.
		Memaddr uint64
		Size    uint64
	}
}

// note puts the place into a device's document.
func (p memoryPlace) note(m *xml.MemoryDevice) {
	if p.Data.ID != aliasOf(m.Alias) {
		return
	}
	switch m.Model {
	case "dimm", "nvdimm":
		if m.Address == nil || m.Address.Base == nil {
			base := p.Data.Addr
			m.Address = &xml.Address{Type: "dimm", Slot: p.Data.Slot, Base: &base}
		}
	case "virtio-mem", "virtio-pmem":
		if m.Target.Address == nil {
			m.Target.Address = &xml.MemoryAddress{Base: p.Data.Memaddr}
		}
		if m.Model == "virtio-mem" {
			now := xml.KiB(p.Data.Size / 1024)
			m.Target.Current = &now
		}
	}
}

// fillMemory notes where QEMU has put the memory devices, and how much memory the
// guest has to begin with: devices that it has not taken yet do not count.
func fillMemory(ctx context.Context, q *qmp.Conn, dom *xml.Domain) error {
	if len(dom.Devices.Memories) == 0 {
		return nil
	}
	var list []memoryPlace
	if err := q.Execute(ctx, "query-memory-devices", nil, &list); err != nil {
		return refusal("query-memory-devices", err)
	}
	for i := range dom.Devices.Memories {
		for _, p := range list {
			p.note(&dom.Devices.Memories[i])
		}
	}
	var balloon struct{ Actual uint64 }
	if q.Execute(ctx, "query-balloon", nil, &balloon) == nil && balloon.Actual > 0 {
		dom.CurrentMem = xml.KiB(balloon.Actual / 1024)
	}
	return nil
}

// passwords gives a display its password, and tells until when it holds.
func (g *guest) passwords(ctx context.Context, v *xml.Graphics) error {
	if v.Passwd == "" || v.Type != "vnc" && v.Type != "spice" {
		return nil
	}
	for _, s := range passwordSteps(v) {
		if _, err := g.runStep(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// lockedMemory is how much memory QEMU must be able to lock, in bytes, 0 for none:
// all of a guest's whose memory is locked, what devices of the host reach, and no
// more than the hard limit that its definition sets.
func lockedMemory(dom *xml.Domain) uint64 {
	if t := dom.MemTune; t != nil && t.HardLimit != nil {
		return uint64(*t.HardLimit) * 1024
	}
	if dom.Backing != nil && dom.Backing.Locked {
		return unix.RLIM_INFINITY
	}
	direct := slices.ContainsFunc(dom.Devices.Hostdevs, func(h xml.Hostdev) bool { return h.Type == "pci" }) ||
		slices.ContainsFunc(dom.Devices.Interfaces, func(n xml.Interface) bool { return n.Type == "vdpa" })
	if direct {
		return dom.Memory.KiB*1024 + 1<<30 // and what QEMU maps for itself
	}
	return 0
}

// limits sets what QEMU inherits from the watcher. A host that does not let them be
// raised may do without; QEMU tells if it cannot.
func (st *startConfig) limits() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	if st.Locked > 0 {
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: st.Locked, Max: st.Locked})
	}
}
