package qemu

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/qemu/block"
	"virgo/drivers/qemu/qmp"
	"virgo/drivers/watch"
	"virgo/xml"
)

// guestConfig is what the command that starts a guest tells the watcher.
type guestConfig struct {
	Layout Layout
	Name   string
	Start  *startConfig // nil to adopt
}

// guest is the watcher's view of its guest.
type guest struct {
	layout      Layout
	dir         string // run folder
	journal     watch.Journal
	qmp         *qmp.Conn
	clients     clients
	over        chan struct{} // closed when QEMU has ended
	gone        chan struct{} // closed when everything is cleaned up
	await       func() string // waits for QEMU's end; its exit in words
	undo        drivers.Undo  // host-side set-up
	restoredNow bool          // it was started from a saved state
	counters    counters      // the host's, of the guest
	slot        slot          // whoever changes the guest for a while has it

	devices   sync.Mutex // held while one is plugged in, and while all are saved; before mu
	mu        sync.Mutex
	status    Status
	rebooting bool           // the guest was asked to shut down in order to reboot
	resetting bool           // it is being reset, and runs again afterwards
	stopping  bool           // a suspend of ours is under way
	ioError   bool           // the next stop is for an I/O error
	watchdog  bool           // the next stop is the watchdog's
	ending    drivers.Reason // why QEMU ends; 0 while nobody knows
	told      bool           // that the host ends it
	passes    uint64         // of a migration over the memory, as far as they were told
	pulls     pulls
	job       *job           // what the guest is busy with
	farewell  string         // the word of the event at its end; "" for the reason's
	goesOn    drivers.Reason // why it is about to run again; 0: it was resumed
	blocks    *block.Manager
	backup    func(stats []drivers.Param, failure string, ok bool) // what the end of the backup is told
}

// Watch is the watcher of a guest of this driver.
func Watch(ctx context.Context, s *watch.Session) error {
	var cfg guestConfig
	if err := json.Unmarshal(s.Config, &cfg); err != nil {
		return err
	}
	unix.Umask(0o077)
	g := &guest{layout: cfg.Layout, dir: s.Dir, journal: watch.Journal{Path: cfg.Layout.journal()},
		over: make(chan struct{}), gone: make(chan struct{}), slot: make(slot, 1)}
	g.blocks = block.New(blockGuest{g}, g.dir)
	self, err := drivers.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if cfg.Start != nil {
		err = g.start(ctx, s, cfg, self)
	} else {
		err = g.adopt(ctx, self)
	}
	if err != nil {
		return err
	}
	g.run(ctx, s, cfg.Start == nil)
	return nil
}

