package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"os/user"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"virgo/xml"
)

// sshConn is a daemon's socket at the other end of an SSH connection.
type sshConn struct {
	io.Reader
	io.Writer
	closers []io.Closer
	session *ssh.Session // nil: the socket is forwarded
	before  error        // why it is not
	errors  *tail
	once    sync.Once
}

// Read reads what the daemon sends. Where a program carries it over there, its
// own words are the error of its end.
func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == nil || n > 0 || c.session == nil {
		return n, err
	}
	c.session.Wait()
	text := c.errors.text()
	if c.before != nil {
		return 0, xml.Bare(xml.CodeSystem, "cannot open the daemon's socket: %v; nor by a command: %s", c.before, strings.TrimPrefix(text, "sh: 1: "))
	}
	if text != "" {
		return 0, xml.Bare(xml.CodeSystem, "Cannot recv data: %s: Connection reset by peer", text)
	}
	return 0, err
}

// Close ends the connection, and those that it goes through.
func (c *sshConn) Close() error {
	c.once.Do(func() {
		for i := len(c.closers) - 1; i >= 0; i-- {
			c.closers[i].Close()
		}
	})
	return nil
}

// systemSSHConfig is the configuration of all users.
const systemSSHConfig = "/etc/ssh/ssh_config"

// dialSSH opens an SSH connection, over as many hosts as the configuration says,
// and the daemon's socket through it.
func (a *address) dialSSH(ctx context.Context) (io.ReadWriteCloser, error) {
	c := &sshConn{errors: &tail{}}
	client, err := a.sshThrough(ctx, c)
	if err == nil {
		err = a.sshSocket(ctx, c, client)
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return c, nil
}

// hop is a host on the way.
type hop struct {
	name, host, port, user string // name: as it was written
	proxy                  string // the program whose input and output are the connection; "": none
	settings               *sshSettings
}

// maxHops is how many hosts may be on the way: a circle is no way.
const maxHops = 16

// hops lists the hosts on the way to one, which is the last. first tells that
// nobody else says how to get there.
func (a *address) hops(ctx context.Context, host, port, user string, first bool, depth int) ([]hop, error) {
	if depth > maxHops {
		return nil, xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: ProxyJump of host '%s' leads in a circle", a.host)
	}
	if err := harmless(host, user); err != nil {
		return nil, err
	}
	s, err := readSSHConfig(ctx, a.sshQuery(host, port, user))
	if err != nil {
		return nil, err
	}
	h := hop{name: host, host: s.values["hostname"], port: s.values["port"], user: s.values["user"], settings: s}
	jump := s.values["proxyjump"]
	if proxy := s.values["proxycommand"]; first && !strings.EqualFold(proxy, "none") {
		h.proxy = s.tokens(proxy)
	}
	if !first || jump == "" || strings.EqualFold(jump, "none") {
		return []hop{h}, nil
	}
	var list []hop
	for i, w := range strings.Split(jump, ",") {
		w = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(w), "ssh://"), "/")
		at := strings.LastIndex(w, "@")
		name, rest := w[:max(at, 0)], w[at+1:]
		to, port, err := net.SplitHostPort(rest)
		if err != nil {
			to, port = strings.Trim(rest, "[]"), ""
		}
		if to == "" {
			return nil, xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: ProxyJump '%s' of host '%s'", jump, host)
		}
		more, err := a.hops(ctx, to, port, name, i == 0, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return append(list, h), nil
}

// harmless refuses names of hosts and users that could be more than words to a
// shell, as ssh does: the configuration's programs get them in their lines.
func harmless(host, user string) error {
	if strings.HasPrefix(host, "-") || strings.ContainsAny(host, "'`\"$\\;&<>|(){}") ||
		strings.ContainsFunc(host, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		return xml.Errorf(xml.CodeInvalidArg, "hostname contains invalid characters: %q", host)
	}
	if strings.HasPrefix(user, "-") || strings.ContainsAny(user, "'`\";&<>|(){}") || strings.Contains(user, " -") ||
		strings.HasSuffix(user, "\\") || strings.ContainsFunc(user, unicode.IsControl) {
		return xml.Errorf(xml.CodeInvalidArg, "remote username contains invalid characters: %q", user)
	}
	return nil
}

func (a *address) sshQuery(host, port, name string) sshQuery {
	q := sshQuery{host: host, port: port, user: name, home: a.getenv("HOME"), getenv: a.getenv, system: systemSSHConfig}
	if u, err := user.Current(); err == nil {
		q.localUser = u.Username
	}
	q.run = func(ctx context.Context, line string) bool {
		cmd := exec.CommandContext(ctx, a.shell(), "-c", line)
		cmd.WaitDelay = time.Second
		return cmd.Run() == nil
	}
	q.resolves = func(ctx context.Context, host string) bool {
		list, err := net.DefaultResolver.LookupHost(ctx, host)
		return err == nil && len(list) > 0
	}
	return q
}

// shell is the user's shell, which runs the commands of ssh's configuration.
func (a *address) shell() string {
	if s := a.getenv("SHELL"); s != "" {
		return s
	}
	return "/bin/sh"
}

// sshThrough connects to one host after the other.
func (a *address) sshThrough(ctx context.Context, c *sshConn) (*ssh.Client, error) {
	hops, err := a.hops(ctx, a.host, a.port, a.uri.User, true, 0)
	if err != nil {
		return nil, err
	}
	var client *ssh.Client
	for _, h := range hops {
		conn, err := a.sshReach(ctx, client, h)
		if err != nil {
			return nil, err
		}
		c.closers = append(c.closers, conn)
		if client, err = a.sshClient(ctx, conn, h); err != nil {
			return nil, err
		}
		c.closers = append(c.closers, client)
		if every := h.settings.seconds("serveraliveinterval"); every > 0 {
			go sshAlive(client, every, h.settings.number("serveralivecountmax", 3))
		}
	}
	return client, nil
}

// sshReach connects to a host: through the one before, by a program, or directly.
func (a *address) sshReach(ctx context.Context, through *ssh.Client, h hop) (net.Conn, error) {
	if limit := h.settings.seconds("connecttimeout"); limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	switch {
	case through != nil:
		conn, err := through.DialContext(ctx, "tcp", net.JoinHostPort(h.host, h.port))
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': Connection timed out", h.host, h.port)
		}
		if err != nil {
			return nil, xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': %v", h.host, h.port, err)
		}
		return conn, nil
	case h.proxy != "":
		conn, err := dialCommand([]string{a.shell(), "-c", "exec " + h.proxy})
		if err != nil {
			return nil, err
		}
		return pipeConn{conn}, nil
	}
	network := "tcp"
	if h.settings.is("addressfamily", "inet") {
		network = "tcp4"
	} else if h.settings.is("addressfamily", "inet6") {
		network = "tcp6"
	}
	return dialNetwork(ctx, network, h.host, h.port)
}

