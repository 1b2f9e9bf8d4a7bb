package commands

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// blockRows are the commands that work on the images of disks.
func blockRows() []Command {
	k := domainKind
	path := str("path", RP, "target or source of the disk").with(completion.Disks)
	bandwidth := num("bandwidth", Loose, "limit in MiB a second").with(completion.Free)
	bytes := flag("bytes", "the limit is in bytes a second")
	timeout := num("timeout", Loose, "give up after so many seconds").with(completion.Free)
	waiting := opts(flag("wait", "wait until it is done"), flag("verbose", "show how far it is"), timeout)
	async := flag("async", "do not wait for the end of a job that is given up")
	return []Command{
		{Name: "blockcommit", Summary: "write images into the one below them", Run: blockcommit, Options: opts(k.object(k.active), path, bandwidth,
			str("base", Loose, "image that is written to").with(completion.Free), flag("shallow", "only into the next one"),
			str("top", Loose, "topmost image that is written").with(completion.Free), flag("active", "the topmost is the active one"),
			flag("delete", "remove the files then"), waiting, flag("pivot", "go over to the lower image when it has caught up"),
			flag("keep-overlay", "stay with the upper image then"), async, flag("keep-relative", "keep names of backing files relative"), bytes)},
		{Name: "blockcopy", Summary: "copy a disk while it is used", Run: blockcopy, Options: opts(k.object(k.active), path,
			str("dest", Loose, "file or device to copy to").with(completion.Files), bandwidth, flag("shallow", "only the topmost image"),
			flag("reuse-external", "the destination is there already"), alias("raw", "format=raw"), flag("blockdev", "the destination is a block device"),
			waiting, flag("pivot", "go over to the copy when it has caught up"), flag("finish", "leave the copy then"), async,
			str("xml", Loose, "file with the XML of the destination").with(completion.Files), str("format", Loose, "format of the copy").of(diskFormats),
			num("granularity", Loose, "bytes that are copied together").with(completion.Free),
			num("buf-size", Loose, "bytes under way at most").with(completion.Free), bytes,
			flag("transient-job", "the job need not outlive the domain"), flag("synchronous-writes", "writes wait for the copy"),
			flag("print-xml", "print the XML of the destination and do nothing"), ownFlag("dest-is-zero", "the destination reads as zeros"))},
		{Name: "blockjob", Summary: "show or change a disk's job", Run: blockjob, Options: opts(k.object(k.active), path,
			flag("abort", "end it"), flag("async", "do not wait for its end"), flag("pivot", "go over to the copy"),
			flag("info", "show it"), flag("bytes", "bandwidth in bytes"), flag("raw", "as name=value"), bandwidth)},
		{Name: "blockpull", Summary: "copy what lies below into a disk's image", Run: blockpull, Options: opts(k.object(k.active), path, bandwidth,
			str("base", Loose, "image that stays below").with(completion.Free), waiting, async,
			flag("keep-relative", "keep names of backing files relative"), bytes)},
		{Name: "blockresize", Summary: "change the size of a disk", Run: blockresize, Options: opts(k.object(k.active), path,
			num("size", Positional, "new size, in KiB if no unit is given").with(completion.Free), flag("capacity", "as large as the device below"),
			ownFlag("extend", "never make it smaller"))},
		{Name: "domblkthreshold", Summary: "ask for an event when an image has grown", Run: blkthreshold, Options: opts(k.object(k.active),
			str("dev", RP, "target of the disk").with(completion.Disks), num("threshold", RP, "size, in bytes if no unit is given").with(completion.Free))},
	}
}

// ownFlag is a flag that virsh 11.3.0 does not have.
func ownFlag(name, help string) Option { return flag(name, help).own() }

// bandwidth reads a limit: MiB a second, or bytes with --bytes or a unit.
func (c *Call) bandwidth() (uint64, error) {
	if !c.Has("bandwidth") {
		return 0, nil
	}
	text := strings.TrimLeft(c.Str("bandwidth"), " \t\n")
	number, negative := strings.CutPrefix(text, "-")
	if v, err := strconv.ParseUint(strings.TrimPrefix(number, "+"), 10, 64); err == nil {
		switch {
		case negative || !c.Has("bytes") && v > math.MaxUint64>>20: // the peer wraps around: no limit is that high
			return math.MaxUint64 >> 20 << 20, nil
		case !c.Has("bytes"):
			return v << 20, nil
		}
	}
	v, _, err := c.Scaled("bandwidth", 1, math.MaxInt64)
	var f *Failure
	if errors.As(err, &f) {
		f.Text = strings.Replace(f.Text, "<bandwidth>", "<--bandwidth>", 1)
	}
	return v, err
}

func (c *Call) jobber(objects drivers.Objects, api string) (drivers.BlockJobber, error) {
	return change[drivers.BlockJobber](c, objects, api)
}

