package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// person sits at a pseudo terminal at which virgo runs.
type person struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	seen strings.Builder
	from int // what is expected next stands behind here
}

// sit starts virgo, which is this test binary, at a pseudo terminal.
func sit(t *testing.T, env []string, args ...string) *person {
	t.Helper()
	return sitAt(t, true, env, args...)
}

// sitAt is sit at a terminal that shows what is typed, or does not.
func sitAt(t *testing.T, echo bool, env []string, args ...string) *person {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(pty.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(pty.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer tty.Close()
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}); err != nil {
		t.Fatal(err)
	}
	if !echo {
		flags, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		flags.Lflag &^= unix.ECHO
		if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, flags); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(bin, "virgo"))
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, pty: pty, cmd: exec.Command(filepath.Join(bin, "virgo"), args...)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	p.cmd.Env = append(append(os.Environ(), "TERM=xterm", "HOME="+bin, "XDG_CACHE_HOME="+bin, "VIRSH_DEFAULT_CONNECT_URI=test:///default"), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		var buf [4096]byte
		for {
			n, err := pty.Read(buf[:])
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		pty.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		if t.Failed() {
			t.Logf("the terminal:\n%q", p.seen.String())
		}
	})
	return p
}

// types presses keys.
func (p *person) types(keys string) {
	if _, err := p.pty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits for a text behind what was seen before.
func (p *person) sees(text string) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		all := p.seen.String()
		p.mu.Unlock()
		if i := strings.Index(all[p.from:], text); i >= 0 {
			p.from += i + len(text)
			return
		}
	}
	p.t.Fatalf("never saw %q", text)
}

// prompt waits for the prompt.
func (p *person) prompt() { p.t.Helper(); p.sees("virsh # ") }

const (
	ctrlC = "\x03"
	ctrlR = "\x12"
	up    = "\x1b[A"
)

// TestTerminal is a sitting at the prompt.
func TestTerminal(t *testing.T) {
	p := sit(t, nil)
	p.sees("Welcome to virsh")
	p.prompt()

	// names of commands, then of domains, each with what is known of it
	p.types("domst\t\t")
	p.sees("domstate  show a domain's state")
	p.types("e te\t\r")
	p.sees("domstate test")
	p.sees("running")
	p.prompt()
	p.types("list --st\t\t")
	p.sees("--state-running")
	p.sees("those that run")
	// ctrl-C drops the line, not the shell
	p.types(ctrlC)
	p.prompt()
	p.types("event --all --loop\r")
	time.Sleep(200 * time.Millisecond)
	p.types(ctrlC)
	p.sees("event loop interrupted")
	p.prompt()

	// within quotes, a line that goes on, several lines pasted
	p.types("domid \"te\t\r")
	p.sees(`domid "test"`)
	p.prompt()
	p.types("echo a \\\r")
	p.sees("> ")
	p.types("b\r")
	p.sees("a b")
	p.prompt()
	p.types("\x1b[200~echo one\necho two\n\x1b[201~")
	p.sees("one\r\n")
	p.sees("two\r\n")
	p.prompt()

	// history
	p.types(up)
	p.sees("echo two")
	p.types(ctrlC)
	p.prompt()
	p.types(ctrlR + "domst")
	p.sees("domstate test")
	p.types("\r")
	p.sees("running")
	p.prompt()
	p.types("quit\r")
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestTerminalEditor: the editor gets the terminal; after a mistake it comes
// again, and ctrl-C leaves what was typed in a file.
func TestTerminalEditor(t *testing.T) {
	dir := t.TempDir()
	editor := filepath.Join(dir, "editor")
	script := "#!/bin/sh\ntest -t 0 && test -t 1 || exit 3\nread answer\n" +
		"case $answer in break) sed -i 's#</domain>##' \"$1\";; mend) sed -i 's#2097152#1048576#' \"$1\"; echo '</domain>' >>\"$1\";; esac\n"
	if err := os.WriteFile(editor, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := sit(t, []string{"EDITOR=" + editor, "TMPDIR=" + dir})
	p.prompt()
	p.types("edit test\r")
	time.Sleep(100 * time.Millisecond)
	p.types("break\n")
	p.sees("Premature end of data")
	p.sees("Failed. Try again? [y,n,?]: ")
	p.types("?\r")
	p.sees("y - yes, edit again")
	p.types("nonsense\x15y\r")
	time.Sleep(100 * time.Millisecond)
	p.types("mend\n")
	p.sees("Domain 'test' XML configuration edited.")
	p.prompt()
	p.types("edit test\r")
	time.Sleep(100 * time.Millisecond)
	p.types("break\n")
	p.sees("Failed. Try again? [y,n,?]: ")
	p.types(ctrlC)
	p.sees("what was edited is kept in " + dir)
	p.prompt()
	p.types("dumpxml test --inactive --xpath //currentMemory/text()\r")
	p.sees("1048576")
}

// TestTerminalSecret: a secret that is typed is not shown.
func TestTerminalSecret(t *testing.T) {
	dir := t.TempDir()
	doc := filepath.Join(dir, "s.xml")
	const uuid = "c5efab3b-7a24-4bd9-8d91-72e5bbb0f5a1"
	if err := os.WriteFile(doc, []byte("<secret><uuid>"+uuid+"</uuid></secret>"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := sit(t, nil, "-c", "secret:///embed?root="+dir+"/root")
	p.prompt()
	p.types("secret-define " + doc + "\r")
	p.sees("created")
	p.prompt()
	p.types("secret-set-value " + uuid + " --interactive\r")
	p.sees("Enter new value for secret:")
	p.types("opensesamm\x7fe\r")
	p.sees("Secret value set")
	p.prompt()
	if strings.Contains(p.seen.String(), "sesam") {
		t.Error("the secret was shown")
	}
	p.types("secret-get-value " + uuid + " --plain\r")
	p.sees("opensesame")
}

// TestTerminalProgram: programs that drive the prompt wait for it and read what
// stands between two prompts, so the terminal gets what virsh gives it, byte for
// byte: the prompt once, the keys as they are typed, no more.
func TestTerminalProgram(t *testing.T) {
	const hello = "Welcome to virsh, the virtualization interactive terminal.\n\nType:  'help' for help with commands\n       'quit' to quit\n\n"
	dialog := []struct{ types, sees string }{
		{"domstate test\n", "running\n\n"},
		{"domstate nosuch\n", "error: failed to get domain 'nosuch'\n\n"},
		{"bogus\n", "error: unknown command: 'bogus'\n"},
		{"\n", ""},
		{"echo a; echo b\n", "a\nb\n"},
		{"quit\n", "\n"},
	}
	cases := []struct {
		name, term    string
		silent        bool
		before, after string // of a line that is typed, and of what follows
	}{
		{"xterm", "xterm", false, "\x1b[?2004h", "\x1b[?2004l\r"},
		{"dumb", "dumb", false, "", ""},
		{"xterm without echo", "xterm", true, "\x1b[?2004h", "\x1b[?2004l\r\n"},
		{"dumb without echo", "dumb", true, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := sitAt(t, !c.silent, []string{"TERM=" + c.term})
			want := hello
			for _, d := range dialog {
				p.prompt()
				p.types(d.types)
				want += c.before + "virsh # "
				if !c.silent {
					want += d.types
				}
				want += c.after + d.sees
			}
			if err := p.cmd.Wait(); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Millisecond)
			p.mu.Lock()
			defer p.mu.Unlock()
			if got := strings.ReplaceAll(p.seen.String(), "\r\n", "\n"); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}
