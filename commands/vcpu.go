package commands

import (
	"context"
	"fmt"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// vcpuRows are the commands about virtual CPUs, memory and IO threads.
func vcpuRows() []Command {
	k := domainKind
	cpulist := func(f Flag) Option {
		return str("cpulist", f, "numbers of the host's CPUs; r is all of them").with(completion.Free)
	}
	return []Command{
		{Name: "vcpucount", Summary: "count a domain's virtual CPUs", Run: vcpucount, Options: opts(k.object(k.any),
			flag("maximum", "how many there can be"), flag("active", "how many there are"), flag("live", "of the running domain"),
			flag("config", "of the definition"), flag("current", "of whichever counts now"), flag("guest", "as the guest sees it"))},
		{Name: "setvcpus", Summary: "set the number of virtual CPUs", Run: setvcpus, Options: opts(k.object(k.any),
			num("count", RP, "how many").with(completion.Free), flag("maximum", "how many there can be"), impactOptions(),
			flag("guest", "have the guest do it"), flag("hotpluggable", "so that they can be taken away again"))},
		{Name: "vcpuinfo", Summary: "show a domain's virtual CPUs", Run: vcpuinfo, Options: opts(k.object(k.any),
			flag("pretty", "CPUs as ranges of numbers"))},
		{Name: "vcpupin", Summary: "show or set which CPUs virtual CPUs run on", Run: vcpupin, Options: opts(k.object(k.any),
			num("vcpu", Loose, "number of the virtual CPU").with(completion.VCPUs), cpulist(Loose|Empty), impactOptions())},
		{Name: "emulatorpin", Summary: "show or set which CPUs the emulator runs on", Run: emulatorpin, Options: opts(k.object(k.any),
			cpulist(Loose|Empty), impactOptions())},
		{Name: "setmem", Summary: "set the memory that a domain uses", Run: setmem, Options: opts(k.object(k.any),
			alias("kilobytes", "size"), num("size", RP, "how much, in KiB if no unit is given").with(completion.Free), impactOptions())},
		{Name: "setmaxmem", Summary: "set the memory that a domain can use", Run: setmaxmem, Options: opts(k.object(k.any),
			alias("kilobytes", "size"), num("size", RP, "how much, in KiB if no unit is given").with(completion.Free), impactOptions())},
		{Name: "iothreadinfo", Summary: "list a domain's IO threads", Run: iothreadinfo, Options: opts(k.object(k.any), impactOptions())},
		{Name: "iothreadadd", Summary: "add an IO thread", Run: iothreadadd, Options: opts(k.object(k.any), threadID("id"), impactOptions())},
		{Name: "iothreaddel", Summary: "take an IO thread away", Run: iothreaddel, Options: opts(k.object(k.any), threadID("id"), impactOptions())},
		{Name: "iothreadset", Summary: "change an IO thread", Run: iothreadset, Options: opts(k.object(k.any), threadID("id"),
			num("poll-max-ns", Loose, "nanoseconds that it polls at most").with(completion.Free),
			num("poll-grow", Loose, "how fast that time grows").with(completion.Free),
			num("poll-shrink", Loose, "how fast it shrinks").with(completion.Free),
			num("thread-pool-min", Loose, "threads at least").with(completion.Free),
			num("thread-pool-max", Loose, "threads at most").with(completion.Free), impactOptions())},
		{Name: "iothreadpin", Summary: "set which CPUs an IO thread runs on", Run: iothreadpin, Options: opts(k.object(k.any),
			threadID("iothread"), cpulist(RP), impactOptions())},
	}
}

func threadID(name string) Option { return num(name, RP, "number of the thread").with(completion.Free) }

func vcpucount(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"active", "maximum"}, {"live", "config"}, {"guest", "config"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.VCPUer](objects, "virDomainGetVcpusFlags")
	if err != nil {
		return err
	}
	single := c.Has("maximum") || c.Has("active") || c.Has("live") || c.Has("config") || c.Has("current") || c.Has("guest")
	if single {
		n, err := d.VCPUCount(ctx, ref, c.Has("maximum"), c.Has("guest"), c.Flags("live", drivers.Live, "config", drivers.Config))
		if err != nil && c.Has("guest") && xml.CodeOf(err) == xml.CodeInvalidArg {
			return failed(err, "Failed to retrieve vCPU count from the guest")
		}
		if err != nil {
			return err
		}
		c.Emit(msgf(Data{{"vcpus", n}}, "%d", n))
		return nil
	}
	persistent := true
	if i, ok := objects.(drivers.DomainInfoer); ok {
		info, err := i.Info(ctx, ref)
		if err != nil {
			return err
		}
		persistent = info.Persistent
	}
	var b strings.Builder
	var data Data
	for _, row := range []struct {
		what, of string
		maximum  bool
		f        drivers.Flags
		show     bool
	}{{"maximum", "config", true, drivers.Config, persistent}, {"maximum", "live", true, drivers.Live, ref.ID >= 0},
		{"current", "config", false, drivers.Config, persistent}, {"current", "live", false, drivers.Live, ref.ID >= 0}} {
		if !row.show {
			continue
		}
		n, err := d.VCPUCount(ctx, ref, row.maximum, false, row.f)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%-12s %-12s %3d\n", row.what, row.of, n)
		data = append(data, Pair{row.what + "_" + row.of, n})
	}
	c.Emit(Message{Text: b.String(), Data: data})
	return nil
}

