package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// prover has the ways to prove who we are to a host.
type prover struct {
	*address
	hop
	agent   net.Conn // nil: none
	trouble error    // why a key could not be had
	silence error    // why a question was not answered
}

func (p *prover) close() {
	if p.agent != nil {
		p.agent.Close()
	}
}

// methods are the ways in order: sshauth's, or the configuration's, or all.
func (p *prover) methods() []ssh.AuthMethod {
	s := p.settings
	ways := []string{"agent", "privkey", "password", "keyboard-interactive"}
	if list := s.values["preferredauthentications"]; list != "" {
		ways = strings.Split(strings.Replace(list, "publickey", "agent,privkey", 1), ",")
	}
	ways = slices.DeleteFunc(ways, func(w string) bool {
		switch w {
		case "agent", "privkey":
			return s.is("pubkeyauthentication", "no")
		case "password":
			return s.is("passwordauthentication", "no")
		}
		return s.is("kbdinteractiveauthentication", "no") || s.is("challengeresponseauthentication", "no")
	})
	if list := p.param("sshauth"); list != "" {
		ways = strings.Split(list, ",")
	}
	var out []ssh.AuthMethod
	if useAgent, useFiles := slices.Contains(ways, "agent"), slices.Contains(ways, "privkey"); useAgent || useFiles {
		out = append(out, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return p.signers(useAgent, useFiles), nil }))
	}
	if !p.interactive() {
		return out
	}
	tries := max(s.number("numberofpasswordprompts", 3), 1)
	for _, w := range ways {
		switch w {
		case "password":
			out = append(out, ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
				return p.question(fmt.Sprintf("%s@%s's password: ", p.user, p.hop.name), true)
			}), tries))
		case "keyboard-interactive":
			out = append(out, ssh.RetryableAuthMethod(ssh.KeyboardInteractive(p.answer), tries))
		}
	}
	return out
}

// interactive tells whether somebody can be asked.
func (p *prover) interactive() bool {
	return p.ask != nil && !p.flag("no_tty") && !p.settings.is("batchmode", "yes")
}

// question asks the user.
func (p *prover) question(prompt string, secret bool) (string, error) {
	answer, err := p.ask(prompt, secret)
	if err != nil {
		p.silence = err
	}
	return answer, err
}

