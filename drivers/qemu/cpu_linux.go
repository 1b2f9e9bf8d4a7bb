package qemu

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.VCPUer       = (*domains)(nil)
	_ drivers.VCPUSwitcher = (*domains)(nil)
	_ drivers.Memorier     = (*domains)(nil)
)

// asked has the guest's monitor for a few questions.
func (d *domains) asked(ctx context.Context, r drivers.Ref, f func(*qmp.Conn) error) error {
	q, err := d.dial(ctx, r)
	if err != nil {
		return err
	}
	defer q.Close()
	return asVirsh(f(q))
}

// one is the one definition that flags mean, to read from.
func (d *domains) one(ctx context.Context, r drivers.Ref, f drivers.Flags) (*xml.Domain, error) {
	if f.Has(drivers.Live | drivers.Config) {
		return nil, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
	}
	dom, _, err := d.either(ctx, r, f)
	return dom, err
}

// alter changes what flags mean: the live document, the definition, or both.
// live does to the running guest what its document cannot.
func (d *domains) alter(ctx context.Context, r drivers.Ref, f drivers.Flags, edit, live func(*xml.Domain) error) error {
	c, err := d.change(ctx, r, f)
	if err != nil {
		return err
	}
	defer c.end()
	c.quiet = true
	if c.config != nil {
		if err := edit(c.config); err != nil {
			return err
		}
	}
	if c.live != nil {
		if err := edit(c.live); err != nil {
			return err
		}
		if live != nil {
			if err := live(c.live); err != nil {
				return err
			}
		}
		if err := editLive(d.layout.guest(r.Name), edit); err != nil {
			return err
		}
	}
	return c.keep(ctx)
}

// liveAllows tells what a running guest refuses of a change that the definition is
// meant by, too: some of it is told first.
func (d *domains) liveAllows(r drivers.Ref, f drivers.Flags, edit func(*xml.Domain) error) error {
	if !f.Has(drivers.Live | drivers.Config) {
		return nil
	}
	dom, err := readLive(d.layout.guest(r.Name))
	if err != nil { // it does not run, which alter tells
		return nil
	}
	return edit(dom)
}

// VCPUCount counts a domain's vCPUs.
func (d *domains) VCPUCount(ctx context.Context, r drivers.Ref, maximum, agent bool, f drivers.Flags) (int, error) {
	if agent {
		if _, is := d.touch(ctx, r.Name); f.Has(drivers.Live) && !is {
			return 0, notRunning()
		}
		return d.agentCount(ctx, r, maximum)
	}
	dom, err := d.one(ctx, r, f)
	if err != nil {
		return 0, err
	}
	if maximum {
		return int(dom.VCPU.Count), nil
	}
	return vcpus(dom), nil
}

// SetVCPUs sets how many vCPUs there are, or can be.
func (d *domains) SetVCPUs(ctx context.Context, r drivers.Ref, n int, how drivers.VCPUChange, f drivers.Flags) error {
	if how.Guest {
		return d.setAgentCount(ctx, r, n)
	}
	edit := func(dom *xml.Domain) error { return setCount(dom, n, how) }
	if how == (drivers.VCPUChange{}) {
		f = running(f)
	}
	if err := d.liveAllows(r, f, edit); err != nil {
		return err
	}
	return d.alter(ctx, r, f, edit, func(*xml.Domain) error {
		return d.asked(ctx, r, func(q *qmp.Conn) error { return plugVCPUs(ctx, q, n) })
	})
}

// vcpuSlot is a place for a vCPU.
type vcpuSlot struct {
	Type  string
	Count int            `json:"vcpus-count"`
	Props map[string]any `json:"props"`
	Path  string         `json:"qom-path"`
}

// vcpuSlots are the places for vCPUs in their order.
func vcpuSlots(ctx context.Context, q *qmp.Conn) ([]vcpuSlot, error) {
	var list []vcpuSlot
	if err := q.Execute(ctx, "query-hotpluggable-cpus", nil, &list); err != nil {
		return nil, refusal("query-hotpluggable-cpus", err)
	}
	rank := func(s vcpuSlot) int {
		at := 0
		for _, name := range []string{"node-id", "socket-id", "die-id", "cluster-id", "core-id", "thread-id"} {
			n, _ := s.Props[name].(float64)
			at = at*1024 + int(n)
		}
		return at
	}
	slices.SortStableFunc(list, func(a, b vcpuSlot) int { return rank(a) - rank(b) })
	return list, nil
}

// plugVCPUs plugs vCPUs in or out until there are n.
func plugVCPUs(ctx context.Context, q *qmp.Conn, n int) error {
	slots, err := vcpuSlots(ctx, q)
	if err != nil {
		return err
	}
	have := 0
	for _, s := range slots {
		if s.Path != "" {
			have += s.Count
		}
	}
	for i, s := range slots {
		if s.Path == "" && have < n {
			if err := plugVCPU(ctx, q, i, s); err != nil {
				return err
			}
			have += s.Count
		}
	}
	for _, s := range slices.Backward(slots) {
		if s.Path != "" && have > n {
			if err := unplugVCPU(ctx, q, s); err != nil {
				return err
			}
			have -= s.Count
		}
	}
	return nil
}

