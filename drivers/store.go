package drivers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"virgo/xml"
)

// Store keeps documents, one file per object named for it, in one folder. A
// file is replaced whole, so readers take no lock. Any number of processes may
// use one store.
type Store struct {
	Dir   string // the definitions: NAME.xml; autostart/NAME.xml are links to them
	Locks string // lock files, which hold nothing
	Index string // file of the derived index of names and uuids
	// History keeps former definitions; nil: nothing does.
	History *History
	// Lazy: documents are whole at any time, but a power cut within a moment of a change
	// (settleAfter), if Close does not come before, may bring the former one back.
	Lazy bool

	read  lastRead
	tail  follower
	found entries
	late  settler
	// litter: there are temporary files, and who saw them did not hold LockNames.
	litter atomic.Bool
}

// lastRead is the file that was read last. A script asks the same object again
// and again, and a file is replaced whole: the same file with the same time and
// size has the same content.
type lastRead struct {
	mu   sync.Mutex
	name string
	info fs.FileInfo
	data []byte
}

const suffix = ".xml"

// CheckName refuses a name that would leave the store's folder.
func CheckName(name string) error {
	switch {
	case name == "":
		return xml.Errorf(xml.CodeXML, "name must not be empty")
	case strings.ContainsAny(name, "/\x00"):
		return xml.Errorf(xml.CodeXML, "name '%s' cannot contain '/'", strings.ToValidUTF8(name, "?"))
	case name == "." || name == "..":
		return xml.Errorf(xml.CodeXML, "name '%s' is not allowed", name)
	}
	return nil
}

// OneLine refuses a name with a line break, as libvirt does for most kinds.
func OneLine(name string) error {
	if strings.Contains(name, "\n") {
		return xml.Errorf(xml.CodePlain, "invalid char in name: \n")
	}
	return nil
}

// Names lists the stored objects, sorted. A folder that is not there is empty.
func (s *Store) Names() ([]string, error) { return namesIn(s.Dir) }

// Autostarted lists the objects marked for autostart, sorted.
func (s *Store) Autostarted() ([]string, error) { return namesIn(s.markDir(AutostartMark)) }

// filesIn lists a folder, in no order. One that is not there is empty.
func filesIn(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, SystemError("cannot read folder", dir, err)
	}
	defer f.Close()
	all, err := f.Readdirnames(-1)
	if err != nil {
		return nil, SystemError("cannot read folder", dir, err)
	}
	return all, nil
}

func namesIn(dir string) ([]string, error) {
	all, err := filesIn(dir)
	return stored(all), err
}

// stored are the objects' names among those of files, sorted.
func stored(files []string) []string {
	names := files[:0]
	for _, n := range files {
		if base, ok := strings.CutSuffix(n, suffix); ok && base != "" {
			names = append(names, base)
		}
	}
	sort.Strings(names)
	return names
}

func (s *Store) path(name string) string { return filepath.Join(s.Dir, name+suffix) }

// Mark is a kind of mark on a stored object: a folder with links to definitions.
type Mark string

// The marks.
const (
	AutostartMark     Mark = "autostart"      // start it with the host
	AutostartOnceMark Mark = "autostart-once" // start it with the host's next start
)

func (s *Store) markDir(m Mark) string { return filepath.Join(s.Dir, string(m)) }

func (s *Store) markPath(m Mark, name string) string { return filepath.Join(s.markDir(m), name+suffix) }

// Read gives the object's document, which is not the caller's to change;
// fs.ErrNotExist is in the error of a miss.
func (s *Store) Read(name string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	last := &s.read
	last.mu.Lock()
	defer last.mu.Unlock()
	if last.name == name {
		info, err := os.Stat(s.path(name))
		if err == nil && os.SameFile(info, last.info) && info.ModTime().Equal(last.info.ModTime()) && info.Size() == last.info.Size() {
			return last.data, nil
		}
	}
	data, info, err := readFile(s.path(name))
	if err != nil {
		return nil, err
	}
	last.name, last.info, last.data = name, info, data
	return data, nil
}

// Has tells whether the object is stored.
func (s *Store) Has(name string) bool {
	if CheckName(name) != nil {
		return false
	}
	_, err := os.Lstat(s.path(name))
	return err == nil
}

// Write stores the document under the name. The caller holds LockNames.
func (s *Store) Write(name, uuid string, data []byte) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	if err := s.keepFormer(name, data); err != nil {
		return err
	}
	if s.litter.Load() {
		s.sweep()
	}
	current := s.current()
	if err := replace(s.path(name), data, 0o600, (*os.File).Sync); err != nil {
		return err
	}
	s.settle()
	if current {
		s.note(uuid, name)
	}
	return nil
}

// makeDir makes the store's folder if it is not there.
func (s *Store) makeDir() error {
	if _, err := os.Stat(s.Dir); err == nil {
		return nil
	}
	if err := MakeDir(filepath.Dir(s.Dir)); err != nil {
		return err
	}
	return makeApart(s.Dir)
}

// Close makes durable what a lazy store has left for later.
func (s *Store) Close() { s.late.now(s.Dir) }

