package xml

import (
	"strconv"
)

// CPUNUMA is a guest's <numa>.
type CPUNUMA struct {
	Cells []NUMACell `el:"cell"`
	Links []NUMALink `el:"-"` // <interconnects>
}

// NUMACell is a node of a guest: CPUs, memory, or both.
type NUMACell struct {
	ID        uint32         `el:"id,attr,empty"`
	CPUs      string         `el:"cpus,attr"`
	Memory    uint64         `el:"memory,attr,empty"` // KiB
	Unit      string         `el:"unit,attr"`         // always KiB once read
	MemAccess string         `el:"memAccess,attr" enum:"shared private"`
	Discard   YesNo          `el:"discard,attr"`
	Distances []NUMADistance `el:"distances>sibling"`
	Caches    []NUMACache    `el:"cache"`
}

// NUMADistance is the distance to one cell; 10 is local.
type NUMADistance struct {
	ID    uint32 `el:"id,attr,required,empty"`
	Value uint32 `el:"value,attr,required,empty"`
}

// NUMACache is a memory-side cache.
type NUMACache struct {
	Level         uint32   `el:"level,attr,required"`
	Associativity string   `el:"associativity,attr,required" enum:"none direct full"`
	Policy        string   `el:"policy,attr,required" enum:"none writeback writethrough"`
	Size          NUMASize `el:"size"` // KiB
	Line          NUMASize `el:"line"` // bytes
}

// NUMASize is a number with its unit.
type NUMASize struct {
	Value uint64 `el:"value,attr,empty"`
	Unit  string `el:"unit,attr"`
}

// NUMALink is a <latency> or a <bandwidth>: how fast an initiator reaches a target.
type NUMALink struct {
	Kind      string `el:"-"` // latency, bandwidth
	Initiator uint32 `el:"initiator,attr,required,empty"`
	Target    uint32 `el:"target,attr,required,empty"`
	Cache     uint32 `el:"cache,attr"`
	Type      string `el:"type,attr,required" enum:"access read write"`
	Value     uint64 `el:"value,attr,required,empty"` // a bandwidth's in KiB
	Unit      string `el:"unit,attr"`
}

// LastCPU is the highest number of a CPU in any cell, or -1.
func (c *CPUNUMA) LastCPU() int {
	last := -1
	for i := range c.Cells {
		if s, err := ParseSet(c.Cells[i].CPUs); err == nil {
			last = max(last, s.Last())
		}
	}
	return last
}

// DecodeNode reads the cells; they may stand in any order, but their numbers
// must be 0 and on.
func (c *CPUNUMA) DecodeNode(n *Node) error {
	nodes := n.Elements("cell")
	if len(nodes) == 0 {
		return located(Errorf(CodeXML, "NUMA topology defined without NUMA cells"), n)
	}
	order := make([]*Node, len(nodes))
	c.Cells = make([]NUMACell, len(nodes))
	for i, cn := range nodes {
		at := i
		if _, ok := cn.Attr("id"); ok {
			var id uint32
			if err := uintAttrs(cn, field32{"id", &id, 0}); err != nil {
				return err
			}
			at = int(id)
		}
		switch {
		case at >= len(nodes):
			return located(Errorf(CodeXML, "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed"), cn)
		case order[at] != nil:
			return located(Errorf(CodeXML, "Duplicate NUMA cell info for cell id '%d'", at), cn)
		}
		order[at] = cn
		if err := c.decodeCell(cn, at, order); err != nil {
			return located(err, cn)
		}
	}
	for at, cn := range order {
		if err := c.decodeDistances(cn, at); err != nil {
			return located(err, cn)
		}
	}
	if links := n.Child("interconnects"); links != nil {
		return c.decodeLinks(links)
	}
	return nil
}

