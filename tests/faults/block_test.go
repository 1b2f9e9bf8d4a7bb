//go:build linux

package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// blockTop is the image that QEMU has on top of the only disk, below what filters
// there are.
func blockTop(t *testing.T, r *root) string {
	t.Helper()
	var blocks struct {
		Return []struct {
			Inserted struct {
				Node string `json:"node-name"`
			}
		}
	}
	monitor(t, r, `{"execute":"query-block"}`, &blocks)
	if len(blocks.Return) == 0 {
		t.Fatal("QEMU has no disk")
	}
	var graph struct {
		Return struct {
			Nodes []struct {
				ID   int
				Name string
			}
			Edges []struct {
				Parent, Child int
				Name          string
			}
		}
	}
	monitor(t, r, `{"execute":"x-debug-query-block-graph"}`, &graph)
	names := map[int]string{}
	for _, n := range graph.Return.Nodes {
		names[n.ID] = n.Name
	}
	node := blocks.Return[0].Inserted.Node
	if strings.HasPrefix(node, "libvirt-CoR-") {
		for _, e := range graph.Return.Edges {
			if names[e.Parent] == node && e.Name == "file" {
				node = names[e.Child]
				break
			}
		}
	}
	var nodes struct {
		Return []struct {
			Node string `json:"node-name"`
			File string
		}
	}
	monitor(t, r, `{"execute":"query-named-block-nodes","arguments":{"flat":true}}`, &nodes)
	for _, n := range nodes.Return {
		if n.Node == node {
			return n.File
		}
	}
	t.Fatalf("QEMU has no node %s", node)
	return ""
}

// killWatchersAt starts a command, kills the watchers after a time, and waits for the
// command's end.
func (r *root) killWatchersAt(cmd *exec.Cmd, after time.Duration) {
	r.t.Helper()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(after)
	for _, p := range r.processes("watch") {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
	_ = cmd.Wait()
}

// monitor asks the guest's QEMU.
func monitor(t *testing.T, r *root, question string, answer any) {
	t.Helper()
	out := r.run("qemu-monitor-command", "victim", question)
	if err := json.Unmarshal([]byte(out), answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestKillBlockJobs: after a kill of the command or of the watcher at any moment of
// a snapshot or a commit the guest runs, its live document and its definition
// name the image that QEMU writes to, and the next command works.
func TestKillBlockJobs(t *testing.T) {
	t.Run("plain", func(t *testing.T) { killBlockJobs(t, "", steps, 2) })
	// A filter lies between the device and the image then.
	t.Run("copy on read", func(t *testing.T) { killBlockJobs(t, "copy_on_read='on'", steps/2, 3) })
}

func killBlockJobs(t *testing.T, driver string, steps, nodesLeft int) {
	r := newRoot(t)
	image := r.defineWithDisk("victim", driver)
	r.run("start", "victim")
	began := time.Now()
	r.run("snapshot-create-as", "victim", "first", "--disk-only", "--no-metadata")
	whole := time.Since(began)
	r.run("blockcommit", "victim", "vda", "--active", "--pivot")
	for i := range steps {
		cmd := r.command("snapshot-create-as", "victim", fmt.Sprintf("s%d", i), "--disk-only", "--no-metadata")
		if i%4 >= 2 {
			cmd = r.command("blockcommit", "victim", "vda", "--active", "--pivot")
		}
		after := whole * time.Duration(i) / time.Duration(steps)
		if i%2 == 0 {
			killAt(t, cmd, after)
		} else {
			r.killWatchersAt(cmd, after)
		}
		// What was under way comes to its end, or is undone, before anybody is answered.
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if got := r.state("victim"); got != "running" {
				t.Fatalf("step %d: %s", i, got)
			}
			top := blockTop(t, r)
			live := r.run("dumpxml", "victim", "--xpath", "//disk/source/@file")
			def := r.run("dumpxml", "victim", "--inactive", "--xpath", "//disk/source/@file")
			want := "file=\"" + top + "\""
			if live == want && def == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("step %d: QEMU writes to %s, live %s, definition %s", i, top, live, def)
			}
		}
		if job := r.run("blockjob", "victim", "vda", "--info"); !strings.Contains(job, "No current block job") {
			r.run("blockjob", "victim", "vda", "--abort")
		}
	}
	r.run("snapshot-create-as", "victim", "last", "--disk-only", "--no-metadata")
	r.run("blockcommit", "victim", "vda", "--active", "--pivot")
	if got := blockTop(t, r); got != image {
		t.Fatalf("at the end QEMU writes to %s", got)
	}
	var nodes struct{ Return []struct{} }
	monitor(t, r, `{"execute":"query-named-block-nodes","arguments":{"flat":true}}`, &nodes)
	if len(nodes.Return) != nodesLeft {
		t.Fatalf("%d nodes are left", len(nodes.Return))
	}
	r.run("destroy", "victim")
}

// TestKillBackup: a watcher that is killed during a backup has a successor that
// knows of it, and ends it; a guest that ends takes what the backup has made along.
func TestKillBackup(t *testing.T) {
	r := newRoot(t)
	r.defineWithDisk("victim", "")
	dir := t.TempDir()
	scratch := filepath.Join(dir, "scratch")
	doc := filepath.Join(dir, "backup.xml")
	text := fmt.Sprintf("<domainbackup mode='pull'><server transport='unix' socket='%s'/><disks><disk name='vda' type='file'><scratch file='%s'/></disk></disks></domainbackup>",
		filepath.Join(dir, "nbd.sock"), scratch)
	if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run("start", "victim")
	gone := func() bool { _, err := os.Stat(scratch); return os.IsNotExist(err) }
	for range 3 {
		r.run("backup-begin", "victim", doc)
		kill(t, r.processes("watch"))
		if got := r.run("domjobinfo", "victim"); !strings.Contains(got, "Backup") {
			t.Fatalf("the new watcher knows of no backup:\n%s", got)
		}
		r.run("domjobabort", "victim")
		eventually(t, "the scratch file's end", gone)
	}
	r.run("backup-begin", "victim", doc)
	r.run("destroy", "victim")
	eventually(t, "the scratch file's end", gone)
}

// TestManyBlockJobs: many processes put images above those of one guest and join
// them; each succeeds or is refused, and the documents say what QEMU has.
func TestManyBlockJobs(t *testing.T) {
	r := newRoot(t)
	image := r.defineWithDisk("victim", "")
	r.run("start", "victim")
	var group sync.WaitGroup
	var mu sync.Mutex
	done := map[string]int{}
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for k := range 3 {
				verb, cmd := "commit", r.command("blockcommit", "victim", "vda", "--active", "--pivot")
				if i%2 == 0 {
					verb, cmd = "snapshot", r.command("snapshot-create-as", "victim", fmt.Sprintf("s%d-%d", i, k), "--disk-only", "--no-metadata")
				}
				if cmd.Run() == nil {
					mu.Lock()
					done[verb]++
					mu.Unlock()
				}
			}
		}()
	}
	group.Wait()
	t.Logf("%v", done)
	if done["snapshot"] == 0 {
		t.Error("no snapshot was made")
	}
	if job := r.run("blockjob", "victim", "vda", "--info"); !strings.Contains(job, "No current block job") {
		r.run("blockjob", "victim", "vda", "--abort")
	}
	want := "file=\"" + blockTop(t, r) + "\""
	if live, def := r.run("dumpxml", "victim", "--xpath", "//disk/source/@file"), r.run("dumpxml", "victim", "--inactive", "--xpath", "//disk/source/@file"); live != want || def != want {
		t.Errorf("QEMU writes to %s, live %s, definition %s", want, live, def)
	}
	r.run("snapshot-create-as", "victim", "last", "--disk-only", "--no-metadata")
	r.run("blockcommit", "victim", "vda", "--active", "--pivot")
	if got := blockTop(t, r); got != image {
		t.Errorf("at the end QEMU writes to %s", got)
	}
	r.run("destroy", "victim")
}

