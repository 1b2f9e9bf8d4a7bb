package storage

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

var (
	_ drivers.Objects       = (*Pools)(nil)
	_ drivers.Definer       = (*Pools)(nil)
	_ drivers.Creator       = (*Pools)(nil)
	_ drivers.Starter       = (*Pools)(nil)
	_ drivers.Destroyer     = (*Pools)(nil)
	_ drivers.PoolInfoer    = (*Pools)(nil)
	_ drivers.PoolBuilder   = (*Pools)(nil)
	_ drivers.PoolRefresher = (*Pools)(nil)
	_ drivers.PoolSourcer   = (*Pools)(nil)
)

// mark is the file that says that a pool is in use.
type mark struct {
	Boot string `json:"boot"` // of the host: after the next one nothing is in use
	Doc  string `json:"doc"`  // the pool's definition then
}

func (p *Pools) mark(name string) string { return filepath.Join(p.run, name+".json") }

// bootID tells one run of the host from the next.
func bootID() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data))
}

// active is the definition of a pool that is in use, nil if it is not.
func (p *Pools) active(name string) *xml.Pool {
	def := p.marked(name)
	if def == nil {
		return nil
	}
	if b := backends(def.Type); b == nil || b.there != nil && !b.there(def) {
		return nil
	}
	return def
}

// marked is the definition of a pool that was started, whether its storage is
// still there or not.
func (p *Pools) marked(name string) *xml.Pool {
	if drivers.CheckName(name) != nil {
		return nil
	}
	data, err := os.ReadFile(p.mark(name))
	var m mark
	if err != nil || json.Unmarshal(data, &m) != nil || m.Boot != bootID() {
		return nil
	}
	def := &xml.Pool{}
	if xml.Unmarshal(xml.Source{Name: name, Data: []byte(m.Doc)}, def) != nil {
		return nil
	}
	return def
}

// actives are the pools in use, by name.
func (p *Pools) actives() (map[string]*xml.Pool, error) {
	files, err := os.ReadDir(p.run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, drivers.SystemError("cannot read folder", p.run, err)
	}
	all := make(map[string]*xml.Pool)
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			if def := p.active(name); def != nil {
				all[name] = def
			}
		}
	}
	return all, nil
}

// sizes tells how large a pool in use is, and notes it and the permissions of its
// folder in the definition.
func sizes(def *xml.Pool) (drivers.PoolInfo, error) {
	measure := func(_ context.Context, def *xml.Pool) (uint64, uint64, error) { return space(def.Target.Path) }
	if b := backends(def.Type); b != nil && b.sizes != nil {
		measure = b.sizes
	}
	capacity, available, err := measure(context.Background(), def)
	if err != nil {
		return drivers.PoolInfo{}, err
	}
	i := drivers.PoolInfo{State: drivers.PoolRunning, Capacity: capacity, Available: available, Allocation: capacity - min(available, capacity)}
	def.Capacity, def.Allocation, def.Available = xml.LiveSize(i.Capacity), xml.LiveSize(i.Allocation), xml.LiveSize(i.Available)
	var st unix.Stat_t
	if unix.Stat(def.Target.Path, &st) == nil {
		label := ""
		if def.Target.Permissions != nil {
			label = def.Target.Permissions.Label
		}
		def.Target.Permissions = permissions(st.Mode, st.Uid, st.Gid)
		def.Target.Permissions.Label = label
	}
	return i, nil
}

func permissions(mode, uid, gid uint32) *xml.Permissions {
	m, o, g := xml.Octal(mode&0o777), xml.OwnID(uid), xml.OwnID(gid)
	return &xml.Permissions{Mode: &m, Owner: &o, Group: &g}
}

// lockWait is how long a change waits for another one of the same pool.
const lockWait = 30 * time.Second

// locked runs fn while nobody else changes a pool; a is its definition if it is in use.
func (p *Pools) locked(ctx context.Context, r drivers.Ref, fn func(a *xml.Pool) error) error {
	wait, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	lock, err := p.Store.LockObject(wait, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return fn(p.active(r.Name))
}

func stillActive(r drivers.Ref) error {
	return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is still active", r.Name)
}

func notActive(r drivers.Ref) error {
	return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is not active", r.Name)
}

// kept is the definition that a pool is kept with.
func (p *Pools) kept(r drivers.Ref) (*xml.Pool, error) {
	doc, err := p.Read(r)
	if err != nil {
		return nil, err
	}
	return ParsePool(xml.Source{Name: r.Name, Data: doc}, traits)
}

// use begins to use a pool. It is locked.
func (p *Pools) use(ctx context.Context, r drivers.Ref, def *xml.Pool, f drivers.Flags) error {
	b, err := backendOf(def.Type)
	if err != nil {
		return err
	}
	if f.Has(drivers.Build) {
		if err := b.build(ctx, def, f); err != nil {
			return err
		}
	}
	doc, err := xml.Marshal(def)
	if err != nil {
		return err
	}
	var undo drivers.Undo
	defer undo.Run()
	if b.start != nil {
		if err := b.start(ctx, def); err != nil {
			return err
		}
		undo.Add(func() { _ = b.stop(context.WithoutCancel(ctx), def) })
	}
	if _, err := volumesOf(ctx, def); err != nil {
		return err
	}
	data, err := json.Marshal(mark{Boot: bootID(), Doc: string(doc)})
	if err == nil {
		err = drivers.MakeDir(p.run)
	}
	if err == nil {
		err = drivers.ReplaceFile(p.mark(r.Name), data, 0o600)
	}
	if err != nil {
		return err
	}
	undo.Done()
	p.Tell(r, "lifecycle", "Started", "")
	return nil
}

// Start begins to use a pool that is kept.
func (p *Pools) Start(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return p.locked(ctx, r, func(a *xml.Pool) error {
		if a != nil {
			return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is already active", r.Name)
		}
		def, err := p.kept(r)
		if err != nil {
			return err
		}
		return p.use(ctx, r, def, f)
	})
}

// Create begins to use a pool that need not be kept.
func (p *Pools) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Pool{}, "storagepool"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := ParsePool(src, traits)
	if err == nil {
		err = drivers.OneLine(def.Name)
	}
	if err == nil {
		err = drivers.CheckName(def.Name)
	}
	if err != nil {
		return drivers.Ref{}, err
	}
	r := p.Ref(def.Name, string(def.UUID))
	return r, p.locked(ctx, r, func(a *xml.Pool) error {
		if a != nil && a.UUID == def.UUID {
			return xml.Errorf(xml.CodeOperationInvalid, "pool is already active as '%s'", r.Name)
		}
		if err := p.free(ctx, def); err != nil {
			return err
		}
		return p.use(ctx, r, def, f)
	})
}

