package cpu

import (
	"bytes"
	"strconv"
	"strings"

	"virgo/xml"
)

// loadXML takes a file as the content of one element: any number of CPUs and
// of documents that hold them.
func loadXML(src xml.Source, f func(*Source) error) error {
	found := false
	count := func(s *Source) error {
		found = true
		return f(s)
	}
	rest := src.Data
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if c, length, ok := plainHost(rest); ok {
			if err := count(&Source{Name: src.Name, cpu: c, text: rest[:length:length]}); err != nil {
				return err
			}
			rest = rest[length:]
			continue
		}
		one, after := cutCPU(rest)
		if one == nil {
			break
		}
		n, err := xml.Parse(xml.Source{Name: src.Name, Data: one})
		if err != nil {
			// Once more from the start, for the right line.
			rest = src.Data
			found = false
			break
		}
		if err := count(&Source{Name: src.Name, node: n}); err != nil {
			return err
		}
		rest = after
	}
	if found && len(bytes.TrimSpace(rest)) == 0 {
		return nil
	}
	if found && !bytes.ContainsRune(rest, '<') {
		return nil
	}
	roots, err := xml.ParseAll(xml.Source{Name: src.Name, Data: rest})
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := loadRoot(src.Name, root, count); err != nil {
			return err
		}
	}
	if !found {
		return noCPU(src)
	}
	return nil
}

// cutCPU cuts a <cpu> element off the front of a text. It is how large files
// are read without holding all of them as a tree; nil means that the front is
// something else, or not plain enough.
func cutCPU(text []byte) (one, rest []byte) {
	text = bytes.TrimLeft(text, " \t\r\n")
	if !bytes.HasPrefix(text, []byte("<cpu>")) && !bytes.HasPrefix(text, []byte("<cpu ")) {
		return nil, nil
	}
	const end = "</cpu>"
	at := bytes.Index(text, []byte(end))
	if at < 0 {
		return nil, nil
	}
	one = text[:at+len(end)]
	if bytes.Contains(one, []byte("<!")) || bytes.Contains(one, []byte("xmlns")) || bytes.Contains(one[4:], []byte("<cpu")) {
		return nil, nil
	}
	return one, text[at+len(end):]
}

// loadRoot finds the CPUs in a document.
func loadRoot(name string, root *xml.Node, f func(*Source) error) error {
	each := func(kind SourceKind, nodes []*xml.Node) error {
		for _, n := range nodes {
			s := &Source{Name: name, Kind: kind, node: n}
			if kind == SourceDomain {
				if os := root.Child("os"); os != nil && os.Child("type") != nil {
					s.Arch, _ = os.Child("type").Attr("arch")
				}
			}
			if err := f(s); err != nil {
				return err
			}
		}
		return nil
	}
	if root.Space != "" {
		return nil
	}
	switch root.Name {
	case "cpu":
		return each(SourceElement, []*xml.Node{root})
	case "domain":
		return each(SourceDomain, root.Elements("cpu"))
	case "capabilities":
		for _, host := range root.Elements("host") {
			if err := each(SourceCapabilities, host.Elements("cpu")); err != nil {
				return err
			}
		}
	case "domainCapabilities":
		arch := ""
		if a := root.Child("arch"); a != nil {
			arch = a.Value()
		}
		for _, c := range root.Elements("cpu") {
			for _, mode := range c.Elements("mode") {
				which, _ := mode.Attr("name")
				supported, _ := mode.Attr("supported")
				if which != "host-model" || supported != "yes" {
					continue
				}
				n := *mode
				n.Name = "cpu"
				if err := f(&Source{Name: name, Kind: SourceDomainCaps, Arch: arch, node: &n, Usable: usableOf(c)}); err != nil {
					return err
				}
			}
		}
	case "cpudata":
		return loadCPUData(name, root, f)
	}
	return nil
}

// usableOf reads the models of domain capabilities that can be used.
func usableOf(cpu *xml.Node) []Usable {
	for _, mode := range cpu.Elements("mode") {
		if which, _ := mode.Attr("name"); which != "custom" {
			continue
		}
		list := []Usable{}
		blockers := make(map[string][]string)
		for _, b := range mode.Elements("blockers") {
			model, _ := b.Attr("model")
			for _, feature := range b.Elements("feature") {
				name, _ := feature.Attr("name")
				blockers[model] = append(blockers[model], name)
			}
		}
		for _, m := range mode.Elements("model") {
			list = append(list, Usable{Name: m.Value(), Blockers: blockers[m.Value()]})
		}
		return list
	}
	return nil
}

// loadCPUData reads <cpudata arch='x86'>.
func loadCPUData(name string, root *xml.Node, f func(*Source) error) error {
	if arch, _ := root.Attr("arch"); arch != "x86" {
		return at(xml.Errorf(xml.CodeXML, "CPU data of architecture '%s' cannot be read, only x86", arch), name, root)
	}
	var d Dump
	for _, n := range root.Elements("") {
		switch n.Name {
		case "cpuid":
			leaf, err := dataNumber(name, n, "eax_in", true)
			if err != nil {
				return err
			}
			var v [5]uint32
			for i, attr := range [...]string{"ecx_in", "eax", "ebx", "ecx", "edx"} {
				if v[i], err = dataNumber(name, n, attr, false); err != nil {
					return err
				}
			}
			d.add(leaf, v[0], Registers{v[1], v[2], v[3], v[4]})
		case "msr":
			index, err := dataNumber(name, n, "index", true)
			if err != nil {
				return err
			}
			low, err := dataNumber(name, n, "eax", false)
			if err != nil {
				return err
			}
			high, err := dataNumber(name, n, "edx", false)
			if err != nil {
				return err
			}
			d.addMSR(index, uint64(high)<<32|uint64(low))
		}
	}
	return f(&Source{Name: name, Kind: SourceCPUID, Arch: "x86_64", data: read(&d)})
}

func dataNumber(name string, n *xml.Node, attr string, needed bool) (uint32, error) {
	text, ok := n.Attr(attr)
	if !ok {
		if needed {
			return 0, at(xml.Errorf(xml.CodeXML, "Missing required attribute '%s' in element '%s'", attr, n.Name), name, n)
		}
		return 0, nil
	}
	v, err := strconv.ParseUint(strings.TrimSpace(text), 0, 32)
	if err != nil {
		return 0, at(xml.Errorf(xml.CodeXML, "Invalid value for attribute '%s' in element '%s': '%s'", attr, n.Name, text), name, n)
	}
	return uint32(v), nil
}

func at(e *xml.Error, name string, n *xml.Node) error {
	e.File, e.Line, e.Column = name, int(n.Line), int(n.Column)
	return e
}
