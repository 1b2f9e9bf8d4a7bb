package drivers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"virgo/xml"
)

// The index is a log of lines "UUID MTIME<tab>NAME": what Write noted, with the
// folder's modification time after it; "-" in place of the uuid is a removal.
// It is derived: it counts only while its last line names the folder's present
// modification time, is rebuilt from the definitions otherwise, and is never
// fsynced. A reader who cannot write it scans instead.

// ByUUID finds the name of the object with that uuid, "" if there is none.
func (s *Store) ByUUID(uuid string) (string, error) {
	log, err := s.log()
	if err != nil {
		return "", err
	}
	return s.found.find(log, uuid), nil
}

// UUIDs gives all objects' uuids by name.
func (s *Store) UUIDs() (map[string]string, error) {
	log, err := s.log()
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for len(log) > 0 {
		var line []byte
		line, log, _ = bytes.Cut(log, []byte("\n"))
		uuid, name, ok := splitLine(line)
		switch {
		case !ok:
		case uuid == "-":
			delete(all, name)
		default:
			all[name] = uuid
		}
	}
	return all, nil
}

func splitLine(line []byte) (uuid, name string, ok bool) {
	u, rest, ok1 := strings.Cut(string(line), " ")
	_, n, ok2 := strings.Cut(rest, "\t")
	return u, unescape(n), ok1 && ok2
}

// A name may hold a newline or tab; the log's names may not.
func escape(name string) string {
	if !strings.ContainsAny(name, "\\\n\t") {
		return name
	}
	return strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\t", "\\t").Replace(name)
}

func unescape(name string) string {
	if !strings.Contains(name, "\\") {
		return name
	}
	return strings.NewReplacer("\\\\", "\\", "\\n", "\n", "\\t", "\t").Replace(name)
}

// entries are the index as a table. A process that looks for one uuid searches
// the text; a session that goes on asking gets the table.
type entries struct {
	mu     sync.Mutex
	asked  int
	read   []byte // the text that the table was made of
	names  map[string]string
	uuids  map[string]string
	double bool // a uuid stood twice: the text decides
}

// tableFrom is the question from which on the table is worth its making.
const tableFrom = 4

func (t *entries) find(log []byte, uuid string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked++; t.asked < tableFrom {
		return findUUID(log, uuid)
	}
	if t.names == nil || !grown(t.read, log) {
		t.names, t.uuids, t.read, t.double = map[string]string{}, map[string]string{}, nil, false
	}
	for more := log[len(t.read):]; len(more) > 0; {
		var line []byte
		line, more, _ = bytes.Cut(more, []byte("\n"))
		t.add(line)
	}
	t.read = log
	if t.double {
		return findUUID(log, uuid)
	}
	return t.uuids[uuid]
}

// grown tells whether the text after is the text before with more behind it, in
// the same memory or with the same end.
func grown(before, after []byte) bool {
	n := len(before)
	if n > len(after) || n > 0 && before[n-1] != '\n' {
		return false
	}
	tail := max(0, n-256) // its last line has a time in nanoseconds
	return bytes.Equal(before[tail:], after[tail:n])
}

func (t *entries) add(line []byte) {
	uuid, name, ok := splitLine(line)
	if !ok {
		return
	}
	if old, ok := t.names[name]; ok {
		delete(t.names, name)
		delete(t.uuids, old)
	}
	if uuid == "-" {
		return
	}
	if _, ok := t.uuids[uuid]; ok {
		t.double = true
	}
	t.names[name], t.uuids[uuid] = uuid, name
}

// findUUID takes the last line with the uuid whose name has no later line. Most
// uuids that are asked for are not there, and a search from the front is the
// fast one.
func findUUID(log []byte, uuid string) string {
	var found []int
	key := []byte(uuid + " ")
	for at := 0; ; {
		i := bytes.Index(log[at:], key)
		if i < 0 {
			break
		}
		if i += at; i == 0 || log[i-1] == '\n' {
			found = append(found, i)
		}
		at = i + len(key)
	}
	for _, i := range slices.Backward(found) {
		line, rest, _ := bytes.Cut(log[i:], []byte("\n"))
		_, name, ok := splitLine(line)
		if ok && !bytes.Contains(rest, []byte("\t"+escape(name)+"\n")) {
			return name
		}
	}
	return ""
}

// log gives the valid index, rebuilt if need be.
func (s *Store) log() ([]byte, error) {
	stamp, err := dirStamp(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, SystemError("cannot read folder", s.Dir, err)
	}
	if log, err := s.tail.follow(s.Index); err == nil && lastStamp(log) == stamp && !outgrown(log) {
		return log, nil
	}
	return s.rebuild(stamp)
}

// follower is a file that only grows, as far as it has been read. It stays open,
// so that another file in its place is told from it.
type follower struct {
	mu   sync.Mutex
	file *os.File
	data []byte
}