func setvcpus(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	if err := c.Exclusive("guest", "config"); err != nil {
		return err
	}
	if err := c.Requires("maximum", "config"); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	n, _, err := c.Uint32("count")
	if err != nil {
		return err
	}
	if n == 0 {
		return shellError("Can't set 0 processors for a VM")
	}
	d, err := change[drivers.VCPUer](c, objects, "virDomainSetVcpus")
	if err != nil {
		return err
	}
	return d.SetVCPUs(ctx, ref, int(n), drivers.VCPUChange{Maximum: c.Has("maximum"), Guest: c.Has("guest"), Hotpluggable: c.Has("hotpluggable"), Current: c.Has("current")}, f)
}

// hostCPUs is how many CPUs the host has, as pinning counts them.
func (c *Call) hostCPUs(ctx context.Context) (int, error) {
	m, err := query[drivers.CPUMapper](c.conn, "virNodeGetCPUMap")
	if err != nil {
		return 0, err
	}
	list, err := m.CPUMap(ctx)
	return len(list), err
}

func vcpuinfo(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.VCPUer](objects, "virDomainGetVcpus")
	if err != nil {
		return err
	}
	total, err := c.hostCPUs(ctx)
	if err != nil {
		return err
	}
	var list []drivers.VCPU
	if ref.ID >= 0 {
		list, err = d.VCPUs(ctx, ref)
	} else {
		var pins []xml.Set
		if pins, err = d.VCPUPins(ctx, ref, drivers.Config); err == nil {
			var n int // those that it would start with
			n, err = d.VCPUCount(ctx, ref, false, false, drivers.Config)
			pins = pins[:min(n, len(pins))]
		}
		for i, p := range pins {
			list = append(list, drivers.VCPU{Number: i, CPU: -1, Affinity: p})
		}
	}
	if err != nil {
		return err
	}
	var blocks []string
	rows := []Data{}
	for _, v := range list {
		var b strings.Builder
		fmt.Fprintf(&b, "%-15s %d\n", "VCPU:", v.Number)
		row := Data{{"vcpu", v.Number}}
		if ref.ID >= 0 {
			fmt.Fprintf(&b, "%-15s %d\n%-15s %s\n", "CPU:", v.CPU, "State:", v.State)
			row = append(row, Pair{"cpu", v.CPU}, Pair{"state", v.State})
			if v.HasTime {
				fmt.Fprintf(&b, "%-15s %.1fs\n", "CPU time:", v.Time.Seconds())
				row = append(row, Pair{"cpu_time_ns", int64(v.Time)})
			}
		} else {
			fmt.Fprintf(&b, "%-15s N/A\n%-15s N/A\n%-15s N/A\n", "CPU:", "State:", "CPU time")
		}
		if c.Has("pretty") {
			fmt.Fprintf(&b, "%-15s %s (out of %d)\n", "CPU Affinity:", v.Affinity, total)
		} else {
			text := ""
			for i := range total {
				if v.Affinity.Has(i) {
					text += "y"
				} else {
					text += "-"
				}
			}
			fmt.Fprintf(&b, "%-15s %s\n", "CPU Affinity:", text)
		}
		blocks = append(blocks, b.String())
		rows = append(rows, append(row, Pair{"affinity", v.Affinity.String()}))
	}
	c.Emit(Message{Text: strings.Join(blocks, "\n"), Data: rows})
	return nil
}

