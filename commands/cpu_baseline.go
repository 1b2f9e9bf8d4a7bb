package commands

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"virgo/cpu"
	"virgo/xml"
)

func cpuBaseline(ctx context.Context, c *Call) error {
	test := c.driver() == "test"
	if c.plainBaseline() {
		if d, err := c.computer(ctx); err != nil {
			return err
		} else if d != nil {
			return daemonBaseline(ctx, c, d)
		}
	}
	tables, err := cpuMap(c, cpu.Latest)
	if err != nil {
		return err
	}
	options := cpu.BaselineOptions{
		Map:    tables,
		Expand: c.Has("features"), Migratable: c.Has("migratable"), NoUnpassed: !test,
	}
	files := append([]string{c.Str("file")}, c.Words("source")...)
	if !c.Has("file") {
		files = files[1:]
	}
	if files, err = cpuFiles(c, files); err != nil {
		return err
	}
	hosts, err := runningHosts(ctx, c)
	if err != nil {
		return err
	}
	if files = append(files, hosts...); len(files) == 0 {
		return ErrReported
	}
	if c.Has("explain") || c.Has("matrix") || c.Has("groups") || c.Has("exclude") {
		return fleetBaseline(c, files, options)
	}
	b := cpu.Baseliner{Options: options}
	odd := ""
	// What does not fit counts only when all files are known to be readable.
	err = eachCPU(c, files, tables, func(name string, s *cpu.Source, x *xml.CPU) {
		if b.Options.Arch == "" {
			b.Options.Arch = s.HostArch()
		}
		if b.Add(x) != nil && odd == "" {
			odd = name
		}
	})
	if err != nil {
		return err
	}
	if test && c.Has("migratable") {
		return xml.Errorf(xml.CodePlain, "unsupported flags (0x2) in function testConnectBaselineCPU")
	}
	out, err := b.Finish()
	if err != nil && len(files) > 1 && odd != "" {
		c.Errorf("'%s' is the first that does not fit; --groups gives a baseline for each architecture and vendor", odd)
	}
	if err != nil {
		return err
	}
	emitCPU(c, out)
	return nil
}

// plainBaseline tells whether a baseline is no more than what virsh's is.
func (c *Call) plainBaseline() bool {
	for _, own := range []string{"source", "cpu-map", "host", "explain", "matrix", "groups", "exclude"} {
		if c.Has(own) {
			return false
		}
	}
	return true
}

