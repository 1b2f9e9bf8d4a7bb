package commands

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// hostRows are the commands about the host and the hypervisor.
func hostRows() []Command {
	return append(append(cpuRows(), nodeRows()...), []Command{
		{Name: "uri", Summary: "print the connection's URI", Run: uri},
		{Name: "version", Summary: "print versions", Run: version,
			Description: "Prints the versions of the library and of the hypervisor.",
			Options:     opts(flag("daemon", "also that of the other side's daemon"))},
		{Name: "capabilities", Summary: "print what the host can do", Run: capabilities, Options: xpathOptions()},
		{Name: "domcapabilities", Summary: "print what an emulator offers to domains", Run: domcapabilities, Options: opts(
			str("virttype", Loose, "type of the hypervisor, as in a domain").of("qemu kvm xen lxc test"),
			str("emulatorbin", Loose, "the emulator's path").with(completion.Files),
			str("arch", Loose, "architecture of the guest").of(strings.Join(xml.Architectures[:], " ")),
			str("machine", Loose, "type of the machine").with(completion.Free),
			xpathOptions(), flag("disable-deprecated-features", "leave deprecated features of the CPU out"),
			ownFlag("expand-cpu-features", "list the features that host-model's model means, too"),
			ownFlag("supported-cpu-features", "list all features that can be had, also those that host-model leaves out"))},
		{Name: "hostname", Summary: "print the host's name", Run: hostname},
		{Name: "nodeinfo", Summary: "show the host's CPUs and memory", Run: nodeinfo},
		{Name: "maxvcpus", Summary: "print how many virtual CPUs a domain may have", Run: maxvcpus,
			Options: opts(str("type", Loose, "type of the domain").with(completion.Free))},
		{Name: "sysinfo", Summary: "print the host's SMBIOS data", Run: sysinfo},
		{Name: "freecell", Summary: "show the host's free memory", Run: freecell, Options: opts(
			num("cellno", Loose, "number of a NUMA cell").with(completion.Free), flag("all", "all cells"))},
		{Name: "freepages", Summary: "show the host's free pages", Run: freepages, Options: opts(
			num("cellno", Loose, "number of a NUMA cell").with(completion.Free),
			num("pagesize", Loose, "size of the pages, in KiB if no unit is given").with(completion.Free), flag("all", "all cells"))},
		{Name: "nodecpumap", Summary: "show which of the host's CPUs are on", Run: nodecpumap,
			Options: opts(flag("pretty", "as ranges of numbers"))},
		{Name: "nodecpustats", Summary: "show what the host's CPUs did", Run: nodecpustats, Options: opts(
			num("cpu", Loose, "number of a CPU; all if none is given").with(completion.Free), flag("percent", "in percent of a second"))},
	}...)
}

func capabilities(ctx context.Context, c *Call) error {
	h, err := query[drivers.Capabler](c.conn, "virConnectGetCapabilities")
	var doc []byte
	if err == nil {
		doc, err = h.Capabilities(ctx)
	}
	if err != nil {
		return failed(err, "failed to get capabilities")
	}
	return c.document(doc)
}

func domcapabilities(ctx context.Context, c *Call) error {
	q := drivers.EmulatorQuery{VirtType: c.Str("virttype"), Emulator: c.Str("emulatorbin"), Arch: c.Str("arch"),
		Machine: c.Str("machine"), NoDeprecated: c.Has("disable-deprecated-features"),
		ExpandCPU: c.Has("expand-cpu-features"), SupportedCPU: c.Has("supported-cpu-features")}
	h, err := query[drivers.DomainCapabler](c.conn, "virConnectGetDomainCapabilities")
	var doc []byte
	if err == nil {
		doc, err = h.DomainCapabilities(ctx, q)
	}
	if err != nil {
		return failed(err, "failed to get emulator capabilities")
	}
	return c.document(doc)
}

func hostname(ctx context.Context, c *Call) error {
	h, err := query[drivers.Hoster](c.conn, "virConnectGetHostname")
	name := ""
	if err == nil {
		name, err = h.Hostname(ctx)
	}
	if err != nil {
		return failed(err, "failed to get hostname")
	}
	c.Emit(msgf(Data{{"hostname", name}}, "%s", name))
	return nil
}

