//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillSave: after a kill at any moment of a save the guest runs, or the file is
// whole and the guest goes on from it; never neither.
func TestKillSave(t *testing.T) { killSave(t, true, false, "save", "victim") }

// TestKillSaveAndWatcher: the same where the watcher is killed too.
func TestKillSaveAndWatcher(t *testing.T) { killSave(t, true, true, "save", "victim") }

// TestKillManagedSave: the same of a managed save, of which a start takes care.
func TestKillManagedSave(t *testing.T) { killSave(t, false, true, "managedsave", "victim") }

func killSave(t *testing.T, commandToo, watcherToo bool, args ...string) {
	r := newRoot(t)
	r.needQEMU()
	r.define("victim")
	file := filepath.Join(r.dir, "lib/qemu/save/victim.save")
	if args[0] == "save" {
		file = filepath.Join(t.TempDir(), "file")
		args = append(args, file)
	}
	goOn := func() {
		if args[0] == "save" {
			r.run("restore", file)
		} else {
			r.run("start", "victim")
		}
	}
	r.run("start", "victim")
	begin := time.Now()
	r.run(args...)
	whole := time.Since(begin)
	goOn()
	saved := 0
	for i := range steps {
		os.Remove(file)
		cmd, moment := r.command(args...), whole*time.Duration(i)/steps*3/2
		r.interrupt(cmd, moment, commandToo, watcherToo)
		var state string
		eventually(t, "a settled state", func() bool {
			state = r.state("victim")
			return state == "running" || state == "shut off" && len(r.processes("")) == 0
		})
		// A save whose watcher lives on comes to its end by itself.
		if !watcherToo {
			time.Sleep(2 * whole)
			eventually(t, "a settled state", func() bool {
				state = r.state("victim")
				return state == "running" || state == "shut off" && len(r.processes("")) == 0
			})
		}
		if state == "running" {
			r.run("suspend", "victim")
			r.run("resume", "victim")
		} else {
			saved++
			if s := r.run("domstate", "--reason", "victim"); s != "shut off (saved)" {
				t.Fatalf("step %d: %s", i, s)
			}
			goOn()
		}
		eventually(t, "nothing left behind", func() bool { // the watcher may be at work still
			left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".virgo-save-*"))
			return len(left) == 0
		})
	}
	t.Logf("%d of %d kills left a saved guest; the command takes %v", saved, steps, whole)
	r.run("destroy", "victim")
}

// TestSaveQEMUKilled: a save whose QEMU dies leaves what was there before.
func TestSaveQEMUKilled(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("victim")
	file := filepath.Join(t.TempDir(), "file")
	r.run("start", "victim")
	r.run("save", "victim", file)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		r.run("restore", file)
		cmd := r.command("save", "victim", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 4 * time.Millisecond)
		kill(t, r.processes("qemu"))
		_ = cmd.Wait()
		r.waitGone()
		after, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(after), "LibvirtQemudSave") {
			t.Fatalf("step %d: %v, %d bytes, there were %d", i, err, len(after), len(before))
		}
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".virgo-save-*"))
		if len(left) > 0 {
			t.Fatalf("step %d: left behind: %v", i, left)
		}
	}
}

// TestKillDump: a dump that is cut short, its watcher with it, lets the guest go on
// and leaves nothing.
func TestKillDump(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("victim")
	file := filepath.Join(t.TempDir(), "file")
	r.run("start", "victim")
	for _, args := range [][]string{{"dump", "victim", file}, {"dump", "victim", file, "--memory-only"}, {"dump", "victim", file, "--live"}} {
		whole := duration(t, func() { os.Remove(file) }, func() *exec.Cmd { return r.command(args...) })
		for i := range steps / 2 {
			killAt(t, r.command(args...), whole*time.Duration(i)*2/steps)
			kill(t, r.processes("watch"))
			eventually(t, "a guest that goes on", func() bool { return r.state("victim") == "running" })
			left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".virgo-save-*"))
			if len(left) > 0 {
				t.Fatalf("%v, step %d: left behind: %v", args, i, left)
			}
		}
		r.run("suspend", "victim")
		r.run("resume", "victim")
	}
	r.run("destroy", "victim")
}

// TestKillSaveImageDefine: after a kill a saved guest has its old document or the
// new one, and can be restored.
func TestKillSaveImageDefine(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("victim")
	file := filepath.Join(t.TempDir(), "file")
	r.run("start", "victim")
	r.run("save", "victim", file)
	doc := r.run("save-image-dumpxml", file)
	titled := filepath.Join(t.TempDir(), "titled.xml")
	if err := os.WriteFile(titled, []byte(strings.Replace(doc, "</name>", "</name><title>new</title>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain.xml")
	if err := os.WriteFile(plain, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	change := func() *exec.Cmd { return r.command("save-image-define", file, titled) }
	whole := duration(t, func() { r.run("save-image-define", file, plain) }, change)
	changed := 0
	for i := range steps {
		r.run("save-image-define", file, plain)
		killAt(t, change(), whole*time.Duration(i)/steps*3/2)
		if strings.Contains(r.run("save-image-dumpxml", file), "<title>new</title>") {
			changed++
		}
	}
	t.Logf("%d of %d kills left the new document; the command takes %v", changed, steps, whole)
	r.run("restore", file)
	r.run("destroy", "victim")
}
