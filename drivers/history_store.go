package drivers

import (
	"bytes"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"virgo/xml"
)

// revisions are an object's, and the file that is left of a change that was cut
// short: a link to the definition that still stands, or a mark that there was
// none where there is none. gone is how many definitions were dropped.
func (s *Store) revisions(name string) (list []Revision, stale string, gone int, err error) {
	list, gone, err = s.History.read(name)
	if err != nil || len(list) == 0 {
		return list, "", gone, err
	}
	last := list[len(list)-1]
	now, err := os.Lstat(s.path(name))
	there := err == nil
	if last.Change == Restored {
		if there {
			return list, "", gone, nil
		}
	} else {
		then, err := os.Lstat(last.path)
		if err != nil || !there || !os.SameFile(now, then) {
			return list, "", gone, nil
		}
	}
	return list[:len(list)-1], last.path, gone, nil
}

// next begins a revision. The caller holds LockNames.
func (s *Store) next(name string, c Change) (r Revision, before []Revision, gone int, err error) {
	list, stale, gone, err := s.revisions(name)
	if err != nil {
		return Revision{}, nil, 0, err
	}
	if stale != "" {
		os.Remove(stale)
	}
	r = Revision{Number: 1, Time: time.Now(), Change: c}
	if len(list) > 0 {
		r.Number = list[len(list)-1].Number + 1
	}
	if s.History.By != nil {
		r.Command = s.History.By()
	}
	return r, list, gone, nil
}

// trim forgets the oldest revisions beyond the bound, when one more has come.
func (h *History) trim(before []Revision) {
	limit, _, _ := h.bounds()
	for i := 0; i < len(before)+1-limit && i < len(before); i++ {
		os.Remove(before[i].path)
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
	if limit, _, err := h.bounds(); limit == 0 || err != nil {
		return err
	}
	r, before, _, err := s.next(name, Redefined)
	if err != nil {
		return err
	}
	dir := filepath.Join(h.Dir, name)
	if err := MakeDir(dir); err != nil {
		return err
	}
	if err := linkOrCopy(s.path(name), filepath.Join(dir, r.fileName(""))); err != nil {
		return err
	}
	h.trim(before)
	return nil
}

// retire keeps a definition that is about to be dropped. The caller holds
// LockNames. A folder for each would cost more than the drop itself.
func (s *Store) retire(name string, autostart, once bool) error {
	h := s.History
	if h == nil || !s.Has(name) {
		return nil
	}
	limit, most, err := h.bounds()
	if err != nil {
		return err
	}
	if limit == 0 || most == 0 {
		return os.RemoveAll(filepath.Join(h.Dir, name))
	}
	r, before, gone, err := s.next(name, Dropped)
	if err != nil {
		return err
	}
	if err := MakeDir(h.Gone); err != nil {
		return err
	}
	r.Autostart, r.AutostartOnce = autostart, once
	if err := linkOrCopy(s.path(name), filepath.Join(h.Gone, r.fileName(keyOf(name)))); err != nil {
		return err
	}
	h.trim(before)
	if gone <= most+most/4 {
		return nil
	}
	return s.trimGone()
}

// dropped is a file of a dropped definition.
type dropped struct {
	Revision
	key string
}

func (h *History) dropped() ([]dropped, error) {
	files, err := filesIn(h.Gone)
	if err != nil {
		return nil, err
	}
	out := make([]dropped, 0, len(files))
	for _, f := range files {
		key, rest, _ := strings.Cut(f, "~")
		if r, ok := parseRevision(rest); ok {
			r.path = filepath.Join(h.Gone, f)
			out = append(out, dropped{r, key})
		}
	}
	return out, nil
}

// name is the object's that was dropped, "" if it cannot be told.
func (d *dropped) name() string {
	if !strings.HasPrefix(d.key, "@") {
		return unescapeWord(d.key)
	}
	data, err := os.ReadFile(d.path)
	if err != nil {
		return ""
	}
	root, err := xml.Parse(xml.Source{Data: data})
	if err != nil || root.Child("name") == nil {
		return ""
	}
	return root.Child("name").Value()
}

// trimGone forgets the definitions that were dropped first, a good many at once,
// and what else is kept of objects of which nothing is left.
func (s *Store) trimGone() error {
	_, limit, _ := s.History.bounds()
	list, err := s.History.dropped()
	if err != nil {
		return err
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Time.Before(list[j].Time) })
	left := map[string]bool{}
	for _, d := range list[max(0, len(list)-limit):] {
		left[d.key] = true
	}
	for _, d := range list[:max(0, len(list)-limit)] {
		name := d.name()
		os.Remove(d.path)
		if !left[d.key] && CheckName(name) == nil && !s.Has(name) {
			os.RemoveAll(filepath.Join(s.History.Dir, name))
		}
	}
	return nil
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
	list, _, _, err := s.revisions(name)
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
			data, err := os.ReadFile(r.path)
			if err != nil {
				err = SystemError("cannot read", r.path, err)
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
	list, err := s.History.dropped()
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	for i, d := range list {
		if at, ok := last[d.key]; !ok || list[at].Number < d.Number {
			last[d.key] = i
		}
	}
	var out []FormerObject
	for _, i := range last {
		if name := list[i].name(); CheckName(name) == nil && !s.Has(name) {
			out = append(out, FormerObject{name, list[i].Revision})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
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
	r, before, _, err := s.next(name, Restored)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.History.Dir, name)
	if err := MakeDir(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, r.fileName("")), nil, 0o600); err != nil {
		return SystemError("cannot write in", dir, err)
	}
	s.History.trim(before)
	return nil
}