// decodeCell reads one cell but for its distances.
func (c *CPUNUMA) decodeCell(n *Node, at int, done []*Node) error {
	cell := &c.Cells[at]
	cell.ID = uint32(at)
	if text, ok := n.Attr("cpus"); ok {
		if text == "" {
			return Errorf(CodeInvalidArg, "Failed to parse bitmap ''")
		}
		set, err := ParseSet(text)
		if err != nil {
			return err
		}
		for i := range c.Cells {
			if i == at || done[i] == nil {
				continue
			}
			other, _ := ParseSet(c.Cells[i].CPUs)
			for k := 0; k <= set.Last(); k++ {
				if set.Has(k) && other.Has(k) {
					return Errorf(CodeConfigUnsupported, "NUMA cells %d and %d have overlapping vCPU ids", at, i)
				}
			}
		}
		cell.CPUs = set.String()
	}
	text, _ := n.Attr("memory")
	if text == "" {
		return Errorf(CodeXML, "missing element or attribute './@memory'")
	}
	value, err := strconv.ParseUint(cNumber(text), 10, 64)
	if err != nil {
		return Errorf(CodeXML, "Invalid value '%s' for element or attribute './@memory'", text)
	}
	unit, _ := n.Attr("unit")
	bytes, err := Scale(value, unit, 1024)
	if err != nil {
		return err
	}
	cell.Memory, cell.Unit = ToKiB(bytes), "KiB"
	if cell.Discard, err = wordOf[YesNo](n, "discard", cpuYesNo); err != nil {
		return err
	}
	if cell.MemAccess, err = wordAttr(n, "memAccess", []string{"shared", "private"}); err != nil {
		return err
	}
	for _, cn := range n.Elements("cache") {
		cache, err := decodeNUMACache(cn)
		if err != nil {
			return located(err, cn)
		}
		if cell.hasCache(cache.Level) {
			return located(Errorf(CodeXML, "Cache level '%d' already defined", cache.Level), cn)
		}
		cell.Caches = append(cell.Caches, cache)
	}
	return nil
}

func wordOf[T ~string](n *Node, name string, words []string) (T, error) {
	text, err := wordAttr(n, name, words)
	return T(text), err
}

func decodeNUMACache(n *Node) (NUMACache, error) {
	var c NUMACache
	if err := uintAttrs(n, field32{"level", &c.Level, required | nonzero}); err != nil {
		return c, err
	}
	if c.Level > 3 {
		return c, Errorf(CodeXML, "Ain't nobody heard of that much cache level")
	}
	plain := struct {
		Associativity string `el:"associativity,attr,required" enum:"none direct full"`
		Policy        string `el:"policy,attr,required" enum:"none writeback writethrough"`
	}{}
	if err := DecodeFields(n, &plain); err != nil {
		return c, err
	}
	c.Associativity, c.Policy = plain.Associativity, plain.Policy
	for _, f := range []struct {
		name  string
		to    *NUMASize
		unit  string
		scale uint64
	}{{"size", &c.Size, "KiB", 1024}, {"line", &c.Line, "B", 1}} {
		text, ok, unit := "", false, ""
		if e := n.Child(f.name); e != nil {
			text, ok = e.Attr("value")
			unit, _ = e.Attr("unit")
		}
		if !ok {
			return c, Errorf(CodeXML, "missing element or attribute './%s/@value'", f.name)
		}
		value, err := strconv.ParseUint(cNumber(text), 10, 64)
		if err != nil {
			return c, Errorf(CodeXML, "Invalid value '%s' for element or attribute './%s/@value'", text, f.name)
		}
		bytes, err := Scale(value, unit, f.scale)
		if err != nil {
			return c, err
		}
		f.to.Value, f.to.Unit = bytes/f.scale, f.unit
	}
	return c, nil
}

// decodeDistances reads a cell's distances. One that is given in one direction
// only holds in both, and a cell that has any has 10 to itself.
func (c *CPUNUMA) decodeDistances(n *Node, at int) error {
	list := n.Child("distances")
	if list == nil {
		return nil
	}
	siblings := list.Elements("sibling")
	if len(siblings) == 0 {
		return Errorf(CodeXML, "NUMA distances defined without siblings")
	}
	for _, s := range siblings {
		var d NUMADistance
		if err := uintAttrs(s, field32{"id", &d.ID, required}); err != nil {
			return err
		}
		if int(d.ID) >= len(c.Cells) {
			return Errorf(CodeXML, "'sibling_id %d' does not refer to a valid cell within NUMA 'cell id %d'", d.ID, at)
		}
		if err := uintAttrs(s, field32{"value", &d.Value, required}); err != nil {
			return err
		}
		local := int(d.ID) == at
		if d.Value > 255 || local && d.Value != 10 || !local && d.Value <= 10 {
			return Errorf(CodeXML, "'value %d' is invalid for 'sibling id %d' under NUMA 'cell id %d'", d.Value, d.ID, at)
		}
		c.Cells[at].setDistance(uint32(at), 10, true)
		c.Cells[at].setDistance(d.ID, d.Value, true)
		c.Cells[d.ID].setDistance(d.ID, 10, true)
		c.Cells[d.ID].setDistance(uint32(at), d.Value, false)
	}
	return nil
}

