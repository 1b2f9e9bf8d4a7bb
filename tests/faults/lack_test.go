//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestEmulatorFails: what QEMU wrote stands in the error, and nothing is left.
func TestEmulatorFails(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	for _, c := range []struct{ script, want string }{
		{"echo 'the roof is on fire' >&2; exit 1", "the roof is on fire"},
		{"exit 3", "exit status 3"},
		{"kill -SEGV $$", "segmentation fault"},
	} {
		qemu := r.emulator(c.script)
		r.run("define", r.guest("g", "<emulator>"+qemu+"</emulator>"))
		r.fails(c.want, "start", "g")
		if s := r.run("domstate", "--reason", "g"); s != "shut off (failed)" {
			t.Errorf("%s: %q", c.script, s)
		}
		if !r.waitGone() {
			t.Errorf("%s: left %v", c.script, r.processes(""))
		}
		r.run("undefine", "g")
	}
}

// TestNoQEMU: definitions can be read; what needs QEMU says so.
func TestNoQEMU(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	r.env = []string{"PATH=/nonexistent"}
	r.run("list", "--all")
	r.run("dumpxml", "g")
	r.fails("emulator", "define", r.guest("h", ""))
	r.fails("emulator", "domcapabilities")
	r.env = nil
	r.run("define", r.guest("h", "<emulator>"+r.emulator("exit 0")+"</emulator>"))
}

// TestBadNames: nothing leaves the root, nothing is written.
func TestBadNames(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	for _, name := range []string{"a/b", "../../evil", "/etc/evil", "", strings.Repeat("x", 300)} {
		if out, ok := r.try("define", r.guest(name, "")); ok || !strings.Contains(out, "error:") {
			t.Errorf("name %q: %s", name, out)
		}
	}
	for _, name := range []string{"..", "."} {
		// A file name of its own is made of it, so that it may be taken; it must not harm.
		if _, ok := r.try("define", r.guest(name, "")); ok {
			r.run("start", name)
			r.run("destroy", name)
			r.run("undefine", name)
		}
	}
	files, _ := filepath.Glob(filepath.Dir(r.dir) + "/*")
	if len(files) != 1 {
		t.Errorf("beside the root: %v", files)
	}
	if out := r.run("list", "--all", "--name"); out != "" {
		t.Errorf("defined: %s", out)
	}
}

// TestOddNames: names that are legal but unusual work all the way.
func TestOddNames(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	for _, name := range []string{"with space", "ünïcode", "-dash", ".hidden", "a,b=c", strings.Repeat("y", 120), "names", "%d%s"} {
		r.run("define", r.guest(name, ""))
		if got := r.run("list", "--all", "--name"); got != name {
			t.Fatalf("%q is listed as %q", name, got)
		}
		r.run("start", "--", name)
		r.run("destroy", "--", name)
		r.run("undefine", "--", name)
	}
}

// TestClash: an existing name with another uuid, an existing uuid with another name.
func TestClash(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	uuid := r.run("domuuid", "g")
	before := r.run("dumpxml", "g")
	r.fails("operation failed: domain 'g' already exists with uuid "+uuid, "define", r.guest("g", ""))
	file := r.guest("other", "")
	data, _ := os.ReadFile(file)
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), "</name>", "</name><uuid>"+uuid+"</uuid>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.fails("operation failed: domain 'g' is already defined with uuid "+uuid, "define", file)
	if r.run("dumpxml", "g") != before || r.run("list", "--all", "--name") != "g" {
		t.Error("something was written")
	}
}

// TestReadOnlyRoot: it can be read; a change says why not.
func TestReadOnlyRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	r := newRoot(t)
	r.needQEMU()
	r.define("g")
	for _, dir := range []string{r.dir, filepath.Dir(r.dir), filepath.Dir(filepath.Dir(r.dir))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chmod", "-R", "a+rX", r.dir, filepath.Dir(binary)).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	nobody := func(args ...string) (string, error) {
		cmd := r.command(args...)
		cmd.Dir = "/"
		cmd.Env = append(cmd.Env, "HOME=/nonexistent", "VIRGO_CACHE_DIR=/nonexistent")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, args := range [][]string{{"list", "--all"}, {"dumpxml", "g"}, {"domstate", "g"}, {"domuuid", "g"}, {"dominfo", "g"}} {
		if out, err := nobody(args...); err != nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, args := range [][]string{{"undefine", "g"}, {"autostart", "g"}, {"start", "g"}} {
		if out, err := nobody(args...); err == nil || !strings.Contains(out, "ermission denied") {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	if s := r.run("list", "--all", "--name"); s != "g" {
		t.Errorf("list: %q", s)
	}
}

// TestFullDisk: a change says so, and what was there stays whole.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	r := newRoot(t)
	r.needQEMU()
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", r.dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(r.dir, syscall.MNT_DETACH) })
	r.define("g")
	before := r.run("dumpxml", "g")
	fill(t, r.dir)
	r.fails("No space left on device", "define", r.guest("h", ""))
	file := filepath.Join(t.TempDir(), "g.xml")
	if err := os.WriteFile(file, []byte(strings.Replace(before, "</name>", "</name><title>new</title>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r.try("define", file)
	r.fails("No space left on device", "start", "g")
	if got := r.run("dumpxml", "g"); got != before {
		t.Errorf("changed:\n%s", got)
	}
	if got := r.run("list", "--all", "--name"); got != "g" {
		t.Errorf("list: %q", got)
	}
}

func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 4096; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// TestBridge: a tap of its own for each interface, which goes with the guest.
// It runs in a network namespace, so that the machine's network is left alone.
func TestBridge(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	if err := exec.Command("unshare", "-n", "ip", "link", "add", "vbr0", "type", "bridge").Run(); err != nil {
		t.Skipf("no network namespace with a bridge: %v", err)
	}
	r.run("define", r.guest("g", "<interface type='bridge'><source bridge='vbr0'/><mac address='52:54:00:00:00:07'/></interface><interface type='user'/>"))
	r.fails("'vbr0': No such device", "start", "g")
	script := `set -e; ip link add vbr0 type bridge; "$0" -c "$1" start g; ip -o link show master vbr0; "$0" -c "$1" dumpxml g; "$0" -c "$1" destroy g; ip -o link show master vbr0; echo end`
	cmd := exec.Command("unshare", "-n", "sh", "-c", script, binary, "qemu:///embed?root="+r.dir)
	cmd.Env = r.command().Env
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil || !strings.Contains(text, "fe:54:00:00:00:07") || !strings.Contains(text, "<target dev='vnet0'/>") || !strings.HasSuffix(text, "destroyed\n\nend\n") {
		t.Errorf("%v: %s", err, text)
	}
}
