package cpu

import (
	"slices"

	"virgo/xml"
)

// BaselineOptions say how a baseline is made.
type BaselineOptions struct {
	Map        Map
	Arch       string   // where no CPU names one, such as those that QEMU reported
	Usable     []Usable // a hypervisor's models; nil: all
	Allowed    []string // a hypervisor's features; nil: all
	Migratable bool     // leave unmigratable features out of the list (a hypervisor's are out of Allowed)
	Expand     bool     // list all of the model's features
	NoUnpassed bool     // leave out what is never handed to QEMU, as a QEMU connection does
	Forbid     bool     // fallback is always forbid, as a hypervisor's baseline has it
}

// Baseline gives the guest CPU that all the CPUs can give.
func Baseline(cpus []*xml.CPU, o BaselineOptions) (*xml.CPU, error) {
	b := Baseliner{Options: o}
	for _, c := range cpus {
		if err := b.Add(c); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// Baseliner makes a baseline of CPUs one by one: it keeps none of them.
type Baseliner struct {
	Options BaselineOptions

	n       int
	arch    string
	fam     families
	set     set
	vendor  string
	output  bool // the answer names the vendor
	models  []string
	first   *xml.CPU
	failure error
	limits  int // CPUs that have a limit of physical addresses
	limit   int // the smallest
}

// Add takes another CPU in. Its error, of the first CPU that does not fit,
// comes again from Finish.
func (b *Baseliner) Add(c *xml.CPU) error {
	if b.failure != nil {
		return b.failure
	}
	b.n++
	if b.n == 1 {
		b.arch = c.Arch
		if b.arch == "" || b.Options.Forbid {
			b.arch = b.Options.Arch
		}
		b.fam = family(b.arch)
		b.first = c
	}
	if a := c.MaxPhysAddr; a != nil && a.Limit > 0 {
		b.limits++
		if b.limits == 1 || a.Limit < b.limit {
			b.limit = a.Limit
		}
	}
	switch b.fam {
	case famX86:
		b.failure = b.addX86(c)
	case famPPC:
		b.failure = b.addPPC(c)
	case famARM:
	case famNone:
		b.failure = NoModels(b.arch)
	default:
		b.failure = xml.Errorf(xml.CodeNoSupport, "cannot compute baseline CPU of %s architecture", b.arch)
	}
	return b.failure
}

func (b *Baseliner) addX86(c *xml.CPU) error {
	p, err := parse(c)
	if err != nil {
		return err
	}
	if p.model == nil {
		return xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", c.Model)
	}
	has := p.has()
	if !slices.Contains(b.models, c.Model) {
		b.models = append(b.models, c.Model)
	}
	if b.n == 1 {
		b.set = has
		if c.Vendor != "" && !knownVendor(c.Vendor) {
			return xml.Errorf(xml.CodeOperationFailed, "Unknown CPU vendor %s", c.Vendor)
		}
		b.vendor, b.output = c.Vendor, c.Vendor != ""
		return nil
	}
	vendor := c.Vendor
	switch {
	case vendor == "":
		b.output = false
		vendor = p.model.vendor
	case p.model.vendor != "" && p.model.vendor != vendor:
		return xml.Errorf(xml.CodeOperationFailed, "CPU vendor %s of model %s differs from vendor %s", p.model.vendor, c.Model, vendor)
	case !knownVendor(vendor):
		return xml.Errorf(xml.CodeOperationFailed, "Unknown CPU vendor %s", vendor)
	}
	switch {
	case vendor == "":
	case b.vendor == "":
		b.vendor = vendor
	case b.vendor != vendor:
		return xml.Errorf(xml.CodeOperationFailed, "CPU vendors do not match")
	}
	b.set = b.set.and(&has)
	return nil
}

// Finish gives the baseline.
func (b *Baseliner) Finish() (*xml.CPU, error) {
	switch {
	case b.failure != nil:
		return nil, b.failure
	case b.n == 0:
		return nil, xml.Errorf(xml.CodeInvalidArg, "no CPUs given")
	}
	var out *xml.CPU
	var err error
	switch b.fam {
	case famX86:
		out, err = b.finishX86()
	case famPPC:
		out = b.finishPPC()
	default:
		out = &xml.CPU{Mode: "custom", Match: "exact", Fallback: "allow", Model: b.first.Model}
	}
	if err != nil {
		return nil, err
	}
	if b.Options.NoUnpassed {
		dropFeatures(out, &unpassed)
	}
	if b.Options.Expand {
		return Expand(out, b.arch)
	}
	return out, nil
}

func (b *Baseliner) finishX86() (*xml.CPU, error) {
	s := b.set
	if b.Options.Allowed != nil {
		var allowed set
		for _, name := range b.Options.Allowed {
			if i := findFeature(name); i >= 0 {
				allowed.add(i)
			}
		}
		s = s.and(&allowed)
	}
	if s.empty() {
		return nil, xml.Errorf(xml.CodeOperationFailed, "CPUs are incompatible")
	}
	r := raw{features: s, vendor: b.vendor}
	c, err := decode(r, decodeOptions{
		usable: b.Options.Usable, restricted: b.Options.Usable != nil,
		preferred: b.models, cpuMap: b.Options.Map,
	})
	if err != nil {
		return nil, err
	}
	out := c.cpu(&r, "")
	if b.Options.Migratable {
		dropFeatures(out, &unmigratable)
	}
	if !b.output {
		out.Vendor = ""
	}
	if b.Options.Forbid || len(b.models) == 1 && b.models[0] == out.Model {
		out.Fallback = "forbid"
	}
	if b.Options.Forbid && b.limits == b.n {
		out.MaxPhysAddr = &xml.CPUMaxPhysAddr{Mode: "passthrough", Limit: b.limit}
	}
	return out, nil
}