// cpuSet reads a list of CPUs of the host.
func cpuSet(text string, total int) (xml.Set, error) {
	if text == "r" {
		var all xml.Set
		for i := range total {
			all.Add(i)
		}
		return all, nil
	}
	set, err := xml.ParseSet(strings.TrimSuffix(text, ","))
	if err != nil {
		return nil, failed(xml.Errorf(xml.CodeInvalidArg, "Failed to parse bitmap '%s'", text), "Invalid cpulist '%s'", text)
	}
	switch {
	case set.Len() == 0:
		return nil, shellError("Invalid cpulist '%s'", text)
	case set.Last() >= total:
		return nil, shellError("CPU %d in cpulist '%s' exceed the maxcpu %d", set.Last(), text, total)
	}
	return set, nil
}

func vcpupin(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	if !c.Has("cpulist") {
		if err := c.Exclusive("live", "config"); err != nil {
			return err
		}
	}
	if c.Has("cpulist") && !c.Has("vcpu") {
		return shellError("vcpupin: Missing vCPU number in pin mode.")
	}
	vcpu, given, err := c.Uint32("vcpu")
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	total, err := c.hostCPUs(ctx)
	if err != nil {
		return err
	}
	if c.Has("cpulist") {
		set, err := cpuSet(c.Str("cpulist"), total)
		if err != nil {
			return err
		}
		d, err := change[drivers.VCPUer](c, objects, "virDomainPinVcpu")
		if err != nil {
			return err
		}
		return d.PinVCPU(ctx, ref, int(vcpu), set, f|c.Flags("current", drivers.Current))
	}
	d, err := query[drivers.VCPUer](objects, "virDomainGetVcpuPinInfo")
	if err != nil {
		return err
	}
	pins, err := d.VCPUPins(ctx, ref, f)
	if err != nil {
		return err
	}
	if given && int(vcpu) >= len(pins) {
		word := "live"
		if f.Has(drivers.Config) || ref.ID < 0 {
			word = "persistent"
		}
		return shellError("vcpu %d is out of range of %s cpu count %d", vcpu, word, len(pins))
	}
	l := Listing{Columns: []Column{{Title: "VCPU"}, {Title: "CPU Affinity", Key: "affinity"}}}
	for i, p := range pins {
		if !given || i == int(vcpu) {
			l.Rows = append(l.Rows, []any{i, p.String()})
		}
	}
	c.Emit(l)
	return nil
}

func emulatorpin(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	total, err := c.hostCPUs(ctx)
	if err != nil {
		return err
	}
	if c.Has("cpulist") {
		set, err := cpuSet(c.Str("cpulist"), total)
		if err != nil {
			return err
		}
		d, err := change[drivers.VCPUer](c, objects, "virDomainPinEmulator")
		if err != nil {
			return err
		}
		return d.PinEmulator(ctx, ref, set, f|c.Flags("current", drivers.Current))
	}
	d, err := query[drivers.VCPUer](objects, "virDomainGetEmulatorPinInfo")
	if err != nil {
		return err
	}
	set, err := d.EmulatorPin(ctx, ref, f)
	if err != nil {
		return err
	}
	head := "emulator: CPU Affinity\n----------------------------------\n       *: "
	if c.Quiet {
		head = ""
	}
	c.Emit(Message{Text: head + set.String() + "\n", Data: Data{{"affinity", set.String()}}})
	return nil
}

func setmem(ctx context.Context, c *Call) error {
	return setMemory(ctx, c, drivers.Live, func(d drivers.Memorier, r drivers.Ref, kib uint64, f drivers.Flags) error {
		if kib == 0 {
			return errNoMemory()
		}
		return d.SetMemory(ctx, r, kib, f)
	})
}

// errNoMemory is libvirt's error for no memory at all.
func errNoMemory() error {
	return xml.Errorf(xml.CodePlain, "memory in virDomainSetMemoryFlags must not be zero")
}

