// Package argv reads QEMU's command lines as people write them, in a shell
// script or not, and makes definitions of them that start the same hardware:
// what QEMU adds of itself stands in the definition, and devices have the PCI
// addresses that QEMU would give them. What domain XML cannot say is passed to
// QEMU as it stands, or left out where it is not about the guest; either way a
// note tells it.
package argv

import (
	"fmt"
	"slices"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// Options are what a command line does not tell. All may be left out.
type Options struct {
	Dir    string                            // where paths that are not absolute begin
	Format func(path string) string          // the format of an image that exists; "" if it cannot be told
	Env    shell.Lookup                      // variables that the script does not set
	Read   func(path string) ([]byte, error) // files that the command line names
}

// From reads a command line or script. Notes tell what the definition does not
// say, or says otherwise.
func From(src xml.Source, o Options) (*xml.Domain, []string, error) {
	script, err := shell.Parse(commandText(src), o.Env)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{o: o, d: &xml.Domain{Type: "qemu"}, file: src.Name, machine: &props{option: "-machine"}, defaults: true, claimed: map[*device]bool{}, iothreads: map[string]uint{}, kept: map[string]bool{}}
	command, err := r.choose(script)
	if err != nil {
		return nil, nil, err
	}
	for _, part := range []func(){
		func() { r.words(command) }, r.guest, r.builtin, r.plan, r.cpus, r.memory, r.firmware, r.controllers, r.handle, r.graphics, r.rest, r.order, r.finish,
	} {
		part()
		if r.err != nil {
			return nil, nil, xml.InFile(r.err, src.Name)
		}
	}
	for _, u := range slices.Compact(slices.Sorted(slices.Values(script.Unknown))) {
		if slices.ContainsFunc(command.Words, func(w string) bool { return w != u && strings.Contains(w, u) }) || r.kept[u] {
			r.note("%s is not known here and stands as it is written", u)
		}
	}
	return r.d, r.notes, nil
}

// reader holds what was read, and the definition that it becomes.
type reader struct {
	o     Options
	d     *xml.Domain
	file  string
	notes []string
	err   error
	dir   string // where the command is run

	program  string
	defaults bool // QEMU adds devices of itself
	machine  *props
	accels   []*props
	cpu      []word
	smp, mem *props
	boot     *props
	rtc      *props
	numa     []*props
	globals  []global
	devices  []*device
	first    []*device // made by the machine, before the others
	last     []*device // made behind those that are not written in JSON

	drives, netdevs, chardevs, objects, blockdevs, fsdevs, tpmdevs, audiodevs []*props

	serials, parallels []*props // the board's, each with its chardev
	nics               []*props // -nic and -net
	monitors           []string // the chardevs of QEMU's monitors
	displays           []*props
	vncs, spices       []*props
	vga                string
	soundhw            string
	keymap             string
	usb                bool
	nographic          bool
	snapshot           bool
	watchdogAction     string
	fullScreen         bool
	memPath            string
	prealloc           bool
	bios               string
	pflash             []string

	bus       map[string]*bus  // PCI, by QEMU's name
	anyBus    string           // where PCI devices go that name no bus
	named     map[string]named // controllers by id
	iothreads map[string]uint  // numbers of those that are known
	audio     map[string]uint  // numbers of audio backends by id
	boots     []booting
	taken     map[string]bool  // names, addresses and units that devices have
	kept      map[string]bool  // expansions that are not known, and stand as an argument
	claimed   map[*device]bool // codecs of sound cards
	crowded   *bool            // see crowdedUSB
	usbAt     map[*device]*xml.Address
	usbFree   map[uint][]string // ports, by the index of the controller
}

// word is an option with its argument.
type word struct {
	name, arg string
	line      int
}

func (w word) fail(text string) error {
	e := xml.Errorf(xml.CodeConfSyntax, "line %d: %s: %s", w.line, w.name, text)
	e.Line, e.Column = w.line, 1
	return e
}

func (r *reader) fail(p *props, format string, v ...any) {
	if r.err == nil {
		r.err = word{name: p.option, line: p.line}.fail(fmt.Sprintf(format, v...))
	}
}

// maxNotes bounds what a hostile file can make of notes.
const maxNotes = 1000

func (r *reader) note(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if len(r.notes) < maxNotes && !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

func (r *reader) commandline() *xml.QEMUCommandline {
	if r.d.QEMUCommandline == nil {
		r.d.QEMU, r.d.QEMUCommandline = xml.QEMUSpace, &xml.QEMUCommandline{}
	}
	return r.d.QEMUCommandline
}

// pass hands words to QEMU as they stand, and says so.
func (r *reader) pass(why string, words ...string) {
	r.passQuietly(words...)
	note := shell.Join(words)
	if why != "" {
		note += " (" + why + ")"
	}
	r.note("passed to QEMU as it stands: %s", note)
}

func (r *reader) passQuietly(words ...string) {
	c := r.commandline()
	for _, w := range words {
		c.Args = append(c.Args, xml.QEMUArg{Value: w})
	}
}

// passProps passes an option once.
func (r *reader) passProps(p *props, why string) {
	if p.spent {
		return
	}
	p.spent = true
	r.pass(why, p.option, p.String())
}

// absolute makes a path absolute, as seen from where the command is run.
func (r *reader) absolute(p string) string { return join(r.dir, p) }

func (r *reader) arch() string { return r.d.OS.Type.Arch }

func (r *reader) isX86() bool { return r.arch() == "x86_64" || r.arch() == "i686" }

// is tells whether the machine is of a kind: pc, q35, virt.
func (r *reader) is(kind string) bool {
	m := r.d.OS.Type.Machine
	switch kind {
	case "pc":
		return r.isX86() && (m == "pc" || strings.HasPrefix(m, "pc-i440fx"))
	case "q35":
		return r.isX86() && (m == "q35" || strings.HasPrefix(m, "pc-q35"))
	case "virt":
		for _, arch := range []string{"aarch64", "arm", "loongarch", "riscv"} {
			if strings.HasPrefix(r.arch(), arch) {
				return m == "virt" || strings.HasPrefix(m, "virt-")
			}
		}
		return false
	}
	return m == kind
}
