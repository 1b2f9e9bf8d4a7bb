package qemu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var _ drivers.Dumper = (*domains)(nil)

// dumpRequest is what a command asks of the watcher.
type dumpRequest struct {
	drivers.DumpFlags
	Path   string `json:"path"`
	Format string `json:"format,omitempty"` // QEMU's name, of a dump of the memory alone
	Image  int    `json:"image,omitempty"`  // the form of another dump
}

// dumpFormats are QEMU's names for formats of dumps.
var dumpFormats = map[string]string{"": "", "elf": "elf", "kdump-zlib": "kdump-zlib", "kdump-lzo": "kdump-lzo", "kdump-snappy": "kdump-snappy", "win-dmp": "win-dmp",
	"kdump-raw-zlib": "kdump-raw-zlib", "kdump-raw-lzo": "kdump-raw-lzo", "kdump-raw-snappy": "kdump-raw-snappy"}

// Dump writes a guest's memory to a file: the memory alone, or all that a
// migration would take along.
func (d *domains) Dump(ctx context.Context, r drivers.Ref, path, format string, f drivers.DumpFlags) error {
	for _, pair := range []struct {
		both bool
		a, b string
	}{{f.Crash && f.Live, "CRASH", "LIVE"}, {f.Crash && f.Reset, "CRASH", "RESET"}, {f.Live && f.Reset, "LIVE", "RESET"}} {
		if pair.both {
			return xml.Errorf(xml.CodePlain, "Flags 'VIR_DUMP_%s' and 'VIR_DUMP_%s' are mutually exclusive", pair.a, pair.b)
		}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, running := d.touch(ctx, r.Name); !running {
		return notRunning()
	}
	name, known := dumpFormats[format]
	if !known {
		return xml.Errorf(xml.CodeInvalidArg, "invalid dump format '%s'", format)
	}
	image, err := d.layout.dumpImage()
	if err != nil {
		return err
	}
	return d.ask(ctx, r, cmdDump, dumpRequest{f, full, name, image}, nil)
}

// dumpImage is the configured form of dumps that are not of the memory alone. One
// that cannot be had is raw, as the peer does it.
func (l Layout) dumpImage() (int, error) {
	config, err := l.config()
	if err != nil {
		return 0, err
	}
	name, err := config.String("dump_image_format")
	if name == "" || err != nil {
		return 0, err
	}
	n := saveFormatNumber(name)
	if n < 0 || n == sparseFormat || lookForProgram(saveFormats[n].compress) != nil {
		n = 0
	}
	return n, nil
}

// dump writes the guest's memory, and then does with the guest what was asked for.
func (g *guest) dump(ctx context.Context, r dumpRequest) error {
	j, work, done, err := g.begin(ctx, dumpOperation, "domain core dump")
	if err != nil {
		return err
	}
	g.mu.Lock()
	j.lets = r.Live
	g.mu.Unlock()
	err = g.dumpTo(work, j, r)
	done()
	if err != nil || !r.Crash {
		return err
	}
	g.mu.Lock()
	g.ending, g.farewell = drivers.ShutOffCrashed, "Crashed"
	g.mu.Unlock()
	go g.kill(drivers.ShutOffCrashed)
	<-g.gone
	return nil
}

func (g *guest) dumpTo(ctx context.Context, j *job, r dumpRequest) error {
	if err := g.canDump(ctx, r); err != nil {
		return err
	}
	if !r.MemoryOnly {
		if err := g.canLeave(ctx); err != nil {
			return err
		}
	}
	g.mu.Lock()
	ran := g.status.State == drivers.Running
	g.mu.Unlock()
	file, record, err := g.createSave(r.Path, ran, true)
	if err != nil {
		return err
	}
	defer file.Close()
	defer g.record(nil)
	defer record.drop()
	if ran && !r.Live {
		if err := g.stopFor(ctx, j, drivers.PausedDumping); err != nil {
			return err
		}
	}
	again := ran && !r.Crash
	defer func() {
		if again || ran && err != nil {
			g.goOn(drivers.RunningUnpaused)
		}
	}()
	if err = g.writeDump(ctx, j, file, r); err != nil {
		return err
	}
	if err = record.finish(file); err != nil {
		return err
	}
	if r.Reset {
		if err = refusal("system_reset", g.qmp.Execute(ctx, "system_reset", nil, nil)); err != nil {
			return lost(err)
		}
	}
	return nil
}

// canDump refuses a format that this QEMU lacks.
func (g *guest) canDump(ctx context.Context, r dumpRequest) error {
	if !r.MemoryOnly || r.Format == "" || r.Format == "elf" {
		return nil
	}
	var can struct{ Formats []string }
	if err := g.qmp.Execute(ctx, "query-dump-guest-memory-capability", nil, &can); err != nil {
		return lost(err)
	}
	if !slices.Contains(can.Formats, r.Format) {
		return xml.Errorf(xml.CodeInvalidArg, "unsupported dumpformat '%s' for this QEMU binary", r.Format)
	}
	return nil
}

func (g *guest) writeDump(ctx context.Context, j *job, file *os.File, r dumpRequest) error {
	if r.MemoryOnly {
		return g.writeMemory(ctx, j, file, r)
	}
	stop := g.watchMigration(j)
	defer stop()
	if err := g.setUpMigration(ctx, map[string]any{"max-bandwidth": unlimited}); err != nil {
		return err
	}
	last, err := g.writeStream(ctx, j, file, r.Path, saveFormats[r.Image].compress, r.BypassCache)
	if err == nil {
		g.completed(j, last.params())
	}
	return err
}

// writeMemory dumps the memory alone.
func (g *guest) writeMemory(ctx context.Context, j *job, file *os.File, r dumpRequest) error {
	to, out := file, (*flow)(nil)
	if r.BypassCache && (r.Format == "" || r.Format == "elf") { // the others are written here and there
		var err error
		if out, err = flowOut(file, nil, true); err != nil {
			return err
		}
		to = out.qemu
	}
	err := g.dumpMemory(ctx, j, to, r.Format)
	switch {
	case out == nil:
		return err
	case err != nil:
		out.abandon()
		return err
	}
	return out.finish(r.Path)
}

func (g *guest) dumpMemory(ctx context.Context, j *job, to *os.File, format string) error {
	const name = "virgo-dump"
	if err := g.passFile(ctx, name, to); err != nil {
		return lost(err)
	}
	// before the dump begins: a short one has ended when the command answers
	listen, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	events, err := g.qmp.Events(listen)
	if err != nil {
		return lost(err)
	}
	args := map[string]any{"paging": false, "protocol": "fd:" + name, "detach": true}
	if format != "" {
		args["format"] = format
	}
	if err := refusal("dump-guest-memory", g.qmp.Execute(ctx, "dump-guest-memory", args, nil)); err != nil {
		return lost(err)
	}
	g.mu.Lock()
	j.stats = g.dumpStats
	g.mu.Unlock()
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select { // QEMU cannot be told to stop it: an abort waits for its end, too
		case e := <-events:
			if e.Event == "DUMP_COMPLETED" {
				if text, _ := e.Data["error"].(string); text != "" {
					return xml.Errorf(xml.CodeOperationFailed, "memory-only dump failed: %s", text)
				}
			}
		case <-time.After(wait):
		}
		var m dumpState
		if err := g.qmp.Execute(listen, "query-dump", nil, &m); err != nil {
			return lost(err)
		}
		switch m.Status {
		case "completed":
			return nil
		case "failed":
			return xml.Errorf(xml.CodeOperationFailed, "memory-only dump failed: %s", whyDumpFailed(events))
		}
	}
}