// TestKillMemorySnapshots: after a kill of the command or of the watcher at any
// moment of a snapshot with the memory the guest runs on, its documents are true,
// and no half of a file is left.
func TestKillMemorySnapshots(t *testing.T) {
	r := newRoot(t)
	r.defineWithDisk("victim", "")
	dir := t.TempDir()
	r.run("start", "victim")
	snapshot := func(name string, live bool) *exec.Cmd {
		args := []string{"snapshot-create-as", "victim", name, "--memspec", filepath.Join(dir, name+".mem")}
		if live {
			args = append(args, "--live")
		}
		return r.command(args...)
	}
	began := time.Now()
	if out, err := snapshot("first", false).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(began)
	for i := range steps {
		name := fmt.Sprintf("s%d", i)
		cmd := snapshot(name, i%4 >= 2)
		if i%3 == 2 { // within the images
			cmd = r.command("snapshot-create-as", "victim", name)
		}
		after := whole * time.Duration(i) / time.Duration(steps)
		if i%2 == 0 {
			killAt(t, cmd, after)
		} else {
			r.killWatchersAt(cmd, after)
		}
		eventually(t, fmt.Sprintf("step %d: a guest that runs, and documents that are true", i), func() bool {
			if r.state("victim") != "running" {
				return false
			}
			want := "file=\"" + blockTop(t, r) + "\""
			return r.run("dumpxml", "victim", "--xpath", "//disk/source/@file") == want && r.run("dumpxml", "victim", "--inactive", "--xpath", "//disk/source/@file") == want
		})
	}
	eventually(t, "the end of half a file", func() bool {
		left, _ := filepath.Glob(filepath.Join(dir, ".virgo-*"))
		return len(left) == 0
	})
	r.run("snapshot-create-as", "victim", "last", "--memspec", filepath.Join(dir, "last.mem"))
	r.run("destroy", "victim")
	r.run("snapshot-revert", "victim", "last")
	if got := r.state("victim"); got != "running" {
		t.Fatal(got)
	}
	r.run("destroy", "victim")
}
