package qemu

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// vcpuThread is a virtual CPU of a running guest.
type vcpuThread struct {
	Index  int `json:"cpu-index"`
	Thread int `json:"thread-id"`
}

func vcpuThreads(ctx context.Context, q *qmp.Conn) ([]vcpuThread, error) {
	var list []vcpuThread
	err := refusal("query-cpus-fast", q.Execute(ctx, "query-cpus-fast", nil, &list))
	slices.SortFunc(list, func(a, b vcpuThread) int { return a.Index - b.Index })
	return list, err
}

// VCPUs tells about each vCPU of a running guest.
func (d *domains) VCPUs(ctx context.Context, r drivers.Ref) ([]drivers.VCPU, error) {
	s, running := d.touch(ctx, r.Name)
	if !running {
		return nil, notRunning()
	}
	var out []drivers.VCPU
	err := d.asked(ctx, r, func(q *qmp.Conn) error {
		list, err := vcpuThreads(ctx, q)
		for _, t := range list {
			u := useOf(filepath.Join(procOf(s.QEMU.PID), "task", strconv.Itoa(t.Thread), "stat"))
			out = append(out, drivers.VCPU{Number: t.Index, CPU: u.cpu, State: "running", Affinity: affinity(t.Thread),
				Time: u.user + u.system, HasTime: u.user+u.system > 0})
		}
		return err
	})
	return out, err
}

func procOf(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }

// use is what the kernel says of a process or thread: the CPU that it was on
// last (-1 if unknown), and the time that it has used.
type use struct {
	cpu          int
	user, system time.Duration
}

// useOf reads a stat file below /proc.
func useOf(path string) use {
	f, err := drivers.StatFields(path)
	if err != nil || len(f) < 37 {
		return use{cpu: -1}
	}
	cpu, _ := strconv.Atoi(f[36])
	ticks := func(s string) time.Duration {
		n, _ := strconv.ParseInt(s, 10, 64)
		return time.Duration(n) * time.Second / 100
	}
	return use{cpu, ticks(f[11]), ticks(f[12])}
}

// hostCPUs is the number of CPUs that affinities are told of.
func hostCPUs() int {
	data, err := os.ReadFile("/sys/devices/system/cpu/present")
	if err == nil {
		if set, err := xml.ParseSet(strings.TrimSpace(string(data))); err == nil {
			return set.Last() + 1
		}
	}
	return 1
}

// affinity is where a thread may run.
func affinity(tid int) xml.Set {
	var set unix.CPUSet
	var out xml.Set
	if unix.SchedGetaffinity(tid, &set) == nil {
		for i := range hostCPUs() {
			if set.IsSet(i) {
				out.Add(i)
			}
		}
	}
	return out
}

// bind says where a thread may run.
func bind(tid int, cpus xml.Set) error {
	var set unix.CPUSet
	for i := 0; i <= cpus.Last(); i++ {
		if cpus.Has(i) {
			set.Set(i)
		}
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return xml.Errorf(xml.CodeSystem, "cannot set CPU affinity on process %d: %s", tid, drivers.SystemText(err))
	}
	return nil
}

// placed is where a definition lets threads run: their own place, else that of
// all vCPUs, else anywhere.
func placed(dom *xml.Domain, own xml.CPUSet) xml.Set {
	switch {
	case own != "":
		return own.Set()
	case dom.VCPU.CPUSet != "":
		return dom.VCPU.CPUSet.Set()
	}
	var all xml.Set
	for i := range hostCPUs() {
		all.Add(i)
	}
	return all
}

// vcpuPlace is where a definition lets a vCPU run.
func vcpuPlace(dom *xml.Domain, vcpu uint) xml.Set {
	if dom.CPUTune != nil {
		for _, p := range dom.CPUTune.VCPUPins {
			if p.VCPU == vcpu {
				return placed(dom, p.CPUSet)
			}
		}
	}
	return placed(dom, "")
}

// emulatorPlace is where a definition lets the emulator's own threads run.
func emulatorPlace(dom *xml.Domain) xml.Set {
	if dom.CPUTune != nil && dom.CPUTune.EmulatorPin != nil {
		return placed(dom, dom.CPUTune.EmulatorPin.CPUSet)
	}
	return placed(dom, "")
}

