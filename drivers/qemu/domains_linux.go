package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/watch"
	"virgo/xml"
)

// domains are the guests of a root.
type domains struct{ *Conn }

var (
	_ drivers.Objects         = (*domains)(nil)
	_ drivers.Definer         = (*domains)(nil)
	_ drivers.Creator         = (*domains)(nil)
	_ drivers.Starter         = (*domains)(nil)
	_ drivers.Destroyer       = (*domains)(nil)
	_ drivers.Autostarter     = (*domains)(nil)
	_ drivers.OnceAutostarter = (*domains)(nil)
	_ drivers.Shutter         = (*domains)(nil)
	_ drivers.Resetter        = (*domains)(nil)
	_ drivers.Pauser          = (*domains)(nil)
	_ drivers.DomainInfoer    = (*domains)(nil)
	_ drivers.Monitor         = (*domains)(nil)
	_ drivers.Metadataer      = (*domains)(nil)
	_ drivers.Consoler        = (*domains)(nil)
	_ drivers.Eventer         = (*domains)(nil)
)

// manyUUIDs is the number of definitions from which a listing gives uuids only
// if they are asked for: they need the index.
const manyUUIDs = 256

// List reads the folder of definitions and the status of what runs, no definition.
func (d *domains) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if err := d.store.Settle(ctx); err != nil {
		return nil, err
	}
	running, err := d.running(ctx)
	if err != nil {
		return nil, err
	}
	var saved map[string]bool
	if f.Saves || f.ManagedSave != drivers.Any {
		saved = d.allSaved()
	}
	var entries []drivers.Entry
	seen := make(map[string]bool, len(running))
	for _, s := range running {
		seen[s.Name] = true
		e := drivers.Entry{Ref: drivers.Ref{Kind: drivers.Domain, Name: s.Name, UUID: s.UUID, ID: s.ID},
			Active: true, Persistent: d.store.Has(s.Name), State: s.State, Reason: s.Reason}
		e.Autostart = d.store.Marked(drivers.AutostartMark, s.Name)
		entries = append(entries, e)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].ID < entries[j].ID })
	if f.Active != drivers.Yes {
		inactive, err := d.inactive(seen, f)
		if err != nil {
			return nil, err
		}
		entries = append(entries, inactive...)
	}
	passed := entries[:0]
	for _, e := range entries {
		e.ManagedSave = saved[e.Name]
		if !f.Admits(e) {
			continue
		}
		if f.Titles {
			e.Title = d.title(e)
		}
		passed = append(passed, e)
	}
	return passed, nil
}

func (d *domains) inactive(seen map[string]bool, f drivers.Filter) ([]drivers.Entry, error) {
	names, err := d.store.Names()
	if err != nil {
		return nil, err
	}
	var uuids map[string]string
	if f.UUIDs || len(names) <= manyUUIDs {
		if uuids, err = d.store.UUIDs(); err != nil {
			return nil, err
		}
	}
	marked := make(map[string]bool)
	auto, err := d.store.Autostarted()
	if err != nil {
		return nil, err
	}
	for _, n := range auto {
		marked[n] = true
	}
	entries := make([]drivers.Entry, 0, len(names))
	for _, n := range names {
		if seen[n] {
			continue
		}
		entries = append(entries, drivers.Entry{Ref: drivers.Ref{Kind: drivers.Domain, Name: n, UUID: uuids[n], ID: -1},
			Persistent: true, State: drivers.ShutOff, Autostart: marked[n]})
	}
	return entries, nil
}

// title reads the one element that a listing shows of a definition.
func (d *domains) title(e drivers.Entry) string {
	data, err := d.XML(context.Background(), e.Ref, 0)
	if err != nil {
		return ""
	}
	root, err := xml.Parse(xml.Source{Data: data})
	if err != nil {
		return ""
	}
	if t := root.Child("title"); t != nil {
		return t.Value()
	}
	return ""
}

