package remote

import (
	"context"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// SchedulerType names the scheduler.
func (d domains) SchedulerType(ctx context.Context, r drivers.Ref) (string, error) {
	name, _, err := d.scheduler(ctx, r)
	return name, err
}

func (d domains) scheduler(ctx context.Context, r drivers.Ref) (name string, count int32, err error) {
	err = d.ask(ctx, procDomainGetSchedulerType, r, nil, &name, &count)
	return name, count, err
}

// numaModes are how strictly memory stays on nodes, by the daemon's numbers.
const numaModes = "strict preferred interleave restrictive"

// stringsToo is a flag of calls that answer parameters: text is welcome.
const stringsToo = uint32(libvirt.TypedParamStringOkay)

// Params reads a group of parameters: how many there are first, then their values.
func (d domains) Params(ctx context.Context, r drivers.Ref, g drivers.ParamGroup, device string, f drivers.Flags) ([]drivers.Param, error) {
	var list []libvirt.TypedParam
	var count int32
	get := func(procedure uint32, before ...any) error {
		in := func() []any { return append(append([]any{}, before...), count, impact(f)|stringsToo) }
		if err := d.ask(ctx, procedure, r, in(), &list, &count); err != nil {
			return &drivers.ParamError{Err: err}
		} else if count == 0 {
			return nil
		}
		return d.ask(ctx, procedure, r, in(), &list)
	}
	var err error
	switch g {
	case drivers.Schedule:
		if _, count, err = d.scheduler(ctx, r); err != nil || count == 0 {
			return nil, err
		}
		if f == 0 {
			err = d.ask(ctx, procDomainGetSchedulerParameters, r, []any{count}, &list)
		} else {
			err = d.ask(ctx, procDomainGetSchedulerParametersFlags, r, []any{count, impact(f) | stringsToo}, &list)
		}
	case drivers.MemoryLimits:
		err = get(procDomainGetMemoryParameters)
	case drivers.BlockWeights:
		err = get(procDomainGetBlkioParameters)
	case drivers.NUMA:
		err = get(procDomainGetNumaParameters)
	case drivers.PerfEvents:
		err = d.ask(ctx, procDomainGetPerfEvents, r, []any{impact(f) | stringsToo}, &list)
	case drivers.IfaceBandwidth:
		err = get(procDomainGetInterfaceParameters, device)
	case drivers.DiskLimits:
		err = get(procDomainGetBlockIOTune, optional(device))
	}
	out := params(list)
	for i, p := range out {
		if n, ok := p.Value.(int32); ok && p.Name == "numa_mode" {
			out[i].Value = wordAt(numaModes, int(n))
		}
	}
	return out, err
}

// SetParams sets parameters of a group.
func (d domains) SetParams(ctx context.Context, r drivers.Ref, g drivers.ParamGroup, device string, list []drivers.Param, f drivers.Flags) error {
	p := typed(list)
	switch g {
	case drivers.Schedule:
		if f == 0 {
			return d.on(ctx, procDomainSetSchedulerParameters, r, p)
		}
		return d.on(ctx, procDomainSetSchedulerParametersFlags, r, p, impact(f))
	case drivers.MemoryLimits:
		return d.on(ctx, procDomainSetMemoryParameters, r, p, impact(f))
	case drivers.BlockWeights:
		return d.on(ctx, procDomainSetBlkioParameters, r, p, impact(f))
	case drivers.NUMA:
		for i := range p {
			if word, ok := p[i].Value.I.(string); ok && p[i].Field == "numa_mode" {
				n := ordinal(numaModes, word)
				if len(word) == 1 {
					n = int(word[0] - '0')
				}
				p[i].Value = libvirt.TypedParamValue{D: uint32(libvirt.TypedParamInt), I: int32(n)}
			}
		}
		return d.on(ctx, procDomainSetNumaParameters, r, p, impact(f))
	case drivers.PerfEvents:
		return d.on(ctx, procDomainSetPerfEvents, r, p, impact(f))
	case drivers.IfaceBandwidth:
		return d.on(ctx, procDomainSetInterfaceParameters, r, device, p, impact(f))
	}
	return d.on(ctx, procDomainSetBlockIOTune, r, device, p, impact(f))
}

// SetThrottleGroup sets the limits of a group of disks.
func (d domains) SetThrottleGroup(ctx context.Context, r drivers.Ref, group string, limits []drivers.Param, f drivers.Flags) error {
	return d.on(ctx, procDomainSetThrottleGroup, r, group, typed(limits), impact(f))
}

// DelThrottleGroup removes a group.
func (d domains) DelThrottleGroup(ctx context.Context, r drivers.Ref, group string, f drivers.Flags) error {
	return d.on(ctx, procDomainDelThrottleGroup, r, &group, impact(f))
}

// VCPUCount counts a domain's vCPUs.
func (d domains) VCPUCount(ctx context.Context, r drivers.Ref, maximum, guest bool, f drivers.Flags) (int, error) {
	var n int32
	err := d.ask(ctx, procDomainGetVcpusFlags, r, []any{impact(f) | when(maximum, 4) | when(guest, 8)}, &n)
	return int(n), err
}

// SetVCPUs sets how many there are, or can be.
func (d domains) SetVCPUs(ctx context.Context, r drivers.Ref, n int, c drivers.VCPUChange, f drivers.Flags) error {
	flags := impact(f) | when(c.Maximum, 4) | when(c.Guest, 8) | when(c.Hotpluggable, 16)
	if flags == 0 && !c.Current {
		return d.on(ctx, procDomainSetVcpus, r, uint32(n))
	}
	return d.on(ctx, procDomainSetVcpusFlags, r, uint32(n), flags)
}

// hostCPUs is how many CPUs the daemon's machine has.
func (c *Conn) hostCPUs(ctx context.Context) (int, error) {
	list, err := c.CPUMap(ctx)
	return len(list), err
}

// VCPUs tells about each vCPU of a running domain.
func (d domains) VCPUs(ctx context.Context, r drivers.Ref) ([]drivers.VCPU, error) {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return nil, err
	}
	var info libvirt.DomainGetInfoRet
	if err := d.ask(ctx, procDomainGetInfo, r, nil, &info); err != nil {
		return nil, err
	}
	size := (total + 7) / 8
	var list []libvirt.VcpuInfo
	var maps []byte
	if err := d.ask(ctx, procDomainGetVcpus, r, []any{int32(info.NrVirtCPU), int32(size)}, &list, &maps); err != nil {
		return nil, err
	}
	var out []drivers.VCPU
	for i, v := range list {
		x := drivers.VCPU{Number: int(v.Number), CPU: int(v.CPU), State: wordAt("offline running blocked", int(v.State)),
			Time: time.Duration(v.CPUTime), HasTime: v.CPUTime != 0}
		if x.State == "" {
			x.State = "no state"
		}
		if len(maps) >= (i+1)*size {
			x.Affinity = setOf(maps[i*size : (i+1)*size])
		}
		out = append(out, x)
	}
	return out, nil
}