// free refuses a name, a UUID or a place that another pool has.
func (p *Pools) free(ctx context.Context, def *xml.Pool) error {
	names, err := p.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	if err := p.Store.Clash(p.Short, def.Name, string(def.UUID)); err != nil {
		return err
	}
	return p.conflict(def)
}

// Destroy ends the use of a pool.
func (p *Pools) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return p.locked(ctx, r, func(a *xml.Pool) error {
		if a == nil {
			return notActive(r)
		}
		if b := backends(a.Type); b != nil && b.stop != nil {
			if err := b.stop(ctx, a); err != nil {
				return err
			}
		}
		if err := os.Remove(p.mark(r.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return drivers.SystemError("cannot remove", p.mark(r.Name), err)
		}
		p.Tell(r, "lifecycle", "Stopped", "")
		return nil
	})
}

// BuildPool makes what a pool describes.
func (p *Pools) BuildPool(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return p.locked(ctx, r, func(a *xml.Pool) error {
		if a != nil {
			return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is already active", r.Name)
		}
		def, err := p.kept(r)
		if err != nil {
			return err
		}
		b, err := backendOf(def.Type)
		if err == nil {
			err = b.build(ctx, def, f)
		}
		if err == nil {
			p.Tell(r, "lifecycle", "Created", "")
		}
		return err
	})
}

// DeletePool removes what BuildPool has made.
func (p *Pools) DeletePool(ctx context.Context, r drivers.Ref) error {
	return p.locked(ctx, r, func(a *xml.Pool) error {
		if a != nil {
			return stillActive(r)
		}
		def, err := p.kept(r)
		if err != nil {
			return err
		}
		b, err := backendOf(def.Type)
		if err == nil {
			err = b.remove(def)
		}
		if err == nil {
			p.Tell(r, "lifecycle", "Deleted", "")
		}
		return err
	})
}

// RefreshPool tells that a pool was looked at: it is, whenever somebody asks. One
// whose storage is gone is in use no more.
func (p *Pools) RefreshPool(ctx context.Context, r drivers.Ref) error {
	return p.locked(ctx, r, func(*xml.Pool) error {
		a := p.marked(r.Name)
		if a == nil {
			return notActive(r)
		}
		if _, err := volumesOf(ctx, a); err != nil {
			os.Remove(p.mark(r.Name))
			p.Tell(r, "lifecycle", "Stopped", "")
			return err
		}
		p.Tell(r, "refresh", "", "")
		return nil
	})
}

// PoolSources looks for storage that pools of a kind could use.
func (p *Pools) PoolSources(ctx context.Context, kind string, spec []byte) ([]byte, error) {
	if kindOf(kind) == nil || kindOf(kind).name != kind {
		return nil, xml.Errorf(xml.CodeInternal, "unknown storage pool type %s", kind)
	}
	if _, err := backendOf(kind); err != nil {
		return nil, err
	}
	if kind == "logical" {
		return groups(ctx)
	}
	if kind != "netfs" {
		return nil, drivers.Unsupported("pool type '" + kind + "' does not support source discovery")
	}
	s := &xml.PoolSource{}
	if len(spec) > 0 {
		var err error
		if s, err = ParseSource(xml.Source{Name: "(storage_source_specification)", Data: spec}, kind); err != nil {
			return nil, err
		}
	}
	if len(s.Hosts) != 1 || s.Hosts[0].Name == "" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "hostname must be specified for netfs sources")
	}
	host := s.Hosts[0].Name
	var found xml.PoolSources
	if out, err := run(ctx, "showmount", "--no-headers", "--exports", host); err == nil {
		for _, line := range strings.Split(string(out), "\n") {
			if path, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(path, "/") {
				found.Sources = append(found.Sources, xml.PoolSource{Hosts: []xml.PoolHost{{Name: host}}, Dir: &xml.PoolDir{Path: path}, Format: &xml.PoolFormat{Type: "nfs"}})
			}
		}
	}
	if len(found.Sources) == 0 {
		return nil, xml.Errorf(xml.CodeOperationFailed, "no storage pools were found on host '%s'", host)
	}
	return xml.Marshal(&found)
}
