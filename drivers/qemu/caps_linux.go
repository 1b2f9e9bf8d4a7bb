package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/host"
	"virgo/xml"
)

// emulator gives what a binary says, asked once a connection.
func (c *Conn) emulator(ctx context.Context, path, virt string) (*Emulator, error) {
	key := virt + " " + path
	c.mu.Lock()
	e := c.emulators[key]
	c.mu.Unlock()
	if e != nil {
		return e, nil
	}
	e, err := c.layout.emulator(ctx, path, virt)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.emulators[key] = e
	c.mu.Unlock()
	return e, nil
}

// emulatorPath is the program for an architecture: the one that is named, or
// the one that PATH has.
func (c *Conn) emulatorPath(arch, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if p := findEmulator(arch); p != "" {
		return p, nil
	}
	return "", xml.Errorf(xml.CodeConfigUnsupported, "unable to find any emulator to serve '%s' architecture", arch)
}

// isNative tells whether this host's processors run code of that architecture.
func isNative(arch string) bool {
	native := host.Arch()
	return arch == native || native == "x86_64" && arch == "i686"
}

// canKVM tells whether KVM runs guests of that architecture on this host.
func canKVM(arch string) bool { return isNative(arch) && kvmUsable() }

// locate fills in what a query leaves open, but for the machine, and finds the
// emulator; it asks nothing of it.
func (c *Conn) locate(q drivers.EmulatorQuery) (drivers.EmulatorQuery, error) {
	fail := func(format string, args ...any) (drivers.EmulatorQuery, error) {
		return q, xml.Errorf(xml.CodeInvalidArg, format, args...)
	}
	if q.VirtType != "" && !slices.Contains(virtTypes, q.VirtType) {
		return fail("unknown virttype: %s", q.VirtType)
	}
	if q.Arch != "" && !knownArch(q.Arch) {
		return fail("unknown architecture: %s", q.Arch)
	}
	if q.Arch == "" {
		q.Arch = host.Arch()
	}
	path, err := c.emulatorPath(q.Arch, q.Emulator)
	if err != nil {
		return q, err
	}
	q.Emulator = path
	if q.VirtType == "" {
		q.VirtType = "qemu"
		if canKVM(q.Arch) {
			q.VirtType = "kvm"
		}
	}
	return q, nil
}

// accelerator is what QEMU runs guests of a type with; types that are not
// QEMU's count as emulated.
func accelerator(virt string) string {
	if virt == "kvm" || virt == "hvf" {
		return virt
	}
	return "tcg"
}

// resolveQuery is locate, the emulator's own word, and its machine.
func (c *Conn) resolveQuery(ctx context.Context, given drivers.EmulatorQuery) (*Emulator, *Machine, drivers.EmulatorQuery, error) {
	q, err := c.locate(given)
	if err != nil {
		return nil, nil, q, err
	}
	fail := func(format string, args ...any) (*Emulator, *Machine, drivers.EmulatorQuery, error) {
		return nil, nil, q, xml.Errorf(xml.CodeInvalidArg, format, args...)
	}
	// a foreign emulator cannot even be asked with KVM
	virt := q.VirtType
	if virt != "kvm" || !canKVM(q.Arch) || q.Emulator != findEmulator(q.Arch) {
		virt = "qemu"
	}
	e, err := c.emulator(ctx, q.Emulator, virt)
	if err != nil {
		return nil, nil, q, err
	}
	if archFamily(e.Arch) != archFamily(q.Arch) {
		return fail("architecture from emulator '%s' doesn't match given architecture '%s'", e.Arch, q.Arch)
	}
	known := q.VirtType == "kvm" || q.VirtType == "qemu"
	if q.VirtType == "kvm" && !canKVM(q.Arch) || !known && !isNative(e.Arch) {
		return fail("the accel '%s' is not supported by '%s' on this host", accelerator(q.VirtType), q.Emulator)
	}
	if !domain.Serves(e.Arch, q.Arch) {
		return fail("Emulator '%s' does not support arch '%s'", q.Emulator, q.Arch)
	}
	if !known && (q.Machine == "" || q.VirtType != "hvf" && e.Machine(q.Machine) != nil) {
		return fail("Emulator '%s' does not support virt type '%s'", q.Emulator, q.VirtType)
	}
	if known && virt != q.VirtType {
		if e, err = c.emulator(ctx, q.Emulator, q.VirtType); err != nil {
			return nil, nil, q, err
		}
	}
	m := e.Machine(q.Machine)
	if m == nil || !known {
		return fail("the machine '%s' is not supported by emulator '%s'", q.Machine, q.Emulator)
	}
	q.Machine = m.Name
	return e, m, q, nil
}

