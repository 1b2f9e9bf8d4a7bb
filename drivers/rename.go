package drivers

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// renameFile, in the store's folder, says that an object is being renamed, so that
// who comes after a kill ends it.
const renameFile = ".rename"

// renaming is what it says. Folders are further ones that go along: from, to.
type renaming struct {
	From    string      `json:"from"`
	To      string      `json:"to"`
	UUID    string      `json:"uuid"`
	Folders [][2]string `json:"folders"`
}

// Rename stores the document under another name, with the object's marks, its
// history and the folders. The caller holds LockNames.
func (s *Store) Rename(from, to, uuid string, data []byte, folders [][2]string) error {
	if err := CheckName(to); err != nil {
		return err
	}
	if h := s.History; h != nil {
		folders = append(folders, [2]string{filepath.Join(h.Dir, from), filepath.Join(h.Dir, to)})
	}
	r := renaming{from, to, uuid, folders}
	plan, err := json.Marshal(r)
	if err == nil {
		err = WriteFile(filepath.Join(s.Dir, renameFile), plan, 0o600)
	}
	if err != nil {
		return err
	}
	if err := WriteFile(s.path(to), data, 0o600); err != nil {
		os.Remove(filepath.Join(s.Dir, renameFile))
		return err
	}
	return s.endRename(r)
}

// endRename does what is left to do once the new document stands; some of it may
// have been done before.
func (s *Store) endRename(r renaming) error {
	for _, m := range []Mark{AutostartMark, AutostartOnceMark} {
		if !s.Marked(m, r.From) {
			continue
		}
		if err := s.SetMark(m, r.To, true); err != nil {
			return err
		}
		if err := s.SetMark(m, r.From, false); err != nil {
			return err
		}
	}
	for _, f := range r.Folders {
		if _, err := os.Stat(f[0]); err != nil {
			continue
		}
		if err := os.RemoveAll(f[1]); err != nil { // of another object, which is gone
			return SystemError("cannot remove", f[1], err)
		}
		if err := os.Rename(f[0], f[1]); err != nil {
			return SystemError("cannot rename", f[0], err)
		}
	}
	if err := os.Remove(s.path(r.From)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return SystemError("cannot remove", s.path(r.From), err)
	}
	SyncDir(s.Dir)
	if err := os.Remove(filepath.Join(s.Dir, renameFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return SystemError("cannot remove", filepath.Join(s.Dir, renameFile), err)
	}
	SyncDir(s.Dir)
	return nil
}

// Settle ends a rename that was cut short: the object has its old name or the new
// one then.
func (s *Store) Settle(ctx context.Context) error {
	file := filepath.Join(s.Dir, renameFile)
	if _, err := os.Lstat(file); err != nil {
		return nil
	}
	names, err := s.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	plan, err := os.ReadFile(file)
	if err != nil { // whoever was at it has ended it
		return nil
	}
	var r renaming
	if json.Unmarshal(plan, &r) != nil || !s.Has(r.To) {
		os.Remove(file)
		return nil
	}
	return s.endRename(r)
}
