//go:build linux

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillImport: after a kill at any moment every definition is there whole or
// not at all, and the next import brings the rest.
func TestKillImport(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	from := t.TempDir()
	const count = 12
	for _, d := range []string{"qemu/autostart", "qemu/networks"} {
		if err := os.MkdirAll(filepath.Join(from, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range count {
		write(fmt.Sprintf("qemu/d%02d.xml", i), fmt.Sprintf("<domain type='qemu'><name>d%02d</name><uuid>11110000-3333-4444-5555-6666777788%02d</uuid>"+
			"<memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>", i, i+10))
		if err := os.Symlink("../x", filepath.Join(from, fmt.Sprintf("qemu/autostart/d%02d.xml", i))); err != nil {
			t.Fatal(err)
		}
	}
	write("qemu/networks/lan.xml", "<network><name>lan</name><uuid>21110000-3333-4444-5555-666677778888</uuid></network>")
	began := time.Now()
	r.run("import", from)
	whole := time.Since(began)
	all := r.run("list", "--all", "--autostart", "--name")
	if n := len(strings.Fields(all)); n != count {
		t.Fatalf("%d of %d: %s", n, count, all)
	}
	want := r.run("dumpxml", "d00")
	for i := range steps / 2 {
		if err := os.RemoveAll(filepath.Join(r.dir, "etc")); err != nil {
			t.Fatal(err)
		}
		killAt(t, r.command("import", from), whole*time.Duration(i)/(steps/2))
		for _, n := range strings.Fields(r.run("list", "--all", "--name")) {
			if got := r.run("dumpxml", n); len(got) != len(want) {
				t.Fatalf("step %d: half of %s:\n%s", i, n, got)
			}
		}
		r.run("import", from)
		if got := r.run("list", "--all", "--autostart", "--name"); got != all {
			t.Fatalf("step %d: the next import leaves %s", i, got)
		}
		if got := r.run("net-list", "--all", "--name"); got != "lan" {
			t.Fatalf("step %d: networks %s", i, got)
		}
	}
}