func (w *follower) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file != nil
}

// follow reads what has come to the file since the last time. What it gives is
// not the caller's to change.
func (w *follower) follow(path string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if w.file != nil {
		if had, err := w.file.Stat(); err != nil || !os.SameFile(had, now) || now.Size() < int64(len(w.data)) {
			w.file.Close()
			w.file, w.data = nil, nil
		}
	}
	if w.file == nil {
		if w.file, err = OpenFile(path, os.O_RDONLY, 0); err != nil {
			w.file = nil
			return nil, err
		}
	}
	had := len(w.data)
	more := int(now.Size()) - had
	w.data = slices.Grow(w.data, max(more, 0))
	n, err := w.file.ReadAt(w.data[had:had+more], int64(had))
	w.data = w.data[:had+n]
	if err != nil && err != io.EOF {
		return nil, err
	}
	return w.data, nil
}

// outgrown tells whether most of a long index is about what is gone.
func outgrown(log []byte) bool {
	return len(log) > 128<<10 && 3*bytes.Count(log, []byte("\n- ")) > bytes.Count(log, []byte("\n"))
}

func (s *Store) rebuild(stamp string) ([]byte, error) {
	all, err := filesIn(s.Dir)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(n string) bool { return strings.HasPrefix(n, tempPrefix) }) {
		if l, _ := TryLockFile(s.namesLock()); l == nil {
			s.litter.Store(true) // somebody is writing, perhaps this process
		} else {
			s.sweep()
			if now, err := dirStamp(s.Dir); err == nil {
				stamp = now
			}
			defer l.Unlock()
		}
	}
	names := stored(all)
	var b bytes.Buffer
	for _, n := range names {
		data, err := os.ReadFile(s.path(n))
		if err != nil {
			continue
		}
		fmt.Fprintf(&b, "%s 0\t%s\n", DocumentUUID(data), escape(n))
	}
	// The last line carries the stamp; "-" of a name that cannot be is no entry.
	fmt.Fprintf(&b, "- %s\t/\n", stamp)
	Cache(s.Index, b.Bytes())
	return b.Bytes(), nil
}

// current tells whether the index holds all definitions. Asked before a change:
// a line noted behind a stale log would make it look whole.
func (s *Store) current() bool {
	stamp, err := dirStamp(s.Dir)
	if err != nil {
		return false
	}
	if s.tail.begun() { // then little has come since
		log, err := s.tail.follow(s.Index)
		return err == nil && lastStamp(log) == stamp
	}
	f, err := OpenFile(s.Index, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false
	}
	tail := make([]byte, min(size, 4096)) // longer than any line
	_, err = f.ReadAt(tail, size-int64(len(tail)))
	return err == nil && lastStamp(tail) == stamp
}

// note adds a line after a change to an index that was current before it.
func (s *Store) note(uuid, name string) {
	stamp, err := dirStamp(s.Dir)
	if err != nil {
		return
	}
	f, err := OpenFile(s.Index, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return // no index yet: the next reader makes it
	}
	defer f.Close()
	fmt.Fprintf(f, "%s %s\t%s\n", uuid, stamp, escape(name))
}

func dirStamp(dir string) (string, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(fi.ModTime().UnixNano()), nil
}

func lastStamp(log []byte) string {
	if len(log) == 0 || log[len(log)-1] != '\n' {
		return ""
	}
	line := log[bytes.LastIndexByte(log[:len(log)-1], '\n')+1:]
	_, rest, _ := strings.Cut(string(line), " ")
	stamp, _, _ := strings.Cut(rest, "\t")
	return stamp
}

// DocumentUUID takes the uuid from a document's head without reading the rest of it.
func DocumentUUID(doc []byte) string {
	_, rest, ok := bytes.Cut(doc, []byte("<uuid>"))
	if !ok {
		return ""
	}
	u, _, _ := bytes.Cut(rest, []byte("</uuid>"))
	return strings.ToLower(strings.TrimSpace(string(u)))
}

// Clash is the error for a definition that takes another's name or uuid, nil
// if there is none. what is the kind's noun. The caller holds LockNames.
func (s *Store) Clash(what, name, uuid string) error {
	if old, err := s.Read(name); err == nil {
		if u := DocumentUUID(old); u != uuid {
			return xml.Errorf(xml.CodeOperationFailed, "%s '%s' already exists with uuid %s", what, name, u)
		}
		return nil
	}
	other, err := s.ByUUID(uuid)
	if err != nil || other == "" || other == name {
		return err
	}
	if old, err := s.Read(other); err != nil || DocumentUUID(old) != uuid {
		return nil
	}
	return xml.Errorf(xml.CodeOperationFailed, "%s '%s' is already defined with uuid %s", what, other, uuid)
}
