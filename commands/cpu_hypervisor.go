package commands

import (
	"context"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/xml"
)

// hypervisor asks the connection what it makes of CPUs.
func hypervisor(ctx context.Context, c *Call, api string) (drivers.HypervisorCPU, error) {
	conn, err := c.Conn(ctx)
	if err != nil {
		return drivers.HypervisorCPU{}, err
	}
	h, err := query[drivers.HypervisorCPUer](conn, api)
	if err != nil {
		return drivers.HypervisorCPU{}, err
	}
	return h.HypervisorCPU(ctx, emulator(c))
}

// emulator is what the options say of the hypervisor.
func emulator(c *Call) drivers.EmulatorQuery {
	return drivers.EmulatorQuery{
		VirtType: c.Str("virttype"), Emulator: c.Str("emulator"), Arch: c.Str("arch"), Machine: c.Str("machine"),
	}
}

// hypervisorModels are a hypervisor's models as the arithmetic wants them.
func hypervisorModels(h *drivers.HypervisorCPU) []cpu.Usable {
	if h.Models == nil {
		return nil
	}
	list := make([]cpu.Usable, 0, len(h.Models))
	for _, m := range h.Models {
		list = append(list, cpu.Usable{Name: m.Name, Blockers: m.Blockers, Told: m.Usable != drivers.Any})
	}
	return list
}

// warnHostCPU warns of a feature without a policy: what a host has says little
// of what its hypervisor can give.
func warnHostCPU(c *Call, s *cpu.Source) {
	if s.NoPolicies() {
		c.Errorf("using host CPU definition as input may provide incorrect results")
	}
}

func hypervisorCPUCompare(ctx context.Context, c *Call) error {
	file := c.Str("file")
	src, err := cpuFile(c, file)
	if err != nil {
		return err
	}
	sources, err := cpu.LoadAll(src)
	if err != nil {
		return err
	}
	if err := sources[0].HasCPU(); err != nil {
		return err
	}
	for i := range sources {
		warnHostCPU(c, &sources[i])
	}
	r, err := compareHypervisor(ctx, c, &sources[0])
	if err == nil && c.Has("error") {
		err = r.Err()
	}
	if err != nil {
		return failed(err, "Failed to compare hypervisor CPU with %s", file)
	}
	format := "CPU described in %s is incompatible with the CPU provided by hypervisor on the host"
	switch r.Answer {
	case cpu.Identical:
		format = "CPU described in %s is identical to the CPU provided by hypervisor on the host"
	case cpu.Superset:
		format = "The CPU provided by hypervisor on the host is a superset of CPU described in %s"
	}
	c.Emit(msgf(answerData(file, r), format, file))
	if r.Answer == cpu.Incompatible {
		return ErrReported
	}
	return nil
}

func compareHypervisor(ctx context.Context, c *Call, s *cpu.Source) (cpu.Result, error) {
	if d, err := c.computer(ctx); err != nil {
		return cpu.Result{}, err
	} else if d != nil {
		return daemonCompare(s, func(doc []byte) (int, error) { return d.CompareHypervisorCPU(ctx, emulator(c), doc, cpuFlags(c)) })
	}
	h, err := hypervisor(ctx, c, "virConnectCompareHypervisorCPU")
	if err != nil {
		return cpu.Result{}, err
	}
	other, err := s.CPU(xml.AnyCPU)
	if err != nil {
		return cpu.Result{}, err
	}
	what := cpu.Hypervisor{Arch: h.Arch, Reported: h.Host, Models: hypervisorModels(&h)}
	return what.Compare(other)
}

func hypervisorCPUBaseline(ctx context.Context, c *Call) error {
	if err := c.Exclusive("file", "model"); err != nil {
		return err
	}
	var src xml.Source
	switch {
	case c.Has("model"):
		e := xml.Element("cpu", xml.TextElement("model", c.Str("model")))
		src = xml.Source{Name: "model", Data: e.Print()}
	case c.Has("file"):
		var err error
		if src, err = cpuFile(c, c.Str("file")); err != nil {
			return err
		}
	default:
		return shellError("Either --file or --model must be provided")
	}
	sources, err := cpu.LoadAll(src)
	if err != nil {
		return err
	}
	for i := range sources {
		warnHostCPU(c, &sources[i])
	}
	if d, err := c.computer(ctx); err != nil {
		return err
	} else if d != nil {
		texts, err := cpuTexts(sources)
		if err != nil {
			return err
		}
		doc, err := d.BaselineHypervisorCPU(ctx, emulator(c), texts, cpuFlags(c))
		if err != nil {
			return err
		}
		c.Emit(Document{Text: string(doc)})
		return nil
	}
	h, err := hypervisor(ctx, c, "virConnectBaselineHypervisorCPU")
	if err != nil {
		return err
	}
	b := cpu.Baseliner{Options: cpu.BaselineOptions{
		Arch: h.Arch, Usable: hypervisorModels(&h), Allowed: h.Features, Forbid: true, NoUnpassed: true,
		Expand: c.Has("features"),
	}}
	if c.Has("ignore-host") {
		for i := range b.Options.Usable {
			b.Options.Usable[i].Blockers = nil
		}
	}
	if c.Has("migratable") && h.Migratable != nil {
		b.Options.Allowed = h.Migratable
	}
	var cpus []*xml.CPU
	for i := range sources {
		x, err := sources[i].CPU(xml.AnyCPU)
		if err != nil {
			return err
		}
		cpus = append(cpus, x)
	}
	for i, x := range cpus {
		if x.Model == "" {
			return xml.Errorf(xml.CodeInvalidArg, "no CPU model specified at index %d", i)
		}
		b.Add(x)
	}
	out, err := b.Finish()
	if err != nil {
		return err
	}
	emitCPU(c, out)
	return nil
}

func hypervisorCPUModels(ctx context.Context, c *Call) error {
	names, err := modelNames(ctx, c)
	if err != nil {
		return failed(err, "failed to get hypervisor CPU model names")
	}
	text := ""
	if len(names) > 0 {
		text = strings.Join(names, "\n") + "\n"
	}
	c.Emit(Message{Text: text, Data: Data{{"models", names}}})
	return nil
}

// modelNames lists the models that the hypervisor can give, or all that it
// has, as its domain capabilities name them.
func modelNames(ctx context.Context, c *Call) ([]string, error) {
	names := []string{}
	d, err := query[drivers.DomainCapabler](c.conn, "virConnectGetDomainCapabilities")
	if err != nil {
		return nil, err
	}
	text, err := d.DomainCapabilities(ctx, emulator(c))
	if err != nil {
		return nil, err
	}
	root, err := xml.Parse(xml.Source{Data: text})
	if err != nil {
		return nil, err
	}
	for _, x := range root.Elements("cpu") {
		for _, mode := range x.Elements("mode") {
			for _, m := range mode.Elements("model") {
				name, _ := mode.Attr("name")
				usable, _ := m.Attr("usable")
				if name == "custom" && (c.Has("all") || usable == "yes") {
					names = append(names, m.Value())
				}
			}
		}
	}
	return names, nil
}
