package qemu

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/block"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// blockGuest is the guest as the manager of its block nodes sees it.
type blockGuest struct{ *guest }

var _ block.Guest = blockGuest{}

// Execute runs a command of QEMU's.
func (g blockGuest) Execute(ctx context.Context, command string, args, out any) error {
	if raw, ok := args.(json.RawMessage); ok && len(raw) == 0 {
		args = nil
	}
	return refusal(command, g.qmp.Execute(ctx, command, args, out))
}

// Live reads the live document.
func (g blockGuest) Live() (*xml.Domain, error) {
	dom, err := readLive(g.dir)
	if err == nil {
		localize(dom, g.volume)
	}
	return dom, err
}

// volume finds the file or device of a volume.
func (g *guest) volume(pool, name string) (string, error) {
	return volumePath(g.layout.root(), pool, name)
}

// EditLive changes it.
func (g blockGuest) EditLive(edit func(*xml.Domain) error) error {
	return editLive(g.dir, func(dom *xml.Domain) error {
		localize(dom, g.volume)
		return edit(dom)
	})
}

// Lock keeps commands from changing the domain. A command that hangs does not
// keep a job from ending.
func (g blockGuest) Lock(ctx context.Context) func() {
	ctx, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	lock, err := g.layout.store().LockObject(ctx, g.status.Name)
	if err != nil {
		return func() {}
	}
	return lock.Unlock
}

// EditConfig changes the definition, and what was started.
func (g blockGuest) EditConfig(ctx context.Context, edit func(*xml.Domain)) error {
	started := filepath.Join(g.dir, configFile)
	if data, err := os.ReadFile(started); err == nil {
		if dom, err := readDomain(xml.Source{Name: started, Data: data}); err == nil {
			edit(dom)
			if data, err = storedForm(dom); err == nil {
				err = drivers.ReplaceFile(started, data, 0o600)
			}
			if err != nil {
				return err
			}
		}
	}
	store := g.layout.store()
	data, err := store.Read(g.status.Name)
	if err != nil {
		return nil // it is transient
	}
	dom, err := readDomain(xml.Source{Name: g.status.Name, Data: data})
	if err != nil || dom.UUID != g.status.UUID {
		return err
	}
	localize(dom, g.volume)
	edit(dom)
	changed, err := storedForm(dom)
	if err != nil || string(changed) == string(data) {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	names, err := store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	return store.Write(dom.Name, dom.UUID, changed)
}

// Persistent tells whether the guest has a definition.
func (g blockGuest) Persistent() bool { return g.layout.store().Has(g.status.Name) }

// Number takes the next number of a block node.
func (g blockGuest) Number() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.status.Nodes == 0 { // a former version did not count
		if live, err := readLive(g.dir); err == nil {
			g.status.Nodes = highestNode(live)
		}
	}
	g.status.Nodes++
	_ = g.status.write(g.dir)
	return g.status.Nodes
}

// Own gives a file to whom QEMU runs as.
func (g blockGuest) Own(f *os.File) error {
	owner, err := g.layout.user()
	if err != nil || owner == nil {
		return err
	}
	return f.Chown(int(owner.UID), int(owner.GID))
}

// Tell adds an event to the journal.
func (g blockGuest) Tell(name, detail, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tell(name, detail, reason)
}

// Nodes are the steps that make an image's nodes.
func (g blockGuest) Nodes(d *xml.Disk, l block.Layer, top bool, backing string) (storage, format []qmp.Step, err error) {
	key, err := os.ReadFile(filepath.Join(g.status.LibDir, keyFile))
	if err != nil {
		key = make([]byte, masterKeySize)
	}
	return layerSteps(d, l, top, backing, Build{Emulator: &Emulator{}, Layout: g.layout, ID: g.status.ID, MasterKey: key, Live: true, Reveal: reveal(g.layout.root()), Volume: g.volume})
}

// layerSteps makes the nodes of an image of a disk.
func layerSteps(d *xml.Disk, l block.Layer, top bool, backing string, b Build) (storage, format []qmp.Step, err error) {
	a := &args{Build: b, d: &xml.Domain{}, made: map[string]bool{"masterKey0": true}, nodes: make(map[*xml.DiskSource]int)}
	disk := *d
	disk.Encryption = nil
	im := layer{kind: l.Type, format: l.Format, source: l.Source, node: l.Number(), cache: l.Cache, last: backing == "null"}
	if im.kind == "" {
		im.kind = "file"
	}
	a.nodes[l.Source] = im.node
	if s := l.Source.DataStore; s != nil && s.Source != nil {
		n := block.Layer{Index: s.Source.Index}
		a.nodes[s.Source] = n.Number()
	}
	if im.last {
		backing = ""
	}
	node := a.image(&disk, im, top, backing)
	if a.err != nil {
		return nil, nil, a.err
	}
	all, err := steps(a.words)
	if err != nil || !strings.HasSuffix(node, "-format") {
		return all, nil, err
	}
	return all[:len(all)-1], all[len(all)-1:], nil
}
