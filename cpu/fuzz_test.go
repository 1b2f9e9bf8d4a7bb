package cpu

import (
	"encoding/binary"
	"os"
	"testing"

	"virgo/xml"
)

// FuzzLoad reads any text as a source, and as each kind of CPU.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"testdata/westmere.cpuid", "testdata/haswell-host.xml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{
		nehalem + westmere, "486\nNehalem\n",
		`{"return": [{"name": "486", "unavailable-features": ["vmx"]}]}`,
		`{"model": {"name": "max", "props": {"fpu": true, "vendor": "GenuineIntel", "family": 6}}}`,
		"<cpudata arch='x86'><cpuid eax_in='1' edx='0x1b'/><msr index='0x10a' eax='1' edx='0'/></cpudata>",
		"vendor_id : AuthenticAMD\ncpu family : 23\nflags : fpu vme\n",
		"<domainCapabilities><cpu><mode name='host-model' supported='yes'><model>486</model></mode></cpu></domainCapabilities>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := LoadAll(xml.Source{Name: "fuzz", Data: data})
		if err != nil {
			return
		}
		if len(all) == 0 {
			t.Fatal("no source and no error")
		}
		for i := range all {
			for _, kind := range []xml.CPUKind{xml.AnyCPU, xml.HostCPU, xml.GuestCPU} {
				c, err := all[i].CPU(kind)
				if err != nil {
					continue
				}
				c.EncodeNode("cpu")
				if _, err := Expand(c, "x86_64"); err == nil {
					Compare(c, c, "x86_64")
				}
			}
		}
	})
}

// FuzzPlainHost holds the quick reader against the general one.
func FuzzPlainHost(f *testing.F) {
	data, err := os.ReadFile("testdata/haswell-host.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(nehalem))
	f.Fuzz(func(t *testing.T, data []byte) {
		quick, length, ok := plainHost(data)
		if !ok {
			return
		}
		n, err := xml.Parse(xml.Source{Name: "fuzz", Data: data[:length]})
		if err != nil {
			t.Fatalf("the general reader refuses %q: %v", data[:length], err)
		}
		slow, err := xml.DecodeCPU(n, xml.HostCPU)
		if err != nil {
			t.Fatalf("the general reader refuses %q: %v", data[:length], err)
		}
		if a, b := quick.EncodeNode("cpu").String(), slow.EncodeNode("cpu").String(); a != b {
			t.Fatalf("quick %s, slow %s", a, b)
		}
	})
}

// FuzzDecode decodes any set of features: the answer has exactly those that the
// data have, less what it disables.
func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, 8*setWords+8))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 8*setWords+4 {
			return
		}
		var r raw
		for i := range r.features {
			r.features[i] = binary.LittleEndian.Uint64(data[8*i:])
		}
		for i := mapFeatures; i < 64*setWords; i++ {
			r.features.del(i)
		}
		rest := data[8*setWords:]
		r.vendor = vendors[int(rest[0])%len(vendors)].name
		r.signature = Signature{int(rest[1]), int(rest[2]), int(rest[3] & 15)}
		for _, host := range []bool{false, true} {
			c, err := decode(r, decodeOptions{host: host})
			if err != nil {
				continue
			}
			arch := ""
			if host {
				arch = "x86_64"
			}
			p, err := parse(c.cpu(&r, arch))
			if err != nil {
				t.Fatal(err)
			}
			has := p.has()
			if extra := has.minus(&r.features); !extra.empty() {
				t.Fatalf("%s claims %v", c.model.name, extra.names())
			}
		}
	})
}
