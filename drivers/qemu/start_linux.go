package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/drivers/qemu/qmp"
	"virgo/drivers/watch"
	"virgo/xml"
)

// startConfig is all that the watcher needs to start a guest; everything that
// can be decided before is decided by the command.
type startConfig struct {
	Status Status
	Argv   []string
	Env    []string
	Live   []byte // the live document so far
	Paused bool
	Held   bool // it is the start that asks for that, not the saved guest
	// Incoming is the saved guest that the start goes on from; nil: it starts anew.
	Incoming *incoming `json:",omitempty"`
	// Snapshot is the snapshot within its disks that it goes on from; nil: none.
	Snapshot   *loadSnapshot `json:",omitempty"`
	Back       bool          // it starts on the disks of a snapshot
	Companions []companion   // started before QEMU
	Taps       []Tap         // in the order of their descriptors
	User       *user         // who QEMU runs as; nil: the caller
	Locked     uint64        // bytes of memory that it may lock; 0: as this process
}

// QEMU inherits, from descriptor 3 on: the file "alive", whose lock it thereby
// holds; the two listening monitors (monitorDescriptor); the taps (tapDescriptor).

// child is QEMU as its parent sees it.
type child struct {
	cmd *exec.Cmd
	end chan struct{} // closed when it has been waited for
	log int64         // where its words begin in the log
}

// start brings the guest up, or leaves nothing behind.
func (g *guest) start(ctx context.Context, s *watch.Session, cfg guestConfig, self drivers.Process) (err error) {
	st := cfg.Start
	g.status = st.Status
	g.status.Watcher = self
	if err := g.status.write(g.dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			g.undo.Run()
			g.ending = drivers.ShutOffFailed
			removeGuest(g.layout, g.status, ending{Reason: drivers.ShutOffFailed, Since: time.Now()})
			watch.RemoveGroup(g.status.Name)
		}
	}()
	logf, err := openLog(g.layout, g.status.Name, st)
	if err != nil {
		return err
	}
	defer logf.Close()
	for i := range st.Companions {
		stop, err := st.Companions[i].start(g.dir, st.User, logf)
		if err != nil {
			return err
		}
		g.undo.Add(stop)
	}
	qemu, err := g.launch(ctx, st, logf)
	if qemu != nil { // it may run although the launch has failed
		g.undo.Add(func() {
			_ = qemu.cmd.Process.Kill()
			<-qemu.end
		})
	}
	if err != nil {
		return err
	}
	g.await = func() string { <-qemu.end; return qemu.cmd.ProcessState.String() }
	whole := ctx // a long state takes its time
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := g.connect(ctx, qemu, logf); err != nil {
		g.tell("control-error", "", "")
		return err
	}
	if err := g.plugStartVCPUs(ctx, st.Live); err != nil {
		return g.orLastWords(qemu, logf, err)
	}
	live, err := g.configure(ctx, st)
	if err != nil {
		return g.orLastWords(qemu, logf, err)
	}
	if err := drivers.ReplaceFile(filepath.Join(g.dir, liveFile), live, 0o600); err != nil {
		return err
	}
	if st.Incoming != nil {
		if err := g.load(whole, st.Incoming); err != nil {
			return g.orLastWords(qemu, logf, err)
		}
	}
	if st.Snapshot != nil {
		if err := g.loadSnapshot(whole, st.Snapshot); err != nil {
			return g.orLastWords(qemu, logf, err)
		}
	}
	return g.letRun(whole, st)
}

// letRun is the last step: after it the start has succeeded.
func (g *guest) letRun(ctx context.Context, st *startConfig) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Started = true
	if st.Snapshot != nil || st.Back && st.Incoming != nil {
		return g.wentBack(ctx, st)
	}
	if st.Incoming != nil {
		return g.restored(ctx, st)
	}
	detail := "Booted"
	if st.Back {
		detail = "Snapshot"
	}
	if st.Paused {
		g.change(drivers.PausedState, drivers.PausedUser, "Started", detail)
		if !st.Back {
			detail = "Paused"
		}
		g.tell("lifecycle", "Suspended", detail)
		return nil
	}
	if err := g.qmp.Execute(ctx, "cont", nil, nil); err != nil {
		return xml.Errorf(xml.CodeOperationFailed, "cannot let the guest run: %v", err)
	}
	g.tell("lifecycle", "Resumed", "Unpaused") // its vCPUs run before it counts as started
	g.change(drivers.Running, drivers.RunningBooted, "Started", detail)
	return nil
}

// restored is letRun for a guest that goes on. g.mu is held.
func (g *guest) restored(ctx context.Context, st *startConfig) error {
	g.restoredNow = true
	if st.Paused {
		g.change(drivers.PausedState, drivers.PausedMigrating, "Started", "Restored")
		detail := "Restored"
		if st.Held {
			detail = "Paused"
		}
		g.tell("lifecycle", "Suspended", detail)
		return nil
	}
	if err := g.qmp.Execute(ctx, "cont", nil, nil); err != nil {
		return xml.Errorf(xml.CodeOperationFailed, "failed to resume domain: %v", err)
	}
	g.change(drivers.Running, drivers.RunningRestored, "Started", "Restored")
	g.tell("lifecycle", "Resumed", "Snapshot")
	return nil
}

