package remote

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"virgo/xml"
)

// knownKey is a key of a file of hosts' keys.
type knownKey struct {
	key       ssh.PublicKey
	file      string
	line      int
	authority bool // it signs hosts' certificates
	revoked   bool
	portless  bool // it is that of the host's name, which says nothing of the port
}

// readKnown reads the keys that stand in files for a name, or for another without a
// port. Lines that cannot be read are passed over, as ssh does.
func readKnown(files []string, name, portless string) []knownKey {
	var out []knownKey
	for _, f := range files {
		file, err := os.Open(f)
		if err != nil {
			continue
		}
		s := bufio.NewScanner(io.LimitReader(file, 64<<20))
		s.Buffer(nil, 1<<20)
		for n := 1; s.Scan(); n++ {
			line := bytes.TrimSpace(s.Bytes())
			if len(line) == 0 || line[0] == '#' {
				continue
			}
			fields := strings.Fields(string(line[:min(len(line), 4096)]))
			patterns := fields[0]
			if patterns[0] == '@' && len(fields) > 1 {
				patterns = fields[1]
			}
			exact := knows(patterns, name)
			if !exact && !knows(patterns, portless) {
				continue
			}
			marker, _, key, _, _, err := ssh.ParseKnownHosts(append(line, '\n'))
			if err != nil || marker != "" && marker != "cert-authority" && marker != "revoked" {
				continue
			}
			out = append(out, knownKey{key, f, n, marker == "cert-authority", marker == "revoked", !exact})
		}
		file.Close()
	}
	return out
}

// knows tells whether the first field of a line is for a name: patterns with
// commas, or the hash of one name.
func knows(patterns, name string) bool {
	if rest, ok := strings.CutPrefix(patterns, "|1|"); ok {
		salt, hash, _ := strings.Cut(rest, "|")
		s, err1 := base64.StdEncoding.DecodeString(salt)
		h, err2 := base64.StdEncoding.DecodeString(hash)
		if err1 != nil || err2 != nil {
			return false
		}
		mac := hmac.New(sha1.New, s)
		mac.Write([]byte(name))
		return hmac.Equal(mac.Sum(nil), h)
	}
	return matchesHost(strings.Split(patterns, ","), name)
}

// hostKeys are the keys that a host is known by.
type hostKeys struct {
	name   string // in the files
	host   string // in certificates
	known  []knownKey
	file   string // that takes new ones
	hash   bool
	any    bool // nothing is checked
	accept bool // a key that is not known is taken
	never  bool // nobody is asked about it
	ask    func(string) string
}

// hostKeys reads the files of known keys. known_hosts_verify and no_verify say
// what becomes of a key that is not there; a key that is wrong is refused unless
// nothing is to be checked at all.
func (a *address) hostKeys(h hop) *hostKeys {
	s := h.settings
	k := &hostKeys{host: h.host, name: knownhosts.Normalize(net.JoinHostPort(strings.ToLower(h.host), h.port)), hash: s.is("hashknownhosts", "yes")}
	if alias := s.values["hostkeyalias"]; alias != "" {
		k.host, k.name = alias, alias
	}
	verify := a.param("known_hosts_verify")
	k.any = a.flag("no_verify") || verify == "ignore"
	k.accept = verify == "auto" || verify == "" && s.is("stricthostkeychecking", "no", "off", "accept-new")
	k.never = verify == "" && s.is("stricthostkeychecking", "yes") || s.is("batchmode", "yes")
	files := s.lists["userknownhostsfile"]
	if f := a.param("known_hosts"); f != "" {
		files = []string{f}
	}
	if files == nil {
		files = []string{filepath.Join(s.home, ".ssh", "known_hosts"), filepath.Join(s.home, ".ssh", "known_hosts2")}
	}
	if files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return strings.EqualFold(f, "none") }); len(files) > 0 {
		k.file = files[0]
	}
	global := s.lists["globalknownhostsfile"]
	if global == nil {
		dir := filepath.Dir(systemSSHConfig)
		global = []string{filepath.Join(dir, "ssh_known_hosts"), filepath.Join(dir, "ssh_known_hosts2")}
	}
	k.known = readKnown(append(files, global...), k.name, strings.ToLower(k.host))
	if a.ask != nil && !a.flag("no_tty") {
		k.ask = func(prompt string) string {
			answer, _ := a.ask(prompt, false)
			return strings.ToLower(strings.TrimSpace(answer))
		}
	}
	return k
}

