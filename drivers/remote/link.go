package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"virgo/xml"
)

// link is one connection to a daemon, on which any number of calls may be under
// way. Whoever waits for an answer reads packets and hands those of others to
// them: so that an answer wakes nobody but who waits for it. While nobody waits,
// or something may come unasked, a goroutine reads.
type link struct {
	conn  io.ReadWriteCloser
	own   *socket       // conn, if it is read by the thread that waits
	sent  sync.Mutex    // held while a packet is written
	role  chan struct{} // full while somebody reads
	in    []byte        // what was read and is no whole packet; the reader's
	files []*os.File    // that came with it
	idle  *time.Timer   // starts the goroutine; nil: it runs

	mu      sync.Mutex
	serial  uint32
	waiting map[uint32]*pending
	streams map[uint32]*stream
	heard   map[event]func([]byte)
	err     error // why the link is over; nil while it lives

	over  chan struct{} // closed when it is
	alive atomic.Int64  // when something came last, in nanoseconds since 1970
	pings func()        // ends the goroutine that sends keepalive messages
}

// event is a kind of message that the daemon sends by itself.
type event struct{ program, procedure uint32 }

// pending is a call whose answer has not come.
type pending struct {
	link   *link
	serial uint32
	answer chan answer
}

type answer struct {
	body  []byte
	files []*os.File // who waits has to close them
	err   error
}

func newLink(conn io.ReadWriteCloser) *link {
	l := &link{conn: conn, waiting: map[uint32]*pending{}, streams: map[uint32]*stream{}, heard: map[event]func([]byte){},
		over: make(chan struct{}), role: make(chan struct{}, 1)}
	l.alive.Store(time.Now().UnixNano())
	l.own, _ = conn.(*socket)
	if _, ok := conn.(interface{ SetReadDeadline(time.Time) error }); ok || l.own != nil {
		l.idle = time.AfterFunc(idleAfter, l.listen)
	} else {
		l.role <- struct{}{}
		go l.read() // who waits could not be told to stop
	}
	return l
}

// idleAfter is how long nobody has waited when the goroutine begins to read.
const idleAfter = 100 * time.Millisecond

// listen has the goroutine read from now on.
func (l *link) listen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.idle == nil || l.err != nil {
		return
	}
	l.idle.Stop()
	l.idle = nil
	go func() {
		l.role <- struct{}{}
		if l.own != nil {
			l.own.patient()
		}
		l.read()
	}()
}

// call calls a procedure of libvirt and waits for the answer, which out points to.
func (l *link) call(ctx context.Context, procedure uint32, in []any, out ...any) error {
	return l.callIn(ctx, programRemote, procedure, in, out...)
}

func (l *link) callIn(ctx context.Context, program, procedure uint32, in []any, out ...any) error {
	p, err := l.start(ctx, program, procedure, in, nil, nil)
	if err != nil {
		return err
	}
	return p.wait(ctx, out...)
}

// start sends a call. stream, if not nil, is what the call opens; files go with it.
func (l *link) start(ctx context.Context, program, procedure uint32, in []any, s *stream, files []*os.File) (*pending, error) {
	p, data, err := l.prepare(program, procedure, in, s, files)
	if err != nil {
		return nil, err
	}
	if err := l.write(ctx, data, files); err != nil {
		p.forget()
		return nil, err
	}
	return p, nil
}

// prepare makes a call's packet, whose answer is waited for from now on.
func (l *link) prepare(program, procedure uint32, in []any, s *stream, files []*os.File) (*pending, []byte, error) {
	if err := areOpen(files); err != nil {
		return nil, nil, err
	}
	if files != nil && !passesFiles(l.conn) {
		return nil, nil, xml.Bare(xml.CodeInternal, "internal error: Sending file descriptors is not supported on this socket")
	}
	p := &pending{link: l, answer: make(chan answer, 1)}
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return nil, nil, l.err
	}
	p.serial = l.serial
	l.serial++
	l.waiting[p.serial] = p
	if l.idle != nil {
		l.idle.Reset(idleAfter)
	}
	if s != nil {
		s.link, s.serial, s.program, s.procedure = l, p.serial, program, procedure
		l.streams[p.serial] = s
	}
	l.mu.Unlock()
	h := header{program: program, version: 1, procedure: procedure, kind: typeCall, serial: p.serial}
	if files != nil {
		h.kind = typeCallFDs
	}
	data := packet(h, func(e *encoder) {
		if files != nil {
			e.uint32(uint32(len(files)))
		}
		for _, v := range in {
			e.value(v)
		}
	})
	if len(data) > maxPacket {
		p.forget()
		return nil, nil, xml.Bare(xml.CodeRPC, "Unable to encode message payload")
	}
	return p, data, nil
}