// pipeConn is a program's input and output as a connection.
type pipeConn struct{ io.ReadWriteCloser }

func (pipeConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (pipeConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (pipeConn) SetDeadline(time.Time) error      { return nil }
func (pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (pipeConn) SetWriteDeadline(time.Time) error { return nil }

// sshAlive asks a server for a sign now and then, and ends the connection after
// some without one.
func sshAlive(client *ssh.Client, every time.Duration, count int) {
	ended := make(chan struct{})
	go func() {
		client.Wait()
		close(ended)
	}()
	signs := make(chan struct{}, 1)
	for missing := 0; missing < max(count, 1); missing++ {
		go func() {
			if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
				select {
				case signs <- struct{}{}:
				default:
				}
			}
		}()
		select {
		case <-ended:
			return
		case <-time.After(every):
		}
		select {
		case <-signs:
			missing = -1
		default:
		}
	}
	client.Close()
}

// sshClient proves who both sides are.
func (a *address) sshClient(ctx context.Context, conn net.Conn, h hop) (*ssh.Client, error) {
	keys := a.hostKeys(h)
	me := &prover{address: a, hop: h}
	defer me.close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	greeted, slow := sshLimit(conn, h)
	defer greeted()
	var refused error
	config := &ssh.ClientConfig{User: h.user, Auth: me.methods(), HostKeyAlgorithms: keys.algorithms(),
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			greeted()
			refused = keys.check(host, remote, key)
			return refused
		}}
	inner, channels, requests, err := ssh.NewClientConn(conn, net.JoinHostPort(h.host, h.port), config)
	var told *xml.Error
	switch {
	case err == nil:
		return ssh.NewClient(inner, channels, requests), nil
	case refused != nil:
		return nil, refused
	case me.silence != nil:
		return nil, xml.Errorf(xml.CodeAuthFailed, "%s@%s: %v", h.user, h.name, me.silence)
	case slow.Load():
		return nil, xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': Connection timed out", h.host, h.port)
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "(expected 60)"): // questions refused
		text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ssh: ")
		if strings.Contains(text, "(expected 60)") {
			text = "no key or password was accepted"
		}
		if me.trouble != nil {
			text += "; " + me.trouble.Error()
		}
		return nil, xml.Errorf(xml.CodeAuthFailed, "%s@%s: %s", h.user, h.name, text)
	case errors.As(err, &told): // a program's words
		return nil, told
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE): // the pipe's to a program that has ended
		return nil, xml.Bare(xml.CodeSystem, "Cannot recv data: '%s:%s' closed the SSH connection", h.host, h.port)
	}
	return nil, xml.Bare(xml.CodeSystem, "Cannot recv data: %s", strings.TrimPrefix(err.Error(), "ssh: "))
}