// algorithms are those of the keys that the host is known by, before all others:
// a host that has several keys is asked for one of these.
func (k *hostKeys) algorithms() []string {
	usual := ssh.SupportedAlgorithms().HostKeys
	var first []string
	for _, x := range k.known {
		kind := x.key.Type()
		for _, name := range usual {
			certificate := strings.Contains(name, "-cert-")
			switch {
			case x.revoked || slices.Contains(first, name):
			case x.authority && certificate, kind == name && !x.authority, kind == ssh.KeyAlgoRSA && !x.authority && (name == ssh.KeyAlgoRSASHA256 || name == ssh.KeyAlgoRSASHA512):
				first = append(first, name)
			}
		}
	}
	if len(first) == 0 {
		return nil
	}
	return append(first, slices.DeleteFunc(usual, func(n string) bool { return slices.Contains(first, n) })...)
}

// check judges a host's key.
func (k *hostKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	if k.any {
		return nil
	}
	same := func(x knownKey, key ssh.PublicKey) bool { return bytes.Equal(x.key.Marshal(), key.Marshal()) }
	cert, certified := key.(*ssh.Certificate)
	for _, x := range k.known {
		if x.revoked && (same(x, key) || certified && same(x, cert.Key)) {
			return xml.Errorf(xml.CodeAuthFailed, "the SSH host key of '%s' is revoked in %s:%d", k.name, x.file, x.line)
		}
	}
	if certified {
		c := ssh.CertChecker{
			IsHostAuthority: func(key ssh.PublicKey, _ string) bool {
				return slices.ContainsFunc(k.known, func(x knownKey) bool { return x.authority && same(x, key) })
			},
			IsRevoked: func(c *ssh.Certificate) bool {
				return slices.ContainsFunc(k.known, func(x knownKey) bool { return x.revoked && (same(x, c.Key) || same(x, c.SignatureKey)) })
			},
		}
		if c.IsHostAuthority(cert.SignatureKey, "") {
			if err := c.CheckHostKey(net.JoinHostPort(k.host, "22"), remote, key); err != nil {
				return xml.Errorf(xml.CodeAuthFailed, "SSH host certificate of '%s': %s", k.name, strings.TrimPrefix(err.Error(), "ssh: "))
			}
			return nil
		}
		key = cert.Key // nobody we know has signed it: its key may be known
	}
	var other *knownKey
	for i, x := range k.known {
		switch {
		case x.revoked || x.authority:
		case same(x, key):
			return nil
		case x.portless:
		case other == nil || x.key.Type() == key.Type():
			other = &k.known[i]
		}
	}
	print := ssh.FingerprintSHA256(key)
	if other != nil {
		return xml.Errorf(xml.CodeAuthFailed, "SSH HOST KEY VERIFICATION FAILED: the key of '%s' (%s %s) is not the one in %s:%d. Either the host has a new key, or somebody is in between",
			k.name, key.Type(), print, other.file, other.line)
	}
	if !k.accept {
		answer := ""
		if k.ask != nil && !k.never {
			answer = k.ask(fmt.Sprintf("Accept SSH host key %s %s for %s? (yes/no) ", key.Type(), print, k.name))
		}
		if answer != "yes" && answer != "y" {
			return xml.Errorf(xml.CodeAuthFailed, "SSH host key of '%s' (%s %s) is not known: check it and add it to %s, or say known_hosts_verify=auto, which takes and keeps it", k.name, key.Type(), print, k.file)
		}
	}
	return k.remember(key)
}

// remember adds a key to the file.
func (k *hostKeys) remember(key ssh.PublicKey) error {
	if k.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(k.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(k.file, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return xml.Bare(xml.CodeSystem, "cannot keep the key of '%s': %s: %s", k.name, k.file, systemText(err))
	}
	name := k.name
	if k.hash {
		name = knownhosts.HashHostname(name)
	}
	line := knownhosts.Line([]string{name}, key) + "\n"
	last := []byte{0}
	if size, e := f.Seek(0, io.SeekEnd); e == nil && size > 0 {
		if _, e := f.ReadAt(last, size-1); e == nil && last[0] != '\n' {
			line = "\n" + line // the last line has no end
		}
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}
