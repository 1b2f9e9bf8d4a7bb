package commands

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// migrateParam is an option of migrate that becomes a parameter.
type migrateParam struct {
	option, param string
	kind          byte // s a word, l a list with commas, i int32, u uint64, f the text of a file
	extended      bool // older daemons cannot be told
}

// migrateParams are in libvirt's names.
var migrateParams = []migrateParam{
	{"migrateuri", "migrate_uri", 's', false}, {"graphicsuri", "graphics_uri", 's', true}, {"listen-address", "listen_address", 's', true},
	{"dname", "destination_name", 's', false}, {"disks-port", "disks_port", 'i', true}, {"disks-uri", "disks_uri", 's', true},
	{"xml", "destination_xml", 'f', false}, {"persistent-xml", "persistent_xml", 'f', true}, {"migrate-disks", "migrate_disks", 'l', true},
	{"migrate-disks-detect-zeroes", "migrate_disks_detect_zeroes", 'l', true}, {"comp-methods", "compression", 'l', true},
	{"comp-mt-level", "compression.mt.level", 'i', true}, {"comp-mt-threads", "compression.mt.threads", 'i', true},
	{"comp-mt-dthreads", "compression.mt.dthreads", 'i', true}, {"comp-xbzrle-cache", "compression.xbzrle.cache", 'u', true},
	{"comp-zlib-level", "compression.zlib.level", 'i', true}, {"comp-zstd-level", "compression.zstd.level", 'i', true},
	{"auto-converge-initial", "auto_converge.initial", 'i', true}, {"auto-converge-increment", "auto_converge.increment", 'i', true},
	{"bandwidth", "bandwidth", 'u', false}, {"postcopy-bandwidth", "bandwidth.postcopy", 'u', true},
	{"available-switchover-bandwidth", "bandwidth.avail.switchover", 'u', true}, {"parallel-connections", "parallel.connections", 'i', true},
	{"tls-destination", "tls.destination", 's', true},
}

// migrateRows are a migration and what waits for one.
func migrateRows() []Command { return []Command{migrateRow(), awaitRow(), announceRow()} }

func migrateRow() Command {
	word := func(name, help string) Option { return str(name, 0, help).with(completion.Free) }
	loose := func(name, help string) Option { return str(name, Loose, help).with(completion.Free) }
	number := func(name, help string) Option { return num(name, 0, help).with(completion.Free) }
	return Command{Name: "migrate", Summary: "move a domain to another host", Run: migrate, Options: opts(domainKind.object(domainKind.any),
		str("desturi", RP, "connection of the destination").with(completion.Free), flag("live", "while it runs"), flag("offline", "its definition alone"),
		flag("p2p", "the source's daemon speaks to the destination"), flag("direct", "the hypervisor does it by itself"),
		alias("tunneled", "tunnelled"), flag("tunnelled", "through the daemons' connection"), flag("persistent", "keep it at the destination"),
		flag("undefinesource", "forget it at the source"), flag("suspend", "leave it paused at the destination"),
		flag("copy-storage-all", "copy its disks, too"), flag("copy-storage-inc", "copy its disks' topmost images, too"),
		flag("copy-storage-synchronous-writes", "writes wait for the copy"), flag("change-protection", "refuse changes meanwhile"),
		flag("unsafe", "even if it may harm the disks"), flag("verbose", "show how far it is"), flag("compressed", "compress repeated pages"),
		flag("auto-converge", "slow the domain down if it is too busy"), flag("rdma-pin-all", "pin all memory for RDMA"),
		flag("abort-on-error", "give up on a soft error"), flag("postcopy", "copying afterwards is possible"),
		flag("postcopy-after-precopy", "copy afterwards once all was copied once"), flag("postcopy-resume", "go on with copying afterwards that failed"),
		flag("zerocopy", "without copying memory on this host"), loose("migrateuri", "where the memory goes"), loose("graphicsuri", "where displays go"),
		loose("listen-address", "address at which the destination listens"), loose("dname", "name at the destination"),
		num("timeout", Loose, "act if it takes more than so many seconds").with(completion.Free), flag("timeout-suspend", "the act is to pause the domain"),
		flag("timeout-postcopy", "the act is to copy afterwards"), str("xml", Loose, "file with the XML at the destination").with(completion.Files),
		loose("migrate-disks", "targets of the disks to copy, with commas"),
		word("migrate-disks-detect-zeroes", "targets of the disks whose zeros are not copied"),
		num("disks-port", Loose, "port for the disks").with(completion.Free), word("disks-uri", "where the disks go"),
		str("comp-methods", 0, "ways to compress, with commas").of("xbzrle mt zlib zstd").list(), number("comp-mt-level", "level of compression"),
		number("comp-mt-threads", "threads that compress"), number("comp-mt-dthreads", "threads that decompress"),
		number("comp-xbzrle-cache", "bytes of the cache of pages"), number("auto-converge-initial", "percent of slowing down at first"),
		number("auto-converge-increment", "percent more each time"), str("persistent-xml", 0, "file with the XML to keep").with(completion.Files),
		flag("tls", "encrypt"), number("postcopy-bandwidth", "MiB a second while copying afterwards"), flag("parallel", "over several connections"),
		number("parallel-connections", "how many"), number("bandwidth", "MiB a second at most"), word("tls-destination", "name in the destination's certificate"),
		number("comp-zlib-level", "level of zlib"), number("comp-zstd-level", "level of zstd"),
		number("available-switchover-bandwidth", "bytes a second expected for the last step"))}
}

