package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/block"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// Stats tells many numbers of a domain; groups are domstats's options, none
// means all.
func (d *domains) Stats(ctx context.Context, r drivers.Ref, groups []string, f drivers.Flags) ([]drivers.Param, error) {
	info, err := d.Info(ctx, r)
	if err != nil {
		return nil, err
	}
	dom, running, err := d.either(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	var pid int
	if s, err := readStatus(d.layout.guest(r.Name)); err == nil && running {
		pid = s.QEMU.PID
	}
	b := &statsOf{d: d, r: r, dom: dom, info: info, running: running, backing: f.Has(drivers.BackingToo), pid: pid}
	for _, g := range []struct {
		name string
		add  func(context.Context) error
	}{{"state", b.state}, {"cpu-total", b.cpu}, {"balloon", b.balloon}, {"vcpu", b.vcpu}, {"interface", b.nets}, {"block", b.blocks}, {"perf", b.perf}, {"iothread", b.ioThreads}, {"dirtyrate", b.dirtyRate}} {
		wanted := len(groups) == 0
		for _, w := range groups {
			wanted = wanted || w == g.name
		}
		if !wanted {
			continue
		}
		if err := g.add(ctx); err != nil && !errors.Is(err, errGone) { // it may end while it is asked
			return nil, err
		}
	}
	return b.out, nil
}

// statsOf gathers the numbers of a domain.
type statsOf struct {
	d       *domains
	r       drivers.Ref
	dom     *xml.Domain
	info    drivers.DomainInfo
	running bool
	backing bool // images below those of disks, too
	pid     int
	out     []drivers.Param

	thresholds map[string]uint64 // of block nodes
}

func (b *statsOf) add(name string, v any) { b.out = append(b.out, drivers.Param{Name: name, Value: v}) }

func (b *statsOf) state(context.Context) error {
	b.add("state.state", int32(b.info.State))
	b.add("state.reason", int32(b.info.Reason))
	return nil
}

func (b *statsOf) cpu(context.Context) error {
	if b.running {
		u := useOf(filepath.Join(procOf(b.pid), "stat"))
		b.add("cpu.time", uint64(u.user+u.system))
		b.add("cpu.user", uint64(u.user))
		b.add("cpu.system", uint64(u.system))
		b.add("cpu.cache.monitor.count", uint32(0)) // there is nobody who sets up a monitor
		if b.dom != nil && b.dom.Type != "kvm" {    // which alone waits for its vCPUs
			b.add("cpu.haltpoll.success.time", uint64(0))
			b.add("cpu.haltpoll.fail.time", uint64(0))
		}
	}
	return nil
}

func (b *statsOf) balloon(ctx context.Context) error {
	b.add("balloon.current", b.info.Memory)
	b.add("balloon.maximum", b.info.MaxMemory)
	if !b.running {
		return nil
	}
	list, err := b.d.MemoryStats(ctx, b.r)
	for _, p := range list {
		if p.Name != "actual" {
			b.add("balloon."+strings.ReplaceAll(p.Name, "last_update", "last-update"), p.Value)
		}
	}
	return err
}

func (b *statsOf) vcpu(ctx context.Context) error {
	b.add("vcpu.current", uint32(vcpus(b.dom)))
	b.add("vcpu.maximum", uint32(b.dom.VCPU.Count))
	if !b.running {
		return nil
	}
	return b.d.asked(ctx, b.r, func(q *qmp.Conn) error {
		list, err := vcpuThreads(ctx, q)
		for _, t := range list {
			task := filepath.Join(procOf(b.pid), "task", strconv.Itoa(t.Thread))
			u := useOf(filepath.Join(task, "stat"))
			wait, delay := waits(task)
			prefix := "vcpu." + itoa(t.Index)
			b.add(prefix+".state", int32(1))
			b.add(prefix+".time", uint64(u.user+u.system))
			b.add(prefix+".wait", wait)
			b.add(prefix+".delay", delay)
		}
		return err
	})
}

// waits are the nanoseconds that a thread was ready without a CPU: as the
// scheduler's statistics have it, which few kernels keep, and as it counts anyway.
func waits(task string) (wait, delay uint64) {
	if data, err := os.ReadFile(filepath.Join(task, "sched")); err == nil {
		for _, line := range strings.Split(string(data), "\n") {
			name, value, _ := strings.Cut(line, ":")
			if strings.HasSuffix(strings.TrimSpace(name), "wait_sum") {
				ms, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
				wait = uint64(ms * 1e6)
			}
		}
	}
	if data, err := os.ReadFile(filepath.Join(task, "schedstat")); err == nil {
		if f := strings.Fields(string(data)); len(f) > 1 {
			delay, _ = strconv.ParseUint(f[1], 10, 64)
		}
	}
	return wait, delay
}

func (b *statsOf) nets(ctx context.Context) error {
	if !b.running {
		return nil
	}
	list := domain.All(b.dom, "interface")
	b.add("net.count", uint32(len(list)))
	for i, v := range list {
		n := v.Value.(*xml.Interface)
		if n.Target == nil || n.Target.Dev == "" {
			continue
		}
		prefix := "net." + itoa(i)
		b.add(prefix+".name", n.Target.Dev)
		stats, err := b.d.IfaceStats(ctx, b.r, n.Target.Dev)
		if err != nil {
			return err
		}
		for _, p := range stats {
			v, _ := p.Value.(int64)
			b.add(prefix+"."+strings.Replace(strings.Replace(p.Name, "_packets", "_pkts", 1), "_", ".", 1), uint64(v))
		}
	}
	return nil
}

func (b *statsOf) blocks(ctx context.Context) error {
	list := domain.All(b.dom, "disk")
	below := func(k *xml.Disk) []block.Layer { // images that count on their own
		if c := block.ChainOf(k); b.backing && b.running && len(c.Layers) > 1 {
			return c.Layers[1:]
		}
		return nil
	}
	count := len(list)
	for _, v := range list {
		count += len(below(v.Value.(*xml.Disk)))
	}
	b.add("block.count", uint32(count))
	var uses []blockUse
	if b.running {
		err := b.d.asked(ctx, b.r, func(q *qmp.Conn) (err error) {
			if uses, err = blockUses(ctx, q); err == nil {
				b.thresholds, err = thresholds(ctx, q)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	i := 0
	for _, v := range list {
		k := v.Value.(*xml.Disk)
		b.block(ctx, "block."+itoa(i), k, useOfDisk(uses, aliasOf(k.Alias)))
		i++
		for _, l := range below(k) {
			b.below("block."+itoa(i), k, l)
			i++
		}
	}
	return nil
}

// below tells of an image below a disk's top one.
func (b *statsOf) below(prefix string, k *xml.Disk, l block.Layer) {
	b.add(prefix+".name", k.Target.Dev)
	if path := l.Path(); path != "" {
		b.add(prefix+".path", path)
	}
	b.add(prefix+".backingIndex", uint32(l.Number()))
	image := &xml.Disk{Type: l.Type, Driver: &xml.DiskDriver{Type: l.Format}, Source: l.Source}
	size, err := imageSize(image)
	if err != nil {
		return
	}
	b.add(prefix+".allocation", uint64(0)) // nothing is written to it
	b.add(prefix+".capacity", size.capacity)
	b.add(prefix+".physical", size.allocation)
}

// block tells of a disk; use are its counters, nil if it has none.
func (b *statsOf) block(ctx context.Context, prefix string, k *xml.Disk, use *blockUse) {
	b.add(prefix+".name", k.Target.Dev)
	full := !emptySource(k.Source)
	path := ""
	if full {
		path = k.Source.File + k.Source.Dev + k.Source.Dir
	}
	if full && k.Type == "volume" {
		path, _ = b.d.volume(k.Source.Pool, k.Source.Volume)
	}
	if path != "" {
		b.add(prefix+".path", path)
	}
	if full && k.Source.Index != "" {
		n, _ := strconv.ParseUint(k.Source.Index, 10, 32)
		b.add(prefix+".backingIndex", uint32(n))
	}
	if use != nil {
		s := &use.Stats
		for _, c := range []struct {
			name string
			v    uint64
		}{{"rd.reqs", s.ReadOps}, {"rd.bytes", s.ReadBytes}, {"rd.times", s.ReadTime}, {"wr.reqs", s.WriteOps}, {"wr.bytes", s.WriteBytes},
			{"wr.times", s.WriteTime}, {"fl.reqs", s.FlushOps}, {"fl.times", s.FlushTime}} {
			b.add(prefix+"."+c.name, c.v)
		}
	}
	if !full {
		return
	}
	capacity, allocation, physical, err := b.d.DiskInfo(ctx, b.r, k.Target.Dev)
	if err != nil {
		return // an image that is not there has no size
	}
	if use != nil {
		if allocation > 0 { // what QEMU calls the size of a file is what it takes
			physical = allocation
		}
		allocation = use.Stats.Highest
		if use.Parent != nil {
			allocation = use.Parent.Stats.Highest
		}
	}
	for _, n := range []struct {
		name   string
		v      uint64
		always bool
	}{{"allocation", allocation, b.running}, {"capacity", capacity, true}, {"physical", physical, false}} {
		if n.v > 0 || n.always {
			b.add(prefix+"."+n.name, n.v)
		}
	}
	if c := block.ChainOf(k); len(c.Layers) > 0 {
		if n := b.thresholds[c.Layers[0].Storage()]; n > 0 {
			b.add(prefix+".threshold", n)
		}
	}
}

// thresholds are the sizes by node beyond which it is told that an image has grown.
func thresholds(ctx context.Context, q *qmp.Conn) (map[string]uint64, error) {
	var nodes []struct {
		Name      string `json:"node-name"`
		Threshold uint64 `json:"write_threshold"`
	}
	if err := refusal("query-named-block-nodes", q.Execute(ctx, "query-named-block-nodes", map[string]any{"flat": true}, &nodes)); err != nil {
		return nil, err
	}
	found := make(map[string]uint64)
	for _, n := range nodes {
		if n.Threshold > 0 {
			found[n.Name] = n.Threshold
		}
	}
	return found, nil
}

// ioThreads tells how long the threads for disks poll.
func (b *statsOf) ioThreads(ctx context.Context) error {
	if !b.running {
		return nil
	}
	var list []ioThread
	err := b.d.asked(ctx, b.r, func(q *qmp.Conn) (err error) { list, err = ioThreads(ctx, q); return err })
	if err != nil || len(list) == 0 {
		return err
	}
	b.add("iothread.count", uint32(len(list)))
	for _, t := range list {
		at := "iothread." + itoa(t.number())
		b.add(at+".poll-max-ns", t.Max)
		b.add(at+".poll-grow", t.Grow)
		b.add(at+".poll-shrink", t.Shrink)
	}
	return nil
}

// dirtyRate tells how fast the guest writes to its memory, if that was measured.
func (b *statsOf) dirtyRate(ctx context.Context) error {
	if !b.running {
		return nil
	}
	var rate struct {
		Status string
		Start  int64  `json:"start-time"`
		Period int64  `json:"calc-time"`
		Rate   *int64 `json:"dirty-rate"`
		Mode   string
		VCPUs  []struct {
			ID   int
			Rate int64 `json:"dirty-rate"`
		} `json:"vcpu-dirty-rate"`
	}
	if err := b.d.ask(ctx, b.r, "query-dirty-rate", nil, &rate); err != nil {
		return nil // not every QEMU measures it
	}
	status := map[string]int32{"measuring": 1, "measured": 2}[rate.Status]
	b.add("dirtyrate.calc_status", status)
	b.add("dirtyrate.calc_start_time", rate.Start)
	b.add("dirtyrate.calc_period", int32(rate.Period))
	b.add("dirtyrate.calc_mode", rate.Mode)
	if rate.Rate != nil {
		b.add("dirtyrate.megabytes_per_second", *rate.Rate)
	}
	for _, v := range rate.VCPUs {
		b.add(fmt.Sprintf("dirtyrate.vcpu.%d.megabytes_per_second", v.ID), v.Rate)
	}
	return nil
}
