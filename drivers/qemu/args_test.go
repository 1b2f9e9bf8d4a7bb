//go:build linux

package qemu

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// TestScript holds the scripts that start guests by hand against the expected ones.
func TestScript(t *testing.T) {
	e := recorded()
	d := describe(e, "x86_64")
	d.Native, d.Has = true, nil
	traits := &domain.Traits{QEMU: &domain.QEMU{HostArch: "x86_64", Emulators: []domain.Emulator{*d}, NVRAMDir: "/vars"}}
	data, err := os.ReadFile("testdata/hand/hand.xml")
	if err != nil {
		t.Fatal(err)
	}
	dom, err := domain.Parse(xml.Source{Name: "hand.xml", Data: data}, traits)
	if err != nil {
		t.Fatal(err)
	}
	domain.AssignAliases(dom)
	b := Build{Emulator: e, Layout: layoutAt(drivers.RootAt("/root")), ID: -1, CPU: "qemu64", Path: "/bin", MasterKey: make([]byte, masterKeySize), Live: true, ByHand: true}
	p := &drivers.StartPlan{Files: Files(dom, b), User: "64055:108"}
	if p.Argv, p.Env, err = Args(dom, b); err != nil {
		t.Fatal(err)
	}
	got := Script(dom, p, Layout{}, nil)
	if *update {
		if err := os.WriteFile("testdata/hand/hand.sh", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("testdata/hand/hand.sh")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from testdata/hand/hand.sh (go test -update rewrites it):\n%s", got)
	}
	p.Files = p.Files[:2]
	if s := Script(dom, p, Layout{}, []byte{0, 1, 255}); !strings.Contains(s, `printf '\000\001\377' >`) {
		t.Errorf("a key in the script:\n%s", s)
	}
}

// recorded is as much of an emulator as a command line depends on.
func recorded() *Emulator {
	return &Emulator{Path: "/usr/bin/qemu-system-x86_64", Version: "10.0.2", Arch: "x86_64", Virt: "qemu", Types: "virtio-vga", Machines: []Machine{
		{Name: "pc-i440fx-10.0", Alias: "pc", MaxCPUs: 255, Default: true, DefaultCPU: "qemu64-x86_64-cpu", DefaultRAM: "pc.ram"},
		{Name: "pc-q35-10.0", Alias: "q35", MaxCPUs: 4096, DefaultCPU: "qemu64-x86_64-cpu", DefaultRAM: "pc.ram"},
	}}
}

// TestArgs holds whole command lines against the expected ones, a word a line:
// as shown (domxml-to-native) and as run.
func TestArgs(t *testing.T) {
	e := recorded()
	d := describe(e, "x86_64")
	d.Native, d.Has = true, nil
	traits := &domain.Traits{QEMU: &domain.QEMU{HostArch: "x86_64", Emulators: []domain.Emulator{*d}, NVRAMDir: "/vars"}}
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dom, err := domain.Parse(xml.Source{Name: file, Data: data}, traits)
		if err != nil {
			t.Fatal(err)
		}
		domain.AssignAliases(dom)
		for _, live := range []bool{false, true} {
			b := Build{Emulator: e, Layout: layoutAt(drivers.RootAt("/root")), ID: -1, CPU: "qemu64", Path: "/bin",
				MasterKey: make([]byte, masterKeySize)}
			suffix := ".shown"
			if live {
				b.ID, b.Live, suffix = 7, true, ".run"
			}
			argv, env, err := Args(dom, b)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			got := []byte(strings.Join(append(env, argv...), "\n") + "\n")
			want := strings.TrimSuffix(file, ".xml") + suffix
			if *update {
				if err := os.WriteFile(want, got, 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, expected) {
				t.Errorf("%s: differs from %s (go test -update rewrites it):\n%s", file, want, got)
			}
			if bytes.Contains(got, []byte("secret\n")) || bytes.Contains(got, []byte("passwd")) {
				t.Errorf("%s: a password on the command line", file)
			}
		}
	}
}