// VCPUPins tells where each vCPU may run.
func (d *domains) VCPUPins(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]xml.Set, error) {
	if _, is := d.touch(ctx, r.Name); f.Has(drivers.Live) && !f.Has(drivers.Config) && !is {
		return nil, xml.Errorf(xml.CodePlain, "cannot get vcpupin for offline domain")
	}
	dom, err := d.one(ctx, r, f)
	if err != nil {
		return nil, err
	}
	out := make([]xml.Set, dom.VCPU.Count)
	for i := range out {
		out[i] = vcpuPlace(dom, uint(i))
	}
	return out, nil
}

// PinVCPU says where a vCPU may run.
func (d *domains) PinVCPU(ctx context.Context, r drivers.Ref, vcpu int, cpus xml.Set, f drivers.Flags) error {
	edit := func(dom *xml.Domain) error {
		if vcpu >= int(dom.VCPU.Count) {
			return xml.Errorf(xml.CodeInvalidArg, "vcpu %d is out of range of %s cpu count %d", vcpu, formOf(dom), vcpus(dom))
		}
		domain.PinVCPU(dom, uint(vcpu), cpus)
		return nil
	}
	return d.alter(ctx, r, running(f), edit, func(*xml.Domain) error {
		return d.pinned(r, "vcpupin"+strconv.Itoa(vcpu), cpus, d.asked(ctx, r, func(q *qmp.Conn) error {
			list, err := vcpuThreads(ctx, q)
			for _, t := range list {
				if err == nil && t.Index == vcpu {
					err = bind(t.Thread, cpus)
				}
			}
			return err
		}))
	})
}

// EmulatorPin tells where the emulator's own threads may run.
func (d *domains) EmulatorPin(ctx context.Context, r drivers.Ref, f drivers.Flags) (xml.Set, error) {
	dom, err := d.one(ctx, r, f)
	if err != nil {
		return nil, err
	}
	return emulatorPlace(dom), nil
}

// PinEmulator says where the emulator's own threads may run.
func (d *domains) PinEmulator(ctx context.Context, r drivers.Ref, cpus xml.Set, f drivers.Flags) error {
	edit := func(dom *xml.Domain) error {
		domain.PinEmulator(dom, cpus)
		return nil
	}
	return d.alter(ctx, r, running(f), edit, func(*xml.Domain) error {
		s, err := readStatus(d.layout.guest(r.Name))
		if err != nil {
			return err
		}
		return d.pinned(r, "emulatorpin", cpus, d.asked(ctx, r, func(q *qmp.Conn) error { return bindEmulator(ctx, q, s.QEMU.PID, cpus) }))
	})
}

// pinned notes that a thread has another place, if it has.
func (d *domains) pinned(r drivers.Ref, what string, cpus xml.Set, err error) error {
	if err == nil {
		d.happened(r, "tunable", "\n\tcputune."+what+": "+cpus.String())
	}
	return err
}

// bindEmulator binds all threads of QEMU that are neither vCPUs nor IO threads.
func bindEmulator(ctx context.Context, q *qmp.Conn, pid int, cpus xml.Set) error {
	list, err := vcpuThreads(ctx, q)
	if err != nil {
		return err
	}
	others := map[int]bool{}
	for _, t := range list {
		others[t.Thread] = true
	}
	var io []struct {
		Thread int `json:"thread-id"`
	}
	if q.Execute(ctx, "query-iothreads", nil, &io) == nil {
		for _, t := range io {
			others[t.Thread] = true
		}
	}
	tasks, err := os.ReadDir(filepath.Join(procOf(pid), "task"))
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil || others[tid] {
			continue
		}
		if err := bind(tid, cpus); err != nil && tid == pid { // others come and go
			return err
		}
	}
	return nil
}

// pinAll gives a guest's threads their places at its start.
func pinAll(ctx context.Context, q *qmp.Conn, pid int, dom *xml.Domain) error {
	t := dom.CPUTune
	if (dom.VCPU == nil || dom.VCPU.CPUSet == "") && (t == nil || len(t.VCPUPins) == 0 && len(t.IOThreadPins) == 0 && t.EmulatorPin == nil) {
		return nil
	}
	io, err := ioThreads(ctx, q)
	if err != nil {
		return err
	}
	for _, i := range io {
		if err := bind(i.Thread, ioThreadPlace(dom, uint(i.number()))); err != nil {
			return err
		}
	}
	list, err := vcpuThreads(ctx, q)
	if err != nil {
		return err
	}
	for _, v := range list {
		if err := bind(v.Thread, vcpuPlace(dom, uint(v.Index))); err != nil {
			return err
		}
	}
	return bindEmulator(ctx, q, pid, emulatorPlace(dom))
}