// adopt takes over a guest whose watcher was killed.
func (g *guest) adopt(ctx context.Context, self drivers.Process) error {
	status, err := readStatus(g.dir)
	if err != nil {
		return fmt.Errorf("cannot read the guest's status: %w", err)
	}
	if !status.QEMU.Alive() {
		return errors.New("the guest has ended")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// The former watcher's link is free again once the kernel has closed it; the
	// spare one is there if somebody else holds it.
	for _, name := range []string{qmpSock, spareSock} {
		try, stop := context.WithTimeout(ctx, 3*time.Second)
		g.qmp, err = dialQMP(try, g.dir, name)
		stop()
		if err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot reach the guest's monitor: %w", err)
	}
	status.Watcher = self
	g.status = status
	g.await = func() string {
		_ = status.QEMU.Wait(context.Background())
		return "ended"
	}
	ended := g.adoptSave(ctx)
	var now struct {
		Status  string
		Running bool
	}
	if err := g.qmp.Execute(ctx, "query-status", nil, &now); err != nil {
		return err
	}
	g.reconcile(ctx)
	if dom, err := readLive(g.dir); err == nil {
		_ = g.perfOfDocument(dom) // what cannot be counted any more is not
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case ended:
	case now.Running && g.status.State != drivers.Running:
		g.set(drivers.Running, drivers.RunningUnpaused)
	case now.Status == "shutdown", now.Status == "guest-panicked":
		// What happened while nobody listened: it ended by its own will.
		g.set(drivers.ShuttingDown, drivers.ShuttingDownUser)
		g.ending = drivers.ShutOffShutdown
		if now.Status == "guest-panicked" {
			g.ending = drivers.ShutOffCrashed
		}
		go g.quit()
	case !now.Running && g.status.State == drivers.Running:
		g.set(drivers.PausedState, 0)
	}
	return g.status.write(g.dir)
}

// run serves clients and events until QEMU has ended, then cleans up. adopted: it
// ran before.
func (g *guest) run(ctx context.Context, s *watch.Session, adopted bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var owned sync.WaitGroup
	events, err := g.qmp.Events(ctx)
	if err == nil {
		owned.Add(1)
		go func() {
			defer owned.Done()
			for e := range events {
				g.event(e)
				g.blocks.Event(e)
			}
		}()
	}
	if adopted {
		g.blocks.Reconcile(ctx) // behind the events' beginning: none is missed
		if began := g.blocks.Began(); !began.IsZero() {
			_ = g.backingUp(ctx, began, func(context.Context) error { return nil })
		}
	}
	if g.restoredNow {
		g.channelStates(ctx)
	}
	listener, err := listenIn(g.dir, watchSock)
	if err == nil {
		go g.serve(ctx, listener)
	}
	if f := s.File("autodestroy"); f != nil {
		go func() {
			// Nothing is ever written: the end of the file is the end of its owner.
			_, _ = f.Read(make([]byte, 1))
			g.kill(drivers.ShutOffDestroyed)
		}()
	}
	g.mu.Lock()
	answer := g.status
	g.mu.Unlock()
	s.Started(answer)
	g.await()
	close(g.over)
	g.qmp.Close()
	owned.Wait() // the last events say why it ended
	g.cleanUp()
	if listener != nil {
		listener.Close()
	}
	close(g.gone)
	g.clients.drain(time.Second)
	watch.RemoveGroup(g.status.Name)
}

// set notes a new state. g.mu is held.
func (g *guest) set(state drivers.State, reason drivers.Reason) {
	g.status.State, g.status.Reason, g.status.Since = state, reason, time.Now()
}

// change notes a new state on disk and in the journal. g.mu is held.
func (g *guest) change(state drivers.State, reason drivers.Reason, event, detail string) {
	g.set(state, reason)
	_ = g.status.write(g.dir) // a full disk must not end the guest
	g.tell("lifecycle", event, detail)
}

func (g *guest) tell(name, event, detail string) {
	g.journal.Append(drivers.Event{
		Ref:  drivers.Ref{Kind: drivers.Domain, Name: g.status.Name, UUID: g.status.UUID, ID: g.status.ID},
		Name: name, Detail: event, Reason: detail, Time: time.Now()})
}

// event follows QEMU's events.
func (g *guest) event(e qmp.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e.Event {
	case "STOP":
		g.stopped()
	case "RESUME":
		switch {
		case g.resetting && g.status.State == drivers.Crashed:
			g.resetting = false
			g.change(drivers.Running, drivers.RunningCrashed, "Resumed", "Unpaused")
		case g.resetting: // it was never told to have stopped
			g.resetting = false
		case g.status.State != drivers.Running:
			g.change(drivers.Running, cmp.Or(g.goesOn, drivers.RunningUnpaused), "Resumed", "Unpaused")
		}
	case "BLOCK_IO_ERROR":
		g.ioError = e.Data["action"] == "stop"
		g.tell("io-error", fmt.Sprint(e.Data["device"]), fmt.Sprint(e.Data["action"]))
	case "WATCHDOG":
		g.watchdog = e.Data["action"] == "pause"
		g.tell("watchdog", fmt.Sprint(e.Data["action"]), "")
	case "RESET":
		g.tell("reboot", "", "")
	case "SUSPEND":
		g.tell("pm-suspend", "", "")
		g.change(drivers.PMSuspended, 0, "PMSuspended", "Memory")
	case "SUSPEND_DISK":
		g.tell("pm-suspend-disk", "", "")
	case "WAKEUP":
		g.tell("pm-wakeup", "", "")
		if g.status.State == drivers.PMSuspended {
			g.change(drivers.Running, drivers.RunningWakeup, "Started", "Event wakeup")
		}
	case "BALLOON_CHANGE":
		if bytes, ok := e.Data["actual"].(float64); ok {
			g.tell("balloon-change", fmt.Sprintf("%.0fKiB", bytes/1024), "")
			_ = editLive(g.dir, func(dom *xml.Domain) error { // who asks QEMU has it better
				dom.CurrentMem = xml.KiB(bytes / 1024)
				return nil
			})
		}
	case "RTC_CHANGE":
		if offset, ok := e.Data["offset"].(float64); ok {
			g.tell("rtc-change", fmt.Sprintf("%.0f", offset), "")
		}
	case "DEVICE_TRAY_MOVED":
		word := "closed"
		if open, _ := e.Data["tray-open"].(bool); open {
			word = "opened"
		}
		if alias, _ := e.Data["id"].(string); alias != "" {
			g.tell("tray-change", "disk "+alias+": "+word, "")
			g.trayMoved(alias, word == "opened")
		}
	case "MIGRATION_PASS":
		if pass, ok := e.Data["pass"].(float64); ok {
			g.tellPasses(uint64(pass))
		}
	case "VSERPORT_CHANGE":
		id, _ := e.Data["id"].(string)
		open, _ := e.Data["open"].(bool)
		g.channelState(id, open)
	case "DEVICE_DELETED":
		if alias, _ := e.Data["device"].(string); alias != "" {
			go g.deviceGone(alias)
		}
	case "DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR":
		if alias, _ := e.Data["device"].(string); alias != "" {
			go g.refusedPull(alias)
		}
	case "GUEST_PANICKED":
		g.panicked()
	case "SHUTDOWN":
		reason, _ := e.Data["reason"].(string)
		byGuest, _ := e.Data["guest"].(bool)
		g.shutDown(reason, byGuest)
	}
}

// stopped: the vCPUs stand still. g.mu is held.
func (g *guest) stopped() {
	if g.stopping || g.resetting || g.status.State != drivers.Running {
		return
	}
	reason, detail := drivers.Reason(0), "Paused"
	switch {
	case g.job != nil && g.job.operation == dumpOperation:
		reason = drivers.PausedDumping
	case g.ioError:
		reason, detail = drivers.PausedIOError, "I/O Error"
	case g.watchdog:
		reason, detail = drivers.PausedWatchdog, "Watchdog"
	}
	g.ioError, g.watchdog = false, false
	g.change(drivers.PausedState, reason, "Suspended", detail)
}

// Who asked for a guest's end, in the words of the event.
const (
	guestFinished = "Finished after guest request"
	hostFinished  = "Finished after host request"
)

// shutDown: the guest has powered off, or wants to be reset. g.mu is held.
func (g *guest) shutDown(reason string, byGuest bool) {
	if g.ending != 0 {
		return
	}
	detail := hostFinished
	if byGuest {
		detail = guestFinished
	}
	action := g.status.Policy.OnPoweroff
	if reason == "guest-reset" {
		action = g.status.Policy.OnReboot
	}
	if g.rebooting {
		action = "restart"
		if a := g.status.Policy.OnReboot; a == "destroy" || a == "preserve" {
			action = a
		}
	}
	switch action {
	case "restart", "rename-restart":
		g.rebooting, g.resetting = false, true
		go g.restart()
	case "preserve":
		g.change(drivers.PausedState, drivers.PausedShuttingDown, "Shutdown", detail)
	default:
		g.change(drivers.ShuttingDown, drivers.ShuttingDownUser, "Shutdown", detail)
		g.ending = drivers.ShutOffShutdown
		go g.quit()
	}
}

// panicked: the guest's kernel said so. g.mu is held.
func (g *guest) panicked() {
	switch g.status.Policy.OnCrash {
	case "preserve", "restart", "rename-restart", "coredump-restart":
		g.tell("lifecycle", "Suspended", "Paused")
	default:
		g.farewell = "Crashed"
	}
	g.change(drivers.Crashed, drivers.CrashedPanicked, "Crashed", "Panicked")
	switch action := g.status.Policy.OnCrash; action {
	case "preserve":
	case "restart", "rename-restart":
		g.resetting = true
		go g.restart()
	case "coredump-destroy", "coredump-restart":
		go g.dumpThen(action == "coredump-restart")
	default:
		g.ending = drivers.ShutOffCrashed
		go g.quit()
	}
}

func (g *guest) dumpThen(restart bool) {
	g.coreDump()
	g.mu.Lock()
	g.resetting = restart
	if restart {
		g.mu.Unlock()
		g.restart()
		return
	}
	g.ending = drivers.ShutOffCrashed
	g.tellEnd()
	g.mu.Unlock()
	g.quit()
}

// restart resets the machine and lets it run.
func (g *guest) restart() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if g.qmp.Execute(ctx, "system_reset", nil, nil) != nil || g.qmp.Execute(ctx, "cont", nil, nil) != nil {
		g.kill(drivers.ShutOffCrashed)
		return
	}
}

