//go:build linux

package faults

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keptSteps is how many moments are tried of a command of each of several kinds.
const keptSteps = 12

// keptKinds are the kinds of objects that a root keeps beside domains: how one
// is defined, and how the others' names are asked for.
var keptKinds = []struct{ prefix, list, name, doc string }{
	{"net-", "net-list --all --name", "lan", "<network><name>lan</name><uuid>11110000-3333-4444-5555-666677778888</uuid><bridge name='lan0'/><mac address='52:54:00:00:00:01'/></network>"},
	{"pool-", "pool-list --all --name", "disks", "<pool type='dir'><name>disks</name><uuid>11110000-3333-4444-5555-666677778888</uuid><target><path>/nowhere</path></target></pool>"},
	{"nwfilter-", "nwfilter-list", "clean", "<filter name='clean'><uuid>11110000-3333-4444-5555-666677778888</uuid><rule action='drop' direction='in'><tcp dstportstart='22'/></rule></filter>"},
	{"secret-", "secret-list", "11110000-3333-4444-5555-666677778888", "<secret><uuid>11110000-3333-4444-5555-666677778888</uuid><usage type='ceph'><name>store</name></usage></secret>"},
}

// TestKillDefineKept: after a kill at any moment the definition is there whole
// or not at all.
func TestKillDefineKept(t *testing.T) {
	for _, k := range keptKinds {
		t.Run(strings.TrimSuffix(k.prefix, "-"), func(t *testing.T) {
			r := newRoot(t)
			file := filepath.Join(t.TempDir(), "doc.xml")
			if err := os.WriteFile(file, []byte(k.doc), 0o600); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			r.run(k.prefix+"define", file)
			whole := time.Since(start)
			want := r.run(k.prefix+"dumpxml", k.name)
			for i := range keptSteps {
				r.try(k.prefix+"undefine", k.name)
				killAt(t, r.command(k.prefix+"define", file), whole*time.Duration(i)/keptSteps)
				there := strings.Contains(r.run(strings.Fields(k.list)...), k.name)
				got, ok := r.try(k.prefix+"dumpxml", k.name)
				if ok != there || ok && strings.TrimSpace(got) != want {
					t.Fatalf("step %d: listed %v, and half a definition:\n%s", i, there, got)
				}
			}
			r.run(k.prefix+"define", file)
			if got := r.run(k.prefix+"dumpxml", k.name); got != want {
				t.Fatalf("after all that:\n%s", got)
			}
		})
	}
}

// TestKillSecret: a secret that becomes ephemeral, and kept again, has its
// value at every moment; one that is undefined leaves none behind.
func TestKillSecret(t *testing.T) {
	r := newRoot(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const uuid = "11110000-3333-4444-5555-666677778888"
	doc := func(ephemeral string) string {
		return "<secret ephemeral='" + ephemeral + "'><uuid>" + uuid + "</uuid></secret>"
	}
	kept, passing, value := write("kept.xml", doc("no")), write("passing.xml", doc("yes")), write("value", "aGVsbG8=")
	r.run("secret-define", kept)
	r.run("secret-set-value", uuid, "--file", value)
	start := time.Now()
	r.run("secret-define", passing)
	whole := time.Since(start)
	for i := range steps {
		file := kept
		if i%2 == 1 {
			file = passing
		}
		killAt(t, r.command("secret-define", file), whole*time.Duration(i)/steps)
		if got := r.run("secret-get-value", uuid); got != "aGVsbG8=" {
			t.Fatalf("step %d: the value is %q", i, got)
		}
	}
	r.run("secret-undefine", uuid)
	r.run("secret-define", kept)
	r.fails("does not have a value", "secret-get-value", uuid)
}

// TestManyDefine: of several processes that define networks at once, each has a
// bridge of its own.
func TestManyDefine(t *testing.T) {
	r := newRoot(t)
	var names []string
	done := make(chan error)
	for _, n := range strings.Split("abcdefgh", "") {
		file := filepath.Join(t.TempDir(), n+".xml")
		if err := os.WriteFile(file, []byte("<network><name>"+n+"</name></network>"), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
		go func() { done <- r.command("net-define", file).Run() }()
	}
	for range names {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	for _, n := range names {
		bridge := r.run("net-dumpxml", n, "--xpath", "//bridge/@name")
		if other, taken := seen[bridge]; taken {
			t.Errorf("%s and %s have one bridge: %s", n, other, bridge)
		}
		seen[bridge] = n
	}
}
