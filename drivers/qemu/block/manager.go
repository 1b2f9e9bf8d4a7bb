package block

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// Executer runs commands of QEMU's; a refusal is told as the peer tells it.
type Executer interface {
	Execute(ctx context.Context, command string, args, out any) error
}

// Guest is what the manager needs to know of its guest, and do with it.
type Guest interface {
	Executer
	// Live reads the live document, EditLive changes it.
	Live() (*xml.Domain, error)
	EditLive(func(*xml.Domain) error) error
	// Lock keeps commands from changing the domain until unlock.
	Lock(ctx context.Context) (unlock func())
	// EditConfig changes the definition; there may be none. The domain is locked.
	EditConfig(ctx context.Context, edit func(*xml.Domain)) error
	// Persistent tells whether the guest has a definition.
	Persistent() bool
	// Running tells whether the vCPUs run; Stop stops them for a moment, which
	// Continue ends.
	Running() bool
	Stop(ctx context.Context) error
	Continue(ctx context.Context)
	// Number takes the next number of a block node.
	Number() int
	// Nodes are the steps that make an image's nodes; backing is the node below,
	// "null" for none, "" for what its header says. The last one of format is
	// absent where the storage node is all there is.
	Nodes(d *xml.Disk, l Layer, top bool, backing string) (storage, format []qmp.Step, err error)
	// Own gives a file that was made to whom QEMU runs as.
	Own(*os.File) error
	// BackupOver is told the last numbers of a backup, and why it failed; ok: it has
	// not, since it was only an offer.
	BackupOver(stats []drivers.Param, failure string, ok bool)
	// Tell adds an event to the journal.
	Tell(name, detail, reason string)
}

// StateFile, in the guest's run folder, says what is under way.
const StateFile = "block.json"

// state is what is under way.
type state struct {
	Jobs    []*Job   `json:"jobs,omitempty"`
	Pending *pending `json:"pending,omitempty"`
	Backup  *backup  `json:"backup,omitempty"`
	Stopped bool     `json:"stopped,omitempty"` // the vCPUs stand still for a moment
}

// Manager keeps the block nodes of one guest. There is one, in its watcher.
type Manager struct {
	guest Guest
	dir   string

	mu    sync.Mutex // held while nodes are changed
	state state

	ends   sync.Mutex // guards waiters
	waiter map[string][]chan error
}

// New gives the manager of the guest of a run folder.
func New(g Guest, dir string) *Manager {
	m := &Manager{guest: g, dir: dir, waiter: make(map[string][]chan error)}
	data, err := os.ReadFile(filepath.Join(dir, StateFile))
	if err == nil {
		_ = json.Unmarshal(data, &m.state) // one that is broken says nothing is under way
	}
	return m
}

// save writes what is under way. m.mu is held.
func (m *Manager) save() error {
	path := filepath.Join(m.dir, StateFile)
	if len(m.state.Jobs) == 0 && m.state.Pending == nil && m.state.Backup == nil && !m.state.Stopped {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return drivers.SystemError("cannot remove", path, err)
		}
		return nil
	}
	data, err := json.Marshal(m.state)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(path, data, 0o600)
}

// Stopped runs fn while the vCPUs stand still. goOn: if it fails or not, they go
// on afterwards as they did before, else only if it fails.
func (m *Manager) Stopped(ctx context.Context, goOn bool, fn func() error) error {
	if !m.guest.Running() {
		return fn()
	}
	if err := m.note(func(s *state) { s.Stopped = true }); err != nil {
		return err
	}
	err := m.guest.Stop(ctx)
	if err == nil {
		err = fn()
	}
	if goOn || err != nil {
		m.guest.Continue(ctx)
	}
	if e := m.note(func(s *state) { s.Stopped = false }); err == nil {
		err = e
	}
	return err
}

// note changes what is under way.
func (m *Manager) note(change func(*state)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.state)
	return m.save()
}

// run executes steps; the undoing of those that succeeded is added to undo.
func (m *Manager) run(ctx context.Context, steps []qmp.Step, undo *drivers.Undo) error {
	for _, s := range steps {
		if err := m.guest.Execute(ctx, s.Execute, s.Arguments, nil); err != nil {
			return err
		}
		if s.Undo != "" {
			undo.Add(func() { m.back(s) })
		}
	}
	return nil
}