// quit ends QEMU in order, so that its caches are written, and by force if it
// does not go.
func (g *guest) quit() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_ = g.qmp.Execute(ctx, "quit", nil, nil)
	select {
	case <-g.over:
	case <-ctx.Done():
		_ = g.status.QEMU.Signal(unix.SIGKILL)
	}
}

// kill ends the guest for that reason, unless another was known before.
func (g *guest) kill(reason drivers.Reason) {
	g.mu.Lock()
	if g.ending == 0 {
		g.ending = reason
	}
	g.tellEnd()
	g.mu.Unlock()
	if !g.status.Caches { // nothing is lost, and it is gone in a moment
		_ = g.status.QEMU.Signal(unix.SIGKILL)
		return
	}
	_ = g.status.QEMU.Signal(unix.SIGTERM)
	select {
	case <-g.over:
	case <-time.After(10 * time.Second):
		_ = g.status.QEMU.Signal(unix.SIGKILL)
	}
}

// tellEnd says that the host ends the guest. QEMU would say so itself if it were
// always asked, and not killed where nothing is lost by that; of a guest that is to
// start anew where it powers off the peer does not say it. g.mu is held.
func (g *guest) tellEnd() {
	if !g.told && g.status.Policy.OnPoweroff != "restart" {
		g.told = true
		g.tell("lifecycle", "Shutdown", hostFinished)
	}
}

