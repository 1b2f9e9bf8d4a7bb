package remote

import "context"

// batch sends calls without waiting for the answers in between, which come in
// one go then.
type batch struct {
	link *link
	list []batched
	data []byte // packets that are not sent yet
	err  error
}

type batched struct {
	pending *pending
	out     []any
	err     *error // where the call's own error goes; nil: it is the batch's
}

// batch begins one.
func (l *link) batch() *batch { return &batch{link: l} }

// add sends a call whose error is the batch's.
func (b *batch) add(ctx context.Context, procedure uint32, in []any, out ...any) {
	b.send(ctx, nil, procedure, in, out)
}

// try sends a call whose error is kept apart.
func (b *batch) try(ctx context.Context, err *error, procedure uint32, in []any, out ...any) {
	b.send(ctx, err, procedure, in, out)
}

func (b *batch) send(ctx context.Context, err *error, procedure uint32, in, out []any) {
	if b.err != nil {
		return
	}
	p, data, e := b.link.prepare(programRemote, procedure, in, nil, nil)
	if e != nil {
		b.err = e
		return
	}
	b.list = append(b.list, batched{p, out, err})
	if b.data = append(b.data, data...); len(b.data) > sentAtOnce {
		b.flush(ctx)
	}
}

// sentAtOnce is how many bytes of a batch are written together.
const sentAtOnce = 16 << 10

// flush sends what is not sent yet.
func (b *batch) flush(ctx context.Context) {
	if err := b.link.write(ctx, b.data, nil); err != nil && b.err == nil {
		b.err = err
	}
	b.data = b.data[:0]
}

// wait takes all answers; its error is that of the first call of add that
// failed, or that of the link.
func (b *batch) wait(ctx context.Context) error {
	if len(b.data) > 0 {
		b.flush(ctx)
	}
	for _, c := range b.list {
		err := c.pending.wait(ctx, c.out...)
		switch {
		case err == nil:
		case c.err != nil && b.link.ended() == nil && ctx.Err() == nil:
			*c.err = err
		case b.err == nil:
			b.err = err
		}
	}
	return b.err
}
