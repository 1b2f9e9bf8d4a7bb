package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"virgo/drivers"
)

// sshServer is a host that forwards sockets, runs no more than a helper, and is
// a hop to other hosts.
type sshServer struct {
	t         *testing.T
	key       ssh.Signer
	addr      string
	client    ssh.PublicKey
	password  string
	noForward bool
	noHelper  bool
	commands  chan string
	hops      chan string
}

func newKey(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s, private
}

func (s *sshServer) start() {
	s.key, _ = newKey(s.t)
	s.commands, s.hops = make(chan string, 10), make(chan string, 10)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.client != nil && bytes.Equal(key.Marshal(), s.client.Marshal()) {
				return nil, nil
			}
			return nil, errors.New("no")
		},
		PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if s.password != "" && string(p) == s.password {
				return nil, nil
			}
			return nil, errors.New("no")
		},
	}
	config.AddHostKey(s.key)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	s.addr = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, config)
		}
	}()
}

func (s *sshServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		switch c.ChannelType() {
		case "direct-streamlocal@openssh.com":
			if s.noForward {
				c.Reject(ssh.Prohibited, "no")
				continue
			}
			channel, requests, _ := c.Accept()
			go ssh.DiscardRequests(requests)
			go newFake(s.t, nil).serve(channel)
		case "direct-tcpip":
			var to struct {
				Host string
				Port uint32
				From string
				At   uint32
			}
			ssh.Unmarshal(c.ExtraData(), &to)
			s.hops <- to.Host
			channel, requests, _ := c.Accept()
			go ssh.DiscardRequests(requests)
			go s.forward(channel, to.Port)
		case "session":
			channel, requests, _ := c.Accept()
			go s.session(channel, requests)
		default:
			c.Reject(ssh.UnknownChannelType, "no")
		}
	}
}

func (s *sshServer) forward(channel ssh.Channel, port uint32) {
	defer channel.Close()
	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
	if err != nil {
		return
	}
	go func() {
		io.Copy(conn, channel)
		conn.Close()
	}()
	io.Copy(channel, conn)
}

func (s *sshServer) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		if r.Type != "exec" {
			r.Reply(false, nil)
			continue
		}
		var what struct{ Command string }
		ssh.Unmarshal(r.Payload, &what)
		s.commands <- what.Command
		r.Reply(true, nil)
		if s.noHelper {
			io.WriteString(channel.Stderr(), "sh: 1: nc: not found\n")
			channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{127}))
			channel.Close()
			continue
		}
		go newFake(s.t, nil).serve(channel)
	}
}

// sshHome is a home folder with a key, the hosts' keys and a configuration.
func sshHome(t *testing.T, private ed25519.PrivateKey, config string, known ...*sshServer) string {
	home := t.TempDir()
	os.Mkdir(filepath.Join(home, ".ssh"), 0o700)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	lines := ""
	for _, s := range known {
		lines += knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, s.key.PublicKey()) + "\n"
	}
	for name, text := range map[string]string{"id_ed25519": string(pem.EncodeToMemory(block)), "known_hosts": lines, "config": config} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func trySSH(t *testing.T, uri, home string, env map[string]string, ask func(string, bool) (string, error)) error {
	t.Helper()
	u, err := drivers.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAddress(u, drivers.OpenOptions{Ask: ask, Terminal: ask != nil, Getenv: func(name string) string {
		if name == "HOME" {
			return home
		}
		return env[name]
	}})
	if err != nil {
		return err
	}
	a.patience = 10 * time.Second
	conn, err := open(context.Background(), a)
	if err == nil {
		conn.Close()
	}
	return err
}

