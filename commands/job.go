package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"virgo/completion"
	"virgo/drivers"
)

// jobRows are the commands about what a domain is busy with.
func jobRows() []Command {
	k := domainKind
	number := func(name, help string) Option { return num(name, RP, help).with(completion.Free) }
	return []Command{
		{Name: "domjobinfo", Summary: "show what a domain is busy with", Run: domjobinfo, Options: opts(k.object(k.any),
			flag("completed", "the last job that was completed"), flag("keep-completed", "so that it can be shown again"),
			flag("anystats", "also of a job of which little can be told"), flag("rawstats", "all numbers, with their own names"))},
		{Name: "domjobabort", Summary: "end what a domain is busy with", Run: domjobabort, Options: opts(k.object(k.any),
			flag("postcopy", "interrupt a migration that copies afterwards"))},
		{Name: "migrate-setmaxdowntime", Summary: "set how long a migration may stop the domain", Run: setMaxDowntime, Options: opts(k.object(k.active),
			number("downtime", "milliseconds"))},
		{Name: "migrate-getmaxdowntime", Summary: "show how long a migration may stop the domain", Run: getMaxDowntime, Options: opts(k.object(k.active))},
		{Name: "migrate-compcache", Summary: "show or set the cache of a migration that compresses", Run: compcache, Options: opts(k.object(k.active),
			num("size", 0, "bytes").with(completion.Free))},
		{Name: "migrate-setspeed", Summary: "set how fast a migration may be", Run: setSpeed, Options: opts(k.object(k.active),
			number("bandwidth", "MiB a second"), flag("postcopy", "while it copies afterwards"))},
		{Name: "migrate-getspeed", Summary: "show how fast a migration may be", Run: getSpeed, Options: opts(k.object(k.active),
			flag("postcopy", "while it copies afterwards"))},
		{Name: "migrate-postcopy", Summary: "have a migration go on after the domain has moved", Run: startPostcopy, Options: opts(k.object(k.active))},
	}
}

// jobTypes are the words for types of jobs.
var jobTypes = [...]string{"None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled"}

// jobOperations are the words for what a job does, by libvirt's numbers.
var jobOperations = [...]string{"Unknown", "Start", "Save", "Restore", "Incoming migration", "Outgoing migration", "Snapshot", "Snapshot revert", "Dump",
	"Backup", "Snapshot delete"}

func domjobinfo(ctx context.Context, c *Call) error {
	if err := c.Requires("keep-completed", "completed"); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	o := drivers.JobOptions{Completed: c.Has("completed"), Keep: c.Has("keep-completed"), Any: c.Has("anystats")}
	var job drivers.Job
	if d, ok := objects.(drivers.JobStatser); ok {
		job, err = d.JobStats(ctx, ref, o)
	} else if o.Completed || c.Has("rawstats") {
		return failed(drivers.Unsupported("virDomainGetJobStats"), "Optional flags or --rawstats are not supported by the daemon")
	} else {
		var d drivers.Jobber
		if d, err = query[drivers.Jobber](objects, "virDomainGetJobInfo"); err == nil {
			job, err = d.Job(ctx, ref)
		}
	}
	if err != nil {
		return err
	}
	c.Emit(jobMessage(job, c.Has("rawstats")))
	return nil
}

func jobMessage(job drivers.Job, raw bool) Message {
	data := Data{{"type", jobTypes[job.Type]}}
	for _, p := range job.Stats {
		data = append(data, Pair{p.Name, p.Value})
	}
	var b strings.Builder
	if raw {
		fmt.Fprintf(&b, "Job type: %d\n\n", job.Type)
		for _, p := range job.Stats {
			fmt.Fprintf(&b, "%s: %v\n", p.Name, p.Value)
		}
		return Message{Text: b.String(), Data: data}
	}
	fmt.Fprintf(&b, "%-17s %-12s\n", "Job type:", jobTypes[job.Type])
	if job.Type != drivers.NoJob {
		jobText(&b, job)
	}
	return Message{Text: b.String(), Data: data}
}

// jobLines are the numbers that domjobinfo shows, in virsh's order. kind says
// what the value is: o an operation, n a number, b bytes, s bytes a second.
var jobLines = []struct {
	label, name string
	kind        byte
	unit        string
}{
	{"Operation:", "operation", 'o', ""}, {"Time elapsed:", "time_elapsed", 'n', "ms"}, {"Time elapsed w/o network:", "time_elapsed_net", 'n', "ms"},
	{"Time remaining:", "time_remaining", 'n', "ms"}, {"Data processed:", "data_processed", 'b', ""}, {"Data remaining:", "data_remaining", 'b', ""},
	{"Data total:", "data_total", 'b', ""}, {"Memory processed:", "memory_processed", 'b', ""}, {"Memory remaining:", "memory_remaining", 'b', ""},
	{"Memory total:", "memory_total", 'b', ""}, {"Memory bandwidth:", "memory_bps", 's', ""}, {"Dirty rate:", "memory_dirty_rate", 'n', "pages/s"},
	{"Page size:", "memory_page_size", 'n', "bytes"}, {"Iteration:", "memory_iteration", 'n', ""}, {"Postcopy requests:", "memory_postcopy_requests", 'n', ""},
	{"File processed:", "disk_processed", 'b', ""}, {"File remaining:", "disk_remaining", 'b', ""}, {"File total:", "disk_total", 'b', ""},
	{"File bandwidth:", "disk_bps", 's', ""}, {"Constant pages:", "memory_constant", 'n', ""}, {"Normal pages:", "memory_normal", 'n', ""},
	{"Normal data:", "memory_normal_bytes", 'b', ""}, {"Total downtime:", "downtime", 'n', "ms"}, {"Expected downtime:", "downtime_expected", 'n', "ms"},
	{"Downtime w/o network:", "downtime_net", 'n', "ms"}, {"Setup time:", "setup_time", 'n', "ms"}, {"Compression cache:", "compression_cache", 'b', ""},
	{"Compressed data:", "compression_bytes", 'b', ""}, {"Compressed pages:", "compression_pages", 'n', ""},
	{"Compression cache misses:", "compression_cache_misses", 'n', ""}, {"Compression overflows:", "compression_overflow", 'n', ""},
	{"Auto converge throttle:", "auto_converge_throttle", 'n', "%"}, {"Temporary disk space use:", "disk_temp_used", 'b', ""},
	{"Temporary disk space total:", "disk_temp_total", 'b', ""}, {"Error message:", "errmsg", 't', ""},
}