func setmaxmem(ctx context.Context, c *Call) error {
	return setMemory(ctx, c, 0, func(d drivers.Memorier, r drivers.Ref, kib uint64, f drivers.Flags) error {
		err := errNoMemory()
		if kib > 0 {
			err = d.SetMaxMemory(ctx, r, kib, f)
		}
		if err != nil {
			return failed(err, "Unable to change MaxMemorySize")
		}
		return nil
	})
}

func setMemory(ctx context.Context, c *Call, none drivers.Flags, set func(drivers.Memorier, drivers.Ref, uint64, drivers.Flags) error) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	if f == 0 && !c.Has("current") {
		f = none
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	bytes, _, err := c.Scaled("size", 1024, 1<<63-1)
	if err != nil {
		return err
	}
	d, err := change[drivers.Memorier](c, objects, "virDomainSetMemory")
	if err != nil {
		return err
	}
	return set(d, ref, xml.ToKiB(bytes), f)
}

func iothreadinfo(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.IOThreader](objects, "virDomainGetIOThreadInfo")
	var list []drivers.IOThread
	if err == nil {
		list, err = d.IOThreads(ctx, ref, f)
	}
	if err != nil {
		return failed(err, "Unable to get domain IOThreads information")
	}
	if len(list) == 0 && c.format() == "text" {
		c.Emit(Message{Text: "No IOThreads found for the domain", Extra: true})
		return nil
	}
	l := Listing{Columns: []Column{{Title: "IOThread ID", Key: "id"}, {Title: "CPU Affinity", Key: "affinity"}}}
	for _, t := range list {
		l.Rows = append(l.Rows, []any{t.ID, t.Affinity.String()})
	}
	c.Emit(l)
	return nil
}

// onThread runs f on the domain and the thread that the options name.
func onThread(ctx context.Context, c *Call, option, api string, f func(drivers.IOThreader, drivers.Ref, int, drivers.Flags) error) error {
	fl, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	id, _, err := c.Int32(option)
	if err != nil {
		return err
	}
	if id <= 0 {
		return shellError("Invalid IOThread id value: '%d'", id)
	}
	d, err := change[drivers.IOThreader](c, objects, api)
	if err != nil {
		return err
	}
	return f(d, ref, id, fl)
}

func iothreadadd(ctx context.Context, c *Call) error {
	return onThread(ctx, c, "id", "virDomainAddIOThread", func(d drivers.IOThreader, r drivers.Ref, id int, f drivers.Flags) error {
		return d.AddIOThread(ctx, r, id, f)
	})
}

func iothreaddel(ctx context.Context, c *Call) error {
	return onThread(ctx, c, "id", "virDomainDelIOThread", func(d drivers.IOThreader, r drivers.Ref, id int, f drivers.Flags) error {
		return d.DelIOThread(ctx, r, id, f)
	})
}

func iothreadset(ctx context.Context, c *Call) error {
	return onThread(ctx, c, "id", "virDomainSetIOThreadParams", func(d drivers.IOThreader, r drivers.Ref, id int, f drivers.Flags) error {
		var list []drivers.Param
		for _, name := range []string{"poll-max-ns", "poll-grow", "poll-shrink", "thread-pool-min", "thread-pool-max"} {
			var v any
			var given bool
			var err error
			if strings.HasPrefix(name, "thread-pool") { // -1 sets no bound
				var n int
				n, given, err = c.Int32(name)
				v = int32(n)
			} else {
				v, given, err = c.Uint64(name)
			}
			if err != nil {
				return err
			}
			if given {
				list = append(list, drivers.Param{Name: strings.ReplaceAll(name, "-", "_"), Value: v})
			}
		}
		if len(list) == 0 {
			return shellError("Not enough arguments passed, nothing to set")
		}
		return d.SetIOThread(ctx, r, id, list, f)
	})
}

func iothreadpin(ctx context.Context, c *Call) error {
	return onThread(ctx, c, "iothread", "virDomainPinIOThread", func(d drivers.IOThreader, r drivers.Ref, id int, f drivers.Flags) error {
		total, err := c.hostCPUs(ctx)
		if err != nil {
			return err
		}
		set, err := cpuSet(c.Str("cpulist"), total)
		if err != nil {
			return err
		}
		return d.PinIOThread(ctx, r, id, set, f)
	})
}
