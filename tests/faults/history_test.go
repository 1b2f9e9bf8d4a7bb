//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillHistory: after a kill of define, undefine or undo at any moment the
// definition is one of the two, whole, and every revision is one that stood.
func TestKillHistory(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.run("define", r.guest("victim", ""))
	one := r.run("dumpxml", "victim")
	two := strings.ReplaceAll(one, "16384", "32768")
	dir := t.TempDir()
	var files []string
	for i, doc := range []string{one, two} {
		files = append(files, filepath.Join(dir, string(rune('a'+i))+".xml"))
		if err := os.WriteFile(files[i], []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	r.run("define", files[1])
	whole := time.Since(began)
	restored, dropped := 0, 0
	for i := range steps {
		after := whole * time.Duration(i) / steps
		var cmd *exec.Cmd
		switch i % 4 {
		case 0:
			cmd = r.command("define", files[0])
		case 1:
			cmd = r.command("undefine", "victim")
		default:
			cmd = r.command("undo", "victim")
		}
		killAt(t, cmd, after)
		got, there := r.try("dumpxml", "victim")
		switch got = strings.TrimSpace(got); {
		case !there:
			dropped++
			if former := r.run("history"); !strings.Contains(former, "victim") {
				t.Fatalf("step %d: gone for good: %s", i, former)
			}
		case got != one && got != two:
			t.Fatalf("step %d: half a definition:\n%s", i, got)
		default:
			restored++
		}
		for _, line := range strings.Split(r.run("--output", "json", "history", "victim"), "},{") {
			if strings.Contains(line, "restored") || !strings.Contains(line, "revision") {
				continue
			}
			number, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "[{"), `"revision":`), ",")
			if doc := r.run("history", "victim", "--dumpxml", number); doc != one && doc != two {
				t.Fatalf("step %d: revision %s:\n%s", i, number, doc)
			}
		}
	}
	t.Logf("%d times defined, %d times not; a define takes %v", restored, dropped, whole)
	if _, there := r.try("domuuid", "victim"); !there {
		r.run("undo", "victim")
	}
	now := r.run("dumpxml", "victim")
	r.run("undefine", "victim")
	r.run("undo", "victim")
	if got := r.run("dumpxml", "victim"); got != now {
		t.Fatalf("after all that:\n%s", got)
	}
}