// running gives the status of every running guest, having mended what was left
// by processes that were killed.
func (d *domains) running(ctx context.Context) ([]Status, error) {
	f, err := os.Open(d.layout.guests())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "cannot read folder '%s': %s", d.layout.guests(), drivers.SystemText(unwrapPath(err)))
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var list []Status
	for _, n := range names {
		if s, ok := d.touch(ctx, n); ok {
			list = append(list, s)
		}
	}
	return list, nil
}

// touch gives the status of a guest, and whether it runs. What was recorded is
// believed only as far as its processes are there.
func (c *Conn) touch(ctx context.Context, name string) (Status, bool) {
	if drivers.CheckName(name) != nil {
		return Status{}, false
	}
	dir := c.layout.guest(name)
	if _, err := os.Stat(dir); err != nil {
		return Status{}, false
	}
	s, err := readStatus(dir)
	if err == nil && s.Watcher.Alive() {
		return s, true
	}
	// Someone is at work on it, or was killed. Only who has the lock may judge.
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	lock, lockErr := c.store.LockObject(short, name)
	if lockErr != nil {
		s, err = readStatus(dir)
		return s, err == nil && (s.Watcher.Alive() || s.QEMU.Alive())
	}
	defer lock.Unlock()
	return c.mend(ctx, name, lock)
}

// mend brings the record of a guest without watcher in line with what runs. The
// object is locked.
func (c *Conn) mend(ctx context.Context, name string, lock *drivers.Lock) (Status, bool) {
	dir := c.layout.guest(name)
	if _, err := os.Stat(dir); err != nil {
		return Status{}, false
	}
	s, err := readStatus(dir)
	if err == nil && s.Watcher.Alive() && !dying(ctx, dir, s.Watcher) { // it came while we waited for the lock
		return s, true
	}
	if s.Name == "" {
		s.Name = name
	}
	if !qemuAlive(dir) {
		c.forget(s, drivers.ShutOffCrashed)
		return Status{}, false
	}
	if err == nil && s.Started {
		if adopted, err := c.adopt(ctx, s, lock); err == nil {
			return adopted, true
		}
		if s.QEMU.Alive() {
			return s, true // it runs; who wants its monitor will hear why that fails
		}
	}
	// Its start never came to an end and nobody works on it any more, or it has
	// ended this very moment.
	killHolder(dir, s)
	c.forget(s, drivers.ShutOffCrashed)
	return Status{}, false
}

func (c *Conn) forget(s Status, reason drivers.Reason) {
	detail := "Failed"
	switch {
	case !s.Started:
		reason = drivers.ShutOffFailed
	case s.Saving != nil && s.Saving.settle(): // it was ended because it was saved
		reason, detail = drivers.ShutOffSaved, "Saved"
	}
	removeGuest(c.layout, s, ending{Reason: reason, Since: time.Now()})
	watch.DropGroups(s.Name)
	if s.Started {
		watch.Journal{Path: c.layout.journal()}.Append(drivers.Event{
			Ref: drivers.Ref{Kind: drivers.Domain, Name: s.Name, UUID: s.UUID, ID: s.ID}, Name: "lifecycle", Detail: "Stopped", Reason: detail, Time: time.Now()})
	}
}

// adopt gives the guest a new watcher.
func (c *Conn) adopt(ctx context.Context, s Status, lock *drivers.Lock) (Status, error) {
	result, err := c.watcher(ctx, s.Name, nil, map[string]*os.File{"lock": lock.File()})
	if err != nil {
		return s, err
	}
	return result, nil
}

