package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// checkMomentFlags refuses flags that exclude or want each other.
func (m moments) checkMomentFlags(fl drivers.MomentFlags) error {
	exclusive := "Flags 'VIR_DOMAIN_SNAPSHOT_CREATE_%s' and 'VIR_DOMAIN_SNAPSHOT_CREATE_%s' are mutually exclusive"
	required := "Flag 'VIR_DOMAIN_SNAPSHOT_CREATE_%s' is required by flag 'VIR_DOMAIN_SNAPSHOT_CREATE_%s'"
	switch {
	case m.kind == drivers.Checkpoint && fl.Redefine && fl.Quiesce:
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE' and 'VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE' are mutually exclusive")
	case m.kind == drivers.Checkpoint:
		return nil
	case fl.Redefine && fl.NoMetadata:
		return xml.Errorf(xml.CodePlain, exclusive, "REDEFINE", "NO_METADATA")
	case fl.Quiesce && !fl.DiskOnly:
		return xml.Errorf(xml.CodePlain, required, "DISK_ONLY", "QUIESCE")
	case fl.Current && !fl.Redefine:
		return xml.Errorf(xml.CodePlain, required, "REDEFINE", "CURRENT")
	case fl.Live && fl.Redefine:
		return xml.Errorf(xml.CodePlain, exclusive, "LIVE", "REDEFINE")
	}
	return nil
}

// CreateMoment makes a moment, or takes over the description of one.
func (m moments) CreateMoment(ctx context.Context, dom drivers.Ref, src xml.Source, fl drivers.MomentFlags) (ref drivers.Ref, err error) {
	if err := m.checkMomentFlags(fl); err != nil {
		return ref, err
	}
	if m.kind == drivers.Checkpoint && !fl.Redefine {
		if _, running := m.touch(ctx, dom.Name); !running {
			return ref, xml.Errorf(xml.CodeUnsupported, "cannot create checkpoint for inactive domain")
		}
	}
	if m.kind == drivers.Checkpoint {
		err = xml.CheckSchema(src, &xml.Checkpoint{}, "domaincheckpoint")
	} else if fl.Validate {
		err = xml.CheckSchema(src, &xml.Snapshot{}, "domainsnapshot")
	}
	if err != nil {
		return ref, err
	}
	one, err := moment.Parse(m.kind, src, moment.Options{Redefine: fl.Redefine, Complete: m.complete(ctx)})
	if err == nil {
		err = checkMomentName(m.kind, one.Name)
	}
	if err != nil {
		return ref, err
	}
	err = m.locked(ctx, dom, func(lock *drivers.Lock, set *moment.Set, running bool) error {
		if fl.Redefine {
			return m.redefine(ctx, dom, set, one, fl, running)
		}
		if m.kind == drivers.Checkpoint {
			if !running {
				return xml.Errorf(xml.CodeUnsupported, "cannot create checkpoint for inactive domain")
			}
			return m.mark(ctx, dom, set, one, fl.Quiesce)
		}
		return m.make(ctx, dom, set, one, fl, running, lock)
	})
	return m.ref(dom, one.Name), err
}

// redefine takes over the description of a moment that somebody made.
func (m moments) redefine(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, fl drivers.MomentFlags, running bool) error {
	if fl.RedefineValidate && !running {
		return notRunning()
	}
	if _, err := set.Redefined(one, dom.UUID); err != nil {
		return err
	}
	switch {
	case fl.DiskOnly && one.State != "disk-snapshot":
		return xml.Errorf(xml.CodeInvalidArg, "disk-only flag for snapshot %s requires disk-snapshot state", one.Name)
	case one.State == "pmsuspended":
		return xml.Errorf(xml.CodeUnsupported, "qemu doesn't support taking snapshots of PMSUSPENDED guests")
	case one.State == "blocked":
		return xml.Errorf(xml.CodeInternal, "Invalid domain state blocked")
	}
	if err := one.Align(one.Mode()); err != nil {
		return err
	}
	if fl.RedefineValidate {
		if err := m.checkMarks(ctx, dom, one); err != nil {
			return err
		}
	}
	if err := m.write(dom, one); err != nil {
		return err
	}
	if fl.Current {
		return m.point(dom, one)
	}
	return nil
}

