package test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

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

// DomainCapabilities says that the driver gives nothing special.
func (c *Conn) DomainCapabilities(_ context.Context, q drivers.EmulatorQuery) ([]byte, error) {
	bits := uint(0)
	for i, on := range []bool{q.NoDeprecated, q.ExpandCPU, q.SupportedCPU} {
		if on {
			bits |= 1 << i
		}
	}
	if bits != 0 {
		return nil, drivers.BadFlags(bits, "testConnectGetDomainCapabilities")
	}
	if q.Arch == "" {
		q.Arch = "i686"
	} else if !slices.Contains(xml.Architectures[:], q.Arch) {
		return nil, xml.Errorf(xml.CodeInvalidArg, "unknown architecture: %s", q.Arch)
	}
	if q.VirtType == "" {
		q.VirtType = "test"
	} else if !strings.Contains(" qemu kvm xen lxc test vmware hyperv vbox phyp parallels bhyve vz hvf ", " "+q.VirtType+" ") {
		return nil, xml.Errorf(xml.CodeInvalidArg, "unknown virttype: %s", q.VirtType)
	}
	doc := xml.Element("domainCapabilities")
	if q.Emulator != "" {
		doc.Add(xml.TextElement("path", q.Emulator))
	}
	doc.Add(xml.TextElement("domain", q.VirtType))
	if q.Machine != "" {
		doc.Add(xml.TextElement("machine", q.Machine))
	}
	doc.Add(xml.TextElement("arch", q.Arch))
	cpu := xml.Element("cpu")
	for _, mode := range []string{"host-passthrough", "maximum", "host-model", "custom"} {
		cpu.Add(xml.Element("mode").With("name", mode, "supported", "no"))
	}
	doc.Add(cpu, xml.Element("devices"), xml.Element("features",
		xml.Element("sev").With("supported", "no"), xml.Element("sgx").With("supported", "no")))
	return bytes.Replace(doc.Print(), []byte("<devices/>"), []byte("<devices>\n  </devices>"), 1), nil
}
