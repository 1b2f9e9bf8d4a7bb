package domain

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

type suiteCase struct {
	Name, Compare, Streams string
	Tags                   []string
	Run                    [][]string
	Expect                 struct{ Text, File string }
	Mask                   []string
}

// The conformance suites' define and dumpxml cases, without a driver around.
// SHOW=substring prints what differs, SUITE=name takes one suite.
func TestSuites(t *testing.T) {
	dir := ""
	for _, d := range []string{"../../../shared/conformance/suites", "../../../../shared/conformance/suites"} {
		if _, err := os.Stat(filepath.Join(d, "domain")); err == nil {
			dir = d
		}
	}
	if dir == "" {
		t.Skip("no conformance suites here")
	}
	for _, s := range []string{"domain-test", "domain", "domain-arch"} {
		if want := os.Getenv("SUITE"); want != "" && want != s {
			continue
		}
		runSuite(t, filepath.Join(dir, s))
	}
}

func runSuite(t *testing.T, dir string) {
	f, err := os.ReadFile(dir + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	good, all := 0, 0
	by := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(f)), "\n") {
		var c suiteCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		tags := strings.Join(c.Tags, " ")
		if strings.Contains(tags, "native") || strings.Contains(tags, "domcap") || strings.Contains(tags, "update-cpu") {
			continue
		}
		all++
		if diff := runCase(dir, c); diff != "" {
			by[tags]++
			if want := os.Getenv("SHOW"); want != "" && strings.Contains(c.Name, want) {
				t.Logf("%s: %s", c.Name, diff)
			}
			if os.Getenv("LIST") != "" {
				first, _, _ := strings.Cut(diff, "\n")
				t.Logf("%s [%s]: %s", c.Name, tags, first)
			}
		} else {
			good++
		}
	}
	t.Logf("%s: %d of %d; failing %v", filepath.Base(dir), good, all, by)
}

func runCase(dir string, c suiteCase) string {
	traits := testTraits()
	words := c.Run[0]
	if strings.Contains(words[1], "qemu:") {
		traits = qemuTraits()
	}
	script := strings.Join(words[2:], " ")
	if len(c.Run) > 1 {
		script += " ; " + strings.Join(c.Run[1][2:], " ")
	}
	script = strings.ReplaceAll(script, `"`, "")
	m := regexp.MustCompile(`define (?:--\S+ )*(\S+\.xml)`).FindStringSubmatch(script)
	if m == nil {
		return "no define in " + script
	}
	want := c.Expect.Text
	if c.Expect.File != "" {
		b, _ := os.ReadFile(filepath.Join(dir, c.Expect.File))
		want = string(b)
	}
	data, err := os.ReadFile(filepath.Join(dir, m[1]))
	if err != nil {
		return err.Error()
	}
	d, err := Parse(xml.Source{Name: m[1], Data: data}, traits)
	if strings.Contains(strings.Join(c.Tags, " "), "negative") {
		lines := strings.Split(strings.TrimSpace(want), "\n")
		wantErr := strings.TrimPrefix(lines[1], "error: ")
		if err == nil {
			return "no error, want " + wantErr
		}
		if got := err.Error(); got != wantErr && !strings.HasPrefix(got, "at line") {
			return "error " + got + ", want " + wantErr
		}
		return ""
	}
	if err != nil {
		return "error " + err.Error()
	}
	if c.Compare != "xml" {
		return ""
	}
	var flags drivers.Flags
	for w, f := range map[string]drivers.Flags{"--inactive": drivers.Inactive, "--security-info": drivers.SecurityInfo, "--migratable": drivers.MigratableXML} {
		if strings.Contains(script, w) {
			flags |= f
		}
	}
	out, err := Print(d, traits, flags)
	if err != nil {
		return err.Error()
	}
	got := string(out)
	if i := strings.Index(want, "<domain"); i > 0 {
		want = want[i:]
	}
	for _, re := range c.Mask {
		with := "#"
		if strings.HasPrefix(re, "(?<=") {
			re, with = "("+re[4:], "${1}#"
		}
		if i := strings.Index(re, "(?="); i >= 0 {
			re, with = re[:i]+"("+re[i+3:], with+"${1}"
		}
		r, err := regexp.Compile("(?m)" + re)
		if err != nil {
			return err.Error()
		}
		want, got = r.ReplaceAllString(want, with), r.ReplaceAllString(got, with)
	}
	a, b := canonical(want), canonical(got)
	if a == b {
		return ""
	}
	return firstDiff(a, b) + "\n" + fullDiff(a, b)
}

func testTraits() *Traits { return &Traits{} }

