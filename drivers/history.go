package drivers

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"virgo/xml"
)

// History keeps the former definitions of a store's objects: links to the files
// that changes replaced, so that keeping one costs a name and no data. What a
// revision is (its number, when a change took its place, which change) stands in
// its file's name: it is there whole or not at all.
type History struct {
	Dir    string        // NAME/ holds the former definitions of a defined object
	Gone   string        // NAME/ holds those of one that is defined no more
	Config string        // file with the settings history and history_undefined
	By     func() string // the command that is at work; nil: unknown

	once           sync.Once
	limit, objects int
}

// The bounds where the root's configuration names none.
const (
	defaultRevisions = 20  // of one object
	defaultGone      = 200 // objects that are defined no more
)

// Change is what took the place of a revision.
type Change string

// The changes.
const (
	Redefined Change = "changed"   // another definition
	Dropped   Change = "undefined" // none
	Restored  Change = "restored"  // a definition, where there was none: the revision is empty
)

// Revision is a former definition of an object.
type Revision struct {
	Number                   int       // counts up as long as the object's history is kept
	Time                     time.Time // when the change came
	Command                  string    // that made it, "" if unknown
	Change                   Change
	Autostart, AutostartOnce bool // Dropped: the marks that went with it

	file string
}

// FormerObject is an object that is defined no more.
type FormerObject struct {
	Name string
	Last Revision
}

// bounds reads the root's configuration, once.
func (h *History) bounds() (revisions, objects int) {
	h.once.Do(func() {
		text, _ := os.ReadFile(h.Config)
		h.limit = Count(string(text), "history", defaultRevisions)
		h.objects = Count(string(text), "history_undefined", defaultGone)
	})
	return h.limit, h.objects
}

