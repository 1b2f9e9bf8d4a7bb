package bhyve

import (
	"crypto/rand"
	"errors"
	"strconv"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// From reads a command line of bhyve, before which its loader's may stand.
// There is nothing more to add: the domain is as the peer has it.
func From(src xml.Source) (*xml.Domain, error) {
	script, err := shell.Parse(src, nil)
	if err != nil {
		return nil, err
	}
	d := &xml.Domain{Type: "bhyve", OS: xml.OS{Type: xml.OSType{Text: "hvm"}},
		OnPoweroff: "destroy", OnReboot: "destroy", OnCrash: "destroy",
		Clock: &xml.Clock{Offset: "localtime"}, VCPU: &xml.VCPU{Placement: "static", Count: 1}}
	var loader, hypervisor *shell.Command
	for i := range script.Commands {
		c := &script.Commands[i]
		switch {
		case base(c.Words[0]) == "bhyve" && hypervisor == nil:
			hypervisor = c
		case hypervisor == nil:
			loader = c
		default:
			return nil, at(failed("Failed to parse arguments for bhyve command"), src, c)
		}
	}
	if hypervisor == nil {
		return nil, failed("Failed to parse bhyve command: there is none")
	}
	r := &reader{d: d}
	if err := r.command(hypervisor.Words[1:]); err != nil {
		return nil, at(err, src, hypervisor)
	}
	if loader != nil {
		if err := r.loader(loader.Words); err != nil {
			return nil, at(err, src, loader)
		}
	}
	if d.UUID == "" {
		d.UUID = newUUID()
	}
	return d, nil
}

// at notes in an error which command it is about.
func at(err error, src xml.Source, c *shell.Command) error {
	var e *xml.Error
	if errors.As(err, &e) && e.Line == 0 {
		e.File, e.Line, e.Column = src.Name, c.Line, 1
	}
	return err
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return xml.FormatUUID(b)
}

// reader reads bhyve's arguments.
type reader struct {
	d      *xml.Domain
	sata   int // disks so far, by bus
	virtio int
}

// withValue are the options that have a value; the others have none.
const withValue = "cfgGklmosprUKi"

// command reads the options, then the guest's name.
func (r *reader) command(args []string) error {
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		for i := 1; i < len(word); i++ {
			opt, value := word[i], ""
			if strings.IndexByte(withValue, opt) >= 0 {
				if value = word[i+1:]; value == "" {
					if len(args) == 0 {
						return failed("Failed to parse arguments for bhyve command")
					}
					value, args = args[0], args[1:]
				}
				i = len(word)
			}
			if err := r.option(opt, value); err != nil {
				return err
			}
		}
	}
	if len(args) != 1 {
		return failed("Failed to parse arguments for bhyve command")
	}
	r.d.Name = args[0]
	return nil
}

func (r *reader) option(opt byte, value string) error {
	d := r.d
	features := func() *xml.Features {
		if d.Features == nil {
			d.Features = &xml.Features{}
		}
		return d.Features
	}
	switch opt {
	case 'A':
		features().ACPI = true
	case 'I':
		features().APIC = &xml.APIC{}
	case 'w':
		features().MSRs = &xml.MSRs{Unknown: "ignore"}
	case 'u':
		d.Clock.Offset = "utc"
	case 'S':
		d.Backing = &xml.MemoryBacking{Locked: true}
	case 'c':
		return r.processors(value)
	case 'm':
		kib, err := memory(value)
		if err != nil {
			return err
		}
		d.Memory, d.CurrentMem = &xml.MemorySize{Unit: "KiB", KiB: kib}, xml.KiB(kib)
	case 'U':
		u, ok := xml.ParseUUID(value)
		if !ok {
			return xml.Errorf(xml.CodeInternal, "Cannot parse UUID '%s'", value)
		}
		d.UUID = u
	case 'l':
		return r.lpc(value)
	case 's':
		return r.slot(value)
	case 'a', 'b', 'C', 'e', 'g', 'h', 'H', 'K', 'p', 'P', 'W', 'x', 'Y', 'G', 'D':
		// What the domain has no words for, or what it has anyway.
	default:
		return failed("Failed to parse arguments for bhyve command")
	}
	return nil
}

