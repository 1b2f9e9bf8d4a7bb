package remote

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
)

// domainEvents are events of domains by the daemon's numbers, each with the
// procedure of its message. Some of the daemon's names repeat under a number of
// their own; virsh's words are these.
var domainEvents = [...]struct {
	name      string
	procedure uint32
	read      func(*decoder, *drivers.Event)
}{
	{"lifecycle", procDomainEventCallbackLifecycle, readLifecycle},
	{"reboot", procDomainEventCallbackReboot, nil},
	{"rtc-change", procDomainEventCallbackRtcChange, func(d *decoder, e *drivers.Event) { e.Detail = fmt.Sprint(int64(d.uint64())) }},
	{"watchdog", procDomainEventCallbackWatchdog, func(d *decoder, e *drivers.Event) {
		e.Detail = word("none pause reset poweroff shutdown debug inject-nmi", d.uint32())
	}},
	{"io-error", procDomainEventCallbackIOError, readIOError},
	{"graphics", procDomainEventCallbackGraphics, readGraphics},
	{"io-error-reason", procDomainEventCallbackIOErrorReason, func(d *decoder, e *drivers.Event) {
		readIOError(d, e)
		e.Detail += " due to " + d.string()
	}},
	{"control-error", procDomainEventCallbackControlError, nil},
	{"block-job", procDomainEventCallbackBlockJob, readBlockJob},
	{"disk-change", procDomainEventCallbackDiskChange, func(d *decoder, e *drivers.Event) {
		old, now, alias := d.optional(), d.optional(), d.string()
		e.Detail = fmt.Sprintf("disk %s: %s -> %s: %s", alias, orNull(old), orNull(now), word("changed dropped", d.uint32()))
	}},
	{"tray-change", procDomainEventCallbackTrayChange, func(d *decoder, e *drivers.Event) {
		alias := d.string()
		e.Detail = fmt.Sprintf("disk %s: %s", alias, word("opened closed", d.uint32()))
	}},
	{"pm-wakeup", procDomainEventCallbackPmwakeup, nil},
	{"pm-suspend", procDomainEventCallbackPmsuspend, nil},
	{"balloon-change", procDomainEventCallbackBalloonChange, func(d *decoder, e *drivers.Event) { e.Detail = fmt.Sprintf("%dKiB", d.uint64()) }},
	{"pm-suspend-disk", procDomainEventCallbackPmsuspendDisk, nil},
	{"device-removed", procDomainEventCallbackDeviceRemoved, func(d *decoder, e *drivers.Event) { e.Detail = d.string() }},
	{"block-job-2", procDomainEventBlockJob2, readBlockJob},
	{"tunable", procDomainEventCallbackTunable, readParams},
	{"agent-lifecycle", procDomainEventCallbackAgentLifecycle, func(d *decoder, e *drivers.Event) {
		state := word("unknown connected disconnected", d.uint32())
		e.Detail = "state: '" + state + "' reason: '" + words(d.uint32(), "unknown", "domain started", "channel event") + "'"
	}},
	{"device-added", procDomainEventCallbackDeviceAdded, func(d *decoder, e *drivers.Event) { e.Detail = d.string() }},
	{"migration-iteration", procDomainEventCallbackMigrationIteration, func(d *decoder, e *drivers.Event) {
		e.Detail = fmt.Sprintf("iteration: '%d'", int32(d.uint32()))
	}},
	{"job-completed", procDomainEventCallbackJobCompleted, readParams},
	{"device-removal-failed", procDomainEventCallbackDeviceRemovalFailed, func(d *decoder, e *drivers.Event) { e.Detail = d.string() }},
	{"metadata-change", procDomainEventCallbackMetadataChange, readMetadata},
	{"block-threshold", procDomainEventBlockThreshold, func(d *decoder, e *drivers.Event) {
		dev, path := d.string(), d.optional()
		e.Detail = fmt.Sprintf("dev: %s(%s) %d", dev, orNull(path), d.uint64())
		e.Detail += fmt.Sprintf(" %d", d.uint64())
	}},
	{"memory-failure", procDomainEventMemoryFailure, func(d *decoder, e *drivers.Event) {
		recipient := word("hypervisor guest", d.uint32())
		action := word("ignore inject fatal reset", d.uint32())
		flags := d.uint32()
		e.Detail = fmt.Sprintf("\nrecipient: %s\naction: %s\naction required: %d\nrecursive: %d", recipient, action, flags&1, flags>>1&1)
	}},
	{"memory-device-size-change", procDomainEventMemoryDeviceSizeChange, func(d *decoder, e *drivers.Event) {
		alias := d.string()
		e.Detail = fmt.Sprintf("\nalias: %s\nsize: %d", alias, d.uint64())
	}},
	{"nic-mac-change", procDomainEventNicMacChange, func(d *decoder, e *drivers.Event) {
		alias, old := d.string(), d.string()
		e.Detail = fmt.Sprintf("\nalias: %s\noldMAC: %s\nnewMAC: %s", alias, old, d.string())
	}},
}

