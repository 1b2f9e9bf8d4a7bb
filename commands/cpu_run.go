package commands

import (
	"context"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/xml"
)

func cpuModels(ctx context.Context, c *Call) error {
	if c.Has("usable-on") {
		return usableOn(ctx, c)
	}
	m, err := cpuMap(c, cpu.Map113)
	if err != nil {
		return err
	}
	d, err := c.computer(ctx)
	if err != nil {
		return err
	}
	var names []string
	var all bool
	if lister, ok := d.(drivers.CPUModeler); ok && !c.Has("cpu-map") {
		names, all, err = lister.CPUModels(ctx, c.Str("arch"))
	} else {
		names, all, err = cpu.ModelsOf(c.Str("arch"), m)
	}
	if err != nil {
		return failed(err, "failed to get CPU model names")
	}
	if all {
		c.Emit(msgf(Data{{"all", true}, {"models", []string{}}}, "all CPU models are accepted"))
		return nil
	}
	c.Emit(Message{Text: strings.Join(names, "\n") + "\n", Data: Data{{"all", false}, {"models", names}}})
	return nil
}

func cpuDecode(_ context.Context, c *Call) error {
	usable, err := usableModels(c)
	if err != nil {
		return err
	}
	s, err := cpuSource(c, "source")
	if err != nil {
		return err
	}
	if s.Map, err = cpuMap(c, cpu.Latest); err != nil {
		return err
	}
	out, err := s.Decode(c.Has("guest"), usable)
	if err != nil {
		return err
	}
	emitCPU(c, out)
	return nil
}

func cpuCompare(ctx context.Context, c *Call) error {
	file := c.Str("file")
	s, err := cpuSource(c, "file")
	if err != nil {
		return err
	}
	if c.Has("explain") || c.Has("suggest") {
		return explainHost(ctx, c, s)
	}
	r, err := compareHost(ctx, c, s)
	if err == nil && c.Has("error") {
		err = r.Err()
	}
	if err != nil {
		return failed(err, "Failed to compare host CPU with %s", file)
	}
	c.Emit(comparison(file, r))
	if r.Answer == cpu.Incompatible {
		return ErrReported
	}
	return nil
}

// comparison is the answer as virsh words it.
func comparison(file string, r cpu.Result) Message {
	format := "CPU described in %s is incompatible with host CPU"
	switch r.Answer {
	case cpu.Identical:
		format = "CPU described in %s is identical to host CPU"
	case cpu.Superset:
		format = "Host CPU is a superset of CPU described in %s"
	}
	return msgf(answerData(file, r), format, file)
}

func compareHost(ctx context.Context, c *Call, s *cpu.Source) (cpu.Result, error) {
	if !c.Has("host-cpu") {
		if d, err := c.computer(ctx); err != nil {
			return cpu.Result{}, err
		} else if d != nil {
			return daemonCompare(s, func(doc []byte) (int, error) { return d.CompareCPU(ctx, doc, cpuFlags(c)) })
		}
	}
	host, arch, err := hostCPU(ctx, c, "virConnectCompareCPU")
	if err != nil {
		return cpu.Result{}, err
	}
	other, err := s.CPU(xml.AnyCPU)
	if err != nil {
		return cpu.Result{}, err
	}
	return cpu.Compare(host, other, arch)
}

func cpuUpdate(ctx context.Context, c *Call) error {
	usable, err := usableModels(c)
	if err != nil {
		return err
	}
	s, err := cpuSource(c, "file")
	if err != nil {
		return err
	}
	guest, err := s.CPU(xml.GuestCPU)
	if err != nil {
		return err
	}
	host, arch, err := hostCPU(ctx, c, "virConnectCompareCPU")
	if err != nil {
		return err
	}
	var out *xml.CPU
	if usable != nil {
		out, err = cpu.ForStart(guest, host, arch, usable)
	} else {
		out, err = cpu.Update(guest, cpu.Migratable(host), arch)
	}
	if err != nil {
		return err
	}
	emitCPU(c, out)
	return nil
}
