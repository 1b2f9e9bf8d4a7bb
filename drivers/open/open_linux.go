package open

import (
	"virgo/drivers/kept"
	"virgo/drivers/qemu"
	"virgo/drivers/watch"
)

// linuxDrivers are the drivers that need Linux.
var linuxDrivers = []entry{
	{"qemu", qemu.Open},
	{"network", kept.Open},
	{"nodedev", kept.Open}, {"nwfilter", kept.Open},
	{"secret", kept.Open},
	{"storage", kept.Open},
}

// Watcher is what stands by a running guest of a driver; nil if it has none.
func Watcher(driver string) watch.Guest {
	switch driver {
	case "qemu":
		return qemu.Watch
	}
	return nil
}

// Watch runs the program as a guest's watcher if args ask for one.
func Watch(args []string) (status int, handled bool) { return watch.Main(args, Watcher) }
