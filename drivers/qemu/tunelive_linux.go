package qemu

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// What a running guest may use of the host's processors, memory and disks.

// liveSchedule reads the parameters of the scheduler from the guest's groups.
func liveSchedule(s Status) ([]drivers.Param, error) {
	g, err := groupOf(s, "cpu", false)
	if err != nil {
		return nil, err
	}
	own := strings.HasPrefix(filepath.Base(g.dir), "virgo-")
	shares := uint64(1024)
	if own {
		shares = g.shares()
	}
	out := []drivers.Param{{Name: "cpu_shares", Value: shares}}
	for _, part := range []struct{ name, dir string }{{"vcpu", vcpuGroup(0)}, {"emulator", "emulator"}, {"global", ""}, {"iothread", "iothread1"}} {
		period, quota := uint64(100000), int64(-1)
		if sub := (group{filepath.Join(g.dir, part.dir), g.v2}); own && sub.exists() {
			period, quota = sub.bandwidth()
		}
		out = append(out, drivers.Param{Name: part.name + "_period", Value: period}, drivers.Param{Name: part.name + "_quota", Value: quota})
	}
	return out, nil
}

func (g group) exists() bool {
	_, err := os.Stat(g.dir)
	return err == nil
}

// schedule sets parameters of the scheduler of a running guest.
func (d *domains) schedule(ctx context.Context, r drivers.Ref, s Status, dom *xml.Domain, list []drivers.Param) error {
	g, err := groupOf(s, "cpu", true)
	if err != nil {
		return err
	}
	asked := func(prefix string) bool {
		return slices.ContainsFunc(list, func(p drivers.Param) bool { return strings.HasPrefix(p.Name, prefix) })
	}
	t := dom.CPUTune
	if asked("cpu_shares") && t.Shares != nil {
		if err := g.setShares(*t.Shares); err != nil {
			return err
		}
	}
	if asked("global_") {
		if err := g.setBandwidth(t.GlobalPeriod, t.GlobalQuota); err != nil {
			return err
		}
	}
	if !asked("vcpu_") && !asked("emulator_") && !asked("iothread_") {
		return nil
	}
	var cpus []vcpuThread
	var io []ioThread
	err = d.asked(ctx, r, func(q *qmp.Conn) (err error) {
		if cpus, err = vcpuThreads(ctx, q); err == nil {
			io, err = ioThreads(ctx, q)
		}
		return err
	})
	if err != nil {
		return err
	}
	return g.setThreads(s.QEMU.PID, t, cpus, io, asked)
}

// setThreads gives threads groups of their own, with their limits.
func (g group) setThreads(pid int, t *xml.CPUTune, cpus []vcpuThread, io []ioThread, asked func(string) bool) error {
	limit := func(name string, threads []int, period uint64, quota int64) error {
		sub, err := g.sub(name, threads)
		if err == nil {
			err = sub.setBandwidth(period, quota)
		}
		return err
	}
	var busy []int
	for _, c := range cpus {
		busy = append(busy, c.Thread)
		if asked("vcpu_") {
			if err := limit(vcpuGroup(c.Index), []int{c.Thread}, t.Period, t.Quota); err != nil {
				return err
			}
		}
	}
	for _, i := range io {
		busy = append(busy, i.Thread)
		if asked("iothread_") {
			if err := limit(i.ID, []int{i.Thread}, t.IOThreadPeriod, t.IOThreadQuota); err != nil {
				return err
			}
		}
	}
	if !asked("emulator_") {
		return nil
	}
	var rest []int
	tasks, _ := os.ReadDir(filepath.Join(procOf(pid), "task"))
	for _, e := range tasks {
		if n, err := strconv.Atoi(e.Name()); err == nil && !slices.Contains(busy, n) {
			rest = append(rest, n)
		}
	}
	return limit("emulator", rest, t.EmulatorPeriod, t.EmulatorQuota)
}

func liveMemory(s Status) ([]drivers.Param, error) {
	g, err := groupOf(s, "memory", false)
	if err != nil {
		return nil, err
	}
	var out []drivers.Param
	for i, name := range []string{"hard_limit", "soft_limit", "swap_hard_limit"} {
		v := uint64(noLimit)
		if strings.HasPrefix(filepath.Base(g.dir), "virgo-") {
			v = g.limit(g.memoryFiles()[i])
		}
		out = append(out, drivers.Param{Name: name, Value: v})
	}
	return out, nil
}

// limitMemory sets limits of a running guest's memory. That with swap is never
// below the other.
func limitMemory(s Status, dom *xml.Domain, list []drivers.Param) error {
	g, err := groupOf(s, "memory", true)
	if err != nil {
		return err
	}
	values := make(map[string]uint64)
	for _, p := range domain.MemoryParams(dom) {
		values[p.Name], _ = p.Value.(uint64)
	}
	names, files := []string{"hard_limit", "soft_limit", "swap_hard_limit"}, g.memoryFiles()
	order := []int{1, 0, 2}
	if values["hard_limit"] > g.limit(files[2]) && !g.v2 {
		order = []int{1, 2, 0}
	}
	for _, i := range order {
		if slices.ContainsFunc(list, func(p drivers.Param) bool { return p.Name == names[i] }) {
			if err := g.setLimit(files[i], values[names[i]]); err != nil {
				return err
			}
		}
	}
	return nil
}

