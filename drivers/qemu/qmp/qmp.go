// Package qmp talks QEMU's machine protocol. It keeps go-qemu's interface
// (Monitor, Event) over a transport of its own, because go-qemu's ends at
// replies over 64 KiB, has no ids and waits without limit.
package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

// Event is an event of QEMU.
type Event = qmp.Event

// ErrClosed is the error of a command whose connection ends before the answer.
var ErrClosed = errors.New("monitor connection closed")

// Error is QEMU's refusal of a command.
type Error struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

// Error is QEMU's own text.
func (e *Error) Error() string { return e.Desc }

// Conn is a connection to a QMP socket; many commands may be under way at once.
type Conn struct {
	rw      io.ReadWriteCloser
	Version string // of QEMU, "10.0.2"; known after New

	writing sync.Mutex // one command's bytes at a time

	mu      sync.Mutex
	next    uint64
	waiters map[string]chan reply
	events  map[int]chan<- Event
	lines   map[int]chan<- json.RawMessage
	seq     int
	err     error // why the connection ended
	done    chan struct{}
}

var _ qmp.Monitor = (*Conn)(nil)

type reply struct {
	Return json.RawMessage `json:"return"`
	Error  *Error          `json:"error"`
}

// message is anything that QEMU sends.
type message struct {
	reply
	ID       json.RawMessage `json:"id"`
	Event    string          `json:"event"`
	Greeting *struct {
		Version struct {
			QEMU struct{ Major, Minor, Micro int }
		}
	} `json:"QMP"`
}

// Dial connects to a socket path and negotiates.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return New(ctx, c)
}

// New reads the greeting from rw, negotiates and starts to read. It closes rw
// if that fails.
func New(ctx context.Context, rw io.ReadWriteCloser) (*Conn, error) {
	c := &Conn{rw: rw, waiters: make(map[string]chan reply), events: make(map[int]chan<- Event), done: make(chan struct{})}
	greeted := make(chan string, 1)
	go c.read(greeted)
	select {
	case v, ok := <-greeted:
		if !ok {
			<-c.done
			return nil, fmt.Errorf("no greeting from QEMU: %w", c.reason())
		}
		c.Version = v
	case <-ctx.Done():
		rw.Close()
		<-c.done
		return nil, fmt.Errorf("no greeting from QEMU: %w", ctx.Err())
	}
	if err := c.Execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// read is the owner of the connection's input. It ends when the connection does.
func (c *Conn) read(greeted chan<- string) {
	defer close(c.done)
	in := bufio.NewReaderSize(c.rw, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if greeted != nil {
				close(greeted)
			}
			c.fail(err)
			return
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			if len(strings.TrimSpace(string(line))) == 0 {
				continue
			}
			if greeted != nil {
				close(greeted)
			}
			c.fail(fmt.Errorf("malformed message from QEMU: %w", err))
			return
		}
		switch {
		case m.Greeting != nil:
			if greeted != nil {
				v := m.Greeting.Version.QEMU
				greeted <- fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Micro)
				greeted = nil
			}
		case m.Event != "":
			var e Event
			if json.Unmarshal(line, &e) == nil {
				c.publish(e, line)
			}
		default:
			c.answer(string(m.ID), m.reply)
		}
	}
}

func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		err = ErrClosed
	}
	c.err = ErrClosed
	if !errors.Is(err, ErrClosed) {
		c.err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	for id, w := range c.waiters {
		close(w)
		delete(c.waiters, id)
	}
	for _, ch := range c.events {
		close(ch)
	}
	for _, ch := range c.lines {
		close(ch)
	}
	c.events, c.lines = nil, nil
	c.rw.Close()
}

func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return ErrClosed
	}
	return c.err
}

func (c *Conn) answer(id string, r reply) {
	c.mu.Lock()
	w := c.waiters[id]
	delete(c.waiters, id)
	c.mu.Unlock()
	if w != nil {
		w <- r // has room for one
	}
}

// publish never waits: a listener that does not read loses events rather than
// hold up answers.
func (c *Conn) publish(e Event, line json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.lines {
		select {
		case ch <- line:
		default:
		}
	}
	for _, ch := range c.events {
		select {
		case ch <- e:
		default:
		}
	}
}

// Execute runs a command and reads its answer into out, which may be nil. A
// refusal is an *Error.
func (c *Conn) Execute(ctx context.Context, command string, args, out any) error {
	w, err := c.Send(command, args)
	if err != nil {
		return err
	}
	return w.Read(ctx, out)
}

// Pending is a command under way.
type Pending struct {
	conn    *Conn
	command string
	id      string
	reply   chan reply
}

// Send writes a command without waiting for its answer, so that several can be
// under way.
func (c *Conn) Send(command string, args any) (*Pending, error) {
	return c.SendFile(command, args, nil)
}