// waitsFor reads the options that say that the end of a job is waited for.
func (c *Call) waitsFor(ends ...string) (bool, error) {
	if err := c.Exclusive(ends...); err != nil {
		return false, err
	}
	if len(ends) == 0 {
		for _, name := range []string{"verbose", "async"} {
			if err := c.Requires(name, "wait"); err != nil {
				return false, err
			}
		}
	}
	if _, _, err := c.Int("timeout", 1, math.MaxInt32/1000); err != nil {
		return false, err
	}
	if len(ends) == 0 {
		return c.Has("wait"), nil
	}
	for _, name := range append([]string{"wait", "timeout"}, ends...) {
		if c.Has(name) {
			return true, nil
		}
	}
	for _, name := range []string{"verbose", "async"} {
		if !c.Has(name) {
			continue
		}
		return false, shellError("--%s requires at least one of --timeout, --wait, --%s, or --%s", name, ends[0], ends[1])
	}
	return false, nil
}

func blockcommit(ctx context.Context, c *Call) error {
	wait, err := c.waitsFor("pivot", "keep-overlay")
	if err != nil {
		return err
	}
	o := drivers.BlockJobOptions{Shallow: c.Has("shallow"), Delete: c.Has("delete"), KeepRelative: c.Has("keep-relative"),
		Active: c.Has("active") || c.Has("pivot") || c.Has("keep-overlay")}
	if o.Bandwidth, err = c.bandwidth(); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	w := jobWait{label: "Block commit", done: "Commit complete", stopped: "Commit aborted", failed: "Commit failed"}
	d, err := c.jobber(objects, "virDomainBlockCommit")
	defer w.listen(ctx, objects, ref, wait && err == nil)()
	if err == nil {
		err = d.BlockCommit(ctx, ref, c.Str("path"), c.Str("base"), c.Str("top"), o)
	}
	if err != nil {
		return err
	}
	started := "Block Commit started"
	if o.Active {
		started = "Active Block Commit started"
		w.ready = "Now in synchronized phase"
	}
	if c.Has("keep-overlay") {
		w.leave, w.left = true, "Commit complete, overlay image kept"
	}
	return w.run(ctx, c, d, ref, wait, started)
}

func blockpull(ctx context.Context, c *Call) error {
	wait, err := c.waitsFor()
	if err != nil {
		return err
	}
	o := drivers.BlockJobOptions{KeepRelative: c.Has("keep-relative")}
	if o.Bandwidth, err = c.bandwidth(); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	api := "virDomainBlockPull"
	if c.Has("base") || o.KeepRelative {
		api = "virDomainBlockRebase"
	}
	w := jobWait{label: "Block Pull", done: "Pull complete", stopped: "Pull aborted", failed: "Pull failed"}
	d, err := c.jobber(objects, api)
	defer w.listen(ctx, objects, ref, wait && err == nil)()
	if err == nil {
		err = d.BlockPull(ctx, ref, c.Str("path"), c.Str("base"), o)
	}
	if err != nil {
		return err
	}
	return w.run(ctx, c, d, ref, wait, "Block Pull started")
}

func blockcopy(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"dest", "xml"}, {"format", "xml"}, {"blockdev", "xml"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	if err := c.Exclusive("pivot", "finish"); err != nil {
		return err
	}
	if _, _, err := c.Int("timeout", 1, math.MaxInt32/1000); err != nil {
		return err
	}
	var err error
	o := drivers.BlockJobOptions{Shallow: c.Has("shallow"), Reuse: c.Has("reuse-external"), Transient: c.Has("transient-job"),
		Synchronous: c.Has("synchronous-writes"), DestIsZero: c.Has("dest-is-zero")}
	if o.Bandwidth, err = c.bandwidth(); err != nil {
		return err
	}
	if err := copySizes(c, &o); err != nil {
		return err
	}
	dest, err := copyDestination(c)
	if err != nil {
		return err
	}
	wait, err := c.waitsFor("pivot", "finish")
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: string(dest)})
		return nil
	}
	api := "virDomainBlockRebase" // all that it can be told
	if c.Has("xml") || c.Has("format") && c.Str("format") != "raw" || o.Granularity != 0 || o.BufSize != 0 || o.Transient || o.Synchronous || o.DestIsZero {
		api = "virDomainBlockCopy"
	}
	o.Plain = api == "virDomainBlockRebase"
	w := jobWait{label: "Block Copy", ready: "Now in mirroring phase", stopped: "Copy aborted", failed: "Copy failed", leave: c.Has("finish"), left: "Successfully copied"}
	d, err := c.jobber(objects, api)
	defer w.listen(ctx, objects, ref, wait && err == nil)()
	if err == nil {
		err = d.BlockCopy(ctx, ref, c.Str("path"), dest, o)
	}
	if err != nil {
		return err
	}
	return w.run(ctx, c, d, ref, wait, "Block Copy started")
}

