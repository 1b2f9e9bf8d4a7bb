package xml

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	in := `<domain type='qemu' foo='1'>
  <name>a</name>
  <memry>1</memry>
  <devices>
    <disk type='file'>
      <source fil='/a'/>
      <target dev='vda' buss='virtio'/>
    </disk>
    <serial type='pty'><target prot='0'/></serial>
    <input kind='mouse'/>
  </devices>
</domain>`
	n, err := Parse(Source{Data: []byte(in)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range Lint(n, &Domain{}) {
		got = append(got, f.String())
	}
	want := []string{
		"1:1: XML error: an os <type> must be specified",
		"1:21: <domain> has no attribute 'foo'",
		"3:3: <domain> has no element <memry> (did you mean 'memory'?)",
		"6:15: <source> has no attribute 'fil' (did you mean 'file'?)",
		"7:25: <target> has no attribute 'buss' (did you mean 'bus'?)",
		"10:5: internal error: missing input device type",
		"10:12: <input> has no attribute 'kind'",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLintMistakes: what people write, and what they are told.
func TestLintMistakes(t *testing.T) {
	for _, c := range []struct{ device, want string }{
		{`<disk type='file'><source path='/a'/><target dev='vda'/></disk>`, "<source> in <disk type='file'> takes no attribute 'path' (it may have file, fdgroup, index, startupPolicy)"},
		{`<disk type='block'><source file='/a'/><target dev='vda'/></disk>`, "<source> in <disk type='block'> takes no attribute 'file' (it may have dev, index, startupPolicy)"},
		{`<disk type='file'><target device='vda'/></disk>`, "<target> has no attribute 'device' (did you mean 'dev'?)"},
		{`<graphics type='sdl' port='1'/>`, "<graphics type='sdl'> takes no attribute 'port' (it may have type, display, xauth, fullscreen)"},
		{`<disk type='network'><source protocol='nbd'><host name='a' transport='unix' socket='/s'/></source><target dev='vda'/></disk>`, "<host transport='unix'> takes no attribute 'name'"},
		{`<watchdogs model='itco'/>`, "<devices> has no element <watchdogs> (did you mean 'watchdog'?)"},
		{`<input type='mouse'>x</input>`, "<input> takes no text, and has 'x'"},
		{`<description>x</description>`, "<devices> has no element <description>"},
	} {
		n, err := Parse(Source{Data: []byte("<domain type='qemu'><name>g</name><os><type>hvm</type></os><devices>" + c.device + "</devices></domain>")})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range Lint(n, &Domain{}) {
			if f.Level == LintWarning {
				got = append(got, f.Message)
			}
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s\ngot  %q\nwant %q", c.device, got, c.want)
		}
	}
}

// Nothing that the peer prints is unknown.
func TestLintPeer(t *testing.T) {
	dir := suites(t)
	seen := map[string]int{}
	for _, s := range []string{"domain", "domain-arch", "domain-test"} {
		files, _ := filepath.Glob(filepath.Join(dir, s, "out", "*.xml"))
		for _, f := range files {
			data, _ := os.ReadFile(f)
			if i := strings.Index(string(data), "<domain"); i > 0 {
				data = data[i:]
			}
			n, err := Parse(Source{Data: data})
			if err != nil || n.Name != "domain" || strings.Contains(string(data), ">#<") { // a value that was masked
				continue
			}
			for _, g := range Lint(n, &Domain{}) {
				if seen[g.Message]++; seen[g.Message] == 1 {
					t.Errorf("%s: %s", filepath.Base(f), g)
				}
			}
		}
	}
}

// FuzzLint: every kind of document is looked at without harm, and what lint finds
// no error in can be read.
func FuzzLint(f *testing.F) {
	f.Add("<domain type='qemu'><name>a</name><devices><disk><source/><source/></disk><x/></devices><cpu><numa><cell/></numa></cpu></domain>")
	f.Add("<network><name>a</name><bridge nam='x'/></network>")
	f.Add("<filter name='a'><rule action='drop' direction='in'><tcp/></rule></filter>")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(Source{Data: []byte(text)})
		if err != nil {
			return
		}
		v, name := SchemaOf(n.Name)
		if v == nil {
			return
		}
		bad := false
		for _, g := range Lint(n, v) {
			bad = bad || g.Level == LintError
		}
		if err := Decode(n, v); err != nil && !bad {
			t.Fatalf("%s: no error found, and reading gives %v", name, err)
		}
		_ = CheckSchema(Source{Data: []byte(text)}, v, name)
	})
}