func plugVCPU(ctx context.Context, q *qmp.Conn, number int, s vcpuSlot) error {
	args := map[string]any{"driver": s.Type, "id": "vcpu" + itoa(number)}
	for name, v := range s.Props {
		args[name] = v
	}
	return refusal("device_add", q.Execute(ctx, "device_add", args, nil))
}

// plugStartVCPUs plugs in, before a guest runs, the vCPUs that it can lose again: a
// saved guest finds its devices as they were.
func (g *guest) plugStartVCPUs(ctx context.Context, live []byte) error {
	if !bytes.Contains(live, []byte("<vcpus>")) {
		return nil
	}
	dom, err := readDomain(xml.Source{Name: g.status.Name, Data: live})
	if err != nil {
		return err
	}
	var list []xml.VCPUState
	for _, v := range dom.VCPUs {
		if v.Enabled == "yes" && v.Hotpluggable == "yes" {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slots, err := vcpuSlots(ctx, g.qmp)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b xml.VCPUState) int { return int(a.Order) - int(b.Order) })
	for _, v := range list {
		first := uint(0)
		for i := range slots {
			s := &slots[i]
			if next := first + uint(s.Count); v.ID >= next {
				first = next
				continue
			}
			if s.Path == "" {
				if err := plugVCPU(ctx, g.qmp, int(first), *s); err != nil {
					return err
				}
				s.Path = "plugged"
			}
			break
		}
	}
	return nil
}

// unplugVCPU asks the guest to let go of a vCPU, and waits for that.
func unplugVCPU(ctx context.Context, q *qmp.Conn, s vcpuSlot) error {
	if filepath.Dir(s.Path) != "/machine/peripheral" {
		return xml.Errorf(xml.CodeConfigUnsupported, "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count")
	}
	id := filepath.Base(s.Path)
	wait, stop := context.WithTimeout(ctx, detachWait)
	defer stop()
	events, err := q.Events(wait)
	if err != nil {
		return err
	}
	if err := refusal("device_del", q.Execute(ctx, "device_del", map[string]string{"id": id}, nil)); err != nil {
		return err
	}
	for e := range events {
		if name, _ := e.Data["device"].(string); name != id {
			continue
		}
		switch e.Event {
		case "DEVICE_DELETED":
			return nil
		case "DEVICE_UNPLUG_GUEST_ERROR":
			return xml.Errorf(xml.CodeOperationFailed, "vcpu unplug request was rejected by the guest")
		}
	}
	return xml.Errorf(xml.CodeOperationFailed, "vcpu unplug request timed out: the guest has not let go of it")
}

// SwitchVCPUs plugs single vCPUs in or out.
func (d *domains) SwitchVCPUs(ctx context.Context, r drivers.Ref, cpus string, on bool, f drivers.Flags) error {
	set, err := xml.ParseSet(cpus)
	if err != nil || set.Len() == 0 {
		return xml.Errorf(xml.CodeInvalidArg, "Failed to parse bitmap '%s'", cpus)
	}
	edit := func(dom *xml.Domain) error { return switchStates(dom, set, on) }
	return d.alter(ctx, r, f, edit, func(*xml.Domain) error {
		return d.asked(ctx, r, func(q *qmp.Conn) error {
			slots, err := vcpuSlots(ctx, q)
			for i, s := range slots {
				switch {
				case err != nil || !set.Has(i) || (s.Path != "") == on:
				case on:
					err = plugVCPU(ctx, q, i, s)
				default:
					err = unplugVCPU(ctx, q, s)
				}
			}
			return err
		})
	})
}

// SetMemory sets the memory that a guest uses: its balloon takes the rest.
func (d *domains) SetMemory(ctx context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	edit := func(dom *xml.Domain) error {
		if kib > dom.Memory.KiB {
			return xml.Errorf(xml.CodeInvalidArg, "cannot set memory higher than max memory")
		}
		if dom.ID == nil {
			dom.CurrentMem = xml.KiB(kib)
		}
		return nil
	}
	return d.alter(ctx, r, f, edit, func(dom *xml.Domain) error {
		if b := dom.Devices.Memballoon; b == nil || b.Model == "none" {
			return xml.Errorf(xml.CodeOperationInvalid, "Unable to change memory of active domain without the balloon device and guest OS balloon driver")
		}
		return d.asked(ctx, r, func(q *qmp.Conn) error {
			return refusal("balloon", q.Execute(ctx, "balloon", map[string]uint64{"value": kib * 1024}, nil))
		})
	})
}

// SetMaxMemory sets the memory that a guest can use, from its next start on.
func (d *domains) SetMaxMemory(ctx context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	edit := func(dom *xml.Domain) error {
		switch {
		case dom.ID != nil:
			return xml.Errorf(xml.CodeOperationInvalid, "cannot resize the maximum memory on an active domain")
		case dom.CPU != nil && dom.CPU.NUMA != nil && len(dom.CPU.NUMA.Cells) > 0:
			return xml.Errorf(xml.CodeOperationInvalid, "initial memory size of a domain with NUMA nodes cannot be modified with this API")
		}
		dom.Memory.KiB = kib
		dom.CurrentMem = min(dom.CurrentMem, xml.KiB(kib))
		return nil
	}
	if err := d.liveAllows(r, f, edit); err != nil {
		return err
	}
	return d.alter(ctx, r, f, edit, nil)
}
