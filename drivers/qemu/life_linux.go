package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/drivers/watch"
	"virgo/xml"
)

// lockWait is how long a change waits for another one of the same domain.
const lockWait = 30 * time.Second

func (c *Conn) lockObject(ctx context.Context, name string) (*drivers.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock, err := c.store.LockObject(ctx, name)
	if err != nil && ctx.Err() != nil {
		return nil, xml.Errorf(xml.CodeTimeout, "cannot acquire state change lock")
	}
	return lock, err
}

// Start starts a defined domain.
func (d *domains) Start(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, running := d.mend(ctx, r.Name, lock); running {
		return xml.Errorf(xml.CodeOperationInvalid, "domain is already running")
	}
	dom, _, err := d.definition(r)
	if err != nil {
		return err
	}
	if done, err := d.startSaved(ctx, r.Name, f, lock); done || err != nil {
		return err
	}
	if err := d.stillValid(ctx, dom); err != nil {
		return err
	}
	_, err = d.launch(ctx, dom, f, lock)
	return err
}

// stillValid refuses a definition that define would refuse today: the emulator may
// be another one by now, a block job may have given a disk another image, and
// somebody may have written to the file.
func (d *domains) stillValid(ctx context.Context, dom *xml.Domain) error {
	again, err := domain.Clone(dom)
	if err != nil {
		return err
	}
	return domain.Complete(again, d.traitsOf(ctx, dom))
}

// Create starts a domain that is not kept.
func (d *domains) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	dom, err := d.parse(ctx, src, f)
	if err != nil {
		return drivers.Ref{}, err
	}
	lock, err := d.lockObject(ctx, dom.Name)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer lock.Unlock()
	if s, running := d.mend(ctx, dom.Name, lock); running {
		if s.UUID == dom.UUID {
			return drivers.Ref{}, xml.Errorf(xml.CodeOperationInvalid, "domain '%s' is already active", s.Name)
		}
		return drivers.Ref{}, xml.Errorf(xml.CodeOperationInvalid, "domain '%s' already exists with uuid %s", s.Name, s.UUID)
	}
	return d.launch(ctx, dom, f, lock)
}

// launch starts a guest anew.
func (d *domains) launch(ctx context.Context, dom *xml.Domain, f drivers.Flags, lock *drivers.Lock) (drivers.Ref, error) {
	return d.launchFrom(ctx, dom, f, lock, nil)
}

// launchFrom reserves the run folder and lets a watcher start the guest. The object
// is locked, and stays so until the start has come to its end, even if this
// process is killed: the watcher inherits the lock.
func (d *domains) launchFrom(ctx context.Context, dom *xml.Domain, f drivers.Flags, lock *drivers.Lock, in *incoming) (drivers.Ref, error) {
	return d.launchWith(ctx, dom, f, lock, in, nil)
}

// launchWith is launchFrom with something more for the watcher to know.
func (d *domains) launchWith(ctx context.Context, dom *xml.Domain, f drivers.Flags, lock *drivers.Lock, in *incoming, more func(*startConfig) error) (drivers.Ref, error) {
	if err := tscFits(dom); err != nil {
		return drivers.Ref{}, err
	}
	var undo drivers.Undo
	defer undo.Run()
	if nvram := nvramFile(dom); f.Has(drivers.ResetNVRAM) && nvram != "" && dom.OS.NVRAM.Template != "" {
		if err := os.Remove(nvram); err != nil && !errors.Is(err, os.ErrNotExist) {
			return drivers.Ref{}, xml.Errorf(xml.CodeSystem, "failed to remove nvram: %s: %s", nvram, drivers.SystemText(unwrapPath(err)))
		}
	}
	if dom.GenID != nil && (in != nil || more != nil) { // the guest has to know that it went back
		fresh := xml.GenID(drivers.NewUUID())
		dom.GenID = &fresh
	}
	status, err := d.reserve(ctx, dom, &undo)
	if err != nil {
		return drivers.Ref{}, err
	}
	st, err := d.prepare(ctx, dom, status, &undo, lock, in)
	if err != nil {
		return drivers.Ref{}, err
	}
	st.Paused = f.Has(drivers.Paused)
	st.Held = st.Paused
	if in != nil {
		st.Incoming, st.Paused = in, st.Paused || !in.Running
	}
	if more != nil {
		if err := more(st); err != nil {
			return drivers.Ref{}, err
		}
	}
	files := map[string]*os.File{"lock": lock.File()}
	if f.Has(drivers.AutoDestroy) {
		theirs, ours, err := os.Pipe()
		if err != nil {
			return drivers.Ref{}, err
		}
		defer theirs.Close()
		files["autodestroy"] = theirs
		d.mu.Lock()
		d.owned = append(d.owned, ours)
		d.mu.Unlock()
	}
	status, err = d.watcher(ctx, dom.Name, st, files)
	if err != nil {
		return drivers.Ref{}, err
	}
	undo.Done()
	return status.ref(), nil
}

