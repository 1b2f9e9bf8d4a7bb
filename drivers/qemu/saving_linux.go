package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// saveRequest is what a command asks of the watcher: the guest in a file.
type saveRequest struct {
	Path     string `json:"path"`
	Doc      []byte `json:"doc"`
	Cookie   []byte `json:"cookie"`
	Format   int    `json:"format"`
	Running  *bool  `json:"running,omitempty"` // whether it runs when restored; nil: as it is now
	Bypass   bool   `json:"bypass,omitempty"`
	Channels int    `json:"channels,omitempty"` // of a sparse file
	Stamp    string `json:"stamp"`              // of the live document that Doc was made of
}

// errStale: devices came or went between the document and the memory.
var errStale = xml.Errorf(xml.CodeOperationInvalid, "the devices of the domain changed while it was saved")

// saving is the record of a save under way, by which it is brought to an end if
// the watcher is killed: the file is whole once its magic says so, and in its
// place once it has its name.
type saving struct {
	Temp    string `json:"temp"` // what is written; Path itself where that is no plain file
	Path    string `json:"path"`
	Device  uint64 `json:"device"`
	Inode   uint64 `json:"inode"`
	Running bool   `json:"running"`        // the guest ran
	Dump    bool   `json:"dump,omitempty"` // it is a dump, after which the guest goes on
}

// save writes the guest's state to a file and ends it, or lets it be as it was.
func (g *guest) save(ctx context.Context, r saveRequest) error {
	j, work, done, err := g.begin(ctx, saveOperation, "domain save")
	if err != nil {
		return err
	}
	err = g.saveTo(work, j, r)
	done()
	if err != nil {
		return err
	}
	go g.kill(drivers.ShutOffSaved)
	<-g.gone
	return nil
}

func (g *guest) saveTo(ctx context.Context, j *job, r saveRequest) (err error) {
	if err := g.canLeave(ctx); err != nil {
		return err
	}
	g.mu.Lock()
	ran := g.status.State == drivers.Running
	g.mu.Unlock()
	g.devices.Lock() // nothing is plugged in from here on
	defer g.devices.Unlock()
	image := newSaveImage(r.Doc, r.Cookie, ran, r.Format)
	if r.Running != nil {
		image.Running = *r.Running
	}
	file, record, err := g.createSave(r.Path, ran, false)
	if err != nil {
		return err
	}
	defer file.Close()
	var undo drivers.Undo
	defer undo.Run()
	undo.Add(func() {
		record.drop()
		g.record(nil)
	})
	if _, err := file.Write(image.bytes(unfinished)); err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to write %s: %s", r.Path, drivers.SystemText(unwrapPath(err)))
	}
	if ran {
		if err := g.stopFor(ctx, j, drivers.PausedSaving); err != nil {
			return err
		}
		undo.Add(func() { g.goOn(drivers.RunningSaveCanceled) })
	}
	if now, err := liveStamp(g.dir); err != nil || now != r.Stamp {
		return errStale
	}
	last, err := g.writeState(ctx, j, file, r)
	if err != nil {
		return err
	}
	if err := record.finish(file); err != nil {
		return err
	}
	// From here on the file counts, whatever happens.
	undo.Done()
	g.completed(j, last.params())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = drivers.ShutOffSaved
	return nil
}

// record notes a save under way on disk.
func (g *guest) record(s *saving) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Saving = s
	_ = g.status.write(g.dir)
}

