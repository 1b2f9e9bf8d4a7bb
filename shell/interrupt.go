package shell

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"time"
)

// interruptible is a context that ctrl-C ends. It listens from the first
// moment that somebody asks for its end: most commands are over before they
// wait for anything, and listening takes a thread. Until then ctrl-C ends the
// process, as it does by default.
type interruptible struct {
	parent context.Context

	mu   sync.Mutex
	ctx  context.Context // listens; nil as long as nobody asked
	stop context.CancelFunc
}

func (i *interruptible) listen() context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx == nil {
		i.ctx, i.stop = signal.NotifyContext(i.parent, os.Interrupt)
	}
	return i.ctx
}

// now is the context that listens, or the parent.
func (i *interruptible) now() context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx == nil {
		return i.parent
	}
	return i.ctx
}

// close stops listening.
func (i *interruptible) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stop != nil {
		i.stop()
	}
}

func (i *interruptible) Deadline() (time.Time, bool) { return i.parent.Deadline() }
func (i *interruptible) Done() <-chan struct{}       { return i.listen().Done() }

func (i *interruptible) Err() error { return i.now().Err() }

// Value passes on to the context that listens, so that what is derived from
// this one finds its end there.
func (i *interruptible) Value(key any) any { return i.now().Value(key) }