// back undoes a step; it may be undone already.
func (m *Manager) back(s qmp.Step) {
	b := s.Back()
	_ = m.guest.Execute(context.Background(), b.Execute, b.Arguments, nil)
}

// drop takes away the nodes of images, the upper ones first.
func (m *Manager) drop(d *xml.Disk, layers []Layer) {
	for i := range layers {
		storage, format, err := m.guest.Nodes(d, layers[i], false, "")
		if err != nil {
			continue
		}
		for _, s := range slices.Backward(append(storage, format...)) {
			if s.Undo != "" {
				m.back(s)
			}
		}
	}
}

// node is what QEMU tells of a block node.
type node struct {
	Name  string `json:"node-name"`
	Image struct {
		Size    uint64 `json:"virtual-size"`
		Cluster uint64 `json:"cluster-size"`
		Actual  uint64 `json:"actual-size"`
	}
	File    string
	Bitmaps []Bitmap `json:"dirty-bitmaps"`
}

// nodes asks for all block nodes.
func (m *Manager) nodes(ctx context.Context) (map[string]node, error) {
	var list []node
	if err := m.guest.Execute(ctx, "query-named-block-nodes", map[string]bool{"flat": true}, &list); err != nil {
		return nil, err
	}
	all := make(map[string]node, len(list))
	for _, n := range list {
		all[n.Name] = n
	}
	return all, nil
}

// create runs a job that makes an image, and reports its failure.
func (m *Manager) create(ctx context.Context, id string, options map[string]any) error {
	if err := m.guest.Execute(ctx, "blockdev-create", map[string]any{"job-id": id, "options": options}, nil); err != nil {
		return err
	}
	for {
		job, err := m.job(ctx, id)
		switch {
		case err != nil:
			return err
		case job == nil:
			return xml.Errorf(xml.CodeInternal, "the job '%s' has vanished", id)
		case job.Status == "concluded":
			_ = m.guest.Execute(ctx, "job-dismiss", map[string]string{"id": id}, nil)
			if job.Error != "" {
				return xml.Errorf(xml.CodeOperationFailed, "failed to format image: '%s'", job.Error)
			}
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// jobState is what QEMU tells of a job.
type jobState struct {
	ID, Status, Type, Error string
	Current                 uint64 `json:"current-progress"`
	Total                   uint64 `json:"total-progress"`
}

// job asks for one job, nil if there is none.
func (m *Manager) job(ctx context.Context, id string) (*jobState, error) {
	return findJob(ctx, m.guest, id)
}

func findJob(ctx context.Context, g Executer, id string) (*jobState, error) {
	var list []jobState
	if err := g.Execute(ctx, "query-jobs", nil, &list); err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, nil
}

// make makes an image where there is none yet, and its nodes. size is that of the
// disk, cluster that of the image it is made for, below what its header is to name.
func (m *Manager) make(ctx context.Context, d *xml.Disk, l Layer, backing string, size, cluster uint64, below *Layer, undo *drivers.Undo) error {
	storage, format, err := m.guest.Nodes(d, l, true, backing)
	if err != nil {
		return err
	}
	if len(format) == 0 { // raw: as large as it has to be, before it is opened
		if l.Type == "file" {
			options := map[string]any{"driver": "file", "filename": l.Source.File, "size": size}
			if err := m.create(ctx, "create-"+l.Storage(), options); err != nil {
				return err
			}
		}
		return m.run(ctx, storage, undo)
	}
	if err := m.run(ctx, storage, undo); err != nil {
		return err
	}
	options := map[string]any{"driver": l.Format, "file": l.Storage(), "size": size}
	if l.Format == "qcow2" && cluster > 0 {
		options["cluster-size"] = cluster
	}
	if below != nil {
		options["backing-file"], options["backing-fmt"] = below.header(), below.Format
	}
	if err := m.create(ctx, "create-"+l.Node(), options); err != nil {
		return err
	}
	return m.run(ctx, format, undo)
}

// touch makes an empty file for an image, unless one is there.
func (m *Manager) touch(l Layer, undo *drivers.Undo) error {
	path := l.Source.File
	if l.Type != "file" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		undo.Add(func() { os.Remove(path) })
		err = m.guest.Own(f)
		f.Close()
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return xml.Errorf(xml.CodeSystem, "failed to create image file '%s': %s", path, drivers.SystemText(err))
	}
	return nil
}
