package commands

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"unicode/utf8"
)

// errInterrupted is the answer of a user who wants none of it.
var errInterrupted = errors.New("interrupted")

// ask asks at the session's input, as for a password. At a terminal the keys
// are read one by one: ctrl-C leaves the question at once, and what is secret
// is not shown.
func (s *Session) ask(prompt string, secret bool) (string, error) {
	s.Flush()
	if s.Terminal && s.MakeRaw != nil {
		return s.askKeys(prompt, secret)
	}
	fmt.Fprint(s.Out, prompt)
	var line []byte
	var b [1]byte
	for {
		n, err := s.In.Read(b[:])
		if n == 1 && b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		if err != nil && !errors.Is(err, syscall.EINTR) && n == 0 && len(line) == 0 {
			return "", err
		}
		return string(line), nil
	}
}

// The keys of a question that are no letters.
const (
	keyInterrupt = 'C' & 0x1f
	keyEnd       = 'D' & 0x1f
	keyBackspace = 'H' & 0x1f
	keyKill      = 'U' & 0x1f
	keyDelete    = 0x7f
)

func (s *Session) askKeys(prompt string, secret bool) (string, error) {
	out := s.terminal()
	if s.Prompt != nil {
		out = s.Prompt
	}
	restore, err := s.MakeRaw()
	if err != nil {
		return "", err
	}
	defer restore()
	show := func(text string) {
		if !secret {
			io.WriteString(out, text)
		}
	}
	io.WriteString(out, prompt)
	var line []byte
	var b [1]byte
	for {
		n, err := s.In.Read(b[:])
		if n == 0 && err != nil && !errors.Is(err, syscall.EINTR) {
			return "", err
		}
		if n == 0 {
			continue
		}
		switch c := b[0]; {
		case c == '\r' || c == '\n':
			io.WriteString(out, "\r\n")
			return string(line), nil
		case c == keyInterrupt:
			io.WriteString(out, "^C\r\n")
			return "", errInterrupted
		case c == keyEnd && len(line) == 0:
			io.WriteString(out, "\r\n")
			return "", io.EOF
		case (c == keyBackspace || c == keyDelete) && len(line) > 0:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
			show("\b \b")
		case c == keyKill:
			for n := utf8.RuneCount(line); n > 0; n-- {
				show("\b \b")
			}
			line = nil
		case c >= ' ' && c != keyDelete:
			line = append(line, c)
			show(string(b[:]))
		}
	}
}

// terminalOf is what a program that a command starts gets as its standard
// input: the terminal itself, where the session reads it through its line
// editor. A program that gets a pipe in its place cannot be used.
func (s *Session) terminalOf() io.Reader {
	if k, ok := s.In.(interface{ Terminal() *os.File }); ok {
		if f := k.Terminal(); f != nil {
			return f
		}
	}
	return s.In
}

// deaf keeps ctrl-C from virgo while a program that a command started has the
// terminal: the key is that program's.
func deaf() (hear func()) {
	keys := make(chan os.Signal, 1)
	signal.Notify(keys, os.Interrupt)
	return func() { signal.Stop(keys) }
}