// memory reads a size, in MiB unless it has a unit or is too large for that.
func memory(text string) (uint64, error) {
	bad := failed("Failed to parse memory")
	digits := strings.TrimRight(text, "kKmMgGtT")
	if len(text)-len(digits) > 1 {
		return 0, bad
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, bad
	}
	unit := strings.ToUpper(text[len(digits):])
	if unit == "" {
		if unit = "M"; n >= 1<<20 {
			unit = "B"
		}
	}
	bytes, err := xml.Scale(n, unit, 1)
	if err != nil || bytes == 0 {
		return 0, bad
	}
	return xml.ToKiB(bytes), nil
}

// processors reads a number, or cpus=N,sockets=N,cores=N,threads=N.
func (r *reader) processors(text string) error {
	t := xml.CPUTopology{Dies: 1, Clusters: 1}
	count, topology := uint64(0), false
	for _, p := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(p, "=")
		if !ok {
			key, value = "cpus", p
		}
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return failed("Failed to parse number of vCPUs")
		}
		switch key {
		case "cpus":
			count = n
		case "sockets":
			t.Sockets, topology = uint32(n), true
		case "cores":
			t.Cores, topology = uint32(n), true
		case "threads":
			t.Threads, topology = uint32(n), true
		default:
			return failed("Failed to parse number of vCPUs")
		}
	}
	if topology {
		t.Sockets, t.Cores, t.Threads = max(t.Sockets, 1), max(t.Cores, 1), max(t.Threads, 1)
		r.d.CPU = &xml.CPU{Topology: &t}
		if count == 0 {
			count = uint64(t.Sockets) * uint64(t.Cores) * uint64(t.Threads)
		}
	}
	r.d.VCPU.Count = uint(max(count, 1))
	return nil
}

// lpc reads a device on the ISA bus: of these the serial ports are the domain's.
func (r *reader) lpc(text string) error {
	kind, value, _ := strings.Cut(text, ",")
	digits, ok := strings.CutPrefix(kind, "com")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n == 0 {
		return nil
	}
	if !strings.HasPrefix(value, "/dev/nmdm") {
		return failed("Failed to set com port %s: does not start with '/dev/nmdm'.", kind)
	}
	c := xml.Chardev{CharSource: xml.CharSource{Type: "nmdm", Master: value}}
	port := uint(n - 1)
	c.Target = &xml.CharTarget{Port: &port}
	stem := value[:len(value)-1]
	switch value[len(value)-1] {
	case 'A':
		c.Slave = stem + "B"
	case 'B':
		c.Slave = stem + "A"
	default:
		return failed("Failed to set slave for %s: last letter not 'A' or 'B'", value)
	}
	r.d.Devices.Serials = append(r.d.Devices.Serials, c)
	return nil
}

// loader reads the command that loads the guest's kernel. bhyveload with its
// plainest options is what the domain means anyway; all else is kept as it is.
func (r *reader) loader(words []string) error {
	d := r.d
	args := words[1:]
	var disk, name, size string
	simple := base(words[0]) == "bhyveload"
	for i := 0; i < len(args) && simple; i++ {
		switch {
		case i == len(args)-1 && !strings.HasPrefix(args[i], "-"):
			name = args[i]
		case args[i] == "-m" && i+1 < len(args):
			i++
			size = args[i]
		case args[i] == "-d" && i+1 < len(args) && disk == "":
			i++
			disk = args[i]
		default:
			simple = false
		}
	}
	if !simple || name == "" {
		d.Bootloader, d.BootArgs = words[0], strings.Join(args, " ")
		return nil
	}
	if size != "" {
		kib, err := memory(size)
		if err != nil {
			return err
		}
		if d.Memory != nil && kib != d.Memory.KiB {
			return failed("Failed to parse memory: size mismatch")
		}
	}
	if name != d.Name {
		return failed("Failed to parse arguments: VM name mismatch")
	}
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Source != nil && v.Source.File == disk {
			if i > 0 { // the first is what is booted anyway
				v.Boot = &xml.BootOrder{Order: uint(i)}
			}
			break
		}
	}
	return nil
}
