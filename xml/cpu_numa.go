package xml

// CPUNUMA is a guest's <numa>.
type CPUNUMA struct {
	Cells         []NUMACell         `xml:"cell"`
	Interconnects *NUMAInterconnects `xml:"interconnects"`
}

// NUMACell is a node of a guest: CPUs, memory, or both.
type NUMACell struct {
	ID        uint32         `xml:"id,attr,empty"`
	CPUs      string         `xml:"cpus,attr"`
	Memory    uint64         `xml:"memory,attr,empty"` // KiB
	Unit      string         `xml:"unit,attr"`
	MemAccess string         `xml:"memAccess,attr" enum:"shared private"`
	Discard   YesNo          `xml:"discard,attr"`
	Distances *NUMADistances `xml:"distances"`
	Caches    []NUMACache    `xml:"cache"`
}

// NUMADistances are those of a cell to the others.
type NUMADistances struct {
	Siblings []NUMADistance `xml:"sibling"`
}

// NUMADistance is the distance to one cell; 10 is local.
type NUMADistance struct {
	ID    uint32 `xml:"id,attr,required,empty"`
	Value uint32 `xml:"value,attr,required,empty"`
}

// NUMACache is a memory-side cache.
type NUMACache struct {
	Level         uint32   `xml:"level,attr,required,nonzero"`
	Associativity string   `xml:"associativity,attr,required" enum:"none direct full"`
	Policy        string   `xml:"policy,attr,required" enum:"none writeback writethrough"`
	Size          NUMASize `xml:"size"`
	Line          NUMASize `xml:"line"`
}

// NUMASize is a number with its unit.
type NUMASize struct {
	Value uint64 `xml:"value,attr,required,empty"`
	Unit  string `xml:"unit,attr"`
}

// NUMAInterconnects say how fast initiators reach targets.
type NUMAInterconnects struct {
	Links []NUMALink
}

// NUMALink is a <latency> or a <bandwidth>.
type NUMALink struct {
	Kind      string `xml:"-"` // latency, bandwidth
	Initiator uint32 `xml:"initiator,attr,required,empty"`
	Target    uint32 `xml:"target,attr,required,empty"`
	Cache     uint32 `xml:"cache,attr,nonzero"`
	Type      string `xml:"type,attr,required" enum:"access read write"`
	Value     uint64 `xml:"value,attr,required,nonzero"`
	Unit      string `xml:"unit,attr"`
}

// DecodeNode reads the links in document order.
func (i *NUMAInterconnects) DecodeNode(n *Node) error {
	for _, c := range n.Elements("") {
		l := NUMALink{Kind: c.Name}
		if c.Name != "latency" && c.Name != "bandwidth" {
			continue
		}
		if err := DecodeFields(c, &l); err != nil {
			return err
		}
		if c.Name == "bandwidth" {
			kib, err := ScaleAttr(c, "value", l.Value, l.Unit)
			if err != nil {
				return err
			}
			l.Value, l.Unit = kib, "KiB"
		}
		i.Links = append(i.Links, l)
	}
	return nil
}

// EncodeNode writes the latencies, then the bandwidths.
func (i *NUMAInterconnects) EncodeNode(name string) *Node {
	n := Element(name)
	for _, kind := range []string{"latency", "bandwidth"} {
		for k := range i.Links {
			if i.Links[k].Kind == kind {
				n.Add(EncodeFields(&i.Links[k], kind))
			}
		}
	}
	return n
}

// ScaleAttr gives an amount in KiB.
func ScaleAttr(n *Node, _ string, value uint64, unit string) (uint64, error) {
	bytes, err := Scale(value, unit, 1024)
	if err != nil {
		return 0, located(err, n)
	}
	return ToKiB(bytes), nil
}

