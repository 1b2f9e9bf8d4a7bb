package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"virgo/xml"
)

// The guest's agent answers lines of JSON on a channel. Nobody knows what an
// earlier user left in the channel, so each session begins by a synchronization.

// agentChannel is the name of the agent's channel.
const agentChannel = "org.qemu.guest_agent.0"

// agentSync is how long the agent may take to show that it is there, in seconds.
const agentSync = 5

// agentSession is the use of the agent by one command at a time.
type agentSession struct {
	conn    net.Conn
	in      *bufio.Reader
	timeout int // seconds; less than 0 is as long as it takes
	close   func()
}

// agentLine is the longest line that an agent may send.
const agentLine = 64 << 20

// deadline is the moment a number of seconds from now; zero if there is none.
func deadline(seconds int) time.Time {
	if seconds < 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

// sync drops what is left in the channel and waits for the agent's sign.
func (a *agentSession) sync(ctx context.Context) error {
	limit := agentSync
	if a.timeout >= 0 {
		limit = a.timeout
	}
	id := int64(rand.Uint64() >> 12)
	line, err := json.Marshal(map[string]any{"execute": "guest-sync-delimited", "arguments": map[string]int64{"id": id}})
	if err != nil {
		return err
	}
	// The byte has the agent forget the beginning of a line that was never ended.
	if err := a.write(append(append([]byte{0xff}, line...), '\n')); err != nil {
		return agentLost(err)
	}
	_ = a.conn.SetReadDeadline(deadline(limit))
	stop := context.AfterFunc(ctx, func() { _ = a.conn.SetReadDeadline(time.Now()) })
	defer stop()
	for {
		line, err := a.line()
		if err != nil {
			return syncFailed(ctx, err, limit)
		}
		var v struct{ Return *int64 }
		mark := bytes.LastIndexByte(line, 0xff) // the answer follows it, whatever came before
		if mark >= 0 && json.Unmarshal(line[mark+1:], &v) == nil && v.Return != nil && *v.Return == id {
			return nil
		}
	}
}

func syncFailed(ctx context.Context, err error, seconds int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return xml.Errorf(xml.CodeAgentUnresponsive, "guest agent didn't respond to synchronization within '%d' seconds", seconds)
	}
	return agentLost(err)
}

// agentLost is the error for a channel that has ended.
func agentLost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return xml.Errorf(xml.CodeAgentUnresponsive, "Guest agent disappeared while executing command")
	}
	return xml.Errorf(xml.CodeAgentUnresponsive, "cannot reach the guest agent: %v", err)
}

func (a *agentSession) write(line []byte) error {
	_ = a.conn.SetWriteDeadline(time.Now().Add(agentSync * time.Second))
	_, err := a.conn.Write(line)
	return err
}

// line reads a line that is not endless.
func (a *agentSession) line() ([]byte, error) {
	var line []byte
	for {
		part, err := a.in.ReadSlice('\n')
		if len(line)+len(part) > agentLine {
			return nil, errors.New("the agent's answer is too long")
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSpace(line), err
		}
	}
}

// agentAnswer is a line of the agent.
type agentAnswer struct {
	Return json.RawMessage
	Error  *struct{ Class, Desc string }
}

// raw sends a command as it stands and gives the whole answer.
func (a *agentSession) raw(ctx context.Context, command []byte, seconds int) ([]byte, error) {
	if err := a.write(append(bytes.Clone(command), '\n')); err != nil {
		return nil, agentLost(err)
	}
	_ = a.conn.SetReadDeadline(deadline(seconds))
	stop := context.AfterFunc(ctx, func() { _ = a.conn.SetReadDeadline(time.Now()) })
	defer stop()
	for {
		answer, err := a.line()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, xml.Errorf(xml.CodeAgentTimeout, "guest agent didn't respond to command within '%d' seconds", seconds)
		case err != nil:
			return nil, agentLost(err)
		}
		var v agentAnswer
		answer = bytes.TrimLeft(answer, "\xff")
		if json.Unmarshal(answer, &v) != nil || v.Return == nil && v.Error == nil {
			continue // an event, or half a line from before
		}
		if v.Error != nil {
			return nil, agentRefusal(command, v.Error.Desc)
		}
		return answer, nil
	}
}

// agentRefusal is the agent's refusal as the peer tells it.
func agentRefusal(command []byte, desc string) error {
	var c struct{ Execute string }
	_ = json.Unmarshal(command, &c) // it was a command
	return xml.Errorf(xml.CodeAgentFailed, "unable to execute QEMU agent command '%s': %s", c.Execute, desc)
}

// run executes a command and reads its answer into out, which may be nil.
func (a *agentSession) run(ctx context.Context, command string, args, out any) error {
	line, err := agentCommand(command, args)
	if err != nil {
		return err
	}
	answer, err := a.raw(ctx, line, a.timeout)
	if err != nil || out == nil {
		return err
	}
	var v agentAnswer
	if err := json.Unmarshal(answer, &v); err != nil {
		return err
	}
	if err := json.Unmarshal(v.Return, out); err != nil {
		return xml.Errorf(xml.CodeInternal, "malformed return value of %s: %v", command, err)
	}
	return nil
}

func agentCommand(command string, args any) ([]byte, error) {
	cmd := map[string]any{"execute": command}
	if args != nil {
		cmd["arguments"] = args
	}
	return json.Marshal(cmd)
}

// noAgent is the error of what needs the guest's agent where the domain has no
// channel for it.
func noAgent() error {
	return xml.Errorf(xml.CodeArgUnsupported, "QEMU guest agent is not configured")
}

// agentPort finds the agent's channel.
func agentPort(dom *xml.Domain) *xml.Chardev {
	for i := range dom.Devices.Channels {
		c := &dom.Devices.Channels[i]
		if c.Target != nil && c.Target.Type == "virtio" && c.Target.Name == agentChannel && c.Type == "unix" {
			return c
		}
	}
	return nil
}
