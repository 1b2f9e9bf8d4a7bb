package commands

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// tuneRows are the commands that show or set parameters.
func tuneRows() []Command {
	k := domainKind
	return []Command{
		{Name: "memtune", Summary: "show or set limits of memory", Run: memtune, Options: opts(k.object(k.any),
			num("hard-limit", Loose, "most memory, in KiB if no unit is given").with(completion.Free),
			num("soft-limit", Loose, "memory when the host is short of it").with(completion.Free),
			num("swap-hard-limit", Loose, "most memory and swap").with(completion.Free),
			num("min-guarantee", Loose, "memory that is guaranteed").with(completion.Free), impactOptions())},
		{Name: "blkiotune", Summary: "show or set weights of disk traffic", Run: blkiotune, Options: opts(k.object(k.any),
			num("weight", Loose, "weight of the domain").with(completion.Free), blockLists(), impactOptions())},
		{Name: "blkdeviotune", Summary: "show or set limits of a disk's traffic", Run: blkdeviotune, Options: opts(k.object(k.any),
			str("device", RP, "target of the disk").with(completion.Disks), alias("group_name", "group-name"),
			str("group-name", 0, "disks of one group share the limits").with(completion.Free), limitOptions(), impactOptions())},
		{Name: "numatune", Summary: "show or set NUMA nodes of memory", Run: numatune, Options: opts(k.object(k.any),
			str("mode", Loose, "how strictly").of("strict preferred interleave restrictive"),
			str("nodeset", Loose, "numbers of the host's nodes").with(completion.Free), impactOptions())},
		{Name: "schedinfo", Summary: "show or set parameters of the scheduler", Run: schedinfo, Options: opts(k.object(k.any),
			num("weight", 0, "weight of the domain").with(completion.Free), num("cap", 0, "most CPU time").with(completion.Free),
			flag("current", "of whichever counts now"), flag("config", "of the definition"), flag("live", "of the running domain"),
			argv("set", Positional, "name=value").with(completion.Free))},
		{Name: "domiftune", Summary: "show or set the bandwidth of an interface", Run: domiftune, Options: opts(k.object(k.any),
			str("interface", RP, "name or address of the interface").with(completion.Interfaces),
			str("inbound", Loose, "average[,peak[,burst[,floor]]] of what comes in").with(completion.Free),
			str("outbound", Loose, "average[,peak[,burst]] of what goes out").with(completion.Free), impactOptions())},
		{Name: "perf", Summary: "show or set which performance events are counted", Run: perf, Options: opts(k.object(k.any),
			str("enable", Loose, "events to count, with commas").with(completion.Free).list(),
			str("disable", Loose, "events not to count, with commas").with(completion.Free).list(), impactOptions())},
	}
}

var diskLimits = [...]string{"total-bytes-sec", "read-bytes-sec", "write-bytes-sec", "total-iops-sec", "read-iops-sec", "write-iops-sec",
	"total-bytes-sec-max", "read-bytes-sec-max", "write-bytes-sec-max", "total-iops-sec-max", "read-iops-sec-max", "write-iops-sec-max",
	"size-iops-sec", "total-bytes-sec-max-length", "read-bytes-sec-max-length", "write-bytes-sec-max-length",
	"total-iops-sec-max-length", "read-iops-sec-max-length", "write-iops-sec-max-length"}

// limitOptions are the options that set limits of disks, each with its older name.
func limitOptions() []Option {
	var out []Option
	for _, name := range diskLimits {
		out = append(out, alias(strings.ReplaceAll(name, "-", "_"), name), num(name, 0, "limit "+strings.ReplaceAll(name, "-", " ")).with(completion.Free))
	}
	return out
}

// diskLimitParams reads them.
func diskLimitParams(c *Call) ([]drivers.Param, error) {
	var list []drivers.Param
	for _, name := range diskLimits {
		var v uint64
		var given bool
		var err error
		if strings.Contains(name, "-bytes-sec") && !strings.HasSuffix(name, "-length") {
			v, given, err = c.Scaled(name, 1, math.MaxInt64)
		} else {
			v, given, err = c.Uint64(name)
		}
		if err != nil {
			return nil, err
		}
		if given {
			list = append(list, drivers.Param{Name: strings.ReplaceAll(name, "-", "_"), Value: v})
		}
	}
	return list, nil
}

func blockLists() []Option {
	var out []Option
	for _, name := range []string{"device-weights", "device-read-iops-sec", "device-write-iops-sec", "device-read-bytes-sec", "device-write-bytes-sec"} {
		out = append(out, str(name, Loose, "path,value[,path,value...] of the host's devices").with(completion.Free))
	}
	return out
}

// tuner is what is common to commands that show or set a group of parameters.
type tuner struct {
	group         drivers.ParamGroup
	get, set      string // the peer's functions
	read, written string // words of failures
	number        string // words of a failure before anything is looked for, if they are others
	device        string
}

