package qemu

import (
	"context"
	"os"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/xml"
)

// Revert takes a domain back to a snapshot: its definition, and its disks. One
// that runs is ended first.
func (s snapshots) Revert(ctx context.Context, r drivers.Ref, running, paused, _, fresh bool) error {
	if running && paused {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive")
	}
	dom := *r.Parent
	if !s.store.Has(dom.Name) {
		return xml.Errorf(xml.CodeOperationInvalid, "transient domain needs to request run or pause to revert to inactive snapshot")
	}
	one, err := s.read(r)
	if err != nil {
		return err
	}
	if !one.Offline() {
		return xml.Errorf(xml.CodeUnsupported, "revert to a snapshot of a running domain is not supported")
	}
	if _, active := s.touch(ctx, dom.Name); active {
		if err := s.domains().Destroy(ctx, dom, 0); err != nil {
			return err
		}
	}
	return s.locked(ctx, dom, func(lock *drivers.Lock, set *moment.Set, active bool) error {
		one := set.Find(r.Name)
		switch {
		case one == nil:
			return moment.NotFound(s.kind, r.Name)
		case active:
			return xml.Errorf(xml.CodeOperationInvalid, "domain is already running")
		}
		def, err := s.takeBack(ctx, dom, one, lock)
		if err != nil {
			return err
		}
		if err := s.point(dom, one); err != nil || !running && !paused {
			return err
		}
		var f drivers.Flags
		if paused {
			f |= drivers.Paused
		}
		if fresh {
			f |= drivers.ResetNVRAM
		}
		_, err = s.domains().launch(ctx, def, f, lock)
		return err
	})
}

// takeBack brings back the disks and the definition of a snapshot. Disks whose
// snapshot is another file get a new one above the file that they had, so that
// the snapshot can be returned to again.
func (s snapshots) takeBack(ctx context.Context, dom drivers.Ref, one *moment.Moment, lock *drivers.Lock) (*xml.Domain, error) {
	def, err := domain.Clone(one.Domain)
	if err != nil {
		return nil, err
	}
	var undo drivers.Undo
	defer undo.Run()
	ending := strconv.FormatInt(time.Now().Unix(), 10)
	external := false
	for i := range one.Disks {
		disk := &one.Domain.Devices.Disks[i]
		switch one.Disks[i].Snapshot {
		case "internal":
			image, err := innerImage(disk)
			if err == nil {
				err = qemuImg(ctx, lock, "snapshot", "-a", one.Name, image)
			}
			if err != nil {
				return nil, err
			}
		case "external":
			external = true
			d := &xml.SnapshotDisk{Name: one.Disks[i].Name, Snapshot: "external", Type: "file", Driver: &xml.SnapshotDriver{Type: "qcow2"},
				Source: &xml.DiskSource{File: moment.Beside(moment.Image(disk), ending)}}
			if err := checkOverlay(d, disk, false); err != nil {
				return nil, err
			}
			if err := s.above(ctx, d, disk, false, &undo, lock); err != nil {
				return nil, err
			}
			useOverlay(&def.Devices.Disks[i], d)
			one.Disks[i] = *d
		}
	}
	if err := s.keep(ctx, dom, def); err != nil {
		return nil, err
	}
	undo.Done()
	if !external {
		return def, nil
	}
	// the files that the disks had until now stay: nobody can tell here whose they are
	return def, s.write(dom, one)
}

// discard removes what a snapshot of a stopped domain has on disk.
func (m moments) discard(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, lock *drivers.Lock) error {
	if one.External() {
		return m.merge(ctx, dom, one, lock)
	}
	for i := range one.Disks {
		if one.Disks[i].Snapshot != "internal" || i >= len(one.Domain.Devices.Disks) {
			continue
		}
		// What cannot be removed, since the disk is another one by now, does
		// not keep the rest from being removed.
		if image, err := innerImage(&one.Domain.Devices.Disks[i]); err == nil {
			_ = qemuImg(ctx, lock, "snapshot", "-d", one.Name, image)
		}
	}
	return nil
}

// merge writes the files of an external snapshot back into those below, where
// the domain uses them now.
func (m moments) merge(ctx context.Context, dom drivers.Ref, one *moment.Moment, lock *drivers.Lock) error {
	def, _, err := m.domains().definition(dom)
	if err != nil {
		return err
	}
	var done []string
	for i := range one.Disks {
		d := &one.Disks[i]
		if d.Snapshot != "external" {
			continue
		}
		at := -1
		for j := range def.Devices.Disks {
			if t := def.Devices.Disks[j].Target; t != nil && t.Dev == d.Name && moment.Image(&def.Devices.Disks[j]) == overlayPath(d) {
				at = j
			}
		}
		if at < 0 || i >= len(one.Domain.Devices.Disks) || d.Type == "network" {
			return xml.Errorf(xml.CodeUnsupported, "deletion of an external snapshot whose files others are made of is not supported while the domain does not run")
		}
		if err := qemuImg(ctx, lock, "commit", "-q", overlayPath(d)); err != nil {
			return err
		}
		base := &one.Domain.Devices.Disks[i]
		now := &def.Devices.Disks[at]
		now.Type, now.Source, now.BackingStore = base.Type, base.Source, base.BackingStore
		now.Driver = base.Driver
		if d.Type == "file" {
			done = append(done, overlayPath(d))
		}
	}
	if err := m.keep(ctx, dom, def); err != nil {
		return err
	}
	for _, path := range done {
		os.Remove(path)
	}
	return nil
}