// stopFor stops the vCPUs for a job, or a moment without one.
func (g *guest) stopFor(ctx context.Context, j *job, reason drivers.Reason) error {
	g.mu.Lock()
	g.stopping = true
	g.mu.Unlock()
	err := g.qmp.Execute(context.WithoutCancel(ctx), "stop", nil, nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = false
	if err != nil {
		return lost(err)
	}
	if j != nil {
		j.stopped = j.began
	}
	g.change(drivers.PausedState, reason, "Suspended", "Paused")
	return nil
}

// goOn lets the vCPUs run after a job; reason says why they do.
func (g *guest) goOn(reason drivers.Reason) {
	g.mu.Lock()
	g.goesOn = reason
	g.mu.Unlock()
	err := g.qmp.Execute(context.Background(), "cont", nil, nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.goesOn = 0
	if err == nil && g.status.State == drivers.PausedState {
		g.change(drivers.Running, reason, "Resumed", "Unpaused")
	}
}

// writeState has QEMU write its state to the file, from where that stands on.
func (g *guest) writeState(ctx context.Context, j *job, file *os.File, r saveRequest) (migrationState, error) {
	defer g.watchMigration(j)()
	if r.Format == sparseFormat {
		return g.writeSparse(ctx, j, file, r)
	}
	if err := g.setUpMigration(ctx, map[string]any{"max-bandwidth": unlimited}); err != nil {
		return migrationState{}, err
	}
	return g.writeStream(ctx, j, file, r.Path, saveFormats[r.Format].compress, r.Bypass)
}

// watchMigration lets others ask how far it is.
func (g *guest) watchMigration(j *job) func() {
	set := func(f func(context.Context) ([]drivers.Param, error)) {
		g.mu.Lock()
		defer g.mu.Unlock()
		j.stats = f
	}
	set(func(ctx context.Context) ([]drivers.Param, error) {
		m, err := g.migrationNow(ctx)
		if err != nil || m.Status != "active" && m.Status != "device" {
			return nil, lost(err)
		}
		return m.params(), nil
	})
	return func() { set(nil) }
}

// writeStream migrates the guest into a file, which may be compressed.
func (g *guest) writeStream(ctx context.Context, j *job, file *os.File, path string, program []string, bypass bool) (migrationState, error) {
	f, err := flowOut(file, program, bypass)
	if err != nil {
		return migrationState{}, err
	}
	const name = "virgo-migration"
	if err = g.passFile(ctx, name, f.qemu); err == nil {
		err = refusal("migrate", g.qmp.Execute(ctx, "migrate", map[string]any{"detach": true, "uri": "fd:" + name}, nil))
		if err != nil { // else it keeps the pipe, and what is written never ends
			_ = g.qmp.Execute(context.WithoutCancel(ctx), "closefd", map[string]string{"fdname": name}, nil)
		}
	}
	if err != nil {
		f.abandon()
		return migrationState{}, lost(err)
	}
	f.qemu.Close() // QEMU has its own
	last, err := g.awaitMigration(ctx, j.name)
	if err != nil {
		f.abandon()
		return last, err
	}
	return last, f.finish(path)
}

// writeSparse has QEMU write each page at its own place in the file.
func (g *guest) writeSparse(ctx context.Context, j *job, file *os.File, r saveRequest) (migrationState, error) {
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return migrationState{}, err
	}
	const set = 0
	files, params, caps, err := sparseSetUp(file, unix.O_WRONLY, r.Bypass, r.Channels)
	defer closeFiles(files)
	if err != nil {
		return migrationState{}, err
	}
	params["max-bandwidth"] = unlimited
	if err := g.setUpMigration(ctx, params, caps...); err != nil {
		return migrationState{}, err
	}
	defer func() { _ = g.qmp.Execute(context.Background(), "remove-fd", map[string]any{"fdset-id": set}, nil) }()
	for _, f := range files {
		if err := g.addFile(ctx, set, f); err != nil {
			return migrationState{}, err
		}
	}
	uri := fmt.Sprintf("file:/dev/fdset/%d,offset=%#x", set, at)
	if err := refusal("migrate", g.qmp.Execute(ctx, "migrate", map[string]any{"detach": true, "uri": uri}, nil)); err != nil {
		return migrationState{}, lost(err)
	}
	return g.awaitMigration(ctx, j.name)
}

// sparseSetUp gives the descriptors, parameters and capabilities of a sparse file.
func sparseSetUp(file *os.File, mode int, bypass bool, channels int) (files []*os.File, params map[string]any, caps []string, err error) {
	params, caps = map[string]any{"multifd-channels": max(channels, 1)}, []string{"mapped-ram", "multifd"}
	modes := []int{mode}
	if bypass {
		params["direct-io"] = true
		modes = append(modes, mode|unix.O_DIRECT)
	}
	for _, m := range modes {
		f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), m, 0)
		if err != nil {
			return files, nil, nil, err
		}
		files = append(files, f)
	}
	return files, params, caps, nil
}

func closeFiles(list []*os.File) {
	for _, f := range list {
		f.Close()
	}
}

