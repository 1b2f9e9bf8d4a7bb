package block

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// backup is a copy of disks under way, or an offer of them to others.
type backup struct {
	Doc   string        `json:"doc"` // the <domainbackup>
	Pull  bool          `json:"pull,omitempty"`
	Began time.Time     `json:"began"`
	Disks []*backupDisk `json:"disks"`
	Abort bool          `json:"abort,omitempty"`
	Error string        `json:"error,omitempty"`
	Sock  string        `json:"sock,omitempty"` // the socket at which it is offered
}

// backupDisk is one disk of it.
type backupDisk struct {
	Disk   string `json:"disk"`
	Job    string `json:"job"`
	Node   string `json:"node"`             // the disk's
	Store  Layer  `json:"store"`            // where the blocks go
	Bitmap string `json:"bitmap,omitempty"` // on Node, for the time of the backup
	Made   bool   `json:"made,omitempty"`   // the file goes with the backup
	Over   bool   `json:"over,omitempty"`
	Total  uint64 `json:"total,omitempty"`
	Done   uint64 `json:"done,omitempty"`
}

// BackupRequest is a backup that is to begin.
type BackupRequest struct {
	Doc   string `json:"doc"` // complete: each disk is named, with its store
	Reuse bool   `json:"reuse,omitempty"`
	Marks []Mark `json:"marks,omitempty"` // a checkpoint at the same moment
}

// Backup begins a backup. The caller sees to it that none is under way.
func (m *Manager) Backup(ctx context.Context, r BackupRequest) error {
	def := &xml.Backup{}
	if err := xml.Unmarshal(xml.Source{Name: "backup", Data: []byte(r.Doc)}, def); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	live, err := m.guest.Live()
	if err != nil {
		return err
	}
	nodes, err := m.nodes(ctx)
	if err != nil {
		return err
	}
	actions, err := m.marking(r.Marks)
	if err != nil {
		return err
	}
	b := &backup{Pull: def.Mode == "pull", Began: time.Now()}
	var undo drivers.Undo
	defer undo.Run()
	m.state.Backup = b
	undo.Add(func() { m.state.Backup = nil; m.state.Jobs = m.without(drivers.BackupJob); _ = m.save() })
	for i := range def.Disks {
		if def.Disks[i].Backup == "no" {
			continue
		}
		more, err := m.backUp(ctx, b, live, &def.Disks[i], nodes, r.Reuse, &undo)
		if err != nil {
			return err
		}
		actions = append(actions, more...)
	}
	doc, err := xml.Marshal(def)
	if err != nil {
		return err
	}
	b.Doc = string(doc)
	if b.Pull {
		if err := m.listen(ctx, b, def.Server, &undo); err != nil {
			return err
		}
	}
	if err := m.save(); err != nil {
		return err
	}
	if err := m.transaction(ctx, actions); err != nil {
		return err
	}
	if b.Pull {
		if err := m.offer(ctx, b, def); err != nil {
			m.cancelBackup(ctx)
			undo.Done() // it goes when its jobs have ended
			return err
		}
	}
	undo.Done()
	return nil
}

// without are the jobs but those of a kind.
func (m *Manager) without(k drivers.BlockJobKind) []*Job {
	return slices.DeleteFunc(slices.Clone(m.state.Jobs), func(j *Job) bool { return j.Kind == k })
}

