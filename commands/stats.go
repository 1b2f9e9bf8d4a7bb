package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// statsRows are the commands that tell numbers of domains.
func statsRows() []Command {
	k := domainKind
	return []Command{
		{Name: "domstats", Summary: "show many numbers of domains", Run: domstats, Options: opts(
			flag("state", "the state"), flag("cpu-total", "CPU time"), flag("balloon", "memory"), flag("vcpu", "virtual CPUs"),
			flag("interface", "interfaces"), flag("block", "disks"), flag("perf", "performance events"), flag("iothread", "IO threads"),
			flag("memory", "memory bandwidth"), flag("dirtyrate", "how fast memory changes"), flag("vm", "the hypervisor's own"),
			flag("list-active", "of active domains"), flag("list-inactive", "of inactive domains"), flag("list-persistent", "of those that are kept"),
			flag("list-transient", "of those that are not kept"), flag("list-running", "of running domains"), flag("list-paused", "of paused domains"),
			flag("list-shutoff", "of those that are shut off"), flag("list-other", "of those in other states"), flag("raw", "without words for numbers"),
			flag("enforce", "fail where a number cannot be had"), flag("backing", "backing files of disks, too"),
			flag("nowait", "do not wait for a busy domain"), argv("domain", Positional, "domains").with(k.any))},
		{Name: "domblklist", Summary: "list a domain's disks", Run: domblklist, Options: opts(k.object(k.any),
			flag("inactive", "of the definition"), flag("details", "with their types"))},
		{Name: "domiflist", Summary: "list a domain's interfaces", Run: domiflist, Options: opts(k.object(k.any), flag("inactive", "of the definition"))},
		{Name: "domblkinfo", Summary: "show how large a disk is", Run: domblkinfo, Options: opts(k.object(k.any),
			str("device", Positional, "target or file of the disk").with(completion.Disks), flag("human", "with units"), flag("all", "all disks"))},
		{Name: "domblkstat", Summary: "show a disk's traffic", Run: domblkstat, Options: opts(k.object(k.active),
			str("device", Positional|Empty, "target or file of the disk").with(completion.Disks), flag("human", "in words"))},
		{Name: "domblkerror", Summary: "show which disks have errors", Run: domblkerror, Options: opts(k.object(k.active))},
		{Name: "domcontrol", Summary: "show the state of the control interface", Run: domcontrol, Options: opts(k.object(k.active))},
		{Name: "domif-getlink", Summary: "show whether an interface's link is up", Run: getlink, Options: opts(k.object(k.any),
			str("interface", RP, "name or address of the interface").with(completion.Interfaces), alias("persistent", "config"), flag("config", "of the definition"))},
		{Name: "domifaddr", Summary: "show the addresses of a domain's interfaces", Run: domifaddr, Options: opts(k.object(k.active),
			str("interface", Positional, "name of the interface").with(completion.Interfaces), flag("full", "names and addresses on each line"),
			str("source", Loose, "who is asked").of("lease agent arp"))},
		{Name: "domifstat", Summary: "show an interface's traffic", Run: domifstat, Options: opts(k.object(k.active),
			str("interface", RP, "name or address of the interface").with(completion.Interfaces))},
		{Name: "dommemstat", Summary: "show a domain's memory", Run: dommemstat, Options: opts(k.object(k.active),
			num("period", 0, "seconds between updates").with(completion.Free), impactOptions())},
		{Name: "domtime", Summary: "show or set a domain's clock", Run: domtime, Options: opts(k.object(k.active),
			flag("now", "set it to this host's"), flag("pretty", "as date and time"), flag("sync", "set it from its hardware clock"),
			num("time", Loose, "seconds since 1970").with(completion.Free))},
		{Name: "cpu-stats", Summary: "show how long a domain used each CPU", Run: cpuStats, Options: opts(k.object(k.active),
			flag("total", "only the sums"), num("start", Loose, "first CPU").with(completion.Free), num("count", Loose, "how many").with(completion.Free))},
		{Name: "domhostname", Summary: "show the guest's host name", Run: domhostname, Options: opts(k.object(k.active),
			str("source", Loose, "who is asked").of("lease agent"))},
	}
}