func qemuTraits() *Traits {
	q := &QEMU{HostArch: "x86_64", NVRAMDir: "{root}/lib/qemu/nvram", Firmwares: []Firmware{
		{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
		{"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.secboot.fd"},
	}}
	for _, e := range [][2]string{{"/usr/bin/qemu-system-x86_64", "x86_64"}, {"/usr/bin/qemu-system-i386", "i686"}} {
		em := Emulator{Path: e[0], Arch: e[1], Native: true}
		for _, v := range []string{"10.0", "9.2", "9.1", "9.0", "8.2", "8.1", "8.0", "7.2", "7.1", "7.0", "6.2", "6.1", "6.0", "5.2", "5.1", "5.0", "4.2", "4.1", "4.0", "4.0.1", "3.1", "3.0", "2.12", "2.11", "2.10", "2.9", "2.8", "2.7", "2.6", "2.5", "2.4"} {
			pc, q35 := Machine{Name: "pc-i440fx-" + v, MaxCPUs: 255}, Machine{Name: "pc-q35-" + v, MaxCPUs: 4096}
			if v == "10.0" {
				pc.Alias, pc.Default, q35.Alias = "pc", true, "q35"
			}
			em.Machines = append(em.Machines, pc, q35)
		}
		em.Machines = append(em.Machines, Machine{Name: "isapc", MaxCPUs: 1}, Machine{Name: "microvm", MaxCPUs: 288}, Machine{Name: "none", MaxCPUs: 1}, Machine{Name: "x-remote", MaxCPUs: 1})
		q.Emulators = append(q.Emulators, em)
	}
	q.Emulators = append(q.Emulators, archEmulators()...)
	return &Traits{QEMU: q}
}

// archEmulators are those of other architectures, with the machines and
// default CPUs that the suite's expectations name.
var archEmulators = sync.OnceValue(func() []Emulator {
	var out []Emulator
	at := map[string]int{}
	files, _ := filepath.Glob("../../../shared/conformance/suites/domain-arch/out/*.xml")
	more, _ := filepath.Glob("../../../../shared/conformance/suites/domain-arch/out/*.xml")
	for _, f := range append(files, more...) {
		data, _ := os.ReadFile(f)
		n, err := xml.Parse(xml.Source{Data: data})
		if err != nil || n.Name != "domain" {
			continue
		}
		typ := n.Child("os").Child("type")
		arch, _ := typ.Attr("arch")
		machine, _ := typ.Attr("machine")
		path := n.Child("devices").Child("emulator").Value()
		if arch == "x86_64" || arch == "i686" {
			continue
		}
		i, ok := at[arch]
		if !ok {
			i = len(out)
			at[arch] = i
			out = append(out, Emulator{Path: path, Arch: arch})
		}
		m := Machine{Name: machine}
		if cpu := n.Child("cpu"); cpu != nil && cpu.Child("model") != nil && strings.Contains(f, "machine-") {
			m.DefaultCPU = cpu.Child("model").Value()
		}
		if base, ok := strings.CutSuffix(machine, "-10.0"); ok {
			m.Alias = base
		}
		switch arch {
		case "s390x":
			m.Default = machine == "s390-ccw-virtio-10.0"
		case "ppc64":
			m.Default = machine == "pseries-10.0"
		}
		if m.DefaultCPU == "" {
			m.DefaultCPU = map[string]string{"virt-10.0": "cortex-a15", "s390-ccw-virtio-10.0": "qemu", "pseries-10.0": "POWER10"}[machine]
			if arch == "riscv64" {
				m.DefaultCPU = "rv64"
			}
			if arch == "loongarch64" {
				m.DefaultCPU = "la464"
			}
		}
		out[i].Machines = append(out[i].Machines, m)
	}
	return out
})

func canonical(text string) string {
	n, err := xml.Parse(xml.Source{Data: []byte(text)})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	var walk func(n *xml.Node, pad string)
	walk = func(n *xml.Node, pad string) {
		var attrs []string
		for _, a := range n.Attrs {
			if !strings.HasPrefix(a.Name, "xmlns") {
				attrs = append(attrs, a.Name+"="+a.Value)
			}
		}
		sort.Strings(attrs)
		b.WriteString(pad + n.Name + " " + strings.Join(attrs, " ") + "\n")
		kids := n.Elements("")
		if len(kids) == 0 {
			if v := strings.TrimSpace(n.Value()); v != "" {
				b.WriteString(pad + " :" + v + "\n")
			}
		}
		for _, c := range kids {
			walk(c, pad+" ")
		}
	}
	walk(n, "")
	return b.String()
}

func firstDiff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			got := "(end)"
			if i < len(y) {
				got = y[i]
			}
			return "want " + x[i] + ", got " + got
		}
	}
	return "longer"
}

// fullDiff is a plain diff of lines.
func fullDiff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return "want:\n" + strings.Join(x, "\n") + "\ngot:\n" + strings.Join(y, "\n")
}