// fleetBaseline is cpu-baseline with what it says of single hosts: one
// baseline, or with --groups one for each part of the fleet that has one.
func fleetBaseline(c *Call, files []string, options cpu.BaselineOptions) error {
	g := cpu.Grouper{Options: options, Keep: c.Has("explain") || c.Has("matrix") || c.Has("exclude")}
	one := cpu.Baseliner{Options: options}
	whole := &cpu.Group{}
	var left []cpu.Member
	err := eachCPU(c, files, options.Map, func(name string, s *cpu.Source, x *xml.CPU) {
		file, _, _ := strings.Cut(name, "#")
		switch {
		case excluded(c, name) || excluded(c, file):
			left = append(left, cpu.Member{Name: name, CPU: x})
		case c.Has("groups"):
			g.Add(name, x, s.HostArch())
		default:
			if one.Options.Arch == "" {
				one.Options.Arch = s.HostArch()
			}
			one.Add(x)
			whole.Members = append(whole.Members, cpu.Member{Name: name, CPU: x})
		}
	})
	if err != nil {
		return err
	}
	groups := g.Finish()
	if !c.Has("groups") {
		if whole.Baseline, err = one.Finish(); err != nil {
			return err
		}
		whole.Arch = one.Arch()
		groups = []*cpu.Group{whole}
	}
	var text strings.Builder
	var rows []Data
	for i, group := range groups {
		if c.Has("groups") {
			groupHead(&text, i, group)
		}
		row, err := groupData(c, &text, group, left)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	data := Data{{"groups", rows}}
	if !c.Has("groups") {
		data = rows[0]
	}
	c.Emit(Message{Text: text.String(), Data: data})
	return nil
}

func groupHead(b *strings.Builder, i int, g *cpu.Group) {
	if i > 0 {
		b.WriteString("\n")
	}
	hosts := "1 host"
	if n := len(g.Members); n != 1 {
		hosts = fmt.Sprintf("%d hosts", n)
	}
	head := hosts
	for _, part := range []string{g.Vendor, g.Arch} {
		if part != "" {
			head = part + ", " + head
		}
	}
	fmt.Fprintf(b, "Group %d: %s\n", i+1, head)
}

// groupData writes what a group has in common and what its hosts cost it.
func groupData(c *Call, b *strings.Builder, g *cpu.Group, left []cpu.Member) (Data, error) {
	names := make([]string, 0, len(g.Members))
	for _, m := range g.Members {
		names = append(names, m.Name)
	}
	if g.Err != nil {
		fmt.Fprintf(b, "no baseline: %s\n", g.Err)
		for _, name := range names {
			fmt.Fprintf(b, "  %s\n", name)
		}
		return Data{{"arch", g.Arch}, {"vendor", g.Vendor}, {"members", names}, {"error", g.Err.Error()}}, nil
	}
	element := g.Baseline.EncodeNode("cpu").String()
	b.WriteString(element)
	data := Data{{"xml", element}, {"arch", g.Arch}, {"vendor", g.Baseline.Vendor}, {"model", g.Baseline.Model}, {"members", names}}
	features := make([]Data, 0, len(g.Baseline.Features))
	for _, f := range g.Baseline.Features {
		features = append(features, Data{{"name", f.Name}, {"policy", f.Policy}})
	}
	data = append(data, Pair{"features", features})
	if !cpu.IsX86(g.Arch) || g.Members[0].CPU == nil {
		if c.Has("explain") && !cpu.IsX86(g.Arch) {
			fmt.Fprintf(b, "\nfeatures of %s CPUs are not compared: all hosts are of one model\n", g.Arch)
		}
		return data, nil
	}
	f, err := cpu.CompareFleet(g.Members)
	if err != nil {
		return nil, err
	}
	data = append(data, Pair{"common", f.Common})
	if c.Has("explain") {
		data = append(data, Pair{"hosts", costs(b, f)})
	}
	if c.Has("matrix") {
		data = append(data, Pair{"matrix", matrix(b, f)})
	}
	if len(left) > 0 {
		data = append(data, Pair{"excluded", gains(b, f, g, left)})
	}
	return data, nil
}

// costs writes what each host costs the baseline.
func costs(b *strings.Builder, f *cpu.Fleet) []Data {
	w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "\nHost\tLacks\tCosts the baseline\n")
	hosts := make([]Data, 0, len(f.Hosts))
	for _, h := range f.Hosts {
		costs := "nothing"
		if len(h.Costs) > 0 {
			costs = strings.Join(h.Costs, ", ")
		}
		fmt.Fprintf(w, "%s\t%d of %d features\t%s\n", h.Name, len(h.Missing), len(f.Common)+len(f.Differ), costs)
		hosts = append(hosts, Data{{"host", h.Name}, {"missing", h.Missing}, {"costs", h.Costs}})
	}
	w.Flush()
	return hosts
}

// gains writes what the baseline gains by leaving hosts out, each of them with
// what the others have in common and it lacks.
func gains(b *strings.Builder, f *cpu.Fleet, g *cpu.Group, left []cpu.Member) []Data {
	rows := make([]Data, 0, len(left))
	for _, m := range left {
		row := Data{{"host", m.Name}}
		lost, vendor, err := f.Without(m.CPU)
		switch {
		case err != nil:
			row = append(row, Pair{"error", err.Error()})
			fmt.Fprintf(b, "\nwith %s there is no baseline: %s\n", m.Name, err)
		case vendor != "" && g.Baseline.Vendor != "" && vendor != g.Baseline.Vendor:
			row = append(row, Pair{"other_vendor", vendor})
			fmt.Fprintf(b, "\nwith %s there is no baseline: its vendor is %s\n", m.Name, vendor)
		case len(lost) == 0:
			row = append(row, Pair{"gains", []string{}})
			fmt.Fprintf(b, "\nwithout %s the baseline gains nothing\n", m.Name)
		default:
			row = append(row, Pair{"gains", lost})
			fmt.Fprintf(b, "\nwithout %s the baseline gains: %s\n", m.Name, strings.Join(lost, ", "))
		}
		rows = append(rows, row)
	}
	return rows
}