// run sets parameters, or shows them if there are none to set.
func (t tuner) run(ctx context.Context, c *Call, list []drivers.Param, show func(drivers.Param) string) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		d, err := change[drivers.Tuner](c, objects, t.set)
		if err == nil {
			err = d.SetParams(ctx, ref, t.group, t.device, list, f)
		}
		if err != nil {
			return failed(err, "%s", t.written)
		}
		return nil
	}
	d, err := query[drivers.Tuner](objects, t.get)
	if err == nil {
		list, err = d.Params(ctx, ref, t.group, t.device, f)
	}
	if err != nil {
		var asked *drivers.ParamError
		if t.number != "" && (errors.As(err, &asked) && !asked.Counted || xml.CodeOf(err) != xml.CodeInvalidArg && (t.group == drivers.DiskLimits || xml.CodeOf(err) == xml.CodeNoSupport)) {
			return failed(err, "%s", t.number)
		}
		return failed(err, "%s", t.read)
	}
	emitParams(c, list, show)
	return nil
}

// emitParams prints parameters as virsh does: a name of 15 characters at least.
func emitParams(c *Call, list []drivers.Param, show func(drivers.Param) string) {
	var b strings.Builder
	data := Data{}
	for _, p := range list {
		text := fmt.Sprint(p.Value)
		if show != nil {
			text = show(p)
		}
		fmt.Fprintf(&b, "%-15s: %s\n", p.Name, text)
		data = append(data, Pair{p.Name, p.Value})
	}
	// virsh takes the state of performance events for a remark
	c.Emit(Message{Text: b.String(), Data: data, Extra: c.Command.Name == "perf"})
}

// unlimitedMemory is what stands for no limit, in KiB.
const unlimitedMemory = 9007199254740991

func memtune(ctx context.Context, c *Call) error {
	var list []drivers.Param
	for _, name := range []string{"hard-limit", "soft-limit", "swap-hard-limit", "min-guarantee"} {
		if !c.Has(name) {
			continue
		}
		v := uint64(unlimitedMemory)
		if n, err := strconv.ParseInt(strings.TrimSpace(c.Str(name)), 10, 64); err != nil || n >= 0 {
			bytes, _, err := c.Scaled(name, 1024, math.MaxInt64)
			if err != nil {
				return shellError("Unable to parse integer parameter %s", name)
			}
			v = xml.ToKiB(bytes)
		}
		list = append(list, drivers.Param{Name: strings.ReplaceAll(name, "-", "_"), Value: v})
	}
	t := tuner{group: drivers.MemoryLimits, get: "virDomainGetMemoryParameters", set: "virDomainSetMemoryParameters",
		read: "Unable to get memory parameters", number: "Unable to get number of memory parameters", written: "Unable to change memory parameters"}
	return t.run(ctx, c, list, func(p drivers.Param) string {
		if p.Value == uint64(unlimitedMemory) {
			return "unlimited"
		}
		return fmt.Sprint(p.Value)
	})
}

func blkiotune(ctx context.Context, c *Call) error {
	var list []drivers.Param
	if v, given, err := c.Int32("weight"); err != nil {
		return err
	} else if given && v <= 0 {
		return shellError("Invalid value of %d for I/O weight", v)
	} else if given {
		list = append(list, drivers.Param{Name: "weight", Value: uint32(v)})
	}
	for _, name := range []string{"device-weights", "device-read-iops-sec", "device-write-iops-sec", "device-read-bytes-sec", "device-write-bytes-sec"} {
		if c.Has(name) {
			list = append(list, drivers.Param{Name: strings.TrimSuffix(strings.ReplaceAll(name, "-", "_"), "s"), Value: c.Str(name)})
		}
	}
	return tuner{group: drivers.BlockWeights, get: "virDomainGetBlkioParameters", set: "virDomainSetBlkioParameters",
		read: "Unable to get blkio parameters", number: "Unable to get number of blkio parameters", written: "Unable to change blkio parameters"}.run(ctx, c, list, nil)
}

func blkdeviotune(ctx context.Context, c *Call) error {
	list, err := diskLimitParams(c)
	if err != nil {
		c.Report(err)
		return shellError("Unable to parse integer parameter")
	}
	if c.Has("group-name") {
		list = append(list, drivers.Param{Name: "group_name", Value: c.Str("group-name")})
	}
	return tuner{group: drivers.DiskLimits, device: c.Str("device"), get: "virDomainGetBlockIoTune", set: "virDomainSetBlockIoTune",
		read: "Unable to get block I/O throttle parameters", number: "Unable to get number of block I/O throttle parameters", written: "Unable to change block I/O throttle"}.run(ctx, c, list, nil)
}

func numatune(ctx context.Context, c *Call) error {
	var list []drivers.Param
	if mode := c.Str("mode"); mode != "" {
		switch mode {
		case "strict", "preferred", "interleave", "restrictive", "0", "1", "2", "3":
		default:
			return shellError("Invalid mode: %s", mode)
		}
		list = append(list, drivers.Param{Name: "numa_mode", Value: mode})
	}
	if c.Has("nodeset") {
		list = append(list, drivers.Param{Name: "numa_nodeset", Value: c.Str("nodeset")})
	}
	return tuner{group: drivers.NUMA, get: "virDomainGetNumaParameters", set: "virDomainSetNumaParameters",
		read: "Unable to get numa parameters", number: "Unable to get number of memory parameters", written: "Unable to change numa parameters"}.run(ctx, c, list, nil)
}