// endingDetails are the lifecycle event's words for why a guest has stopped.
var endingDetails = map[drivers.Reason]string{
	drivers.ShutOffShutdown: "Shutdown", drivers.ShutOffDestroyed: "Destroyed", drivers.ShutOffCrashed: "Crashed", drivers.ShutOffFailed: "Failed",
	drivers.ShutOffSaved:        "Saved",
	drivers.ShutOffFromSnapshot: "Snapshot",
}

// cleanUp undoes the host-side set-up and says how the guest ended. After it
// nothing of the running guest is left.
func (g *guest) cleanUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending == 0 { // QEMU was killed from outside, or crashed
		g.ending = drivers.ShutOffCrashed
	}
	g.undo.Run()
	g.blocks.Over()
	endLog(g.layout, g.status.Name, g.ending)
	removeGuest(g.layout, g.status, ending{Reason: g.ending, Since: time.Now()})
	detail := endingDetails[g.ending]
	if g.ending == drivers.ShutOffCrashed {
		detail = cmp.Or(g.farewell, "Failed")
	}
	g.tell("lifecycle", "Stopped", detail)
}

// removeGuest takes the run folder away in one step, so that nobody sees half
// of it, and leaves word of how the guest ended if its definition stands.
func removeGuest(l Layout, s Status, e ending) {
	if l.store().Has(s.Name) {
		if data, err := json.Marshal(e); err == nil && drivers.MakeDir(filepath.Dir(l.ended(s.Name))) == nil {
			_ = drivers.ReplaceFile(l.ended(s.Name), data, 0o600)
		}
	} else {
		os.Remove(l.completedJob(s.Name))
		os.Remove(l.agentTimeout(s.Name))
	}
	if s.LibDir != "" {
		os.RemoveAll(s.LibDir)
	}
	dropMemory(l, s)
	removeMade(l.guest(s.Name))
	disconnect(l.guest(s.Name), l.store().Has(s.Name))
	// Outside of guests/, where every folder is a guest.
	gone := filepath.Join(l.Run, fmt.Sprintf("gone-%d-%d", s.ID, os.Getpid()))
	if os.Rename(l.guest(s.Name), gone) == nil {
		os.RemoveAll(gone)
	}
}

func endLog(l Layout, name string, reason drivers.Reason) {
	f, err := os.OpenFile(l.logFile(name), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%s: shutting down, reason=%s\n", logTime(), reason.Text(drivers.ShutOff))
}

func logTime() string { return time.Now().UTC().Format("2006-01-02 15:04:05.000-0700") }

// errGone is what a client hears whose command came too late.
var errGone = xml.Errorf(xml.CodeOperationInvalid, "domain is not running")
