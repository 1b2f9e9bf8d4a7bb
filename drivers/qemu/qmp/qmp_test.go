package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a QEMU that answers as a script says.
func fake(t *testing.T, answer func(command, id string, send func(string))) *Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		var mu sync.Mutex
		send := func(line string) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = io.WriteString(theirs, line+"\r\n")
		}
		send(`{"QMP":{"version":{"qemu":{"micro":2,"minor":0,"major":10},"package":""},"capabilities":["oob"]}}`)
		in := bufio.NewScanner(theirs)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			var c struct {
				Execute string          `json:"execute"`
				ID      json.RawMessage `json:"id"`
			}
			if json.Unmarshal(in.Bytes(), &c) != nil {
				continue
			}
			if c.Execute == "qmp_capabilities" {
				send(fmt.Sprintf(`{"return":{},"id":%s}`, c.ID))
				continue
			}
			go answer(c.Execute, string(c.ID), send)
		}
		theirs.Close()
	}()
	conn, err := New(context.Background(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestExecute(t *testing.T) {
	big := strings.Repeat("x", 300<<10) // larger than any line that bufio.Scanner takes
	c := fake(t, func(command, id string, send func(string)) {
		switch command {
		case "slow":
			time.Sleep(30 * time.Millisecond)
			send(`{"return":"slow","id":` + id + `}`)
		case "big":
			send(`{"return":"` + big + `","id":` + id + `}`)
		case "never":
		case "die":
			send(`{"retu`)
		default:
			send(`{"id":` + id + `,"error":{"class":"CommandNotFound","desc":"The command ` + command + ` has not been found"}}`)
		}
	})
	if c.Version != "10.0.2" {
		t.Error(c.Version)
	}
	ctx := context.Background()
	slow, err := c.Send("slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := c.Execute(ctx, "big", nil, &text); err != nil || text != big {
		t.Errorf("big: %d bytes, %v", len(text), err)
	}
	if err := slow.Read(ctx, &text); err != nil || text != "slow" {
		t.Errorf("slow: %q %v", text, err)
	}
	var refused *Error
	if err := c.Execute(ctx, "odd", nil, nil); !errors.As(err, &refused) || refused.Class != "CommandNotFound" {
		t.Errorf("odd: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := c.Execute(short, "never", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("never: %v", err)
	}
	answer, err := c.Run([]byte(`{"execute":"odd","id":"mine"}`))
	if err != nil || string(answer) != `{"id":"mine","error":{"class":"CommandNotFound","desc":"The command odd has not been found"}}` {
		t.Errorf("Run: %s %v", answer, err)
	}
}

func TestClosed(t *testing.T) {
	c := fake(t, func(command, id string, send func(string)) { send("not json at all") })
	if err := c.Execute(context.Background(), "x", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := c.Execute(context.Background(), "y", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := c.Events(context.Background()); err == nil {
		t.Error("events of a closed connection")
	}
}

func TestEvents(t *testing.T) {
	c := fake(t, func(command, id string, send func(string)) {
		for i := range 1000 { // nobody needs to read them all
			send(fmt.Sprintf(`{"event":"STOP","data":{"n":%d},"timestamp":{"seconds":1,"microseconds":2}}`, i))
		}
		send(`{"return":{},"id":` + id + `}`)
	})
	ctx, cancel := context.WithCancel(context.Background())
	events, err := c.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Execute(ctx, "go", nil, nil); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Event != "STOP" || e.Data["n"] != 0.0 || e.Timestamp.Seconds != 1 {
		t.Errorf("%+v", e)
	}
	cancel()
	for range events { // ends, since the context has
	}
}

func TestNoGreeting(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := New(ctx, ours); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// stream is a QEMU that has said all it will say.
type stream struct{ io.Reader }

func (stream) Write(p []byte) (int, error) { return len(p), nil }
func (stream) Close() error                { return nil }

// FuzzRead: whatever QEMU sends, the connection ends in an error or works.
func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"QMP\":{\"version\":{\"qemu\":{\"micro\":2,\"minor\":0,\"major\":10}}}}\n{\"return\":{},\"id\":1}\n"))
	f.Add([]byte("{\"event\":1}\n[]\n\"x\"\n{\"id\":{}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err := New(ctx, stream{strings.NewReader(string(data))})
		if err == nil {
			c.Close()
		}
	})
}
