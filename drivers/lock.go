package drivers

import "os"

// Lock is a lock on a file that is held.
type Lock struct{ file *os.File }

// Unlock frees the lock. A process that inherited File still holds it.
func (l *Lock) Unlock() {
	if l != nil {
		l.file.Close()
	}
}

// File is for handing the lock to a child: it is held until both have closed it.
func (l *Lock) File() *os.File { return l.file }