// forget gives an answer up that nobody waits for any more.
func (p *pending) forget() {
	p.link.mu.Lock()
	delete(p.link.waiting, p.serial)
	p.link.mu.Unlock()
}

// wait waits for the answer. Where the context ends first, the link goes on: an
// answer that comes later is dropped.
func (p *pending) wait(ctx context.Context, out ...any) error {
	files, err := p.waitFiles(ctx, out...)
	closeFiles(files)
	return err
}

// waitFiles is wait for an answer with open files, which the caller closes.
func (p *pending) waitFiles(ctx context.Context, out ...any) ([]*os.File, error) {
	a, err := p.take(ctx)
	if err == nil {
		err = a.decode(out)
	}
	return a.files, err
}

// take waits for the answer as it came.
func (p *pending) take(ctx context.Context) (answer, error) {
	l := p.link
	select {
	case a := <-p.answer:
		return a, nil
	case l.role <- struct{}{}:
	default: // only now, since a context may begin to listen when it is asked for its end
		select {
		case a := <-p.answer:
			return a, nil
		case l.role <- struct{}{}:
		case <-ctx.Done():
			p.forget()
			return answer{}, stopped(ctx)
		}
	}
	a, got := l.readFor(ctx, p)
	<-l.role
	if !got {
		p.forget()
		return answer{}, stopped(ctx)
	}
	return a, nil
}

// decode reads the answer's values.
func (a answer) decode(out []any) error {
	if a.err != nil {
		return a.err
	}
	d := decoder{buf: a.body}
	for _, o := range out {
		d.value(o)
	}
	if d.err != nil {
		return xml.Bare(xml.CodeRPC, "Unable to decode message payload")
	}
	return nil
}

// readFor reads until a call has its answer, or the context has ended.
func (l *link) readFor(ctx context.Context, p *pending) (answer, bool) {
	if l.own == nil {
		conn := l.conn.(interface{ SetReadDeadline(time.Time) error })
		stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	for ctx.Err() == nil {
		select {
		case a := <-p.answer:
			return a, true
		default:
		}
		if err := l.pull(); errors.Is(err, os.ErrDeadlineExceeded) {
			l.again()
			ctx.Done() // it takes its time: from now on ctrl-C is to end the call, not virgo
		} else if err != nil {
			l.end(lost(err, false))
		}
	}
	return answer{}, false
}

// again lets the connection be read after a deadline, which was for somebody who read before.
func (l *link) again() {
	if l.own == nil {
		l.conn.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Time{})
	}
}

// write sends a packet. A context that ends in the middle of it ends the link,
// since the other side could make nothing of half a packet.
func (l *link) write(ctx context.Context, data []byte, files []*os.File) error {
	l.sent.Lock()
	defer l.sent.Unlock()
	if l.own != nil {
		data = data[l.own.try(data):] // most packets go at once
	}
	var err error
	if len(data) > 0 || files != nil {
		stop := context.AfterFunc(ctx, func() { l.end(stopped(ctx)) })
		defer stop()
	}
	if len(data) > 0 {
		_, err = l.conn.Write(data)
	}
	if err == nil && files != nil {
		err = sendFiles(l.conn, files)
	}
	if err == nil {
		return nil
	}
	select { // who reads may know better why
	case <-l.over:
	case <-time.After(time.Second):
	}
	l.end(lost(err, true))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// end ends the link; everybody who waits gets the error.
func (l *link) end(err error) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	l.err = err
	waiting, streams := l.waiting, l.streams
	l.waiting, l.streams = nil, nil
	if l.idle != nil {
		l.idle.Stop()
	}
	close(l.over)
	l.mu.Unlock()
	l.conn.Close()
	for _, p := range waiting {
		p.answer <- answer{err: err}
	}
	for _, s := range streams {
		s.fail(err)
	}
}

// closeFiles closes open files that nobody takes.
func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// ended is why the link is over, nil if it is not.
func (l *link) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// hear has f called with each message of a kind, one after the other; nil ends that.
func (l *link) hear(e event, f func([]byte)) {
	l.listen()
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == nil {
		delete(l.heard, e)
	} else {
		l.heard[e] = f
	}
}

// close ends the link in order: the daemon is told, but not waited for.
func (l *link) close() {
	if l.pings != nil {
		l.pings()
	}
	if l.ended() != nil {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	l.start(ctx, programRemote, procConnectClose, nil, nil, nil)
	l.end(errClosed)
}

var errClosed = errors.New("the connection was closed")
