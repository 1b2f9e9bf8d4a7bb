package remote

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// query asks for a host with a home folder's configuration.
func query(home, host string) sshQuery {
	return sshQuery{host: host, home: home, localUser: "me", system: "/nonexistent",
		getenv:   func(name string) string { return "<" + name + ">" },
		run:      func(_ context.Context, line string) bool { return strings.HasPrefix(line, "yes") },
		resolves: func(_ context.Context, host string) bool { return host == "short.example.org" }}
}

// configHome is a home folder with ssh's configuration.
func configHome(t *testing.T, files map[string]string) string {
	home := t.TempDir()
	for name, text := range files {
		name = filepath.Join(home, ".ssh", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func TestSSHConfig(t *testing.T) {
	home := configHome(t, map[string]string{"config": `# comment
Include more/*
Host web db*  !dbx
  HostName = %h.example.com
  User "the user"
  Port 77   # a comment
  IdentityFile ~/.ssh/k1
  IdentityFile %d/.ssh/k-%r
  ProxyJump jump@gate:2222,second
  ProxyCommand never
Host cmd
  ProxyCommand nc -X 5 "%h" %p # all of it
  ProxyJump never
  IdentityAgent ${SOCK}/agent
  UserKnownHostsFile ~/a "~/b c"
  ConnectTimeout 1m30s
Match exec "yes %h" originalhost ran
  User ran
Match exec "no %h"
  User evil
Match !exec "no" host unless
  User unless
Match user special host *.example.net
  Port 99
Match originalhost=fin final
  Port 98
Match host fin.resolved
  Tag late
Host fin
  HostName fin.resolved
Match tagged late
  User tagged
Match all
  StrictHostKeyChecking accept-new
Host *
  User other
  IdentitiesOnly yes
`, "more/a": "Host inc\n  Hostname 10.0.0.1\nHost x.example.net\n  User special\n"})
	for _, c := range []struct{ host, want string }{
		{"web", "web.example.com|the user|77|k1 k-the user|jump@gate:2222,second||accept-new|yes"},
		{"db7", "db7.example.com|the user|77|k1 k-the user|jump@gate:2222,second||accept-new|yes"},
		{"dbx", "dbx|other|22||||accept-new|yes"},
		{"inc", "10.0.0.1|other|22||||accept-new|yes"},
		{"cmd", `cmd|other|22|||nc -X 5 "%h" %p # all of it|accept-new|yes`},
		{"ran", "ran|ran|22||||accept-new|yes"},
		{"unless", "unless|unless|22||||accept-new|yes"},
		{"x.example.net", "x.example.net|special|99||||accept-new|yes"},
		{"fin", "fin.resolved|other|98||||accept-new|yes"},
	} {
		s, err := readSSHConfig(context.Background(), query(home, c.host))
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, k := range s.lists["identityfile"] {
			keys = append(keys, strings.TrimPrefix(k, home+"/.ssh/"))
		}
		v := s.values
		got := strings.Join([]string{v["hostname"], v["user"], v["port"], strings.Join(keys, " "), v["proxyjump"], v["proxycommand"], v["stricthostkeychecking"], v["identitiesonly"]}, "|")
		if got != c.want {
			t.Errorf("%s:\n%q\n%q", c.host, got, c.want)
		}
	}
	s, err := readSSHConfig(context.Background(), query(home, "cmd"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.lists["userknownhostsfile"], s.seconds("connecttimeout"), s.path(s.values["identityagent"]), s.tokens("%h %n %p %r %u %d %%")); got !=
		fmt.Sprint([]string{home + "/a", home + "/b c"}, 90*time.Second, "<SOCK>/agent", "cmd cmd 22 other me "+home+" %") {
		t.Errorf("%s", got)
	}
	q := query(home, "web")
	q.user, q.port = "given", "1"
	if s, err = readSSHConfig(context.Background(), q); err != nil || s.values["user"] != "given" || s.values["port"] != "1" {
		t.Errorf("what the address says counts first: %v %v", s, err)
	}
}

func TestSSHCanonical(t *testing.T) {
	text := "CanonicalizeHostname yes\nCanonicalDomains nowhere.example example.org\nMatch canonical host *.example.org\n  Port 7\n"
	for _, c := range [][3]string{{"short", "short.example.org", "7"}, {"a.b.c", "a.b.c", "22"}, {"unknown", "unknown", "22"}} {
		s, err := readSSHConfig(context.Background(), query(configHome(t, map[string]string{"config": text}), c[0]))
		if err != nil || s.values["hostname"] != c[1] || s.values["port"] != c[2] {
			t.Errorf("%s: %v %v", c[0], s.values, err)
		}
	}
}

// A configuration that is not to be trusted, or cannot be read, is an error.
func TestSSHConfigErrors(t *testing.T) {
	for _, c := range [][2]string{
		{"Match colour red\n  User x\n", "config:1: unsupported Match attribute colour"},
		{"\nMatch host\n", "config:2: no value for Match host"},
		{"Include config\n", "Too many levels of configuration files"},
	} {
		_, err := readSSHConfig(context.Background(), query(configHome(t, map[string]string{"config": c[0]}), "h"))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v", c[0], err)
		}
	}
	home := configHome(t, map[string]string{"config": "User x\n"})
	if err := os.Chmod(filepath.Join(home, ".ssh", "config"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := readSSHConfig(context.Background(), query(home, "h")); err == nil || !strings.Contains(err.Error(), "Bad owner or permissions on") {
		t.Errorf("%v", err)
	}
}

func FuzzSSHConfig(f *testing.F) {
	f.Add("Host a\n HostName = b\nIdentityFile \"x y\"\nMatch host b user c !final\n Port 7\nUserKnownHostsFile ${A}/b ~", "a")
	f.Fuzz(func(t *testing.T, text, host string) {
		home := t.TempDir()
		os.Mkdir(filepath.Join(home, ".ssh"), 0o700)
		os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(text), 0o600)
		readSSHConfig(context.Background(), query(home, host))
	})
}

// Who a host is: plain keys, hashed names, authorities, revoked keys, other ports.
func TestKnownHosts(t *testing.T) {
	host, _ := newKey(t)
	other, _ := newKey(t)
	authority, _ := newKey(t)
	cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"h", "alias"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	line := func(name string, key ssh.PublicKey) string { return knownhosts.Line([]string{name}, key) + "\n" }
	for _, c := range []struct {
		name, file, config string
		port               string
		key                ssh.PublicKey
		want               string
	}{
		{"plain", line("h", host.PublicKey()), "", "22", host.PublicKey(), ""},
		{"among what cannot be read", "nonsense\nh ssh-strange AAAA\n@odd h x y\n" + line("h", host.PublicKey()), "", "22", host.PublicKey(), ""},
		{"hashed", line(knownhosts.HashHostname("h"), host.PublicKey()), "", "22", host.PublicKey(), ""},
		{"hashed, wrong", line(knownhosts.HashHostname("h"), other.PublicKey()), "", "22", host.PublicKey(), "VERIFICATION FAILED"},
		{"pattern", line("*,!x", host.PublicKey()), "", "22", host.PublicKey(), ""},
		{"not for it", line("*,!h", host.PublicKey()), "", "22", host.PublicKey(), "is not known"},
		{"port", line("[h]:77", host.PublicKey()), "", "77", host.PublicKey(), ""},
		{"any port", line("h", host.PublicKey()), "", "77", host.PublicKey(), ""},
		{"another key at another port", line("h", other.PublicKey()), "", "77", host.PublicKey(), "is not known"},
		{"alias", line("alias", host.PublicKey()), "HostKeyAlias alias\n", "77", host.PublicKey(), ""},
		{"one of several", line("h", other.PublicKey()) + line("h", host.PublicKey()), "", "22", host.PublicKey(), ""},
		{"revoked", line("h", host.PublicKey()) + "@revoked " + line("*", host.PublicKey()), "", "22", host.PublicKey(), "is revoked in"},
		{"revoked, behind a stranger's certificate", line("h", host.PublicKey()) + "@revoked " + line("*", host.PublicKey()), "", "22", cert, "is revoked in"},
		{"authority", "@cert-authority " + line("*", authority.PublicKey()), "", "22", cert, ""},
		{"authority, alias", "@cert-authority " + line("*", authority.PublicKey()), "HostKeyAlias alias\n", "22", cert, ""},
		{"authority, other name", "@cert-authority " + line("*", authority.PublicKey()), "HostKeyAlias stranger\n", "22", cert, "certificate of 'stranger'"},
		{"another authority", "@cert-authority " + line("*", other.PublicKey()), "", "22", cert, "is not known"},
		{"an authority is no host", "@cert-authority " + line("*", host.PublicKey()), "", "22", host.PublicKey(), "is not known"},
		{"certificate of a known key", line("h", host.PublicKey()), "", "22", cert, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := configHome(t, map[string]string{"known_hosts": c.file, "config": c.config})
			s, err := readSSHConfig(context.Background(), query(home, "h"))
			if err != nil {
				t.Fatal(err)
			}
			keys := (&address{}).hostKeys(hop{name: "h", host: "h", port: c.port, settings: s})
			keys.algorithms()
			err = keys.check("", &net.TCPAddr{}, c.key)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A new key is kept, hashed where that is wanted.
func TestRemember(t *testing.T) {
	host, _ := newKey(t)
	home := configHome(t, map[string]string{"config": "StrictHostKeyChecking accept-new\nHashKnownHosts yes\n"})
	s, err := readSSHConfig(context.Background(), query(home, "h"))
	if err != nil {
		t.Fatal(err)
	}
	at := hop{name: "h", host: "h", port: "77", settings: s}
	if err := (&address{}).hostKeys(at).check("", &net.TCPAddr{}, host.PublicKey()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(home, ".ssh", "known_hosts"))
	if err != nil || !strings.HasPrefix(string(data), "|1|") {
		t.Fatalf("%q %v", data, err)
	}
	if err := (&address{}).hostKeys(at).check("", &net.TCPAddr{}, host.PublicKey()); err != nil {
		t.Error(err)
	}
}

// A new key has a line of its own, whatever the file ends with.
func TestRememberUnended(t *testing.T) {
	host, _ := newKey(t)
	old, _ := newKey(t)
	home := configHome(t, map[string]string{"config": "StrictHostKeyChecking accept-new\n", "known_hosts": knownhosts.Line([]string{"old"}, old.PublicKey())})
	for name, key := range map[string]ssh.PublicKey{"h": host.PublicKey(), "old": old.PublicKey()} {
		s, err := readSSHConfig(context.Background(), query(home, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := (&address{}).hostKeys(hop{name: name, host: name, port: "22", settings: s}).check("", &net.TCPAddr{}, key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	data, _ := os.ReadFile(filepath.Join(home, ".ssh", "known_hosts"))
	if n := strings.Count(string(data), "\n"); n != 2 {
		t.Errorf("%q", data)
	}
}

// Programs of the configuration get the names of host and user in a line for the
// shell: names that would be more than words there are refused.
func TestHarmless(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	home := configHome(t, map[string]string{"config": "Match exec \"touch " + ran + "; true\"\nProxyCommand touch " + ran + " %h %r\n"})
	for _, c := range [][2]string{{"$(id)", "me"}, {"a;b", ""}, {"-oProxyCommand=x", ""}, {"a b", ""}, {"a\nb", ""}, {"h", "$(id)"}, {"h", "-l"}, {"h", "a`id`"}, {"h", "a\\"}} {
		a := &address{host: c[0], getenv: func(name string) string { return map[string]string{"HOME": home}[name] }}
		a.uri.User = c[1]
		_, err := a.dialSSH(context.Background())
		if err == nil || !strings.Contains(err.Error(), "invalid characters") {
			t.Errorf("%q: %v", c, err)
		}
	}
	if exists(ran) {
		t.Error("a program ran")
	}
	for _, c := range [][2]string{{"h.example", "me"}, {"fe80::1%eth0", ""}, {"h_1", "D\\me"}, {"10.0.0.1", "host$"}} {
		if err := harmless(c[0], c[1]); err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func FuzzKnownHosts(f *testing.F) {
	f.Add("h ssh-ed25519 AAAA\n|1|a|b x\n@cert-authority * y\n")
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "k")
		os.WriteFile(name, []byte(text), 0o600)
		readKnown([]string{name}, "[h]:77", "h")
	})
}