// setDistance keeps the list sorted by cell.
func (c *NUMACell) setDistance(id, value uint32, replace bool) {
	for i := range c.Distances {
		switch d := &c.Distances[i]; {
		case d.ID == id:
			if replace {
				d.Value = value
			}
			return
		case d.ID > id:
			c.Distances = append(c.Distances, NUMADistance{})
			copy(c.Distances[i+1:], c.Distances[i:])
			c.Distances[i] = NUMADistance{id, value}
			return
		}
	}
	c.Distances = append(c.Distances, NUMADistance{id, value})
}

// decodeLinks reads the interconnects in document order.
func (c *CPUNUMA) decodeLinks(n *Node) error {
	for _, e := range n.Elements("") {
		if e.Name != "latency" && e.Name != "bandwidth" {
			continue
		}
		l := NUMALink{Kind: e.Name}
		if err := c.decodeLink(e, &l); err != nil {
			return located(err, e)
		}
		c.Links = append(c.Links, l)
	}
	return nil
}

func (c *CPUNUMA) decodeLink(n *Node, l *NUMALink) error {
	if err := uintAttrs(n, field32{"initiator", &l.Initiator, required}); err != nil {
		return err
	}
	if int(l.Initiator) >= len(c.Cells) {
		return Errorf(CodeXML, "'initiator' refers to a non-existent NUMA node")
	}
	if err := uintAttrs(n, field32{"target", &l.Target, required}); err != nil {
		return err
	}
	if int(l.Target) >= len(c.Cells) {
		return Errorf(CodeXML, "'target' refers to a non-existent NUMA node")
	}
	if err := uintAttrs(n, field32{"cache", &l.Cache, 0}); err != nil {
		return err
	}
	if l.Cache > 0 && !c.Cells[l.Target].hasCache(l.Cache) {
		return Errorf(CodeXML, "'cache' refers to a non-existent NUMA node cache")
	}
	var err error
	if l.Type, err = wordAttr(n, "type", []string{"access", "read", "write"}); err != nil {
		return err
	}
	if l.Type == "" {
		return missingAttr(n, "type")
	}
	if l.Kind == "latency" {
		var value uint32
		if err := uintAttrs(n, field32{"value", &value, required}); err != nil {
			return err
		}
		l.Value = uint64(value)
	} else if err := l.decodeBandwidth(n); err != nil {
		return err
	}
	for _, k := range c.Links {
		if k.Kind == l.Kind && k.Initiator == l.Initiator && k.Target == l.Target && k.Cache == l.Cache && k.Type == l.Type {
			return Errorf(CodeXML, "Duplicate info for NUMA latencies")
		}
	}
	return nil
}

func (l *NUMALink) decodeBandwidth(n *Node) error {
	text, ok := n.Attr("value")
	if !ok {
		return Errorf(CodeXML, "missing element or attribute './@value'")
	}
	value, err := strconv.ParseUint(cNumber(text), 10, 64)
	if err != nil {
		return Errorf(CodeXML, "Invalid value '%s' for element or attribute './@value'", text)
	}
	unit, _ := n.Attr("unit")
	bytes, err := Scale(value, unit, 1024)
	if err != nil {
		return err
	}
	l.Value, l.Unit = ToKiB(bytes), "KiB"
	return nil
}

func (c *NUMACell) hasCache(level uint32) bool {
	for _, cache := range c.Caches {
		if cache.Level == level {
			return true
		}
	}
	return false
}

// EncodeNode makes the element.
func (c *CPUNUMA) EncodeNode(name string) *Node {
	if len(c.Cells) == 0 {
		return nil
	}
	n := EncodeFields(c, name)
	if len(c.Links) == 0 {
		return n
	}
	links := Element("interconnects")
	for i := range c.Links {
		links.Add(EncodeFields(&c.Links[i], c.Links[i].Kind))
	}
	return n.Add(links)
}
