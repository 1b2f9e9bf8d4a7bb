package qemu

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/network"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.Tuner     = (*domains)(nil)
	_ drivers.Scheduler = (*domains)(nil)
)

// SchedulerType is the one scheduler.
func (d *domains) SchedulerType(context.Context, drivers.Ref) (string, error) { return "posix", nil }

// Params reads a group of parameters: of the running guest as the host has them.
func (d *domains) Params(ctx context.Context, r drivers.Ref, g drivers.ParamGroup, device string, f drivers.Flags) ([]drivers.Param, error) {
	if g == drivers.Schedule && f.Has(drivers.Live|drivers.Config) {
		return nil, xml.Errorf(xml.CodePlain, "cannot query both live and config at once")
	}
	if f.Has(drivers.Live | drivers.Config) {
		return nil, d.countFailed(g, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive"))
	}
	dom, live, err := d.either(ctx, r, f)
	if err != nil {
		return nil, d.countFailed(g, err)
	}
	live = live && !f.Has(drivers.Config)
	s, _ := readStatus(d.layout.guest(r.Name)) // of use only if it runs
	switch g {
	case drivers.Schedule:
		if live {
			return liveSchedule(s)
		}
		return configSchedule(dom), nil
	case drivers.MemoryLimits:
		if live {
			return liveMemory(s)
		}
		return domain.MemoryParams(dom), nil
	case drivers.BlockWeights:
		return blockWeights(dom, s, live)
	case drivers.NUMA:
		return domain.NUMAParams(dom), nil
	case drivers.PerfEvents:
		return domain.PerfParams(dom), nil
	case drivers.IfaceBandwidth:
		n, err := tunedInterface(dom, device)
		if err != nil {
			return nil, &drivers.ParamError{Err: err, Counted: true}
		}
		return domain.BandwidthParams(n.Bandwidth), nil
	}
	k, err := tunedDisk(dom, device, live)
	if err != nil {
		return nil, &drivers.ParamError{Err: err, Counted: true}
	}
	if live {
		return d.liveDisk(ctx, r, k)
	}
	return domain.DiskParams(k), nil
}

// countFailed is the error of a domain that is not there or does not run, which the
// peer finds before it knows how many parameters there are.
func (d *domains) countFailed(g drivers.ParamGroup, err error) error {
	if g == drivers.Schedule {
		return err
	}
	return &drivers.ParamError{Err: err, Counted: g == drivers.BlockWeights}
}

func tunedInterface(dom *xml.Domain, device string) (*xml.Interface, error) {
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if n.MAC != nil && strings.EqualFold(n.MAC.Address, device) || n.Target != nil && n.Target.Dev == device && device != "" {
			return n, nil
		}
	}
	return nil, xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
}

func tunedDisk(dom *xml.Domain, device string, live bool) (*xml.Disk, error) {
	if k := domain.DiskNamed(dom, device); k != nil {
		return k, nil
	}
	if live {
		return nil, xml.Errorf(xml.CodeInvalidArg, "disk '%s' not found in domain", device)
	}
	return nil, xml.Errorf(xml.CodeInvalidArg, "disk '%s' was not found in the domain config", device)
}

// SetParams sets parameters of a group.
func (d *domains) SetParams(ctx context.Context, r drivers.Ref, g drivers.ParamGroup, device string, list []drivers.Param, f drivers.Flags) error {
	if err := onceEach(list); err != nil {
		return err
	}
	c, err := d.change(ctx, r, f)
	if err != nil {
		return err
	}
	defer c.end()
	c.quiet = true
	for _, dom := range []*xml.Domain{c.live, c.config} {
		if dom == nil {
			continue
		}
		if err := setParams(dom, g, device, list, dom == c.live); err != nil {
			return err
		}
	}
	if c.live != nil {
		if err := d.tuneLive(ctx, r, c.live, g, device, list); err != nil {
			return err
		}
		if err := editLive(d.layout.guest(r.Name), func(dom *xml.Domain) error { return setParams(dom, g, device, list, true) }); err != nil {
			return err
		}
		d.tuned(r, c.live, g, device, list)
	}
	return c.keep(ctx)
}