// archFamily is the first of the architectures that are kin.
func archFamily(arch string) string {
	switch {
	case isX86(arch):
		return "x86"
	case isARM(arch):
		return "arm"
	case strings.HasPrefix(arch, "ppc"):
		return "ppc"
	}
	return arch
}

// virtTypes are libvirt's names of hypervisors.
var virtTypes = []string{"bhyve", "hvf", "hyperv", "kvm", "lxc", "parallels", "phyp", "qemu", "test", "uml", "vbox", "vmware", "vz", "xen"}

// DomainCapabilities tells what an emulator offers. The printed answer is cached
// beside what it is made of.
func (c *Conn) DomainCapabilities(ctx context.Context, q drivers.EmulatorQuery) ([]byte, error) {
	located, err := c.locate(q)
	if err != nil {
		return nil, err
	}
	return c.layout.answer(located, "domain capabilities", func() ([]byte, error) {
		e, m, q, err := c.resolveQuery(ctx, q)
		if err != nil {
			return nil, err
		}
		h, err := c.hypervisor(e, q.Arch)
		if err != nil {
			return nil, err
		}
		return domainCapabilities(e, m, q.Arch, q.VirtType, cpuModes(e, h, q), nil, tpmVersions()).Print(), nil
	})
}

// hostModel is what mode host-model comes to with an emulator, less what blocks
// migration; nil if nobody knows.
func (c *Conn) hostModel(ctx context.Context, path, virt, arch string) (*xml.CPU, error) {
	q := drivers.EmulatorQuery{Emulator: path, VirtType: virt, Arch: arch}
	data, err := c.layout.answer(q, "host-model", func() ([]byte, error) {
		e, err := c.emulator(ctx, path, virt)
		if err != nil {
			return nil, err
		}
		h, err := c.hypervisor(e, arch)
		if err != nil {
			return nil, err
		}
		if model := h.HostModel(); model != nil {
			return model.EncodeNode("cpu").Print(), nil
		}
		return nil, nil
	})
	if err != nil || len(data) == 0 {
		return nil, err
	}
	n, err := xml.Parse(xml.Source{Name: "host-model", Data: data})
	if err != nil {
		return nil, err
	}
	return xml.DecodeCPU(n, xml.AnyCPU)
}

// hypervisor is the emulator's view of CPUs, less this machine's own CPU.
func (c *Conn) hypervisor(e *Emulator, arch string) (*cpu.Hypervisor, error) {
	h := &cpu.Hypervisor{Arch: arch, Models: cpu.UsableOf(e.CPUs().Models, arch)}
	if len(e.CPUs().Models) == 0 {
		h.Models = nil
	}
	if len(e.CPUs().Props) == 0 {
		return h, nil
	}
	var props map[string]any
	if err := json.Unmarshal(e.CPUs().Props, &props); err != nil {
		return nil, err
	}
	var err error
	name := "max"
	if e.Virt == "kvm" {
		name = "host"
	}
	if h.Reported, err = cpu.FromExpansion(cpu.Expansion{Name: name, Props: props}, arch, h.Models); err != nil {
		return nil, err
	}
	if len(e.CPUs().NonMigratable) > 0 {
		for _, n := range e.CPUs().NonMigratable {
			props[n] = false
		}
		h.Movable, err = cpu.FromExpansion(cpu.Expansion{Name: name, Props: props}, arch, h.Models)
	}
	return h, err
}

