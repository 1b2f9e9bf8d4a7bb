package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// A guest is busy with one job at a time: it is saved or dumped. The watcher does
// it, to its end even if the command that wants it is killed.

// Libvirt's numbers of what a job does.
const (
	saveOperation     = 2
	snapshotOperation = 6
	dumpOperation     = 8
	backupOperation   = 9
)

// job is what the guest is busy with.
type job struct {
	operation int32
	name      string // in errors: "domain save"
	began     time.Time
	stopped   time.Time // when the guest was; zero: it runs
	cancel    context.CancelFunc
	aborted   bool
	lets      bool // the guest can be suspended and resumed meanwhile
	// stats tells how far it is; nil while nothing can be told.
	stats func(context.Context) ([]drivers.Param, error)
}

// slot is held by the job; others wait for it.
type slot chan struct{}

// begin takes the slot for a job, waiting for another one's end. done gives it back.
func (g *guest) begin(ctx context.Context, operation int32, name string) (j *job, work context.Context, done func(), err error) {
	if err := g.waitSlot(ctx); err != nil {
		return nil, nil, nil, err
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j = &job{operation: operation, name: name, began: time.Now(), cancel: cancel}
	g.mu.Lock()
	g.job, g.passes = j, 0
	g.mu.Unlock()
	return j, work, func() {
		g.mu.Lock()
		g.job = nil
		g.mu.Unlock()
		cancel()
		<-g.slot
	}, nil
}

// waitSlot takes the slot.
func (g *guest) waitSlot(ctx context.Context) error {
	select {
	case g.slot <- struct{}{}:
		return nil
	default:
	}
	late := time.NewTimer(lockWait)
	defer late.Stop()
	select {
	case g.slot <- struct{}{}:
		return nil
	case <-g.over:
		return notRunning()
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job != nil {
		return xml.Errorf(xml.CodeTimeout, "cannot acquire state change lock (held by job=%s)", g.job.name)
	}
	return xml.Errorf(xml.CodeTimeout, "cannot acquire state change lock")
}

// idle waits until no job is in the way of a change of the guest's state.
func (g *guest) idle(ctx context.Context) error {
	g.mu.Lock()
	free := g.job == nil || g.job.lets
	g.mu.Unlock()
	if free {
		return nil
	}
	if err := g.waitSlot(ctx); err != nil {
		return err
	}
	<-g.slot
	return nil
}

// abortJob ends the job.
func (g *guest) abortJob() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == nil {
		return xml.Errorf(xml.CodeOperationInvalid, "no job is active on the domain")
	}
	g.job.aborted = true
	g.job.cancel()
	return nil
}

// jobAnswer tells of a job over the watcher's socket and on disk.
type jobAnswer struct {
	Type  drivers.JobType `json:"type"`
	Stats []wireParam     `json:"stats"`
}

// wireParam is a parameter in JSON, which keeps its type.
type wireParam struct {
	Name   string  `json:"name"`
	Int    *int32  `json:"int,omitempty"`
	UInt   *uint64 `json:"uint,omitempty"`
	String *string `json:"string,omitempty"`
}

func toWire(list []drivers.Param) []wireParam {
	var out []wireParam
	for _, p := range list {
		w := wireParam{Name: p.Name}
		switch v := p.Value.(type) {
		case int32:
			w.Int = &v
		case uint64:
			w.UInt = &v
		case string:
			w.String = &v
		}
		out = append(out, w)
	}
	return out
}

func (a jobAnswer) job() drivers.Job {
	j := drivers.Job{Type: a.Type}
	for _, w := range a.Stats {
		switch {
		case w.Int != nil:
			j.Stats = append(j.Stats, drivers.Param{Name: w.Name, Value: *w.Int})
		case w.UInt != nil:
			j.Stats = append(j.Stats, drivers.Param{Name: w.Name, Value: *w.UInt})
		case w.String != nil:
			j.Stats = append(j.Stats, drivers.Param{Name: w.Name, Value: *w.String})
		}
	}
	return j
}

// jobNow tells what the guest is busy with.
func (g *guest) jobNow(ctx context.Context) (jobAnswer, error) {
	g.mu.Lock()
	j := g.job
	if j == nil {
		g.mu.Unlock()
		return jobAnswer{}, nil
	}
	operation, began, stats := j.operation, j.began, j.stats
	g.mu.Unlock()
	list := []drivers.Param{{Name: "operation", Value: operation}, {Name: "time_elapsed", Value: uint64(time.Since(began).Milliseconds())}}
	if stats != nil {
		more, err := stats(ctx)
		if err != nil {
			return jobAnswer{}, err
		}
		list = append(list, more...)
	}
	return jobAnswer{drivers.UnboundedJob, toWire(list)}, nil
}

// completed keeps a job's last numbers, also beyond the guest's end.
func (g *guest) completed(j *job, stats []drivers.Param) {
	now := time.Now()
	list := []drivers.Param{{Name: "operation", Value: j.operation}, {Name: "time_elapsed", Value: uint64(now.Sub(j.began).Milliseconds())}}
	for _, p := range stats {
		if p.Name == "downtime" && !j.stopped.IsZero() {
			p.Value = uint64(now.Sub(j.stopped).Milliseconds())
		}
		list = append(list, p)
	}
	var told strings.Builder
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range list {
		if passes, ok := p.Value.(uint64); ok && p.Name == "memory_iteration" {
			g.tellPasses(passes)
		}
		fmt.Fprintf(&told, "\n\t%s: %v", p.Name, p.Value)
	}
	g.tell("job-completed", told.String(), "")
	path := g.layout.completedJob(g.status.Name)
	if data, err := json.Marshal(jobAnswer{drivers.CompletedJob, toWire(list)}); err == nil && drivers.MakeDir(filepath.Dir(path)) == nil {
		_ = drivers.ReplaceFile(path, data, 0o600) // numbers of the past: nothing fails for want of them
	}
}

// tellPasses says that a migration has come to a pass over the memory, and to those
// before. What QEMU answers at the end may be read before its events are. g.mu is held.
func (g *guest) tellPasses(upTo uint64) {
	for ; g.passes < upTo; g.passes++ {
		g.tell("migration-iteration", fmt.Sprintf("iteration: '%d'", g.passes+1), "")
	}
}

// Job tells what a guest is busy with.
func (d *domains) Job(ctx context.Context, r drivers.Ref) (drivers.Job, error) {
	var a jobAnswer
	err := d.ask(ctx, r, cmdJob, nil, &a)
	return a.job(), err
}

// JobStats also tells of the last job that was completed.
func (d *domains) JobStats(ctx context.Context, r drivers.Ref, o drivers.JobOptions) (drivers.Job, error) {
	if !o.Completed {
		return d.Job(ctx, r)
	}
	path := d.layout.completedJob(r.Name)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return drivers.Job{}, nil
	}
	var a jobAnswer
	if err != nil || json.Unmarshal(data, &a) != nil {
		return drivers.Job{}, nil
	}
	if !o.Keep {
		os.Remove(path)
	}
	return a.job(), nil
}

// AbortJob ends it.
func (d *domains) AbortJob(ctx context.Context, r drivers.Ref) error {
	return d.ask(ctx, r, cmdAbortJob, nil, nil)
}

// AbortPostcopy is for migrations, of which there are none.
func (d *domains) AbortPostcopy(ctx context.Context, r drivers.Ref) error {
	if err := d.ask(ctx, r, cmdJob, nil, nil); err != nil {
		return err
	}
	return xml.Errorf(xml.CodeOperationInvalid, "current job is not outgoing migration in post-copy mode")
}

var (
	_ drivers.Jobber     = (*domains)(nil)
	_ drivers.JobStatser = (*domains)(nil)
)

// lost turns the end of QEMU in the middle of a job into the peer's error.
func lost(err error) error {
	if errors.Is(err, qmp.ErrClosed) {
		return xml.Errorf(xml.CodeOperationFailed, "domain is not running")
	}
	return err
}