// definition reads a domain's document.
func definition(ctx context.Context, c *Call, f drivers.Flags) (*xml.Node, drivers.Objects, drivers.Ref, error) {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return nil, nil, ref, err
	}
	doc, err := objects.XML(ctx, ref, f)
	if err != nil {
		return nil, nil, ref, err
	}
	root, err := xml.Parse(xml.Source{Data: doc})
	return root, objects, ref, err
}

func attr(n *xml.Node, name string) string {
	if n == nil {
		return ""
	}
	v, _ := n.Attr(name)
	return v
}

func domblklist(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, ref, c.Flags("inactive", drivers.Inactive))
	if err != nil {
		return err
	}
	disks, err := listDisks(doc)
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Target"}, {Title: "Source"}}}
	if c.Has("details") {
		l.Columns = append([]Column{{Title: "Type"}, {Title: "Device"}}, l.Columns...)
	}
	for _, d := range disks {
		row := []any{d.target, dash(d.source)}
		if c.Has("details") {
			row = append([]any{d.kind, d.device}, row...)
		}
		l.Rows = append(l.Rows, row)
	}
	c.Emit(l)
	return nil
}

// dash stands for nothing in a table.
func dash(s string) any {
	if s == "" {
		return Cell{"-", nil}
	}
	return s
}

func domiflist(ctx context.Context, c *Call) error {
	root, _, _, err := definition(ctx, c, c.Flags("inactive", drivers.Inactive))
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Interface"}, {Title: "Type"}, {Title: "Source"}, {Title: "Model"}, {Title: "MAC"}}}
	list, _ := root.Find("/domain/devices/interface")
	for _, n := range list {
		source := ""
		if s := n.Child("source"); s != nil {
			for _, name := range []string{"network", "bridge", "dev", "name", "path"} {
				if v := attr(s, name); v != "" {
					source = v
					break
				}
			}
		}
		l.Rows = append(l.Rows, []any{dash(attr(n.Child("target"), "dev")), attr(n, "type"), dash(source), dash(attr(n.Child("model"), "type")),
			attr(n.Child("mac"), "address")})
	}
	c.Emit(l)
	return nil
}

// human writes bytes with a unit and three decimals, prettySize with two.
func human(n uint64) string { return scaled(n, 3) }

func prettySize(n uint64) string { return scaled(n, 2) }

func scaled(n uint64, decimals int) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.*f %s", decimals, v, units[i])
}

func domblkinfo(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "device"); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if !c.Has("all") && !c.Has("device") {
		return shellError("command 'domblkinfo' requires <device> option")
	}
	d, err := query[drivers.DiskStatser](objects, "virDomainGetBlockInfo")
	if err != nil {
		return err
	}
	show := func(n uint64) any {
		if c.Has("human") {
			return Cell{human(n), n}
		}
		return n
	}
	if !c.Has("all") {
		capacity, allocation, physical, err := d.DiskInfo(ctx, ref, c.Str("device"))
		if err != nil {
			return err
		}
		c.Emit(Fields{Width: 15, Items: []Field{{Label: "Capacity", Value: show(capacity)}, {Label: "Allocation", Value: show(allocation)},
			{Label: "Physical", Value: show(physical)}}})
		return nil
	}
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return err
	}
	disks, err := listDisks(doc)
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Target"}, {Title: "Capacity"}, {Title: "Allocation"}, {Title: "Physical"}}}
	for _, k := range disks {
		if k.source == "" {
			l.Rows = append(l.Rows, []any{k.target, dash(""), dash(""), dash("")})
			continue
		}
		capacity, allocation, physical, err := d.DiskInfo(ctx, ref, k.target)
		if err != nil && ref.ID < 0 && k.kind == "network" { // only the guest knows
			l.Rows = append(l.Rows, []any{k.target, dash(""), dash(""), dash("")})
			continue
		}
		if err != nil {
			return err
		}
		l.Rows = append(l.Rows, []any{k.target, show(capacity), show(allocation), show(physical)})
	}
	c.Emit(l)
	return nil
}