// cpuModes is the <cpu> of domain capabilities.
func cpuModes(e *Emulator, h *cpu.Hypervisor, q drivers.EmulatorQuery) *xml.Node {
	n := xml.Element("cpu")
	mode := func(name string, yes bool) *xml.Node {
		m := xml.Element("mode").With("name", name, "supported", map[bool]string{true: "yes", false: "no"}[yes])
		n.Add(m)
		return m
	}
	kvm := q.VirtType == "kvm"
	if m := mode("host-passthrough", kvm); kvm {
		words := []string{"on", "off"}
		if e.Arch == "i686" { // the peer asks 32-bit emulators nothing about it
			words = words[1:]
		}
		m.Add(enumNode("hostPassthroughMigratable", words...))
	}
	if m := mode("maximum", e.Max); e.Max {
		m.Add(enumNode("maximumMigratable", "on", "off"))
	}
	if h.Reported != nil && cpu.IsX86(q.Arch) {
		m := mode("host-model", true)
		shown := hostModel(e, h, q)
		shown.Fallback = "forbid"
		if kvm {
			if bits := host.AddressBits(); bits > 0 {
				shown.MaxPhysAddr = &xml.CPUMaxPhysAddr{Mode: "passthrough", Limit: bits}
			}
		}
		m.Add(shown.EncodeNode("cpu").Children...)
	} else {
		mode("host-model", false)
	}
	if len(e.CPUs().Models) == 0 {
		mode("custom", false)
		return n
	}
	custom := mode("custom", true)
	for _, d := range cpu.CustomModels(e.CPUs().Models, q.Arch) {
		custom.Add(modelNodes(&d, q.Arch)...)
	}
	return n
}

// hostModel is the CPU of mode host-model, with as many features named as the
// query asks for.
func hostModel(e *Emulator, h *cpu.Hypervisor, q drivers.EmulatorQuery) *xml.CPU {
	shown := h.Reported.Clone()
	var props map[string]any
	if q.SupportedCPU && json.Unmarshal(e.CPUs().Props, &props) == nil {
		shown = cpu.WithFeatures(shown, props)
	}
	if q.ExpandCPU {
		if all, err := cpu.Expand(shown, q.Arch); err == nil { // of a model that was named a moment ago
			shown = all
		}
	}
	return shown
}

// modelNodes is a <model> with what is in its way.
func modelNodes(d *cpu.Definition, arch string) []*xml.Node {
	usable := "unknown"
	blockers := d.Blockers()
	slices.Sort(blockers)
	if d.Unavailable != nil {
		usable = "no"
		if len(blockers) == 0 {
			usable = "yes"
		}
	}
	deprecated := ""
	if d.Deprecated {
		deprecated = "yes"
	}
	vendor, canonical := "unknown", ""
	switch m, ok := cpu.Model(d.Name, arch); {
	case isS390(arch) && d.Name != "qemu" && d.Name != "max":
		vendor = "IBM"
	case ok && !isARM(arch): // libvirt names no vendor of QEMU's ARM models
		if m.Vendor != "" {
			vendor = m.Vendor
		}
		canonical = m.Canonical
	}
	nodes := []*xml.Node{xml.TextElement("model", d.Name).With("usable", usable, "deprecated", deprecated, "vendor", vendor, "canonical", canonical)}
	if len(blockers) > 0 {
		b := xml.Element("blockers").With("model", d.Name)
		for _, name := range blockers {
			b.Add(xml.Element("feature").With("name", name))
		}
		nodes = append(nodes, b)
	}
	return nodes
}

