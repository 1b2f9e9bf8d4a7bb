package qemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"virgo/cpu"
)

// Emulator is what one QEMU binary said of itself, with one accelerator.
type Emulator struct {
	Path     string
	Version  string // "10.0.2"
	Package  string // the distribution's, may be empty
	Arch     string // libvirt's name: i686, x86_64, aarch64 ...
	Virt     string // qemu or kvm
	Machines []Machine
	Max      bool     // there is a CPU model "max"
	Types    wordList // QOM types that are devices or the like
	Commands wordList // QMP commands

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

// emulatorForm is the first line of a kept answer. What is kept is read at nearly
// every command, so that it is lines and words, of which only the CPUs are JSON.
const emulatorForm = "virgo emulator 2"

// encode is the form in the cache: what it is, the types, the commands, a line for
// each machine, an empty line, and a line with the CPUs.
func (e *Emulator) encode() ([]byte, error) {
	cpus, err := json.Marshal(e.CPUs())
	if err != nil {
		return nil, err
	}
	lines := []string{
		emulatorForm,
		strings.Join([]string{e.Path, e.Version, e.Package, e.Arch, e.Virt, strconv.FormatBool(e.Max)}, "\t"),
		string(e.Types), string(e.Commands),
	}
	for i := range e.Machines {
		lines = append(lines, e.Machines[i].line())
	}
	for _, l := range lines[2:] {
		if l == "" || strings.Contains(l, "\n") {
			return nil, errors.New("an answer of the emulator cannot be kept")
		}
	}
	lines = append(lines, "", string(cpus), "")
	return []byte(strings.Join(lines, "\n")), nil
}

// decodeEmulator reads what encode made. The CPUs are read when they are wanted;
// that they are whole can be seen from their end.
func decodeEmulator(data []byte) (*Emulator, error) {
	first, second, _ := bytes.Cut(data, []byte("\n\n"))
	if !bytes.HasSuffix(second, []byte("}\n")) {
		return nil, errors.New("cut off")
	}
	lines := strings.Split(string(first), "\n")
	if len(lines) < 4 || lines[0] != emulatorForm {
		return nil, errors.New("another form")
	}
	self := strings.Split(lines[1], "\t")
	if len(self) != 6 {
		return nil, errors.New("it is not told whose answer it is")
	}
	e := Emulator{
		Path: self[0], Version: self[1], Package: self[2], Arch: self[3], Virt: self[4], Max: self[5] == "true",
		Types: wordList(lines[2]), Commands: wordList(lines[3]), Machines: make([]Machine, len(lines)-4),
	}
	for i, l := range lines[4:] {
		if !e.Machines[i].read(l) {
			return nil, errors.New("a machine is not whole")
		}
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

// wordList is sorted names with blanks between them. It is not split: a command asks
// for a few of a thousand.
type wordList string

// words joins names, in order.
func words(names []string) wordList {
	slices.Sort(names)
	return wordList(strings.Join(names, " "))
}

// has halves the text until the name is found or nothing is left.
func (l wordList) has(name string) bool {
	for len(l) > 0 {
		mid := len(l) / 2
		from := strings.LastIndexByte(string(l[:mid]), ' ') + 1
		to := len(l)
		if n := strings.IndexByte(string(l[mid:]), ' '); n >= 0 {
			to = mid + n
		}
		switch c := strings.Compare(name, string(l[from:to])); {
		case c == 0:
			return true
		case c < 0:
			l = l[:max(from-1, 0)]
		default:
			l = l[min(to+1, len(l)):]
		}
	}
	return false
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

// line is the machine's line in the cache.
func (m *Machine) line() string {
	flags := make([]byte, 0, 8)
	for i, on := range []bool{m.Default, m.Deprecated, m.Hotplug, m.NUMAMem, m.ACPI != nil, m.ACPI != nil && *m.ACPI} {
		if on {
			flags = append(flags, "*dhnaA"[i])
		}
	}
	return strings.Join([]string{m.Name, m.Alias, strconv.Itoa(m.MaxCPUs), m.DefaultCPU, m.DefaultModel, m.DefaultRAM, string(flags)}, "\t")
}

// read reads such a line; it tells whether it is one.
func (m *Machine) read(line string) bool {
	var part [7]string
	for i := range part {
		var more bool
		part[i], line, more = strings.Cut(line, "\t")
		if more != (i < len(part)-1) {
			return false
		}
	}
	n, err := strconv.Atoi(part[2])
	has := func(flag byte) bool { return strings.IndexByte(part[6], flag) >= 0 }
	*m = Machine{
		Name: part[0], Alias: part[1], MaxCPUs: n, DefaultCPU: part[3], DefaultModel: part[4], DefaultRAM: part[5],
		Default: has('*'), Deprecated: has('d'), Hotplug: has('h'), NUMAMem: has('n'),
	}
	if has('a') {
		on := has('A')
		m.ACPI = &on
	}
	return err == nil
}

// Has tells whether the emulator has a QOM type, that is a device.
func (e *Emulator) Has(qomType string) bool {
	return e.Types.has(qomType)
}

// Command tells whether the emulator has a QMP command.
func (e *Emulator) Command(name string) bool {
	return e.Commands.has(name)
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
	at := -1
	switch {
	case strings.HasPrefix(e.Arch, "arm"), e.Arch == "aarch64", strings.HasPrefix(e.Arch, "riscv"):
		at = slices.IndexFunc(e.Machines, func(m Machine) bool { return m.Name == "virt" || m.Alias == "virt" })
	case !slices.ContainsFunc(e.Machines, func(m Machine) bool { return m.Default }):
		at = slices.IndexFunc(e.Machines, func(m Machine) bool { return m.Name != "none" })
	}
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
	return slices.Clip(kept)
}
