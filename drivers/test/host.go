package test

import (
	"context"
	"os"

	"virgo/drivers"
	"virgo/xml"
)

// Version is the peer's test driver's.
func (c *Conn) Version(context.Context) (string, uint64, error) { return "TEST", 2, nil }

// Hostname is this machine's.
func (c *Conn) Hostname(context.Context) (string, error) { return os.Hostname() }

// NodeInfo tells about the node.
func (c *Conn) NodeInfo(context.Context) (drivers.NodeInfo, error) { return c.info, nil }

// MaxVCPUs is the same for all.
func (c *Conn) MaxVCPUs(context.Context, string) (int, error) { return 32, nil }

// Info tells dominfo's values.
func (d domains) Info(_ context.Context, r drivers.Ref) (drivers.DomainInfo, error) {
	var i drivers.DomainInfo
	err := d.with(r, func(g *guest) error {
		def := g.current()
		i = drivers.DomainInfo{
			State: g.state, Reason: g.reason, StateSince: g.since, OSType: "linux", VCPUs: int(current(def.VCPU)), HasCPUTime: true, CPUTime: cpuTime(),
			MaxMemory: def.Memory.KiB, Memory: uint64(def.CurrentMem), Persistent: g.config != nil, Autostart: g.autostart,
			ManagedSave: g.saved, SecurityModel: "testSecurity", Messages: g.taints,
		}
		if g.active() {
			i.SecurityLabels = []string{"libvirt-test (enforcing)"}
		}
		return nil
	})
	return i, err
}

// current is how many vCPUs are in use.
func current(v *xml.VCPU) uint {
	if v.Current > 0 {
		return v.Current
	}
	return v.Count
}

// Sysinfo is made up.
func (c *Conn) Sysinfo(context.Context) ([]byte, error) {
	return []byte(`<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
`), nil
}

// FreeMemory is what is left of the node.
func (c *Conn) FreeMemory(context.Context) (uint64, error) {
	total := uint64(0)
	for i := range c.cells {
		total += c.cells[i].memory / 2
	}
	return total, nil
}

// CellsFreeMemory is what is left of each cell.
func (c *Conn) CellsFreeMemory(_ context.Context, first, count int) ([]uint64, error) {
	if first < 0 || first+count > len(c.cells) {
		return nil, xml.Errorf(xml.CodeInvalidArg, "Range exceeds available cells")
	}
	var out []uint64
	for _, cell := range c.cells[first : first+count] {
		out = append(out, cell.memory)
	}
	return out, nil
}

// FreePages are numbers that differ for each cell and size.
func (c *Conn) FreePages(_ context.Context, sizes []uint, first, count int) ([]uint64, error) {
	var out []uint64
	for cell := first; cell < first+count; cell++ {
		n := uint64(cell)*12 + 7
		for range sizes {
			out = append(out, n)
			n = 2*n + 7
		}
	}
	return out, nil
}

// CPUMap is the same for all nodes.
func (c *Conn) CPUMap(context.Context) ([]bool, error) {
	return []bool{true, false, true, false, true, false, false, false}, nil
}

// CPULoad is the same for all CPUs.
func (c *Conn) CPULoad(context.Context, int) ([]drivers.Param, error) {
	return []drivers.Param{{Name: "kernel", Value: uint64(34678723400000)}, {Name: "user", Value: uint64(9797400000)},
		{Name: "idle", Value: uint64(87264900000)}, {Name: "iowait", Value: uint64(763600000)}}, nil
}
