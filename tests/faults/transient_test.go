//go:build linux

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKillTransient: whatever is killed at whatever moment of a start, the file
// that a transient disk's data go to is there with the guest and gone with it,
// and the image is as it was.
func TestKillTransient(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("no qemu-img on this machine")
	}
	dir := t.TempDir()
	image := filepath.Join(dir, "a.img")
	before := bytes.Repeat([]byte("virgo"), 200<<10)
	if err := os.WriteFile(image, before, 0o600); err != nil {
		t.Fatal(err)
	}
	over := image + ".TRANSIENT-victim"
	r.run("define", r.guest("victim", fmt.Sprintf(`<disk type='file'><driver name='qemu' type='raw'/><source file='%s'/><target dev='vda'/><transient/></disk>`, image)))
	start := func() *exec.Cmd { return r.command("start", "victim") }
	whole := duration(t, func() { r.try("destroy", "victim") }, start)
	r.run("destroy", "victim")
	for i := range steps {
		killAt(t, start(), whole*time.Duration(i)/steps*3/2)
		if i%2 == 1 {
			kill(t, r.processes("watch"))
		}
		var state string
		eventually(t, "a settled state", func() bool {
			state = r.state("victim")
			return state == "running" || state == "shut off" && len(r.processes("")) == 0
		})
		size := int64(-1)
		if fi, err := os.Stat(over); err == nil {
			size = fi.Size()
		}
		switch {
		case state == "running" && size <= 0:
			t.Fatalf("step %d: the guest runs without its file", i)
		case state == "shut off" && size > 0: // an empty one that was just made is replaced by the next start
			t.Fatalf("step %d: the guest's file is left behind", i)
		}
		if state == "running" && i%3 == 0 {
			kill(t, r.processes("qemu"))
		}
		r.try("destroy", "victim")
		eventually(t, "an end", func() bool { return r.state("victim") == "shut off" && len(r.processes("")) == 0 })
	}
	r.run("start", "victim")
	r.run("destroy", "victim")
	if _, err := os.Stat(over); err == nil {
		t.Error("the guest's file is left behind")
	}
	if after, err := os.ReadFile(image); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the image has changed (%v)", err)
	}
}
