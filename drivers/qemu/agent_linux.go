package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.AgentCommander = (*domains)(nil)
	_ drivers.AgentTimeouter = (*domains)(nil)
)

// agentLock is held by the one who uses the agent.
const agentLock = "agent.lock"

// withAgent runs f with the agent of a running guest, for which it waits while
// somebody else has it.
func (d *domains) withAgent(ctx context.Context, r drivers.Ref, f func(*agentSession) error) error {
	a, _, err := d.agent(ctx, r, d.agentTimeout(r.Name))
	if err != nil {
		return err
	}
	defer a.close()
	return f(a)
}

// agentReady finds the agent's channel, if somebody listens at its other end.
func (d *domains) agentReady(ctx context.Context, r drivers.Ref) (*xml.Domain, *xml.Chardev, error) {
	s, running := d.touch(ctx, r.Name)
	if !running || s.State != drivers.Running {
		return nil, nil, notRunning()
	}
	dom, err := readLive(d.layout.guest(r.Name))
	if err != nil {
		return nil, nil, notRunning()
	}
	c := agentPort(dom)
	switch {
	case c == nil:
		return nil, nil, noAgent()
	case c.Target.State != "connected" || c.Path == "":
		return nil, nil, xml.Errorf(xml.CodeAgentUnresponsive, "QEMU guest agent is not connected")
	}
	return dom, c, nil
}

// agent opens a session, which is the caller's to close.
func (d *domains) agent(ctx context.Context, r drivers.Ref, timeout int) (*agentSession, *xml.Domain, error) {
	dom, c, err := d.agentReady(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	wait, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	lock, err := drivers.LockFile(wait, filepath.Join(d.layout.guest(r.Name), agentLock))
	if err != nil {
		if wait.Err() != nil && ctx.Err() == nil {
			err = xml.Errorf(xml.CodeTimeout, "cannot acquire state change lock (held by agent)")
		}
		return nil, nil, err
	}
	conn, err := dialIn(wait, filepath.Dir(c.Path), filepath.Base(c.Path))
	if err != nil {
		lock.Unlock()
		return nil, nil, xml.Errorf(xml.CodeAgentUnresponsive, "QEMU guest agent is not connected")
	}
	a := &agentSession{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), timeout: timeout, close: func() {
		conn.Close()
		lock.Unlock()
	}}
	if err := a.sync(ctx); err != nil {
		a.close()
		return nil, nil, err
	}
	return a, dom, nil
}

// AgentCommand passes a command to the agent as it stands.
func (d *domains) AgentCommand(ctx context.Context, r drivers.Ref, command string, timeout int) (string, error) {
	a, _, err := d.agent(ctx, r, d.agentTimeout(r.Name))
	if err != nil {
		return "", err
	}
	defer a.close()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(command), &object); err != nil {
		return "", xml.Errorf(xml.CodeInternal, "failed to parse JSON: unexpected character")
	}
	var line, answer bytes.Buffer
	if err := json.Compact(&line, []byte(command)); err != nil {
		return "", err
	}
	if timeout == drivers.AgentDefault {
		timeout = agentSync
	}
	data, err := a.raw(ctx, line.Bytes(), timeout)
	if err != nil {
		return "", err
	}
	if err := json.Compact(&answer, data); err != nil {
		return "", err
	}
	return answer.String(), nil
}

// SetAgentTimeout sets how long the agent may take.
func (d *domains) SetAgentTimeout(ctx context.Context, r drivers.Ref, timeout int) error {
	if timeout < drivers.AgentBlock {
		return xml.Errorf(xml.CodeInvalidArg, "guest agent timeout '%d' is less than the minimum '%d'", timeout, drivers.AgentBlock)
	}
	if _, running := d.touch(ctx, r.Name); !running && !d.store.Has(r.Name) {
		return gone(r)
	}
	path := d.layout.agentTimeout(r.Name)
	if err := drivers.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	return drivers.ReplaceFile(path, []byte(strconv.Itoa(timeout)+"\n"), 0o600)
}

// agentTimeout is what was set, in seconds: for ever if nothing was.
func (d *domains) agentTimeout(name string) int {
	data, err := os.ReadFile(d.layout.agentTimeout(name))
	if err != nil {
		return drivers.AgentBlock
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	switch {
	case err != nil:
		return drivers.AgentBlock
	case n == drivers.AgentDefault:
		return agentSync
	}
	return n
}

// agentPatience is how long the guest may take to do what has no answer.
const agentPatience = 60

// without runs a command to which the agent answers only if it fails. It has been
// done when one of the events comes, or the agent or the guest goes.
func (d *domains) without(ctx context.Context, r drivers.Ref, command string, args any, done ...string) error {
	q, err := d.dial(ctx, r)
	if err != nil {
		return err
	}
	defer q.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events, err := q.Events(ctx)
	if err != nil {
		return asVirsh(err)
	}
	_, port, err := d.agentReady(ctx, r)
	if err != nil {
		return err
	}
	return d.withAgent(ctx, r, func(a *agentSession) error {
		line, err := agentCommand(command, args)
		if err != nil {
			return err
		}
		answered := make(chan error, 1)
		go func() {
			_, err := a.raw(ctx, line, agentPatience)
			answered <- err
		}()
		err = awaitDone(ctx, events, answered, done, aliasOf(port.Alias))
		stop()
		return err
	})
}

// awaitDone waits for one of the events done. A channel that closes may come before
// it: the guest's drivers are the first to sleep.
func awaitDone(ctx context.Context, events <-chan qmp.Event, answered <-chan error, done []string, port string) error {
	var closed <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-events:
			if !ok || slices.Contains(done, e.Event) { // it was done, or the guest has ended
				return nil
			}
			if open, _ := e.Data["open"].(bool); e.Event == "VSERPORT_CHANGE" && !open && e.Data["id"] == port && closed == nil {
				closed = time.After(3 * time.Second)
			}
		case <-closed:
			return nil
		case err := <-answered:
			if xml.CodeOf(err) != xml.CodeAgentUnresponsive { // else the channel has ended
				return err
			}
			answered = nil
			if closed == nil {
				closed = time.After(3 * time.Second)
			}
		}
	}
}
