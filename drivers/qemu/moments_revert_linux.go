package qemu

import (
	"context"
	"os"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// Revert takes a domain back to a snapshot: its definition, its disks, and the
// state of a guest that ran. One that runs is ended first.
func (s snapshots) Revert(ctx context.Context, r drivers.Ref, running, paused, _, fresh bool) error {
	if running && paused {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive")
	}
	dom := *r.Parent
	one, err := s.read(r)
	if err != nil {
		return err
	}
	if !s.store.Has(dom.Name) && one.Offline() && !running && !paused {
		return xml.Errorf(xml.CodeOperationInvalid, "transient domain needs to request run or pause to revert to inactive snapshot")
	}
	if one.Domain == nil {
		return xml.Errorf(xml.CodeOperationInvalid, "snapshot '%s' lacks domain '%s' rollback info", one.Name, dom.Name)
	}
	var saved *saveImage
	if !one.Offline() && one.Memory.Snapshot == "external" {
		if saved, err = openSaved(one.Memory.File); err != nil {
			return err
		}
	}
	return s.locked(ctx, dom, func(lock *drivers.Lock, set *moment.Set, active bool) error {
		one := set.Find(r.Name)
		if one == nil {
			return moment.NotFound(s.kind, r.Name)
		}
		persistent := s.store.Has(dom.Name)
		if active {
			if err := s.domains().ask(ctx, dom, cmdDestroy, destroyRequest{Reason: drivers.ShutOffFromSnapshot}, nil); err != nil {
				return err
			}
		}
		var f drivers.Flags
		if fresh {
			f |= drivers.ResetNVRAM
		}
		if paused || one.State == "paused" && !running {
			f |= drivers.Paused
		}
		if !one.Offline() && saved == nil {
			return s.goBack(ctx, dom, one, f, persistent, lock)
		}
		def, err := s.takeBack(ctx, dom, set, one, persistent, lock)
		if err == nil {
			err = s.point(dom, one)
		}
		var in *incoming
		if err == nil && saved != nil {
			in, err = newIncoming(one.Memory.File, saved, 0)
			if err == nil {
				in.Running = !f.Has(drivers.Paused)
			}
		}
		if err == nil && (running || paused || saved != nil) {
			_, err = s.domains().launchWith(ctx, def, f, lock, in, func(st *startConfig) error { st.Back = true; return nil })
		}
		if err == nil {
			s.tell(dom, "Defined", "Snapshot")
		}
		return err
	})
}

// goBack starts the guest of a snapshot, with its memory.
func (s snapshots) goBack(ctx context.Context, dom drivers.Ref, one *moment.Moment, f drivers.Flags, persistent bool, lock *drivers.Lock) error {
	if persistent {
		def := one.Inactive
		if def == nil {
			def = one.Domain
		}
		if err := s.keep(ctx, dom, def); err != nil {
			return err
		}
	}
	def, err := domain.Clone(one.Domain)
	if err != nil {
		return err
	}
	if _, err := s.domains().launchWith(ctx, def, f, lock, nil, reload(one)); err != nil {
		return err
	}
	s.tell(dom, "Defined", "Snapshot")
	return s.point(dom, one)
}

// takeBack brings back the disks and the definition of a snapshot, and gives the
// domain to start. Disks whose snapshot is another file get a new one above the
// file that they had, so that the snapshot can be returned to again.
func (s snapshots) takeBack(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, persistent bool, lock *drivers.Lock) (*xml.Domain, error) {
	kept := one.Inactive
	if kept == nil {
		kept = one.Domain
	}
	kept, err := domain.Clone(kept)
	if err != nil {
		return nil, err
	}
	def := kept
	if !one.Offline() {
		if def, err = domain.Clone(one.Domain); err != nil {
			return nil, err
		}
	}
	left := s.left(dom, set)
	var undo drivers.Undo
	defer undo.Run()
	above, err := s.bringBack(ctx, one, &undo, lock)
	if err != nil {
		return nil, err
	}
	for i := range above {
		for _, d := range []*xml.Domain{kept, def} {
			k := diskNow(d, above[i].Name)
			if k == nil {
				continue
			}
			below := block.ChainOf(k)
			useOverlay(k, &above[i])
			if d != def { // the peer knows the images of its guest
				c := below.On(block.ChainOf(k).Layers[0])
				for j := range c.Layers {
					c.Layers[j].Index = ""
				}
				c.Put(k)
			}
		}
	}
	if persistent {
		if err := s.keep(ctx, dom, kept); err != nil {
			return nil, err
		}
	}
	undo.Done()
	if len(above) == 0 {
		return def, nil
	}
	one.Reverted = above
	if err := s.write(dom, one); err != nil {
		return nil, err
	}
	for _, path := range left {
		os.Remove(path)
	}
	return def, nil
}

// bringBack takes the disks of a snapshot back to it; above are the new files.
func (s snapshots) bringBack(ctx context.Context, one *moment.Moment, undo *drivers.Undo, lock *drivers.Lock) (above []xml.SnapshotDisk, err error) {
	images, err := innerImages(one)
	if err != nil {
		return nil, err
	}
	for _, image := range images {
		if err := qemuImg(ctx, lock, "snapshot", "-a", one.Name, image); err != nil {
			return nil, err
		}
	}
	for i := range one.Disks {
		disk := one.Disk(one.Disks[i].Name)
		if disk == nil || one.Disks[i].Snapshot != "external" {
			continue
		}
		d := freshOverlay(one.Disks[i].Name, disk)
		if err := checkOverlay(&d, disk, false); err != nil {
			return nil, err
		}
		if err := s.above(ctx, &d, disk, false, undo, lock); err != nil {
			return nil, err
		}
		above = append(above, d)
	}
	return above, nil
}

// freshOverlay is a new file above a disk, which has the time in its name.
func freshOverlay(target string, disk *xml.Disk) xml.SnapshotDisk {
	d := xml.SnapshotDisk{Name: target, Snapshot: "external", Type: "file", Driver: &xml.SnapshotDriver{Type: "qcow2"}, Source: &xml.DiskSource{}}
	for at := time.Now().Unix(); ; at++ {
		d.Source.File = moment.Beside(moment.Image(disk), strconv.FormatInt(at, 10))
		if _, err := os.Lstat(d.Source.File); err != nil {
			return d
		}
	}
}

// left are the files that nothing will lead to once a domain is taken back: what
// was written since the current snapshot.
func (s snapshots) left(dom drivers.Ref, set *moment.Set) []string {
	if set.Current == nil {
		return nil
	}
	def, _, err := s.domains().definition(dom)
	if err != nil {
		return nil
	}
	var list []string
	for _, d := range set.Current.Above() {
		if k := diskNow(def, d.Name); k != nil && d.Snapshot == "external" && d.Type == "file" && d.Source != nil && moment.Image(k) == d.Source.File {
			list = append(list, d.Source.File)
		}
	}
	return list
}
