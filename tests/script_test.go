package tests

import (
	"context"
	"os"
	"os/exec"
	"runtime"
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

// TestScripts runs the scripts: one a feature.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("VIRSH_DEFAULT_CONNECT_URI", "test:///default")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "qemu" {
				_, err := exec.LookPath("qemu-system-x86_64")
				return err == nil && runtime.GOOS == "linux", nil
			}
			return false, nil
		},
	})
}
