package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"virgo/xml"
)

// patience is how long a daemon may take until it has let a client in.
const patience = 30 * time.Second

// dial opens the way to a daemon.
func (a *address) dial(ctx context.Context) (io.ReadWriteCloser, error) {
	switch a.transport {
	case "unix":
		return a.dialUnix(ctx)
	case "tcp":
		return a.dialTCP(ctx)
	case "tls":
		return a.dialTLS(ctx)
	case "ext":
		return dialCommand(a.extCommand())
	}
	if a.param("command") != "" {
		return dialCommand(a.sshCommand())
	}
	return a.dialSSH(ctx)
}

func (a *address) dialUnix(ctx context.Context) (io.ReadWriteCloser, error) {
	own := a.userDaemon() && a.param("socket") == ""
	list := a.sockets(a.localDir())
	path := list[len(list)-1]
	if len(list) > 1 { // the driver's own daemon, where it runs or can be started
		_, err := os.Stat(list[0])
		program := ""
		if err != nil && own {
			_, program = programOf(list[0])
		}
		if err == nil || program != "" {
			path = list[0]
		}
	}
	conn, err := a.dialPath(ctx, path)
	if err != nil && own {
		conn, err = a.startDaemon(ctx, path, err)
	}
	var known *xml.Error
	if err != nil && !errors.As(err, &known) {
		err = xml.Bare(xml.CodeSystem, "Failed to connect socket to '%s': %s", path, systemText(err))
	}
	return conn, err
}

// dialPath connects to a socket.
func (a *address) dialPath(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	if !a.among {
		s, err := dialSocket(ctx, path)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

func (a *address) dialTCP(ctx context.Context) (io.ReadWriteCloser, error) {
	conn, err := dialHost(ctx, a.host, a.port)
	if err != nil {
		return nil, err
	}
	if !a.among {
		if s, ok := ownSocket(conn); ok {
			return s, nil
		}
	}
	return conn, nil
}

// dialHost connects to a port of a host.
func dialHost(ctx context.Context, host, port string) (net.Conn, error) {
	return dialNetwork(ctx, "tcp", host, port)
}

// dialNetwork is dialHost by one family of addresses: tcp4, tcp6, or tcp for both.
func dialNetwork(ctx context.Context, network, host, port string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(host, port))
	var unknown *net.DNSError
	switch {
	case err == nil:
		return conn, nil
	case errors.As(err, &unknown):
		text := "Name or service not known"
		if unknown.IsTemporary || unknown.IsTimeout {
			text = "Temporary failure in name resolution"
		}
		return nil, xml.Bare(xml.CodeSystem, "Unable to resolve address '%s' service '%s': %s", host, port, text)
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		return nil, xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': Connection timed out", host, port)
	}
	return nil, xml.Bare(xml.CodeSystem, "unable to connect to server at '%s:%s': %s", host, port, systemText(err))
}