func TestSSH(t *testing.T) {
	client, private := newKey(t)
	_, strange := newKey(t)
	s := &sshServer{t: t, client: client.PublicKey()}
	s.start()
	impostor := &sshServer{t: t, client: client.PublicKey()}
	impostor.start()
	impostor.addr = s.addr
	stubborn := &sshServer{t: t, client: client.PublicKey(), noForward: true}
	stubborn.start()
	poor := &sshServer{t: t, client: client.PublicKey(), noForward: true, noHelper: true}
	poor.start()
	lax := &sshServer{t: t, password: "secret"}
	lax.start()
	yes := func(string, bool) (string, error) { return "yes", nil }
	secret := func(_ string, hidden bool) (string, error) {
		if hidden {
			return "secret", nil
		}
		return "", errors.New("what?")
	}
	for _, c := range []struct {
		name, uri, home, want string
		ask                   func(string, bool) (string, error)
	}{
		{"key", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, private, "", s), "", nil},
		{"libssh2", "qemu+libssh2://root@" + s.addr + "/system", sshHome(t, private, "", s), "", nil},
		{"unknown host", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, private, ""), "is not known: check it and add it to", nil},
		{"unknown host, taken", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, private, ""), "", yes},
		{"unknown host, auto", "qemu+ssh://root@" + s.addr + "/system?known_hosts_verify=auto", sshHome(t, private, ""), "", nil},
		{"wrong host key", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, private, "", impostor), "HOST KEY VERIFICATION FAILED", yes},
		{"wrong host key, auto", "qemu+ssh://root@" + s.addr + "/system?known_hosts_verify=auto", sshHome(t, private, "", impostor), "HOST KEY VERIFICATION FAILED", yes},
		{"wrong host key, not verified", "qemu+ssh://root@" + s.addr + "/system?no_verify=1", sshHome(t, private, "", impostor), "", nil},
		{"wrong key", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, strange, "", s), "authentication failed: root@", nil},
		{"no key file", "qemu+ssh://root@" + s.addr + "/system?keyfile=/nonexistent/k", sshHome(t, private, "", s), "authentication failed", nil},
		{"password", "qemu+ssh://root@" + lax.addr + "/system", sshHome(t, private, "", lax), "", secret},
		{"no password", "qemu+ssh://root@" + lax.addr + "/system?no_tty=1", sshHome(t, private, "", lax), "authentication failed", secret},
		{"session", "qemu+ssh://root@" + s.addr + "/session", sshHome(t, private, "", s), "", nil},
		{"netcat", "qemu+ssh://root@" + s.addr + "/system?proxy=netcat&netcat=/opt/nc", sshHome(t, private, "", s), "", nil},
		{"no forwarding", "qemu+ssh://root@" + stubborn.addr + "/system", sshHome(t, private, "", stubborn), "", nil},
		{"no way", "qemu+ssh://root@" + poor.addr + "/system", sshHome(t, private, "", poor), "nc: not found", nil},
		{"configuration", "qemu+ssh://web/system", sshHome(t, private, hostConfig("web", s.addr)+"  StrictHostKeyChecking accept-new\n"), "", nil},
		{"proxy command", "qemu+ssh://web/system", sshHome(t, private, "Host web\n  User root\n  StrictHostKeyChecking no\n  ProxyCommand "+relay(t)+" "+s.addr+"\n"), "", nil},
		{"proxy command fails", "qemu+ssh://web/system", sshHome(t, private, "Host web\n  ProxyCommand echo no way to %n %p >&2; false\n"), "no way to web 22", nil},
		{"proxy command is silent", "qemu+ssh://web/system", sshHome(t, private, "Host web\n  ProxyCommand false\n"), "closed the SSH connection", nil},
		{"strict, unknown", "qemu+ssh://web/system", sshHome(t, private, hostConfig("web", s.addr)+"  StrictHostKeyChecking yes\n"), "is not known: check it and add it to", yes},
		{"batch, unknown", "qemu+ssh://web/system", sshHome(t, private, hostConfig("web", s.addr)+"  BatchMode yes\n"), "is not known: check it and add it to", yes},
		{"accept-new, changed", "qemu+ssh://web/system", sshHome(t, private, hostConfig("web", s.addr)+"  StrictHostKeyChecking accept-new\n", impostor), "HOST KEY VERIFICATION FAILED", yes},
		{"no file of known hosts", "qemu+ssh://web/system", sshHome(t, private, hostConfig("web", s.addr)+"  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n", impostor), "", nil},
		{"circle", "qemu+ssh://web/system", sshHome(t, private, "Host *\n  ProxyJump web\n"), "leads in a circle", nil},
		{"no keys wanted", "qemu+ssh://root@" + s.addr + "/system", sshHome(t, private, "PubkeyAuthentication no\n", s), "authentication failed", nil},
		{"refused", "qemu+ssh://root@127.0.0.1:1/system", sshHome(t, private, ""), "unable to connect to server at '127.0.0.1:1': Connection refused", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := trySSH(t, c.uri, c.home, nil, c.ask)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	var commands []string
	for len(s.commands) > 0 {
		commands = append(commands, <-s.commands)
	}
	all := strings.Join(commands, "\n")
	if !strings.Contains(all, "virt-ssh-helper") || !strings.Contains(all, "/opt/nc") || !strings.Contains(all, "qemu:///session") {
		t.Errorf("commands: %s", all)
	}
}

