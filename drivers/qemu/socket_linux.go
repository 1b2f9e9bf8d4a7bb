package qemu

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
)

// A socket's path may have 107 bytes, a root and a name may have more: sockets
// are reached through the folder's descriptor.
func viaDir(dir, name string, do func(path string) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return do(fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name))
}

func listenIn(dir, name string) (*net.UnixListener, error) {
	var l *net.UnixListener
	os.Remove(filepath.Join(dir, name)) // of a watcher that was killed
	err := viaDir(dir, name, func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", filepath.Join(dir, name), err)
	}
	l.SetUnlinkOnClose(false) // that path means another file by then
	return l, nil
}

// dialIn connects to a socket of a guest's run folder.
func dialIn(ctx context.Context, dir, name string) (net.Conn, error) {
	var c net.Conn
	err := viaDir(dir, name, func(path string) (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "unix", path)
		return err
	})
	return c, err
}

func dialQMP(ctx context.Context, dir, name string) (*qmp.Conn, error) {
	c, err := dialIn(ctx, dir, name)
	if err != nil {
		return nil, err
	}
	return qmp.New(ctx, c)
}

// dying tells whether a watcher that is still there was killed: it does not greet
// who comes, and ends. It is waited for, since two must not be there at once.
func dying(ctx context.Context, dir string, p drivers.Process) bool {
	wait, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := dialQMP(wait, dir, watchSock)
	if err == nil {
		conn.Close()
		return false
	}
	return p.Wait(wait) == nil
}
