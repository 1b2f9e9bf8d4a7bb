package qemu

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"virgo/cpu"
)

func sampleEmulator() *Emulator {
	cpus := emulatorCPUs{Models: []cpu.Definition{{Name: "max"}, {Name: "qemu64", Unavailable: &[]string{"svm"}}},
		Props: json.RawMessage(`{"x":true}`), NonMigratable: []string{"x"}}
	return &Emulator{Path: "/q", Version: "10.0.2", Arch: "x86_64", Virt: "qemu", Machines: []Machine{{Name: "pc", MaxCPUs: 4}},
		Max: true, Types: wordList{"a", "b-c"}, Commands: wordList{"quit"}, cpus: func() emulatorCPUs { return cpus }}
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
	if !reflect.DeepEqual(got.CPUs(), want.CPUs()) || !slices.Equal(got.Types, want.Types) || !got.Has("b-c") || !got.Command("quit") || got.Machine("pc") == nil {
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
