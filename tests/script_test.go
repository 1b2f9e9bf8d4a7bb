package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"virgo/drivers/open"
	"virgo/shell"
)

// TestMain makes this test binary virgo itself, for scripts and for real shells.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"virgo": program, "virsh": program})
}

func program() {
	if status, handled := open.Watch(os.Args); handled {
		os.Exit(status)
	}
	os.Exit(shell.Main(context.Background(), shell.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Open: open.Open,
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

func hasQEMU() bool {
	_, err := exec.LookPath("qemu-system-x86_64")
	return err == nil && runtime.GOOS == "linux"
}

// TestScripts runs the scripts: one a feature.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("VIRSH_DEFAULT_CONNECT_URI", "test:///default")
			if !hasQEMU() {
				return nil
			}
			disk, err := bootDisk()
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "boot.img"), disk, 0o600)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "qemu" {
				return hasQEMU(), nil
			}
			return false, nil
		},
	})
}