// tuned notes what was changed of a running guest.
func (d *domains) tuned(r drivers.Ref, dom *xml.Domain, g drivers.ParamGroup, device string, list []drivers.Param) {
	text, prefix := "", map[drivers.ParamGroup]string{drivers.Schedule: "cputune.", drivers.DiskLimits: "blkdeviotune."}[g]
	if prefix == "" {
		return
	}
	if g == drivers.DiskLimits {
		if k := domain.DiskNamed(dom, device); k != nil {
			text = "\n\tblkdeviotune.disk: " + k.Target.Dev
		}
	}
	for _, p := range list {
		text += fmt.Sprintf("\n\t%s%s: %v", prefix, p.Name, p.Value)
	}
	d.happened(r, "tunable", text)
}

func onceEach(list []drivers.Param) error {
	for i, p := range list {
		if slices.ContainsFunc(list[:i], func(q drivers.Param) bool { return q.Name == p.Name }) {
			return xml.Errorf(xml.CodeInvalidArg, "parameter '%s' occurs multiple times", p.Name)
		}
	}
	return nil
}

// setParams changes a document.
func setParams(dom *xml.Domain, g drivers.ParamGroup, device string, list []drivers.Param, live bool) error {
	switch g {
	case drivers.Schedule:
		return setSchedule(dom, list)
	case drivers.MemoryLimits:
		return domain.SetMemoryLimits(dom, list)
	case drivers.BlockWeights:
		return domain.SetBlockWeights(dom, list)
	case drivers.NUMA:
		return setNUMA(dom, list, live)
	case drivers.PerfEvents:
		return domain.SetPerf(dom, list)
	case drivers.IfaceBandwidth:
		n, err := tunedInterface(dom, device)
		if err != nil {
			return err
		}
		if !slices.Contains([]string{"network", "bridge", "direct", "ethernet", "internal"}, n.Type) {
			return xml.Errorf(xml.CodeConfigUnsupported, "setting bandwidth on interfaces of type '%s' is not implemented yet", n.Type)
		}
		return domain.SetBandwidth(n, list)
	}
	k, err := tunedDisk(dom, device, live)
	if err != nil && !live {
		return xml.Errorf(xml.CodeInvalidArg, "missing persistent configuration for disk '%s'", device)
	}
	if err != nil {
		return err
	}
	return setThrottle(dom, k, list)
}

// tuneLive does to a running guest what its document says already.
func (d *domains) tuneLive(ctx context.Context, r drivers.Ref, dom *xml.Domain, g drivers.ParamGroup, device string, list []drivers.Param) error {
	s, err := readStatus(d.layout.guest(r.Name))
	if err != nil {
		return notRunning()
	}
	switch g {
	case drivers.Schedule:
		return d.schedule(ctx, r, s, dom, list)
	case drivers.MemoryLimits:
		return limitMemory(s, dom, list)
	case drivers.BlockWeights:
		return weighBlocks(s, dom, list)
	case drivers.NUMA:
		return moveMemory(s, list)
	case drivers.PerfEvents:
		return d.perfLive(ctx, r, list)
	case drivers.IfaceBandwidth:
		n, err := tunedInterface(dom, device)
		if err != nil || n.Target == nil || n.Target.Dev == "" {
			return err
		}
		network.Unlimit(ctx, n.Target.Dev)
		if n.Bandwidth == nil {
			return nil
		}
		return network.Limit(ctx, n.Target.Dev, n.Bandwidth)
	}
	k, err := tunedDisk(dom, device, true)
	if err != nil {
		return err
	}
	return d.asked(ctx, r, func(q *qmp.Conn) error { return throttle(ctx, q, k) })
}

