package drivers

import "os"

// OpenFile opens a file.
func OpenFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, mode)
}

// temporary makes a new file in a folder.
func temporary(dir string) (*os.File, error) { return os.CreateTemp(dir, tempPrefix+"*") }

func rename(from, to string) error { return os.Rename(from, to) }

// SyncDir does nothing: Windows keeps its folders in order by itself.
func SyncDir(string) {}
