package qemu

import (
	"fmt"
	"os"
	"path/filepath"

	"virgo/drivers"
	"virgo/xml"
)

// Layout names the folders of a root, each for this driver alone. docs/state.md
// says what lies in them.
type Layout struct {
	Root  string `json:"root"`  // for people: the root as the URI names it
	Etc   string `json:"etc"`   // definitions
	Run   string `json:"run"`   // of running guests
	Lib   string `json:"lib"`   // guests' own folders, NVRAM, saved states
	Cache string `json:"cache"` // derived, may be deleted
	Log   string `json:"log"`
}

// layoutFor reads a qemu URI.
func layoutFor(u drivers.URI) (Layout, error) {
	switch u.Path {
	case "/embed":
		root := u.Query.Get("root")
		if root == "" {
			return Layout{}, xml.Errorf(xml.CodeInvalidArg, "root path must be specified, such as qemu:///embed?root=/path")
		}
		if !filepath.IsAbs(root) {
			return Layout{}, xml.Errorf(xml.CodeInvalidArg, "root path must be absolute")
		}
		return under(root, "etc", "run", "lib", "cache", "log", root), nil
	case "/system":
		if os.Geteuid() != 0 && os.Getenv("VIRGO_SYSTEM") == "" {
			return Layout{}, xml.Errorf(xml.CodeAccessDenied, "qemu:///system is the root user's; use qemu:///session or qemu:///embed?root=DIR")
		}
		return under("/", "etc/virgo", "run/virgo", "var/lib/virgo", "var/cache/virgo", "var/log/virgo", "/"), nil
	case "/session":
		return sessionLayout()
	}
	return Layout{}, xml.Errorf(xml.CodeInternal, "unexpected QEMU URI path '%s', try qemu:///system, qemu:///session or qemu:///embed?root=DIR", u.Path)
}

func under(dir, etc, run, lib, cache, log, root string) Layout {
	in := func(d string) string { return filepath.Join(dir, d, "qemu") }
	return Layout{Root: root, Etc: in(etc), Run: in(run), Lib: in(lib), Cache: in(cache), Log: in(log)}
}

// sessionLayout is the XDG folders of this user.
func sessionLayout() (Layout, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Layout{}, xml.Errorf(xml.CodeInternal, "no home folder for qemu:///session: %v", err)
	}
	dir := func(env, fallback string) string {
		if d := os.Getenv(env); filepath.IsAbs(d) {
			return filepath.Join(d, "virgo", "qemu")
		}
		return filepath.Join(home, fallback, "virgo", "qemu")
	}
	cache := dir("XDG_CACHE_HOME", ".cache")
	run := filepath.Join(cache, "run")
	if d := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		run = filepath.Join(d, "virgo", "qemu")
	}
	return Layout{Root: "session", Etc: dir("XDG_CONFIG_HOME", ".config"), Run: run,
		Lib: dir("XDG_DATA_HOME", ".local/share"), Cache: cache, Log: filepath.Join(cache, "log")}, nil
}

// store holds the definitions.
func (l Layout) store() *drivers.Store {
	return &drivers.Store{Dir: l.Etc, Locks: filepath.Join(l.Run, "locks"), Index: filepath.Join(l.Cache, "definitions.index")}
}

// guests is the folder of running guests' folders.
func (l Layout) guests() string { return filepath.Join(l.Run, "guests") }

// guest is the run folder of one guest.
func (l Layout) guest(name string) string { return filepath.Join(l.guests(), name) }

// ended is the file that says how a guest ended.
func (l Layout) ended(name string) string { return filepath.Join(l.Run, "ended", name+".json") }

// libDir is the folder in which one guest may keep files of its own.
func (l Layout) libDir(id int, name string) string {
	short := []rune(name)
	if len(short) > 20 { // as the peer cuts it: socket paths below it must stay short
		short = short[:20]
	}
	return filepath.Join(l.Lib, fmt.Sprintf("domain-%d-%s", id, string(short)))
}

func (l Layout) logFile(name string) string { return filepath.Join(l.Log, name+".log") }

// journal is the file of lifecycle events.
func (l Layout) journal() string { return filepath.Join(l.Run, "events") }
