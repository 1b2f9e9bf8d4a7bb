package test

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// SchedulerType is the one scheduler.
func (d domains) SchedulerType(context.Context, drivers.Ref) (string, error) { return "fair", nil }

// Params reads a group of parameters.
func (d domains) Params(_ context.Context, r drivers.Ref, group drivers.ParamGroup, device string, f drivers.Flags) ([]drivers.Param, error) {
	var out []drivers.Param
	err := d.with(r, func(g *guest) error {
		if group == drivers.Schedule {
			if f&(drivers.Live|drivers.Config|drivers.Current) != 0 { // the peer's words for what its driver cannot tell
				if f.Has(drivers.Live | drivers.Config) {
					return drivers.BadFlags(4, "testDomainGetSchedulerParametersFlags")
				}
				return drivers.Refuse(f|drivers.Current, "testDomainGetSchedulerParametersFlags", drivers.Live, 1, drivers.Config, 2, drivers.Current, 4)
			}
			out = []drivers.Param{{Name: "weight", Value: uint32(50)}}
			return nil
		}
		def, err := g.one(f)
		if err != nil {
			return err
		}
		switch group {
		case drivers.MemoryLimits:
			out = domain.MemoryParams(def)
		case drivers.BlockWeights:
			out = domain.BlockParams(def)
		case drivers.NUMA:
			out = domain.NUMAParams(def)
		case drivers.PerfEvents:
			out = domain.PerfParams(def)
		case drivers.IfaceBandwidth:
			n := ifaceOf(def, device)
			if n == nil {
				return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
			}
			out = domain.BandwidthParams(n.Bandwidth)
		case drivers.DiskLimits:
			k := domain.DiskNamed(def, device)
			if k == nil {
				return xml.Errorf(xml.CodeInvalidArg, "disk '%s' was not found in the domain config", device)
			}
			out = domain.DiskParams(k)
		}
		return nil
	})
	return out, err
}

// SetParams sets parameters of a group.
func (d domains) SetParams(_ context.Context, r drivers.Ref, group drivers.ParamGroup, device string, list []drivers.Param, f drivers.Flags) error {
	if group == drivers.Schedule {
		return nil // the peer's driver takes it and does nothing
	}
	if group == drivers.PerfEvents && f.Has(drivers.Live|drivers.Config) {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
	}
	return d.with(r, func(g *guest) error {
		return g.change(f, func(def *xml.Domain) error {
			switch group {
			case drivers.MemoryLimits:
				return domain.SetMemoryLimits(def, list)
			case drivers.BlockWeights:
				return domain.SetBlockWeights(def, list)
			case drivers.NUMA:
				return nil // taken, without effect
			case drivers.PerfEvents:
				return domain.SetPerf(def, list)
			case drivers.IfaceBandwidth:
				n := ifaceOf(def, device)
				if n == nil {
					return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
				}
				return domain.SetBandwidth(n, list)
			case drivers.DiskLimits:
				k := domain.DiskNamed(def, device)
				if k == nil {
					return xml.Errorf(xml.CodeInvalidArg, "disk '%s' was not found in the domain config", device)
				}
				return setDiskLimits(k, list)
			}
			return nil
		})
	})
}

func setDiskLimits(k *xml.Disk, list []drivers.Param) error {
	t := xml.IOTune{}
	if k.IOTune != nil {
		t = *k.IOTune
	}
	domain.ReadDiskLimits(&t, list)
	if err := domain.LowerDiskLimits(&t); err != nil {
		return err
	}
	k.IOTune = &t
	return nil
}
