//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKillVolumes: after a kill of what makes a volume at any moment it is there
// whole, or not at all, and can be made again.
func TestKillVolumes(t *testing.T) {
	r := newRoot(t)
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("no qemu-img")
	}
	dir := filepath.Join(t.TempDir(), "pool")
	r.run("pool-create-as", "p", "dir", "--target", dir, "--build")
	create := func(name string) *exec.Cmd {
		return r.command("vol-create-as", "p", name, "1M", "--format", "qcow2")
	}
	whole := duration(t, func() { r.try("vol-delete", "first", "p") }, func() *exec.Cmd { return create("first") })
	made := 0
	for i := range steps {
		name := "v" + strconv.Itoa(i)
		killAt(t, create(name), whole*time.Duration(i)/steps)
		if out, ok := r.try("vol-dumpxml", name, "p"); ok {
			made++
			if !strings.Contains(out, "<format type='qcow2'/>") || !strings.Contains(out, "1048576") {
				t.Fatalf("step %d: half a volume:\n%s", i, out)
			}
			continue
		}
		if list := r.run("vol-list", "p"); strings.Contains(list, ".virgo") {
			t.Fatalf("step %d: an unfinished volume is listed:\n%s", i, list)
		}
		r.run("vol-create-as", "p", name, "1M", "--format", "qcow2")
	}
	t.Logf("%d of %d made", made, steps)
	r.run("pool-destroy", "p")
}

// TestManyPools: of many processes that start one pool one does, and volumes that
// they make in it are all there.
func TestManyPools(t *testing.T) {
	r := newRoot(t)
	dir := filepath.Join(t.TempDir(), "pool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.run("pool-define-as", "p", "dir", "--target", dir)
	var group sync.WaitGroup
	var mu sync.Mutex
	started, made := 0, 0
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			if r.command("pool-start", "p").Run() == nil {
				mu.Lock()
				started++
				mu.Unlock()
			}
			if r.command("vol-create-as", "p", "same", "4k").Run() == nil {
				mu.Lock()
				made++
				mu.Unlock()
			}
			_ = r.command("vol-create-as", "p", "own"+strconv.Itoa(i), "4k").Run()
		}()
	}
	group.Wait()
	if started != 1 || made != 1 {
		t.Errorf("%d started the pool, %d made the volume", started, made)
	}
	if list := r.run("vol-list", "p", "--details"); strings.Count(list, "own") != 2*8 {
		t.Errorf("volumes are missing:\n%s", list)
	}
	r.run("pool-destroy", "p")
}