// whyDumpFailed takes the reason from the event, which comes at once.
func whyDumpFailed(events <-chan qmp.Event) string {
	limit := time.After(time.Second)
	for {
		select {
		case e := <-events:
			if text, _ := e.Data["error"].(string); e.Event == "DUMP_COMPLETED" && text != "" {
				return text
			}
		case <-limit:
			return "unknown error"
		}
	}
}

// dumpState is what query-dump answers.
type dumpState struct {
	Status           string
	Completed, Total uint64
}

func (g *guest) dumpStats(ctx context.Context) ([]drivers.Param, error) {
	var m dumpState
	if err := g.qmp.Execute(ctx, "query-dump", nil, &m); err != nil {
		return nil, lost(err)
	}
	var list []drivers.Param
	for _, kind := range []string{"data", "memory"} {
		list = append(list, drivers.Param{Name: kind + "_total", Value: m.Total}, drivers.Param{Name: kind + "_processed", Value: m.Completed},
			drivers.Param{Name: kind + "_remaining", Value: m.Total - min(m.Completed, m.Total)})
	}
	return list, nil
}

// coreDump writes the memory of a guest that has crashed, for on_crash.
func (g *guest) coreDump() {
	dir := filepath.Join(g.layout.Lib, "dump")
	if drivers.MakeDir(dir) != nil {
		return
	}
	path := filepath.Join(dir, fmt.Sprintf("%d-%s-%s", g.status.ID, g.status.Name, time.Now().Format("2006-01-02-15:04:05")))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	if g.dumpMemory(context.Background(), &job{}, file, "") != nil {
		os.Remove(path)
	}
}