// relay is a program that connects its input and output to an address: a shell
// function of bash.
func relay(t *testing.T) string {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash here")
	}
	name := filepath.Join(t.TempDir(), "relay")
	script := "#!/bin/bash\nexec 3<>/dev/tcp/${1/:/\\/}\ncat <&3 &\ncat >&3\n"
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// hostConfig says where a host's name is.
func hostConfig(name, addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	return "Host " + name + "\n  HostName " + host + "\n  Port " + port + "\n  User root\n"
}

// startAgent has an agent with a key listen; it gives the socket.
func startAgent(t *testing.T, key ed25519.PrivateKey) string {
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, conn)
		}
	}()
	return path
}

func TestSSHAgent(t *testing.T) {
	client, private := newKey(t)
	_, other := newKey(t)
	s := &sshServer{t: t, client: client.PublicKey()}
	s.start()
	path := startAgent(t, private)
	home, env := sshHome(t, other, "", s), map[string]string{"SSH_AUTH_SOCK": path}
	if err := trySSH(t, "qemu+ssh://root@"+s.addr+"/system", home, env, nil); err != nil {
		t.Error(err)
	}
	if err := trySSH(t, "qemu+ssh://root@"+s.addr+"/system?sshauth=privkey", home, env, nil); err == nil {
		t.Error("the agent was asked although sshauth leaves it out")
	}
}

func TestSSHJump(t *testing.T) {
	client, private := newKey(t)
	gate, last := &sshServer{t: t, client: client.PublicKey()}, &sshServer{t: t, client: client.PublicKey()}
	gate.start()
	last.start()
	home := sshHome(t, private, hostConfig("last", last.addr)+"  ProxyJump gate\n"+hostConfig("gate", gate.addr))
	known, err := os.OpenFile(filepath.Join(home, ".ssh", "known_hosts"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*sshServer{gate, last} {
		known.WriteString(knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, s.key.PublicKey()) + "\n")
	}
	known.Close()
	if err := trySSH(t, "qemu+ssh://last/system?socket="+url.QueryEscape("/s"), home, nil, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case host := <-gate.hops:
		if host != "127.0.0.1" {
			t.Errorf("the gate was asked for %s", host)
		}
	default:
		t.Error("the gate was not asked")
	}
}

// What goes into a command for the other side's shell is quoted.
func TestFarCommand(t *testing.T) {
	u, err := drivers.ParseURI("qemu+ssh://h/system?socket=" + url.QueryEscape("/tmp/a'; rm -rf / #") + "&netcat=" + url.QueryEscape("nc; x"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAddress(u, drivers.OpenOptions{Getenv: none})
	if err != nil {
		t.Fatal(err)
	}
	got := a.farCommand()
	inner := `s=` + shellWord("/tmp/a'; rm -rf / #") + `; exec 'nc; x' -U "$s"`
	if got != "sh -c "+shellWord(inner) {
		t.Errorf("%s", got)
	}
}
