package qemu

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

var _ drivers.GuestVCPUer = (*domains)(nil)

// agentCPU is a vCPU as the guest has it.
type agentCPU struct {
	ID         int   `json:"logical-id"`
	Online     bool  `json:"online"`
	CanOffline *bool `json:"can-offline,omitempty"`
}

// stays tells whether the guest cannot do without it.
func (c agentCPU) stays() bool { return c.CanOffline != nil && !*c.CanOffline }

func (a *agentSession) cpus(ctx context.Context) ([]agentCPU, error) {
	var list []agentCPU
	err := a.run(ctx, "guest-get-vcpus", nil, &list)
	for _, c := range list {
		if c.ID < 0 || c.ID > 1<<16 { // the guest may say anything
			return nil, xml.Errorf(xml.CodeInternal, "guest agent returned malformed or invalid return value")
		}
	}
	slices.SortFunc(list, func(a, b agentCPU) int { return a.ID - b.ID })
	return list, err
}

// turn switches vCPUs, all with one command or, if the guest does a part of them,
// with several.
func (a *agentSession) turn(ctx context.Context, list []agentCPU) error {
	for len(list) > 0 {
		args := make([]map[string]any, len(list))
		for i, c := range list {
			args[i] = map[string]any{"logical-id": c.ID, "online": c.Online}
		}
		var n int
		if err := a.run(ctx, "guest-set-vcpus", map[string]any{"vcpus": args}, &n); err != nil {
			return err
		}
		switch {
		case n < 0, n > len(list):
			return xml.Errorf(xml.CodeInternal, "guest agent returned malformed or invalid return value")
		case n == 0:
			return xml.Errorf(xml.CodeInternal, "failed to set state of cpu %d via guest agent", list[0].ID)
		}
		list = list[n:]
	}
	return nil
}

// GuestVCPUs tells which vCPUs the guest has, uses, and can do without.
func (d *domains) GuestVCPUs(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	var all, online, offlinable xml.Set
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		list, err := a.cpus(ctx)
		for _, c := range list {
			all.Add(c.ID)
			if c.Online {
				online.Add(c.ID)
			}
			if !c.stays() {
				offlinable.Add(c.ID)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return []drivers.Param{{Name: "vcpus", Value: all.String()}, {Name: "online", Value: online.String()}, {Name: "offlinable", Value: offlinable.String()}}, nil
}

// SetGuestVCPUs switches vCPUs in the guest on or off.
func (d *domains) SetGuestVCPUs(ctx context.Context, r drivers.Ref, cpus string, on bool) error {
	set, err := xml.ParseSet(cpus)
	if err != nil {
		return err
	}
	return d.withAgent(ctx, r, func(a *agentSession) error {
		list, err := a.cpus(ctx)
		if err != nil {
			return err
		}
		var change []agentCPU
		var missing xml.Set
		for id := 0; id <= set.Last(); id++ {
			if !set.Has(id) {
				continue
			}
			i := slices.IndexFunc(list, func(c agentCPU) bool { return c.ID == id })
			switch {
			case i < 0:
				missing.Add(id)
			case list[i].stays() && !on:
				return xml.Errorf(xml.CodeUnsupported, "vCPU '%d' is not offlinable", id)
			case list[i].Online != on:
				change = append(change, agentCPU{ID: id, Online: on})
			}
		}
		if missing.Len() > 0 {
			return xml.Errorf(xml.CodeInvalidArg, "guest is missing vCPUs '%s'", missing)
		}
		return a.turn(ctx, change)
	})
}

// agentCount counts the vCPUs that the guest uses, or has.
func (d *domains) agentCount(ctx context.Context, r drivers.Ref, maximum bool) (int, error) {
	if _, running := d.touch(ctx, r.Name); !running {
		return 0, xml.Errorf(xml.CodeInvalidArg, "vCPU count provided by the guest agent can only be requested for live domains")
	}
	n := 0
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		list, err := a.cpus(ctx)
		for _, c := range list {
			if c.Online || maximum {
				n++
			}
		}
		return err
	})
	return n, err
}

// setAgentCount has the guest use so many of its vCPUs.
func (d *domains) setAgentCount(ctx context.Context, r drivers.Ref, n int) error {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return err
	}
	if have := vcpus(dom); n > have {
		return xml.Errorf(xml.CodeInvalidArg, "requested vcpu count is greater than the count of enabled vcpus in the domain: %d > %d", n, have)
	}
	return d.withAgent(ctx, r, func(a *agentSession) error {
		list, err := a.cpus(ctx)
		if err != nil {
			return err
		}
		online := 0
		for _, c := range list {
			if c.Online {
				online++
			}
		}
		if n > len(list) {
			return xml.Errorf(xml.CodeInvalidArg, "guest agent reports less cpu than requested")
		}
		var change []agentCPU
		for i := range list {
			up, down := list[i], list[len(list)-1-i] // the first ones come, the last ones go
			switch {
			case online < n && !up.Online:
				change = append(change, agentCPU{ID: up.ID, Online: true})
				online++
			case online > n && down.Online && !down.stays():
				change = append(change, agentCPU{ID: down.ID})
				online--
			}
		}
		if online != n {
			return xml.Errorf(xml.CodeInvalidArg, "Cannot offline enough CPUs")
		}
		return a.turn(ctx, change)
	})
}