// migrateRules refuse what does not go together.
func migrateRules(c *Call) error {
	if err := c.Exclusive("live", "offline"); err != nil {
		return err
	}
	if err := c.Exclusive("timeout-suspend", "timeout-postcopy"); err != nil {
		return err
	}
	if err := c.Exclusive("copy-storage-all", "copy-storage-inc"); err != nil {
		return err
	}
	for _, pair := range [][2]string{{"postcopy-after-precopy", "postcopy"}, {"postcopy-resume", "postcopy"}, {"timeout-postcopy", "postcopy"},
		{"persistent-xml", "persistent"}, {"tls-destination", "tls"}} {
		if err := c.Requires(pair[0], pair[1]); err != nil {
			return err
		}
	}
	for _, name := range []string{"copy-storage-synchronous-writes", "migrate-disks", "migrate-disks-detect-zeroes"} {
		if c.Has(name) && !c.Has("copy-storage-all") && !c.Has("copy-storage-inc") {
			return shellError("'--%s' requires one of '--copy-storage-all', '--copy-storage-inc'", name)
		}
	}
	return nil
}

// migrateRequest reads all of migrate's options but the destination.
func migrateRequest(c *Call) (drivers.Migration, bool, error) {
	m := drivers.Migration{URI: c.Str("desturi")}
	for i := range c.Command.Options {
		switch o := &c.Command.Options[i]; {
		case o.Kind != Bool || !c.Has(o.Name), o.Name == "verbose", strings.HasPrefix(o.Name, "timeout-"), o.Name == "postcopy-after-precopy":
		default:
			m.Options = append(m.Options, o.Name)
		}
	}
	extended := false
	for _, p := range migrateParams {
		if !c.Has(p.option) {
			continue
		}
		extended = extended || p.extended
		switch p.kind {
		case 's':
			m.Params = append(m.Params, drivers.Param{Name: p.param, Value: c.Str(p.option)})
		case 'l':
			for _, w := range strings.Split(c.Str(p.option), ",") {
				m.Params = append(m.Params, drivers.Param{Name: p.param, Value: w})
			}
		case 'i':
			v, _, err := c.Int32(p.option)
			if err != nil {
				return m, false, err
			}
			m.Params = append(m.Params, drivers.Param{Name: p.param, Value: int32(v)})
		case 'u':
			v, _, err := c.Uint64(p.option)
			if err != nil {
				return m, false, err
			}
			m.Params = append(m.Params, drivers.Param{Name: p.param, Value: v})
		case 'f':
			src, err := c.File(p.option)
			if err != nil {
				return m, false, failed(err, "cannot read file '%s'", c.Str(p.option))
			}
			m.Params = append(m.Params, drivers.Param{Name: p.param, Value: string(src.Data)})
		}
	}
	return m, extended, nil
}

// cannotMigrate is the peer's error for a driver that does not migrate at all.
func cannotMigrate(c *Call, extended bool) error {
	no := func(format string, args ...any) error { return xml.Errorf(xml.CodeArgUnsupported, format, args...) }
	switch {
	case c.ReadOnly:
		return xml.Errorf(xml.CodeForbidden, "read only access prevents virDomainMigrate3")
	case c.Has("tunnelled") && !c.Has("p2p"):
		return xml.Errorf(xml.CodePlain, "cannot perform tunnelled migration without using peer2peer flag")
	case c.Has("offline"):
		return no("offline migration is not supported by the source host")
	case c.Has("p2p"):
		return no("p2p migration is not supported by the source host")
	case c.Has("direct"):
		return no("direct migration is not supported by the source host")
	case c.Has("change-protection"):
		return no("cannot enforce change protection")
	case extended:
		return no("Migration APIs with extensible parameters are not supported but extended parameters were passed")
	}
	return drivers.Unsupported("virDomainMigrate3")
}

