package remote

import (
	"context"
	"io"
	"os"
	"sync"

	"virgo/xml"
)

// stream is a flow of bytes that a call has opened: a console, a volume's
// content. It is read and written by one goroutine each.
type stream struct {
	link               *link
	serial             uint32
	program, procedure uint32

	mu    sync.Mutex
	cond  *sync.Cond
	queue []chunk
	size  int
	err   error // io.EOF: the other side has finished
	shut  bool  // nobody reads any more
}

// chunk is what one packet of a stream holds: bytes, or a hole.
type chunk struct {
	data []byte
	hole int64
}

// maxQueued is how many bytes wait to be read before the link waits, too.
const maxQueued = 8 << 20

func newStream() *stream {
	s := &stream{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// open calls a procedure that opens a stream.
func (l *link) open(ctx context.Context, procedure uint32, in []any, files []*os.File, out ...any) (*stream, error) {
	l.listen()
	s := newStream()
	p, err := l.start(ctx, programRemote, procedure, in, s, files)
	if err == nil {
		err = p.wait(ctx, out...)
	}
	if err != nil {
		s.forget()
		return nil, err
	}
	return s, nil
}

// forget drops what comes for the stream from now on.
func (s *stream) forget() {
	s.mu.Lock()
	s.shut = true
	s.queue = nil
	s.mu.Unlock()
	s.cond.Broadcast()
	if s.link == nil {
		return
	}
	s.link.mu.Lock()
	delete(s.link.streams, s.serial)
	s.link.mu.Unlock()
}

// receive takes a packet from the link.
func (s *stream) receive(h header, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.cond.Broadcast()
	switch {
	case s.shut && h.status == statusMore:
	case h.status == statusError:
		s.err = daemonError(body)
	case h.status == statusOK:
		s.err = io.EOF
	case h.kind == typeHole:
		d := decoder{buf: body}
		n := int64(d.uint64())
		if d.uint32(); d.err != nil || n < 0 {
			s.err = xml.Bare(xml.CodeRPC, "Unable to decode message payload")
			return
		}
		s.queue = append(s.queue, chunk{hole: n})
	default:
		for s.size > maxQueued && !s.shut && s.err == nil {
			s.cond.Wait()
		}
		s.queue = append(s.queue, chunk{data: body})
		s.size += len(body)
	}
}

// fail ends the stream.
func (s *stream) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.cond.Broadcast()
}

// next gives the next chunk; an empty one, and io.EOF, is the end.
func (s *stream) next(ctx context.Context) (chunk, error) {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock() // else it may come between the look at the context and the wait
		defer s.mu.Unlock()
		s.cond.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if len(s.queue) > 0 {
			c := s.queue[0]
			s.queue = s.queue[1:]
			s.size -= len(c.data)
			s.cond.Broadcast()
			if c.hole == 0 && len(c.data) == 0 {
				return c, io.EOF
			}
			return c, nil
		}
		switch {
		case s.err != nil:
			return chunk{}, s.err
		case s.shut:
			return chunk{}, io.ErrClosedPipe
		case ctx.Err() != nil:
			return chunk{}, stopped(ctx)
		}
		s.cond.Wait()
	}
}

// state is why nothing more can be sent, nil if it can.
func (s *stream) state() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stream) header(kind, status uint32) header {
	return header{program: s.program, version: 1, procedure: s.procedure, kind: kind, serial: s.serial, status: status}
}

// send writes bytes.
func (s *stream) send(ctx context.Context, data []byte) (int, error) {
	done := 0
	for len(data) > done {
		if err := s.state(); err != nil {
			return done, err
		}
		part := data[done:min(len(data), done+streamPayload)]
		err := s.link.write(ctx, packet(s.header(typeStream, statusMore), func(e *encoder) { e.buf = append(e.buf, part...) }), nil)
		if err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}

// sendHole tells of n bytes that are zero.
func (s *stream) sendHole(ctx context.Context, n int64) error {
	if err := s.state(); err != nil {
		return err
	}
	return s.link.write(ctx, packet(s.header(typeHole, statusMore), func(e *encoder) {
		e.uint64(uint64(n))
		e.uint32(0)
	}), nil)
}

// finish tells that all was sent, and waits for the other side to say that it has it.
func (s *stream) finish(ctx context.Context) error {
	defer s.forget()
	if err := s.state(); err != nil {
		return notEOF(err)
	}
	if err := s.link.write(ctx, packet(s.header(typeStream, statusOK), nil), nil); err != nil {
		return err
	}
	for {
		if _, err := s.next(ctx); err != nil && s.state() != nil {
			return notEOF(s.state())
		} else if err != nil && err != io.EOF {
			return err
		}
	}
}

// abort gives the stream up; the other side drops what it has.
func (s *stream) abort() {
	if s.state() == nil {
		s.link.write(context.Background(), packet(s.header(typeStream, statusError), nil), nil)
	}
	s.forget()
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