// diskNumber is the place of a disk's number in diskWords; others come last.
func diskNumber(name string) int {
	for i, w := range diskWords {
		if w.name == name {
			return i
		}
	}
	return len(diskWords)
}

// diskWords are a disk's numbers, in the order in which they are shown, in words.
var diskWords = []struct{ name, words string }{{"rd_req", "number of read operations:"}, {"rd_bytes", "number of bytes read:"},
	{"wr_req", "number of write operations:"}, {"wr_bytes", "number of bytes written:"}, {"errs", "error count:"},
	{"flush_operations", "number of flush operations:"}, {"rd_total_times", "total duration of reads (ns):"},
	{"wr_total_times", "total duration of writes (ns):"}, {"flush_total_times", "total duration of flushes (ns):"}}

func domblkstat(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	device := c.Str("device")
	d, err := query[drivers.DiskStatser](objects, "virDomainBlockStats")
	var list []drivers.Param
	if err == nil {
		list, err = d.DiskStats(ctx, ref, device, true)
		var asked *drivers.ParamError
		switch {
		case err == nil:
		case xml.CodeOf(err) == xml.CodeNoSupport:
			list, err = d.DiskStats(ctx, ref, device, false)
		case errors.As(err, &asked) && asked.Counted:
			return failed(err, "Failed to get block stats for domain '%s' device '%s'", ref.Name, device)
		default:
			return err
		}
	}
	if err != nil {
		return failed(err, "Failed to get block stats %s %s", ref.Name, device)
	}
	slices.SortStableFunc(list, func(a, b drivers.Param) int { return diskNumber(a.Name) - diskNumber(b.Name) })
	var b strings.Builder
	var data Data
	if c.Has("human") {
		fmt.Fprintf(&b, "Device: %s\n", device)
	}
	for _, p := range list {
		data = append(data, Pair{p.Name, p.Value})
		if !c.Has("human") {
			fmt.Fprintf(&b, "%s %s %v\n", device, p.Name, p.Value)
			continue
		}
		words := p.Name
		if n := diskNumber(p.Name); n < len(diskWords) {
			words = diskWords[n].words
		}
		fmt.Fprintf(&b, " %-31s %v\n", words, p.Value)
	}
	c.Emit(Message{Text: b.String(), Data: data})
	return nil
}

func domblkerror(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.DiskErrorer](objects, "virDomainGetDiskErrors")
	if err != nil {
		return err
	}
	list, err := d.DiskErrors(ctx, ref)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.Emit(Message{Text: "No errors found\n", Data: []Data{}})
		return nil
	}
	var b strings.Builder
	rows := []Data{}
	for _, e := range list {
		fmt.Fprintf(&b, "%s: %s\n", e.Disk, e.Error)
		rows = append(rows, Data{{"disk", e.Disk}, {"error", e.Error}})
	}
	c.Emit(Message{Text: b.String(), Data: rows})
	return nil
}

func domcontrol(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.Controller](objects, "virDomainGetControlInfo")
	if err != nil {
		return err
	}
	state, err := d.Control(ctx, ref)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"state", state}}, "%s", state))
	return nil
}

// findInterface finds an interface in a domain's document.
func findInterface(root *xml.Node, name string) *xml.Node {
	list, _ := root.Find("/domain/devices/interface")
	for _, n := range list {
		if strings.EqualFold(attr(n.Child("mac"), "address"), name) || attr(n.Child("target"), "dev") == name {
			return n
		}
	}
	return nil
}