// HypervisorCPU is what comparisons with this emulator are made with.
func (c *Conn) HypervisorCPU(ctx context.Context, q drivers.EmulatorQuery) (drivers.HypervisorCPU, error) {
	e, _, q, err := c.resolveQuery(ctx, q)
	if err != nil {
		return drivers.HypervisorCPU{}, err
	}
	h, err := c.hypervisor(e, q.Arch)
	if err != nil {
		return drivers.HypervisorCPU{}, err
	}
	out := drivers.HypervisorCPU{Arch: q.Arch, Host: h.Reported}
	var props map[string]any
	if json.Unmarshal(e.CPUs().Props, &props) == nil {
		for name, v := range props {
			if on, ok := v.(bool); ok {
				out.Features = append(out.Features, cpu.FromQEMU(name))
				if on {
					out.Offered = append(out.Offered, cpu.FromQEMU(name))
				}
				if !slices.Contains(e.CPUs().NonMigratable, name) {
					out.Migratable = append(out.Migratable, cpu.FromQEMU(name))
				}
			}
		}
		slices.Sort(out.Features)
	}
	for _, d := range cpu.CustomModels(e.CPUs().Models, q.Arch) {
		m := drivers.CPUModel{Name: d.Name, Blockers: d.Blockers(), Deprecated: d.Deprecated}
		if d.Unavailable != nil {
			m.Usable = drivers.No
			if len(m.Blockers) == 0 {
				m.Usable = drivers.Yes
			}
		}
		if info, ok := cpu.Model(d.Name, q.Arch); ok {
			m.Vendor, m.Canonical = info.Vendor, info.Canonical
		}
		out.Models = append(out.Models, m)
	}
	return out, nil
}

// HostCPU is this machine's, as far as comparisons need it.
func (c *Conn) HostCPU(context.Context) (*xml.CPU, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hostCPU == nil {
		own, err := cpu.HostModel()
		if err != nil {
			return nil, err
		}
		c.hostCPU = own
	}
	return c.hostCPU.Clone(), nil
}

// CPUModels lists the models of an architecture.
func (c *Conn) CPUModels(_ context.Context, arch string) ([]string, bool, error) {
	return cpu.Models(arch)
}

// Capabilities tells about the host and its emulators, which are probed side by side.
func (c *Conn) Capabilities(ctx context.Context) ([]byte, error) {
	var cpuNode *xml.Node
	if own, err := cpu.Host(); err == nil {
		cpuNode = own.EncodeNode("cpu")
	}
	root := xml.Element("capabilities", host.Capabilities(cpuNode, true))
	archs := installedArchs()
	guests := make([][]byte, len(archs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2) // a probe keeps a processor busy
	for i, arch := range archs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			guests[i] = c.guestText(ctx, arch)
		}()
	}
	wg.Wait()
	const end = "</capabilities>\n"
	text, ok := bytes.CutSuffix(root.Print(), []byte(end))
	if !ok {
		return nil, xml.Errorf(xml.CodeInternal, "capabilities end without %q", end)
	}
	for _, guest := range guests {
		text = append(append(text, '\n'), guest...)
		if guest == nil {
			text = text[:len(text)-1]
		}
	}
	return append(text, end...), nil
}

// guestText is the <guest> of capabilities as printed there, nil if the
// architecture's emulator does not run. It is cached: what it is made of, the
// emulator's own answers, takes longer to read than all the rest.
func (c *Conn) guestText(ctx context.Context, arch string) []byte {
	path := findEmulator(arch)
	q := drivers.EmulatorQuery{Emulator: path, VirtType: "qemu", Arch: arch}
	text, err := c.layout.answer(q, "<guest> kvm="+strconv.FormatBool(canKVM(arch)), func() ([]byte, error) {
		e, err := c.emulator(ctx, path, "qemu")
		if err != nil {
			return nil, err
		}
		text := xml.Element("capabilities", guestNode(e, arch)).Print()
		return bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("<capabilities>\n")), []byte("</capabilities>\n")), nil
	})
	if err != nil { // a binary that does not run is no emulator
		return nil
	}
	return text
}

// installedArchs are the architectures for which PATH has an emulator, sorted.
func installedArchs() []string {
	var archs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		names, _ := filepath.Glob(filepath.Join(dir, "qemu-system-*"))
		for _, n := range names {
			arch := archFromQEMU(strings.TrimPrefix(filepath.Base(n), "qemu-system-"))
			if knownArch(arch) && !slices.Contains(archs, arch) {
				if _, err := exec.LookPath(n); err == nil {
					archs = append(archs, arch)
				}
			}
		}
	}
	slices.Sort(archs)
	return archs
}

