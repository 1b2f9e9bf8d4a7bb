package commands

import (
	"context"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/xml"
)

// computer is the daemon that compares CPUs itself, nil where virgo does. The
// commands need no connection for the latter, so that none is opened.
func (c *Call) computer(ctx context.Context) (drivers.CPUComputer, error) {
	uri := c.uri()
	scheme, rest, _ := strings.Cut(uri, "://")
	if !strings.Contains(scheme, "+") && (rest == "" || strings.HasPrefix(rest, "/")) {
		return nil, nil
	}
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, err
	}
	d, _ := conn.(drivers.CPUComputer)
	return d, nil
}

// cpuFlags are the options that change what is computed.
func cpuFlags(c *Call) drivers.CPUFlags {
	return drivers.CPUFlags{FailIncompatible: c.Has("error"), Validate: c.Has("validate"), Features: c.Has("features"),
		Migratable: c.Has("migratable"), IgnoreHost: c.Has("ignore-host")}
}

// cpuText is a source's CPU as a document.
func cpuText(s *cpu.Source) (string, error) {
	x, err := s.CPU(xml.AnyCPU)
	if err != nil {
		return "", err
	}
	n := x.EncodeNode("cpu")
	if n == nil {
		n = xml.Element("cpu")
	}
	return n.String(), nil
}

func cpuTexts(sources []cpu.Source) ([]string, error) {
	var out []string
	for i := range sources {
		text, err := cpuText(&sources[i])
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// daemonCompare has the daemon compare; the number is libvirt's.
func daemonCompare(s *cpu.Source, compare func([]byte) (int, error)) (cpu.Result, error) {
	text, err := cpuText(s)
	if err != nil {
		return cpu.Result{}, err
	}
	n, err := compare([]byte(text))
	if err != nil {
		return cpu.Result{}, err
	}
	r := cpu.Result{Answer: cpu.Incompatible}
	switch n {
	case 1:
		r.Answer = cpu.Identical
	case 2:
		r.Answer = cpu.Superset
	}
	return r, nil
}

// daemonBaseline has the daemon find the baseline of a file's CPUs.
func daemonBaseline(ctx context.Context, c *Call, d drivers.CPUComputer) error {
	src, err := cpuFile(c, c.Str("file"))
	if err != nil {
		return err
	}
	sources, err := cpu.LoadAll(src)
	if err != nil {
		return err
	}
	texts, err := cpuTexts(sources)
	if err != nil {
		return err
	}
	doc, err := d.BaselineCPU(ctx, texts, cpuFlags(c))
	if err != nil {
		return err
	}
	c.Emit(Document{Text: string(doc)})
	return nil
}
