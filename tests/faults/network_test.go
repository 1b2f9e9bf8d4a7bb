//go:build linux

package faults

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillNetwork kills starts and ends of a network at any moment: the next
// command finds it running whole or not at all, and in the end nothing is left.
func TestKillNetwork(t *testing.T) {
	if os.Getenv("VIRGO_TEST_NETNS") == "" {
		if err := exec.Command("unshare", "-n", "sh", "-c", "ip link add v0 type bridge && { nft list tables || iptables -n -L; } && dnsmasq --version").Run(); err != nil {
			t.Skipf("no network namespace with bridges, dnsmasq and nft or iptables: %v", err)
		}
		cmd := exec.Command("unshare", "-n", os.Args[0], "-test.run=^TestKillNetwork$", "-test.v")
		cmd.Env = append(os.Environ(), "VIRGO_TEST_NETNS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	r := newRoot(t)
	file := filepath.Join(t.TempDir(), "net.xml")
	doc := "<network><name>k</name><forward mode='nat'/><bridge name='kill0'/><ip address='10.96.0.1' prefix='24'><dhcp><range start='10.96.0.2' end='10.96.0.9'/></dhcp></ip></network>"
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run("net-define", file)
	out := func(name string, args ...string) string {
		b, _ := exec.Command(name, args...).CombinedOutput()
		return string(b)
	}
	serves := func() int { return strings.Count(out("pgrep", "-f", "conf-file="+r.dir), "\n") }
	t.Cleanup(func() { out("pkill", "-f", "conf-file="+r.dir) })
	for i := range 30 {
		verb := "net-start"
		if strings.Contains(r.run("net-list", "--name"), "k") {
			verb = "net-destroy"
		}
		cmd := r.command(verb, "k")
		killAt(t, cmd, time.Duration(rand.IntN(90))*time.Millisecond)
		time.Sleep(20 * time.Millisecond) // what it had started ends, too
		running := strings.Contains(r.run("net-list", "--name"), "k")
		if running && (serves() == 0 || !strings.Contains(out("ip", "-o", "addr", "show", "dev", "kill0"), "10.96.0.1/24")) {
			t.Fatalf("%d: listed as running, and does not: %s", i, out("ip", "-o", "addr"))
		}
		if i%5 != 4 {
			continue
		}
		if running {
			r.run("net-destroy", "k")
		} else {
			r.run("net-start", "k")
			r.run("net-destroy", "k")
		}
		if links := out("ip", "-o", "link", "show", "type", "bridge"); links != "" || serves() > 0 || strings.Contains(out("nft", "list", "tables"), "kill0") {
			t.Fatalf("%d: left: %s %d %s", i, links, serves(), out("nft", "list", "tables"))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "run", "network", "active", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
