//go:build unix

package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"virgo/drivers"
)

// userAddress is the address of a user's daemon, in a folder of its own.
func userAddress(t *testing.T, uri string) (*address, string) {
	u, err := drivers.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	a, err := parseAddress(u, drivers.OpenOptions{Getenv: func(name string) string {
		return map[string]string{"XDG_RUNTIME_DIR": dir, "HOME": dir, "PATH": os.Getenv("PATH")}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

// A user's daemon that does not run is started, unless that is not wanted or not possible.
func TestStartDaemon(t *testing.T) {
	a, dir := userAddress(t, "qemu+unix:///session")
	path := filepath.Join(dir, "libvirt", "nosuchprogramd-sock")
	_, err := a.startDaemon(t.Context(), path, syscall.ENOENT)
	if err == nil || err.Error() != "binary '/usr/sbin/nosuchprogramd' does not exist in $PATH: No such file or directory" {
		t.Errorf("%v", err)
	}
	if _, err = a.startDaemon(t.Context(), path, syscall.EACCES); err != syscall.EACCES {
		t.Errorf("a daemon that runs: %v", err)
	}
	env := a.getenv
	a.getenv = func(name string) string { return map[string]string{"LIBVIRT_AUTOSTART": "0"}[name] + env(name) }
	if _, err = a.startDaemon(t.Context(), path, syscall.ENOENT); err != syscall.ENOENT {
		t.Errorf("not wanted: %v", err)
	}
}

// The test runs itself as another user beside a real libvirtd's program.
func TestSession(t *testing.T) {
	if dir := os.Getenv("VIRGO_TEST_SESSION"); dir != "" {
		u, err := drivers.ParseURI("test+unix:///default")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := Open(t.Context(), u, drivers.OpenOptions{Getenv: os.Getenv})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		return
	}
	if _, program := programOf("/x/libvirt-sock"); program == "" || testing.Short() {
		t.Skip("no libvirtd here")
	}
	dir, err := os.MkdirTemp("", "virgo-session")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "test")
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.run", "^TestSession$")
	cmd.Dir = dir
	cmd.Env = []string{"VIRGO_TEST_SESSION=" + dir, "XDG_RUNTIME_DIR=" + dir, "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if os.Geteuid() == 0 {
		for _, d := range []string{dir} {
			if err := os.Chown(d, 65534, 65534); err != nil {
				t.Skip(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "libvirt", "libvirtd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil || n < 2 {
		t.Fatal(err)
	}
	syscall.Kill(n, syscall.SIGTERM)
	for range 100 {
		if syscall.Kill(n, 0) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	syscall.Kill(n, syscall.SIGKILL)
}
