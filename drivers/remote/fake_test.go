package remote

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"virgo/drivers"
)

// fake is a daemon that answers by a table.
type fake struct {
	t       *testing.T
	answers map[uint32]func(d *decoder) answerOf
	pongs   chan struct{}
}

// answerOf is an answer: values, or an error, or bytes that are sent as they are.
type answerOf struct {
	values []any
	code   uint32
	text   string
	raw    []byte
	after  func(w io.Writer, h header) // more packets
	hang   bool
	die    bool
}

func ok(values ...any) func(*decoder) answerOf {
	return func(*decoder) answerOf { return answerOf{values: values} }
}

// newFake has the answers of a daemon that asks for no proof.
func newFake(t *testing.T, answers map[uint32]func(*decoder) answerOf) *fake {
	f := &fake{t: t, answers: map[uint32]func(*decoder) answerOf{
		procAuthList:               ok([]int32{authNone}),
		procConnectOpen:            ok(),
		procConnectSupportsFeature: ok(int32(1)),
	}, pongs: make(chan struct{}, 100)}
	for k, v := range answers {
		f.answers[k] = v
	}
	return f
}

// readPacket reads one packet.
func readPacket(r io.Reader) (header, []byte, error) {
	data := make([]byte, lengthSize)
	if _, err := io.ReadFull(r, data); err != nil {
		return header{}, nil, err
	}
	data = append(data, make([]byte, binary.BigEndian.Uint32(data)-lengthSize)...)
	if _, err := io.ReadFull(r, data[lengthSize:]); err != nil {
		return header{}, nil, err
	}
	h, body, _, err := cutPacket(data)
	return h, body, err
}

// serve answers on one connection until it ends.
func (f *fake) serve(conn io.ReadWriteCloser) {
	defer conn.Close()
	for {
		h, body, err := readPacket(conn)
		if err != nil {
			return
		}
		if h.program == programKeepalive {
			f.pongs <- struct{}{}
			continue
		}
		if h.kind != typeCall {
			continue
		}
		answer := f.answers[h.procedure]
		if answer == nil {
			answer = func(*decoder) answerOf { return answerOf{code: 39, text: "unknown procedure: 0"} }
		}
		a := answer(&decoder{buf: body})
		h.kind = typeReply
		switch {
		case a.hang:
			continue
		case a.die:
			return
		case a.raw != nil:
			conn.Write(a.raw)
			continue
		case a.text != "":
			h.status = statusError
			conn.Write(packet(h, func(e *encoder) {
				e.uint32(a.code)
				e.uint32(0)
				e.value(&a.text)
				for range 9 {
					e.uint32(0)
				}
			}))
		default:
			conn.Write(packet(h, func(e *encoder) {
				for _, v := range a.values {
					e.value(v)
				}
			}))
		}
		if a.after != nil {
			a.after(conn, h)
		}
	}
}

// listen gives the socket at which the daemon listens.
func (f *fake) listen() string {
	path := filepath.Join(f.t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return path
}

func none(string) string { return "" }

// dialFake opens a connection to it.
func dialFake(t *testing.T, f *fake) *Conn {
	t.Helper()
	c, err := tryAddress(t, "qemu+unix:///system?socket="+url.QueryEscape(f.listen()), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*Conn)
}

// tryAddress opens an address with a patience of its own.
func tryAddress(t *testing.T, text string, patience time.Duration) (drivers.Conn, error) {
	t.Helper()
	u, err := drivers.ParseURI(text)
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAddress(u, drivers.OpenOptions{Getenv: none})
	if err != nil {
		return nil, err
	}
	a.patience = patience
	return open(context.Background(), a)
}
