//go:build !linux

package drivers

// makeApart makes a folder for definitions.
func makeApart(dir string) error { return MakeDir(dir) }
