package cpu

import (
	"bytes"
	"strings"

	"virgo/xml"
)

// SourceKind is what a source was read from.
type SourceKind uint8

// The kinds of sources.
const (
	SourceElement      SourceKind = iota // a <cpu> element
	SourceDomain                         // a domain's <cpu>
	SourceCapabilities                   // a host's capabilities
	SourceDomainCaps                     // the host-model of domain capabilities
	SourceCPUID                          // raw CPUID data, as XML or text
	SourceQEMU                           // QEMU's answer to query-cpu-model-expansion
	SourceCPUInfo                        // /proc/cpuinfo: flags only
	SourceNames                          // a list of model names; there is no CPU
)

// Source is a description of a CPU that was read from a file.
type Source struct {
	Name string // the file's
	Kind SourceKind
	Arch string // of data that is not XML
	Map  Map    // the tables that raw data are decoded with

	// Usable are the models that a hypervisor gave with it, or that a list
	// names; nil if nothing is known of them.
	Usable []Usable

	node *xml.Node // a <cpu> element
	text []byte    // a host's <cpu> element that is read already
	data raw       // what it was without XML
	cpu  *xml.CPU  // of text, or QEMU's CPU of other architectures
}

// element gives the <cpu> element, nil if the source is none.
func (s *Source) element() (*xml.Node, error) {
	if s.node == nil && s.text != nil {
		n, err := xml.Parse(xml.Source{Name: s.Name, Data: s.text})
		if err != nil {
			return nil, err
		}
		s.node = n
	}
	return s.node, nil
}

// Load reads the first CPU of a file.
func Load(src xml.Source) (*Source, error) {
	all, err := LoadAll(src)
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// LoadAll reads every CPU of a file, in document order. There is at least one.
func LoadAll(src xml.Source) ([]Source, error) {
	var all []Source
	err := LoadEach(src, func(s *Source) error {
		all = append(all, *s)
		return nil
	})
	return all, err
}

// LoadEach calls f with each CPU of a file. f keeps the source as long as it
// wants, so a caller that does not keeps no more than one in memory.
func LoadEach(src xml.Source, f func(*Source) error) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(src.Data, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(text) == 0:
		return noCPU(src)
	case text[0] == '{' || text[0] == '[':
		return loadJSON(src, f)
	case text[0] == '<':
		return loadXML(src, f)
	case bytes.Contains(text[:min(len(text), 4096)], []byte("eax=0x")):
		return loadDump(src, f)
	case cpuinfoField(text, "flags") != "" || cpuinfoField(text, "vendor_id") != "":
		return loadCPUInfo(src, f)
	}
	if bytes.Contains(text, []byte("<cpu")) {
		return loadXML(src, f)
	}
	return loadNames(src, text, f)
}

// noCPU is the peer's text for a file without a CPU.
func noCPU(src xml.Source) error {
	return xml.Errorf(xml.CodePlain, "File '%s' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML", src.Name)
}

// loadNames reads model names, one a line.
func loadNames(src xml.Source, text []byte, f func(*Source) error) error {
	s := &Source{Name: src.Name, Kind: SourceNames, Usable: []Usable{}}
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.ContainsAny(line, "<>{}=:\x00") {
			return noCPU(src)
		}
		s.Usable = append(s.Usable, Usable{Name: line})
	}
	return f(s)
}

// HasCPU is the error of a source that is a list of names and no CPU.
func (s *Source) HasCPU() error {
	if s.Kind == SourceNames {
		return noCPU(xml.Source{Name: s.Name})
	}
	return nil
}

// CPU gives the source's CPU as kind says; raw data become a host's CPU unless
// a guest's is wanted, and QEMU's answers always a guest's.
func (s *Source) CPU(kind xml.CPUKind) (*xml.CPU, error) {
	if err := s.HasCPU(); err != nil {
		return nil, err
	}
	if s.cpu != nil && (s.text == nil || kind != xml.GuestCPU) {
		return s.cpu.Clone(), nil
	}
	n, err := s.element()
	switch {
	case err != nil:
		return nil, err
	case n != nil:
		return xml.DecodeCPU(n, kind)
	case kind == xml.GuestCPU || s.Kind == SourceQEMU:
		return s.Decode(true, nil)
	}
	return s.Decode(false, nil)
}

// HostArch is the architecture of the machine that the source describes; ""
// if it does not tell.
func (s *Source) HostArch() string {
	if s.text != nil {
		return s.cpu.Arch
	}
	if s.node != nil {
		if a := s.node.Child("arch"); a != nil {
			return a.Value()
		}
	}
	return s.Arch
}

// Decode finds the model that fits raw data best. usable are the models of a
// guest's CPU; nil means those that came with the source.
func (s *Source) Decode(guest bool, usable []Usable) (*xml.CPU, error) {
	if err := s.HasCPU(); err != nil {
		return nil, err
	}
	if s.node != nil || s.text != nil {
		c, err := s.CPU(xml.AnyCPU)
		if err != nil {
			return nil, err
		}
		return redecode(c, guest, usable, s.Map)
	}
	if s.cpu != nil {
		return s.cpu.Clone(), nil
	}
	if usable == nil {
		usable = s.Usable
	}
	if guest {
		return decodeGuest(s.data, usable, s.Map)
	}
	c, err := decode(s.data, decodeOptions{cpuMap: s.Map, host: true})
	if err != nil {
		return nil, err
	}
	return c.cpu(&s.data, s.Arch), nil
}

// redecode decodes the features of a CPU that has a model already.
func redecode(c *xml.CPU, guest bool, usable []Usable, m Map) (*xml.CPU, error) {
	p, err := parse(c)
	if err != nil {
		return nil, err
	}
	r := raw{features: p.has(), vendor: c.Vendor}
	if r.vendor == "" && p.model != nil {
		r.vendor = p.model.vendor
	}
	if s := c.Signature; s != nil {
		r.signature = Signature{Family: int(s.Family), Model: int(s.Model), Stepping: int(s.Stepping)}
	}
	if guest {
		return decodeGuest(r, usable, m)
	}
	best, err := decode(r, decodeOptions{cpuMap: m, host: true})
	if err != nil {
		return nil, err
	}
	arch := c.Arch
	if arch == "" {
		arch = "x86_64"
	}
	return best.cpu(&r, arch), nil
}

// NoPolicies tells whether the source's CPU has a feature without a policy, as
// a host's features are.
func (s *Source) NoPolicies() bool {
	if s.text != nil {
		return len(s.cpu.Features) > 0
	}
	if s.node == nil {
		return false
	}
	for _, f := range s.node.Elements("feature") {
		if _, ok := f.Attr("policy"); !ok {
			return true
		}
	}
	return false
}