// blockWeights are the definition's, or the running guest's: those that are not set
// are the host's usual ones.
func blockWeights(dom *xml.Domain, s Status, live bool) ([]drivers.Param, error) {
	out := domain.BlockParams(dom)
	if !live {
		return out, nil
	}
	g, err := groupOf(s, "blkio", false)
	if err != nil {
		return nil, err
	}
	if weight, _ := out[0].Value.(uint32); weight == 0 {
		out[0].Value = uint32(g.number(g.weightFile(), 100))
	}
	return out, nil
}

func (g group) weightFile() string {
	for _, name := range []string{"io.bfq.weight", "io.weight", "blkio.bfq.weight", "blkio.weight"} {
		if _, err := os.Stat(filepath.Join(g.dir, name)); err == nil {
			return name
		}
	}
	return "blkio.weight"
}

// blockFiles are the files of limits of devices, by the names of parameters.
var blockFiles = map[string][2]string{"device_read_iops_sec": {"blkio.throttle.read_iops_device", "riops"},
	"device_write_iops_sec": {"blkio.throttle.write_iops_device", "wiops"}, "device_read_bytes_sec": {"blkio.throttle.read_bps_device", "rbps"},
	"device_write_bytes_sec": {"blkio.throttle.write_bps_device", "wbps"}}

// weighBlocks sets weights and limits of a running guest's traffic with devices.
func weighBlocks(s Status, dom *xml.Domain, list []drivers.Param) error {
	g, err := groupOf(s, "blkio", true)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Name == "weight" && dom.BlkioTune != nil {
			if err := g.writeNumber(g.weightFile(), int64(dom.BlkioTune.Weight)); err != nil {
				return err
			}
			continue
		}
		text, _ := p.Value.(string)
		words := strings.Split(text, ",")
		for i := 0; i+1 < len(words); i += 2 {
			number, err := deviceNumber(words[i])
			if err != nil {
				return err
			}
			files, value := blockFiles[p.Name], words[i+1]
			switch {
			case p.Name == "device_weight":
				err = g.write(g.weightFile()+map[bool]string{true: "", false: "_device"}[g.v2], number+" "+value)
			case g.v2:
				if value == "0" {
					value = "max"
				}
				err = g.write("io.max", number+" "+files[1]+"="+value)
			default:
				err = g.write(files[0], number+" "+value)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// moveMemory has a running guest's memory come from other nodes.
func moveMemory(s Status, list []drivers.Param) error {
	for _, p := range list {
		text, _ := p.Value.(string)
		if p.Name != "numa_nodeset" {
			continue
		}
		g, err := groupOf(s, "cpuset", true)
		if err != nil {
			return err
		}
		if !g.v2 {
			_ = g.write("cpuset.memory_migrate", "1") // else only what comes later is there
		}
		set, err := xml.ParseSet(text)
		if err != nil {
			return err
		}
		if err := g.write("cpuset.mems", set.String()); err != nil {
			return err
		}
	}
	return nil
}

// tuneAtStart gives a guest what its definition says of the host's processors,
// memory and disks.
func (g *guest) tuneAtStart(ctx context.Context, dom *xml.Domain) error {
	for i := range dom.Devices.Disks {
		if k := &dom.Devices.Disks[i]; k.IOTune != nil {
			if err := throttle(ctx, g.qmp, k); err != nil {
				return err
			}
		}
	}
	if err := g.perfOfDocument(dom); err != nil {
		return err
	}
	if os.Geteuid() != 0 { // groups are root's, as a rule
		return nil
	}
	s := g.status
	if t := dom.MemTune; t != nil && (t.HardLimit != nil || t.SoftLimit != nil || t.SwapHardLimit != nil) {
		if limitMemory(s, dom, domain.MemoryParams(dom)) != nil {
			return xml.Errorf(xml.CodeConfigUnsupported, "Memory cgroup is not available on this host")
		}
	}
	if t := dom.BlkioTune; t != nil {
		list := slices.DeleteFunc(domain.BlockParams(dom), func(p drivers.Param) bool { return p.Value == uint32(0) })
		if err := weighBlocks(s, dom, list); err != nil {
			return err
		}
	}
	t := dom.CPUTune
	if t == nil || t.Shares == nil && t.Period|t.GlobalPeriod|t.EmulatorPeriod|t.IOThreadPeriod == 0 && t.Quota|t.GlobalQuota|t.EmulatorQuota|t.IOThreadQuota == 0 {
		return nil
	}
	group, err := groupOf(s, "cpu", true)
	if err != nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "CPU tuning is not available on this host")
	}
	if t.Shares != nil {
		if err := group.setShares(*t.Shares); err != nil {
			return err
		}
	}
	if err := group.setBandwidth(t.GlobalPeriod, t.GlobalQuota); err != nil {
		return err
	}
	cpus, err := vcpuThreads(ctx, g.qmp)
	if err != nil {
		return err
	}
	io, err := ioThreads(ctx, g.qmp)
	if err != nil {
		return err
	}
	set := map[string]bool{"vcpu_": t.Period != 0 || t.Quota != 0, "emulator_": t.EmulatorPeriod != 0 || t.EmulatorQuota != 0,
		"iothread_": t.IOThreadPeriod != 0 || t.IOThreadQuota != 0}
	return group.setThreads(s.QEMU.PID, t, cpus, io, func(prefix string) bool { return set[prefix] })
}