// guestNode is a <guest> of the capabilities.
func guestNode(e *Emulator, arch string) *xml.Node {
	size := "64"
	if !strings.Contains(arch, "64") && arch != "s390x" && arch != "alpha" {
		size = "32"
	}
	a := xml.Element("arch", xml.TextElement("wordsize", size), xml.TextElement("emulator", e.Path)).With("name", arch)
	list := slices.Clone(e.Machines)
	slices.SortStableFunc(list, func(x, y Machine) int {
		switch {
		case x.Default && !y.Default:
			return -1
		case y.Default && !x.Default:
			return 1
		}
		return 0
	})
	for _, m := range list {
		if m.Name == "none" {
			continue
		}
		deprecated := ""
		if m.Deprecated {
			deprecated = "yes"
		}
		a.Add(xml.TextElement("machine", m.Name).With("maxCpus", strconv.Itoa(m.MaxCPUs), "deprecated", deprecated))
		if m.Alias != "" {
			a.Add(xml.TextElement("machine", m.Alias).With("canonical", m.Name, "maxCpus", strconv.Itoa(m.MaxCPUs), "deprecated", deprecated))
		}
	}
	a.Add(xml.Element("domain").With("type", "qemu"))
	if canKVM(arch) {
		a.Add(xml.Element("domain").With("type", "kvm"))
	}
	f := xml.Element("features")
	if arch == "i686" {
		f.Add(xml.Element("pae"), xml.Element("nonpae"))
	}
	if isX86(arch) || arch == "aarch64" {
		f.Add(xml.Element("acpi").With("default", "on", "toggle", "yes"))
	}
	if isX86(arch) {
		f.Add(xml.Element("apic").With("default", "on", "toggle", "no"))
	}
	f.Add(xml.Element("cpuselection"), xml.Element("deviceboot"), xml.Element("disksnapshot").With("default", "on", "toggle", "no"), xml.Element("externalSnapshot"))
	return xml.Element("guest", xml.TextElement("os_type", "hvm"), a, f)
}

// traits tells define what it must know: of the one emulator that the document
// needs, since each costs a file or a probe.
func (c *Conn) traits(ctx context.Context, root *xml.Node) *domain.Traits {
	virt, _ := root.Attr("type")
	if virt != "kvm" || !kvmUsable() {
		virt = "qemu"
	}
	q := &domain.QEMU{HostArch: host.Arch(), NVRAMDir: filepath.Join(c.layout.Lib, "nvram")}
	arch, named := q.HostArch, ""
	if os := root.Child("os"); os != nil {
		if t := os.Child("type"); t != nil {
			if a, ok := t.Attr("arch"); ok && a != "" {
				arch = a
			}
		}
	}
	if devices := root.Child("devices"); devices != nil {
		if e := devices.Child("emulator"); e != nil {
			named = strings.TrimSpace(e.Value())
		}
		if devices.Child("tpm") != nil {
			q.TPMVersions = tpmVersions()
		}
	}
	q.Lookup = func(path string) (*domain.Emulator, error) {
		ask := virt
		if arch, ok := strings.CutPrefix(filepath.Base(path), "qemu-system-"); ok && knownArch(archFromQEMU(arch)) && !isNative(archFromQEMU(arch)) {
			ask = "qemu" // it cannot be asked with KVM
		}
		e, err := c.emulator(ctx, path, ask)
		if err != nil {
			return nil, err
		}
		return describe(e, e.Arch), nil
	}
	if path := findEmulator(arch); path != "" && (named == "" || named == path) {
		if !isNative(arch) {
			virt = "qemu"
		}
		if e, err := c.emulator(ctx, path, virt); err == nil {
			q.Emulators = append(q.Emulators, *describe(e, arch))
		}
	}
	return &domain.Traits{QEMU: q}
}

func describe(e *Emulator, arch string) *domain.Emulator {
	d := &domain.Emulator{Path: e.Path, Arch: arch, Native: isNative(arch), Has: e.Has}
	for _, m := range e.Machines {
		if m.Name != "none" {
			d.Machines = append(d.Machines, domain.Machine{Name: m.Name, Alias: m.Alias, MaxCPUs: m.MaxCPUs, Default: m.Default, DefaultCPU: m.DefaultModel})
		}
	}
	return d
}
