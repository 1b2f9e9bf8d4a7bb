package remote

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"virgo/xml"
)

// daemonPrograms is where daemons' programs are installed.
const daemonPrograms = "/usr/sbin"

// daemonTimeout is the option with which a user's daemon ends when nobody has used
// it for so many seconds, as the peer starts it.
const daemonTimeout = "--timeout=120"

// startUp is how long a daemon may take until it listens.
const startUp = 15 * time.Second

// userDaemon tells whether the address means a daemon of the user's own, which is
// started where it does not run.
func (a *address) userDaemon() bool {
	return os.Geteuid() > 0 && (a.uri.Path == "/session" || a.uri.Driver == "test")
}

// programOf is the daemon's program whose socket a path is, "" if there is none.
func programOf(socket string) (program, found string) {
	program = strings.TrimSuffix(filepath.Base(socket), "-sock")
	if program == "libvirt" {
		program = "libvirtd"
	}
	for _, dir := range []string{daemonPrograms, "/usr/local/sbin", "/usr/bin"} {
		name := filepath.Join(dir, program)
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return program, name
		}
	}
	if name, err := exec.LookPath(program); err == nil {
		return program, name
	}
	return program, ""
}

// startDaemon starts the user's daemon that listens at a path, and connects.
// before is why it could not be connected to.
func (a *address) startDaemon(ctx context.Context, path string, before error) (io.ReadWriteCloser, error) {
	if !errors.Is(before, syscall.ENOENT) && !errors.Is(before, syscall.ECONNREFUSED) || a.getenv("LIBVIRT_AUTOSTART") == "0" {
		return nil, before
	}
	program, name := programOf(path)
	if name == "" {
		return nil, xml.Bare(xml.CodeSystem, "binary '%s' does not exist in $PATH: No such file or directory", filepath.Join(daemonPrograms, program))
	}
	until := time.Now().Add(startUp)
	for {
		ended, err := a.spawn(name)
		if err != nil {
			return nil, xml.Bare(xml.CodeSystem, "cannot execute binary %s: %s", name, systemText(err))
		}
		conn, err := a.awaitDaemon(ctx, path, ended, until)
		if err == nil || ctx.Err() != nil || time.Now().After(until) {
			return conn, err
		}
		select { // one that is about to end still holds the lock
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// spawn starts a daemon that goes on when this process ends; ended is closed if it
// ends before.
func (a *address) spawn(name string) (ended chan struct{}, err error) {
	cmd := exec.Command(name, daemonTimeout)
	cmd.Dir, cmd.Env = "/", []string{"LC_ALL=C"}
	for _, v := range []string{"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"} {
		if value := a.getenv(v); value != "" {
			cmd.Env = append(cmd.Env, v+"="+value)
		}
	}
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended = make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	return ended, nil
}

// awaitDaemon connects as soon as a daemon listens.
func (a *address) awaitDaemon(ctx context.Context, path string, ended chan struct{}, until time.Time) (io.ReadWriteCloser, error) {
	for over := false; ; {
		conn, err := a.dialPath(ctx, path)
		if err == nil || over || time.Now().After(until) || ctx.Err() != nil {
			return conn, err
		}
		select {
		case <-ctx.Done():
		case <-ended:
			over = true // another one may have been faster
		case <-time.After(10 * time.Millisecond):
		}
	}
}
