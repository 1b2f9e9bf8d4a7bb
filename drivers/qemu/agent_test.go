//go:build linux

package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// agentPair is a session with an agent that answers line for line.
func agentPair(t testing.TB, timeout int, agent func(command string, args json.RawMessage) string) *agentSession {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "agent")
		if ends[i], err = net.FileConn(file); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	ours, theirs := ends[0], ends[1]
	go func() {
		defer theirs.Close()
		in := bufio.NewScanner(theirs)
		for in.Scan() {
			var cmd struct {
				Execute   string
				Arguments json.RawMessage
			}
			if json.Unmarshal(bytes.TrimLeft(in.Bytes(), "\xff"), &cmd) != nil {
				continue
			}
			if _, err := theirs.Write([]byte(agent(cmd.Execute, cmd.Arguments))); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { ours.Close() })
	return &agentSession{conn: ours, in: bufio.NewReaderSize(ours, 16), timeout: timeout}
}

func syncID(args json.RawMessage) int64 {
	var v struct{ ID int64 }
	_ = json.Unmarshal(args, &v)
	return v.ID
}

// TestAgentSync: whatever is left in the channel, the answers are those to the
// questions.
func TestAgentSync(t *testing.T) {
	ctx := context.Background()
	a := agentPair(t, 5, func(command string, args json.RawMessage) string {
		switch command {
		case "guest-sync-delimited":
			return fmt.Sprintf("{\"return\": 1}\nhalf\xff{\"return\":12}\n%s\xff\xff{\"return\": %d}\n", strings.Repeat("x", 100), syncID(args))
		case "guest-ping":
			return "{\"event\":\"x\"}\nnonsense\n{\"return\": {\"a\": 7}}\r\n"
		}
		return "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no such thing\"}}\n"
	})
	if err := a.sync(ctx); err != nil {
		t.Fatal(err)
	}
	var v struct{ A int }
	if err := a.run(ctx, "guest-ping", nil, &v); err != nil || v.A != 7 {
		t.Errorf("%+v, %v", v, err)
	}
	err := a.run(ctx, "guest-nosuch", nil, nil)
	if xml.CodeOf(err) != xml.CodeAgentFailed || !strings.Contains(err.Error(), "unable to execute QEMU agent command 'guest-nosuch': no such thing") {
		t.Error(err)
	}
	var wrong []string
	if err := a.run(ctx, "guest-ping", nil, &wrong); xml.CodeOf(err) != xml.CodeInternal {
		t.Errorf("an answer of another form: %v", err)
	}
}

func TestAgentSilent(t *testing.T) {
	a := agentPair(t, 0, func(string, json.RawMessage) string { return "" })
	if err := a.sync(context.Background()); xml.CodeOf(err) != xml.CodeAgentUnresponsive {
		t.Error(err)
	}
	if _, err := a.raw(context.Background(), []byte("{}"), 0); xml.CodeOf(err) != xml.CodeAgentTimeout {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.raw(ctx, []byte("{}"), -2); err == nil {
		t.Error("the end of the context ends the wait")
	}
	a.conn.Close()
	if _, err := a.raw(context.Background(), []byte("{}"), 1); xml.CodeOf(err) != xml.CodeAgentUnresponsive {
		t.Error(err)
	}
}

// FuzzAgent: an agent may say anything.
func FuzzAgent(f *testing.F) {
	f.Add([]byte("\xff{\"return\":1}\n"), []byte("[{\"logical-id\":70000}]"))
	f.Fuzz(func(t *testing.T, before, answer []byte) {
		a := agentPair(t, 1, func(command string, args json.RawMessage) string {
			if command == "guest-sync-delimited" {
				return string(before) + fmt.Sprintf("\xff{\"return\": %d}\n", syncID(args))
			}
			return "{\"return\": " + string(bytes.ReplaceAll(answer, []byte("\n"), nil)) + "}\n{\"return\":null}\n{\"error\":{}}\n"
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if a.sync(ctx) != nil {
			return
		}
		dom := &xml.Domain{}
		for _, k := range agentFacts {
			var v facts
			_ = k.ask(ctx, a, dom, &v)
		}
		_, _ = a.cpus(ctx)
	})
}