// sshLimit ends a connection whose server has not shown its key within
// ConnectTimeout; slow tells that this has happened.
func sshLimit(conn net.Conn, h hop) (greeted func(), slow *atomic.Bool) {
	slow = &atomic.Bool{}
	limit := h.settings.seconds("connecttimeout")
	if limit == 0 {
		return func() {}, slow
	}
	t := time.AfterFunc(limit, func() {
		slow.Store(true)
		conn.Close()
	})
	return func() { t.Stop() }, slow
}

// sshSocket opens the daemon's socket: forwarded where its path is known, else
// by a program over there that finds it.
func (a *address) sshSocket(ctx context.Context, c *sshConn, client *ssh.Client) error {
	program := a.param("proxy") == "netcat" || a.param("proxy") == "native" || a.param("netcat") != "" || a.session() && a.param("socket") == ""
	var forwarding error
	if !program {
		for _, path := range a.sockets(systemSockets) {
			conn, err := client.DialContext(ctx, "unix", path)
			if err == nil {
				c.Reader, c.Writer = conn, conn
				c.closers = append(c.closers, conn)
				return nil
			}
			forwarding = fmt.Errorf("%s: %s", path, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: "), "rejected: "))
		}
	}
	c.before = forwarding
	session, err := client.NewSession()
	if err == nil {
		err = a.startFar(c, session)
	}
	if err != nil && forwarding != nil {
		return xml.Bare(xml.CodeSystem, "cannot open the daemon's socket on '%s': %v; %v", a.host, forwarding, err)
	}
	if err != nil {
		return xml.Bare(xml.CodeSystem, "cannot run a command on '%s': %v", a.host, err)
	}
	return nil
}

func (a *address) startFar(c *sshConn, session *ssh.Session) error {
	in, err := session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	session.Stderr = c.errors
	c.Reader, c.Writer, c.session = out, in, session
	c.closers = append(c.closers, session)
	if err := session.Start(a.farCommand()); err != nil {
		return fmt.Errorf("starting the helper: %w", err)
	}
	return nil
}
