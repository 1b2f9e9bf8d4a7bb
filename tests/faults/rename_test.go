//go:build linux

package faults

import (
	"strings"
	"testing"
	"time"
)

// TestKillRename: after a kill at any moment a domain has its old name or the new one.
func TestKillRename(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("a")
	r.run("autostart", "a")
	begin := time.Now()
	r.run("domrename", "a", "b")
	whole := time.Since(begin)
	r.run("domrename", "b", "a")
	done := 0
	for i := range steps {
		killAt(t, r.command("domrename", "a", "b"), whole*time.Duration(i)/steps*3/2)
		switch names := r.run("list", "--all", "--name", "--autostart"); names {
		case "a":
		case "b":
			done++
			if doc := r.run("dumpxml", "b"); !strings.Contains(doc, "<name>b</name>") {
				t.Fatalf("step %d: %s", i, doc)
			}
			r.run("domrename", "b", "a")
		default:
			t.Fatalf("step %d: odd list %q", i, names)
		}
		if doc := r.run("dumpxml", "a"); !strings.Contains(doc, "<name>a</name>") {
			t.Fatalf("step %d: %s", i, doc)
		}
	}
	t.Logf("%d of %d kills left the new name; the command takes %v", done, steps, whole)
}
