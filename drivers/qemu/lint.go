package qemu

import (
	"encoding/json"
	"slices"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// emulatorFindings tell what an emulator says against a definition: deprecated
// machines and CPU models, devices and CPU features that it lacks. root is the
// document as written, d what define makes of it, argv QEMU's command line.
func emulatorFindings(root *xml.Node, d *xml.Domain, e *Emulator, cpus drivers.HypervisorCPU, argv []string) []xml.Finding {
	l := qemuLint{root: root, name: "QEMU " + e.Version}
	if m := e.Machine(d.OS.Type.Machine); m != nil && m.Deprecated {
		at := l.node("os", "type")
		l.add(at, "deprecated-machine", "the machine type '"+m.Name+"' is deprecated in "+l.name)
	}
	l.cpu(d, cpus)
	l.devices(d, e, argv)
	return l.found
}

type qemuLint struct {
	root  *xml.Node
	name  string // of the emulator, for people
	found []xml.Finding
}

func (l *qemuLint) add(at *xml.Node, code, text string) {
	f := xml.Finding{Level: xml.LintWarning, Code: code, Message: text}
	if at != nil {
		f.Line, f.Column = int(at.Line), int(at.Column)
	}
	l.found = append(l.found, f)
}

// node is the element at a path of names, or the last one on the way that is there.
func (l *qemuLint) node(path ...string) *xml.Node {
	at := l.root
	for _, name := range path {
		next := at.Child(name)
		if next == nil {
			break
		}
		at = next
	}
	return at
}

// cpu looks at a guest's CPU of a model and features of its own.
func (l *qemuLint) cpu(d *xml.Domain, cpus drivers.HypervisorCPU) {
	written := l.root.Child("cpu")
	if d.CPU == nil || written == nil {
		return
	}
	if d.CPU.Mode == "custom" && d.CPU.Model != "" && cpus.Models != nil {
		l.model(d.CPU.Model, l.node("cpu", "model"), cpus)
	}
	if cpus.Features == nil {
		return
	}
	for _, f := range written.Elements("feature") {
		name, _ := f.Attr("name")
		policy, _ := f.Attr("policy")
		_, known := slices.BinarySearch(cpus.Features, name)
		switch {
		case policy == "disable" || policy == "forbid" || policy == "optional":
		case !known:
			l.add(f, "unknown-cpu-feature", l.name+" knows no CPU feature '"+name+"'")
		case !slices.Contains(cpus.Offered, name):
			l.add(f, "lacking-cpu-feature", l.name+" cannot give the CPU feature '"+name+"' here")
		}
	}
}

func (l *qemuLint) model(name string, at *xml.Node, cpus drivers.HypervisorCPU) {
	i := slices.IndexFunc(cpus.Models, func(m drivers.CPUModel) bool { return m.Name == name })
	if i < 0 {
		l.add(at, "unknown-cpu-model", l.name+" has no CPU model '"+name+"'")
		return
	}
	m := cpus.Models[i]
	if m.Deprecated {
		l.add(at, "deprecated-cpu-model", "the CPU model '"+name+"' is deprecated in "+l.name)
	}
	if m.Usable == drivers.No {
		l.add(at, "lacking-cpu-feature", l.name+" cannot give all of the CPU model '"+name+"' here: it lacks "+strings.Join(m.Blockers, ", "))
	}
}

// devices looks up each device of the command line among those that the emulator has.
func (l *qemuLint) devices(d *xml.Domain, e *Emulator, argv []string) {
	seen := map[string]bool{}
	for i := 1; i < len(argv); i++ {
		if argv[i-1] != "-device" {
			continue
		}
		var v struct{ Driver, ID string }
		if json.Unmarshal([]byte(argv[i]), &v) != nil {
			v.Driver, _, _ = strings.Cut(argv[i], ",")
		}
		if v.Driver == "" || e.hasDevice(v.Driver) || seen[v.Driver+" "+v.ID] {
			continue
		}
		seen[v.Driver+" "+v.ID] = true
		l.add(l.written(d, v.ID), "lacking-device", l.name+" has no device '"+v.Driver+"'")
	}
}

// deviceAliases are drivers that QEMU's types have another name for.
var deviceAliases = [][2]string{{"AC97", "ac97"}, {"ES1370", "es1370"}, {"ahci", "ich9-ahci"}, {"e1000", "e1000-82540em"}, {"lsi", "lsi53c895a"}}

// hasDevice tells whether -device takes a driver's name.
func (e *Emulator) hasDevice(driver string) bool {
	if e.Has(driver) {
		return true
	}
	for _, a := range deviceAliases {
		if a[0] == driver {
			return e.Has(a[1])
		}
	}
	return false
}

// written is where a device stands in the document: the element of its kind at
// its place, if define has added none before it.
func (l *qemuLint) written(d *xml.Domain, alias string) *xml.Node {
	devices := l.root.Child("devices")
	found := domain.ByAlias(d, alias)
	if devices == nil || len(found) != 1 {
		return nil
	}
	all := domain.All(d, found[0].Kind)
	elements := devices.Elements(found[0].Kind)
	if c, ok := found[0].Value.(*xml.Controller); ok {
		for _, n := range elements {
			if kind, _ := n.Attr("type"); kind == c.Type && len(elements) == 1 {
				return n
			}
		}
		return nil
	}
	for i := range all {
		if all[i].Value == found[0].Value && i < len(elements) {
			return elements[i]
		}
	}
	return nil
}
