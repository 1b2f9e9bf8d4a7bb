package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// domainEvents are the events that `event` knows, in virsh's order.
const domainEvents = "lifecycle reboot rtc-change watchdog io-error graphics io-error-reason control-error block-job disk-change " +
	"tray-change pm-wakeup pm-suspend balloon-change pm-suspend-disk device-removed block-job-2 tunable agent-lifecycle " +
	"device-added migration-iteration job-completed device-removal-failed metadata-change block-threshold memory-failure " +
	"memory-device-size-change nic-mac-change"

// eventRows are the commands that wait for events of domains.
func eventRows() []Command {
	row := domainKind.event("event", domainEvents, true)
	row.Summary = "wait for events of domains"
	return []Command{row}
}

// event is the verb that waits for events of a kind.
func (k *kind) event(name, events string, all bool) Command {
	run := func(ctx context.Context, c *Call) error { return k.runEvent(ctx, c, strings.Fields(events), all) }
	options := opts(str(k.option, Loose, "only of this "+k.noun).with(k.any), str("event", Loose, "the event to wait for").of(events))
	if all {
		options = append(options, flag("all", "wait for any event"))
	}
	return Command{Name: name, Summary: "wait for events of a " + k.noun, Run: run, Options: opts(options,
		flag("loop", "go on after the first event"), num("timeout", Loose, "seconds to wait at most").with(completion.Free),
		flag("list", "list the events"), flag("timestamp", "print the time of each event"))}
}

func (k *kind) runEvent(ctx context.Context, c *Call, events []string, all bool) error {
	if all {
		for _, pair := range [][2]string{{"all", "event"}, {"list", "all"}, {"list", "event"}} {
			if err := c.Exclusive(pair[0], pair[1]); err != nil {
				return err
			}
		}
	}
	if c.Has("list") {
		l := Listing{Plain: true, Columns: []Column{{Key: "event"}}}
		for _, e := range events {
			l.Rows = append(l.Rows, []any{e})
		}
		c.Emit(l)
		return nil
	}
	name := c.Str("event")
	switch {
	case name == "" && all && !c.Has("all"):
		return shellError("one of --list, --all, or --event <type> is required")
	case name == "" && !all:
		return shellError("either --list or --event <type> is required")
	case name != "" && !slices.Contains(events, name):
		return shellError("unknown event type %s", name)
	}
	seconds, timed, err := c.Int("timeout", 1, 2147483)
	if err != nil {
		return err
	}
	api := strings.Replace(k.api, "vir", "virConnect", 1) + "EventRegisterAny"
	objects, err := k.objects(ctx, c)
	if xml.CodeOf(err) == xml.CodeNoSupport {
		if err = drivers.Unsupported(api); c.Has(k.option) {
			err = k.fail("find", err, c.Str(k.option), "")
		}
	}
	if err != nil {
		return err
	}
	var only *drivers.Ref
	if c.Has(k.option) {
		_, ref, err := k.find(ctx, c, byAny)
		if err != nil {
			return err
		}
		only = &ref
	}
	d, err := query[drivers.Eventer](objects, api)
	if err != nil {
		return err
	}
	wait := ctx
	if timed {
		var stop context.CancelFunc
		wait, stop = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer stop()
	}
	inner, stop := context.WithCancel(wait)
	defer stop()
	var names []string
	if name != "" {
		names = []string{name}
	}
	stream, err := d.Events(inner, only, names)
	if err != nil {
		return err
	}
	return receiveEvents(wait, c, stream, func(e drivers.Event) (Event, bool) {
		return k.eventResult(c, e), name == "" || e.Name == name
	})
}

// receiveEvents prints the events that show gives until the time is up or one
// has come.
func receiveEvents[T any](ctx context.Context, c *Call, stream <-chan T, show func(T) (Event, bool)) error {
	count := 0
	finish := func(timedOut bool) error {
		reason := "event loop interrupted\n"
		if timedOut {
			reason = "event loop timed out\n"
		}
		if count > 0 && !c.Has("loop") {
			reason = ""
		}
		c.Emit(Message{Text: fmt.Sprintf("%sevents received: %d\n", reason, count), Data: Data{{"events", count}, {"timed_out", timedOut}}})
		if count == 0 {
			return ErrReported
		}
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return finish(ctx.Err() == context.DeadlineExceeded)
		case e, ok := <-stream:
			if !ok && ctx.Err() == nil {
				c.Emit(Message{Text: fmt.Sprintf("events received: %d\n", count), Data: Data{{"events", count}, {"timed_out", false}}})
				return shellError("internal error: client socket is closed")
			}
			if !ok {
				return finish(ctx.Err() == context.DeadlineExceeded)
			}
			event, wanted := show(e)
			if !wanted {
				continue
			}
			count++
			c.Emit(event)
			if !c.Has("loop") {
				return finish(false)
			}
		}
	}
}

// diskEvents are those whose text virsh gives no colon.
var diskEvents = []string{"disk-change", "tray-change"}

// eventResult is one event as virsh prints it.
func (k *kind) eventResult(c *Call, e drivers.Event) Event {
	var b strings.Builder
	if c.Has("timestamp") {
		b.WriteString(e.Time.UTC().Format("2006-01-02 15:04:05.000-0700") + ": ")
	}
	fmt.Fprintf(&b, "event '%s' for %s %s", e.Name, k.noun, "'"+e.Ref.Name+"'")
	if e.Detail != "" {
		if !slices.Contains(diskEvents, e.Name) {
			b.WriteByte(':')
		}
		if !strings.HasPrefix(e.Detail, "\n") { // numbers stand on lines of their own
			b.WriteByte(' ')
		}
		b.WriteString(e.Detail)
	}
	if e.Reason != "" {
		b.WriteString(" " + e.Reason)
	}
	b.WriteByte('\n')
	return Event{Text: b.String(), Data: Data{{"event", e.Name}, {k.option, e.Ref.Name}, {"uuid", e.Ref.UUID}, {"detail", e.Detail},
		{"reason", e.Reason}, {"time", e.Time.Format(time.RFC3339Nano)}}}
}

// pause waits, unless the command is stopped.
func pause(ctx context.Context, seconds int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(seconds) * time.Second):
		return nil
	}
}
