// Package domain is what define does to a domain's definition: it reads the
// document, adds what the hypervisor would add (devices, controllers,
// addresses), and checks the whole. It is pure; what it must know of a driver
// and of the emulators on the host comes in as Traits.
package domain

import "virgo/xml"

// Traits say what a driver supports.
type Traits struct {
	// QEMU is what the QEMU driver knows of the host; nil for drivers that add
	// only what every driver adds.
	QEMU *QEMU
	// Driver names a driver other than QEMU's whose rules are its own: vmware,
	// xen, bhyve, lxc. "" without QEMU is the test driver.
	Driver string
	// WideSCSI says that a SCSI controller has units 0 to 15 without 7, as
	// VMware's have; else 0 to 6.
	WideSCSI bool
	// NoBootOrder says that definitions without an order of boot get none.
	NoBootOrder bool
	// KeepUSB says that USB devices without a port get none: the document is to take
	// the place of another one, which has them.
	KeepUSB bool

	built bool // the definition was built by a program, not read from XML
}

// isTest tells whether the rules are those of the test driver.
func (t *Traits) isTest() bool { return t.QEMU == nil && t.Driver == "" }

// QEMU is what define must know of a host with QEMU.
type QEMU struct {
	HostArch  string // as libvirt names it: x86_64
	Emulators []Emulator
	// Lookup probes an emulator that is not among them; nil: it is an error.
	Lookup    func(path string) (*Emulator, error)
	NVRAMDir  string     // where a guest's variables lie: ROOT/lib/qemu/nvram
	Firmwares []Firmware // code and variables that belong together
	// TPMVersions are the versions that swtpm on this host can emulate.
	TPMVersions []string
	// Autoselect picks a firmware from the descriptors for os firmware='...'.
	// It sets loader and nvram, or gives the error. nil: there are none.
	Autoselect func(*xml.Domain) error
}

// Emulator is a QEMU binary for one architecture.
type Emulator struct {
	Path     string
	Arch     string
	Native   bool // the host's processors run its guests' code, as KVM needs
	Machines []Machine
	// Has tells whether QEMU has a device, such as "virtio-iommu-pci". nil: all.
	Has func(device string) bool
}

// has tells whether QEMU has a device.
func (e *Emulator) has(device string) bool { return e.Has == nil || e.Has(device) }

// Machine is a machine type. Exactly one of an emulator's is the default one.
type Machine struct {
	Name, Alias string
	DefaultCPU  string // as QEMU tells, without its suffix; "" if unknown
	MaxCPUs     int
	Default     bool
}

// Firmware is a firmware's code with the template of its variables.
type Firmware struct {
	Code, Vars string
}

// Parse reads a definition: decoding, what define adds, checks.
func Parse(src xml.Source, t *Traits) (*xml.Domain, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	return Read(src, root, func() *Traits { return t })
}

// Read is Parse of a document that is scanned already; traits are asked for when
// it is decoded. Errors know the place, as far as it can be told.
func Read(src xml.Source, root *xml.Node, traits func() *Traits) (*xml.Domain, error) {
	if root.Name != "domain" {
		return nil, xml.Errorf(xml.CodeXML, "expecting root element of 'domain', not '%s'", root.Name)
	}
	d := &xml.Domain{}
	err := xml.Decode(root, d)
	if err != nil {
		err = earlier(d, traits(), err)
	} else {
		err = Complete(d, traits())
	}
	if err != nil {
		return nil, xml.InFile(xml.Locate(err, root), src.Name)
	}
	return d, nil
}

// Finish adds to a definition that a converter built what the driver adds after
// reading one. Nothing is sorted, made up or checked.
func Finish(d *xml.Domain, t *Traits) error {
	own := *t
	own.built = true
	if err := checkName(d, &own); err != nil {
		return err
	}
	if err := chooseEmulator(d, &own); err != nil {
		return err
	}
	return postParse(d, &own)
}

// Complete adds to a decoded definition what define adds, and checks it.
func Complete(d *xml.Domain, t *Traits) error {
	return complete(d, t)
}
