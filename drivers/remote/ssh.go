package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/user"
	"strings"
	"sync"

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
	s := readSSHConfig(a.host, a.getenv("HOME"), systemSSHConfig)
	if s.proxyCommand != "" && !strings.EqualFold(s.proxyCommand, "none") && s.jump == "" {
		return nil, xml.Bare(xml.CodeConfigUnsupported, "unsupported configuration: ProxyCommand of host '%s' in ssh's configuration: use ProxyJump, or ?command=ssh", a.host)
	}
	client, err := a.sshThrough(ctx, c, s)
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
	name, host, port, user string
	settings               sshSettings
}

// hops lists the hosts on the way, the last one is the daemon's.
func (a *address) hops(s sshSettings) ([]hop, error) {
	var list []hop
	if s.jump != "" && !strings.EqualFold(s.jump, "none") {
		for _, w := range strings.Split(s.jump, ",") {
			w = strings.TrimPrefix(strings.TrimSpace(w), "ssh://")
			name, rest, found := strings.Cut(w, "@")
			if !found {
				name, rest = "", w
			}
			host, port, err := net.SplitHostPort(rest)
			if err != nil {
				host, port = strings.Trim(rest, "[]"), ""
			}
			if host == "" {
				return nil, xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: ProxyJump '%s' of host '%s'", s.jump, a.host)
			}
			list = append(list, makeHop(host, name, port, readSSHConfig(host, a.getenv("HOME"), systemSSHConfig)))
		}
	}
	return append(list, makeHop(a.host, a.uri.User, a.port, s)), nil
}

func makeHop(host, name, port string, s sshSettings) hop {
	h := hop{name: host, host: s.host, port: port, user: name, settings: s}
	if h.port == "" {
		h.port = s.port
	}
	if h.port == "" {
		h.port = "22"
	}
	if h.user == "" {
		h.user = s.user
	}
	if h.user == "" {
		if u, err := user.Current(); err == nil {
			h.user = u.Username
		}
	}
	return h
}

// sshThrough connects to one host after the other.
func (a *address) sshThrough(ctx context.Context, c *sshConn, s sshSettings) (*ssh.Client, error) {
	hops, err := a.hops(s)
	if err != nil {
		return nil, err
	}
	var client *ssh.Client
	for _, h := range hops {
		var conn net.Conn
		if client == nil {
			conn, err = dialHost(ctx, h.host, h.port)
		} else {
			conn, err = client.DialContext(ctx, "tcp", net.JoinHostPort(h.host, h.port))
			if err != nil {
				err = xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': %v", h.host, h.port, err)
			}
		}
		if err != nil {
			return nil, err
		}
		c.closers = append(c.closers, conn)
		if client, err = a.sshClient(ctx, conn, h); err != nil {
			return nil, err
		}
		c.closers = append(c.closers, client)
	}
	return client, nil
}

// sshClient proves who both sides are.
func (a *address) sshClient(ctx context.Context, conn net.Conn, h hop) (*ssh.Client, error) {
	keys, err := a.hostKeys(h)
	if err != nil {
		return nil, err
	}
	methods, trouble, closer := a.sshMethods(h)
	defer closer()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var refused error
	config := &ssh.ClientConfig{User: h.user, Auth: methods, HostKeyAlgorithms: keys.algorithms,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			refused = keys.check(host, remote, key)
			return refused
		}}
	inner, channels, requests, err := ssh.NewClientConn(conn, net.JoinHostPort(h.name, h.port), config)
	switch {
	case err == nil:
		return ssh.NewClient(inner, channels, requests), nil
	case refused != nil:
		return nil, refused
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "(expected 60)"): // questions refused
		text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ssh: ")
		if strings.Contains(text, "(expected 60)") {
			text = "no key or password was accepted"
		}
		if *trouble != nil {
			text += "; " + (*trouble).Error()
		}
		return nil, xml.Errorf(xml.CodeAuthFailed, "%s@%s: %s", h.user, h.name, text)
	case errors.Is(err, io.EOF):
		return nil, xml.Bare(xml.CodeSystem, "Cannot recv data: '%s:%s' closed the SSH connection", h.host, h.port)
	}
	return nil, xml.Bare(xml.CodeSystem, "Cannot recv data: %s", strings.TrimPrefix(err.Error(), "ssh: "))
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
