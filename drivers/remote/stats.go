package remote

import (
	"context"
	"slices"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// DiskStats tells of a disk's traffic: what the daemon names itself, or the five
// numbers that every daemon has.
func (d domains) DiskStats(ctx context.Context, r drivers.Ref, disk string, extended bool) ([]drivers.Param, error) {
	if !extended {
		var s libvirt.DomainBlockStatsRet
		if err := d.ask(ctx, procDomainBlockStats, r, []any{disk}, &s); err != nil {
			return nil, err
		}
		return known([]string{"rd_req", "rd_bytes", "wr_req", "wr_bytes", "errs"}, s.RdReq, s.RdBytes, s.WrReq, s.WrBytes, s.Errs), nil
	}
	var list []libvirt.TypedParam
	var count int32
	in := func() []any { return []any{disk, count, stringsToo} }
	err := d.ask(ctx, procDomainBlockStatsFlags, r, in(), &list, &count)
	if err == nil && count > 0 {
		if err := d.ask(ctx, procDomainBlockStatsFlags, r, in(), &list); err != nil {
			return nil, &drivers.ParamError{Err: err, Counted: true}
		}
	}
	if err != nil {
		return nil, err
	}
	out := params(list)
	for i := range out {
		switch out[i].Name { // the wire has its own words for these
		case "rd_operations":
			out[i].Name = "rd_req"
		case "wr_operations":
			out[i].Name = "wr_req"
		}
	}
	return out, nil
}

// known are numbers with their names; those below zero are not known.
func known(names []string, values ...int64) []drivers.Param {
	var out []drivers.Param
	for i, v := range values {
		if v >= 0 {
			out = append(out, drivers.Param{Name: names[i], Value: v})
		}
	}
	return out
}

// DiskInfo tells a disk's sizes.
func (d domains) DiskInfo(ctx context.Context, r drivers.Ref, disk string) (capacity, allocation, physical uint64, err error) {
	err = d.ask(ctx, procDomainGetBlockInfo, r, []any{disk, uint32(0)}, &allocation, &capacity, &physical)
	return capacity, allocation, physical, err
}

// diskError is a disk with the number of its error.
type diskError struct {
	Disk  string
	Error int32
}

// DiskErrors tells which disks have errors.
func (d domains) DiskErrors(ctx context.Context, r drivers.Ref) ([]drivers.DiskError, error) {
	var list []diskError
	var count int32
	if err := d.ask(ctx, procDomainGetDiskErrors, r, []any{uint32(0), uint32(0)}, &list, &count); err != nil || count == 0 {
		return nil, err
	}
	if err := d.ask(ctx, procDomainGetDiskErrors, r, []any{uint32(count), uint32(0)}, &list); err != nil {
		return nil, err
	}
	var out []drivers.DiskError
	for _, e := range list {
		text := "unknown error"
		switch e.Error {
		case 0:
			text = "no error"
		case 1:
			text = "unspecified error"
		case 2:
			text = "no space"
		}
		out = append(out, drivers.DiskError{Disk: e.Disk, Error: text})
	}
	return out, nil
}

// IfaceStats tells of an interface's traffic.
func (d domains) IfaceStats(ctx context.Context, r drivers.Ref, device string) ([]drivers.Param, error) {
	var s libvirt.DomainInterfaceStatsRet
	if err := d.ask(ctx, procDomainInterfaceStats, r, []any{device}, &s); err != nil {
		return nil, err
	}
	return known([]string{"rx_bytes", "rx_packets", "rx_errs", "rx_drop", "tx_bytes", "tx_packets", "tx_errs", "tx_drop"},
		s.RxBytes, s.RxPackets, s.RxErrs, s.RxDrop, s.TxBytes, s.TxPackets, s.TxErrs, s.TxDrop), nil
}

// memoryStats are virsh's names of what the daemon numbers.
const memoryStats = "swap_in swap_out major_fault minor_fault unused available actual rss usable last_update disk_caches hugetlb_pgalloc hugetlb_pgfail"

// MemoryStats tells of the guest's memory.
func (d domains) MemoryStats(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	var list []libvirt.DomainMemoryStat
	if err := d.ask(ctx, procDomainMemoryStats, r, []any{uint32(libvirt.DomainMemoryStatNr), uint32(0)}, &list); err != nil {
		return nil, err
	}
	var out []drivers.Param
	for _, s := range list {
		if name := wordAt(memoryStats, int(s.Tag)); name != "" {
			out = append(out, drivers.Param{Name: name, Value: s.Val})
		}
	}
	return out, nil
}

// SetMemoryPeriod sets how often the guest tells them.
func (d domains) SetMemoryPeriod(ctx context.Context, r drivers.Ref, seconds int, f drivers.Flags) error {
	return d.on(ctx, procDomainSetMemoryStatsPeriod, r, int32(seconds), impact(f))
}

// cpuStatsStep is how many CPUs the daemon tells of in one answer.
const cpuStatsStep = 128

// CPUStats tells how long the guest used each of the host's CPUs.
func (d domains) CPUStats(ctx context.Context, r drivers.Ref) (per []uint64, total []drivers.Param, err error) {
	var list []libvirt.TypedParam
	var n int32
	get := func(params uint32, start int32, cpus uint32) error {
		return d.ask(ctx, procDomainGetCPUStats, r, []any{params, start, cpus, stringsToo}, &list, &n)
	}
	if err := get(0, 0, 0); err != nil { // how many CPUs
		return nil, nil, err
	}
	cpus := int(n)
	if err := get(0, 0, 1); err != nil { // how many parameters of each
		return nil, nil, err
	}
	each := n
	for first := 0; first < cpus && each > 0; first += cpuStatsStep {
		if err := get(uint32(each), int32(first), uint32(min(cpuStatsStep, cpus-first))); err != nil {
			return nil, nil, err
		}
		times := map[string]uint64{}
		flush := func() {
			if len(times) > 0 {
				per = append(per, times["cpu_time"], times["vcpu_time"])
				clear(times)
			}
		}
		for _, p := range list {
			if _, again := times[p.Field]; again {
				flush()
			}
			times[p.Field], _ = p.Value.I.(uint64)
		}
		flush()
	}
	if err := get(0, -1, 1); err != nil || n == 0 {
		return per, nil, err
	}
	err = get(uint32(n), -1, 1)
	return per, params(list), err
}

// statGroups are domstats' groups, by the daemon's bits.
const statGroups = "state cpu-total balloon vcpu interface block perf iothread memory dirtyrate vm"

// statsAtOnce is how many domains are asked about in one call where there are
// more: the daemon works on several calls of a connection at once, but on one
// domain of a call after the other.
const statsAtOnce = 5

// AllStats tells many values of many domains.
func (d domains) AllStats(ctx context.Context, q drivers.StatsQuery) ([]drivers.DomainStats, error) {
	groups := uint32(0)
	for _, g := range q.Groups {
		groups |= 1 << ordinal(statGroups, g)
	}
	list := []libvirt.Domain{}
	for _, r := range q.Domains {
		list = append(list, dom(r))
	}
	flags := when(q.NoWait, 1<<29) | when(q.Backing, 1<<30) | when(q.Enforce, 1<<31)
	if q.Domains == nil {
		filter := listFlags(q.Filter)
		if err := d.call(ctx, procConnectListAllDomains, []any{int32(1), filter}, &list); err != nil || len(list) <= statsAtOnce {
			list, flags = []libvirt.Domain{}, flags|filter // all, by the daemon's own choice
		}
	}
	records, err := d.statsOf(ctx, list, groups, flags)
	if q.Domains == nil && xml.CodeOf(err) == xml.CodeNoDomain { // one has gone since
		records, err = d.statsOf(ctx, nil, groups, flags|listFlags(q.Filter))
	}
	if err != nil {
		return nil, err
	}
	out := make([]drivers.DomainStats, len(records))
	for i, r := range records {
		out[i] = drivers.DomainStats{Ref: domainRef(r.Dom), Params: params(r.Params)}
	}
	return out, nil
}

// statsOf asks about all domains that are named, in their order; about all there
// are if none is.
func (d domains) statsOf(ctx context.Context, list []libvirt.Domain, groups, flags uint32) ([]libvirt.DomainStatsRecord, error) {
	if list == nil {
		list = []libvirt.Domain{}
	}
	parts := make([][]libvirt.DomainStatsRecord, max(1, (len(list)+statsAtOnce-1)/statsAtOnce))
	b := d.batch()
	for i := range parts {
		end := min(len(list), (i+1)*statsAtOnce)
		b.add(ctx, procConnectGetAllDomainStats, []any{list[i*statsAtOnce : end : end], groups, flags}, &parts[i])
	}
	err := b.wait(ctx)
	return slices.Concat(parts...), err
}

// Stats tells many values of one domain.
func (d domains) Stats(ctx context.Context, r drivers.Ref, groups []string, _ drivers.Flags) ([]drivers.Param, error) {
	list, err := d.AllStats(ctx, drivers.StatsQuery{Domains: []drivers.Ref{r}, Groups: groups})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0].Params, nil
}

// StartDirtyRate measures how fast memory changes.
func (d domains) StartDirtyRate(ctx context.Context, r drivers.Ref, seconds int, mode string) error {
	return d.on(ctx, procDomainStartDirtyRateCalc, r, int32(seconds), uint32(1)<<ordinal("page-sampling dirty-bitmap dirty-ring", mode)>>1)
}

// Control tells the state of the control interface.
func (d domains) Control(ctx context.Context, r drivers.Ref) (string, error) {
	var state, details uint32
	var ms uint64
	if err := d.ask(ctx, procDomainGetControlInfo, r, []any{uint32(0)}, &state, &details, &ms); err != nil {
		return "", err
	}
	switch state {
	case 0:
		return "ok", nil
	case 1:
		return "background job (since " + seconds(ms) + ")", nil
	case 2:
		return "occupied (since " + seconds(ms) + ")", nil
	case 3:
		why := wordAt("unknown monitor-failure internal-(locking)-error", int(details))
		return "error: " + why, nil
	}
	return "", nil
}

func seconds(ms uint64) string {
	s := time.Duration(ms) * time.Millisecond
	return formatSeconds(s) + "s"
}
