package drivers

import (
	"os"
	"path/filepath"

	"virgo/xml"
)

// Root names the top folders of a place where local drivers keep what they
// keep; each kind has a folder of its own below them. docs/state.md says what
// lies there.
type Root struct {
	Name  string // for people: the root as the URI names it
	Etc   string // definitions
	Run   string // of what runs
	Lib   string // what is kept beside definitions
	Cache string // derived, may be deleted
	Log   string

	By func() string // the command that is at work; nil: unknown
}

// RootFor reads the root of a URI such as qemu:///embed?root=DIR, qemu:///system
// or qemu:///session.
func RootFor(u URI) (Root, error) {
	base := u.Driver + ":///"
	switch u.Path {
	case "/embed":
		root := u.Query.Get("root")
		if root == "" {
			return Root{}, xml.Errorf(xml.CodeInvalidArg, "root path must be specified, such as %sembed?root=/path", base)
		}
		if !filepath.IsAbs(root) {
			return Root{}, xml.Errorf(xml.CodeInvalidArg, "root path must be absolute")
		}
		return RootAt(root), nil
	case "/system":
		if os.Geteuid() != 0 && os.Getenv("VIRGO_SYSTEM") == "" {
			return Root{}, xml.Errorf(xml.CodeAccessDenied, "%ssystem is the root user's; use %ssession or %sembed?root=DIR", base, base, base)
		}
		return Root{Name: "/", Etc: "/etc/virgo", Run: "/run/virgo", Lib: "/var/lib/virgo", Cache: "/var/cache/virgo", Log: "/var/log/virgo"}, nil
	case "/session":
		return sessionRoot(base)
	}
	name := u.Driver
	if name == "qemu" {
		name = "QEMU"
	}
	return Root{}, xml.Errorf(xml.CodeInternal, "unexpected %s URI path '%s', try %ssystem, %ssession or %sembed?root=DIR", name, u.Path, base, base, base)
}

// RootAt is the root in a folder of its own.
func RootAt(dir string) Root {
	in := func(d string) string { return filepath.Join(dir, d) }
	return Root{Name: dir, Etc: in("etc"), Run: in("run"), Lib: in("lib"), Cache: in("cache"), Log: in("log")}
}

// sessionRoot is the XDG folders of this user.
func sessionRoot(base string) (Root, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Root{}, xml.Errorf(xml.CodeInternal, "no home folder for %ssession: %v", base, err)
	}
	dir := func(env, fallback string) string {
		if d := os.Getenv(env); filepath.IsAbs(d) {
			return filepath.Join(d, "virgo")
		}
		return filepath.Join(home, fallback, "virgo")
	}
	cache := dir("XDG_CACHE_HOME", ".cache")
	run := filepath.Join(cache, "run")
	if d := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		run = filepath.Join(d, "virgo")
	}
	return Root{Name: "session", Etc: dir("XDG_CONFIG_HOME", ".config"), Run: run, Lib: dir("XDG_DATA_HOME", ".local/share"),
		Cache: cache, Log: filepath.Join(cache, "log")}, nil
}

// Store is where definitions of one kind lie; kind is the name of its folders.
func (r Root) Store(kind string) *Store {
	dir := filepath.Join(r.Etc, kind)
	return &Store{Dir: dir, Locks: filepath.Join(r.Run, kind, "locks"), Index: filepath.Join(r.Cache, kind, "definitions.index"),
		History: &History{Dir: filepath.Join(dir, "history"), Gone: filepath.Join(dir, "undefined"),
			Config: filepath.Join(r.Etc, "virgo.conf"), By: r.By}}
}