// setNUMA sets where the memory comes from.
func setNUMA(dom *xml.Domain, list []drivers.Param, live bool) error {
	m := xml.NUMAMemory{Mode: "strict"}
	if dom.NUMATune != nil && dom.NUMATune.Memory != nil {
		m = *dom.NUMATune.Memory
	}
	was := m.Mode
	for _, p := range list {
		switch p.Name {
		case "numa_mode":
			modes := []string{"strict", "preferred", "interleave", "restrictive"}
			switch v := p.Value.(type) {
			case int32:
				if v < 0 || int(v) >= len(modes) {
					return xml.Errorf(xml.CodeInvalidArg, "unsupported numatune mode: '%d'", v)
				}
				m.Mode = modes[v]
			case string:
				m.Mode = v
				if i, err := strconv.Atoi(v); err == nil && i >= 0 && i < len(modes) {
					m.Mode = modes[i]
				}
			}
		case "numa_nodeset":
			text, _ := p.Value.(string)
			set, err := xml.ParseSet(text)
			if err != nil {
				return err
			}
			if set.Len() == 0 {
				return xml.Errorf(xml.CodeInvalidArg, "Invalid nodeset of 'numatune': %s", text)
			}
			m.NodeSet = xml.CPUSet(set.String())
		}
	}
	if live && m.Mode != was {
		return xml.Errorf(xml.CodeOperationInvalid, "can't change numatune mode for running domain")
	}
	if live && m.Mode != "strict" {
		return xml.Errorf(xml.CodeOperationInvalid, "change of nodeset for running domain requires strict numa mode")
	}
	if dom.NUMATune == nil {
		dom.NUMATune = &xml.NUMATune{}
	}
	m.Placement = ""
	dom.NUMATune.Memory = &m
	if m.NodeSet == "" && len(dom.NUMATune.MemNodes) == 0 {
		dom.NUMATune = nil // a mode alone says nothing
	}
	return nil
}

// schedParam is one of the parameters of the scheduler.
type schedParam struct {
	name   string
	period *uint64
	quota  *int64
}

func schedParams(t *xml.CPUTune) []schedParam {
	return []schedParam{{name: "vcpu_period", period: &t.Period}, {name: "vcpu_quota", quota: &t.Quota},
		{name: "emulator_period", period: &t.EmulatorPeriod}, {name: "emulator_quota", quota: &t.EmulatorQuota},
		{name: "global_period", period: &t.GlobalPeriod}, {name: "global_quota", quota: &t.GlobalQuota},
		{name: "iothread_period", period: &t.IOThreadPeriod}, {name: "iothread_quota", quota: &t.IOThreadQuota}}
}

func configSchedule(dom *xml.Domain) []drivers.Param {
	var t xml.CPUTune
	if dom.CPUTune != nil {
		t = *dom.CPUTune
	}
	shares := uint64(0)
	if t.Shares != nil {
		shares = *t.Shares
	}
	out := []drivers.Param{{Name: "cpu_shares", Value: shares}}
	for _, p := range schedParams(&t) {
		if p.period != nil {
			out = append(out, drivers.Param{Name: p.name, Value: *p.period})
		} else {
			out = append(out, drivers.Param{Name: p.name, Value: *p.quota})
		}
	}
	return out
}

// setSchedule sets parameters of the scheduler within the bounds of the kernel.
func setSchedule(dom *xml.Domain, list []drivers.Param) error {
	if dom.CPUTune == nil {
		dom.CPUTune = &xml.CPUTune{}
	}
	known := schedParams(dom.CPUTune)
	for _, p := range list {
		if p.Name == "cpu_shares" {
			n, _ := p.Value.(uint64)
			dom.CPUTune.Shares = &n
			continue
		}
		i := slices.IndexFunc(known, func(k schedParam) bool { return k.name == p.Name })
		if i < 0 {
			return xml.Errorf(xml.CodeArgUnsupported, "parameter '%s' not supported", p.Name)
		}
		switch v := p.Value.(type) {
		case uint64:
			if v != 0 && (v < 1000 || v > 1000000) {
				return xml.Errorf(xml.CodeInvalidArg, "value of '%s' is out of range [1000, 1000000]", p.Name)
			}
			*known[i].period = v
		case int64:
			if v != 0 && v != -1 && (v < 1000 || v > 17592186044415) {
				return xml.Errorf(xml.CodeInvalidArg, "value of '%s' is out of range [1000, 17592186044415]", p.Name)
			}
			*known[i].quota = v
		}
	}
	return nil
}

// vcpuGroup is the group of a vCPU within the guest's.
func vcpuGroup(n int) string { return "vcpu" + strconv.Itoa(n) }
