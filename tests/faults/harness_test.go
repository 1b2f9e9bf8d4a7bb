//go:build linux

// Package faults kills virgo, its watchers and QEMU at every moment, runs many
// of them on one root, and takes away what they need. It runs the real binary
// and, where it is installed, the real QEMU under TCG.
package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "virgo-faults")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "virgo")
	build := exec.Command("go", "build", "-o", binary, "virgo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s", out)
		os.Exit(1)
	}
	// All roots share what was probed of QEMU.
	os.Setenv("VIRGO_CACHE_DIR", filepath.Join(dir, "cache"))
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// root is a state root of one test.
type root struct {
	t   *testing.T
	dir string
	env []string
}

// newRoot makes a root; at the end whatever runs below it is ended.
func newRoot(t *testing.T) *root {
	r := &root{t: t, dir: filepath.Join(t.TempDir(), "root")}
	t.Cleanup(func() {
		for _, p := range r.processes("") {
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
		r.waitGone()
	})
	return r
}

func (r *root) needQEMU() {
	r.t.Helper()
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		r.t.Skip("no qemu-system-x86_64 on this machine")
	}
}

// defineWithDisk defines a guest whose disk is a new image of 1 MiB, and gives the
// image's path; more are attributes of the disk's driver.
func (r *root) defineWithDisk(name, more string) string {
	r.t.Helper()
	r.needQEMU()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		r.t.Skip("no qemu-img on this machine")
	}
	image := filepath.Join(r.t.TempDir(), "disk.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", image, "1M").CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
	r.run("define", r.guest(name, "<disk type='file'><driver name='qemu' type='qcow2' "+more+"/><source file='"+image+"'/><target dev='vda' bus='virtio'/></disk>"))
	return image
}

func (r *root) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append([]string{"-c", "qemu:///embed?root=" + r.dir}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+r.dir, "LANG=C")
	cmd.Env = append(cmd.Env, r.env...)
	return cmd
}

// try runs a command and gives its output, both streams, and whether it succeeded.
func (r *root) try(args ...string) (string, bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := r.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return out.String(), err == nil
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		r.t.Fatalf("virgo %s hangs", strings.Join(args, " "))
		return "", false
	}
}

// run is try for what must succeed.
func (r *root) run(args ...string) string {
	r.t.Helper()
	out, ok := r.try(args...)
	if !ok {
		r.t.Fatalf("virgo %s: %s", strings.Join(args, " "), out)
	}
	return strings.TrimSpace(out)
}

// fails is try for what must fail with that text.
func (r *root) fails(want string, args ...string) {
	r.t.Helper()
	out, ok := r.try(args...)
	if ok || !strings.Contains(out, want) {
		r.t.Fatalf("virgo %s: success %v, want an error with %q, got %q", strings.Join(args, " "), ok, want, out)
	}
}

// guest writes a definition and gives its file.
func (r *root) guest(name, more string) string {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "guest.xml")
	doc := fmt.Sprintf(`<domain type='qemu'><name>%s</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>%s<serial type='pty'/></devices></domain>`, name, more)
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file
}

// define defines a guest.
func (r *root) define(name string) { r.t.Helper(); r.run("define", r.guest(name, "")) }

func (r *root) state(name string) string { r.t.Helper(); return r.run("domstate", name) }

// processes lists the processes below this root: watchers (kind "watch"),
// QEMUs ("qemu"), or both ("").
func (r *root) processes(kind string) []int {
	var list []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		cmdline, err := os.ReadFile(d + "/cmdline")
		if err != nil || !bytes.Contains(cmdline, []byte(r.dir)) {
			continue
		}
		stat, err := os.ReadFile(d + "/stat")
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			continue
		}
		watcher := bytes.Contains(cmdline, []byte("watch-domain"))
		qemu := bytes.Contains(cmdline, []byte("masterKey0"))
		if kind == "watch" && !watcher || kind == "qemu" && !qemu || !watcher && !qemu {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(d))
		list = append(list, pid)
	}
	return list
}

// waitGone waits until nothing runs below the root.
func (r *root) waitGone() bool {
	for range 200 {
		if len(r.processes("")) == 0 {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// eventually waits for a condition for a while.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

func kill(t *testing.T, pids []int) {
	t.Helper()
	for _, p := range pids {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// duration is how long the fastest of a few runs of a command takes, so that a
// sweep of kills covers all of it.
func duration(t *testing.T, prepare func(), cmd func() *exec.Cmd) time.Duration {
	t.Helper()
	best := time.Hour
	for range 3 {
		prepare()
		began := time.Now()
		if err := cmd().Run(); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	return best
}

// interrupt starts a command and, a moment later, kills it, or the watchers, or both.
func (r *root) interrupt(cmd *exec.Cmd, moment time.Duration, commandToo, watcherToo bool) {
	r.t.Helper()
	if commandToo {
		killAt(r.t, cmd, moment)
	} else if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	} else {
		time.Sleep(moment)
	}
	if watcherToo {
		kill(r.t, r.processes("watch"))
	}
	if !commandToo {
		_ = cmd.Wait() // it may have failed
	}
}