func (d *decoder) optional() string {
	if d.uint32() == 0 {
		return ""
	}
	return d.string()
}

func orNull(s string) string {
	if s == "" {
		return "<null>"
	}
	return s
}

// word is the word of a number; one that is not known is "unknown".
func word(list string, n uint32) string { return words(n, strings.Fields(list)...) }

func words(n uint32, list ...string) string {
	if uint64(n) < uint64(len(list)) {
		return list[n]
	}
	return "unknown"
}

// lifecycle holds virsh's words for changes of a domain, and why they came.
var lifecycle = [...]struct {
	name    string
	reasons []string
}{
	{"Defined", []string{"Added", "Updated", "Renamed", "Snapshot"}},
	{"Undefined", []string{"Removed", "Renamed"}},
	{"Started", []string{"Booted", "Migrated", "Restored", "Snapshot", "Event wakeup", "Recovery"}},
	{"Suspended", []string{"Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot", "API error", "Post-copy", "Post-copy Error"}},
	{"Resumed", []string{"Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"}},
	{"Stopped", []string{"Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot", "Daemon"}},
	{"Shutdown", []string{"Finished after guest request", "Finished after host request"}},
	{"PMSuspended", []string{"Memory", "Disk"}},
	{"Crashed", []string{"Panicked", "Crashloaded"}},
}

func readLifecycle(d *decoder, e *drivers.Event) {
	n, why := d.uint32(), d.uint32()
	e.Detail, e.Reason = "unknown", "unknown"
	if uint64(n) < uint64(len(lifecycle)) {
		e.Detail = lifecycle[n].name
		e.Reason = words(why, lifecycle[n].reasons...)
	}
	if e.Detail == "Shutdown" && why == 0 {
		e.Reason = "Finished"
	} else if e.Detail == "Shutdown" {
		e.Reason = words(why-1, lifecycle[n].reasons...)
	}
}

func readIOError(d *decoder, e *drivers.Event) {
	path, alias := d.string(), d.string()
	e.Detail = fmt.Sprintf("%s (%s) %s", path, alias, word("none pause report", d.uint32()))
}

func readBlockJob(d *decoder, e *drivers.Event) {
	disk := d.string()
	kind := drivers.BlockJobKind(d.uint32())
	e.Detail = fmt.Sprintf("%s for %s %s", kind, disk, word("completed failed canceled ready", d.uint32()))
}

func readParams(d *decoder, e *drivers.Event) {
	var b strings.Builder
	for _, p := range d.params() {
		fmt.Fprintf(&b, "\n\t%s: %v", p.Field, p.Value.I)
	}
	e.Detail = b.String()
}

func readMetadata(d *decoder, e *drivers.Event) {
	kind := word("description title element", d.uint32())
	e.Detail = "type " + kind + ", uri " + orNull(d.optional())
}

func readGraphics(d *decoder, e *drivers.Event) {
	phase := word("connect initialize disconnect", d.uint32())
	address := func(who string) string {
		family := word("IPv4 IPv6 unix", d.uint32())
		node := d.string()
		return fmt.Sprintf("\n\t%s: family %s node %s service %s", who, family, node, d.string())
	}
	e.Detail = phase + address("local") + address("remote")
	e.Detail += "\n\tauthentication: " + d.string()
	var subject []libvirt.DomainEventGraphicsIdentity
	d.value(&subject)
	for i, s := range subject {
		e.Detail += fmt.Sprintf("\n\t\t%s[%d]: %s", s.Type, i, s.Name)
	}
}

// subscription is a flow of events that a command reads.
type subscription[T any] struct {
	mu    sync.Mutex
	queue []T
	more  chan struct{}
}

// put adds an event; it never waits, since the link's reader calls it.
func (s *subscription[T]) put(e T) {
	s.mu.Lock()
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *subscription[T]) take() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.queue
	s.queue = nil
	return list
}