// createSave makes the file that is written, and notes it before it is there: a
// kill leaves none that nobody knows of. What stands under the path stays until
// the new one is whole; a device or a pipe is written as it is. dump: the guest
// goes on whatever comes of the file.
func (g *guest) createSave(path string, ran, dump bool) (*os.File, *saving, error) {
	fail := func(err error) (*os.File, *saving, error) {
		return nil, nil, xml.Errorf(xml.CodeSystem, "Failed to create file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	s := &saving{Temp: path, Path: path, Running: ran, Dump: dump}
	flags := os.O_RDWR
	fi, err := os.Stat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fail(err)
	case err != nil || fi.Mode().IsRegular():
		s.Temp = filepath.Join(filepath.Dir(path), ".virgo-save-"+drivers.NewUUID())
		flags |= os.O_CREATE | os.O_EXCL
	}
	g.record(s)
	f, err := os.OpenFile(s.Temp, flags, 0o600)
	if err != nil {
		g.record(nil)
		return fail(err)
	}
	if s.Temp != s.Path {
		_ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) // says that somebody is at work on it
		sweepSaves(filepath.Dir(path))
	}
	if fi, err := f.Stat(); err == nil && s.Temp != s.Path {
		made := fileOf(fi)
		s.Device, s.Inode = made.Device, made.Inode
		g.record(s)
	}
	return f, s, nil
}

// editPattern names the new form of a saved guest whose document is changed.
const editPattern = ".virgo-edit-*"

// sweepSaves removes what a power cut left of saves in a folder: nobody is at work
// on it, and nothing can be restored from it.
func sweepSaves(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, ".virgo-save-*"))
	edits, _ := filepath.Glob(filepath.Join(dir, editPattern)) // copies of what is there
	for i, path := range append(files, edits...) {
		fi, err := os.Lstat(path)
		if err != nil || time.Since(fi.ModTime()) < time.Minute || i < len(files) && hasMagic(path) {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.Remove(path)
		}
		f.Close()
	}
}

// finish makes the file whole and puts it in its place.
func (s saving) finish(f *os.File) error {
	err := syncFile(f)
	if err == nil && !s.Dump {
		if _, err = f.WriteAt([]byte(saveMagic), 0); err == nil {
			err = syncFile(f)
		}
	}
	if err == nil && s.Temp != s.Path {
		if err = os.Rename(s.Temp, s.Path); err == nil {
			drivers.SyncDir(filepath.Dir(s.Path))
		}
	}
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to write %s: %s", s.Path, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}

// syncFile makes what was written durable, where that means anything.
func syncFile(f *os.File) error {
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// drop takes an unfinished file away.
func (s saving) drop() {
	if s.Temp != s.Path {
		os.Remove(s.Temp)
	}
}

// settle looks what a save came to whose watcher was killed: the file is whole
// and in its place, or gone.
func (s saving) settle() (whole bool) {
	if s.Dump {
		s.drop()
		return false
	}
	if s.Temp == s.Path {
		return hasMagic(s.Path)
	}
	if hasMagic(s.Temp) {
		return os.Rename(s.Temp, s.Path) == nil
	}
	os.Remove(s.Temp)
	fi, err := os.Stat(s.Path)
	return err == nil && madeFile{Device: s.Device, Inode: s.Inode}.same(fi) && hasMagic(s.Path)
}

func hasMagic(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(saveMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, []byte(saveMagic))
}

// adoptSave goes on with a guest whose watcher was killed while it saved it. What
// had not come to its end did not happen.
func (g *guest) adoptSave(ctx context.Context) (ended bool) {
	s := g.status.Saving
	if s == nil {
		return false
	}
	if s.settle() {
		g.ending = drivers.ShutOffSaved
		go g.kill(drivers.ShutOffSaved)
		return true
	}
	g.status.Saving = nil
	for range 100 {
		m, err := g.migrationNow(ctx)
		if err != nil || m.Status == "" || m.Status == "cancelled" || m.Status == "failed" || m.Status == "completed" {
			break
		}
		_ = g.qmp.Execute(ctx, "migrate_cancel", nil, nil)
		select {
		case <-ctx.Done():
			return false
		case <-g.over:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	if !s.Running {
		return false
	}
	reason := drivers.RunningSaveCanceled
	if s.Dump {
		reason = drivers.RunningUnpaused
	}
	if g.qmp.Execute(ctx, "cont", nil, nil) == nil {
		g.set(drivers.Running, reason)
	} else if s.Dump {
		go g.goOnLater(reason) // QEMU still writes, and nobody can stop it
	}
	return false
}

// goOnLater lets the guest run as soon as QEMU is ready to.
func (g *guest) goOnLater(reason drivers.Reason) {
	for {
		select {
		case <-g.over:
			return
		case <-time.After(200 * time.Millisecond):
		}
		var m dumpState
		if g.qmp.Execute(context.Background(), "query-dump", nil, &m) != nil {
			return
		}
		if m.Status != "active" {
			g.goOn(reason)
			return
		}
	}
}
