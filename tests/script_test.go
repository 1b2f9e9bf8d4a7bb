package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"virgo/drivers/open"
	"virgo/shell"
)

// TestMain makes this test binary virgo itself, for scripts and for real shells.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"virgo": program, "virsh": program, "fakeagent": fakeAgent, "fakeswitch": fakeSwitch})
}

func program() {
	if status, handled := open.Watch(os.Args); handled {
		os.Exit(status)
	}
	os.Exit(shell.Main(context.Background(), shell.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Open: open.Open, Fleet: open.Fleet,
	}))
}

// bootDisk makes the tests' guest once: see tests/guest.
var bootDisk = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "virgo-guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "boot.img")
	if out, err := exec.Command("go", "run", "./guest", file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(file)
})

// endGuests ends the watchers and QEMUs of a script that failed half way: those
// whose command lines name its folder.
func endGuests(dir string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		line, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(line, []byte(dir+"/")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil && pid != os.Getpid() {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
	}
}

func hasQEMU() bool {
	_, err := exec.LookPath("qemu-system-x86_64")
	return err == nil && runtime.GOOS == "linux"
}

// hasNetworks tells whether networks can run here, in a namespace of their own.
func hasNetworks() bool {
	for _, tool := range []string{"unshare", "bash", "ip", "dnsmasq"} {
		if _, err := exec.LookPath(tool); err != nil {
			return false
		}
	}
	const try = "ip link add v0 type bridge && { nft list tables || iptables -n -L; }"
	return os.Geteuid() == 0 && exec.Command("unshare", "-n", "sh", "-c", try).Run() == nil
}

// hasGroups tells whether control groups of processors and memory can be made here.
func hasGroups() bool {
	for _, controller := range []string{"cpu", "memory"} {
		dir := filepath.Join("/sys/fs/cgroup", controller, fmt.Sprintf("virgo-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			return false
		}
		_ = os.Remove(dir)
	}
	return true
}

// TestScripts runs the scripts: one a feature.
func TestScripts(t *testing.T) {
	root, err := os.MkdirTemp("", "scripts") // testscript's own would be left behind, empty
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	testscript.Run(t, testscript.Params{
		Dir:           "script",
		WorkdirRoot:   root,
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("VIRSH_DEFAULT_CONNECT_URI", "test:///default")
			e.Defer(func() { endGuests(e.WorkDir) })
			if !hasQEMU() {
				return nil
			}
			disk, err := bootDisk()
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "boot.img"), disk, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": exitStatus},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "qemu":
				return hasQEMU(), nil
			case "perf": // root counts whatever the kernel has
				_, err := os.Stat("/proc/sys/kernel/perf_event_paranoid")
				return err == nil && os.Geteuid() == 0, nil
			case "root":
				return os.Geteuid() == 0, nil
			case "cgroups":
				return hasGroups(), nil
			case "netns":
				return hasNetworks(), nil
			case "swtpm":
				_, err := exec.LookPath("swtpm_setup")
				return err == nil, nil
			}
			return false, nil
		},
	})
}

// exitStatus is the scripts' `status N PROGRAM ARGS`: the program ends with N.
func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var e *exec.ExitError
	if errors.As(err, &e) {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