// deliver passes events on until the context or the link ends; end is called then.
func (s *subscription[T]) deliver(ctx context.Context, l *link, end func()) <-chan T {
	out := make(chan T)
	go func() {
		defer close(out)
		defer end()
		for {
			for _, e := range s.take() {
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-s.more:
			case <-ctx.Done():
				return
			case <-l.over:
				return
			}
		}
	}()
	return out
}

// watching is a kind of event that a subscription asks the daemon for.
type watching struct {
	message  uint32 // the procedure of its messages
	id       int32
	callback int32
}

// subscribe asks the daemon for events: register has the answer's callback
// number, read makes an event of a message, past that number.
func subscribe(ctx context.Context, c *Conn, list []watching, object any, register, deregister uint32,
	read func(w watching, d *decoder) drivers.Event) (<-chan drivers.Event, error) {
	s := &subscription[drivers.Event]{more: make(chan struct{}, 1)}
	var mu sync.Mutex
	callbacks := map[int32]bool{}
	var early []func() // messages that came before their callback's number
	for _, w := range list {
		c.hear(event{programRemote, w.message}, func(body []byte) {
			d := &decoder{buf: body}
			id := int32(d.uint32())
			e := read(w, d)
			e.Time = time.Now()
			if d.err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if callbacks[id] {
				s.put(e)
			} else {
				early = append(early, func() {
					if callbacks[id] {
						s.put(e)
					}
				})
			}
		})
	}
	end := func() {
		wait, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer stop()
		for _, w := range list {
			c.hear(event{programRemote, w.message}, nil)
			if w.callback >= 0 && c.ended() == nil {
				c.call(wait, deregister, []any{w.callback})
			}
		}
	}
	for i := range list {
		list[i].callback = -1
	}
	for i := range list {
		w := &list[i]
		if err := c.call(ctx, register, []any{w.id, object}, &w.callback); err != nil {
			w.callback = -1
			end()
			return nil, err
		}
		mu.Lock()
		callbacks[w.callback] = true
		mu.Unlock()
	}
	mu.Lock()
	for _, f := range early {
		f()
	}
	early = nil
	mu.Unlock()
	return s.deliver(ctx, c.link, end), nil
}

// Events sends events of domains.
func (d domains) Events(ctx context.Context, r *drivers.Ref, names []string) (<-chan drivers.Event, error) {
	var list []watching
	for i, e := range domainEvents {
		if names == nil || has(names, e.name) {
			list = append(list, watching{message: e.procedure, id: int32(i)})
		}
	}
	object := libvirt.OptDomain{}
	if r != nil {
		object = append(object, dom(*r))
	}
	return subscribe(ctx, d.Conn, list, object, procConnectDomainEventCallbackRegisterAny, procConnectDomainEventCallbackDeregisterAny,
		func(w watching, b *decoder) drivers.Event {
			kind := domainEvents[w.id]
			if kind.name == "pm-wakeup" || strings.HasPrefix(kind.name, "pm-suspend") {
				b.uint32() // a reason that is always 0
			}
			var x libvirt.Domain
			b.value(&x)
			e := drivers.Event{Ref: domainRef(x), Name: kind.name}
			if kind.read != nil {
				kind.read(b, &e)
			}
			return e
		})
}

