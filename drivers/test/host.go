package test

import (
	"bytes"
	"context"
	"fmt"
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
			State: g.state, Reason: g.reason, OSType: "linux", VCPUs: int(current(def.VCPU)), HasCPUTime: true, CPUTime: cpuTime(),
			MaxMemory: def.Memory.KiB, Memory: uint64(def.CurrentMem), Persistent: g.config != nil, Autostart: g.autostart,
			ManagedSave: g.saved, SecurityModel: "testSecurity", Messages: g.taints,
		}
		if g.active() {
			i.SecurityLabel = "libvirt-test (enforcing)"
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

// Capabilities is the document of the node.
func (c *Conn) Capabilities(context.Context) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<capabilities>

  <host>
    <cpu>
      <arch>i686</arch>
      <features>
        <pae/>
        <nonpae/>
      </features>
      <pages unit='KiB' size='4'/>
      <pages unit='KiB' size='8'/>
      <pages unit='KiB' size='2048'/>
      <pages unit='KiB' size='1048576'/>
    </cpu>
    <power_management/>
    <iommu support='no'/>
    <topology>
`)
	fmt.Fprintf(&b, "      <cells num='%d'>\n", len(c.cells))
	for i, cell := range c.cells {
		fmt.Fprintf(&b, "        <cell id='%d'>\n          <memory unit='KiB'>%d</memory>\n", i, cell.memory)
		fmt.Fprintf(&b, "          <pages unit='KiB' size='%d'>%d</pages>\n", cell.pageSize, cell.memory/uint64(cell.pageSize))
		b.WriteString("          <pages unit='KiB' size='2048'>0</pages>\n          <pages unit='KiB' size='1048576'>0</pages>\n")
		fmt.Fprintf(&b, "          <cpus num='%d'>\n", len(cell.cpus))
		for core, id := range cell.cpus {
			fmt.Fprintf(&b, "            <cpu id='%d' socket_id='%d' die_id='0' cluster_id='0' core_id='%d' siblings='%d'/>\n", id, i, core, id)
		}
		b.WriteString("          </cpus>\n        </cell>\n")
	}
	b.WriteString(`      </cells>
    </topology>
    <secmodel>
      <model>testSecurity</model>
      <doi></doi>
    </secmodel>
  </host>

`)
	for _, os := range []string{"hvm", "xen"} {
		fmt.Fprintf(&b, `  <guest>
    <os_type>%s</os_type>
    <arch name='i686'>
      <wordsize>32</wordsize>
      <emulator>/usr/bin/test-hv</emulator>
      <domain type='test'/>
    </arch>
    <features>
      <pae/>
      <nonpae/>
    </features>
  </guest>

`, os)
	}
	b.WriteString("</capabilities>\n")
	return b.Bytes(), nil
}
