package shell

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"virgo/commands"
)

const banner = `Welcome to %s, the virtualization interactive terminal.

Type:  'help' for help with commands
       'quit' to quit

`

// promptText is the peer's: what drives virsh through a pipe waits for it.
func promptText(s *commands.Session) string {
	name := "virsh"
	if s.ReadOnly {
		return name + " > "
	}
	return name + " # "
}

// prompt reads commands until the input ends or quit is said.
func prompt(ctx context.Context, s *commands.Session) error {
	s.Interactive = true
	if s.Eager {
		if err := s.Connect(ctx); err != nil {
			s.Report(err)
			return err
		}
	}
	if !s.Quiet {
		s.Print(strings.Replace(banner, "%s", "virsh", 1))
	}
	var err error
	if s.Terminal {
		s.Flush()
		err = atTerminal(ctx, s)
	} else {
		err = piped(ctx, s)
	}
	s.Print("\n")
	return err
}

// piped is the prompt without a terminal: the lines are echoed, as readline
// does it, and nothing can be edited.
func piped(ctx context.Context, s *commands.Session) error {
	in := bufio.NewReader(s.In)
	for {
		// who sends the next command may wait for this
		s.Print(promptText(s))
		s.Flush()
		line, err := in.ReadString('\n')
		if err != nil && line == "" {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		s.Print(line + "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		run, stop := stoppable(ctx, s)
		err = s.RunScript(run, line)
		stop()
		if errors.Is(err, commands.ErrQuit) {
			return nil
		}
	}
}
