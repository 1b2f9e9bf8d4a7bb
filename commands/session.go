package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"virgo/completion"
	"virgo/drivers"
)

// Session is one run of virgo, or one sitting at its prompt: what commands
// share. Nothing below main touches the process's streams but through it.
type Session struct {
	Name   string // the program's name, for versions and the log
	Table  Table
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Getenv func(string) string
	// Open opens a connection.
	Open func(ctx context.Context, uri string, o drivers.OpenOptions) (drivers.Conn, error)

	URI      string // of the connection; "" is the default's
	ReadOnly bool
	Quiet    bool
	Timing   bool
	Output   string // "text" or "json"
	Debug    int    // 0 is all, 4 is errors
	Log      io.Writer
	Escape   byte // ends a console
	// Keepalive is set if the user asked for keepalive messages.
	Keepalive    bool
	KeepaliveOff bool
	// KeepaliveInterval is in seconds, KeepaliveCount how many messages may stay
	// unanswered; 0 is what is usual.
	KeepaliveInterval, KeepaliveCount int
	Interactive                       bool
	Terminal                          bool // the user sits at one
	Hints                             bool // errors go to a terminal: hints follow them
	// MakeRaw sets the terminal to pass each key on; the function sets it back.
	MakeRaw func() (restore func(), err error)

	// Globals takes the global options from the words of a command line. Where
	// the last word is one of them or its value, it gives candidates and no rest.
	Globals func(s *Session, words []string) (rest []string, found []completion.Candidate)
	// Limit is how long commands may take, 0 for as long as they like: the
	// context that they get ends then.
	Limit time.Duration
	// FleetOf tells which hosts words in place of URIs mean; nil: words are URIs.
	FleetOf func(getenv func(string) string, words []string) (drivers.Fleet, error)
	// Fleet is set if there are several hosts.
	Fleet drivers.Fleet
	// Eager: connect before the first command, whether it needs it or not.
	Eager bool

	farther []*far        // one for each host of the fleet, once they were asked
	emit    func(Result)  // takes what commands emit; nil: it is printed
	limit   time.Duration // of a host, for each command
	silent  bool          // nobody is asked anything
	passed  []*os.File    // open files that commands were told to pass, which are the caller's
	Prompt  io.Writer     // where questions are asked, if it is not Out
	screen  io.Writer     // where editors and consoles write, if it is not Out
	conn    drivers.Conn
	broken  bool         // the connection is gone, and nobody has asked for its end
	pending bytes.Buffer // text for Out that is not written yet
	output  string       // of the running command
	sources map[string]keptSource
	working atomic.Pointer[Invocation] // what runs; several sessions may share the connection that asks
}

// Version is virgo's own.
const Version = "0.1.0"

// VirshVersion is the version of virsh whose commands virgo has.
const VirshVersion = "11.3.0"

// DefaultDebug is the debug level without -d: errors alone.
const DefaultDebug = 4

// LibraryVersion is what `version` tells for the library: virgo's own, or,
// under virsh's name, the version that programs around virsh expect.
func (s *Session) LibraryVersion() (name, version string) {
	if s.Name == "virsh" {
		return "libvirt", VirshVersion
	}
	return "virgo", Version
}

// Connect opens the connection, if it is not open. Its error is complete.
func (s *Session) Connect(ctx context.Context) error {
	if s.conn != nil && !s.lost() {
		return nil
	}
	conn, err := s.dial(ctx, s.URI, s.ReadOnly)
	if err != nil {
		var f *Failure
		if s.broken && errors.As(err, &f) {
			f.Text = "Failed to reconnect to the hypervisor"
		}
		return err
	}
	if s.broken {
		s.Errorf("Reconnected to the hypervisor")
	}
	s.conn, s.broken = conn, false
	return nil
}

// lost tells whether the connection has broken since the last command, says so
// and gives it up.
func (s *Session) lost() bool {
	l, ok := s.conn.(drivers.Loser)
	if !ok || l.Lost() == nil {
		return false
	}
	why := "I/O error"
	switch text := l.Lost().Error(); {
	case strings.HasPrefix(text, "End of file"):
		why = "end of file"
	case strings.Contains(text, "keepalive"):
		why = "keepalive timeout"
	}
	s.Errorf("Disconnected from %s due to %s", s.conn.URI(), why)
	s.conn.Close()
	s.conn, s.broken = nil, true
	return true
}