func nodeinfo(ctx context.Context, c *Call) error {
	h, err := query[drivers.Hoster](c.conn, "virNodeGetInfo")
	var i drivers.NodeInfo
	if err == nil {
		i, err = h.NodeInfo(ctx)
	}
	if err != nil {
		return failed(err, "failed to get node information")
	}
	c.Emit(Fields{Width: 20, Items: []Field{
		{Label: "CPU model", Value: i.Model},
		{Label: "CPU(s)", Key: "cpus", Value: i.CPUs},
		{Label: "CPU frequency", Key: "cpu_mhz", Value: i.MHz, Text: fmt.Sprintf("%d MHz", i.MHz)},
		{Label: "CPU socket(s)", Key: "sockets", Value: i.Sockets},
		{Label: "Core(s) per socket", Key: "cores_per_socket", Value: i.CoresPerSocket},
		{Label: "Thread(s) per core", Key: "threads_per_core", Value: i.Threads},
		{Label: "NUMA cell(s)", Key: "numa_cells", Value: i.NUMACells},
		{Label: "Memory size", Key: "memory_kib", Value: i.Memory, Text: fmt.Sprintf("%d KiB", i.Memory)},
	}})
	return nil
}

func maxvcpus(ctx context.Context, c *Call) error {
	h, err := query[drivers.MaxVCPUer](c.conn, "virConnectGetMaxVcpus")
	if err != nil {
		return err
	}
	n, err := h.MaxVCPUs(ctx, c.Str("type"))
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"max_vcpus", n}}, "%d", n))
	return nil
}

func sysinfo(ctx context.Context, c *Call) error {
	h, err := query[drivers.Sysinfoer](c.conn, "virConnectGetSysinfo")
	var doc []byte
	if err == nil {
		doc, err = h.Sysinfo(ctx)
	}
	if err != nil {
		return failed(err, "failed to get sysinfo")
	}
	c.Emit(Document{Text: string(doc)})
	return nil
}

func freecell(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "cellno"); err != nil {
		return err
	}
	cell, given, err := c.Int32("cellno")
	if err != nil {
		return err
	}
	h, err := query[drivers.FreeMemorier](c.conn, "virNodeGetFreeMemory")
	if err != nil {
		return err
	}
	switch {
	case c.Has("all"):
		return freeCells(ctx, c, h)
	case cell < 0:
		return xml.Errorf(xml.CodePlain, "startCell in virNodeGetCellsFreeMemory must be zero or greater")
	case given:
		list, err := h.CellsFreeMemory(ctx, cell, 1)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return shellError("Failed to get the free memory of cell %d", cell)
		}
		c.Emit(msgf(Data{{"cell", cell}, {"free_kib", list[0] / 1024}}, "%d: %d KiB", cell, list[0]/1024))
	default:
		n, err := h.FreeMemory(ctx)
		if err != nil {
			return err
		}
		c.Emit(msgf(Data{{"free_kib", n / 1024}}, "Total: %d KiB", n/1024))
	}
	return nil
}

// freeCells shows the free memory of each cell.
func freeCells(ctx context.Context, c *Call, h drivers.FreeMemorier) error {
	root, err := hostCapabilities(ctx, c)
	if err != nil {
		return err
	}
	var b strings.Builder
	total := uint64(0)
	cells := []Data{}
	for _, id := range cellIDs(root) {
		list, err := h.CellsFreeMemory(ctx, id, 1)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%5d: %10d KiB\n", id, list[0]/1024)
		total += list[0] / 1024
		cells = append(cells, Data{{"cell", id}, {"free_kib", list[0] / 1024}})
	}
	if !c.Quiet {
		fmt.Fprintf(&b, "--------------------\n%5s: %10d KiB\n", "Total", total)
	}
	c.Emit(Message{Text: b.String(), Data: Data{{"cells", cells}, {"free_kib", total}}})
	return nil
}

func hostCapabilities(ctx context.Context, c *Call) (*xml.Node, error) {
	h, err := query[drivers.Capabler](c.conn, "virConnectGetCapabilities")
	if err != nil {
		return nil, err
	}
	doc, err := h.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	return xml.Parse(xml.Source{Data: doc})
}

