package remote

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"virgo/xml"
)

// hostKeys are the keys that hosts are known by.
type hostKeys struct {
	check      ssh.HostKeyCallback
	algorithms []string // those that the host is known by; nil: any
}

// hostKeys reads the files of known keys. known_hosts_verify and no_verify say
// what becomes of a key that is not there; a key that is wrong is refused unless
// nothing is to be checked at all.
func (a *address) hostKeys(h hop) (hostKeys, error) {
	verify := a.param("known_hosts_verify")
	if a.flag("no_verify") || verify == "ignore" {
		return hostKeys{check: ssh.InsecureIgnoreHostKey()}, nil
	}
	files := h.settings.knownHosts
	if f := a.param("known_hosts"); f != "" {
		files = []string{f}
	}
	if files == nil {
		files = []string{filepath.Join(a.getenv("HOME"), ".ssh", "known_hosts"), filepath.Join(a.getenv("HOME"), ".ssh", "known_hosts2")}
	}
	first := files[0]
	files = slices.DeleteFunc(append(slices.Clone(files), "/etc/ssh/ssh_known_hosts"), func(f string) bool {
		_, err := os.Stat(f)
		return err != nil
	})
	known, err := knownhosts.New(files...)
	if err != nil {
		return hostKeys{}, xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: %v", err)
	}
	accept := verify == "auto" || verify == "" && (h.settings.strict == "no" || h.settings.strict == "accept-new" || h.settings.strict == "off")
	address := net.JoinHostPort(h.name, h.port)
	return hostKeys{
		algorithms: knownAlgorithms(known, address),
		check: func(host string, remote net.Addr, key ssh.PublicKey) error {
			return a.judge(known(host, remote, key), host, key, first, accept)
		},
	}, nil
}

// knownAlgorithms are those of the keys that a host is known by. A host that has
// several keys is asked for one of these.
func knownAlgorithms(known ssh.HostKeyCallback, address string) []string {
	probe, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	var e *knownhosts.KeyError
	if !errors.As(known(address, &net.TCPAddr{IP: net.IPv4zero}, probe), &e) {
		return nil
	}
	var out []string
	for _, k := range e.Want {
		kind := k.Key.Type()
		if kind == ssh.KeyAlgoRSA {
			out = append(out, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		}
		out = append(out, kind)
	}
	return out
}

// judge turns what the files say of a key into an error, or asks.
func (a *address) judge(err error, host string, key ssh.PublicKey, file string, accept bool) error {
	var e *knownhosts.KeyError
	if err == nil {
		return nil
	}
	if !errors.As(err, &e) {
		return xml.Errorf(xml.CodeAuthFailed, "host key of '%s': %v", host, err)
	}
	print := ssh.FingerprintSHA256(key)
	if len(e.Want) > 0 {
		return xml.Errorf(xml.CodeAuthFailed, "SSH HOST KEY VERIFICATION FAILED: the key of '%s' (%s %s) is not the one in %s:%d. Either the host has a new key, or somebody is in between",
			host, key.Type(), print, e.Want[0].Filename, e.Want[0].Line)
	}
	if !accept {
		answer := ""
		if a.ask != nil && !a.flag("no_tty") {
			answer, _ = a.ask(fmt.Sprintf("Accept SSH host key %s %s for %s? (yes/no) ", key.Type(), print, host), false)
		}
		if !strings.EqualFold(strings.TrimSpace(answer), "yes") && !strings.EqualFold(strings.TrimSpace(answer), "y") {
			return xml.Errorf(xml.CodeAuthFailed, "SSH host key of '%s' (%s %s) is not known: check it and add it to %s", host, key.Type(), print, file)
		}
	}
	return rememberKey(file, host, key)
}

// rememberKey adds a key to a file.
func rememberKey(file, host string, key ssh.PublicKey) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return xml.Bare(xml.CodeSystem, "cannot keep the key of '%s': %s: %s", host, file, systemText(err))
	}
	_, err = f.WriteString(knownhosts.Line([]string{knownhosts.Normalize(host)}, key) + "\n")
	return errors.Join(err, f.Close())
}

// sshMethods are the ways to prove who we are, in order: sshauth's, or all.
// closer ends the connection to the agent.
// trouble says why keys could not be had.
func (a *address) sshMethods(h hop) (methods []ssh.AuthMethod, trouble *error, closer func()) {
	closer, trouble = func() {}, new(error)
	ways := strings.Split(a.param("sshauth"), ",")
	if a.param("sshauth") == "" {
		ways = []string{"agent", "privkey", "password", "keyboard-interactive"}
	}
	var signers []func() ([]ssh.Signer, error)
	for _, w := range ways {
		switch w {
		case "agent":
			if path := a.getenv("SSH_AUTH_SOCK"); path != "" && !h.settings.onlyKeys && a.param("keyfile") == "" {
				if conn, err := net.Dial("unix", path); err == nil {
					closer = func() { conn.Close() }
					signers = append(signers, agent.NewClient(conn).Signers)
				}
			}
		case "privkey":
			signers = append(signers, func() ([]ssh.Signer, error) { return a.privateKeys(h) })
		}
	}
	if signers != nil {
		methods = append(methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			var list []ssh.Signer
			list, *trouble = allSigners(signers)
			return list, nil
		}))
	}
	if a.ask == nil || a.flag("no_tty") {
		return methods, trouble, closer
	}
	if slices.Contains(ways, "password") {
		methods = append(methods, ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
			return a.ask(fmt.Sprintf("%s@%s's password: ", h.user, h.name), true)
		}), 3))
	}
	if slices.Contains(ways, "keyboard-interactive") {
		methods = append(methods, ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			var answers []string
			for i, q := range questions {
				answer, err := a.ask(q, !echos[i])
				if err != nil {
					return nil, err
				}
				answers = append(answers, answer)
			}
			return answers, nil
		}))
	}
	return methods, trouble, closer
}

// allSigners gathers keys, each once. What cannot be had is passed over unless
// there is nothing else.
func allSigners(sources []func() ([]ssh.Signer, error)) ([]ssh.Signer, error) {
	var out []ssh.Signer
	var last error
	for _, f := range sources {
		list, err := f()
		if err != nil {
			last = err
		}
		for _, s := range list {
			if !slices.ContainsFunc(out, func(o ssh.Signer) bool { return bytes.Equal(o.PublicKey().Marshal(), s.PublicKey().Marshal()) }) {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		return nil, last
	}
	return out, nil
}

// privateKeys reads the files of keys: keyfile's, the configuration's, or the usual ones.
func (a *address) privateKeys(h hop) ([]ssh.Signer, error) {
	files := h.settings.keys
	named := a.param("keyfile") != ""
	if named {
		files = []string{a.param("keyfile")}
	}
	if files == nil {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			files = append(files, filepath.Join(a.getenv("HOME"), ".ssh", name))
		}
	}
	var out []ssh.Signer
	var last error
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			if named {
				last = fmt.Errorf("cannot read key file '%s': %s", f, systemText(err))
			}
			continue
		}
		key, err := a.parseKey(f, data)
		if err != nil {
			last = fmt.Errorf("key file '%s': %w", f, err)
			continue
		}
		out = append(out, key)
	}
	return out, last
}

func (a *address) parseKey(file string, data []byte) (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return key, err
	}
	if a.ask == nil || a.flag("no_tty") {
		return nil, errors.New("it has a passphrase, and there is nobody to ask for it: use the agent")
	}
	phrase, err := a.ask("Enter passphrase for key '"+file+"': ", true)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKeyWithPassphrase(data, []byte(phrase))
}
