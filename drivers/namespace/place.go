package namespace

import (
	"io"
	"os"
)

// Place is where a command is to run.
type Place struct {
	Files        []*os.File // its namespaces; they stay the caller's
	Process      int        // a process whose control groups are the place's
	Model, Label string     // selinux or apparmor, and the label there; "": none
}

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}