// VCPUPins tells where each vCPU may run.
func (d domains) VCPUPins(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]xml.Set, error) {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return nil, err
	}
	count, err := d.VCPUCount(ctx, r, true, false, f)
	if err != nil {
		return nil, err
	}
	size := (total + 7) / 8
	var maps []byte
	var n int32
	if err := d.ask(ctx, procDomainGetVcpuPinInfo, r, []any{int32(count), int32(size), impact(f)}, &maps, &n); err != nil {
		return nil, err
	}
	var out []xml.Set
	for i := 0; i < int(n) && len(maps) >= (i+1)*size; i++ {
		out = append(out, setOf(maps[i*size:(i+1)*size]))
	}
	return out, nil
}

// PinVCPU says where a vCPU may run.
func (d domains) PinVCPU(ctx context.Context, r drivers.Ref, vcpu int, cpus xml.Set, f drivers.Flags) error {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return err
	}
	if flags := impact(f); flags != 0 || f.Has(drivers.Current) {
		return d.on(ctx, procDomainPinVcpuFlags, r, uint32(vcpu), cpuMap(cpus, total), flags)
	}
	return d.on(ctx, procDomainPinVcpu, r, uint32(vcpu), cpuMap(cpus, total))
}

// EmulatorPin tells where the emulator's threads may run.
func (d domains) EmulatorPin(ctx context.Context, r drivers.Ref, f drivers.Flags) (xml.Set, error) {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return nil, err
	}
	var cpus []byte
	err = d.ask(ctx, procDomainGetEmulatorPinInfo, r, []any{int32((total + 7) / 8), impact(f)}, &cpus)
	return setOf(cpus), err
}