func jobText(b *strings.Builder, job drivers.Job) {
	stats := job.Stats
	empty := emptySizes(stats)
	for _, l := range jobLines {
		for _, p := range stats {
			if p.Name != l.name || slices.Contains(empty, l.name) {
				continue
			}
			v, _ := p.Value.(uint64)
			label := l.label
			if p.Name == "downtime" && job.Type != drivers.CompletedJob {
				label = "Expected downtime:"
			}
			switch {
			case l.kind == 'o':
				n, _ := p.Value.(int32)
				if n < 0 || int(n) >= len(jobOperations) {
					n = 0
				}
				fmt.Fprintf(b, "%-17s %-12s\n", l.label, jobOperations[n])
			case l.kind == 'b':
				fmt.Fprintf(b, "%-17s %s\n", l.label, human(v))
			case l.kind == 's':
				fmt.Fprintf(b, "%-17s %s/s\n", l.label, human(v))
			case l.unit != "":
				fmt.Fprintf(b, "%-17s %-12v %s\n", label, p.Value, l.unit)
			default:
				fmt.Fprintf(b, "%-17s %-12v\n", l.label, p.Value)
			}
		}
	}
}

// emptySizes are the names of what is done, left and there in all of a kind of
// data of which there is none.
func emptySizes(stats []drivers.Param) []string {
	var out []string
	for _, kind := range []string{"data", "memory", "disk"} {
		names := []string{kind + "_processed", kind + "_remaining", kind + "_total"}
		some := slices.ContainsFunc(stats, func(p drivers.Param) bool { return slices.Contains(names, p.Name) && p.Value != uint64(0) })
		if !some {
			out = append(out, names...)
		}
	}
	return out
}

func domjobabort(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.Has("postcopy") {
		d, err := change[drivers.JobStatser](c, objects, "virDomainAbortJobFlags")
		if err != nil {
			return err
		}
		return d.AbortPostcopy(ctx, ref)
	}
	d, err := change[drivers.Jobber](c, objects, "virDomainAbortJob")
	if err != nil {
		return err
	}
	return d.AbortJob(ctx, ref)
}

func setMaxDowntime(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	ms, _, err := c.Uint64("downtime")
	if err != nil {
		return err
	}
	if ms == 0 {
		return shellError("migrate: Invalid downtime")
	}
	d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateSetMaxDowntime")
	if err != nil {
		return err
	}
	return d.SetMaxDowntime(ctx, ref, ms)
}

func getMaxDowntime(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.MigrationTuner](objects, "virDomainMigrateGetMaxDowntime")
	if err != nil {
		return err
	}
	ms, err := d.MaxDowntime(ctx, ref)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"downtime_ms", ms}}, "%d", ms))
	return nil
}

func compcache(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	size, given, err := c.Uint64("size")
	if err != nil {
		return err
	}
	if given {
		d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateSetCompressionCache")
		if err != nil {
			return err
		}
		if err := d.SetCompressionCache(ctx, ref, size); err != nil {
			return err
		}
	}
	d, err := query[drivers.MigrationTuner](objects, "virDomainMigrateGetCompressionCache")
	if err != nil {
		return err
	}
	if size, err = d.CompressionCache(ctx, ref); err != nil {
		return err
	}
	c.Emit(Message{Text: "Compression cache: " + human(size), Data: Data{{"cache_bytes", size}}})
	return nil
}

func setSpeed(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	speed, err := c.wrapped("bandwidth")
	if err != nil {
		return err
	}
	d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateSetMaxSpeed")
	if err != nil {
		return err
	}
	return d.SetMaxSpeed(ctx, ref, speed, c.Has("postcopy"))
}

// wrapped is a number of C's type unsigned long, where the peer takes a
// negative one as counted from the end.
func (c *Call) wrapped(name string) (uint64, error) {
	if text := strings.TrimLeft(c.Str(name), " \t\n"); strings.HasPrefix(text, "-") {
		v, _, err := c.Int(name, -1<<63, 0)
		return uint64(v), err
	}
	v, _, err := c.Uint64(name)
	return v, err
}

func getSpeed(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateGetMaxSpeed")
	if err != nil {
		return err
	}
	speed, err := d.MaxSpeed(ctx, ref, c.Has("postcopy"))
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"speed_mib", speed}}, "%d", speed))
	return nil
}

func startPostcopy(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateStartPostCopy")
	if err != nil {
		return err
	}
	return d.StartPostcopy(ctx, ref)
}