// reserve takes an id and makes the run folder. Names are locked meanwhile, so
// that no other domain takes the name or uuid.
func (d *domains) reserve(ctx context.Context, dom *xml.Domain, undo *drivers.Undo) (Status, error) {
	if err := drivers.MakeDir(d.layout.guests()); err != nil {
		return Status{}, err
	}
	names, err := d.store.LockNames(ctx)
	if err != nil {
		return Status{}, err
	}
	defer names.Unlock()
	if err := d.clash(dom.Name, dom.UUID); err != nil {
		return Status{}, err
	}
	id, err := d.nextID()
	if err != nil {
		return Status{}, err
	}
	s := Status{Name: dom.Name, UUID: dom.UUID, ID: id, State: drivers.PausedState, Reason: drivers.PausedStartingUp, Since: time.Now(),
		LibDir: d.layout.libDir(id, dom.Name), Caches: holdsBack(dom),
		Policy: Policy{OnPoweroff: dom.OnPoweroff, OnReboot: dom.OnReboot, OnCrash: dom.OnCrash}}
	dir := d.layout.guest(dom.Name)
	undo.Add(func() {
		// A watcher that was killed may have left a QEMU, which only the folder leads to.
		killHolder(dir, s)
		removeGuest(d.layout, s, ending{Reason: drivers.ShutOffFailed, Since: time.Now()})
	})
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return Status{}, xml.Errorf(xml.CodeSystem, "cannot create directory '%s': %s", dir, drivers.SystemText(unwrapPath(err)))
	}
	return s, s.write(dir)
}

// holdsBack tells whether QEMU keeps written data in memory of its own: it does
// for formats with metadata and for disks elsewhere. What is written to a raw
// file or a device is the kernel's at once.
func holdsBack(dom *xml.Domain) bool {
	for _, d := range dom.Devices.Disks {
		local := d.Type == "file" || d.Type == "block" || d.Type == ""
		raw := d.Driver == nil || d.Driver.Type == "raw" || d.Driver.Type == ""
		if d.Source != nil && !diskReadonly(&d) && d.Transient == nil && !(local && raw) {
			return true
		}
	}
	return dom.OS.NVRAM != nil
}

// nextID counts running domains of this root, from 1. Names are locked.
func (c *Conn) nextID() (int, error) {
	file := filepath.Join(c.layout.Run, "nextid")
	data, _ := os.ReadFile(file)
	id, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	id = max(id, 1)
	return id, drivers.ReplaceFile(file, []byte(strconv.Itoa(id+1)), 0o600)
}