// Lookup finds a domain by id, uuid or name.
func (d *domains) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	if err := d.store.Settle(ctx); err != nil {
		return drivers.Ref{}, err
	}
	switch by {
	case drivers.ByID:
		id, err := strconv.Atoi(word)
		if err == nil {
			running, err := d.running(ctx)
			if err != nil {
				return drivers.Ref{}, err
			}
			for _, s := range running {
				if s.ID == id {
					return s.ref(), nil
				}
			}
		}
		return drivers.Ref{}, xml.Errorf(xml.CodeNoDomain, "no domain with matching id '%s'", word)
	case drivers.ByUUID:
		return d.byUUID(ctx, word)
	case drivers.ByName:
		if s, ok := d.touch(ctx, word); ok {
			return s.ref(), nil
		}
		data, err := d.store.Read(word)
		if err == nil {
			return drivers.Ref{Kind: drivers.Domain, Name: word, UUID: drivers.DocumentUUID(data), ID: -1}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return drivers.Ref{}, xml.Errorf(xml.CodeSystem, "cannot read the definition of '%s': %s", word, drivers.SystemText(unwrapPath(err)))
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoDomain, "no domain with matching name '%s'", word)
}

func (d *domains) byUUID(ctx context.Context, uuid string) (drivers.Ref, error) {
	running, err := d.running(ctx)
	if err != nil {
		return drivers.Ref{}, err
	}
	for _, s := range running {
		if s.UUID == uuid {
			return s.ref(), nil
		}
	}
	name, err := d.store.ByUUID(uuid)
	if err != nil {
		return drivers.Ref{}, err
	}
	if name == "" {
		return drivers.Ref{}, xml.Errorf(xml.CodeNoDomain, "no domain with matching uuid '%s'", uuid)
	}
	return drivers.Ref{Kind: drivers.Domain, Name: name, UUID: uuid, ID: -1}, nil
}

func (s Status) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Domain, Name: s.Name, UUID: s.UUID, ID: s.ID}
}

// gone is the error for an object that was there when it was looked up.
func gone(r drivers.Ref) error {
	return xml.Errorf(xml.CodeNoDomain, "no domain with matching uuid '%s' (%s)", r.UUID, r.Name)
}

// definition reads and parses the stored definition.
func (d *domains) definition(r drivers.Ref) (*xml.Domain, []byte, error) {
	data, err := d.store.Read(r.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, gone(r)
	}
	if err != nil {
		return nil, nil, err
	}
	dom, err := readDomain(xml.Source{Name: filepath.Join(d.layout.Etc, r.Name+".xml"), Data: data})
	return dom, data, err
}

// SetAutostart marks a domain to be started with the host.
func (d *domains) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	return d.mark(ctx, r, drivers.AutostartMark, on)
}

// SetAutostartOnce marks a domain to be started with the host's next start.
func (d *domains) SetAutostartOnce(ctx context.Context, r drivers.Ref, on bool) error {
	return d.mark(ctx, r, drivers.AutostartOnceMark, on)
}

// AutostartOnce tells whether it is marked so.
func (d *domains) AutostartOnce(_ context.Context, r drivers.Ref) (bool, error) {
	return d.store.Marked(drivers.AutostartOnceMark, r.Name), nil
}

func (d *domains) mark(ctx context.Context, r drivers.Ref, m drivers.Mark, on bool) error {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if !d.store.Has(r.Name) {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot set autostart for transient domain")
	}
	return d.store.SetMark(m, r.Name, on)
}

// Define keeps a definition. That of a running domain counts from its next start.
func (d *domains) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	dom, err := d.parse(ctx, src, f)
	if err != nil {
		return drivers.Ref{}, err
	}
	domain.SortControllers(dom)
	data, err := storedForm(dom)
	if err != nil {
		return drivers.Ref{}, err
	}
	lock, err := d.store.LockObject(ctx, dom.Name)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer lock.Unlock()
	names, err := d.store.LockNames(ctx)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer names.Unlock()
	if err := d.clash(dom.Name, dom.UUID); err != nil {
		return drivers.Ref{}, err
	}
	existed := d.store.Has(dom.Name)
	if err := d.store.Write(dom.Name, dom.UUID, data); err != nil {
		return drivers.Ref{}, err
	}
	ref := d.refOf(dom.Name, dom.UUID)
	if existed || ref.ID >= 0 { // one that runs without a definition is there too
		d.tell(ref, "Defined", "Updated")
	} else {
		d.tell(ref, "Defined", "Added")
	}
	return ref, nil
}