// folder is where an object's history lies: there is at most one of the two.
func (h *History) folder(name string) string {
	dir := filepath.Join(h.Dir, name)
	if _, err := os.Lstat(dir); err != nil {
		if gone := filepath.Join(h.Gone, name); exists(gone) {
			return gone
		}
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// fileName is a revision's: NUMBER.MICROSECONDS.FLAGS.COMMAND.xml.
func (r *Revision) fileName() string {
	flags := map[Change]string{Redefined: "c", Dropped: "u", Restored: "r"}[r.Change]
	if r.Autostart {
		flags += "a"
	}
	if r.AutostartOnce {
		flags += "o"
	}
	return fmt.Sprintf("%06d.%d.%s.%s%s", r.Number, r.Time.UnixMicro(), flags, fileWord(r.Command), suffix)
}

// fileWord fits a command into a file's name.
func fileWord(command string) string {
	const most = 180
	var b strings.Builder
	for _, c := range command {
		word := string(c)
		if c == '/' || c == '%' || c < ' ' {
			word = fmt.Sprintf("%%%02X", c)
		}
		if c == utf8.RuneError || b.Len()+len(word) > most {
			continue
		}
		b.WriteString(word)
	}
	return b.String()
}

// parseRevision reads a file's name.
func parseRevision(file string) (Revision, bool) {
	base, ok := strings.CutSuffix(file, suffix)
	parts := strings.SplitN(base, ".", 4)
	if !ok || len(parts) < 4 || parts[2] == "" {
		return Revision{}, false
	}
	n, err := strconv.Atoi(parts[0])
	micros, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return Revision{}, false
	}
	r := Revision{Number: n, Time: time.UnixMicro(micros), file: file, Autostart: strings.Contains(parts[2][1:], "a"),
		AutostartOnce: strings.Contains(parts[2][1:], "o")}
	switch parts[2][0] {
	case 'c':
		r.Change = Redefined
	case 'u':
		r.Change = Dropped
	case 'r':
		r.Change = Restored
	default:
		return Revision{}, false
	}
	var b strings.Builder
	for s := parts[3]; s != ""; {
		if c, err := strconv.ParseUint(s[1:min(3, len(s))], 16, 8); s[0] == '%' && len(s) > 2 && err == nil {
			b.WriteByte(byte(c))
			s = s[3:]
			continue
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	r.Command = b.String()
	return r, true
}

// read lists a folder's revisions, the oldest first.
func (h *History) read(dir string) ([]Revision, error) {
	files, err := filesIn(dir)
	if err != nil {
		return nil, err
	}
	var out []Revision
	for _, name := range files {
		if r, ok := parseRevision(name); ok {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Number < out[j].Number })
	return out, nil
}

// revisions are an object's, and what of its folder is left of a change that was
// cut short: a link to the definition that still stands, or a mark that there was
// none where there is none.
func (s *Store) revisions(name, dir string) (list []Revision, stale string, err error) {
	list, err = s.History.read(dir)
	if err != nil || len(list) == 0 {
		return list, "", err
	}
	last := list[len(list)-1]
	now, err := os.Lstat(s.path(name))
	there := err == nil
	switch last.Change {
	case Restored:
		if there {
			return list, "", nil
		}
	default:
		then, err := os.Lstat(filepath.Join(dir, last.file))
		if err != nil || !there || !os.SameFile(now, then) {
			return list, "", nil
		}
	}
	return list[:len(list)-1], filepath.Join(dir, last.file), nil
}

// next begins a revision in an object's folder. The caller holds LockNames.
func (s *Store) next(name, dir string, c Change) (Revision, []Revision, error) {
	if err := MakeDir(dir); err != nil {
		return Revision{}, nil, err
	}
	list, stale, err := s.revisions(name, dir)
	if err != nil {
		return Revision{}, nil, err
	}
	if stale != "" {
		os.Remove(stale)
	}
	r := Revision{Number: 1, Time: time.Now(), Change: c}
	if len(list) > 0 {
		r.Number = list[len(list)-1].Number + 1
	}
	if s.History.By != nil {
		r.Command = s.History.By()
	}
	return r, list, nil
}

// trim forgets the oldest revisions beyond the bound, when one more has come.
func (h *History) trim(dir string, before []Revision) {
	limit, _ := h.bounds()
	for i := 0; i < len(before)+1-limit && i < len(before); i++ {
		os.Remove(filepath.Join(dir, before[i].file))
	}
}

// keepFormer keeps the definition that data is about to replace, if there is
// one and it says something else. The caller holds LockNames.
func (s *Store) keepFormer(name string, data []byte) error {
	h := s.History
	if h == nil {
		return nil
	}
	old, err := s.Read(name)
	if err != nil || bytes.Equal(old, data) {
		return nil
	}
	if limit, _ := h.bounds(); limit == 0 {
		return nil
	}
	if err := s.back(name); err != nil {
		return err
	}
	dir := filepath.Join(h.Dir, name)
	r, before, err := s.next(name, dir, Redefined)
	if err != nil {
		return err
	}
	if err := linkOrCopy(s.path(name), filepath.Join(dir, r.fileName())); err != nil {
		return err
	}
	h.trim(dir, before)
	return nil
}

// back takes the history of an object that is defined again to those of the
// defined ones, unless it is there.
func (s *Store) back(name string) error {
	if s.History == nil {
		return nil
	}
	gone, to := filepath.Join(s.History.Gone, name), filepath.Join(s.History.Dir, name)
	if !exists(gone) || exists(to) {
		return nil
	}
	if err := MakeDir(s.History.Dir); err != nil {
		return err
	}
	if err := os.Rename(gone, to); err != nil {
		return SystemError("cannot move", gone, err)
	}
	return nil
}

// retire moves a definition that is dropped into its history. The caller holds LockNames.
func (s *Store) retire(name string, autostart, once bool) error {
	h := s.History
	if h == nil {
		return os.Remove(s.path(name))
	}
	if limit, objects := h.bounds(); limit == 0 || objects == 0 {
		os.RemoveAll(filepath.Join(h.Dir, name))
		return os.Remove(s.path(name))
	}
	if !s.Has(name) {
		return fs.ErrNotExist
	}
	if err := MakeDir(h.Gone); err != nil {
		return err
	}
	dir := filepath.Join(h.Gone, name)
	if kept := filepath.Join(h.Dir, name); exists(kept) {
		os.RemoveAll(dir) // of a time when it was defined under this name and cut short
		if err := os.Rename(kept, dir); err != nil {
			return err
		}
	}
	r, before, err := s.next(name, dir, Dropped)
	if err != nil {
		return err
	}
	r.Autostart, r.AutostartOnce = autostart, once
	to := filepath.Join(dir, r.fileName())
	if err := os.Rename(s.path(name), to); err != nil {
		if err := linkOrCopy(s.path(name), to); err != nil {
			return err
		}
		if err := os.Remove(s.path(name)); err != nil {
			return err
		}
	}
	h.trim(dir, before)
	h.trimGone()
	return nil
}

// trimGone forgets the histories of the objects that have been gone for longest,
// a good many at once.
func (h *History) trimGone() {
	_, limit := h.bounds()
	names, err := filesIn(h.Gone)
	if err != nil || len(names) <= limit+limit/4 {
		return
	}
	at := make(map[string]time.Time, len(names))
	for _, n := range names {
		if fi, err := os.Lstat(filepath.Join(h.Gone, n)); err == nil {
			at[n] = fi.ModTime()
		}
	}
	sort.Slice(names, func(i, j int) bool { return at[names[i]].Before(at[names[j]]) })
	for _, n := range names[:len(names)-limit] {
		os.RemoveAll(filepath.Join(h.Gone, n))
	}
}

// linkOrCopy gives a file a second name; where the file system has no links the
// file is copied.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = ReplaceFile(to, data, 0o600)
	}
	if err != nil {
		return SystemError("cannot keep the former definition in", to, err)
	}
	return nil
}

// Revisions are the former definitions of an object, the oldest first. It need
// not be defined any more.
func (s *Store) Revisions(name string) ([]Revision, error) {
	if s.History == nil || CheckName(name) != nil {
		return nil, nil
	}
	list, _, err := s.revisions(name, s.History.folder(name))
	return list, err
}

// Revision gives a former definition.
func (s *Store) Revision(name string, number int) ([]byte, Revision, error) {
	list, err := s.Revisions(name)
	if err != nil {
		return nil, Revision{}, err
	}
	for _, r := range list {
		if r.Number == number {
			data, err := os.ReadFile(filepath.Join(s.History.folder(name), r.file))
			if err != nil {
				err = SystemError("cannot read", r.file, err)
			}
			return data, r, err
		}
	}
	return nil, Revision{}, xml.Errorf(xml.CodeInvalidArg, "no revision %d of '%s' is kept", number, name)
}

// Former lists the objects that are defined no more and can be brought back, by name.
func (s *Store) Former() ([]FormerObject, error) {
	if s.History == nil {
		return nil, nil
	}
	dirs, err := os.ReadDir(s.History.Gone)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, SystemError("cannot read folder", s.History.Gone, err)
	}
	var out []FormerObject
	for _, d := range dirs {
		if s.Has(d.Name()) {
			continue
		}
		if list, err := s.Revisions(d.Name()); err == nil && len(list) > 0 {
			out = append(out, FormerObject{d.Name(), list[len(list)-1]})
		}
	}
	return out, nil
}