func (s *Session) dial(ctx context.Context, uri string, readOnly bool) (drivers.Conn, error) {
	s.Flush()
	ask := s.ask
	if s.silent {
		ask = nil
	}
	conn, err := s.Open(ctx, uri, drivers.OpenOptions{ReadOnly: readOnly, Among: s.silent, Getenv: s.Getenv, Ask: ask, Terminal: s.Terminal, Command: s.command})
	if err != nil {
		return nil, failed(err, "failed to connect to the hypervisor")
	}
	k, ok := conn.(drivers.Keepaliver)
	if ok && (s.KeepaliveOff || s.KeepaliveInterval > 0 || s.KeepaliveCount > 0) {
		err = k.SetKeepalive(ctx, s.keepaliveInterval(), s.KeepaliveCount)
	}
	if err != nil {
		conn.Close()
		return nil, failed(err, "failed to connect to the hypervisor")
	}
	if !ok && s.Keepalive {
		conn.Close()
		s.Errorf("Cannot setup keepalive on connection as requested, disconnecting")
		return nil, failed(drivers.Unsupported("virConnectSetKeepAlive"), "failed to connect to the hypervisor")
	} else if !ok && !s.KeepaliveOff {
		s.Debugf(1, "Failed to setup keepalive on connection")
	}
	return conn, nil
}

// keepaliveInterval is the interval that was asked for, or the usual one.
func (s *Session) keepaliveInterval() int {
	switch {
	case s.KeepaliveOff:
		return 0
	case s.KeepaliveInterval > 0:
		return s.KeepaliveInterval
	}
	return 5
}

// Close ends the connection.
func (s *Session) Close() error {
	err := errors.Join(s.Flush(), s.closeHosts())
	if s.conn != nil {
		err = errors.Join(err, s.conn.Close())
		s.conn = nil
	}
	return err
}

// Flush writes what commands have printed.
func (s *Session) Flush() error {
	if s.pending.Len() == 0 {
		return nil
	}
	_, err := s.Out.Write(s.pending.Bytes())
	s.pending.Reset()
	return err
}

// Print adds text to the output.
func (s *Session) Print(text string) {
	s.pending.WriteString(text)
	if s.pending.Len() > 64<<10 {
		s.Flush()
	}
}

// terminal is where editors and consoles write.
func (s *Session) terminal() io.Writer {
	if s.screen != nil {
		return s.screen
	}
	return s.Out
}

// Errorf prints an error line, in its order with the output.
func (s *Session) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.log("ERROR", text)
	s.Flush()
	io.WriteString(s.Err, "error: "+text+"\n")
}

// Debugf prints a line if the debug level asks for it: 0 is all there is.
func (s *Session) Debugf(level int, format string, args ...any) {
	if s.Debug > level {
		return
	}
	text := fmt.Sprintf(format, args...)
	s.log(debugNames[level], text)
	s.Flush()
	io.WriteString(s.Err, text+"\n")
}

var debugNames = [...]string{"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"}

// log adds a line to the log file of -l.
func (s *Session) log(level, text string) {
	if s.Log == nil {
		return
	}
	now := time.Now()
	fmt.Fprintf(s.Log, "[%s %s %d] %s %s\n", now.Format("2006.01.02 15:04:05"), s.Name, os.Getpid(), level, text)
}

// Report prints an error, and what may help with it.
func (s *Session) Report(err error) {
	if err == nil || errors.Is(err, ErrReported) {
		return
	}
	if s.format() == "json" {
		s.Flush()
		s.Err.Write(errorJSON(err))
		return
	}
	s.texts(err)
	if s.Hints {
		s.advise(s.hintFor(err))
	}
}

// texts prints an error, each text of a Failure on a line of its own.
func (s *Session) texts(err error) {
	var f *Failure
	if !errors.As(err, &f) {
		s.Errorf("%s", err)
		return
	}
	s.Errorf("%s", f.Text)
	if f.Err != nil && !errors.Is(f.Err, ErrReported) {
		s.texts(f.Err)
	}
}

// advise prints a hint, where somebody reads it.
func (s *Session) advise(text string) {
	if s.Hints && text != "" {
		s.Flush()
		io.WriteString(s.Err, "hint: "+text+"\n")
	}
}

func (s *Session) format() string {
	if s.output != "" {
		return s.output
	}
	return s.Output
}

// RunScript parses and runs a script; the status is the last command's.
func (s *Session) RunScript(ctx context.Context, text string) error {
	s.Debugf(1, "commands: \"%s\"", text)
	return s.run(ctx, func() ([]*Invocation, error) { return s.Table.ParseScript(text) })
}

// RunArgv runs one command that is split into words.
func (s *Session) RunArgv(ctx context.Context, args []string) error {
	return s.run(ctx, func() ([]*Invocation, error) { return s.Table.ParseArgv(args) })
}