// watcher starts a watcher that starts (st) or adopts (nil) the guest.
func (c *Conn) watcher(ctx context.Context, name string, st *startConfig, files map[string]*os.File) (Status, error) {
	config, err := json.Marshal(guestConfig{Layout: c.layout, Name: name, Start: st})
	if err != nil {
		return Status{}, err
	}
	var log *os.File
	if drivers.MakeDir(c.layout.Log) == nil {
		if log, err = os.OpenFile(c.layout.logFile(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err == nil {
			defer log.Close()
		}
	}
	req := watch.Request{Driver: "qemu", Dir: c.layout.guest(name), Adopt: st == nil, Config: config}
	result, err := watch.Start(ctx, req, watch.Options{Root: c.layout.Root, Name: name, Files: files, Log: log})
	if err != nil {
		return Status{}, err
	}
	var s Status
	err = json.Unmarshal(result, &s)
	return s, err
}

// ask sends the guest's watcher a command.
func (d *domains) ask(ctx context.Context, r drivers.Ref, command string, args, out any) error {
	c, err := d.dial(ctx, r)
	if err != nil {
		return err
	}
	defer c.Close()
	return asVirsh(c.Execute(ctx, command, args, out))
}

// patience is how long a watcher may be at its very end, or its very beginning.
const patience = 2 * time.Second

// dial connects to the guest's watcher, or a new one.
func (d *domains) dial(ctx context.Context, r drivers.Ref) (*qmp.Conn, error) {
	var err error
	for start := time.Now(); err == nil || time.Since(start) < patience; {
		if _, running := d.touch(ctx, r.Name); !running {
			return nil, notRunning()
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		var c *qmp.Conn
		c, err = dialQMP(short, d.layout.guest(r.Name), watchSock)
		cancel()
		if err == nil {
			return c, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, xml.Errorf(xml.CodeInternal, "cannot reach the watcher of '%s': %v", r.Name, err)
}

// asVirsh gives QEMU's refusals the class that the peer gives them.
func asVirsh(err error) error {
	var q *qmp.Error
	if errors.As(err, &q) {
		return &xml.Error{Code: classCode(q.Class), Msg: q.Desc}
	}
	if errors.Is(err, qmp.ErrClosed) {
		return notRunning()
	}
	return err
}

// Errors of the watcher pass through QMP's error class as "virgo-CODE".
func codeClass(c xml.Code) string { return "virgo-" + strconv.Itoa(int(c)) }

func classCode(class string) xml.Code {
	if n, err := strconv.Atoi(strings.TrimPrefix(class, "virgo-")); err == nil {
		return xml.Code(n)
	}
	return xml.CodeInternal
}

// Destroy ends the guest and returns when nothing of it is left.
func (d *domains) Destroy(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	c, err := d.dial(ctx, r)
	if errors.Is(err, errGone) {
		return err
	}
	if err == nil {
		defer c.Close()
		err = c.Execute(ctx, cmdDestroy, destroyRequest{Graceful: f.Has(drivers.Graceful)}, nil)
		var q *qmp.Error
		if errors.As(err, &q) {
			return asVirsh(err)
		}
	}
	if err != nil {
		if err := d.endByForce(ctx, r); err != nil {
			return err
		}
	}
	if f.Has(drivers.RemoveLogs) {
		os.Remove(d.layout.logFile(r.Name))
	}
	return nil
}

// endByForce is for a guest whose watcher does not answer, or died of the order.
func (d *domains) endByForce(ctx context.Context, r drivers.Ref) error {
	dir := d.layout.guest(r.Name)
	s, err := readStatus(dir)
	if err != nil {
		return nil // gone already
	}
	_ = s.QEMU.Signal(unix.SIGKILL)
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.QEMU.Wait(wait); err != nil {
		return xml.Errorf(xml.CodeSystem, "Failed to terminate process %d with SIGKILL: Device or resource busy", s.QEMU.PID)
	}
	// A watcher that lives cleans up by itself now; else this does.
	for s.Watcher.Alive() && wait.Err() == nil {
		if _, err := os.Stat(dir); err != nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if now, err := readStatus(dir); err == nil && now.ID == s.ID {
		d.forget(s, drivers.ShutOffDestroyed)
	}
	return nil
}

// Shutdown presses the power button, or asks the agent.
func (d *domains) Shutdown(ctx context.Context, r drivers.Ref, modes []string) error {
	return d.power(ctx, r, modes, cmdShutdown)
}

// Reboot asks the guest to reboot.
func (d *domains) Reboot(ctx context.Context, r drivers.Ref, modes []string) error {
	return d.power(ctx, r, modes, cmdReboot)
}

func (d *domains) power(ctx context.Context, r drivers.Ref, modes []string, command string) error {
	agent, acpi := len(modes) == 0, len(modes) == 0
	unknown := uint(0)
	for _, m := range modes {
		switch m {
		case "acpi":
			acpi = true
		case "agent":
			agent = true
		default:
			unknown |= map[string]uint{"initctl": 4, "signal": 8, "paravirt": 16}[m]
		}
	}
	if unknown != 0 {
		return drivers.BadFlags(unknown, map[string]string{cmdShutdown: "qemuDomainShutdownFlags", cmdReboot: "qemuDomainReboot"}[command])
	}
	if len(modes) == 0 { // the agent if there is one
		_, _, err := d.agentReady(ctx, r)
		agent = err == nil
	}
	if agent {
		err := d.agentPower(ctx, r, command)
		if err == nil || !acpi {
			return err
		}
	}
	return d.ask(ctx, r, command, nil, nil)
}

// agentPower has the agent shut the guest down, or reboot it.
func (d *domains) agentPower(ctx context.Context, r drivers.Ref, command string) error {
	if _, _, err := d.agentReady(ctx, r); err != nil {
		return err
	}
	mode, done := "powerdown", []string{"SHUTDOWN"}
	if command == cmdReboot {
		mode, done = "reboot", []string{"RESET", "SHUTDOWN"}
	}
	// Whether the guest was to reboot when it was asked before no longer counts.
	if err := d.ask(ctx, r, cmdForget, nil, nil); err != nil {
		return err
	}
	return d.without(ctx, r, "guest-shutdown", map[string]string{"mode": mode}, done...)
}

// Reset presses the reset button.
func (d *domains) Reset(ctx context.Context, r drivers.Ref) error {
	return d.ask(ctx, r, "system_reset", nil, nil)
}

// Suspend stops the vCPUs.
func (d *domains) Suspend(ctx context.Context, r drivers.Ref) error {
	return d.ask(ctx, r, cmdSuspend, nil, nil)
}

// Resume lets them go on.
func (d *domains) Resume(ctx context.Context, r drivers.Ref) error {
	return d.ask(ctx, r, cmdResume, nil, nil)
}

// Info tells what dominfo prints.
func (d *domains) Info(ctx context.Context, r drivers.Ref) (drivers.DomainInfo, error) {
	s, running := d.touch(ctx, r.Name)
	data, err := d.document(r, running, 0)
	if err != nil {
		return drivers.DomainInfo{}, err
	}
	dom, err := d.look(r.Name, data)
	if err != nil {
		return drivers.DomainInfo{}, err
	}
	once := d.store.Marked(drivers.AutostartOnceMark, r.Name)
	info := drivers.DomainInfo{State: drivers.ShutOff, OSType: dom.OS.Type.Text, VCPUs: vcpus(dom), MaxMemory: dom.Memory.KiB,
		Memory: uint64(dom.CurrentMem), Persistent: d.store.Has(r.Name), Autostart: d.store.Marked(drivers.AutostartMark, r.Name), AutostartOnce: &once, HasCPUTime: true,
		ManagedSave: d.hasSaved(r.Name), SecurityModel: "none", SecurityDOI: "0"}
	if !running {
		if e, ok := readEnding(d.layout.ended(r.Name)); ok {
			info.Reason, info.StateSince = e.Reason, e.Since
		}
		return info, nil
	}
	info.State, info.Reason, info.StateSince = s.State, s.Reason, s.Since
	info.CPUTime, _ = s.QEMU.CPUTime()
	var balloon struct{ Actual uint64 }
	if d.ask(ctx, r, "query-balloon", nil, &balloon) == nil && balloon.Actual > 0 {
		info.Memory = balloon.Actual / 1024
	}
	info.Messages = d.taints(dom)
	return info, nil
}

// MonitorCommand passes a command to QEMU's monitor as it stands.
func (d *domains) MonitorCommand(ctx context.Context, r drivers.Ref, command string, hmp bool) (string, error) {
	c, err := d.dial(ctx, r)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if f, err := os.Create(filepath.Join(d.layout.guest(r.Name), customFile)); err == nil {
		f.Close()
	}
	if hmp {
		var text string
		err := c.Execute(ctx, "human-monitor-command", map[string]string{"command-line": command}, &text)
		return text, asVirsh(err)
	}
	var cmd map[string]json.RawMessage
	if err := json.Unmarshal([]byte(command), &cmd); err != nil {
		return "", xml.Errorf(xml.CodeInternal, "cannot parse json %s: %v", command, err)
	}
	if cmd["id"] == nil {
		cmd["id"] = json.RawMessage(`"virgo-1"`)
		line, err := json.Marshal(cmd)
		if err != nil {
			return "", err
		}
		command = string(line)
	}
	answer, err := c.RunContext(ctx, []byte(command))
	return string(answer), asVirsh(err)
}