// make makes a snapshot of a domain that does not run: one within its disks'
// files, or new files above them.
func (m moments) make(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, fl drivers.MomentFlags, running bool, lock *drivers.Lock) error {
	if running {
		return m.makeLive(ctx, dom, set, one, fl, lock)
	}
	if fl.Live {
		return xml.Errorf(xml.CodeUnsupported, "live snapshot creation is supported only during full system snapshots")
	}
	def, _, err := m.domains().definition(dom)
	if err != nil {
		return err
	}
	if one.Domain, err = m.reread(ctx, def); err != nil {
		return err
	}
	one.State = "shutoff"
	if err := one.CheckMemory(); err != nil {
		return err
	}
	one.Memory.Snapshot = "no"
	mode := one.Mode()
	if fl.DiskOnly {
		mode = "external"
	}
	if err := one.Align(mode); err != nil {
		return err
	}
	if set.Current != nil {
		one.Parent = set.Current.Name
	}
	if err := set.Taken(one); err != nil {
		return err
	}
	external, err := m.checkDisks(one, fl.Reuse)
	if err != nil {
		return err
	}
	var undo drivers.Undo
	defer undo.Run()
	if external {
		err = m.overlay(ctx, dom, one, fl.Reuse, &undo, lock)
	} else {
		err = m.within(ctx, one, &undo, lock)
	}
	if err != nil {
		return err
	}
	if !fl.NoMetadata {
		if err := m.write(dom, one); err != nil {
			return err
		}
		if err := m.point(dom, one); err != nil {
			return err
		}
	}
	undo.Done()
	return nil
}

// checkDisks refuses what QEMU cannot do, and tells whether new files are made.
func (m moments) checkDisks(one *moment.Moment, reuse bool) (external bool, err error) {
	inside, outside := 0, 0
	for i := range one.Disks {
		d := &one.Disks[i]
		disk := &one.Domain.Devices.Disks[i]
		switch d.Snapshot {
		case "internal":
			inside++
			if _, err := innerImage(disk); err != nil {
				return false, err
			}
			if f := diskFormat(disk); f != "qcow2" {
				return false, xml.Errorf(xml.CodeConfigUnsupported, "internal snapshot for disk %s unsupported for storage type %s", d.Name, f)
			}
		case "external":
			outside++
			if err := checkOverlay(d, disk, reuse); err != nil {
				return false, err
			}
		}
	}
	switch {
	case inside == 0 && outside == 0:
		return false, xml.Errorf(xml.CodeConfigUnsupported, "nothing selected for snapshot")
	case inside > 0 && outside > 0:
		return false, xml.Errorf(xml.CodeConfigUnsupported, "mixing internal and external targets for a snapshot is not yet supported")
	}
	if outside > 0 && m.hasCheckpoints(one.Domain) {
		return false, xml.Errorf(xml.CodeUnsupported, "support for offline external snapshots while checkpoint exists was not yet implemented")
	}
	return outside > 0, nil
}

func (m moments) hasCheckpoints(def *xml.Domain) bool {
	set, err := moments{m.Conn, drivers.Checkpoint}.load(drivers.Ref{Kind: drivers.Domain, Name: def.Name, UUID: def.UUID})
	return err == nil && len(set.List) > 0
}

// diskFormat is the format of a disk's image.
func diskFormat(d *xml.Disk) string {
	if d.Driver == nil || d.Driver.Type == "" {
		return "raw"
	}
	return d.Driver.Type
}

// checkOverlay checks what is asked for of a disk that no guest uses.
func checkOverlay(d *xml.SnapshotDisk, disk *xml.Disk, reuse bool) error {
	if moment.Image(disk) == "" {
		return xml.Errorf(xml.CodeInternal, "external inactive snapshots are not supported on %s", kindOfDisk(disk))
	}
	if d.Type == "network" {
		return xml.Errorf(xml.CodeInternal, "external inactive snapshots are not supported on 'network' disks using '%s' protocol", d.Source.Protocol)
	}
	return checkOverlayFile(d, disk, reuse)
}

// kindOfDisk names the kind of a disk's images for errors.
func kindOfDisk(d *xml.Disk) string {
	if d.Type == "network" && d.Source != nil {
		return fmt.Sprintf("'network' disks using '%s' protocol", d.Source.Protocol)
	}
	return fmt.Sprintf("'%s' disks", d.Type)
}

// checkOverlayFile checks the format of a new image, and the place of its file.
func checkOverlayFile(d *xml.SnapshotDisk, disk *xml.Disk, reuse bool) error {
	if d.Driver == nil {
		d.Driver = &xml.SnapshotDriver{Type: "qcow2"}
	}
	switch d.Driver.Type {
	case "":
		d.Driver.Type = "qcow2"
	case "qcow2", "qed":
	default:
		return xml.Errorf(xml.CodeConfigUnsupported, "external snapshot format for disk %s is unsupported: %s", d.Name, d.Driver.Type)
	}
	if disk.Shareable { // the formats of new images cannot be
		return xml.Errorf(xml.CodeConfigUnsupported, "shared access for disk '%s' requires use of supported storage format", d.Name)
	}
	if d.Type == "network" {
		return nil
	}
	path := overlayPath(d)
	fi, err := os.Stat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) || err != nil && reuse:
		return xml.Errorf(xml.CodePlain, "missing existing file for disk %s: %s: %s", d.Name, path, drivers.SystemText(unwrapPath(err)))
	case err != nil && d.Type == "block":
		return xml.Errorf(xml.CodeUnsupported, "block device snapshot target '%s' doesn't exist", path)
	case err == nil && !reuse && fi.Mode()&fs.ModeDevice == 0 && fi.Size() > 0:
		return xml.Errorf(xml.CodeConfigUnsupported, "external snapshot file for disk %s already exists and is not a block device: %s", d.Name, path)
	}
	return nil
}

