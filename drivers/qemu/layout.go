package qemu

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"virgo/drivers"
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

// savedSuffix is the end of managed saves' names.
const savedSuffix = ".save"

// layoutAt is the driver's part of a root.
func layoutAt(r drivers.Root) Layout {
	in := func(d string) string { return filepath.Join(d, "qemu") }
	return Layout{Root: r.Name, Etc: in(r.Etc), Run: in(r.Run), Lib: in(r.Lib), Cache: in(r.Cache), Log: in(r.Log)}
}

// root is the root that this is a part of.
func (l Layout) root() drivers.Root {
	up := filepath.Dir
	return drivers.Root{Name: l.Root, Etc: up(l.Etc), Run: up(l.Run), Lib: up(l.Lib), Cache: up(l.Cache), Log: up(l.Log)}
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

// ramDir is the folder for the memory of a guest that lies in files.
func (l Layout) ramDir(id int, name string) string {
	return filepath.Join(l.Lib, "ram", fmt.Sprintf("%d-%s", id, name))
}

// memoryDir is the same in a file system of huge pages. There may be many roots, and
// libvirt with its own folder.
func (l Layout) memoryDir(mount string, id int, name string) string {
	dir := filepath.Join("virgo", "qemu")
	if l.Root != "/" {
		h := sha256.Sum256([]byte(l.Root))
		dir = filepath.Join("libvirt", fmt.Sprintf("qemu-embed-%x", h[:4]))
	}
	return filepath.Join(mount, dir, fmt.Sprintf("%d-%s", id, name))
}

// savedDir is the folder of managed saves.
func (l Layout) savedDir() string { return filepath.Join(l.Lib, "save") }

// saved is the file from which a domain's next start goes on.
func (l Layout) saved(name string) string { return filepath.Join(l.savedDir(), name+savedSuffix) }

// completedJob is the file with the numbers of a domain's last job.
func (l Layout) completedJob(name string) string { return filepath.Join(l.Run, "jobs", name+".json") }

// agentTimeout is the file that says how long a domain's agent may take.
func (l Layout) agentTimeout(name string) string { return filepath.Join(l.Run, "agent", name) }

func (l Layout) logFile(name string) string { return filepath.Join(l.Log, name+".log") }

// journal is the file of lifecycle events.
func (l Layout) journal() string { return filepath.Join(l.Run, "events") }
