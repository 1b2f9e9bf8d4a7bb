//go:build linux

package faults

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillSnapshots: after a kill of what makes or drops a snapshot at any moment
// the domain is whole, each snapshot that is listed can be read and has its
// parent, and the next command works.
func TestKillSnapshots(t *testing.T) {
	r := newRoot(t)
	image := r.defineWithDisk("victim", "")
	began := time.Now()
	r.run("snapshot-create-as", "victim", "first")
	whole := time.Since(began)
	made, dropped := 0, 0
	for i := range steps {
		name := "s" + strings.Repeat("x", i+1)
		cmd := r.command("snapshot-create-as", "victim", name)
		if i%2 == 1 {
			cmd = r.command("snapshot-delete", "victim", "first")
		}
		killAt(t, cmd, whole*time.Duration(i)/steps)
		names := strings.Fields(r.run("snapshot-list", "victim", "--name"))
		known := " " + strings.Join(names, " ") + " "
		for _, n := range names {
			doc := r.run("snapshot-dumpxml", "victim", n)
			if !strings.Contains(doc, "<name>victim</name>") {
				t.Fatalf("step %d: half a snapshot %s:\n%s", i, n, doc)
			}
			if parent, has := r.try("snapshot-parent", "victim", n); has && !strings.Contains(known, " "+strings.TrimSpace(parent)+" ") {
				t.Fatalf("step %d: %s has a parent that is not there: %s", i, n, parent)
			}
		}
		if i%2 == 0 && strings.Contains(known, " "+name+" ") {
			made++
		}
		if !strings.Contains(known, " first ") {
			dropped++
			r.run("snapshot-create-as", "victim", "first")
		}
		if got := r.run("domblklist", "victim"); !strings.Contains(got, image) {
			t.Fatalf("step %d: the domain lost its disk:\n%s", i, got)
		}
	}
	t.Logf("%d made, %d dropped; one takes %v", made, dropped, whole)
	r.run("undefine", "victim", "--snapshots-metadata")
	if left, _ := filepath.Glob(r.dir + "/etc/qemu/snapshot/*"); len(left) > 0 {
		t.Fatalf("left: %v", left)
	}
}