// launch starts the process with its monitors listening already.
func (g *guest) launch(ctx context.Context, st *startConfig, logf *os.File) (*child, error) {
	alive, err := drivers.TryLockFile(filepath.Join(g.dir, aliveFile))
	if err == nil && alive == nil {
		err = xml.Errorf(xml.CodeOperationInvalid, "a QEMU of this guest still runs")
	}
	if err != nil {
		return nil, err
	}
	defer alive.Unlock() // QEMU keeps it
	files := []*os.File{alive.File()}
	closeAll := func() {
		for _, f := range files[1:] {
			f.Close()
		}
	}
	defer closeAll()
	for _, name := range []string{qmpSock, spareSock} {
		f, err := listeningFile(g.dir, name)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	for i := range st.Taps {
		f, err := st.Taps[i].open(ctx, g.dir)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
	cmd := &exec.Cmd{Path: st.Argv[0], Args: st.Argv, Env: st.Env, Dir: "/", Stdout: logf, Stderr: logf,
		ExtraFiles: files, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if st.User != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: st.User.UID, Gid: st.User.GID, Groups: st.User.Groups}
	}
	at, _ := logf.Seek(0, io.SeekEnd)
	st.limits()
	if err := cmd.Start(); err != nil {
		return nil, xml.Errorf(xml.CodeInternal, "cannot run %s: %v", st.Argv[0], err)
	}
	c := &child{cmd: cmd, end: make(chan struct{}), log: at}
	go func() {
		_ = cmd.Wait()
		close(c.end)
	}()
	g.status.QEMU, err = drivers.FindProcess(cmd.Process.Pid)
	if err != nil { // it has ended already: connect tells why
		g.status.QEMU = drivers.Process{PID: cmd.Process.Pid}
	}
	return c, g.status.write(g.dir)
}

func listeningFile(dir, name string) (*os.File, error) {
	l, err := listenIn(dir, name)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.File()
}

// connect waits for QEMU's monitor, or for its end.
func (g *guest) connect(ctx context.Context, qemu *child, logf *os.File) error {
	type answer struct {
		conn *qmp.Conn
		err  error
	}
	ch := make(chan answer, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		conn, err := dialQMP(ctx, g.dir, qmpSock)
		ch <- answer{conn, err}
	}()
	select {
	case a := <-ch:
		if a.err == nil {
			g.qmp = a.conn
			return nil
		}
		return g.orLastWords(qemu, logf, fmt.Errorf("cannot reach QEMU's monitor: %w", a.err))
	case <-qemu.end:
		cancel()
		if a := <-ch; a.conn != nil {
			a.conn.Close()
		}
		return g.orLastWords(qemu, logf, nil)
	}
}

// orLastWords makes the error of a QEMU that has ended from what it wrote; err
// is for one that runs.
func (g *guest) orLastWords(qemu *child, logf *os.File, err error) error {
	lost := errors.Is(err, qmp.ErrClosed) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ECONNRESET)
	if err != nil && !lost {
		return err
	}
	select {
	case <-qemu.end:
	case <-time.After(time.Second):
		if err != nil {
			return err
		}
	}
	words := make([]byte, 16<<10)
	n, _ := logf.ReadAt(words, qemu.log)
	text := strings.TrimSpace(string(dropChatter(words[:n])))
	if text == "" {
		text = qemu.cmd.ProcessState.String()
	}
	return xml.Errorf(xml.CodeInternal, "process exited while connecting to monitor: %s", text)
}

// dropChatter leaves out the lines that QEMU writes at every start.
func dropChatter(log []byte) []byte {
	lines := bytes.Split(log, []byte("\n"))
	kept := lines[:0]
	for _, l := range lines {
		if !bytes.HasPrefix(l, []byte("char device redirected to ")) {
			kept = append(kept, l)
		}
	}
	return bytes.Join(kept, []byte("\n"))
}

// configure does over the monitor what has to be done before the guest runs,
// and completes the live document with what QEMU chose.
func (g *guest) configure(ctx context.Context, st *startConfig) ([]byte, error) {
	actions := map[string]string{"panic": "pause"}
	if a := g.status.Policy.OnReboot; a == "destroy" || a == "preserve" {
		actions["reboot"] = "shutdown"
	}
	asked := []struct {
		command string
		args    any
	}{{"set-action", actions}, {"query-chardev", nil}, {"query-cpus-fast", nil}}
	var pending []*qmp.Pending
	for _, q := range asked {
		p, err := g.qmp.Send(q.command, q.args)
		if err != nil {
			return nil, err
		}
		pending = append(pending, p)
	}
	if err := pending[0].Read(ctx, nil); err != nil {
		return nil, err
	}
	var facts liveFacts
	if err := pending[1].Read(ctx, &facts.Chardevs); err != nil {
		return nil, err
	}
	if err := pending[2].Read(ctx, &facts.CPUs); err != nil {
		return nil, err
	}
	return g.completeLive(ctx, st, facts)
}

// liveFacts is what QEMU tells about itself.
type liveFacts struct {
	Chardevs []struct {
		Label, Filename string
		Open            bool `json:"frontend-open"`
	}
	CPUs []struct {
		QOMPath string `json:"qom-path"`
	}
}

// openLog begins the guest's log for this start: the command line is what people
// look for first.
func openLog(l Layout, name string, st *startConfig) (*os.File, error) {
	if err := drivers.MakeDir(l.Log); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.logFile(name), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "failed to open log file %s: %s", l.logFile(name), drivers.SystemText(unwrapPath(err)))
	}
	fmt.Fprintf(f, "%s: starting up\n%s\n", logTime(), shell.JoinEnv(st.Env, st.Argv))
	return f, nil
}

func unwrapPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
