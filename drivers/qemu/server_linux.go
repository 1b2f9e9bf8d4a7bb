package qemu

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// clients counts the connections that still wait for an answer.
type clients struct{ busy sync.WaitGroup }

// drain lets the last answers out.
func (c *clients) drain(limit time.Duration) {
	done := make(chan struct{})
	go func() { c.busy.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// request is a command that a client sends.
type request struct {
	Execute   string          `json:"execute"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	ID        json.RawMessage `json:"id,omitempty"`
}

// The watcher's own commands, beside QEMU's.
const (
	cmdStatus     = "virgo-status"
	cmdSuspend    = "virgo-suspend"
	cmdResume     = "virgo-resume"
	cmdDestroy    = "virgo-destroy"
	cmdShutdown   = "virgo-shutdown"
	cmdReboot     = "virgo-reboot"
	cmdPolicy     = "virgo-policy"
	cmdPerf       = "virgo-perf"
	cmdPerfCounts = "virgo-perf-counts"
	cmdForget     = "virgo-forget-reboot"
	cmdPlug       = "virgo-plug"
	cmdUnplug     = "virgo-unplug"
	cmdSave       = "virgo-save"
	cmdDump       = "virgo-dump"
	cmdJob        = "virgo-job"
	cmdAbortJob   = "virgo-job-abort"
	cmdBlock      = "virgo-block"
)

// serve accepts clients until the listener is closed.
func (g *guest) serve(ctx context.Context, l *net.UnixListener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go g.client(ctx, c)
	}
}

// client speaks QMP's wire format: greeting, commands with ids, events.
func (g *guest) client(ctx context.Context, c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	send := func(v any) {
		line, err := json.Marshal(v)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_, _ = c.Write(append(line, '\n'))
	}
	version := json.RawMessage(`{"qemu":` + versionJSON(g.qmp.Version) + `,"package":""}`)
	send(map[string]any{"QMP": map[string]any{"version": version, "capabilities": []string{}}})
	if events, err := g.qmp.Lines(ctx); err == nil {
		go func() {
			for e := range events {
				send(e)
			}
		}()
	}
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			send(map[string]any{"error": &qmp.Error{Class: "GenericError", Desc: "JSON parse error: " + err.Error()}})
			continue
		}
		g.clients.busy.Add(1)
		go func() {
			defer g.clients.busy.Done()
			send(g.execute(ctx, r, line))
		}()
	}
}

func versionJSON(v string) string {
	parts := strings.SplitN(v+".0.0.0", ".", 4)
	return `{"major":` + parts[0] + `,"minor":` + parts[1] + `,"micro":` + parts[2] + `}`
}

// execute answers one command.
func (g *guest) execute(ctx context.Context, r request, line []byte) any {
	v, err := g.own(ctx, r)
	if errors.Is(err, errNotOwn) {
		answer, err := g.qmp.RunContext(ctx, line)
		if err == nil {
			return json.RawMessage(answer)
		}
		return failure(r.ID, err)
	}
	if err != nil {
		return failure(r.ID, err)
	}
	result, err := json.Marshal(v)
	if err != nil {
		return failure(r.ID, err)
	}
	return message(qmp.Answer(r.ID, result, nil))
}

// errNotOwn is a command that is QEMU's.
var errNotOwn = errors.New("not a command of the watcher")

// own does one of the watcher's own commands.
func (g *guest) own(ctx context.Context, r request) (v any, err error) {
	v = struct{}{}
	switch r.Execute {
	case "qmp_capabilities":
	case cmdStatus:
		g.mu.Lock()
		v = g.status
		g.mu.Unlock()
	case cmdSuspend, cmdResume, cmdShutdown, cmdReboot:
		if err = g.idle(ctx); err == nil {
			err = g.press(ctx, r.Execute)
		}
	case cmdPolicy:
		var p Policy
		if p, err = decode[Policy](r); err == nil {
			err = g.follow(ctx, p)
		}
	case cmdPerf:
		var p perfRequest
		if p, err = decode[perfRequest](r); err == nil {
			err = g.setPerf(p)
		}
	case cmdPerfCounts:
		v = g.counters.read()
	case cmdForget:
		g.mu.Lock()
		g.rebooting = false
		g.mu.Unlock()
	case cmdPlug:
		var a plugRequest
		if a, err = decode[plugRequest](r); err == nil {
			err = g.idle(ctx)
		}
		if err == nil {
			err = g.plug(context.WithoutCancel(ctx), a)
		}
	case cmdUnplug:
		var a unplugRequest
		if a, err = decode[unplugRequest](r); err == nil {
			err = g.idle(ctx)
		}
		if err == nil {
			v, err = g.unplug(ctx, a)
		}
	case cmdSave:
		var a saveRequest
		if a, err = decode[saveRequest](r); err == nil {
			err = g.save(ctx, a)
		}
	case cmdDump:
		var a dumpRequest
		if a, err = decode[dumpRequest](r); err == nil {
			err = g.dump(ctx, a)
		}
	case cmdJob:
		v, err = g.jobNow(ctx)
	case cmdAbortJob:
		err = g.abortJob()
	case cmdBlock:
		var a blockRequest
		if a, err = decode[blockRequest](r); err == nil && a.changes() {
			err = g.idle(ctx)
		}
		if err == nil {
			v, err = g.block(ctx, a)
		}
	case cmdDestroy:
		var a destroyRequest
		_ = json.Unmarshal(r.Arguments, &a)
		err = g.destroy(ctx, a)
	default:
		err = errNotOwn
	}
	return v, err
}

// message is an answer that is JSON already.
func message(line []byte, err error) any {
	if err != nil {
		return nil
	}
	return json.RawMessage(line)
}

func failure(id json.RawMessage, err error) any {
	var q *qmp.Error
	if !errors.As(err, &q) {
		q = &qmp.Error{Class: "GenericError", Desc: err.Error()}
		var e *xml.Error
		if errors.As(err, &e) {
			q = &qmp.Error{Class: codeClass(e.Code), Desc: e.Msg}
		}
	}
	return message(qmp.Answer(id, nil, q))
}

// press stops the guest, lets it go on, or presses a button.
func (g *guest) press(ctx context.Context, command string) error {
	switch command {
	case cmdSuspend:
		return g.suspend(ctx)
	case cmdResume:
		g.mu.Lock()
		state := g.status.State
		g.mu.Unlock()
		if state == drivers.Running {
			return xml.Errorf(xml.CodeOperationInvalid, "domain is already running")
		}
		return g.resume(ctx)
	}
	return g.powerDown(ctx, command == cmdReboot)
}

func (g *guest) suspend(ctx context.Context) error {
	g.mu.Lock()
	switch g.status.State {
	case drivers.PausedState:
		g.mu.Unlock()
		return nil
	case drivers.PMSuspended:
		g.mu.Unlock()
		return xml.Errorf(xml.CodeOperationInvalid, "domain is pmsuspended")
	}
	g.stopping = true
	g.mu.Unlock()
	err := g.qmp.Execute(ctx, "stop", nil, nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = false
	if err != nil {
		return err
	}
	g.change(drivers.PausedState, drivers.PausedUser, "Suspended", "Paused")
	return nil
}

func (g *guest) resume(ctx context.Context) error {
	g.mu.Lock()
	state := g.status.State
	g.mu.Unlock()
	switch state {
	case drivers.Running:
		return nil
	case drivers.PMSuspended:
		return xml.Errorf(xml.CodeOperationInvalid, "domain is pmsuspended")
	}
	if err := g.qmp.Execute(ctx, "cont", nil, nil); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.status.State != drivers.Running {
		g.change(drivers.Running, drivers.RunningUnpaused, "Resumed", "Unpaused")
	}
	return nil
}

// powerDown presses the power button. To reboot, the guest's power-off is
// answered with a reset, since there is no button for that; the peer lets a guest be
// asked for it that stands still.
func (g *guest) powerDown(ctx context.Context, reboot bool) error {
	g.mu.Lock()
	if g.status.State != drivers.Running && !reboot {
		g.mu.Unlock()
		return notRunning()
	}
	g.rebooting = reboot
	g.mu.Unlock()
	return g.qmp.Execute(ctx, "system_powerdown", nil, nil)
}

// destroyRequest says how a guest is to be ended.
type destroyRequest struct {
	Graceful bool           `json:"graceful,omitempty"`
	Reason   drivers.Reason `json:"reason,omitempty"` // 0: it is destroyed
}

// destroy ends QEMU and returns when nothing of it is left.
func (g *guest) destroy(ctx context.Context, r destroyRequest) error {
	g.mu.Lock()
	if g.ending == 0 {
		g.ending = cmp.Or(r.Reason, drivers.ShutOffDestroyed)
	}
	g.mu.Unlock()
	if r.Graceful {
		if err := g.destroyGracefully(ctx); err != nil {
			return err
		}
	} else {
		go g.kill(drivers.ShutOffDestroyed)
	}
	<-g.gone
	return nil
}

func (g *guest) destroyGracefully(ctx context.Context) error {
	g.mu.Lock()
	g.tellEnd()
	g.mu.Unlock()
	_ = g.qmp.Execute(ctx, "quit", nil, nil)
	select {
	case <-g.over:
		return nil
	case <-time.After(15 * time.Second):
		g.mu.Lock()
		g.ending = 0
		g.mu.Unlock()
		return xml.Errorf(xml.CodeResourceBusy, "Failed to terminate process %d with SIGTERM: Device or resource busy", g.status.QEMU.PID)
	}
}
