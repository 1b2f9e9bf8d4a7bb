package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"virgo/commands"
	"virgo/drivers"
)

// Process is what a run gets of the process that it runs in.
type Process struct {
	Args   []string // the program's name first
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Getenv func(string) string
	Open   func(context.Context, string, drivers.OpenOptions) (drivers.Conn, error)
	// Fleet tells which hosts words in place of URIs mean; nil: none.
	Fleet func(getenv func(string) string, words []string) (drivers.Fleet, error)
}

// Main runs virgo and gives its exit status.
func Main(ctx context.Context, p Process) int {
	s := &commands.Session{
		Name: programName(p.Args), Table: commands.NewTable(), In: p.In, Out: p.Out, Err: p.Err, Getenv: p.Getenv, Open: p.Open, FleetOf: p.Fleet,
		Debug: commands.DefaultDebug, Output: "text", Escape: 0x1d,
	}
	defer s.Close()
	o := options{debug: -1}
	environment(s, true)
	if err := o.parse(p.Args[1:]); err != nil && !errors.Is(err, errStop) {
		s.Errorf("%s", err)
		return 1
	}
	for _, w := range o.warnings {
		s.Errorf("%s", w)
	}
	switch {
	case o.help:
		s.Print(usage(s))
		return 0
	case o.version == "short":
		_, v := s.LibraryVersion()
		s.Print(v + "\n")
		return 0
	case o.version == "long":
		s.Print(longVersion(s))
		return 0
	}
	if err := apply(s, &o); err != nil {
		s.Errorf("%s", err)
		return 1
	}
	if err := hosts(s, &o, p.Fleet); err != nil {
		s.Errorf("failed to connect to the hypervisor")
		s.Errorf("%s", err)
		return 1
	}
	s.Eager = o.connect
	if o.connect && o.uri == "" {
		s.Getenv = libraryDefault(s.Getenv)
	}
	if fd, ok := terminal(p.In); ok {
		s.Terminal, s.MakeRaw = true, makeRaw(fd)
	}
	if _, ok := terminal(p.Err); ok {
		// programs drive virsh through a terminal, too
		s.Hints = s.Name != "virsh"
		if _, ok := terminal(p.Out); !ok {
			s.Prompt = p.Err
		}
	}
	s.Globals = globals
	return status(limited(ctx, s, p.Err, o.rest))
}

// libraryDefault is the environment for -c without a URI, which means what the
// library would take, not the shell's own default.
func libraryDefault(getenv func(string) string) func(string) string {
	return func(name string) string {
		if name == "VIRGO_URI" || name == "VIRSH_DEFAULT_CONNECT_URI" {
			return ""
		}
		return getenv(name)
	}
}

// status is the exit status of what the last command came to.
func status(err error) int {
	var e *commands.Exit
	switch {
	case err == nil || errors.Is(err, commands.ErrQuit):
		return 0
	case errors.As(err, &e):
		return e.Status
	}
	return 1
}

// grace is how long a command may go on after its limit before it is left alone.
const grace = 2 * time.Second

// limited is run. Where there is a limit, it also comes back from what takes no
// notice of it, such as a file that cannot be read.
func limited(ctx context.Context, s *commands.Session, errs io.Writer, args []string) error {
	if s.Limit == 0 || len(args) == 0 {
		return run(ctx, s, args)
	}
	done := make(chan error, 1)
	go func() { done <- run(ctx, s, args) }()
	select {
	case err := <-done:
		return err
	case <-time.After(s.Limit + grace):
		fmt.Fprintf(errs, "error: timed out after %s\n", s.Limit)
		return &commands.Exit{Status: 2, Err: commands.ErrReported}
	}
}

func programName(args []string) string {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	if name != "virsh" {
		return "virgo"
	}
	return name
}

// environment reads the variables that stand for options. Virsh reads them
// twice, and complains twice.
func environment(s *commands.Session, warn bool) {
	if v := s.Getenv("VIRSH_DEBUG"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 4 {
			if warn {
				s.Errorf("VIRSH_DEBUG not set with a valid numeric value")
			}
		} else {
			s.Debug = n
		}
	}
}

// hosts makes a fleet of several -c, or of one that names a group. Under virsh's
// name the last -c counts.
func hosts(s *commands.Session, o *options, fleet func(func(string) string, []string) (drivers.Fleet, error)) error {
	if fleet == nil || s.Name == "virsh" || len(o.uris) == 0 || len(o.uris) == 1 && strings.Contains(o.uri, ":") {
		return nil
	}
	f, err := fleet(s.Getenv, o.uris)
	if n := len(f.Hosts); err == nil && n > 0 {
		s.URI = f.Hosts[n-1].URI // a group of one host is that host
		if n > 1 {
			s.Fleet = f
		}
	}
	return err
}

