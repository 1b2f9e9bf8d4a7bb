package commands

import (
	"errors"
	"fmt"
)

// Failure is an error with two texts: the shell's own, printed first, and the
// driver's, printed below it.
type Failure struct {
	Text string
	Err  error // nil: the first text is all

	kind *kind  // of an object that was not found
	word string // that named it
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Text
	}
	return f.Text + ": " + f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// failed wraps a driver's error in the shell's words.
func failed(err error, format string, args ...any) error {
	return &Failure{Text: fmt.Sprintf(format, args...), Err: err}
}

// shellError is an error of the shell alone.
func shellError(format string, args ...any) error {
	return &Failure{Text: fmt.Sprintf(format, args...)}
}

// unknownName is an error for a name that is none of those that are known.
type unknownName struct {
	what  string // the text, with a verb for the name
	name  string
	known []string
}

func (e *unknownName) Error() string { return fmt.Sprintf(e.what, e.name) }

// Exit is an error that ends a command with a status of its own, where 1 is
// that of all others.
type Exit struct {
	Status int
	Err    error
}

func (e *Exit) Error() string { return e.Err.Error() }

func (e *Exit) Unwrap() error { return e.Err }

// timedOut is the status of a command whose time was up, as virsh's await has it.
const timedOut = 2

// ErrReported says that the command failed and has said so already.
var ErrReported = errors.New("reported")

// ErrQuit ends the session.
var ErrQuit = errors.New("quit")
