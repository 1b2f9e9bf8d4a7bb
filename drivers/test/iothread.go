package test

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// IOThreads lists a domain's threads.
func (d domains) IOThreads(_ context.Context, r drivers.Ref, f drivers.Flags) ([]drivers.IOThread, error) {
	var out []drivers.IOThread
	err := d.with(r, func(g *guest) error {
		def, err := g.one(f)
		if err != nil {
			return err
		}
		def = clone(def)
		for _, t := range domain.IOThreads(def) {
			set := allCPUs(int(def.VCPU.Count))
			if def.VCPU.CPUSet != "" {
				set = def.VCPU.CPUSet.Set()
			}
			if def.CPUTune != nil {
				for _, p := range def.CPUTune.IOThreadPins {
					if p.IOThread == t.ID {
						set = p.CPUSet.Set()
					}
				}
			}
			out = append(out, drivers.IOThread{ID: int(t.ID), Affinity: set})
		}
		return nil
	})
	return out, err
}

// onThread runs fn on each definition with the thread's place in it, or -1.
func (d domains) onThread(r drivers.Ref, id int, f drivers.Flags, must bool, fn func(*xml.Domain, int) error) error {
	return d.with(r, func(g *guest) error {
		if _, err := g.one(f); err != nil {
			return err
		}
		return g.change(f, func(def *xml.Domain) error {
			i := slices.IndexFunc(domain.IOThreads(def), func(t xml.IOThread) bool { return int(t.ID) == id })
			if i < 0 && must {
				return xml.Errorf(xml.CodeInvalidArg, "cannot find IOThread '%d' in iothreadids list", id)
			}
			return fn(def, i)
		})
	})
}

// AddIOThread adds a thread.
func (d domains) AddIOThread(_ context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.onThread(r, id, f, false, func(def *xml.Domain, i int) error {
		if i >= 0 {
			return xml.Errorf(xml.CodeInvalidArg, "an IOThread is already using iothread_id '%d'", id)
		}
		domain.AddIOThread(def, id)
		return nil
	})
}

// DelIOThread takes a thread away.
func (d domains) DelIOThread(_ context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.onThread(r, id, f, true, func(def *xml.Domain, i int) error {
		domain.DelIOThread(def, i)
		return nil
	})
}

// SetIOThread sets how long a thread polls.
func (d domains) SetIOThread(_ context.Context, r drivers.Ref, id int, list []drivers.Param, f drivers.Flags) error {
	if f.Has(drivers.Config) {
		return drivers.BadFlags(2, "testDomainSetIOThreadParams")
	}
	for _, p := range list {
		if p.Name == "thread_pool_min" || p.Name == "thread_pool_max" {
			return xml.Errorf(xml.CodeArgUnsupported, "parameter '%s' not supported", p.Name)
		}
	}
	return d.onThread(r, id, f, true, func(def *xml.Domain, i int) error {
		for _, p := range list {
			domain.SetPoll(&def.IOThreadIDs[i], p)
		}
		return nil
	})
}

// PinIOThread says where a thread may run.
func (d domains) PinIOThread(_ context.Context, r drivers.Ref, id int, cpus xml.Set, f drivers.Flags) error {
	return d.onThread(r, id, f, false, func(def *xml.Domain, i int) error {
		if i < 0 {
			return xml.Errorf(xml.CodeInvalidArg, "iothreadid %d not found", id)
		}
		domain.PinIOThread(def, id, cpus)
		return nil
	})
}

// statGroups are the groups that the driver does not have, by their bits.
var statGroups = [...]string{1: "cpu-total", "balloon", "vcpu", "interface", "block", "perf", 8: "memory", "dirtyrate", "vm"}

// Stats tells the state and the IO threads; the driver knows no more.
func (d domains) Stats(_ context.Context, r drivers.Ref, groups []string, f drivers.Flags) ([]drivers.Param, error) {
	if f.Has(drivers.Force) {
		bits := 0
		for i, name := range statGroups {
			if name != "" && slices.Contains(groups, name) {
				bits |= 1 << i
			}
		}
		if bits != 0 {
			return nil, xml.Errorf(xml.CodeArgUnsupported, "Stats types bits 0x%x are not supported by this daemon", bits)
		}
	}
	var out []drivers.Param
	wants := func(name string) bool { return len(groups) == 0 || slices.Contains(groups, name) }
	err := d.with(r, func(g *guest) error {
		if wants("state") {
			out = append(out, drivers.Param{Name: "state.state", Value: int32(g.state)}, drivers.Param{Name: "state.reason", Value: int32(g.reason)})
		}
		if !wants("iothread") || !g.active() || len(g.live.IOThreadIDs) == 0 {
			return nil
		}
		list := g.live.IOThreadIDs
		out = append(out, drivers.Param{Name: "iothread.count", Value: uint32(len(list))})
		for _, t := range list {
			name := "iothread." + itoa(t.ID) + "."
			poll := xml.IOThreadPoll{}
			if t.Poll != nil {
				poll = *t.Poll
			}
			out = append(out, drivers.Param{Name: name + "poll-max-ns", Value: or(poll.Max, 32768)},
				drivers.Param{Name: name + "poll-grow", Value: or(poll.Grow, 0)}, drivers.Param{Name: name + "poll-shrink", Value: or(poll.Shrink, 0)})
		}
		return nil
	})
	return out, err
}

func or(p *uint64, v uint64) uint64 {
	if p != nil {
		return *p
	}
	return v
}