// apply brings the options into the session.
func apply(s *commands.Session, o *options) error {
	if o.debugSet {
		s.Debug = o.debug
	} else {
		environment(s, true)
	}
	s.URI, s.ReadOnly, s.Quiet, s.Timing = o.uri, o.readOnly, o.quiet, o.timing
	s.Limit = o.timeout
	s.Keepalive, s.KeepaliveOff = o.keepalive && !o.keepaliveOff, o.keepaliveOff
	s.KeepaliveInterval, s.KeepaliveCount = o.keepaliveInterval, o.keepaliveCount
	if o.output != "" {
		var err error
		if s.Output, err = commands.ParseOutput(o.output); err != nil {
			return err
		}
	}
	if o.escape != "" {
		s.Escape = o.escape[len(o.escape)-1]
		if len(o.escape) == 2 {
			s.Escape &= 0x1f
		}
	}
	log := o.log
	if log == "" {
		log = s.Getenv("VIRSH_LOG_FILE")
	}
	if log != "" {
		f, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return errors.New("failed to open the log file. check the log file path")
		}
		s.Log = f
	}
	return nil
}

// run runs what stands behind the options: nothing is the prompt, one word a
// script, several words a command.
func run(ctx context.Context, s *commands.Session, args []string) error {
	switch len(args) {
	case 0:
		return prompt(ctx, s)
	case 1:
		if args[0] == "" {
			return commands.ErrReported
		}
		ctx, stop := stoppable(ctx, s)
		defer stop()
		return s.RunScript(ctx, args[0])
	}
	ctx, stop := stoppable(ctx, s)
	defer stop()
	root := tree(s, args[0])
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// stoppable is the context of commands: ctrl-C ends it, and the limit.
func stoppable(ctx context.Context, s *commands.Session) (context.Context, context.CancelFunc) {
	if s.Limit == 0 {
		i := &interruptible{parent: ctx}
		return i, i.close
	}
	limited, cancel := context.WithTimeout(ctx, s.Limit)
	i := &interruptible{parent: limited}
	return i, func() { i.close(); cancel() }
}

// Tree is the commands as a cobra tree. Cobra parses no flags: the rows' own
// parser does, with virsh's rules.
func Tree(s *commands.Session) *cobra.Command { return tree(s, "") }

// tree is the tree, or only its root and the branch of one command.
func tree(s *commands.Session, only string) *cobra.Command {
	root := &cobra.Command{
		Use: s.Name, Args: cobra.ArbitraryArgs, DisableFlagParsing: true, SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(c *cobra.Command, args []string) error { return s.RunArgv(c.Context(), args) },
	}
	root.SetHelpCommand(&cobra.Command{Use: "cobra-help", Hidden: true})
	if only != "" {
		if row := s.Table.Find(only); row != nil {
			root.AddCommand(branch(s, row, ""))
		}
		return root
	}
	for _, g := range s.Table {
		root.AddGroup(&cobra.Group{ID: g.Keyword, Title: g.Title})
		list := g.Commands()
		for i := range list {
			root.AddCommand(branch(s, &list[i], g.Keyword))
		}
	}
	return root
}

// branch is one command of the tree.
func branch(s *commands.Session, row *commands.Command, group string) *cobra.Command {
	return &cobra.Command{
		Use: row.Name, Short: row.Summary, GroupID: group, Hidden: row.Hidden,
		DisableFlagParsing: true, SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, args []string) error {
			return s.RunArgv(c.Context(), append([]string{row.Name}, args...))
		},
	}
}

func usage(s *commands.Session) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%[1]s [options]... [<command_string>]\n%[1]s [options]... <command> [args...]\n", s.Name)
	b.WriteString(`
  options:
    -c | --connect=URI      the hypervisor to connect to
    -d | --debug=NUM        debug level [0-4]
    -e | --escape <char>    key that leaves a console
    -h | --help             this page
    -k | --keepalive-interval=NUM
                            seconds between keepalive messages, 0 for none
    -K | --keepalive-count=NUM
                            keepalive messages that may stay unanswered
    -l | --log=FILE         write a log to a file
    -q | --quiet            print no more than needed
    -r | --readonly         refuse all changes
    -t | --timing           print how long each command took
    -v                      short version
    -V                      long version
         --version[=TYPE]   version, TYPE is short or long (default short)
         --output=FORMAT    FORMAT is text or json
         --timeout=SECONDS  end commands that take longer, with status 2
         --no-pkttyagent    accepted: no agent is ever started
  commands (non interactive mode):

`)
	for i := range s.Table {
		b.WriteString(s.Table[i].List(""))
	}
	b.WriteString("\n  (help <group> lists the commands of a group)\n\n  (help <command> explains a command)\n\n")
	return b.String()
}

func longVersion(s *commands.Session) string {
	if s.Name == "virsh" {
		return fmt.Sprintf("Virsh command line tool of libvirt %s\n\nCompiled with support for:\n Hypervisors: QEMU/KVM Test\n"+
			" Miscellaneous: Readline\n(virgo %s)\n", commands.VirshVersion, commands.Version)
	}
	return fmt.Sprintf("virgo %s, with the commands of virsh %s\n\nCompiled with support for:\n Hypervisors: QEMU/KVM Test\n",
		commands.Version, commands.VirshVersion)
}
