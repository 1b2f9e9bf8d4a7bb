package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"virgo/drivers"
	"virgo/drivers/watch"
)

var _ drivers.MonitorEventer = (*domains)(nil)

// MonitorEvents sends QEMU's own events, of a domain or of all, also of those that
// start meanwhile.
func (d *domains) MonitorEvents(ctx context.Context, r *drivers.Ref) (<-chan drivers.MonitorEvent, error) {
	starts, err := drivers.Follow(ctx, watch.Journal{Path: d.layout.journal()}, r)
	if err != nil {
		return nil, err
	}
	running, err := d.running(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan drivers.MonitorEvent, 64)
	var owned sync.WaitGroup
	heard := make(map[int]bool) // guests by id
	hear := func(ref drivers.Ref) {
		if heard[ref.ID] || r != nil && ref.UUID != r.UUID {
			return
		}
		heard[ref.ID] = true
		owned.Add(1)
		go func() {
			defer owned.Done()
			d.hearMonitor(ctx, ref, out)
		}()
	}
	for _, s := range running {
		hear(s.ref())
	}
	go func() {
		for e := range starts {
			if e.Name == "lifecycle" && e.Detail == "Started" {
				hear(e.Ref)
			}
		}
		owned.Wait()
		close(out)
	}()
	return out, nil
}

// hearMonitor passes one guest's events on until it ends. Its watcher may be
// replaced meanwhile.
func (d *domains) hearMonitor(ctx context.Context, ref drivers.Ref, out chan<- drivers.MonitorEvent) {
	for ctx.Err() == nil {
		if s, running := d.touch(ctx, ref.Name); !running || s.ID != ref.ID {
			return
		}
		q, err := d.dial(ctx, ref)
		if err != nil {
			return
		}
		lines, err := q.Lines(ctx)
		if err == nil {
			for line := range lines {
				if e, ok := monitorEvent(ref, line); ok {
					select {
					case out <- e:
					case <-ctx.Done():
					}
				}
			}
		}
		q.Close()
	}
}

// monitorEvent reads QEMU's line of an event.
func monitorEvent(ref drivers.Ref, line []byte) (drivers.MonitorEvent, bool) {
	var v struct {
		Event     string
		Data      json.RawMessage
		Timestamp struct{ Seconds, Microseconds int64 }
	}
	if json.Unmarshal(line, &v) != nil || v.Event == "" {
		return drivers.MonitorEvent{}, false
	}
	e := drivers.MonitorEvent{Ref: ref, Name: v.Event, Time: time.Unix(v.Timestamp.Seconds, v.Timestamp.Microseconds*1000)}
	var details bytes.Buffer
	if len(v.Data) > 0 && json.Compact(&details, v.Data) == nil {
		e.Details = details.String()
	}
	return e, true
}
