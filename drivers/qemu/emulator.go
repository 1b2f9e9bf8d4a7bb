package qemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"

	"virgo/cpu"
)

// Emulator is what one QEMU binary said of itself, with one accelerator.
type Emulator struct {
	Path     string    `json:"path"`
	Version  string    `json:"version"` // "10.0.2"
	Package  string    `json:"package"` // the distribution's, may be empty
	Arch     string    `json:"arch"`    // libvirt's name: i686, x86_64, aarch64 ...
	Virt     string    `json:"virt"`    // qemu or kvm
	Machines []Machine `json:"machines"`
	Max      bool      `json:"max"`      // there is a CPU model "max"
	Types    wordList  `json:"types"`    // QOM types that are devices or the like, sorted
	Commands wordList  `json:"commands"` // QMP commands, sorted

	cpus func() emulatorCPUs
}

// emulatorCPUs is what a QEMU binary said of CPUs: as much again as all the rest,
// and most commands do not need it.
type emulatorCPUs struct {
	Models []cpu.Definition `json:"models"`
	// Props are the properties of the CPU model "host" (KVM) or "max" (TCG), with
	// what cannot be migrated; NonMigratable names those.
	Props         json.RawMessage `json:"props,omitempty"`
	NonMigratable []string        `json:"nonMigratable,omitempty"`
}

// CPUs is what the binary said of CPUs; nothing of a binary that was not asked.
func (e *Emulator) CPUs() emulatorCPUs {
	if e.cpus == nil {
		return emulatorCPUs{}
	}
	return e.cpus()
}

// encode is the form in the cache: a line with the emulator, a line with its CPUs.
func (e *Emulator) encode() ([]byte, error) {
	first, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	second, err := json.Marshal(e.CPUs())
	return slices.Concat(first, []byte("\n"), second, []byte("\n")), err
}

// decodeEmulator reads what encode made. The second line is read when it is wanted;
// that it is whole can be seen from its end.
func decodeEmulator(data []byte) (*Emulator, error) {
	first, second, _ := bytes.Cut(data, []byte("\n"))
	if !bytes.HasSuffix(second, []byte("}\n")) {
		return nil, errors.New("cut off")
	}
	var e Emulator
	if err := json.Unmarshal(first, &e); err != nil {
		return nil, err
	}
	e.cpus = sync.OnceValue(func() emulatorCPUs {
		var c emulatorCPUs
		if json.Unmarshal(second, &c) != nil {
			return emulatorCPUs{}
		}
		return c
	})
	return &e, nil
}

// wordList is a list of names that is kept as one string: a third of the time to
// read it.
type wordList []string

// MarshalText joins the names with blanks.
func (l wordList) MarshalText() ([]byte, error) { return []byte(strings.Join(l, " ")), nil }

// UnmarshalText splits them again.
func (l *wordList) UnmarshalText(text []byte) error {
	*l = strings.Fields(string(text))
	return nil
}

// Machine is a machine type.
type Machine struct {
	Name       string `json:"name"`
	Alias      string `json:"alias,omitempty"`
	MaxCPUs    int    `json:"cpu-max"`
	Default    bool   `json:"is-default,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
	Hotplug    bool   `json:"hotpluggable-cpus,omitempty"`
	DefaultCPU string `json:"default-cpu-type,omitempty"`
	// DefaultModel is libvirt's name of that CPU, "" where it has no models.
	DefaultModel string `json:"default-model,omitempty"`
	DefaultRAM   string `json:"default-ram-id,omitempty"`
	NUMAMem      bool   `json:"numa-mem-supported,omitempty"`
	ACPI         *bool  `json:"acpi,omitempty"`
}

// Has tells whether the emulator has a QOM type, that is a device.
func (e *Emulator) Has(qomType string) bool {
	_, found := slices.BinarySearch(e.Types, qomType)
	return found
}

// Command tells whether the emulator has a QMP command.
func (e *Emulator) Command(name string) bool {
	_, found := slices.BinarySearch(e.Commands, name)
	return found
}

// Machine finds a machine type by name or alias; "" is the default one.
func (e *Emulator) Machine(name string) *Machine {
	for i := range e.Machines {
		m := &e.Machines[i]
		if m.Name == "none" {
			continue
		}
		if name == "" && m.Default || name != "" && (m.Name == name || m.Alias == name) {
			return m
		}
	}
	if name == "" && len(e.Machines) > 0 {
		return &e.Machines[0]
	}
	return nil
}

// chooseMachine marks the machine of guests that name none where QEMU has no
// default, or one that no guest wants.
func (e *Emulator) chooseMachine() {
	if !strings.HasPrefix(e.Arch, "arm") && e.Arch != "aarch64" && !strings.HasPrefix(e.Arch, "riscv") {
		return
	}
	at := slices.IndexFunc(e.Machines, func(m Machine) bool { return m.Name == "virt" || m.Alias == "virt" })
	if at >= 0 {
		for i := range e.Machines {
			e.Machines[i].Default = i == at
		}
	}
}

// VersionNumber is major*1000000 + minor*1000 + micro.
func (e *Emulator) VersionNumber() uint64 {
	var n uint64
	for _, part := range append(strings.SplitN(e.Version, ".", 3), "0", "0")[:3] {
		var v uint64
		for _, c := range part {
			if c < '0' || c > '9' {
				break
			}
			v = v*10 + uint64(c-'0')
		}
		n = n*1000 + v
	}
	return n
}

// archNames are QEMU's names of architectures (target, suffix of the program)
// where libvirt has others.
var archNames = [][2]string{{"i386", "i686"}, {"arm", "armv7l"}}

func archFromQEMU(target string) string {
	for _, n := range archNames {
		if n[0] == target {
			return n[1]
		}
	}
	return target
}

func archToQEMU(arch string) string {
	switch arch {
	case "armv6l":
		return "arm"
	case "ppc64le":
		return "ppc64"
	}
	for _, n := range archNames {
		if n[1] == arch {
			return n[0]
		}
	}
	return arch
}

// knownArchs are libvirt's names of architectures.
var knownArchs = []string{"aarch64", "alpha", "armv6l", "armv7b", "armv7l", "cris", "i686", "ia64", "itanium", "lm32", "loongarch64",
	"m68k", "microblaze", "microblazeel", "mips", "mips64", "mips64el", "mipsel", "openrisc", "parisc", "parisc64", "ppc", "ppc64",
	"ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb"}

func knownArch(arch string) bool { return slices.Contains(knownArchs, arch) }

// keepTypes leaves out the CPU models and machines, which stand elsewhere.
func keepTypes(all []string) []string {
	kept := all[:0]
	for _, t := range all {
		if !strings.HasSuffix(t, "-cpu") && !strings.HasSuffix(t, "-machine") {
			kept = append(kept, t)
		}
	}
	sort.Strings(kept)
	return slices.Clip(kept)
}
