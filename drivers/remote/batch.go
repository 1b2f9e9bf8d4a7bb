package remote

import "context"

// batch sends calls without waiting for the answers in between, which come in
// one go then.
type batch struct {
	link *link
	list []batched
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
	p, e := b.link.start(ctx, programRemote, procedure, in, nil, nil)
	if e != nil {
		b.err = e
		return
	}
	b.list = append(b.list, batched{p, out, err})
}

// wait takes all answers; its error is that of the first call of add that
// failed, or that of the link.
func (b *batch) wait(ctx context.Context) error {
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