// DecodeNode reads the cells; they may stand in any order, but their numbers
// must be 0 and on.
func (c *CPUNUMA) DecodeNode(n *Node) error {
	nodes := n.Elements("cell")
	cells := make([]*NUMACell, len(nodes))
	used := Set{}
	for i, cn := range nodes {
		cell := new(NUMACell)
		_, hasID := cn.Attr("id")
		_, hasMemory := cn.Attr("memory")
		if err := DecodeFields(cn, cell); err != nil {
			return err
		}
		at := i
		if hasID {
			at = int(cell.ID)
		}
		switch {
		case at >= len(nodes):
			return located(Errorf(CodeXML, "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed"), cn)
		case cells[at] != nil:
			return located(Errorf(CodeXML, "Duplicate NUMA cell info for cell id '%d'", at), cn)
		case !hasMemory:
			return missingAttr(cn, "memory")
		}
		cell.ID = uint32(at)
		cells[at] = cell
		if cell.CPUs != "" {
			set, err := ParseSet(cell.CPUs)
			if err != nil {
				return located(err, cn)
			}
			if set.Len() == 0 {
				return located(Errorf(CodeConfigUnsupported, "NUMA cell %d has no vCPUs assigned", at), cn)
			}
			for k := 0; k <= set.Last(); k++ {
				if set.Has(k) && used.Has(k) {
					return located(Errorf(CodeConfigUnsupported, "NUMA cells %d and %d have overlapping vCPU ids", at, cellOf(cells, k, at)), cn)
				}
				if set.Has(k) {
					used.Add(k)
				}
			}
			cell.CPUs = set.String()
		}
		kib, err := ScaleAttr(cn, "memory", cell.Memory, cell.Unit)
		if err != nil {
			return err
		}
		cell.Memory, cell.Unit = kib, "KiB"
	}
	c.Cells = make([]NUMACell, len(cells))
	for i, cell := range cells {
		c.Cells[i] = *cell
	}
	if err := c.distances(); err != nil {
		return err
	}
	if links := n.Child("interconnects"); links != nil {
		c.Interconnects = new(NUMAInterconnects)
		return c.Interconnects.DecodeNode(links)
	}
	return nil
}

func cellOf(cells []*NUMACell, cpu, not int) int {
	for i, c := range cells {
		if c == nil || i == not {
			continue
		}
		if s, err := ParseSet(c.CPUs); err == nil && s.Has(cpu) {
			return i
		}
	}
	return not
}

// distances checks the distances. One that is given in one direction only
// holds in both, and a cell that has any has 10 to itself.
func (c *CPUNUMA) distances() error {
	n := len(c.Cells)
	table := make([][]uint32, n)
	for i := range table {
		table[i] = make([]uint32, n)
	}
	for i := range c.Cells {
		if c.Cells[i].Distances == nil {
			continue
		}
		for _, s := range c.Cells[i].Distances.Siblings {
			switch {
			case int(s.ID) >= n:
				return Errorf(CodeXML, "'sibling_id %d' does not refer to a valid cell within NUMA 'cell id %d'", s.ID, i)
			case s.Value < 10 || s.Value > 255:
				return Errorf(CodeXML, "Distance value of %d is not in valid range", s.Value)
			case int(s.ID) == i && s.Value != 10:
				return Errorf(CodeXML, "Value of distance to itself must be 10 in NUMA cell %d", i)
			}
			table[i][s.ID] = s.Value
			if table[s.ID][i] == 0 {
				table[s.ID][i] = s.Value
			}
			table[i][i], table[s.ID][s.ID] = 10, 10
		}
	}
	for i := range table {
		var list []NUMADistance
		for j, v := range table[i] {
			if v != 0 {
				list = append(list, NUMADistance{ID: uint32(j), Value: v})
			}
		}
		c.Cells[i].Distances = nil
		if list != nil {
			c.Cells[i].Distances = &NUMADistances{Siblings: list}
		}
	}
	return nil
}

// EncodeNode makes the element.
func (c *CPUNUMA) EncodeNode(name string) *Node {
	if len(c.Cells) == 0 {
		return nil
	}
	return EncodeFields(c, name)
}
