package namespace

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// home is a process in namespaces of its own, and these.
func home(t *testing.T, flags uintptr, names ...string) (int, []*os.File) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&syscall.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 10}}
		cmd.SysProcAttr.GidMappings = cmd.SysProcAttr.UidMappings
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var files []*os.File
	for _, n := range names {
		f, err := os.Open("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/ns/" + n)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files = append(files, f)
	}
	return cmd.Process.Pid, files
}

func TestEnter(t *testing.T) {
	pid, files := home(t, syscall.CLONE_NEWUTS|syscall.CLONE_NEWNS|syscall.CLONE_NEWPID, "user", "uts", "pid", "mnt")
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		command   []string
		out, err_ string
	}{
		{"name", []string{"/bin/sh", "-c", "hostname inside; hostname"}, "inside\n", ""},
		{"name again", []string{"/bin/sh", "-c", "hostname"}, "inside\n", ""},
		{"input", []string{"/bin/cat"}, "hello", ""},
		{"status", []string{"/bin/sh", "-c", "exit 3"}, "", "unexpected exit status 3"},
		{"signal", []string{"/bin/sh", "-c", "kill -9 $$"}, "", "unexpected fatal signal 9"},
		{"nothing", []string{"/nonexistent"}, "", "cannot run '/nonexistent' in the container: no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := Enter(context.Background(), Place{Files: files, Process: pid}, c.command, Streams{In: strings.NewReader("hello"), Out: &out, Err: &errs})
			if out.String() != c.out || (err == nil) != (c.err_ == "") || err != nil && !strings.Contains(err.Error(), c.err_) {
				t.Errorf("%q %q %v", out.String(), errs.String(), err)
			}
		})
	}
	if now, _ := os.Hostname(); now != here {
		t.Errorf("this process has moved: %s", now)
	}
}

func TestEnterUser(t *testing.T) {
	if _, err := exec.LookPath("nsenter"); err != nil {
		t.Skip("no nsenter here")
	}
	pid, files := home(t, syscall.CLONE_NEWUSER|syscall.CLONE_NEWUTS, "user", "uts")
	var out, errs bytes.Buffer
	err := Enter(context.Background(), Place{Files: files, Process: pid}, []string{"/bin/cat", "/proc/self/uid_map"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if err != nil || len(strings.Fields(out.String())) != 3 || strings.Fields(out.String())[2] != "10" {
		t.Errorf("%q %q %v", out.String(), errs.String(), err)
	}
}

// A context that ends ends the command.
func TestEnterStop(t *testing.T) {
	pid, files := home(t, syscall.CLONE_NEWUTS, "uts")
	ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	start := time.Now()
	err := Enter(ctx, Place{Files: files, Process: pid}, []string{"/bin/sleep", "60"}, Streams{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestOthers(t *testing.T) {
	f, err := os.Open("/proc/self/ns/uts")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	if list, user, err := others([]*os.File{f}); len(list) != 0 || user || err != nil {
		t.Errorf("%v %v %v", list, user, err)
	}
	plain, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, _, err := others([]*os.File{plain}); err == nil || !strings.Contains(err.Error(), "is not a namespace") {
		t.Errorf("%v", err)
	}
}

func TestMountOf(t *testing.T) {
	text := []byte("31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n32 24 0:28 / /sys/fs/cg\\040two rw shared:1 - cgroup2 none rw\n")
	for _, c := range [][3]string{{"cgroup", "cpuacct", "/sys/fs/cgroup/cpu,cpuacct"}, {"cgroup", "memory", ""}, {"cgroup2", "", "/sys/fs/cg two"}} {
		if got := mountOf(text, c[0], c[1]); got != c[2] {
			t.Errorf("%v: %q", c, got)
		}
	}
}