func migrate(ctx context.Context, c *Call) error {
	if err := migrateRules(c); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	seconds, _, err := c.Int("timeout", 0, math.MaxInt32/1000)
	if err != nil {
		return err
	}
	switch {
	case seconds > 0 && !c.Has("live"):
		return shellError("migrate: Unexpected timeout for offline migration")
	case seconds <= 0 && (c.Has("timeout-suspend") || c.Has("timeout-postcopy")):
		return shellError("migrate: Unexpected --timeout-* option without --timeout")
	}
	m, extended, err := migrateRequest(c)
	if err != nil {
		return err
	}
	if !slices.Contains(m.Options, "p2p") && !slices.Contains(m.Options, "direct") {
		c.Flush()
		dest, err := c.Open(ctx, m.URI, drivers.OpenOptions{Getenv: c.Getenv, Ask: c.ask, Terminal: c.Terminal})
		if err != nil {
			return err
		}
		defer dest.Close()
		m.Dest = dest
	}
	d, ok := objects.(drivers.Migrator)
	if !ok || c.ReadOnly {
		return cannotMigrate(c, extended)
	}
	w := jobProgress{label: "Migration", after: time.Duration(seconds) * time.Second, late: func(ctx context.Context) error { return migrateLate(ctx, c, objects, ref) }}
	if c.Has("postcopy-after-precopy") {
		w.second = func(ctx context.Context) error { return switchToPostcopy(ctx, c, objects, ref) }
	}
	err = w.run(ctx, c, objects, ref, func(ctx context.Context) error { return d.Migrate(ctx, ref, m) })
	if err != nil {
		return err
	}
	c.Emit(Message{Data: Data{{"domain", ref.Name}, {"destination", m.URI}, {"action", "migrated"}}})
	return nil
}

// migrateLate is what --timeout does.
func migrateLate(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref) error {
	if c.Has("timeout-postcopy") {
		return switchToPostcopy(ctx, c, objects, ref)
	}
	d, err := change[drivers.Pauser](c, objects, "virDomainSuspend")
	if err != nil {
		return err
	}
	return d.Suspend(ctx, ref)
}

func switchToPostcopy(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref) error {
	d, err := change[drivers.MigrationTuner](c, objects, "virDomainMigrateStartPostCopy")
	if err != nil {
		return err
	}
	return d.StartPostcopy(ctx, ref)
}

// jobProgress follows a long operation of a domain.
type jobProgress struct {
	label  string
	after  time.Duration               // 0: never
	late   func(context.Context) error // done once when it takes longer than after
	second func(context.Context) error // done once when memory is copied for the second time
}

// run does the work, and meanwhile shows how far it is (--verbose). When the
// command is stopped the job is ended and its error awaited.
func (p jobProgress) run(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref, work func(context.Context) error) error {
	jobs, canTell := objects.(drivers.Jobber)
	done := make(chan error, 1)
	go func() { done <- work(context.WithoutCancel(ctx)) }()
	var late <-chan time.Time
	if p.after > 0 {
		t := time.NewTimer(p.after)
		defer t.Stop()
		late = t.C
	}
	tick := time.NewTicker(pollJob)
	defer tick.Stop()
	stopped := ctx.Done()
	shown := c.Has("verbose") && c.format() == "text"
	for {
		select {
		case err := <-done:
			if err == nil && shown {
				c.progress(p.label, 0, 1)
			}
			return err
		case <-stopped:
			stopped = nil
			if canTell {
				_ = jobs.AbortJob(context.WithoutCancel(ctx), ref) // the work's own error says how it ended
			}
		case <-late:
			if err := p.late(ctx); err != nil {
				c.Debugf(3, "%s: %v", c.Command.Name, err)
			}
		case <-tick.C:
			if !canTell || !shown && p.second == nil {
				continue
			}
			job, err := jobs.Job(ctx, ref)
			if err != nil || job.Type == drivers.NoJob {
				continue
			}
			if p.second != nil && stat(job, "memory_iteration") > 1 {
				_ = p.second(ctx) // else it goes on copying before
				p.second = nil
			}
			if shown && stat(job, "data_total") > 0 {
				c.progress(p.label, stat(job, "data_remaining"), stat(job, "data_total"))
			}
		}
	}
}

// stat is a number of a job, 0 if it is not told.
func stat(job drivers.Job, name string) uint64 {
	for _, p := range job.Stats {
		if v, ok := p.Value.(uint64); ok && p.Name == name {
			return v
		}
	}
	return 0
}
