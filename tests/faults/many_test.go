//go:build linux

package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEightStart: one of eight starts of the same guest wins, seven are told.
func TestEightStart(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won, told int
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			out, ok := r.try("start", "g")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ok:
				won++
			case strings.Contains(out, "already"):
				told++
			default:
				t.Errorf("odd answer: %s", out)
			}
		}()
	}
	wg.Wait()
	if won != 1 || told != 7 || len(r.processes("qemu")) != 1 {
		t.Fatalf("%d won, %d were told, %d QEMUs", won, told, len(r.processes("qemu")))
	}
	r.run("destroy", "g")
}

// TestEightAtWork: eight processes define, start, list and end guests of one root.
func TestEightAtWork(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.run("list") // nothing there yet
	var wg sync.WaitGroup
	for p := range 8 {
		file := r.guest(fmt.Sprintf("g%d", p), "")
		wg.Add(1)
		go func() {
			defer wg.Done()
			name := fmt.Sprintf("g%d", p)
			for range 3 {
				for _, args := range [][]string{{"define", file}, {"list", "--all"}, {"start", name}, {"list"}, {"domuuid", name}, {"destroy", name}, {"undefine", name}} {
					if out, ok := r.try(args...); !ok {
						t.Errorf("%v: %s", args, out)
						return
					}
				}
			}
		}()
	}
	wg.Wait()
	if names := r.run("list", "--all", "--name"); names != "" {
		t.Fatalf("left: %s", names)
	}
	if !r.waitGone() {
		t.Fatalf("left: %v", r.processes(""))
	}
}

// TestEightDefineOneName: of eight definitions with one name and different
// uuids one stands, and of eight names with one uuid too.
func TestEightDefineOneName(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("first")
	r.run("undefine", "first")
	for _, same := range []string{"name", "uuid"} {
		files := make([]string, 8)
		for i := range files {
			name, uuid := "one", fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
			if same == "uuid" {
				name, uuid = fmt.Sprintf("n%d", i), "00000000-0000-4000-8000-0000000000ff"
			}
			files[i] = r.guest(name, "")
			data, _ := os.ReadFile(files[i])
			doc := strings.Replace(string(data), "</name>", "</name><uuid>"+uuid+"</uuid>", 1)
			if err := os.WriteFile(files[i], []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for _, f := range files {
			wg.Add(1)
			go func() {
				defer wg.Done()
				out, ok := r.try("define", f)
				mu.Lock()
				defer mu.Unlock()
				if ok {
					won++
				} else if !strings.Contains(out, "already") {
					t.Errorf("odd answer: %s", out)
				}
			}()
		}
		wg.Wait()
		names := strings.Fields(r.run("list", "--all", "--name"))
		if won != 1 || len(names) != 1 {
			t.Fatalf("same %s: %d won, there are %v", same, won, names)
		}
		r.run("undefine", names[0])
	}
}

// TestSlowStart: while a start takes its time, others list and define.
func TestSlowStart(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	qemu := r.emulator(`sleep 3; exec qemu-system-x86_64 "$@"`)
	r.run("define", r.guest("slow", "<emulator>"+qemu+"</emulator>"))
	done := make(chan string)
	go func() {
		out, _ := r.try("start", "slow")
		done <- out
	}()
	time.Sleep(500 * time.Millisecond)
	began := time.Now()
	r.run("list", "--all")
	r.define("other")
	r.run("dumpxml", "slow")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("others waited %v", took)
	}
	if out := <-done; !strings.Contains(out, "started") {
		t.Errorf("the slow start: %s", out)
	}
	r.run("destroy", "slow")
}

// emulator makes a stand-in that answers probes as QEMU does and then runs script.
func (r *root) emulator(script string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "qemu")
	text := "#!/bin/sh\ncase \"$*\" in *'none,accel='*) exec qemu-system-x86_64 \"$@\";; esac\n" + script + "\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		r.t.Fatal(err)
	}
	return path
}
