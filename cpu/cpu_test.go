package cpu

import (
	"os"
	"strings"
	"testing"

	"virgo/xml"
)

// load reads a CPU from XML.
func load(t *testing.T, text string) *xml.CPU {
	t.Helper()
	s, err := Load(xml.Source{Name: "test", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.CPU(xml.AnyCPU)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	nehalem  = "<cpu><arch>x86_64</arch><model>Nehalem</model><vendor>Intel</vendor><feature name='vmx'/></cpu>"
	westmere = "<cpu><arch>x86_64</arch><model>Westmere</model><vendor>Intel</vendor></cpu>"
	power9   = "<cpu><arch>ppc64le</arch><model>POWER9</model><vendor>IBM</vendor></cpu>"
)

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name, host, other string
		want              Answer
		reason            string
		err               string
	}{
		{"same", nehalem, nehalem, Identical, "", ""},
		{"less", nehalem, "<cpu><model>Conroe</model></cpu>", Superset, "", ""},
		{"strict", nehalem, "<cpu match='strict'><model>Nehalem</model></cpu>", Incompatible, "Host CPU does not strictly match guest CPU: Extra features: vmx", ""},
		{"more", nehalem, westmere, Incompatible, "Host CPU does not provide required features: aes", ""},
		{"disabled", nehalem, "<cpu><model>Westmere</model><feature policy='disable' name='aes'/></cpu>", Superset, "", ""},
		{"forced", nehalem, "<cpu><model>Westmere</model><feature policy='force' name='aes'/></cpu>", Superset, "", ""},
		{"optional", nehalem, "<cpu><model>Westmere</model><feature policy='optional' name='aes'/></cpu>", Superset, "", ""},
		{"forbidden", nehalem, "<cpu><model>Conroe</model><feature policy='forbid' name='vmx'/></cpu>", Incompatible, "Host CPU provides forbidden features: vmx", ""},
		{"vendor", nehalem, "<cpu><model>Conroe</model><vendor>AMD</vendor></cpu>", Incompatible, "host CPU vendor does not match required CPU vendor AMD", ""},
		{"arch", nehalem, power9, Incompatible, "CPU arch ppc64le does not match host arch", ""},
		{"no model", nehalem, "<cpu mode='host-model'/>", Superset, "", ""},
		{"unknown model", nehalem, "<cpu><model>Nonesuch</model></cpu>", 0, "", "internal error: Unknown CPU model Nonesuch"},
		{"unknown feature", nehalem, "<cpu><model>486</model><feature name='foo'/></cpu>", 0, "", "internal error: Unknown CPU feature foo"},
		{"power", power9, power9, Identical, "", ""},
		{"power mode", power9, "<cpu mode='host-model'><model>power10</model></cpu>", Incompatible, "", ""},
		{"power model", power9, "<cpu><model>POWER8</model></cpu>", Incompatible, "host CPU model does not match required CPU model POWER8", ""},
		{"arm", "<cpu><arch>aarch64</arch><model>a</model></cpu>", "<cpu><arch>aarch64</arch><model>b</model></cpu>", Incompatible, "Host CPU model does not match required CPU vendor  or(and) model b", ""},
		{"s390", "<cpu><arch>s390x</arch><model>z14</model></cpu>", nehalem, Identical, "", ""},
		{"other", "<cpu><arch>sparc</arch><model>x</model></cpu>", nehalem, 0, "", "this function is not supported by the connection driver: 'sparc' architecture is not supported by CPU driver"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Compare(load(t, tt.host), load(t, tt.other), "")
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if r.Answer != tt.want || r.Reason != tt.reason {
				t.Errorf("got %d %q, want %d %q", r.Answer, r.Reason, tt.want, tt.reason)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// line is a CPU in short: model, fallback, and the features with a sign each.
func line(c *xml.CPU) string {
	s := c.Model + "/" + c.Fallback
	for _, f := range c.Features {
		sign := map[string]string{"require": "+", "disable": "-", "force": "!", "": "="}[f.Policy]
		s += " " + sign + f.Name
	}
	return s
}

func TestBaseline(t *testing.T) {
	for _, tt := range []struct {
		name string
		cpus []string
		o    BaselineOptions
		want string
		err  string
	}{
		{"one", []string{nehalem}, BaselineOptions{}, "Nehalem/forbid +vmx", ""},
		{"two", []string{nehalem, westmere}, BaselineOptions{}, "Nehalem/allow", ""},
		{"vendors", []string{nehalem, "<cpu><arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor></cpu>"}, BaselineOptions{}, "", "operation failed: CPU vendors do not match"},
		{"migratable", []string{"<cpu><arch>x86_64</arch><model>Nehalem</model><feature name='invtsc'/></cpu>"}, BaselineOptions{Migratable: true}, "Nehalem/forbid", ""},
		{"never passed", []string{"<cpu><arch>x86_64</arch><model>Nehalem</model><feature name='osxsave'/></cpu>"}, BaselineOptions{NoUnpassed: true}, "Nehalem/forbid", ""},
		{"expanded", []string{"<cpu><arch>x86_64</arch><model>486</model></cpu>"}, BaselineOptions{Expand: true}, "486/forbid +fpu +pse +vme", ""},
		{"removed", []string{"<cpu><arch>x86_64</arch><model>Skylake-Client</model><vendor>Intel</vendor></cpu>"}, BaselineOptions{}, "Skylake-Client/forbid -mpx", ""},
		{"power", []string{power9, power9}, BaselineOptions{}, "POWER9/forbid", ""},
		{"s390", []string{"<cpu><arch>s390x</arch><model>z14</model></cpu>"}, BaselineOptions{}, "", "this function is not supported by the connection driver: cannot compute baseline CPU of s390x architecture"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var cpus []*xml.CPU
			for _, c := range tt.cpus {
				cpus = append(cpus, load(t, c))
			}
			c, err := Baseline(cpus, tt.o)
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if err == nil && line(c) != tt.want {
				t.Errorf("got %s, want %s", line(c), tt.want)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	for _, tt := range []struct{ name, guest, host, want, err string }{
		{"exact", "<cpu><model>Conroe</model></cpu>", nehalem, "Conroe/allow", ""},
		{"minimum", "<cpu match='minimum'><model>Conroe</model><feature policy='disable' name='vmx'/></cpu>", nehalem, "Nehalem/allow -vmx", ""},
		{"host-model", "<cpu mode='host-model'><feature policy='require' name='aes'/></cpu>", nehalem, "Nehalem/allow +vmx +aes", ""},
		{"optional", "<cpu><model>Conroe</model><feature policy='optional' name='vmx'/><feature policy='optional' name='aes'/></cpu>", nehalem, "Conroe/allow +vmx -aes", ""},
		{"removed", "<cpu><model>Skylake-Client</model></cpu>", nehalem, "Skylake-Client/allow -mpx", ""},
		{"passthrough", "<cpu mode='host-passthrough'/>", nehalem, "/", ""},
		{"unknown", "<cpu><model>Nonesuch</model></cpu>", nehalem, "", "internal error: Unknown CPU model Nonesuch"},
		{"s390", "<cpu match='minimum'><model>z13</model></cpu>", "<cpu><arch>s390x</arch><model>z14</model></cpu>", "", "unsupported configuration: match mode minimum not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Update(load(t, tt.guest), load(t, tt.host), "")
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if err == nil && line(c) != tt.want {
				t.Errorf("got %s, want %s", line(c), tt.want)
			}
		})
	}
}

func TestTranslate(t *testing.T) {
	list := []Usable{{Name: "Nehalem"}, {Name: "486"}}
	c, err := Translate(load(t, "<cpu><model>Westmere</model></cpu>"), list, "x86_64")
	if err != nil || line(c) != "Nehalem/allow +aes" {
		t.Errorf("got %v %v", c, err)
	}
	_, err = Translate(load(t, "<cpu><model fallback='forbid'>Westmere</model></cpu>"), list, "x86_64")
	if text(err) != "unsupported configuration: CPU model Westmere is not supported by hypervisor" {
		t.Errorf("error %v", err)
	}
}

func TestMergeLive(t *testing.T) {
	on := func(name string) Word {
		f, _ := Feature(name)
		return Word{f.Leaf, f.Subleaf, strings.ToUpper(f.Register), 1 << f.Bit}
	}
	fpu, vme, pse, vmx := on("fpu"), on("vme"), on("pse"), on("vmx")
	for _, tt := range []struct {
		name, def string
		live      Live
		want, err string
	}{
		{"as asked", "<cpu><model>486</model></cpu>", Live{Words: []Word{fpu, vme, pse}}, "486/allow", ""},
		{"less", "<cpu><model>486</model></cpu>", Live{Words: []Word{fpu, vme}, Filtered: []Word{pse}}, "486/allow -pse", ""},
		{"more", "<cpu><model>486</model></cpu>", Live{Words: []Word{fpu, vme, pse, vmx}}, "486/allow +vmx", ""},
		{"full", "<cpu check='full'><model>486</model></cpu>", Live{Words: []Word{fpu, vmx}}, "", "operation failed: guest CPU doesn't match specification: extra features: vmx, missing features: vme,pse"},
		{"both", "<cpu><model>486</model></cpu>", Live{Words: []Word{fpu}, Filtered: []Word{fpu}}, "", "operation failed: hypervisor provided conflicting CPU data: feature 'fpu' is both enabled and disabled at the same time"},
		{"passthrough", "<cpu mode='host-passthrough'/>", Live{Words: []Word{fpu}}, "/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := MergeLive(load(t, tt.def), tt.live)
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if err == nil && line(c) != tt.want {
				t.Errorf("got %s, want %s", line(c), tt.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	h := Hypervisor{
		Arch: "x86_64", Host: load(t, nehalem),
		Reported: load(t, "<cpu><model>Nehalem</model><vendor>Intel</vendor><feature name='vmx'/><feature name='invtsc'/></cpu>"),
		Models:   []Usable{{Name: "486", Told: true}, {Name: "Nehalem", Told: true}, {Name: "Westmere", Told: true, Blockers: []string{"aes"}}},
	}
	for _, tt := range []struct{ name, guest, check, want, err string }{
		{"host-model", "<cpu mode='host-model'/>", "partial", "Nehalem/forbid +vmx", ""},
		{"usable", "<cpu><model>Nehalem</model></cpu>", "partial", "Nehalem/forbid", ""},
		{"blocked", "<cpu><model>Westmere</model></cpu>", "partial", "", "the CPU is incompatible with host CPU: Host CPU does not provide required features: aes"},
		{"unchecked", "<cpu><model>Westmere</model></cpu>", "none", "Westmere/forbid", ""},
		{"translated", "<cpu><model>Conroe</model></cpu>", "partial", "Nehalem/forbid -cx16", ""},
		{"forbidden", "<cpu><model>486</model><feature policy='forbid' name='vmx'/></cpu>", "partial", "", "the CPU is incompatible with host CPU: Host CPU provides forbidden features: vmx"},
		{"unknown", "<cpu><model>486</model><feature policy='forbid' name='nosuch'/></cpu>", "none", "", "unsupported configuration: unknown CPU feature: nosuch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := h.Resolve(load(t, tt.guest), tt.check)
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if err == nil && !strings.HasPrefix(line(c), tt.want) {
				t.Errorf("got %s, want %s", line(c), tt.want)
			}
		})
	}
}

// Of another architecture's models only those are had that the emulator offers as they are.
func TestResolveForeign(t *testing.T) {
	h := Hypervisor{Arch: "s390x", Models: []Usable{{Name: "z900", Told: true}, {Name: "z14", Told: true, Blockers: []string{"type"}}}}
	for _, tt := range []struct{ guest, err string }{
		{"<cpu><model>z900</model><feature policy='disable' name='aen'/></cpu>", ""},
		{"<cpu><model>z900</model><feature policy='force' name='aen'/></cpu>", "the CPU is incompatible with host CPU: unknown host CPU"},
		{"<cpu><model>z14</model></cpu>", "the CPU is incompatible with host CPU: unknown host CPU"},
		{"<cpu><model>z14</model><feature policy='optional' name='aen'/></cpu>", "unsupported configuration: only cpu feature policies 'require' and 'disable' are supported for aen"},
	} {
		if _, err := h.Resolve(load(t, tt.guest), "partial"); text(err) != tt.err {
			t.Errorf("%s: %q, want %q", tt.guest, text(err), tt.err)
		}
	}
}

func TestArgument(t *testing.T) {
	for _, tt := range []struct{ cpu, want string }{
		{"<cpu><model vendor_id='KVM KVM KVM '>Nehalem</model><feature name='pclmuldq'/><feature policy='disable' name='vmx'/></cpu>", "Nehalem,vendor=KVM KVM KVM ,pclmulqdq=on,vmx=off"},
		{"<cpu mode='host-passthrough' migratable='on'><cache mode='passthrough'/><maxphysaddr mode='passthrough' limit='39'/></cpu>", "host,migratable=on,host-phys-bits=on,host-phys-bits-limit=39,host-cache-info=on,l3-cache=off"},
		{"<cpu mode='maximum'><maxphysaddr mode='emulate' bits='42'/></cpu>", "max,phys-bits=42"},
	} {
		c := load(t, tt.cpu)
		if got := Argument(c, "x86_64", nil) + ArgumentEnd(c); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestForUpdateCPU(t *testing.T) {
	host := load(t, "<cpu><model>Nehalem</model><vendor>Intel</vendor><feature name='vmx'/><feature name='invtsc'/></cpu>")
	for _, tt := range []struct{ guest, want string }{
		{"<cpu mode='host-model' check='partial'/>", "<cpu mode='host-model' match='exact' check='partial'>\n  <model fallback='allow'>Nehalem</model>\n  <vendor>Intel</vendor>\n  <feature policy='require' name='vmx'/>\n</cpu>\n"},
		{"<cpu mode='host-passthrough' check='none' migratable='on'/>", "<cpu mode='host-passthrough' match='minimum' check='none' migratable='on'>\n  <model>Nehalem</model>\n  <vendor>Intel</vendor>\n  <feature policy='require' name='vmx'/>\n</cpu>\n"},
		{"<cpu match='minimum' check='none'><model>486</model></cpu>", "<cpu mode='custom' match='exact' check='none'>\n  <model fallback='allow'>Nehalem</model>\n  <feature policy='require' name='vmx'/>\n</cpu>\n"},
	} {
		c, err := ForUpdateCPU(load(t, tt.guest), host, "x86_64", 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.EncodeNode("cpu").String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestSources(t *testing.T) {
	dump, err := os.ReadFile("testdata/westmere.cpuid")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text string
		kind       SourceKind
		guest      bool
		want       string
		err        string
	}{
		{"element", nehalem, SourceElement, false, "Nehalem", ""},
		{"two", westmere + nehalem, SourceElement, false, "Westmere", ""},
		{"domain", "<domain><os><type arch='x86_64'>hvm</type></os><cpu><model>486</model></cpu></domain>", SourceDomain, false, "486", ""},
		{"capabilities", "<capabilities><host>" + nehalem + "</host></capabilities>", SourceCapabilities, false, "Nehalem", ""},
		{"domain capabilities", "<domainCapabilities><cpu><mode name='host-model' supported='yes'><model fallback='forbid'>EPYC</model></mode></cpu></domainCapabilities>", SourceDomainCaps, false, "EPYC", ""},
		{"dump", string(dump), SourceCPUID, true, "Westmere", ""},
		{"cpudata", "<cpudata arch='x86'><cpuid eax_in='1' edx='0x1b'/></cpudata>", SourceCPUID, true, "486", ""},
		{"qemu", `{"return": {"model": {"name": "base", "props": {"fpu": true, "vme": true, "pse": true, "vendor": "GenuineIntel", "family": 4, "model": 0, "stepping": 0}}}}`, SourceQEMU, true, "486", ""},
		{"cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 4\nmodel\t: 1\nstepping\t: 1\nflags\t: fpu vme pse\n", SourceCPUInfo, true, "486", ""},
		{"names", "486\nNehalem\n", SourceNames, false, "", "File 'test' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML"},
		{"empty", "", 0, false, "", "File 'test' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML"},
		{"bad dump", "CPU 0:\n 0x0 0x0: eax=0x1 foo=2", 0, false, "", "test:2: not a line of a CPUID dump: not a register: \"foo=2\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kind := xml.AnyCPU
			if tt.guest {
				kind = xml.GuestCPU
			}
			s, err := Load(xml.Source{Name: "test", Data: []byte(tt.text)})
			var c *xml.CPU
			if err == nil {
				if s.Kind != tt.kind {
					t.Errorf("kind %d, want %d", s.Kind, tt.kind)
				}
				c, err = s.CPU(kind)
			}
			if text(err) != tt.err {
				t.Fatalf("error %q, want %q", text(err), tt.err)
			}
			if err == nil && c.Model != tt.want {
				t.Errorf("model %q, want %q", c.Model, tt.want)
			}
		})
	}
}

// TestPlainHost holds the quick reader against the general one.
func TestPlainHost(t *testing.T) {
	text, err := os.ReadFile("testdata/haswell-host.xml")
	if err != nil {
		t.Fatal(err)
	}
	quick, length, ok := plainHost(text)
	if !ok {
		t.Fatal("the quick reader does not take a plain host")
	}
	n, err := xml.Parse(xml.Source{Name: "host", Data: text[:length]})
	if err != nil {
		t.Fatal(err)
	}
	slow, err := xml.DecodeCPU(n, xml.HostCPU)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := quick.EncodeNode("cpu").String(), slow.EncodeNode("cpu").String(); a != b {
		t.Errorf("quick:\n%s\nslow:\n%s", a, b)
	}
}
