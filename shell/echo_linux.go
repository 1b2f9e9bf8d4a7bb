package shell

import "golang.org/x/sys/unix"

// echoes tells whether a terminal shows what is typed; a program that drives
// the prompt may have turned that off.
func echoes(fd int) bool {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err != nil || t.Lflag&unix.ECHO != 0
}
