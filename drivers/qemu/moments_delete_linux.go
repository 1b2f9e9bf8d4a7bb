package qemu

import (
	"context"
	"os"
	"slices"

	"virgo/drivers"
	"virgo/drivers/image"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// A snapshot's disks are what lies below the files that came with it: those files
// belong to its child, or to the domain if the snapshot is the current one. To
// delete it they are written into its disks.

// checkDelete refuses to delete snapshots whose files others are made of.
func (m moments) checkDelete(set *moment.Set, one *moment.Moment, children, only bool) error {
	if children || only {
		for _, x := range set.Doomed(one, false, true) {
			if x.External() {
				return xml.Errorf(xml.CodeConfigUnsupported, "deletion of external children disk snapshots not supported")
			}
		}
		if one.External() && !only {
			return xml.Errorf(xml.CodeConfigUnsupported, "deletion of external disk snapshots with children not supported")
		}
		return nil
	}
	if !one.External() {
		return nil
	}
	switch n := len(set.Children(one)); {
	case n > 1:
		return xml.Errorf(xml.CodeConfigUnsupported, "deletion of external disk snapshot with multiple children snapshots not supported")
	case n > 0 && set.Current == one:
		return xml.Errorf(xml.CodeConfigUnsupported, "deletion of active external snapshot that is not a leaf snapshot is not supported")
	case n > 0 && (set.Current == nil || !slices.Contains(set.Doomed(one, true, true), set.Current)):
		return xml.Errorf(xml.CodeConfigUnsupported, "deletion of non-leaf external snapshot that is not in active chain is not supported")
	}
	return nil
}

// discard removes what a snapshot or a checkpoint has on disk.
func (m moments) discard(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, running bool, lock *drivers.Lock) error {
	if m.kind == drivers.Checkpoint {
		return m.unmark(ctx, dom, one)
	}
	if one.External() {
		if err := m.merge(ctx, dom, set, one, running, lock); err != nil {
			return err
		}
		if one.Memory.Snapshot == "external" && one.Memory.File != "" {
			os.Remove(one.Memory.File)
		}
		return nil
	}
	if running {
		return m.domains().ask(ctx, dom, cmdBlock, blockRequest{Op: opDelete, Tag: one.Name, Disks: innerDisks(one)}, nil)
	}
	// What cannot be removed, since the disk is another one by now, does not keep
	// the rest from being removed.
	images, _ := innerImages(one)
	for _, image := range images {
		_ = qemuImg(ctx, lock, "snapshot", "-d", one.Name, image)
	}
	return nil
}

// merging is a file that is written into the disk of a snapshot below it.
type merging struct {
	disk      *xml.Disk // the snapshot's
	target    string
	top, base string
	upper     []string // files that were made of top
}

// merge writes the files above a snapshot's disks into them. Of a snapshot that
// nothing comes from, its disks themselves are what goes.
func (m moments) merge(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, running bool, lock *drivers.Lock) error {
	now, err := m.nowOf(dom, running)
	if err != nil {
		return err
	}
	var child *moment.Moment
	if list := set.Children(one); len(list) > 0 {
		child = list[0]
	}
	if child == nil && set.Current != one {
		m.dropLeaf(set, one, now)
		return nil
	}
	list, err := m.plan(set, one, child, now)
	if err != nil {
		return err
	}
	if running && m.inUse(list, now) {
		q := blockRequest{Op: opMerge}
		for _, g := range list {
			q.Merge = append(q.Merge, block.Merging{Disk: g.target, Top: g.top, Base: g.base})
		}
		err = m.domains().ask(ctx, dom, cmdBlock, q, nil)
	} else {
		err = m.mergeFiles(ctx, list, lock)
	}
	if err != nil {
		return err
	}
	for _, x := range set.List {
		changed := false
		for _, g := range list {
			changed = x.Merged(g.target, g.top, g.disk) || changed
		}
		if changed && x != one {
			if err := m.write(dom, x); err != nil {
				return err
			}
		}
	}
	if !running && child == nil {
		if err := m.lower(ctx, dom, list); err != nil {
			return err
		}
	}
	for _, g := range list {
		if fi, err := os.Lstat(g.top); err == nil && fi.Mode().IsRegular() {
			os.Remove(g.top)
		}
	}
	return nil
}

// nowOf is what a domain is at the moment.
func (m moments) nowOf(dom drivers.Ref, running bool) (*xml.Domain, error) {
	if running {
		return readLive(m.layout.guest(dom.Name))
	}
	def, _, err := m.domains().definition(dom)
	return def, err
}

// plan finds the files that are to be written into the disks of a snapshot.
func (m moments) plan(set *moment.Set, one, child *moment.Moment, now *xml.Domain) ([]merging, error) {
	var list []merging
	for i := range one.Disks {
		d := &one.Disks[i]
		base := one.Disk(d.Name)
		if d.Snapshot != "external" || base == nil {
			continue
		}
		k := diskNow(now, d.Name)
		if k == nil {
			return nil, xml.Errorf(xml.CodeInvalidArg, "disk '%s' not found in domain", d.Name)
		}
		above := k
		if child != nil {
			if above = child.Disk(d.Name); above == nil {
				continue // the disk was there no more
			}
		}
		g := merging{disk: base, target: d.Name, top: moment.Image(above), base: moment.Image(base)}
		if g.top == "" || g.base == "" {
			return nil, xml.Errorf(xml.CodeConfigUnsupported, "deletion of external snapshot of disk '%s' on '%s' storage is not supported", d.Name, above.Type)
		}
		if err := m.inChain(k, g); err != nil {
			return nil, err
		}
		if child != nil {
			g.upper = m.uppers(set, child, now, d.Name, g.top)
		}
		list = append(list, g)
	}
	return list, nil
}

// inChain refuses a file that the domain does not use, or not right above the
// snapshot's disk: then it was copied, or joined with another, behind the snapshot.
func (m moments) inChain(now *xml.Disk, g merging) error {
	if now.Source != nil && now.Source.Index == "" { // of a definition, which need not tell what lies below
		whole := *now
		p := prober{found: make(map[*xml.DiskSource]bool), volume: m.volume}
		if err := p.disk(&whole, false); err != nil {
			return err
		}
		now = &whole
	}
	c := block.ChainOf(now)
	at := slices.IndexFunc(c.Layers, func(l block.Layer) bool { return l.Path() == g.top })
	switch {
	case at < 0:
		return xml.Errorf(xml.CodeInvalidArg, "could not find base disk source in disk source chain")
	case at+1 >= len(c.Layers):
		return xml.Errorf(xml.CodeOperationFailed, "failed to find parent disk source in backing chain")
	case c.Layers[at+1].Path() != g.base:
		return xml.Errorf(xml.CodeOperationFailed, "snapshot VM disk source and parent disk source are not the same")
	}
	return nil
}

// diskNow is the domain's disk of a target, or nil.
func diskNow(now *xml.Domain, target string) *xml.Disk {
	if k, err := block.DiskOf(now, target); err == nil && k.Target != nil && k.Target.Dev == target {
		return k
	}
	return nil
}

// uppers are the files that were made of a snapshot's disk.
func (m moments) uppers(set *moment.Set, one *moment.Moment, now *xml.Domain, target, top string) []string {
	var list []string
	add := func(d *xml.Disk) {
		if path := ""; d != nil {
			if path = moment.Image(d); path != "" && path != top {
				list = append(list, path)
			}
		}
	}
	for _, x := range set.Children(one) {
		add(x.Disk(target))
	}
	if set.Current == one {
		add(diskNow(now, target))
	}
	for i := range one.Disks { // its own file, even if the definition names another by now
		if d := &one.Disks[i]; d.Name == target && d.Snapshot == "external" && d.Source != nil {
			if path := overlayPath(d); path != "" && path != top && !slices.Contains(list, path) {
				list = append(list, path)
			}
		}
	}
	return list
}

// inUse tells whether a running guest uses the files.
func (m moments) inUse(list []merging, now *xml.Domain) bool {
	for _, g := range list {
		if d := diskNow(now, g.target); d != nil {
			c := block.ChainOf(d)
			for i := range c.Layers {
				if c.Layers[i].Path() == g.top {
					return true
				}
			}
		}
	}
	return false
}

// mergeFiles writes files into those below that nobody uses.
func (m moments) mergeFiles(ctx context.Context, list []merging, lock *drivers.Lock) error {
	for i := range list {
		g := &list[i]
		info, err := image.Open(g.top)
		if err != nil {
			return drivers.SystemError("Cannot access storage file", g.top, err)
		}
		if below, ok := image.Local(g.top, info.Backing); !ok || below != g.base {
			return xml.Errorf(xml.CodeOperationFailed, "snapshot VM disk source and parent disk source are not the same")
		}
		// A definition or a snapshot may name a disk that was not made of this one,
		// but of another: that is not to be led here.
		g.upper = slices.DeleteFunc(g.upper, func(path string) bool {
			info, err := image.Open(path)
			below, ok := image.Local(path, info.Backing)
			return err != nil || !ok || below != g.top
		})
	}
	for _, g := range list {
		if err := qemuImg(ctx, lock, "commit", "-q", "-d", g.top); err != nil {
			return err
		}
		for _, upper := range g.upper {
			if err := qemuImg(ctx, lock, "rebase", "-q", "-u", "-b", g.base, "-F", diskFormat(g.disk), upper); err != nil {
				return err
			}
		}
	}
	return nil
}

// lower lets a definition use the disks that its files were written into.
func (m moments) lower(ctx context.Context, dom drivers.Ref, list []merging) error {
	def, _, err := m.domains().definition(dom)
	if err != nil {
		return err
	}
	for _, g := range list {
		if k := diskNow(def, g.target); k != nil && moment.Image(k) == g.top {
			k.Type, k.Source, k.BackingStore, k.Driver = g.disk.Type, g.disk.Source, g.disk.BackingStore, g.disk.Driver
		}
	}
	return m.keep(ctx, dom, def)
}

// dropLeaf removes the disks of a snapshot that nothing comes from and the domain
// does not use: those that are not its parent's, too.
func (m moments) dropLeaf(set *moment.Set, one *moment.Moment, now *xml.Domain) {
	parent := set.Find(one.Parent)
	if parent == nil {
		return
	}
	used := map[string]bool{}
	for _, x := range set.List {
		if x != one && x.Domain != nil {
			for i := range x.Domain.Devices.Disks {
				used[moment.Image(&x.Domain.Devices.Disks[i])] = true
			}
		}
	}
	for i := range now.Devices.Disks {
		c := block.ChainOf(&now.Devices.Disks[i])
		for k := range c.Layers {
			used[c.Layers[k].Path()] = true
		}
	}
	for i := range one.Disks {
		mine, theirs := one.Disk(one.Disks[i].Name), parent.Disk(one.Disks[i].Name)
		if mine == nil || theirs == nil || moment.Image(mine) == moment.Image(theirs) {
			continue
		}
		path := moment.Image(mine)
		if fi, err := os.Lstat(path); err == nil && fi.Mode().IsRegular() && !used[path] {
			os.Remove(path)
		}
	}
}