func perf(ctx context.Context, c *Call) error {
	var list []drivers.Param
	for _, o := range []struct {
		name string
		on   bool
	}{{"enable", true}, {"disable", false}} {
		if c.Has(o.name) {
			for _, e := range strings.Split(c.Str(o.name), ",") {
				list = append(list, drivers.Param{Name: e, Value: o.on})
			}
		}
	}
	show := func(p drivers.Param) string {
		if on, _ := p.Value.(bool); on {
			return "enabled"
		}
		return "disabled"
	}
	err := tuner{group: drivers.PerfEvents, get: "virDomainGetPerfEvents", set: "virDomainSetPerfEvents",
		read: "Unable to get perf events", written: "Unable to enable/disable perf events"}.run(ctx, c, list, show)
	if err == nil && len(list) > 0 {
		emitParams(c, list, show)
	}
	return err
}

func domiftune(ctx context.Context, c *Call) error {
	var list []drivers.Param
	for _, side := range rateSides {
		if !c.Has(side.name) {
			continue
		}
		rate, err := parseRate(c.Str(side.name))
		if err != nil {
			return err
		}
		if rate != ([4]uint64{}) { // nothing but zeros takes the limits away
			if err := side.check(rate); err != nil {
				return err
			}
		}
		for i, v := range rate {
			if v > math.MaxUint32 {
				return shellError("%s rate larger than maximum %d", side.name, uint32(math.MaxUint32))
			}
			if i < 3 || v != 0 {
				list = append(list, drivers.Param{Name: side.name + "." + rateFields[i], Value: uint32(v)})
			}
		}
	}
	return tuner{group: drivers.IfaceBandwidth, device: c.Str("interface"), get: "virDomainGetInterfaceParameters",
		set: "virDomainSetInterfaceParameters", read: "Unable to get interface parameters", number: "Unable to get number of interface parameters",
		written: "Unable to set interface parameters"}.run(ctx, c, list, nil)
}

func schedinfo(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	if f == 0 && c.Has("current") {
		f = drivers.Current
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	s, err := query[drivers.Scheduler](objects, "virDomainGetSchedulerType")
	if err != nil {
		return err
	}
	name, err := s.SchedulerType(ctx, ref)
	if err != nil {
		return err
	}
	if c.format() == "text" {
		c.Print(fmt.Sprintf("%-15s: %s\n", "Scheduler", name))
	}
	d, err := query[drivers.Tuner](objects, "virDomainGetSchedulerParameters")
	if err != nil {
		return err
	}
	list, err := d.Params(ctx, ref, drivers.Schedule, "", f)
	if err != nil {
		return err
	}
	set, err := schedulerSettings(c, list)
	if err != nil {
		return err
	}
	if len(set) > 0 {
		w, err := change[drivers.Tuner](c, objects, "virDomainSetSchedulerParameters")
		if err != nil {
			return err
		}
		if err := w.SetParams(ctx, ref, drivers.Schedule, "", set, f); err != nil {
			return err
		}
		if list, err = d.Params(ctx, ref, drivers.Schedule, "", f); err != nil {
			return err
		}
	}
	if c.format() == "json" {
		list = append([]drivers.Param{{Name: "scheduler", Value: name}}, list...)
	}
	emitParams(c, list, nil)
	return nil
}

// schedulerSettings reads --weight, --cap and --set by the parameters there are.
func schedulerSettings(c *Call, list []drivers.Param) ([]drivers.Param, error) {
	var words []string
	for _, name := range []string{"weight", "cap"} {
		if c.Has(name) {
			words = append(words, name+"="+c.Str(name))
		}
	}
	words = append(words, c.Words("set")...)
	var out []drivers.Param
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, shellError("Invalid syntax for --set, expecting name=value")
		}
		known := false
		for _, p := range list {
			if p.Name != name {
				continue
			}
			known = true
			v, kind, err := parseLike(p.Value, value)
			if err != nil {
				return nil, xml.Errorf(xml.CodeInvalidArg, "Invalid value for field '%s': expected %s", name, kind)
			}
			out = append(out, drivers.Param{Name: name, Value: v})
		}
		if !known {
			return nil, shellError("invalid scheduler option: %s", name)
		}
	}
	return out, nil
}

// parseLike reads a value of the type of another.
func parseLike(like any, text string) (v any, kind string, err error) {
	switch like.(type) {
	case uint32:
		n, err := strconv.ParseUint(text, 10, 32)
		return uint32(n), "unsigned int", err
	case int32:
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), "int", err
	case uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		return n, "unsigned long long", err
	case int64:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, "long long", err
	case float64:
		n, err := strconv.ParseFloat(text, 64)
		return n, "double", err
	case bool:
		n, err := strconv.ParseBool(text)
		return n, "bool", err
	}
	return text, "string", nil
}
