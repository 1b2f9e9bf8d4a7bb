package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a real OpenSSH server on loopback, with a home folder for its client.
type sshd struct {
	t             *testing.T
	port          string
	home          string
	host          ssh.Signer
	hostAuthority ssh.Signer
	userAuthority ssh.Signer
	client        ed25519.PrivateKey
	user          string
}

func startSSHD(t *testing.T) *sshd {
	program, err := exec.LookPath("sshd")
	if err != nil {
		if program = "/usr/sbin/sshd"; !exists(program) {
			t.Skip("no sshd here")
		}
	}
	if os.Geteuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, home: configHome(t, map[string]string{"config": ""}), user: me.Username}
	var hostKey ed25519.PrivateKey
	var public ssh.Signer
	s.host, hostKey = newKey(t)
	s.hostAuthority, _ = newKey(t)
	s.userAuthority, _ = newKey(t)
	public, s.client = newKey(t)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	block, err := ssh.MarshalPrivateKey(hostKey, "")
	if err != nil {
		t.Fatal(err)
	}
	cert := s.certificate(s.host.PublicKey(), s.hostAuthority, ssh.HostCert, "127.0.0.1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	config := write("config", fmt.Appendf(nil, "ListenAddress 127.0.0.1:%s\nHostKey %s\nHostCertificate %s\nAuthorizedKeysFile %s\nTrustedUserCAKeys %s\nPidFile none\nStrictModes no\n"+
		"PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n", s.port, write("host", pem.EncodeToMemory(block)),
		write("host-cert.pub", ssh.MarshalAuthorizedKey(cert)), write("authorized", ssh.MarshalAuthorizedKey(public.PublicKey())),
		write("authority", ssh.MarshalAuthorizedKey(s.userAuthority.PublicKey()))))
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	var log tail
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s", log.text())
		}
	})
	for range 200 {
		select {
		case <-ended:
			t.Skipf("sshd does not run here: %s", log.text())
		default:
		}
		if conn, err := net.Dial("tcp", "127.0.0.1:"+s.port); err == nil {
			conn.Close()
			return s
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Skip("sshd does not answer")
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (s *sshd) certificate(key ssh.PublicKey, authority ssh.Signer, kind uint32, name string) *ssh.Certificate {
	c := &ssh.Certificate{Key: key, CertType: kind, KeyId: name, ValidPrincipals: []string{name}, ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()),
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	if kind == ssh.UserCert {
		c.Extensions = map[string]string{"permit-port-forwarding": ""}
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// write writes a file of the client's .ssh.
func (s *sshd) write(name, text string) {
	if err := os.WriteFile(filepath.Join(s.home, ".ssh", name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// key writes a private key, with a passphrase or "".
func (s *sshd) key(name, phrase string, key ed25519.PrivateKey) {
	block, err := ssh.MarshalPrivateKey(key, "")
	if phrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(phrase))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(pem.EncodeToMemory(block)))
}

func TestSSHD(t *testing.T) {
	s := startSSHD(t)
	socket := newFake(t, nil).listen()
	_, stranger := newKey(t)
	strangerSigner, err := ssh.NewSignerFromKey(stranger)
	if err != nil {
		t.Fatal(err)
	}
	keyring := startAgent(t, s.client)
	pub, err := ssh.NewPublicKey(s.client.Public())
	if err != nil {
		t.Fatal(err)
	}
	known := func(key ssh.PublicKey, marker string) string {
		return fmt.Sprintf("%s[127.0.0.1]:%s %s", marker, s.port, ssh.MarshalAuthorizedKey(key))
	}
	good := known(s.host.PublicKey(), "")
	cert := string(ssh.MarshalAuthorizedKey(s.certificate(strangerSigner.PublicKey(), s.userAuthority, ssh.UserCert, s.user)))
	asked := 0
	phrase := func(p string, secret bool) (string, error) {
		asked++
		if secret && strings.Contains(p, "passphrase") {
			return "open sesame", nil
		}
		return "", errors.New("what?")
	}
	web := fmt.Sprintf("Host web\n  HostName 127.0.0.1\n  Port %s\n", s.port)
	for _, c := range []struct {
		name   string
		config string
		known  string
		files  func()
		ask    func(string, bool) (string, error)
		want   string
		asked  int
	}{
		{"key", web, good, func() { s.key("id_ed25519", "", s.client) }, nil, "", 0},
		{"passphrase", web, good, func() { s.key("id_ed25519", "open sesame", s.client) }, phrase, "", 1},
		{"passphrase of a key that is not taken", web, good, func() { s.key("id_ed25519", "open sesame", stranger) }, phrase, "authentication failed", 0},
		{"passphrase, nobody to ask", web, good, func() { s.key("id_ed25519", "open sesame", s.client) }, nil, "it has a passphrase, and there is nobody to ask", 0},
		{"agent before a locked key", web + "  IdentityAgent " + keyring + "\n", good, func() { s.key("id_ed25519", "open sesame", s.client) }, phrase, "", 0},
		{"agent, only named keys", web + "  IdentityAgent " + keyring + "\n  IdentitiesOnly yes\n  IdentityFile ~/.ssh/mine\n", good,
			func() { s.write("mine.pub", string(ssh.MarshalAuthorizedKey(pub))) }, nil, "", 0},
		{"agent, only other keys", web + "  IdentityAgent " + keyring + "\n  IdentitiesOnly yes\n", good, func() {}, nil, "authentication failed", 0},
		{"user's certificate", web + "  IdentityFile ~/.ssh/k\n  CertificateFile ~/.ssh/c.pub\n", good, func() { s.key("k", "", stranger); s.write("c.pub", cert) }, nil, "", 0},
		{"user's certificate beside the key", web + "  IdentityFile ~/.ssh/k\n", good, func() { s.key("k", "", stranger); s.write("k-cert.pub", cert) }, nil, "", 0},
		{"host's certificate", web, known(s.hostAuthority.PublicKey(), "@cert-authority "), func() { s.key("id_ed25519", "", s.client) }, nil, "", 0},
		{"host's certificate, another authority", web, known(strangerSigner.PublicKey(), "@cert-authority "), func() { s.key("id_ed25519", "", s.client) }, nil, "is not known", 0},
		{"wrong host key", web, known(strangerSigner.PublicKey(), ""), func() { s.key("id_ed25519", "", s.client) }, nil, "VERIFICATION FAILED", 0},
		{"jump", web + "Host far\n  HostName 127.0.0.1\n  ProxyJump web\n  Port " + s.port + "\n", good, func() { s.key("id_ed25519", "", s.client) }, nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			os.RemoveAll(filepath.Join(s.home, ".ssh"))
			os.Mkdir(filepath.Join(s.home, ".ssh"), 0o700)
			s.write("config", c.config)
			s.write("known_hosts", c.known)
			c.files()
			asked = 0
			host := "web"
			if strings.Contains(c.config, "Host far") {
				host = "far"
			}
			start := time.Now()
			err := trySSH(t, "qemu+ssh://"+host+"/system?socket="+url.QueryEscape(socket), s.home, nil, c.ask)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if asked != c.asked || time.Since(start) > 25*time.Second { // a busy machine opens a locked key slowly
				t.Errorf("asked %d times, want %d; %v", asked, c.asked, time.Since(start))
			}
		})
	}
}

// A server that accepts and says nothing, one that greets and says nothing.
func TestSSHSilent(t *testing.T) {
	for _, greeting := range []string{"", "SSH-2.0-silent\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Write([]byte(greeting))
			}
		}()
		home := configHome(t, map[string]string{"config": hostConfig("web", l.Addr().String()) + "  ConnectTimeout 1\n"})
		start := time.Now()
		err = trySSH(t, "qemu+ssh://web/system", home, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "Connection timed out") || time.Since(start) > 5*time.Second {
			t.Errorf("%q: %v after %v", greeting, err, time.Since(start))
		}
	}
}