// clash is the error for a name or uuid that another domain has. Names are locked.
func (d *domains) clash(name, uuid string) error {
	if err := d.store.Clash("domain", name, uuid); err != nil {
		return err
	}
	dirs, err := os.ReadDir(d.layout.guests())
	if err != nil {
		return nil // nothing runs
	}
	for _, e := range dirs {
		s, err := readStatus(filepath.Join(d.layout.guests(), e.Name()))
		if err != nil || !s.Watcher.Alive() && !s.QEMU.Alive() {
			continue
		}
		if s.Name == name && s.UUID != uuid {
			return xml.Errorf(xml.CodeOperationFailed, "domain '%s' already exists with uuid %s", name, s.UUID)
		}
		if s.Name != name && s.UUID == uuid {
			return xml.Errorf(xml.CodeOperationFailed, "domain '%s' is already defined with uuid %s", s.Name, uuid)
		}
	}
	return nil
}

// Undefine forgets a definition; a running domain runs on as a transient one.
func (d *domains) Undefine(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	lock, err := d.store.LockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	dom, _, err := d.definition(r)
	if xml.CodeOf(err) == xml.CodeNoDomain {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot undefine transient domain")
	}
	_, running := d.mend(ctx, r.Name, lock)
	if !running {
		if err := d.checkMoments(r, f); err != nil {
			return err
		}
	}
	saved := !running && d.hasSaved(r.Name)
	if saved && !f.Has(drivers.ManagedSaveToo) {
		return xml.Errorf(xml.CodeOperationInvalid, "Refusing to undefine while domain managed save image exists")
	}
	nvram := ""
	if err == nil { // one that cannot be read any more can still be undefined
		nvram = nvramFile(dom)
	}
	if _, err := os.Stat(nvram); nvram != "" && err == nil {
		switch {
		case f.Has(drivers.NVRAMToo):
			if err := os.Remove(nvram); err != nil {
				return xml.Errorf(xml.CodeSystem, "failed to remove nvram: %s: %s", nvram, drivers.SystemText(unwrapPath(err)))
			}
		case !f.Has(drivers.KeepNVRAM):
			return xml.Errorf(xml.CodeOperationInvalid, "cannot undefine domain with nvram")
		}
	}
	names, err := d.store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	if saved { // first: a domain that is defined later must not go on from it
		if err := d.dropSaved(r.Name); err != nil {
			return err
		}
	}
	if err := d.store.Remove(r.Name); err != nil {
		return err
	}
	if dom != nil && !f.Has(drivers.KeepTPM) && !running && len(dom.Devices.TPMs) > 0 {
		os.RemoveAll(d.layout.tpmDir(dom.UUID))
	}
	if !running {
		d.forgetMoments(r.Name)
	}
	os.Remove(d.layout.ended(r.Name))
	os.Remove(d.layout.completedJob(r.Name))
	if !running {
		os.Remove(d.layout.agentTimeout(r.Name))
	}
	d.tell(r, "Undefined", "Removed")
	return nil
}

// happened notes an event of another kind than the changes of a domain's life.
func (c *Conn) happened(r drivers.Ref, name, detail string) {
	if drivers.MakeDir(c.layout.Run) == nil {
		watch.Journal{Path: c.layout.journal()}.Append(drivers.Event{Ref: r, Name: name, Detail: detail, Time: time.Now()})
	}
}

func (c *Conn) tell(r drivers.Ref, detail, reason string) {
	if drivers.MakeDir(c.layout.Run) == nil {
		watch.Journal{Path: c.layout.journal()}.Append(drivers.Event{Ref: r, Name: "lifecycle", Detail: detail, Reason: reason, Time: time.Now()})
	}
}

// Events follows the root's journal.
func (d *domains) Events(ctx context.Context, only *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return drivers.Follow(ctx, watch.Journal{Path: d.layout.journal()}, only)
}

// notRunning is the peer's error for what needs a running domain.
func notRunning() error { return fmt.Errorf("%w", errGone) }