func getlink(ctx context.Context, c *Call) error {
	root, _, _, err := definition(ctx, c, c.Flags("config", drivers.Inactive))
	if err != nil {
		return err
	}
	name := c.Str("interface")
	n := findInterface(root, name)
	if n == nil {
		what := "dev"
		if _, ok := xml.ParseMAC(name); ok {
			what = "mac"
		}
		return shellError("Interface (%s: %s) not found.", what, name)
	}
	state := "up"
	if s := attr(n.Child("link"), "state"); s != "" {
		state = s
	}
	c.Emit(Message{Text: name + " " + state, Data: Data{{"interface", name}, {"link", state}}})
	return nil
}

func domifaddr(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	source := c.Str("source")
	switch source {
	case "", "lease", "agent", "arp":
	default:
		return shellError("Unknown data source '%s'", source)
	}
	d, err := query[drivers.IfaceAddresser](objects, "virDomainInterfaceAddresses")
	var list []drivers.IfaceAddress
	if err == nil {
		list, err = d.IfaceAddresses(ctx, ref, source)
	}
	if err != nil {
		return failed(err, "Failed to query for interfaces addresses")
	}
	var b strings.Builder
	if !c.Quiet {
		fmt.Fprintf(&b, " %-10s %-20s %-8s     %s\n%s\n", "Name", "MAC address", "Protocol", "Address", strings.Repeat("-", 79))
	}
	rows := []Data{}
	for _, n := range list {
		if c.Has("interface") && n.Name != c.Str("interface") {
			continue
		}
		if len(n.Addrs) == 0 {
			fmt.Fprintf(&b, " %-10s %-17s    %-12s %s\n", n.Name, orNA(n.MAC), "N/A", "N/A")
		}
		for i, a := range n.Addrs {
			name, mac := n.Name, orNA(n.MAC)
			if i > 0 && !c.Has("full") {
				name, mac = "-", "-"
			}
			proto := "ipv" + strconv.Itoa(a.Version)
			fmt.Fprintf(&b, " %-10s %-17s    %-12s %s/%d\n", name, mac, proto, a.Addr, a.Prefix)
			rows = append(rows, Data{{"name", n.Name}, {"mac", n.MAC}, {"protocol", proto}, {"address", a.Addr}, {"prefix", a.Prefix}})
		}
	}
	c.Emit(Message{Text: b.String(), Data: rows})
	return nil
}

func orNA(s string) string {
	if s == "" {
		return "N/A"
	}
	return s
}

func domifstat(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	device := c.Str("interface")
	d, err := query[drivers.IfaceStatser](objects, "virDomainInterfaceStats")
	var list []drivers.Param
	if err == nil {
		list, err = d.IfaceStats(ctx, ref, device)
	}
	if err != nil {
		return failed(err, "Failed to get interface stats %s %s", ref.Name, device)
	}
	var b strings.Builder
	var data Data
	for _, p := range list {
		fmt.Fprintf(&b, "%s %s %v\n", device, p.Name, p.Value)
		data = append(data, Pair{p.Name, p.Value})
	}
	c.Emit(Message{Text: b.String(), Data: data})
	return nil
}

func dommemstat(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	period, given, err := c.Int32("period")
	if err != nil {
		return err
	}
	if given {
		if period < 0 {
			return shellError("Invalid collection period value '%d'", period)
		}
		d, err := change[drivers.MemoryStatser](c, objects, "virDomainSetMemoryStatsPeriod")
		if err == nil {
			err = d.SetMemoryPeriod(ctx, ref, period, f)
		}
		if err != nil {
			return failed(err, "Unable to change balloon collection period.")
		}
		return nil
	}
	d, err := query[drivers.MemoryStatser](objects, "virDomainMemoryStats")
	var list []drivers.Param
	if err == nil {
		list, err = d.MemoryStats(ctx, ref)
	}
	if err != nil {
		return failed(err, "Failed to get memory statistics for domain %s", ref.Name)
	}
	var b strings.Builder
	var data Data
	for _, p := range list {
		fmt.Fprintf(&b, "%s %v\n", p.Name, p.Value)
		data = append(data, Pair{p.Name, p.Value})
	}
	c.Emit(Message{Text: b.String(), Data: data})
	return nil
}

