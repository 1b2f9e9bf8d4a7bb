package test

import (
	"context"
	"time"

	"virgo/drivers"
)

// listeners are those who wait for events.
type listeners []*listener

type listener struct {
	kind   drivers.Kind
	ref    *drivers.Ref
	events chan drivers.Event
}

// emit tells those who listen of an object's life; the node is locked.
func (n *node) emit(r drivers.Ref, detail, reason string) {
	n.emitEvent(r, "lifecycle", detail, reason)
}

func (n *node) emitEvent(r drivers.Ref, name, detail, reason string) {
	for _, l := range n.listen {
		if l.kind != r.Kind || l.ref != nil && l.ref.UUID != r.UUID {
			continue
		}
		select {
		case l.events <- drivers.Event{Ref: r, Name: name, Detail: detail, Reason: reason, Time: time.Now()}:
		default: // one who does not read loses
		}
	}
}

func (n *node) subscribe(ctx context.Context, kind drivers.Kind, r *drivers.Ref) (<-chan drivers.Event, error) {
	l := &listener{kind, r, make(chan drivers.Event, 64)}
	n.mu.Lock()
	n.listen = append(n.listen, l)
	n.mu.Unlock()
	context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for i, o := range n.listen {
			if o == l {
				n.listen = append(n.listen[:i:i], n.listen[i+1:]...)
			}
		}
		close(l.events)
	})
	return l.events, nil
}

// Events sends the events of domains.
func (d domains) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return d.subscribe(ctx, drivers.Domain, r)
}

// Events sends the events of networks.
func (n networks) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return n.subscribe(ctx, drivers.Network, r)
}
