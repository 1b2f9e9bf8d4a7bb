package qemu

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"virgo/cpu"
)

func sampleEmulator() *Emulator {
	off := false
	everything := Machine{Name: "pc-1", Alias: "p", MaxCPUs: 5, Default: true, Deprecated: true, Hotplug: true, DefaultCPU: "qemu64-x86_64-cpu",
		DefaultModel: "qemu64", DefaultRAM: "pc.ram", NUMAMem: true, ACPI: &off}
	cpus := emulatorCPUs{Models: []cpu.Definition{{Name: "max"}, {Name: "qemu64", Unavailable: &[]string{"svm"}}},
		Props: json.RawMessage(`{"x":true}`), NonMigratable: []string{"x"}}
	return &Emulator{Path: "/q", Version: "10.0.2", Arch: "x86_64", Virt: "qemu", Machines: []Machine{{Name: "pc", MaxCPUs: 4}, everything},
		Max: true, Types: words([]string{"b-c", "a"}), Commands: words([]string{"quit"}), cpus: func() emulatorCPUs { return cpus }}
}

func TestEmulatorCache(t *testing.T) {
	want := sampleEmulator()
	data, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeEmulator(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.CPUs(), want.CPUs()) || !reflect.DeepEqual(got.Machines, want.Machines) || got.Types != want.Types || !got.Has("b-c") || !got.Command("quit") || got.Machine("pc") == nil {
		t.Errorf("got %+v %+v", got, got.CPUs())
	}
	if n := (&Emulator{}).CPUs(); n.Models != nil {
		t.Error("CPUs of an emulator that was not asked")
	}
	// What was cut off at any place is not taken for an answer.
	for n := range data {
		if _, err := decodeEmulator(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(data))
		}
	}
}

func TestWordList(t *testing.T) {
	list := words([]string{"virtio-blk-pci", "virtio-blk", "a", "ab", "z", "isa-serial"})
	for _, w := range strings.Fields(string(list)) {
		if !list.has(w) {
			t.Errorf("%s is not found", w)
		}
	}
	for _, w := range []string{"", "virtio", "b", "zz", "isa", "serial", "a ab", " "} {
		if list.has(w) {
			t.Errorf("%q is found", w)
		}
	}
	if wordList("").has("a") || wordList("").has("") {
		t.Error("something is in nothing")
	}
}

// FuzzEmulatorCache: a damaged cache is an error or an emulator, never a panic.
func FuzzEmulatorCache(f *testing.F) {
	data, _ := sampleEmulator().encode()
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("["), []byte("{"), 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := decodeEmulator(data); err == nil {
			e.CPUs()
		}
	})
}

// Where QEMU has no default machine, it is the first one that is one.
func TestOnlyMachine(t *testing.T) {
	e := &Emulator{Arch: "sh4", Machines: []Machine{{Name: "none"}, {Name: "r2d"}}}
	e.chooseMachine()
	if m := e.Machine(""); m == nil || m.Name != "r2d" || !m.Default {
		t.Errorf("%+v", e.Machines)
	}
}