// backUp prepares one disk, and gives the actions that begin its backup.
func (m *Manager) backUp(ctx context.Context, b *backup, live *xml.Domain, k *xml.BackupDisk, nodes map[string]node, reuse bool, undo *drivers.Undo) ([]Action, error) {
	d, err := DiskOf(live, k.Name)
	if err != nil {
		return nil, err
	}
	if err := m.free(d); err != nil {
		return nil, err
	}
	store := k.Target
	if b.Pull {
		store = k.Scratch
	}
	c := ChainOf(d)
	source := c.Layers[0]
	l := Layer{Type: k.Type, Format: k.Driver.Type, Source: &xml.DiskSource{File: store.File, Dev: store.Dev, Encryption: store.Encryption}, Index: itoa(m.guest.Number())}
	x := &backupDisk{Disk: k.Name, Job: jobName("backup", k.Name, source.Node()), Node: source.Node(), Store: l, Made: b.Pull && l.Type == "file" && !reuse}
	below, backing := (*Layer)(nil), "null"
	if b.Pull || k.BackupMode == "incremental" {
		if backing = source.Node(); l.Format != "raw" {
			below = &source
		}
	}
	if err := m.store(ctx, writable(d), x, k.Name, backing, below, nodes[source.Node()], reuse, undo); err != nil {
		return nil, err
	}
	var actions []Action
	job := map[string]any{"device": source.Node(), "job-id": x.Job, "target": l.Node(), "sync": "full", "auto-finalize": true, "auto-dismiss": false}
	if b.Pull {
		job["sync"] = "none"
	}
	if k.BackupMode == "incremental" {
		top, from, granularity, err := since(d, nodes, k.Incremental)
		if err != nil {
			return nil, err
		}
		name := "backup-" + k.Name
		if b.Pull {
			top, name = l.Node(), k.ExportBitmap
		} else {
			x.Bitmap, job["sync"], job["bitmap"] = name, "incremental", name
		}
		actions = append(actions, addBitmap(top, name, granularity, false, true), mergeBitmap(top, name, from))
	}
	k.Index = uint(l.Number())
	b.Disks = append(b.Disks, x)
	m.state.Jobs = append(m.state.Jobs, &Job{ID: x.Job, Disk: k.Name, Kind: drivers.BackupJob, Owned: true})
	return append(actions, Action{"blockdev-backup", job}), nil
}

// store makes the image that takes the blocks.
func (m *Manager) store(ctx context.Context, d *xml.Disk, x *backupDisk, dev, backing string, below *Layer, top node, reuse bool, undo *drivers.Undo) error {
	l := x.Store
	path := l.Path()
	fi, err := os.Stat(path)
	switch {
	case err != nil && (reuse || l.Type == "block"):
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return xml.Errorf(xml.CodePlain, "unable to stat: %s: %s", path, drivers.SystemText(err))
	case err == nil && !reuse && fi.Mode().IsRegular() && fi.Size() > 0:
		return invalid("store '%s' for backup of '%s' exists", path, dev)
	}
	if reuse {
		var storage, format []qmp.Step
		if storage, format, err = m.guest.Nodes(d, l, true, backing); err == nil {
			err = m.run(ctx, append(storage, format...), undo)
		}
		return err
	}
	if err := m.touch(l, undo); err != nil {
		return err
	}
	return m.make(ctx, d, l, backing, top.Image.Size, top.Image.Cluster, below, undo)
}

// listen has QEMU offer images at a socket or port.
func (m *Manager) listen(ctx context.Context, b *backup, s *xml.BackupServer, undo *drivers.Undo) error {
	addr := map[string]any{"type": "inet", "data": map[string]any{"host": s.Name, "port": itoa(int(s.Port))}}
	if s.Transport == "unix" {
		addr = map[string]any{"type": "unix", "data": map[string]any{"path": s.Socket}}
		b.Sock = s.Socket
	}
	args := map[string]any{"addr": addr}
	if err := m.guest.Execute(ctx, "nbd-server-start", args, nil); err != nil {
		return err
	}
	undo.Add(func() { _ = m.guest.Execute(context.Background(), "nbd-server-stop", nil, nil) })
	return nil
}

