//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// steps is how many moments of a command are tried.
const steps = 40

// TestKillDefine: after a kill at any moment the definition is there whole or not at all.
func TestKillDefine(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	file := r.guest("victim", "")
	r.run("define", file) // so that QEMU has been probed
	want := r.run("dumpxml", "victim")
	fixed := filepath.Join(t.TempDir(), "fixed.xml") // the same uuid every time
	if err := os.WriteFile(fixed, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	define := func() *exec.Cmd { return r.command("define", fixed) }
	whole := duration(t, func() { r.run("undefine", "victim") }, define)
	there := 0
	for i := range steps {
		r.try("undefine", "victim")
		killAt(t, define(), whole*time.Duration(i)/steps)
		switch names := r.run("list", "--all", "--name"); names {
		case "":
		case "victim":
			there++
			if got := r.run("dumpxml", "victim"); got != want {
				t.Fatalf("step %d: half a definition:\n%s", i, got)
			}
		default:
			t.Fatalf("step %d: odd list %q", i, names)
		}
	}
	t.Logf("%d of %d kills came after the definition stood; the command takes %v", there, steps, whole)
	r.run("define", fixed)
	if got := r.run("dumpxml", "victim"); got != want {
		t.Fatalf("after all that:\n%s", got)
	}
}

func killAt(t *testing.T, cmd *exec.Cmd, after time.Duration) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestKillStart: after a kill of the command at any moment of a start the guest
// runs, or nothing of it does; the next command knows which.
func TestKillStart(t *testing.T) { killStart(t, true, false) }

// TestKillStartAndWatcher: the same where the watcher is killed too.
func TestKillStartAndWatcher(t *testing.T) { killStart(t, true, true) }

// TestKillStartsWatcher: the same where the watcher is killed and the command lives on.
func TestKillStartsWatcher(t *testing.T) { killStart(t, false, true) }

func killStart(t *testing.T, commandToo, watcherToo bool) {
	r := newRoot(t)
	r.needQEMU()
	r.define("victim")
	start := func() *exec.Cmd { return r.command("start", "victim") }
	whole := duration(t, func() { r.try("destroy", "victim") }, start)
	r.run("destroy", "victim")
	ran := 0
	for i := range steps {
		cmd, moment := start(), whole*time.Duration(i)/steps*3/2
		r.interrupt(cmd, moment, commandToo, watcherToo)
		var state string
		eventually(t, "a settled state", func() bool {
			state = r.state("victim")
			// A start whose watcher lives on comes to its end by itself.
			return state == "running" || state == "shut off" && len(r.processes("")) == 0
		})
		if state == "running" {
			ran++
			if n := len(r.processes("qemu")); n != 1 {
				t.Fatalf("step %d: running, with %d QEMUs", i, n)
			}
			r.run("suspend", "victim")
			r.run("resume", "victim")
			r.run("destroy", "victim")
		}
		if !r.waitGone() {
			t.Fatalf("step %d: something still runs: %v", i, r.processes(""))
		}
		left, _ := filepath.Glob(r.dir + "/run/qemu/guests/*")
		gone, _ := filepath.Glob(r.dir + "/run/qemu/gone-*")
		libs, _ := filepath.Glob(r.dir + "/lib/qemu/domain-*")
		if len(left)+len(libs) > 0 {
			t.Fatalf("step %d: left behind: %v %v %v", i, left, gone, libs)
		}
	}
	t.Logf("%d of %d kills left a running guest; the command takes %v", ran, steps, whole)
	r.run("start", "victim")
	r.run("destroy", "victim")
}

// TestWatcherKilled: the next command gives the guest a new watcher.
func TestWatcherKilled(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	r.run("start", "g")
	for range 3 {
		kill(t, r.processes("watch"))
		if s := r.state("g"); s != "running" {
			t.Fatalf("state %q", s)
		}
		if n := len(r.processes("watch")); n != 1 {
			t.Fatalf("%d watchers", n)
		}
		r.run("suspend", "g")
		if s := r.run("domstate", "--reason", "g"); s != "paused (user)" {
			t.Fatalf("state %q", s)
		}
		r.run("resume", "g")
	}
	kill(t, r.processes("watch"))
	r.run("destroy", "g") // by a watcher of its own
	if !r.waitGone() {
		t.Fatal("the guest still runs")
	}
}

// TestQEMUKilled: the truth is told, and nothing is left.
func TestQEMUKilled(t *testing.T) {
	for _, also := range []string{"", "watch"} {
		r := newRoot(t)
		r.needQEMU()
		r.define("g")
		r.run("start", "g")
		if also != "" {
			kill(t, r.processes("watch"))
		}
		kill(t, r.processes("qemu"))
		eventually(t, "shut off", func() bool { return r.state("g") == "shut off" })
		if s := r.run("domstate", "--reason", "g"); s != "shut off (crashed)" {
			t.Fatalf("killed %q: %q", also, s)
		}
		if !r.waitGone() {
			t.Fatalf("left: %v", r.processes(""))
		}
		r.run("start", "g")
		r.run("destroy", "g")
	}
}

// TestOutlivesCaller: the end of the caller's whole process group does not reach the guest.
func TestOutlivesCaller(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	cmd := exec.Command("setsid", "sh", "-c", `"$0" -c "$1" start g; kill -9 0`, binary, "qemu:///embed?root="+r.dir)
	cmd.Env = r.command().Env
	_ = cmd.Run()
	if s := r.state("g"); s != "running" {
		t.Fatalf("state %q", s)
	}
	r.run("destroy", "g")
}
