package test

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// hostCPUs is how many CPUs pinning can choose from.
const hostCPUs = 8

// VCPUCount counts a domain's vCPUs.
func (d domains) VCPUCount(_ context.Context, r drivers.Ref, maximum, agent bool, f drivers.Flags) (int, error) {
	n := 0
	if agent {
		return 0, drivers.BadFlags(8, "testDomainGetVcpusFlags")
	}
	err := d.with(r, func(g *guest) error {
		def, err := g.one(f)
		if err != nil {
			return err
		}
		n = int(current(def.VCPU))
		if maximum {
			n = int(def.VCPU.Count)
		}
		return nil
	})
	return n, err
}

// SetVCPUs sets how many vCPUs there are, or can be.
func (d domains) SetVCPUs(_ context.Context, r drivers.Ref, n int, c drivers.VCPUChange, f drivers.Flags) error {
	bits := uint(0)
	if c.Guest {
		bits |= 8
	}
	if c.Hotpluggable {
		bits |= 0x10
	}
	if bits != 0 {
		return drivers.BadFlags(bits, "testDomainSetVcpusFlags")
	}
	if n > 32 {
		return xml.Errorf(xml.CodeInvalidArg, "requested cpu amount exceeds maximum supported amount (%d > 32)", n)
	}
	return d.with(r, func(g *guest) error {
		live, config, err := g.pick(f)
		if err != nil {
			return err
		}
		for _, def := range []*xml.Domain{live, config} {
			if def != nil && !c.Maximum && n > int(def.VCPU.Count) {
				return xml.Errorf(xml.CodeInvalidArg, "requested cpu amount exceeds maximum (%d > %d)", n, def.VCPU.Count)
			}
		}
		for _, def := range []*xml.Domain{live, config} {
			if def == nil {
				continue
			}
			now := current(def.VCPU)
			if c.Maximum {
				def.VCPU.Count = uint(n)
				now = min(now, uint(n))
			} else {
				now = uint(n)
			}
			if def.VCPU.Current = now; now == def.VCPU.Count {
				def.VCPU.Current = 0
			}
		}
		return nil
	})
}

// allCPUs is the set of the host's CPUs.
func allCPUs(n int) xml.Set {
	var s xml.Set
	for i := range n {
		s.Add(i)
	}
	return s
}

// pinned is where a vCPU may run.
func pinned(def *xml.Domain, vcpu uint) xml.Set {
	if def.CPUTune != nil {
		for _, p := range def.CPUTune.VCPUPins {
			if p.VCPU == vcpu {
				return p.CPUSet.Set()
			}
		}
	}
	if def.VCPU.CPUSet != "" {
		return def.VCPU.CPUSet.Set()
	}
	return allCPUs(hostCPUs)
}

// VCPUs tells about each vCPU of a running domain.
func (d domains) VCPUs(_ context.Context, r drivers.Ref) ([]drivers.VCPU, error) {
	var out []drivers.VCPU
	err := d.with(r, func(g *guest) error {
		if !g.active() {
			return xml.Errorf(xml.CodeOperationInvalid, "cannot list vcpus for an inactive domain")
		}
		for i := uint(0); i < current(g.live.VCPU); i++ {
			set := pinned(g.live, i)
			cpu := set.Last()
			if set.Len() == hostCPUs {
				cpu = d.info.CPUs - 1
			}
			out = append(out, drivers.VCPU{Number: int(i), CPU: cpu, State: "running", Time: cpuTime() / 10000, HasTime: true, Affinity: set})
		}
		return nil
	})
	return out, err
}

// VCPUPins tells where each vCPU may run.
func (d domains) VCPUPins(_ context.Context, r drivers.Ref, f drivers.Flags) ([]xml.Set, error) {
	var out []xml.Set
	err := d.with(r, func(g *guest) error {
		def, err := g.one(f)
		if err != nil {
			return err
		}
		for i := uint(0); i < def.VCPU.Count; i++ {
			out = append(out, pinned(def, i))
		}
		return nil
	})
	return out, err
}

// PinVCPU says where a vCPU may run.
func (d domains) PinVCPU(_ context.Context, r drivers.Ref, vcpu int, cpus xml.Set, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testDomainPinVcpuFlags", drivers.Live, 1, drivers.Config, 2); err != nil {
		return err
	}
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return xml.Errorf(xml.CodeOperationInvalid, "cannot pin vcpus on an inactive domain")
		}
		if vcpu >= int(current(g.live.VCPU)) {
			return xml.Errorf(xml.CodeInvalidArg, "requested vcpu '%d' is not present in the domain", vcpu)
		}
		domain.PinVCPU(g.live, uint(vcpu), cpus)
		return nil
	})
}

// EmulatorPin tells where the emulator's threads may run.
func (d domains) EmulatorPin(_ context.Context, r drivers.Ref, f drivers.Flags) (xml.Set, error) {
	var out xml.Set
	err := d.with(r, func(g *guest) error {
		def, err := g.one(f)
		if err != nil {
			return err
		}
		switch {
		case def.CPUTune != nil && def.CPUTune.EmulatorPin != nil:
			out = def.CPUTune.EmulatorPin.CPUSet.Set()
		case def.VCPU.CPUSet != "":
			out = def.VCPU.CPUSet.Set()
		default:
			out = allCPUs(hostCPUs)
		}
		return nil
	})
	return out, err
}

// PinEmulator says where they may run.
func (d domains) PinEmulator(_ context.Context, r drivers.Ref, cpus xml.Set, f drivers.Flags) error {
	return d.with(r, func(g *guest) error {
		return g.change(f, func(def *xml.Domain) error {
			domain.PinEmulator(def, cpus)
			return nil
		})
	})
}

// SetMemory sets the memory in use. Without flags the running domain is meant.
func (d domains) SetMemory(_ context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	return d.with(r, func(g *guest) error {
		if _, err := g.one(f); err != nil {
			return err
		}
		return g.change(f, func(def *xml.Domain) error {
			if kib > def.Memory.KiB {
				return xml.Errorf(xml.CodeInvalidArg, "cannot set memory higher than max memory")
			}
			def.CurrentMem = xml.KiB(kib)
			return nil
		})
	})
}

// SetMaxMemory sets the most memory that can be used.
func (d domains) SetMaxMemory(_ context.Context, r drivers.Ref, kib uint64, f drivers.Flags) error {
	return d.with(r, func(g *guest) error {
		if _, err := g.one(f); err != nil {
			return err
		}
		live, _, err := g.pick(f)
		if err != nil {
			return err
		}
		if live != nil {
			return xml.Errorf(xml.CodeOperationInvalid, "cannot resize the maximum memory on an active domain")
		}
		return g.change(f, func(def *xml.Domain) error {
			def.Memory.KiB = kib
			if uint64(def.CurrentMem) > kib {
				def.CurrentMem = xml.KiB(kib)
			}
			return nil
		})
	})
}