// offer lets others read the disks as they were.
func (m *Manager) offer(ctx context.Context, b *backup, def *xml.Backup) error {
	for _, x := range b.Disks {
		for i := range def.Disks {
			k := &def.Disks[i]
			if k.Name != x.Disk {
				continue
			}
			args := map[string]any{"type": "nbd", "id": "libvirt-nbd-" + x.Store.Node(), "node-name": x.Store.Node(), "writable": false, "name": k.ExportName}
			if k.BackupMode == "incremental" {
				args["bitmaps"] = []string{k.ExportBitmap}
			}
			if err := m.guest.Execute(ctx, "block-export-add", args, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// backedUp notes that the job of one disk has ended.
func (m *Manager) backedUp(ctx context.Context, j *Job, state *jobState, message string) {
	b := m.state.Backup
	if b != nil {
		for _, x := range b.Disks {
			if x.Job != j.ID || x.Over {
				continue
			}
			x.Over = true
			if state != nil {
				x.Done, x.Total = state.Current, state.Total
			}
		}
		if message != "" && b.Error == "" {
			b.Error = message
			if !b.Abort { // one that fails is the end of all
				b.Abort = true
				m.cancelBackup(ctx)
			}
		}
	}
	_ = m.guest.Execute(ctx, "job-dismiss", map[string]string{"id": j.ID}, nil)
	m.forget(j)
	m.finishBackup(ctx)
	how := completed
	switch {
	case b != nil && b.Abort && b.Error == "Operation canceled" || state == nil:
		how = cancelled
	case message != "":
		how = failed
	}
	name := ""
	if d, err := m.disk(j.Disk); err == nil {
		name = diskName(d)
	}
	m.tell(j, name, how)
}

// finishBackup takes a backup away whose jobs have all ended.
func (m *Manager) finishBackup(ctx context.Context) {
	b := m.state.Backup
	if b == nil || slices.ContainsFunc(m.state.Jobs, func(j *Job) bool { return j.Kind == drivers.BackupJob }) {
		return
	}
	if b.Pull {
		_ = m.guest.Execute(ctx, "nbd-server-stop", nil, nil)
	}
	for _, x := range b.Disks {
		if d, err := m.disk(x.Disk); err == nil {
			m.drop(d, []Layer{x.Store})
		}
		if x.Bitmap != "" {
			_ = m.guest.Execute(ctx, "block-dirty-bitmap-remove", map[string]any{"node": x.Node, "name": x.Bitmap}, nil)
		}
	}
	b.sweep()
	m.state.Backup = nil
	_ = m.save()
	m.guest.BackupOver(b.stats(false), b.Error, b.Error == "" || b.Pull && b.Abort)
}

// sweep removes the files that go with a backup.
func (b *backup) sweep() {
	for _, x := range b.Disks {
		if x.Made {
			os.Remove(x.Store.Source.File)
		}
	}
	if b.Sock != "" {
		os.Remove(b.Sock)
	}
}

// stats are the numbers of a backup, with libvirt's names.
func (b *backup) stats(now bool) []drivers.Param {
	var total, done uint64
	for _, x := range b.Disks {
		total += x.Total
		done += x.Done
	}
	switch {
	case total == 0 && now:
		return nil
	case b.Pull:
		return []drivers.Param{{Name: "disk_temp_used", Value: done}, {Name: "disk_temp_total", Value: total}}
	}
	return []drivers.Param{{Name: "disk_total", Value: total}, {Name: "disk_processed", Value: done}, {Name: "disk_remaining", Value: total - min(done, total)}}
}

// BackupStats are the numbers of the backup under way, nil if none is.
func (m *Manager) BackupStats(ctx context.Context) ([]drivers.Param, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.state.Backup
	if b == nil {
		return nil, nil
	}
	var list []jobState
	if err := m.guest.Execute(ctx, "query-jobs", nil, &list); err != nil {
		return nil, err
	}
	for _, x := range b.Disks {
		for _, q := range list {
			if q.ID == x.Job {
				x.Done, x.Total = q.Current, q.Total
			}
		}
	}
	return b.stats(true), nil
}

// Began is when the backup under way has begun, zero if none is.
func (m *Manager) Began() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Backup == nil {
		return time.Time{}
	}
	return m.state.Backup.Began
}

// BackupDoc is the <domainbackup> of the backup under way, "" if none is.
func (m *Manager) BackupDoc() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Backup == nil {
		return ""
	}
	return m.state.Backup.Doc
}

// AbortBackup ends the backup under way, if one is.
func (m *Manager) AbortBackup(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Backup != nil {
		m.state.Backup.Abort = true
		_ = m.save() // it ends all the same
		m.cancelBackup(ctx)
	}
}

// cancelBackup tells the jobs of a backup to end.
func (m *Manager) cancelBackup(ctx context.Context) {
	for _, x := range m.state.Backup.Disks {
		if !x.Over {
			_ = m.guest.Execute(ctx, "block-job-cancel", map[string]any{"device": x.Job, "force": true}, nil) // it may have ended
		}
	}
}

// Over removes what a guest leaves that has ended.
func (m *Manager) Over() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Backup != nil {
		m.state.Backup.sweep()
	}
}
