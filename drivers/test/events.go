package test

import (
	"context"
	"time"

	"virgo/drivers"
)

// emit tells those who listen of an object's life.
func (n *node) emit(r drivers.Ref, detail, reason string) {
	n.emitEvent(r, "lifecycle", detail, reason)
}

func (n *node) emitEvent(r drivers.Ref, name, detail, reason string) {
	n.listen.Emit(drivers.Event{Ref: r, Name: name, Detail: detail, Reason: reason, Time: time.Now()})
}

// Events sends the events of domains.
func (d domains) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return d.listen.Events(ctx, drivers.Domain, r), nil
}

// Events sends the events of networks.
func (n networks) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return n.listen.Events(ctx, drivers.Network, r), nil
}
