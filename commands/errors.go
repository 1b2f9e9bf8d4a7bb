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

// ErrReported says that the command failed and has said so already.
var ErrReported = errors.New("reported")

// ErrQuit ends the session.
var ErrQuit = errors.New("quit")
