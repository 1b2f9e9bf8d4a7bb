//go:build !linux

package drivers

// apart is a hint that only Linux takes.
func apart(string) {}
