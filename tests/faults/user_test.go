//go:build linux

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUser: where a user is configured, QEMU runs as that user.
func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	for dir := r.dir; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(r.dir, "etc", "qemu.conf")
	if err := os.WriteFile(conf, []byte("# who QEMU runs as\nuser = \"nobody\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run("start", "g")
	for _, pid := range r.processes("qemu") {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || !strings.Contains(string(status), "Uid:\t65534\t65534") {
			t.Errorf("QEMU does not run as nobody: %v", err)
		}
	}
	r.run("destroy", "g")
	if err := os.WriteFile(conf, []byte("user = \"no-such-user\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.fails("no-such-user", "start", "g")
}
