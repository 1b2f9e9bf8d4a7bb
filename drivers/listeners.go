package drivers

import (
	"context"
	"slices"
	"sync"
)

// Listeners are those who wait for the events of a driver that keeps its objects
// in memory. The zero value is ready.
type Listeners struct {
	mu   sync.Mutex
	list []*listener
}

type listener struct {
	kind   Kind
	ref    *Ref
	events chan Event
}

// Emit tells them; one who does not read loses.
func (l *Listeners) Emit(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.list {
		if o.kind != e.Ref.Kind || o.ref != nil && o.ref.UUID != e.Ref.UUID {
			continue
		}
		select {
		case o.events <- e:
		default:
		}
	}
}

// Events is what Eventer wants: the events of objects of a kind, or of the one
// that r names, until ctx ends.
func (l *Listeners) Events(ctx context.Context, k Kind, r *Ref) <-chan Event {
	o := &listener{k, r, make(chan Event, 64)}
	l.mu.Lock()
	l.list = append(l.list, o)
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, func(x *listener) bool { return x == o })
		close(o.events)
	})
	return o.events
}