func has(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// objectEvents are the events of other kinds of objects: the procedures to ask
// for them and the messages by name, each with words of what happened ("": none).
type objectEvents struct {
	register, deregister uint32
	events               []objectEvent
}

type objectEvent struct {
	name    string
	message uint32
	words   []string
}

func (o objectEvents) watch(ctx context.Context, c *Conn, object any, names []string, ref func(*decoder) drivers.Ref) (<-chan drivers.Event, error) {
	var list []watching
	for i, e := range o.events {
		if names == nil || has(names, e.name) {
			list = append(list, watching{message: e.message, id: int32(i)})
		}
	}
	return subscribe(ctx, c, list, object, o.register, o.deregister, func(w watching, b *decoder) drivers.Event {
		kind := o.events[w.id]
		e := drivers.Event{Ref: ref(b), Name: kind.name}
		switch {
		case kind.name == "metadata-change":
			readMetadata(b, &e)
		case kind.words != nil:
			e.Detail = words(b.uint32(), kind.words...)
		}
		return e
	})
}

// Events sends events of networks.
func (n networks) Events(ctx context.Context, r *drivers.Ref, names []string) (<-chan drivers.Event, error) {
	object := libvirt.OptNetwork{}
	if r != nil {
		object = append(object, netOf(*r))
	}
	return objectEvents{procConnectNetworkEventRegisterAny, procConnectNetworkEventDeregisterAny, []objectEvent{
		{"lifecycle", procNetworkEventLifecycle, []string{"Defined", "Undefined", "Started", "Stopped"}},
		{"metadata-change", procNetworkEventCallbackMetadataChange, nil},
	}}.watch(ctx, n.Conn, object, names, func(d *decoder) drivers.Ref {
		var x libvirt.Network
		d.value(&x)
		return networkRef(x)
	})
}

// Events sends events of pools.
func (p pools) Events(ctx context.Context, r *drivers.Ref, names []string) (<-chan drivers.Event, error) {
	object := libvirt.OptStoragePool{}
	if r != nil {
		object = append(object, pool(*r))
	}
	return objectEvents{procConnectStoragePoolEventRegisterAny, procConnectStoragePoolEventDeregisterAny, []objectEvent{
		{"lifecycle", procStoragePoolEventLifecycle, []string{"Defined", "Undefined", "Started", "Stopped", "Created", "Deleted"}},
		{"refresh", procStoragePoolEventRefresh, nil},
	}}.watch(ctx, p.Conn, object, names, func(d *decoder) drivers.Ref {
		var x libvirt.StoragePool
		d.value(&x)
		return poolRef(x)
	})
}

// Events sends events of node devices.
func (n devices) Events(ctx context.Context, r *drivers.Ref, names []string) (<-chan drivers.Event, error) {
	object := libvirt.OptNodeDevice{}
	if r != nil {
		object = append(object, libvirt.NodeDevice{Name: r.Name})
	}
	return objectEvents{procConnectNodeDeviceEventRegisterAny, procConnectNodeDeviceEventDeregisterAny, []objectEvent{
		{"lifecycle", procNodeDeviceEventLifecycle, []string{"Created", "Deleted", "Defined", "Undefined"}},
		{"update", procNodeDeviceEventUpdate, nil},
	}}.watch(ctx, n.Conn, object, names, func(d *decoder) drivers.Ref {
		var x libvirt.NodeDevice
		d.value(&x)
		return deviceRef(x)
	})
}

// Events sends events of secrets.
func (s secrets) Events(ctx context.Context, r *drivers.Ref, names []string) (<-chan drivers.Event, error) {
	object := libvirt.OptSecret{}
	if r != nil {
		object = append(object, sec(*r))
	}
	return objectEvents{procConnectSecretEventRegisterAny, procConnectSecretEventDeregisterAny, []objectEvent{
		{"lifecycle", procSecretEventLifecycle, []string{"Defined", "Undefined"}},
		{"value-changed", procSecretEventValueChanged, nil},
	}}.watch(ctx, s.Conn, object, names, func(d *decoder) drivers.Ref {
		var x libvirt.Secret
		d.value(&x)
		return secretRef(x)
	})
}

// MonitorEvents sends the hypervisor's own events.
func (d domains) MonitorEvents(ctx context.Context, r *drivers.Ref) (<-chan drivers.MonitorEvent, error) {
	s := &subscription[drivers.MonitorEvent]{more: make(chan struct{}, 1)}
	key := event{programQEMU, procQEMUDomainMonitorEvent}
	d.hear(key, func(body []byte) {
		b := &decoder{buf: body}
		b.uint32()
		var x libvirt.Domain
		b.value(&x)
		e := drivers.MonitorEvent{Ref: domainRef(x), Name: b.string()}
		seconds := int64(b.uint64())
		e.Time = time.Unix(seconds, int64(b.uint32())*1000)
		if e.Details = b.optional(); b.err == nil {
			s.put(e)
		}
	})
	object := libvirt.OptDomain{}
	if r != nil {
		object = append(object, dom(*r))
	}
	var id int32
	err := d.callIn(ctx, programQEMU, procQEMUConnectDomainMonitorEventRegister, []any{object, (*string)(nil), uint32(0)}, &id)
	if err != nil {
		d.hear(key, nil)
		return nil, err
	}
	return s.deliver(ctx, d.link, func() {
		d.hear(key, nil)
		wait, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer stop()
		if d.ended() == nil {
			d.callIn(wait, programQEMU, procQEMUConnectDomainMonitorEventDeregister, []any{id})
		}
	}), nil
}