// Remove drops the object and its autostart marks. The caller holds LockNames.
func (s *Store) Remove(name string) error {
	autostart, once := s.Marked(AutostartMark, name), s.Marked(AutostartOnceMark, name)
	if err := s.retire(name, autostart, once); err != nil {
		return err
	}
	for m, on := range map[Mark]bool{AutostartMark: autostart, AutostartOnceMark: once} {
		if !on {
			continue
		}
		if err := s.SetMark(m, name, false); err != nil {
			return err
		}
	}
	current := s.current()
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return SystemError("cannot remove", s.path(name), err)
	}
	s.settle()
	if current {
		s.note("-", name)
	}
	return nil
}

// settle makes durable which files the store's folder has, or sees to it.
func (s *Store) settle() {
	if s.Lazy {
		s.late.soon(s.Dir)
		return
	}
	SyncDir(s.Dir)
}

// Marked tells whether the object has the mark.
func (s *Store) Marked(m Mark, name string) bool {
	_, err := os.Lstat(s.markPath(m, name))
	return err == nil
}

// SetMark sets or takes away a mark, a link to the definition.
func (s *Store) SetMark(m Mark, name string, on bool) error {
	link := s.markPath(m, name)
	if !on {
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return SystemError("Failed to delete symlink", link, err)
		}
		return nil
	}
	if err := MakeDir(s.markDir(m)); err != nil {
		return err
	}
	err := os.Symlink(s.path(name), link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return SystemError("Failed to create symlink", link, err)
	}
	SyncDir(s.markDir(m))
	return nil
}

// LockObject keeps other processes from changing the object until Unlock. It waits for at most what ctx allows.
func (s *Store) LockObject(ctx context.Context, name string) (*Lock, error) {
	return s.lock(func() (*Lock, error) { return lockNamed(ctx, s.Locks, name) })
}

// LockNames keeps names and uuids as they are. It must be held for
// milliseconds only, and never while a process is waited for.
func (s *Store) LockNames(ctx context.Context) (*Lock, error) {
	return s.lock(func() (*Lock, error) { return LockFile(ctx, s.namesLock()) })
}

func (s *Store) namesLock() string { return filepath.Join(s.Locks, "names.lock") }

// lock makes the folder of locks if need be.
func (s *Store) lock(take func() (*Lock, error)) (*Lock, error) {
	l, err := take()
	if errors.Is(err, fs.ErrNotExist) {
		if err := MakeDir(s.Locks); err != nil {
			return nil, err
		}
		return take()
	}
	return l, err
}

// lockOwn takes the lock of a name by a file of its own. Definitions may have names
// close to the limit of 255 bytes, so a long one is cut, which only makes it share a lock.
func lockOwn(ctx context.Context, dir, name string) (*Lock, error) {
	if len(name) > 200 {
		name = name[:200]
	}
	return LockFile(ctx, filepath.Join(dir, "object-"+name+".lock"))
}

// WriteFile replaces a file whole: temporary file, fsync, rename, fsync of the
// folder. After a kill or power cut there is the old content or the new.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	if err := replace(path, data, mode, (*os.File).Sync); err != nil {
		return err
	}
	SyncDir(filepath.Dir(path))
	return nil
}

// ReplaceFile is WriteFile without fsync, for what a power cut makes untrue anyway.
func ReplaceFile(path string, data []byte, mode os.FileMode) error {
	return replace(path, data, mode, func(*os.File) error { return nil })
}

// replace puts a new file in the place of another.
func replace(path string, data []byte, mode os.FileMode, settle func(*os.File) error) error {
	f, err := temporary(filepath.Dir(path))
	if err != nil {
		return SystemError("cannot create file in", filepath.Dir(path), err)
	}
	_, err = f.Write(data)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode) // whatever the umask
	}
	if err == nil {
		err = settle(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return SystemError("cannot write file", path, err)
	}
	return nil
}

// MakeDir makes the folder and what is above it, for this user alone.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return SystemError("cannot create directory", dir, err)
	}
	return nil
}

// SystemError is an error of the operating system in libvirt's form.
func SystemError(what, path string, err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	text := err
	if errors.As(err, &pe) {
		text = pe.Err
	} else if errors.As(err, &le) {
		text = le.Err
	}
	return &Error{Code: xml.CodeSystem, Msg: fmt.Sprintf("%s '%s': %s", what, path, SystemText(text)), Err: err}
}

// SystemText is an operating system's error as C programs print it: with a capital.
func SystemText(err error) string {
	t := err.Error()
	if t == "" {
		return t
	}
	return strings.ToUpper(t[:1]) + t[1:]
}

// sweep removes temporary files that killed processes left among the
// definitions. The caller holds LockNames, so nobody is writing there.
func (s *Store) sweep() {
	s.litter.Store(false)
	all, _ := filesIn(s.Dir)
	for _, n := range all {
		if strings.HasPrefix(n, tempPrefix) {
			os.Remove(filepath.Join(s.Dir, n))
		}
	}
}

// tempPrefix begins the name of a file that is to replace another.
const tempPrefix = ".tmp-"
