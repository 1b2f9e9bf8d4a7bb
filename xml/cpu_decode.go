package xml

import (
	"strconv"
	"strings"
)

// DecodeCPU reads a <cpu> element, without NUMA cells. Models and features are
// not looked up.
func DecodeCPU(n *Node, kind CPUKind) (*CPU, error) {
	d := cpuDecoder{n: n}
	if err := d.decode(kind); err != nil {
		return nil, located(err, n)
	}
	return &d.cpu, nil
}

type cpuDecoder struct {
	n    *Node
	host bool
	cpu  CPU
	// the first child of each name
	arch, model, vendor, microcode, signature, topology, maxphysaddr *Node
	counters, caches                                                 []*Node
	features                                                         int
}

func (d *cpuDecoder) decode(kind CPUKind) error {
	if d.n.Name != "cpu" {
		return Errorf(CodeXML, "XML does not contain expected 'cpu' element")
	}
	d.sort()
	d.host = kind == HostCPU
	if kind == AnyCPU && d.arch != nil {
		if _, ok := d.n.Attr("match"); ok {
			return Errorf(CodeXML, "'arch' element cannot be used inside 'cpu' element with 'match' attribute'")
		}
		d.host = true
	}
	for _, step := range []func() error{
		d.attributes, d.hostOnly, d.names, d.decodeTopology, d.decodeFeatures, d.decodeCache, d.decodeMaxPhysAddr,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// sort finds the children by name.
func (d *cpuDecoder) sort() {
	first := func(at **Node, c *Node) {
		if *at == nil {
			*at = c
		}
	}
	for _, c := range d.n.Children {
		switch c.Name {
		case "feature":
			d.features++
		case "arch":
			first(&d.arch, c)
		case "model":
			first(&d.model, c)
		case "vendor":
			first(&d.vendor, c)
		case "microcode":
			first(&d.microcode, c)
		case "signature":
			first(&d.signature, c)
		case "topology":
			first(&d.topology, c)
		case "maxphysaddr":
			first(&d.maxphysaddr, c)
		case "counter":
			d.counters = append(d.counters, c)
		case "cache":
			d.caches = append(d.caches, c)
		}
	}
}

var (
	cpuModes     = []string{"custom", "host-model", "host-passthrough", "maximum"}
	cpuMatches   = []string{"minimum", "exact", "strict"}
	cpuChecks    = []string{"default", "none", "partial", "full"}
	cpuOnOff     = []string{"on", "off"}
	cpuYesNo     = []string{"yes", "no"}
	cpuFallbacks = []string{"allow", "forbid"}
	cpuPolicies  = []string{"force", "require", "optional", "disable", "forbid"}
	cacheModes   = []string{"emulate", "passthrough", "disable"}
	addrModes    = []string{"emulate", "passthrough"}
)

func (d *cpuDecoder) attributes() error {
	c := &d.cpu
	if mode, ok := d.n.Attr("mode"); ok {
		switch {
		case d.host:
			return Errorf(CodeConfigUnsupported, "Attribute mode is only allowed for guest CPU")
		case !oneOf(mode, cpuModes):
			return Errorf(CodeConfigUnsupported, "Invalid mode attribute '%s'", mode)
		}
		c.Mode = mode
	} else if !d.host {
		c.Mode = "custom"
	}
	var err error
	if migratable, ok := d.n.Attr("migratable"); ok {
		if !oneOf(migratable, cpuOnOff) {
			return invalidAttr(d.n, "migratable", migratable, "")
		}
		if c.Mode != "host-passthrough" && c.Mode != "maximum" {
			return Errorf(CodeConfigUnsupported, "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode")
		}
		c.Migratable = migratable
	}
	if d.host {
		return nil
	}
	if match, _ := d.n.Attr("match"); match == "minimal" {
		c.Match = "minimum" // another word for it
	} else if c.Match, err = wordAttr(d.n, "match", cpuMatches); err != nil {
		return err
	}
	if c.Match == "" {
		c.Match = "exact"
	}
	if c.Check, err = wordAttr(d.n, "check", cpuChecks); err != nil {
		return err
	}
	if c.Check == "default" {
		c.Check = ""
	}
	c.DeprecatedFeatures, err = wordAttr(d.n, "deprecated_features", cpuOnOff)
	return err
}

// hostOnly reads what only hosts have.
func (d *cpuDecoder) hostOnly() error {
	if !d.host {
		return nil
	}
	c := &d.cpu
	if d.arch != nil {
		c.Arch = d.arch.Value()
	}
	if c.Arch == "" {
		return Errorf(CodeXML, "Missing CPU architecture")
	}
	if !KnownArchitecture(c.Arch) {
		return Errorf(CodeConfigUnsupported, "Unknown architecture %s", c.Arch)
	}
	if d.microcode != nil {
		if version, ok := d.microcode.Attr("version"); ok {
			v, err := strconv.ParseUint(cNumber(version), 10, 32)
			if err != nil {
				return Errorf(CodeConfigUnsupported, "invalid microcode version")
			}
			c.Microcode = uint32(v)
		}
	}
	if s := d.signature; s != nil {
		c.Signature = new(CPUSignature)
		if err := uintAttrs(s, field32{"family", &c.Signature.Family, required | nonzero},
			field32{"model", &c.Signature.Model, required}, field32{"stepping", &c.Signature.Stepping, required}); err != nil {
			return err
		}
	}
	for _, n := range d.counters {
		if name, _ := n.Attr("name"); name != "tsc" {
			continue
		}
		c.Counter = new(CPUCounter)
		text, ok := n.Attr("frequency")
		if !ok {
			return missingAttr(n, "frequency")
		}
		f, err := strconv.ParseUint(cNumber(text), 10, 64)
		if err != nil {
			return invalidAttr(n, "frequency", text, " Expected non-negative integer value")
		}
		c.Counter.Frequency = f
		if c.Counter.Scaling, err = wordAttr(n, "scaling", cpuYesNo); err != nil {
			return err
		}
		break
	}
	return nil
}

// names reads model and vendor.
func (d *cpuDecoder) names() error {
	c := &d.cpu
	if d.model != nil {
		c.Model = d.model.Value()
	}
	if d.host && c.Model == "" {
		return Errorf(CodeXML, "Missing CPU model name")
	}
	if !d.host && d.model != nil && (c.Mode == "custom" || c.Mode == "host-model") {
		if fallback, _ := d.model.Attr("fallback"); fallback != "" {
			if !oneOf(fallback, cpuFallbacks) {
				return Errorf(CodeConfigUnsupported, "Invalid fallback attribute")
			}
			c.Fallback = fallback
		}
		if id, _ := d.model.Attr("vendor_id"); id != "" {
			if len(id) != 12 {
				return Errorf(CodeXML, "vendor_id must be exactly 12 characters long")
			}
			if strings.Contains(id, ",") {
				return Errorf(CodeXML, "vendor id is invalid")
			}
			c.VendorID = id
		}
	}
	if !d.host && c.Fallback == "" && c.Model != "" {
		c.Fallback = "allow"
	}
	if d.vendor != nil {
		c.Vendor = d.vendor.Value()
	}
	if c.Vendor != "" && c.Model == "" {
		return Errorf(CodeXML, "CPU vendor specified without CPU model")
	}
	return nil
}

func (d *cpuDecoder) decodeTopology() error {
	if d.topology == nil {
		return nil
	}
	t := &CPUTopology{Dies: 1, Clusters: 1}
	d.cpu.Topology = t
	return uintAttrs(d.topology,
		field32{"sockets", &t.Sockets, required | nonzero}, field32{"dies", &t.Dies, nonzero},
		field32{"clusters", &t.Clusters, nonzero}, field32{"cores", &t.Cores, required | nonzero},
		field32{"threads", &t.Threads, required | nonzero})
}

func (d *cpuDecoder) decodeFeatures() error {
	c := &d.cpu
	if d.features == 0 {
		return nil
	}
	if c.Model == "" && (d.host || c.Mode == "custom") {
		return Errorf(CodeXML, "Non-empty feature list specified without CPU model")
	}
	c.Features = make([]CPUFeature, 0, d.features)
	for _, n := range d.n.Children {
		if n.Name != "feature" {
			continue
		}
		var f CPUFeature
		if !d.host {
			f.Policy = "require"
			if policy, ok := n.Attr("policy"); ok {
				if !oneOf(policy, cpuPolicies) {
					return located(Errorf(CodeConfigUnsupported, "Invalid CPU feature policy"), n)
				}
				f.Policy = policy
			}
		}
		if f.Name, _ = n.Attr("name"); f.Name == "" {
			return located(Errorf(CodeXML, "Invalid CPU feature name"), n)
		}
		c.Features = append(c.Features, f)
		if name, twice := repeated(c.Features); twice {
			return located(Errorf(CodeXML, "CPU feature '%s' specified more than once", name), n)
		}
	}
	return nil
}

// repeated tells whether the last feature is among the others.
func repeated(list []CPUFeature) (string, bool) {
	last := list[len(list)-1].Name
	for i := range list[:len(list)-1] {
		if list[i].Name == last {
			return last, true
		}
	}
	return "", false
}

func (d *cpuDecoder) decodeCache() error {
	if len(d.caches) > 1 {
		return Errorf(CodeXML, "at most one CPU cache element may be specified")
	}
	if len(d.caches) == 0 {
		return nil
	}
	n := d.caches[0]
	c := new(CPUCache)
	if text, ok := n.Attr("level"); ok {
		level, err := notNegative(n, "level", text)
		if err != nil {
			return err
		}
		if level < 1 || level > 3 {
			return Errorf(CodeXML, "invalid CPU cache level, must be in range [1,3]")
		}
		c.Level = level
	}
	var err error
	if c.Mode, err = wordAttr(n, "mode", cacheModes); err != nil {
		return err
	}
	if c.Mode == "" {
		return missingAttr(n, "mode")
	}
	d.cpu.Cache = c
	return nil
}

func (d *cpuDecoder) decodeMaxPhysAddr() error {
	n := d.maxphysaddr
	if n == nil {
		return nil
	}
	c := new(CPUMaxPhysAddr)
	var err error
	if c.Mode, err = wordAttr(n, "mode", addrModes); err != nil {
		return err
	}
	if c.Mode == "" {
		return missingAttr(n, "mode")
	}
	if text, ok := n.Attr("bits"); ok {
		if c.Bits, err = notNegative(n, "bits", text); err != nil {
			return err
		}
		c.ZeroBits = c.Bits == 0
	}
	if _, ok := n.Attr("limit"); ok {
		var limit uint32
		if err := uintAttrs(n, field32{"limit", &limit, nonzero}); err != nil {
			return err
		}
		if c.Mode != "passthrough" {
			return Errorf(CodeConfigUnsupported, "attribute 'limit' is only supported for maxphysaddr mode 'passthrough'")
		}
		c.Limit = int(limit)
	}
	d.cpu.MaxPhysAddr = c
	return nil
}

// rules of an attribute.
const (
	required = 1 << iota
	nonzero
)

type field32 struct {
	name  string
	to    *uint32
	rules int
}

// uintAttrs reads numbers in order.
func uintAttrs(n *Node, fields ...field32) error {
	for _, f := range fields {
		text, ok := n.Attr(f.name)
		if !ok {
			if f.rules&required != 0 {
				return missingAttr(n, f.name)
			}
			continue
		}
		v, err := strconv.ParseUint(cNumber(text), 10, 32)
		if err != nil {
			return invalidAttr(n, f.name, text, " Expected non-negative integer value")
		}
		if v == 0 && f.rules&nonzero != 0 {
			return located(Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': Zero is not permitted", f.name, n.Name), n)
		}
		*f.to = uint32(v)
	}
	return nil
}

// cNumber is a number's text without what C passes over in front.
func cNumber(text string) string {
	return strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+")
}

// notNegative reads a number of C's type int that is 0 or above.
func notNegative(n *Node, name, text string) (int, error) {
	v, err := strconv.ParseInt(cNumber(text), 10, 32)
	if err != nil {
		return 0, invalidAttr(n, name, text, " Expected integer value")
	}
	if v < 0 {
		return 0, invalidAttr(n, name, text, " Expected non-negative value")
	}
	return int(v), nil
}

// wordAttr reads an attribute that is one of some words; "" if absent.
func wordAttr(n *Node, name string, words []string) (string, error) {
	text, ok := n.Attr(name)
	if !ok {
		return "", nil
	}
	if !oneOf(text, words) {
		return "", invalidAttr(n, name, text, "")
	}
	return text, nil
}

func missingAttr(n *Node, name string) error {
	return located(Errorf(CodeXML, "Missing required attribute '%s' in element '%s'", name, n.Name), n)
}

func invalidAttr(n *Node, name, value, more string) error {
	return located(Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': '%s'.%s", name, n.Name, value, more), n)
}
