package xml

import "strconv"

// EncodeNode makes the element; that of an empty CPU is nil.
func (c *CPU) EncodeNode(name string) *Node {
	n := &Node{Name: name}
	if !c.IsHost() && (c.Model != "" || c.Mode != "custom" && c.Mode != "") {
		mode, match := or(c.Mode, "custom"), ""
		if mode == "custom" || c.ShowMatch {
			match = or(c.Match, "exact")
		}
		n.With("mode", mode, "match", match, "check", c.Check,
			"migratable", c.Migratable, "deprecated_features", c.DeprecatedFeatures)
	}
	if c.IsHost() {
		n.Add(TextElement("arch", c.Arch))
	}
	c.encodeModel(n)
	if c.IsHost() {
		c.encodeHost(n)
	}
	if t := c.Topology; t != nil {
		n.Add(Element("topology").With("sockets", digits(t.Sockets), "dies", digits(t.Dies),
			"clusters", digits(t.Clusters), "cores", digits(t.Cores), "threads", digits(t.Threads)))
	}
	if t := c.Cache; t != nil {
		n.Add(Element("cache").With("level", positive(t.Level), "mode", t.Mode))
	}
	if t := c.MaxPhysAddr; t != nil {
		bits := positive(t.Bits)
		if t.ZeroBits {
			bits = "0"
		}
		n.Add(Element("maxphysaddr").With("mode", t.Mode, "bits", bits, "limit", positive(t.Limit)))
	}
	nodes := make([]Node, len(c.Features))
	attrs := make([]Attr, 0, 2*len(c.Features))
	for i, f := range c.Features {
		first := len(attrs)
		if !c.IsHost() && f.Policy != "" {
			attrs = append(attrs, Attr{Name: "policy", Value: f.Policy})
		}
		attrs = append(attrs, Attr{Name: "name", Value: f.Name})
		nodes[i] = Node{Name: "feature", Attrs: attrs[first:len(attrs):len(attrs)]}
		n.Children = append(n.Children, &nodes[i])
	}
	if c.NUMA != nil {
		n.Add(c.NUMA.EncodeNode("numa"))
	}
	if len(n.Attrs) == 0 && len(n.Children) == 0 {
		return nil
	}
	return n
}

// encodeModel adds model and vendor.
func (c *CPU) encodeModel(n *Node) {
	named := c.namesModel()
	if !named && !c.ShowMatch {
		return
	}
	switch {
	case c.Model != "":
		e := TextElement("model", c.Model)
		if !c.IsHost() && named {
			e.With("fallback", or(c.Fallback, "allow"), "vendor_id", c.VendorID)
		}
		n.Add(e)
	case c.Mode == "host-model" && c.VendorID != "":
		n.Add(Element("model").With("vendor_id", c.VendorID))
	}
	if c.Vendor != "" {
		n.Add(TextElement("vendor", c.Vendor))
	}
}

// encodeHost adds what only hosts have.
func (c *CPU) encodeHost(n *Node) {
	if c.Microcode > 0 {
		n.Add(Element("microcode").With("version", digits(c.Microcode)))
	}
	if s := c.Signature; s != nil && s.Family != 0 {
		n.Add(Element("signature").With("family", digits(s.Family), "model", digits(s.Model), "stepping", digits(s.Stepping)))
	}
	if t := c.Counter; t != nil {
		n.Add(Element("counter").With("name", "tsc", "frequency", strconv.FormatUint(t.Frequency, 10), "scaling", t.Scaling))
	}
}

// namesModel tells whether the element's mode goes with a model.
func (c *CPU) namesModel() bool {
	return c.IsHost() || c.Mode == "" || c.Mode == "custom" || c.Mode == "host-model"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func digits(u uint32) string { return strconv.FormatUint(uint64(u), 10) }

// positive is the number's text, "" unless it is above 0.
func positive(i int) string {
	if i <= 0 {
		return ""
	}
	return strconv.Itoa(i)
}
