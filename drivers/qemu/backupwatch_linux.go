package qemu

import (
	"context"
	"fmt"
	"strings"
	"time"

	"virgo/drivers"
)

// backingUp begins a backup, which is the guest's job until it is over: nothing
// that would change its state happens meanwhile, but that it is stopped and goes on.
func (g *guest) backingUp(ctx context.Context, began time.Time, begin func(context.Context) error) error {
	j, work, done, err := g.begin(ctx, backupOperation, "backup")
	if err != nil {
		return err
	}
	g.mu.Lock()
	j.began, j.lets, j.stats = began, true, g.blocks.BackupStats
	g.backup = func(stats []drivers.Param, failure string, ok bool) { g.backedUp(j, done, stats, failure, ok) }
	g.mu.Unlock()
	if err := begin(context.WithoutCancel(work)); err != nil {
		if g.blocks.Began().IsZero() { // else its jobs have yet to end
			g.mu.Lock()
			g.backup = nil
			g.mu.Unlock()
			done()
		}
		return err
	}
	context.AfterFunc(work, func() { g.blocks.AbortBackup(context.Background()) }) // it is over, or was told to end
	return nil
}

// backedUp is the end of a backup.
func (g *guest) backedUp(j *job, done func(), stats []drivers.Param, failure string, ok bool) {
	kept := stats
	if failure != "" {
		kept = append(kept[:len(kept):len(kept)], drivers.Param{Name: "errmsg", Value: failure})
	}
	g.completed(j, kept)
	var text strings.Builder
	fmt.Fprintf(&text, "\n\toperation: %d\n\ttime_elapsed: %d", j.operation, time.Since(j.began).Milliseconds())
	for _, p := range stats {
		fmt.Fprintf(&text, "\n\t%s: %v", p.Name, p.Value)
	}
	success := 0
	if ok {
		success = 1
	}
	fmt.Fprintf(&text, "\n\tsuccess: %d", success)
	if failure != "" {
		fmt.Fprintf(&text, "\n\terrmsg: %s", failure)
	}
	blockGuest{g}.Tell("job-completed", text.String(), "")
	done()
}

// BackupOver is told that a backup is over.
func (g blockGuest) BackupOver(stats []drivers.Param, failure string, ok bool) {
	g.mu.Lock()
	over := g.backup
	g.backup = nil
	g.mu.Unlock()
	if over != nil {
		over(stats, failure, ok)
	}
}