// copySizes reads the sizes that a copy takes.
func copySizes(c *Call, o *drivers.BlockJobOptions) error {
	granularity, _, err := c.Uint32("granularity")
	if err != nil {
		return err
	}
	o.Granularity = uint64(granularity)
	o.BufSize, _, err = c.Uint64("buf-size")
	return err
}

// copyDestination is the document of where a copy goes.
func copyDestination(c *Call) ([]byte, error) {
	switch {
	case c.Has("xml"):
		src, err := c.File("xml")
		return src.Data, err
	case !c.Has("dest"):
		return nil, shellError("need either --dest or --xml")
	}
	kind, name := "file", "file"
	if c.Has("blockdev") {
		kind, name = "block", "dev"
	}
	disk := xml.Element("disk", withAttr(xml.Element("source"), name, c.Str("dest"))).With("type", kind)
	if c.Has("format") {
		disk.Add(xml.Element("driver").With("type", c.Str("format")))
	}
	return disk.Print(), nil
}

// jobWait is how the end of a block job is waited for, and virsh's words for it.
type jobWait struct {
	label   string // of the progress
	done    string // it has ended by itself
	ready   string // it has caught up and goes on; "": such jobs do not
	leave   bool   // leave the copy when it has caught up
	left    string
	stopped string
	failed  string
	events  <-chan drivers.Event // how it ends; nil: nobody tells
}

// listen begins to listen for how the job ends, before it is there; the answer
// ends that. Where a driver has no events, a job that is over counts as done.
func (w *jobWait) listen(ctx context.Context, objects drivers.Objects, ref drivers.Ref, wait bool) func() {
	d, ok := objects.(drivers.Eventer)
	if !wait || !ok {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	if events, err := d.Events(ctx, &ref, []string{"block-job", "block-job-2"}); err == nil {
		w.events = events
	}
	return stop
}

// end is how an event says that the job of a disk has ended: completed, failed,
// canceled, or "".
func (w *jobWait) end(e drivers.Event, disk string) string {
	_, rest, ok := strings.Cut(e.Detail, " for "+disk+" ")
	if ok && rest != "ready" && (e.Name == "block-job" || e.Name == "block-job-2") {
		return rest
	}
	return ""
}

// howEnded waits a moment for word of how a job has ended that is over.
func (w *jobWait) howEnded(ctx context.Context, disk string) string {
	limit := time.After(pollJob)
	for w.events != nil {
		select {
		case e, ok := <-w.events:
			if how := w.end(e, disk); how != "" || !ok {
				return how
			}
		case <-limit:
			return ""
		case <-ctx.Done():
			return ""
		}
	}
	return ""
}

// pollJob is how often a job is looked at.
const pollJob = 200 * time.Millisecond

func (w jobWait) run(ctx context.Context, c *Call, d drivers.BlockJobber, ref drivers.Ref, wait bool, started string) error {
	disk := c.Str("path")
	say := func(action, text string) error {
		c.Emit(Message{Text: text, Data: Data{{"domain", ref.Name}, {"disk", disk}, {"action", action}}, Extra: true})
		return nil
	}
	if !wait {
		return say("started", started)
	}
	limit, stop := ctx, context.CancelFunc(func() {})
	if seconds, timed, _ := c.Int("timeout", 1, math.MaxInt32/1000); timed {
		limit, stop = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	}
	defer stop()
	job, err := w.watch(limit, c, d, ref, disk)
	if limit.Err() != nil {
		// The command was stopped or its time is up: so is the job.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := d.AbortBlockJob(after, ref, disk, false, c.Has("async")); err != nil {
			return failed(err, "failed to abort job for disk %s", disk)
		}
		_ = say("aborted", "\n"+w.stopped)
		return ErrReported
	}
	if err != nil {
		return failed(err, "failed to query job for disk %s", disk)
	}
	if job == nil {
		switch w.howEnded(ctx, disk) {
		case "failed":
			return shellError("\n%s", w.failed)
		case "canceled":
			_ = say("aborted", "\n"+w.stopped)
			return ErrReported
		}
	}
	switch {
	case job == nil:
		return say("completed", "\n"+w.done)
	case c.Has("pivot"):
		if err := d.AbortBlockJob(ctx, ref, disk, true, false); err != nil {
			return failed(err, "failed to pivot job for disk %s", disk)
		}
		return say("pivoted", "\nSuccessfully pivoted")
	case w.leave:
		if err := d.AbortBlockJob(ctx, ref, disk, false, false); err != nil {
			return failed(err, "failed to finish job for disk %s", disk)
		}
		return say("finished", "\n"+w.left)
	}
	return say("ready", "\n"+w.ready)
}

