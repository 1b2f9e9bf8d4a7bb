package xml

import (
	"os"
	"testing"
)

func decodeText(t *testing.T, text string, kind CPUKind, domain bool) (*CPU, error) {
	t.Helper()
	n, err := Parse(Source{Name: "cpu", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	if domain {
		c := new(CPU)
		return c, Decode(n, c)
	}
	return DecodeCPU(n, kind)
}

// TestCPUErrors holds the peer's errors, as its test driver gives them.
func TestCPUErrors(t *testing.T) {
	for _, tt := range []struct {
		text string
		kind CPUKind
		want string
	}{
		{"<x/>", AnyCPU, "XML error: XML does not contain expected 'cpu' element"},
		{"<cpu match='exact'><arch>x86_64</arch></cpu>", AnyCPU, "XML error: 'arch' element cannot be used inside 'cpu' element with 'match' attribute'"},
		{"<cpu mode='custom'><arch>x86_64</arch></cpu>", HostCPU, "unsupported configuration: Attribute mode is only allowed for guest CPU"},
		{"<cpu mode='foo'/>", GuestCPU, "unsupported configuration: Invalid mode attribute 'foo'"},
		{"<cpu migratable='on'/>", GuestCPU, "unsupported configuration: Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"},
		{"<cpu match='foo'/>", GuestCPU, "XML error: Invalid value for attribute 'match' in element 'cpu': 'foo'."},
		{"<cpu/>", HostCPU, "XML error: Missing CPU architecture"},
		{"<cpu><arch>zx81</arch></cpu>", HostCPU, "unsupported configuration: Unknown architecture zx81"},
		{"<cpu><arch>x86_64</arch></cpu>", HostCPU, "XML error: Missing CPU model name"},
		{"<cpu><arch>x86_64</arch><model>a</model><microcode version='x'/></cpu>", HostCPU, "unsupported configuration: invalid microcode version"},
		{"<cpu><arch>x86_64</arch><model>a</model><signature family='0'/></cpu>", HostCPU, "XML error: Invalid value for attribute 'family' in element 'signature': Zero is not permitted"},
		{"<cpu><arch>x86_64</arch><model>a</model><counter name='tsc'/></cpu>", HostCPU, "XML error: Missing required attribute 'frequency' in element 'counter'"},
		{"<cpu><model fallback='x'>a</model></cpu>", GuestCPU, "unsupported configuration: Invalid fallback attribute"},
		{"<cpu><model vendor_id='short'>a</model></cpu>", GuestCPU, "XML error: vendor_id must be exactly 12 characters long"},
		{"<cpu><vendor>Intel</vendor></cpu>", GuestCPU, "XML error: CPU vendor specified without CPU model"},
		{"<cpu><topology sockets='1' cores='2'/></cpu>", GuestCPU, "XML error: Missing required attribute 'threads' in element 'topology'"},
		{"<cpu><feature name='a'/></cpu>", GuestCPU, "XML error: Non-empty feature list specified without CPU model"},
		{"<cpu><model>a</model><feature policy='x' name='a'/></cpu>", GuestCPU, "unsupported configuration: Invalid CPU feature policy"},
		{"<cpu><model>a</model><feature/></cpu>", GuestCPU, "XML error: Invalid CPU feature name"},
		{"<cpu><model>a</model><feature name='x'/><feature name='x'/></cpu>", GuestCPU, "XML error: CPU feature 'x' specified more than once"},
		{"<cpu><cache mode='disable'/><cache mode='disable'/></cpu>", GuestCPU, "XML error: at most one CPU cache element may be specified"},
		{"<cpu><cache level='4' mode='disable'/></cpu>", GuestCPU, "XML error: invalid CPU cache level, must be in range [1,3]"},
		{"<cpu><maxphysaddr mode='emulate' limit='3'/></cpu>", GuestCPU, "unsupported configuration: attribute 'limit' is only supported for maxphysaddr mode 'passthrough'"},
	} {
		_, err := decodeText(t, tt.text, tt.kind, false)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// TestDomainCPUErrors are those that only a domain's CPU has.
func TestDomainCPUErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"<cpu><numa/></cpu>", "XML error: NUMA topology defined without NUMA cells"},
		{"<cpu><numa><cell cpus='0'/></numa></cpu>", "XML error: missing element or attribute './@memory'"},
		{"<cpu><numa><cell id='1' memory='1'/></numa></cpu>", "XML error: Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed"},
		{"<cpu><numa><cell cpus='0' memory='1'/><cell cpus='0' memory='1'/></numa></cpu>", "unsupported configuration: NUMA cells 1 and 0 have overlapping vCPU ids"},
		{"<cpu><numa><cell memory='1'><distances><sibling id='0' value='9'/></distances></cell></numa></cpu>", "XML error: 'value 9' is invalid for 'sibling id 0' under NUMA 'cell id 0'"},
		{"<cpu><numa><cell memory='1'/><interconnects><latency initiator='0' target='2' type='read' value='1'/></interconnects></numa></cpu>", "XML error: 'target' refers to a non-existent NUMA node"},
	} {
		_, err := decodeText(t, tt.text, GuestCPU, true)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestCPUPrint(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "<cpu/>", ""},
		{"guest", "<cpu match='minimal'><model>486</model><feature name='vmx'/></cpu>",
			"<cpu mode='custom' match='minimum'>\n  <model fallback='allow'>486</model>\n  <feature policy='require' name='vmx'/>\n</cpu>\n"},
		{"host-model", "<cpu mode='host-model' check='partial'><model fallback='forbid'/></cpu>", "<cpu mode='host-model' check='partial'/>\n"},
		{"vendor_id", "<cpu mode='host-model'><model vendor_id='KVMKVMKVMKVM'/></cpu>", "<cpu mode='host-model'>\n  <model vendor_id='KVMKVMKVMKVM'/>\n</cpu>\n"},
		{"topology", "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", "<cpu>\n  <topology sockets='1' dies='1' clusters='1' cores='2' threads='1'/>\n</cpu>\n"},
		{"numa", "<cpu><numa><cell id='1' cpus='2,3' memory='1' unit='MiB'/><cell id='0' cpus='0-1' memory='5'><distances><sibling id='1' value='21'/></distances></cell></numa></cpu>",
			"<cpu>\n  <numa>\n    <cell id='0' cpus='0-1' memory='5' unit='KiB'>\n      <distances>\n        <sibling id='0' value='10'/>\n        <sibling id='1' value='21'/>\n      </distances>\n    </cell>\n" +
				"    <cell id='1' cpus='2-3' memory='1024' unit='KiB'>\n      <distances>\n        <sibling id='0' value='21'/>\n        <sibling id='1' value='10'/>\n      </distances>\n    </cell>\n  </numa>\n</cpu>\n"},
	} {
		c, err := decodeText(t, tt.text, GuestCPU, true)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := ""
		if n := c.EncodeNode("cpu"); n != nil {
			got = n.String()
		}
		if got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// FuzzCPU reads any element, and reads what it prints.
func FuzzCPU(f *testing.F) {
	if data, err := os.ReadFile("../cpu/testdata/haswell-host.xml"); err == nil {
		f.Add(data)
	}
	f.Add([]byte("<cpu mode='host-model' check='full'><numa><cell memory='1' unit='GiB'/></numa></cpu>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(Source{Name: "fuzz", Data: data})
		if err != nil {
			return
		}
		if c, err := DecodeCPU(n, HostCPU); err == nil {
			c.EncodeNode("cpu")
		}
		c := new(CPU)
		if Decode(n, c) != nil {
			return
		}
		printed := c.EncodeNode("cpu")
		if printed == nil {
			return
		}
		again := new(CPU)
		if err := Decode(printed, again); err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if a, b := printed.String(), again.EncodeNode("cpu").String(); a != b {
			t.Fatalf("first %s, then %s", a, b)
		}
	})
}