func domtime(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"time", "now"}, {"time", "sync"}, {"now", "sync"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	seconds, given, err := c.Int("time", -1<<63, 1<<63-1)
	if err != nil {
		return err
	}
	if given || c.Has("now") || c.Has("sync") {
		t := time.Unix(seconds, 0)
		if c.Has("now") {
			t = time.Now()
		}
		d, err := change[drivers.GuestClock](c, objects, "virDomainSetTime")
		if err != nil {
			return err
		}
		return d.SetTime(ctx, ref, t, c.Has("sync"))
	}
	d, err := query[drivers.GuestClock](objects, "virDomainGetTime")
	if err != nil {
		return err
	}
	t, err := d.Time(ctx, ref)
	if err != nil {
		return err
	}
	text := strconv.FormatInt(t.Unix(), 10)
	if c.Has("pretty") {
		text = t.Format("2006-01-02 15:04:05")
	}
	c.Emit(Message{Text: "Time: " + text, Data: Data{{"time", t.Unix()}}})
	return nil
}

func cpuStats(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	first, hasFirst, err := c.Int32("start")
	if err != nil {
		return err
	}
	if first < 0 {
		return shellError("Invalid value for start CPU")
	}
	count, hasCount, err := c.Int32("count")
	if err != nil {
		return err
	}
	if count < 0 {
		return shellError("Invalid value for number of CPUs to show")
	}
	d, err := query[drivers.CPUStatser](objects, "virDomainGetCPUStats")
	var per []uint64
	var total []drivers.Param
	if err == nil {
		per, total, err = d.CPUStats(ctx, ref)
	}
	if err != nil {
		return failed(err, "Failed to retrieve CPU statistics for domain '%s'", ref.Name)
	}
	n := len(per) / 2
	if first >= n && hasFirst {
		return shellError("Start CPU %d is out of range (min: 0, max: %d)", first, n-1)
	}
	last := n
	if hasCount {
		last = min(first+count, n)
	}
	if first+count > n && c.format() == "text" {
		c.Print(fmt.Sprintf("Only %d CPUs available to show\n", n-first))
	}
	alone := c.Has("total") && !hasFirst && !hasCount
	var b strings.Builder
	cpus := []Data{}
	containers := strings.HasPrefix(c.conn.URI(), "lxc") // which have no vCPUs
	if !alone {
		for i := first; i < last; i++ {
			fmt.Fprintf(&b, "CPU%d:\n\t%-12s %19s seconds\n", i, "cpu_time", nanos(per[2*i]))
			if !containers {
				fmt.Fprintf(&b, "\t%-12s %19s seconds\n", "vcpu_time", nanos(per[2*i+1]))
			}
			cpus = append(cpus, Data{{"cpu", i}, {"cpu_time_ns", per[2*i]}, {"vcpu_time_ns", per[2*i+1]}})
		}
	}
	data := Data{{"cpus", cpus}}
	if c.Has("total") || !hasFirst && !hasCount {
		b.WriteString("Total:\n")
		for _, p := range total {
			v, _ := p.Value.(uint64)
			fmt.Fprintf(&b, "\t%-12s %19s seconds\n", p.Name, nanos(v))
			data = append(data, Pair{p.Name + "_ns", v})
		}
	}
	c.Emit(Message{Text: b.String(), Data: data})
	return nil
}

// nanos writes nanoseconds as seconds.
func nanos(n uint64) string { return fmt.Sprintf("%d.%09d", n/1e9, n%1e9) }

func domhostname(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	source := c.Str("source")
	if source != "" && source != "lease" && source != "agent" {
		return shellError("Unknown data source '%s'", source)
	}
	d, err := query[drivers.GuestHostnamer](objects, "virDomainGetHostname")
	name := ""
	if err == nil {
		name, err = d.GuestHostname(ctx, ref, source)
	}
	if err != nil {
		return failed(err, "failed to get hostname")
	}
	c.Emit(msgf(Data{{"hostname", name}}, "%s", name))
	return nil
}