// PinEmulator says where they may run.
func (d domains) PinEmulator(ctx context.Context, r drivers.Ref, cpus xml.Set, f drivers.Flags) error {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return err
	}
	return d.on(ctx, procDomainPinEmulator, r, cpuMap(cpus, total), impact(f))
}

// SetMemory sets the memory in use.
func (d domains) SetMemory(ctx context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	return d.on(ctx, procDomainSetMemoryFlags, r, kib, impact(f))
}

// SetMaxMemory sets the most memory that can be used.
func (d domains) SetMaxMemory(ctx context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	if flags := impact(f); flags != 0 {
		return d.on(ctx, procDomainSetMemoryFlags, r, kib, flags|uint32(libvirt.DomainMemMaximum))
	}
	return d.on(ctx, procDomainSetMaxMemory, r, kib)
}

// IOThreads lists a domain's threads for disks.
func (d domains) IOThreads(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]drivers.IOThread, error) {
	var list []libvirt.DomainIothreadInfo
	err := d.ask(ctx, procDomainGetIothreadInfo, r, []any{impact(f)}, &list)
	var out []drivers.IOThread
	for _, t := range list {
		out = append(out, drivers.IOThread{ID: int(t.IothreadID), Affinity: setOf(t.Cpumap)})
	}
	return out, err
}

// AddIOThread adds a thread.
func (d domains) AddIOThread(ctx context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.on(ctx, procDomainAddIothread, r, uint32(id), impact(f))
}

// DelIOThread takes a thread away.
func (d domains) DelIOThread(ctx context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.on(ctx, procDomainDelIothread, r, uint32(id), impact(f))
}

// SetIOThread changes a thread. How it polls is a number of 32 bits to daemons
// but for the longest time.
func (d domains) SetIOThread(ctx context.Context, r drivers.Ref, id int, list []drivers.Param, f drivers.Flags) error {
	for i, p := range list {
		v, ok := p.Value.(uint64)
		switch {
		case !ok:
		case p.Name == "poll_grow" || p.Name == "poll_shrink":
			list[i].Value = uint32(v)
		case p.Name == "thread_pool_min" || p.Name == "thread_pool_max":
			list[i].Value = int32(v)
		}
	}
	return d.on(ctx, procDomainSetIothreadParams, r, uint32(id), typed(list), impact(f))
}

// PinIOThread says where a thread may run.
func (d domains) PinIOThread(ctx context.Context, r drivers.Ref, id int, cpus xml.Set, f drivers.Flags) error {
	total, err := d.hostCPUs(ctx)
	if err != nil {
		return err
	}
	return d.on(ctx, procDomainPinIothread, r, uint32(id), cpuMap(cpus, total), impact(f))
}

// Metadata reads title, description or an element.
func (d domains) Metadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	var text string
	err := d.ask(ctx, procDomainGetMetadata, r, []any{int32(k), optional(uri), impact(f)}, &text)
	return text, err
}

// SetMetadata sets or removes them.
func (d domains) SetMetadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	return d.on(ctx, procDomainSetMetadata, r, int32(k), value, optional(key), optional(uri), impact(f))
}