func (p *prover) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	var answers []string
	for i, q := range questions {
		answer, err := p.question(q, !echos[i])
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// signers are the keys, as ssh orders them: certificates, keys of the agent that
// files name, others of the agent, files.
func (p *prover) signers(useAgent, useFiles bool) []ssh.Signer {
	files := p.keyFiles()
	var held []ssh.Signer
	if useAgent && p.param("keyfile") == "" {
		held = p.agentSigners()
	}
	var out []ssh.Signer
	add := func(s ssh.Signer) {
		if !slices.ContainsFunc(out, func(o ssh.Signer) bool { return sameKey(o.PublicKey(), s.PublicKey()) }) {
			out = append(out, s)
		}
	}
	for _, s := range held {
		if slices.ContainsFunc(files, func(f *keyFile) bool { return f.public != nil && sameKey(f.public, s.PublicKey()) }) {
			add(s)
		}
	}
	if !p.settings.is("identitiesonly", "yes") {
		for _, s := range held {
			add(s)
		}
	}
	for _, f := range files {
		if !useFiles {
			break
		}
		if s := f.signer(); s != nil {
			add(s)
		}
	}
	return append(p.certified(out, files), out...)
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// certified are those of the keys that have a certificate.
func (p *prover) certified(keys []ssh.Signer, files []*keyFile) []ssh.Signer {
	names := p.settings.lists["certificatefile"]
	for _, f := range files {
		names = append(slices.Clone(names), f.name+"-cert.pub")
	}
	var out []ssh.Signer
	for _, name := range names {
		cert, ok := readPublic(name).(*ssh.Certificate)
		if !ok {
			continue
		}
		for _, k := range keys {
			if !sameKey(cert.Key, k.PublicKey()) {
				continue
			}
			if s, err := ssh.NewCertSigner(cert, k); err == nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// agentSigners are the keys of the agent.
func (p *prover) agentSigners() []ssh.Signer {
	path := p.getenv("SSH_AUTH_SOCK")
	switch name := p.settings.values["identityagent"]; {
	case strings.EqualFold(name, "none"):
		return nil
	case name == "" || name == "SSH_AUTH_SOCK":
	case strings.HasPrefix(name, "$") && !strings.HasPrefix(name, "${"):
		path = p.getenv(name[1:])
	default:
		path = p.settings.path(name)
	}
	if path == "" {
		return nil
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil
	}
	p.agent = conn
	list, err := agent.NewClient(conn).Signers()
	if err != nil {
		p.trouble = fmt.Errorf("agent: %w", err)
	}
	return list
}

// keyFile is a file with a private key.
type keyFile struct {
	*prover
	name   string
	named  bool          // the address names it: it has to be there
	public ssh.PublicKey // nil: not known yet
	data   []byte        // of the private key; nil: it cannot be read
	err    error
}

// keyFiles are the files of keys: keyfile's, the configuration's, or the usual ones.
func (p *prover) keyFiles() []*keyFile {
	names := p.settings.lists["identityfile"]
	if f := p.param("keyfile"); f != "" {
		names = []string{f}
	}
	if names == nil {
		for _, name := range []string{"id_rsa", "id_ecdsa", "id_ed25519"} {
			names = append(names, filepath.Join(p.settings.home, ".ssh", name))
		}
	}
	var out []*keyFile
	for _, name := range names {
		f := &keyFile{prover: p, name: name, named: p.param("keyfile") != ""}
		f.read()
		out = append(out, f)
	}
	return out
}

// readPublic reads a file with a public key, nil if there is none.
func readPublic(name string) ssh.PublicKey {
	data, err := readLimited(name)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return key
}

// readLimited reads a file that is no larger than keys are.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

func (f *keyFile) read() {
	f.data, f.err = readLimited(f.name)
	if f.public = readPublic(f.name); f.public != nil {
		f.data = nil // the public part alone, the agent has the other
		return
	}
	if f.public = readPublic(f.name + ".pub"); f.public != nil || f.err != nil {
		return
	}
	var locked *ssh.PassphraseMissingError
	if key, err := ssh.ParsePrivateKey(f.data); err == nil {
		f.public = key.PublicKey()
	} else if errors.As(err, &locked) {
		f.public = locked.PublicKey
	}
}

// signer is the key, nil if it cannot be had. One with a passphrase asks for it
// when the host has said that it takes the key.
func (f *keyFile) signer() ssh.Signer {
	if f.data == nil {
		if f.named && f.err != nil {
			f.trouble = fmt.Errorf("cannot read key file '%s': %s", f.name, systemText(f.err))
		}
		return nil
	}
	key, err := ssh.ParsePrivateKey(f.data)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return key
	case !errors.As(err, &locked):
	case !f.interactive():
		err = errors.New("it has a passphrase, and there is nobody to ask for it: use the agent")
	case f.public != nil:
		return &lockedKey{keyFile: f}
	default:
		if key, err = f.unlock(); err == nil {
			return key
		}
	}
	f.trouble = fmt.Errorf("key file '%s': %w", f.name, err)
	return nil
}

func (f *keyFile) unlock() (key ssh.Signer, err error) {
	for range max(f.settings.number("numberofpasswordprompts", 3), 1) {
		phrase, e := f.question("Enter passphrase for key '"+f.name+"': ", true)
		if e != nil {
			return nil, e
		}
		if phrase == "" {
			return nil, errors.New("no passphrase given")
		}
		if key, err = ssh.ParsePrivateKeyWithPassphrase(f.data, []byte(phrase)); err == nil {
			return key, nil
		}
	}
	return nil, err
}

// lockedKey is a key with a passphrase.
type lockedKey struct {
	*keyFile
	key ssh.Signer
}

// PublicKey is known without the passphrase.
func (k *lockedKey) PublicKey() ssh.PublicKey { return k.public }

// Sign asks for the passphrase first.
func (k *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm is Sign in one of the ways that the key has.
func (k *lockedKey) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if k.key == nil {
		key, err := k.unlock()
		if err != nil {
			k.trouble = fmt.Errorf("key file '%s': %w", k.name, err)
			return nil, err
		}
		k.key = key
	}
	if s, ok := k.key.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return s.SignWithAlgorithm(rand, data, algorithm)
	}
	return k.key.Sign(rand, data)
}