// statGroups are the groups that domstats can be asked for.
var statGroups = []string{"state", "cpu-total", "balloon", "vcpu", "interface", "block", "perf", "iothread", "memory", "dirtyrate", "vm"}

func domstats(ctx context.Context, c *Call) error {
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return err
	}
	q := drivers.StatsQuery{Enforce: c.Has("enforce"), Backing: c.Has("backing"), NoWait: c.Has("nowait")}
	if words := c.Words("domain"); len(words) > 0 {
		for _, w := range words {
			_, ref, err := domainKind.findWord(ctx, c, "domain", w, byAny)
			if err != nil {
				return err
			}
			q.Domains = append(q.Domains, ref)
		}
	} else {
		f := &q.Filter
		for _, o := range []filterFlag{{"list-persistent", "", yes(persistent)}, {"list-transient", "", no(persistent)},
			{"list-active", "", yes(func(f *drivers.Filter) *drivers.Tri { return &f.Active })},
			{"list-inactive", "", no(func(f *drivers.Filter) *drivers.Tri { return &f.Active })},
			{"list-running", "", inState(drivers.Running)}, {"list-paused", "", inState(drivers.PausedState)},
			{"list-shutoff", "", inState(drivers.ShutOff)},
			{"list-other", "", inState(drivers.NoState, drivers.Blocked, drivers.ShuttingDown, drivers.Crashed, drivers.PMSuspended)}} {
			if c.Has(o.name) {
				o.set(f)
			}
		}
		settle(f)
	}
	for _, g := range statGroups {
		if c.Has(g) {
			q.Groups = append(q.Groups, g)
		}
	}
	records, err := allStats(ctx, objects, q)
	if err != nil {
		return err
	}
	var blocks []string
	rows := []Data{}
	for _, r := range records {
		var b strings.Builder
		fmt.Fprintf(&b, "Domain: '%s'\n", r.Name)
		row := Data{{"name", r.Name}}
		for _, p := range r.Params {
			fmt.Fprintf(&b, "  %s=%s\n", p.Name, statText(p.Value))
			row = append(row, Pair{p.Name, p.Value})
		}
		blocks = append(blocks, b.String())
		rows = append(rows, row)
	}
	c.Emit(Message{Text: strings.Join(blocks, "\n"), Data: rows})
	return nil
}

// statText is a value as domstats prints it.
func statText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case uint64:
		return strconv.FormatUint(v, 10)
	}
	return paramText(v)
}

// allStats asks for all domains at once, or, where the driver cannot be asked so,
// for one after the other.
func allStats(ctx context.Context, objects drivers.Objects, q drivers.StatsQuery) ([]drivers.DomainStats, error) {
	var out []drivers.DomainStats
	if d, ok := objects.(drivers.AllStatser); ok {
		out, err := d.AllStats(ctx, q)
		if q.Domains == nil {
			slices.SortStableFunc(out, func(a, b drivers.DomainStats) int { return compareRefs(a.Ref, b.Ref) })
		}
		return out, err
	}
	f := drivers.Flags(0)
	if q.Enforce {
		f = drivers.Force
	}
	if q.Backing {
		f |= drivers.BackingToo
	}
	d, err := query[drivers.Statser](objects, "virConnectGetAllDomainStats")
	if err != nil {
		return nil, err
	}
	if q.Domains == nil {
		entries, err := objects.List(ctx, q.Filter)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			q.Domains = append(q.Domains, e.Ref)
		}
	}
	for _, ref := range q.Domains {
		list, err := d.Stats(ctx, ref, q.Groups, f)
		if err != nil {
			return nil, err
		}
		out = append(out, drivers.DomainStats{Ref: ref, Params: list})
	}
	return out, nil
}