// overlayPath is the new file of an external snapshot of a disk.
func overlayPath(d *xml.SnapshotDisk) string {
	if d.Type == "block" {
		return d.Source.Dev
	}
	return d.Source.File
}

// within makes the snapshot in the disks' own files.
func (m moments) within(ctx context.Context, one *moment.Moment, undo *drivers.Undo, lock *drivers.Lock) error {
	images, err := innerImages(one)
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := qemuImg(ctx, lock, "snapshot", "-c", one.Name, image); err != nil {
			return err
		}
		undo.Add(func() { _ = qemuImg(context.WithoutCancel(ctx), lock, "snapshot", "-d", one.Name, image) })
	}
	return nil
}

// innerImages are the files that hold a snapshot within them.
func innerImages(one *moment.Moment) ([]string, error) {
	var list []string
	for i := range one.Disks {
		d := one.Disk(one.Disks[i].Name)
		if one.Disks[i].Snapshot != "internal" || d == nil {
			continue
		}
		image, err := innerImage(d)
		if err != nil {
			return list, err
		}
		list = append(list, image)
	}
	if path := nvramFile(one.Domain); len(list) > 0 && path != "" && block.WithFirmware(one.Domain) {
		list = append(list, path)
	}
	return list, nil
}

// innerImage is the file that holds a disk's internal snapshots.
func innerImage(d *xml.Disk) (string, error) {
	image := moment.Image(d)
	if image == "" {
		return "", xml.Errorf(xml.CodeInternal, "internal inactive snapshots are not supported on %s", kindOfDisk(d))
	}
	return image, nil
}

// overlay makes new files above the disks', and lets the definition use them.
// The definition comes before the snapshot's description: if only one of them is
// written, the domain never writes to a file that a snapshot counts on.
func (m moments) overlay(ctx context.Context, dom drivers.Ref, one *moment.Moment, reuse bool, undo *drivers.Undo, lock *drivers.Lock) error {
	def, err := domain.Clone(one.Domain)
	if err != nil {
		return err
	}
	for i := range one.Disks {
		d := &one.Disks[i]
		if d.Snapshot != "external" {
			continue
		}
		if err := m.above(ctx, d, &one.Domain.Devices.Disks[i], reuse, undo, lock); err != nil {
			return err
		}
		useOverlay(&def.Devices.Disks[i], d)
	}
	return m.keep(ctx, dom, def)
}

// above makes one new file.
func (m moments) above(ctx context.Context, d *xml.SnapshotDisk, base *xml.Disk, reuse bool, undo *drivers.Undo, lock *drivers.Lock) error {
	if reuse {
		return nil
	}
	path := overlayPath(d)
	if d.Type != "block" {
		undo.Add(func() { os.Remove(path) })
	}
	// qemu-img follows a chain that leads back to itself for ever.
	whole := *base
	whole.BackingStore = nil
	p := prober{found: make(map[*xml.DiskSource]bool), volume: m.volume}
	if err := p.disk(&whole, false); err != nil {
		return err
	}
	return qemuImg(ctx, lock, "create", "-f", d.Driver.Type, "-o", "backing_fmt="+diskFormat(base)+",backing_file="+escapeComma(moment.Image(base)), path)
}

// useOverlay lets a disk use the new file.
func useOverlay(disk *xml.Disk, d *xml.SnapshotDisk) {
	disk.Type, disk.BackingStore = d.Type, nil
	source := xml.DiskSource{File: d.Source.File, Dev: d.Source.Dev, SecLabels: d.Source.SecLabels}
	if disk.Source != nil {
		source.StartupPolicy = disk.Source.StartupPolicy
	}
	disk.Source = &source
	driver := xml.DiskDriver{Name: "qemu"}
	if disk.Driver != nil {
		driver = *disk.Driver
	}
	driver.Type = d.Driver.Type
	disk.Driver = &driver
}

// keep writes the definition of a domain that is locked.
func (m moments) keep(ctx context.Context, dom drivers.Ref, def *xml.Domain) error {
	data, err := storedForm(def)
	if err != nil {
		return err
	}
	names, err := m.store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	return m.store.Write(dom.Name, dom.UUID, data)
}