func (c *Conn) send(cmd map[string]any, name string, write func([]byte) error) (*Pending, error) {
	w := make(chan reply, 1)
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, c.err
	}
	c.next++
	id := strconv.FormatUint(c.next, 10)
	c.waiters[id] = w
	c.mu.Unlock()
	p := &Pending{conn: c, command: name, id: id, reply: w}
	cmd["id"] = json.RawMessage(id)
	line, err := json.Marshal(cmd)
	if err == nil {
		c.writing.Lock()
		err = write(append(line, '\n'))
		c.writing.Unlock()
	}
	if err != nil {
		p.forget()
		return nil, fmt.Errorf("cannot send %s: %w", name, err)
	}
	return p, nil
}

// Read waits for the answer.
func (p *Pending) Read(ctx context.Context, out any) error {
	select {
	case r, ok := <-p.reply:
		switch {
		case !ok:
			return p.conn.reason()
		case r.Error != nil:
			return r.Error
		case out == nil:
			return nil
		}
		if raw, ok := out.(*json.RawMessage); ok {
			*raw = r.Return
			return nil
		}
		if err := json.Unmarshal(r.Return, out); err != nil {
			return fmt.Errorf("odd answer to %s: %w", p.command, err)
		}
		return nil
	case <-ctx.Done():
		p.forget()
		return fmt.Errorf("%s: %w", p.command, ctx.Err())
	}
}

func (p *Pending) forget() {
	p.conn.mu.Lock()
	delete(p.conn.waiters, p.id)
	p.conn.mu.Unlock()
}

// Connect is part of qmp.Monitor; a Conn is connected from the start.
func (c *Conn) Connect() error { return nil }

// Disconnect is part of qmp.Monitor: Close.
func (c *Conn) Disconnect() error { return c.Close() }

// Close ends the connection and waits until its reader has ended.
func (c *Conn) Close() error {
	err := c.rw.Close()
	<-c.done
	return err
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Run passes a command as JSON and gives the whole answer ({"return": ...} or
// {"error": ...}) as JSON. The id, if the command has one, is put back.
func (c *Conn) Run(command []byte) ([]byte, error) {
	return c.RunContext(context.Background(), command)
}

// RunContext is Run with a context.
func (c *Conn) RunContext(ctx context.Context, command []byte) ([]byte, error) {
	var cmd map[string]json.RawMessage
	if err := json.Unmarshal(command, &cmd); err != nil {
		return nil, fmt.Errorf("malformed command: %w", err)
	}
	id, name := cmd["id"], string(cmd["execute"])
	sent := make(map[string]any, len(cmd))
	for k, v := range cmd {
		sent[k] = v
	}
	p, err := c.send(sent, name, c.write)
	if err != nil {
		return nil, err
	}
	var r reply
	select {
	case got, ok := <-p.reply:
		if !ok {
			return nil, c.reason()
		}
		r = got
	case <-ctx.Done():
		p.forget()
		return nil, ctx.Err()
	}
	return Answer(id, r.Return, r.Error)
}

// Answer makes QEMU's form of an answer: its members stand in QEMU's order.
func Answer(id, result json.RawMessage, refusal *Error) ([]byte, error) {
	if refusal != nil {
		return json.Marshal(struct {
			ID    json.RawMessage `json:"id,omitempty"`
			Error *Error          `json:"error"`
		}{id, refusal})
	}
	return json.Marshal(struct {
		Return json.RawMessage `json:"return"`
		ID     json.RawMessage `json:"id,omitempty"`
	}{result, id})
}

func (c *Conn) write(line []byte) error {
	if d, ok := c.rw.(interface{ SetWriteDeadline(time.Time) error }); ok {
		// A QEMU that does not read its monitor for this long is stuck.
		_ = d.SetWriteDeadline(time.Now().Add(30 * time.Second))
	}
	_, err := c.rw.Write(line)
	return err
}

// Events gives the events from now on, until ctx or the connection ends; then
// the channel is closed.
func (c *Conn) Events(ctx context.Context) (<-chan Event, error) {
	return listen(ctx, c, &c.events)
}

// Lines is Events as QEMU wrote them: a line of JSON each.
func (c *Conn) Lines(ctx context.Context) (<-chan json.RawMessage, error) {
	return listen(ctx, c, &c.lines)
}

func listen[T any](ctx context.Context, c *Conn, listeners *map[int]chan<- T) (<-chan T, error) {
	ch := make(chan T, 256)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	c.seq++
	n := c.seq
	if *listeners == nil {
		*listeners = make(map[int]chan<- T)
	}
	(*listeners)[n] = ch
	if ctx.Done() != nil {
		context.AfterFunc(ctx, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if (*listeners)[n] != nil {
				delete(*listeners, n)
				close(ch)
			}
		})
	}
	return ch, nil
}
