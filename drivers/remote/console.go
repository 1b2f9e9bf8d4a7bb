package remote

import (
	"context"
	"io"

	"virgo/drivers"
)

// Console opens a domain's console.
func (d domains) Console(ctx context.Context, r drivers.Ref, device string, f drivers.Flags) (io.ReadWriteCloser, error) {
	s, err := d.open(ctx, procDomainOpenConsole, []any{dom(r), optional(device), bits(f, bit{drivers.Force, 1}, bit{drivers.Safe, 2})}, nil)
	if err != nil {
		return nil, err
	}
	return &consoleStream{ctx: ctx, stream: s}, nil
}

// consoleStream is a console as commands read and write it. It keeps the context
// of the whole session, since io.Reader has none.
type consoleStream struct {
	ctx    context.Context
	stream *stream
	rest   []byte
}

func (c *consoleStream) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		chunk, err := c.stream.next(c.ctx)
		if err != nil {
			return 0, err
		}
		c.rest = chunk.data
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *consoleStream) Write(p []byte) (int, error) { return c.stream.send(c.ctx, p) }

func (c *consoleStream) Close() error {
	c.stream.abort()
	return nil
}