// watch shows how far a job is until it has ended (nil) or caught up.
func (w jobWait) watch(ctx context.Context, c *Call, d drivers.BlockJobber, ref drivers.Ref, disk string) (*drivers.BlockJob, error) {
	for {
		job, err := d.BlockJob(ctx, ref, disk)
		if err != nil {
			return nil, err
		}
		over := job == nil || w.ready != "" && job.Ready()
		if c.Has("verbose") && c.format() == "text" {
			left, total := uint64(0), uint64(1)
			if !over {
				left, total = job.End-job.Cur, job.End
			}
			c.progress(w.label, left, total)
		}
		if over {
			return job, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollJob):
		}
	}
}

// progress shows how far something is, over the line before, where errors go, as
// virsh does it. Only what is done shows as 100.
func (c *Call) progress(label string, left, total uint64) {
	percent := 100.0
	if left > 0 {
		percent = 0
		if total > 0 {
			percent = min(100-float64(left)*100/float64(total), 99.99)
		}
	}
	c.Flush()
	fmt.Fprintf(c.Err, "\r%s: [%5.2f %%]", label, percent)
}

func blockjob(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"raw", "abort"}, {"raw", "pivot"}, {"raw", "async"}, {"raw", "bandwidth"}, {"info", "abort"}, {"info", "pivot"},
		{"info", "async"}, {"info", "bandwidth"}, {"bytes", "abort"}, {"bytes", "pivot"}, {"bytes", "async"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	speed, err := c.bandwidth()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	disk := c.Str("path")
	switch {
	case c.Has("bandwidth"):
		d, err := c.jobber(objects, "virDomainBlockJobSetSpeed")
		if err != nil {
			return err
		}
		return d.SetBlockJobSpeed(ctx, ref, disk, speed)
	case c.Has("abort"), c.Has("pivot"), c.Has("async"):
		d, err := c.jobber(objects, "virDomainBlockJobAbort")
		if err != nil {
			return err
		}
		return d.AbortBlockJob(ctx, ref, disk, c.Has("pivot"), c.Has("async"))
	}
	d, err := query[drivers.BlockJobber](objects, "virDomainGetBlockJobInfo")
	if err != nil {
		return err
	}
	job, err := d.BlockJob(ctx, ref, disk)
	if err != nil {
		return err
	}
	c.Emit(blockJobMessage(c, disk, job))
	return nil
}

func blockJobMessage(c *Call, disk string, job *drivers.BlockJob) Message {
	if job == nil {
		m := Message{Text: "No current block job for " + disk, Data: Data{{"disk", disk}, {"type", nil}}, Extra: true}
		if c.Has("raw") {
			m.Text = ""
		}
		return m
	}
	m := Message{Data: Data{{"disk", disk}, {"type", job.Kind.String()}, {"bandwidth_bytes", job.Bandwidth}, {"cur", job.Cur}, {"end", job.End}}}
	if c.Has("raw") {
		speed := job.Bandwidth
		if !c.Has("bytes") {
			speed >>= 20
		}
		m.Text = fmt.Sprintf(" type=%s\n bandwidth=%d\n cur=%d\n end=%d\n", job.Kind, speed, job.Cur, job.End)
		return m
	}
	if c.format() == "text" {
		c.progress(job.Kind.String(), job.End-job.Cur, job.End)
	}
	if job.Bandwidth > 0 {
		m.Text = fmt.Sprintf("    Bandwidth limit: %d bytes/s (%s/s)", job.Bandwidth, human(job.Bandwidth))
	}
	m.Text += "\n"
	return m
}

func blockresize(ctx context.Context, c *Call) error {
	if err := c.Exclusive("size", "capacity"); err != nil {
		return err
	}
	if !c.Has("size") && !c.Has("capacity") {
		return shellError("Either --size or --capacity must be provided")
	}
	bytes, _, err := c.Scaled("size", 1024, math.MaxUint64)
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	path := c.Str("path")
	d, err := change[drivers.BlockResizer](c, objects, "virDomainBlockResize")
	if err == nil {
		err = d.BlockResize(ctx, ref, path, bytes, c.Has("extend"))
	}
	if err != nil {
		return failed(err, "Failed to resize block device '%s'", path)
	}
	c.Emit(Message{Text: fmt.Sprintf("Block device '%s' is resized", path), Data: Data{{"domain", ref.Name}, {"disk", path}, {"action", "resized"}}, Extra: true})
	return nil
}

func blkthreshold(ctx context.Context, c *Call) error {
	bytes, _, err := c.Scaled("threshold", 1, math.MaxUint64)
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.BlockThresholder](c, objects, "virDomainSetBlockThreshold")
	if err != nil {
		return err
	}
	return d.SetBlockThreshold(ctx, ref, c.Str("dev"), bytes)
}
