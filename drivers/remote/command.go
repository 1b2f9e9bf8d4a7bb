package remote

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"virgo/xml"
)

// commandConn is a program whose input and output are the connection, as with
// ?command=ssh.
type commandConn struct {
	io.Reader
	io.WriteCloser
	cmd    *exec.Cmd
	errors *tail
	once   sync.Once
}

// tail keeps the last bytes of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 4096 {
		t.buf = t.buf[len(t.buf)-4096:]
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimRight(strings.ReplaceAll(string(bytes.TrimSpace(t.buf)), "\r\n", "\n"), "\n")
}

// dialCommand starts a program.
func dialCommand(args []string) (io.ReadWriteCloser, error) {
	c := &commandConn{cmd: exec.Command(args[0], args[1:]...), errors: &tail{}}
	c.cmd.Stderr = c.errors
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.Reader, c.WriteCloser = out, in
	if err := c.cmd.Start(); err != nil {
		return nil, xml.Bare(xml.CodeSystem, "Cannot find '%s' in path: %s", args[0], systemText(err))
	}
	return c, nil
}

// Read reads what the program prints. Its own words are the error of its end.
func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && n == 0 {
		c.wait()
		err = c.words(err)
	}
	return n, err
}

// Write writes what the program reads. One that has gone tells why, as in Read.
func (c *commandConn) Write(p []byte) (int, error) {
	n, err := c.WriteCloser.Write(p)
	if err == nil {
		return n, nil
	}
	ended := make(chan struct{})
	go func() {
		c.wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
	return n, c.words(io.EOF)
}

// words is the error of the program's end, in its own words if there are any.
func (c *commandConn) words(err error) error {
	if text := c.errors.text(); text != "" {
		return xml.Bare(xml.CodeSystem, "Cannot recv data: %s: Connection reset by peer", text)
	}
	return err
}

// Close ends the program.
func (c *commandConn) Close() error {
	c.WriteCloser.Close()
	c.cmd.Process.Kill()
	go c.wait()
	return nil
}

func (c *commandConn) wait() { c.once.Do(func() { c.cmd.Wait() }) }

// extCommand is the program of the ext transport.
func (a *address) extCommand() []string { return []string{a.param("command")} }

// sshCommand is the ssh program with what it is to run on the other side.
func (a *address) sshCommand() []string {
	args := []string{a.param("command")}
	if a.port != "" {
		args = append(args, "-p", a.port)
	}
	if a.uri.User != "" {
		args = append(args, "-l", a.uri.User)
	}
	if k := a.param("keyfile"); k != "" {
		args = append(args, "-i", k)
	}
	if a.flag("no_tty") {
		args = append(args, "-T", "-e", "none", "-o", "BatchMode=yes")
	} else {
		args = append(args, "-T", "-e", "none")
	}
	if a.flag("no_verify") {
		args = append(args, "-o", "StrictHostKeyChecking=no")
	}
	return append(args, "--", a.host, a.farCommand())
}

// farCommand is what runs on the daemon's machine: libvirt's helper, which knows
// the sockets there, or netcat. It is a line for a shell.
func (a *address) farCommand() string {
	netcat := a.param("netcat")
	if netcat == "" {
		netcat = "nc"
	}
	dir := systemSockets
	nc := ""
	list := a.sockets(dir)
	if a.session() && a.param("socket") == "" {
		for i, s := range list {
			list[i] = `"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/libvirt/` + strings.TrimPrefix(s, dir+"/") + `"`
		}
	} else {
		for i, s := range list {
			list[i] = shellWord(s)
		}
	}
	for i, s := range list {
		if i < len(list)-1 {
			nc += "if test -S " + s + "; then s=" + s + "; else "
		} else {
			nc += "s=" + s + "; " + strings.Repeat("fi; ", i)
		}
	}
	nc += "exec " + shellWord(netcat) + " -U \"$s\""
	helper := "exec virt-ssh-helper "
	if a.readOnly {
		helper += "-r "
	}
	helper += shellWord(a.name)
	script := "if command -v virt-ssh-helper >/dev/null 2>&1; then " + helper + "; else " + nc + "; fi"
	switch {
	case a.param("proxy") == "native":
		script = helper
	case a.param("proxy") == "netcat" || netcat != "nc" || a.param("socket") != "" || a.param("mode") == "legacy" || a.param("mode") == "direct":
		script = nc
	}
	return "sh -c " + shellWord(script)
}

// shellWord quotes a word for a shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