// Undo brings back the definition with that number, or the one before the last
// change if it is 0. Where the last change was that a definition came back,
// there is none then, and gone is true. check may refuse the definition. The
// caller holds LockNames.
func (s *Store) Undo(name string, number int, check func(doc []byte) error) (uuid string, gone bool, err error) {
	list, err := s.Revisions(name)
	if err != nil {
		return "", false, err
	}
	if len(list) == 0 {
		return "", false, xml.Errorf(xml.CodeOperationInvalid, "no earlier definition of '%s' is kept", name)
	}
	if number == 0 {
		number = list[len(list)-1].Number
	}
	data, r, err := s.Revision(name, number)
	if err != nil {
		return "", false, err
	}
	old, missing := s.Read(name)
	defined := missing == nil
	if r.Change == Restored {
		if !defined {
			return "", true, xml.Errorf(xml.CodeOperationInvalid, "'%s' is not defined", name)
		}
		return DocumentUUID(old), true, s.Remove(name)
	}
	uuid = DocumentUUID(data)
	if defined && bytes.Equal(old, data) {
		return uuid, false, xml.Errorf(xml.CodeOperationInvalid, "revision %d of '%s' is the definition that stands", number, name)
	}
	if err := check(data); err != nil {
		return uuid, false, err
	}
	if !defined {
		if err := s.markAbsence(name); err != nil {
			return uuid, false, err
		}
	}
	if err := s.Write(name, uuid, data); err != nil || defined {
		return uuid, false, err
	}
	if r.Autostart {
		err = s.SetMark(AutostartMark, name, true)
	}
	if r.AutostartOnce && err == nil {
		err = s.SetMark(AutostartOnceMark, name, true)
	}
	return uuid, false, err
}

// markAbsence notes that there was no definition before one comes back.
func (s *Store) markAbsence(name string) error {
	dir := s.History.folder(name)
	r, before, err := s.next(name, dir, Restored)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, r.fileName()), nil, 0o600); err != nil {
		return SystemError("cannot write in", dir, err)
	}
	s.History.trim(dir, before)
	return nil
}
