//go:build !linux

package open

// linuxDrivers are the drivers that need Linux.
var linuxDrivers []entry

// Watch runs the program as a guest's watcher: there is none on this system.
func Watch([]string) (status int, handled bool) { return 0, false }