// numbers are the values of an attribute of what an expression finds.
func numbers(root *xml.Node, expr string) []int {
	list, _ := root.Find(expr)
	var out []int
	for _, a := range list {
		if n, err := strconv.Atoi(a.Attrs[0].Value); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func cellIDs(root *xml.Node) []int {
	return numbers(root, "/capabilities/host/topology/cells/cell/@id")
}

func freepages(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "cellno"); err != nil {
		return err
	}
	size, sized, err := c.Scaled("pagesize", 1024, 1<<42)
	if err != nil {
		return err
	}
	kib := uint(size / 1024)
	h, err := query[drivers.FreePager](c.conn, "virNodeGetFreePages")
	if err != nil {
		return err
	}
	if !c.Has("all") {
		cell, given, err := c.Int32("cellno")
		switch {
		case err != nil:
			return err
		case !given:
			return shellError("missing cellno argument")
		case !sized:
			return shellError("missing pagesize argument")
		}
		list, err := h.FreePages(ctx, []uint{kib}, cell, 1)
		if err != nil {
			return err
		}
		c.Emit(msgf(Data{{"cell", cell}, {"page_kib", kib}, {"free", list[0]}}, "%dKiB: %d", kib, list[0]))
		return nil
	}
	root, err := hostCapabilities(ctx, c)
	if err != nil {
		return err
	}
	sizes := []uint{kib}
	if !sized {
		sizes = nil
		for _, n := range numbers(root, "/capabilities/host/cpu/pages/@size") {
			sizes = append(sizes, uint(n))
		}
	}
	var b strings.Builder
	rows := []Data{}
	for _, id := range cellIDs(root) {
		list, err := h.FreePages(ctx, sizes, id, 1)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "Node %d:\n", id)
		for i, n := range list {
			fmt.Fprintf(&b, "%dKiB: %d\n", sizes[i], n)
			rows = append(rows, Data{{"cell", id}, {"page_kib", sizes[i]}, {"free", n}})
		}
		b.WriteByte('\n')
	}
	c.Emit(Message{Text: b.String(), Data: rows})
	return nil
}

func nodecpumap(ctx context.Context, c *Call) error {
	h, err := query[drivers.CPUMapper](c.conn, "virNodeGetCPUMap")
	var list []bool
	if err == nil {
		list, err = h.CPUMap(ctx)
	}
	if err != nil {
		return failed(err, "Unable to get cpu map")
	}
	var set xml.Set
	text := ""
	for i, on := range list {
		if on {
			set.Add(i)
			text += "y"
		} else {
			text += "-"
		}
	}
	if c.Has("pretty") {
		text = set.String()
	}
	c.Emit(Fields{Width: 15, Items: []Field{{Label: "CPUs present", Value: len(list)}, {Label: "CPUs online", Value: set.Len()},
		{Label: "CPU map", Key: "online", Value: set.String(), Text: text}}})
	return nil
}

func nodecpustats(ctx context.Context, c *Call) error {
	cpu, given, err := c.Int32("cpu")
	if err != nil {
		return err
	}
	if !given {
		cpu = -1
	} else if cpu < -1 {
		return failed(xml.Errorf(xml.CodePlain, "cpuNum in virNodeGetCPUStats only accepts -1 as a negative value"), "Unable to get number of cpu stats")
	}
	h, err := query[drivers.CPULoader](c.conn, "virNodeGetCPUStats")
	var before, now []drivers.Param
	if err == nil {
		now, err = h.CPULoad(ctx, cpu)
	}
	if err == nil && c.Has("percent") {
		before = now
		if err := pause(ctx, 1); err != nil {
			return err
		}
		now, err = h.CPULoad(ctx, cpu)
	}
	if err != nil {
		return failed(err, "Unable to get node cpu stats")
	}
	names := []struct{ param, label string }{{"user", "user"}, {"kernel", "system"}, {"idle", "idle"}, {"iowait", "iowait"}}
	value := func(list []drivers.Param, name string) uint64 {
		for _, p := range list {
			if p.Name == name {
				v, _ := p.Value.(uint64)
				return v
			}
		}
		return 0
	}
	var b strings.Builder
	var d Data
	if c.Has("percent") {
		total := float64(0)
		for _, n := range names {
			total += float64(value(now, n.param) - value(before, n.param))
		}
		percent := func(part float64) float64 {
			if total == 0 {
				return 0
			}
			return part * 100 / total
		}
		idle := float64(value(now, "idle") - value(before, "idle"))
		fmt.Fprintf(&b, "%-15s %5.1f%%\n", "usage:", percent(total-idle))
		d = append(d, Pair{"usage_percent", percent(total - idle)})
		for _, n := range names {
			v := percent(float64(value(now, n.param) - value(before, n.param)))
			fmt.Fprintf(&b, "%-15s %5.1f%%\n", n.label+":", v)
			d = append(d, Pair{n.label + "_percent", v})
		}
	} else {
		for _, n := range names {
			fmt.Fprintf(&b, "%-15s %20d\n", n.label+":", value(now, n.param))
			d = append(d, Pair{n.label + "_ns", value(now, n.param)})
		}
	}
	c.Emit(Message{Text: b.String(), Data: d})
	return nil
}