func (s *Session) run(ctx context.Context, parse func() ([]*Invocation, error)) error {
	list, err := parse()
	if err != nil {
		s.Report(err)
		return ErrReported
	}
	if len(s.Fleet.Hosts) < 2 {
		if err := s.settle(ctx, list); err != nil {
			s.Report(err)
			return ErrReported
		}
	}
	if s.Debug <= 1 {
		for _, inv := range list {
			s.trace(inv)
		}
	}
	if s.Eager && s.conn == nil && !s.broken && len(s.Fleet.Hosts) < 2 {
		if err := s.Connect(ctx); err != nil {
			if ctx.Err() == context.DeadlineExceeded {
				err = s.tooLate(err)
				s.Report(err)
				return err
			}
			s.Report(err)
			return ErrReported
		}
	}
	for _, inv := range list {
		if err = s.Invoke(ctx, inv); errors.Is(err, ErrQuit) {
			return ErrQuit // as in virsh, quit makes a success of an earlier failure
		}
	}
	// a script's output is written as it fills the buffer, before errors, and at the end
	if e := s.Flush(); err == nil && e != nil {
		err = e
	}
	return err
}

// trace prints how a command was understood.
func (s *Session) trace(inv *Invocation) {
	argvs := 0
	for _, a := range inv.args {
		switch a.option.Kind {
		case Bool:
			s.Debugf(1, "%s: %s(bool)", inv.Command.Name, a.option.Name)
		case Argv:
			s.Debugf(1, "%s: %s(argv: %d): %s", inv.Command.Name, a.option.Name, argvs, a.text)
			argvs++
		default:
			s.Debugf(1, "%s: %s(optdata): %s", inv.Command.Name, a.option.Name, a.text)
		}
	}
}

// Invoke runs one parsed command, reports its error and closes with virsh's
// blank line.
func (s *Session) Invoke(ctx context.Context, inv *Invocation) error {
	start := time.Now()
	s.output = inv.Output
	s.working.Store(inv)
	defer func() { s.output = "" }()
	err := s.perform(ctx, inv)
	if errors.Is(err, ErrQuit) {
		s.Flush()
		return err
	}
	if err != nil && s.conn != nil {
		s.lost()
	}
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		err = s.tooLate(err)
	}
	s.Report(err)
	switch {
	case s.format() == "json":
	case s.Timing:
		s.Print(fmt.Sprintf("\n(Time: %.3f ms)\n\n", float64(time.Since(start))/1e6))
	case !s.Quiet:
		s.Print("\n")
	}
	if s.Interactive {
		if e := s.Flush(); err == nil && e != nil {
			err = e
		}
	}
	return err
}

// perform runs a command for the object that it names, or for each of several.
func (s *Session) perform(ctx context.Context, inv *Invocation) error {
	if s.everywhere(inv) {
		return s.onHosts(ctx, inv)
	}
	targets, inv, err := s.targets(ctx, inv)
	if err != nil {
		return err
	}
	if targets != nil {
		return s.several(ctx, inv, targets)
	}
	return s.call(ctx, &Call{Session: s, Command: inv.Command, args: inv.args})
}

// tooLate is the error of a command that the limit of --timeout has ended. One
// that has said so itself says no more.
func (s *Session) tooLate(err error) error {
	var e *Exit
	if errors.As(err, &e) {
		return err
	}
	if errors.Is(err, ErrReported) {
		return &Exit{timedOut, ErrReported}
	}
	return &Exit{timedOut, shellError("timed out after %s", s.Limit)}
}

func (s *Session) call(ctx context.Context, c *Call) error {
	if !c.Command.NoConnect {
		if err := s.Connect(ctx); err != nil {
			return err
		}
	}
	for _, a := range c.args {
		if a.text == "" && a.option.Kind == String && !a.option.Has(Empty) {
			return shellError("Failed to get option '%s': Option argument is empty", a.option.Name)
		}
	}
	return c.Command.Run(ctx, c)
}

// command is the command that runs, as a user would type it.
func (s *Session) command() string {
	inv := s.working.Load()
	if inv == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(inv.Command.Name)
	for _, a := range inv.args {
		switch o := a.option; {
		case o.Kind == Bool:
			b.WriteString(" --" + o.Name)
		case o.Kind == Argv || o.Has(RP):
			b.WriteString(" " + a.text)
		default:
			b.WriteString(" --" + o.Name + " " + a.text)
		}
	}
	for _, e := range inv.more {
		b.WriteString(" " + e.word)
	}
	return b.String()
}
