package qemu

import (
	"context"
	"virgo/drivers"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// makeLive makes a snapshot of a running domain: its memory and its disks within
// their images, or new images above them.
func (m moments) makeLive(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, fl drivers.MomentFlags, lock *drivers.Lock) error {
	if fl.Live && one.Memory.Snapshot != "external" {
		return xml.Errorf(xml.CodeUnsupported, "live snapshot creation is supported only during full system snapshots")
	}
	if fl.Halt && !m.store.Has(dom.Name) {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot halt after transient domain snapshot")
	}
	if err := m.describeLive(ctx, dom, one, fl); err != nil {
		return err
	}
	if set.Current != nil {
		one.Parent = set.Current.Name
	}
	if err := set.Taken(one); err != nil && !fl.NoMetadata {
		return err
	}
	external, err := m.checkLiveDisks(one, fl)
	if err != nil {
		return err
	}
	q := blockRequest{Op: opSnapshot, Tag: one.Name, Live: fl.Live, Halt: fl.Halt}
	if external {
		q.Overlays = overlaysOf(one, fl.Reuse)
		if one.Memory.Snapshot == "external" {
			memory, err := m.domains().saved(ctx, dom, nil)
			if err != nil {
				return err
			}
			memory.Path = one.Memory.File
			q.Memory = &memory
		}
	} else {
		q.Disks = innerDisks(one)
	}
	if fl.Quiesce {
		thaw, err := m.domains().quiesce(ctx, dom)
		if err != nil {
			return err
		}
		defer thaw()
	}
	if err := m.domains().ask(ctx, dom, cmdBlock, q, nil); err != nil {
		return err
	}
	if fl.NoMetadata {
		return m.halt(ctx, dom, fl)
	}
	err = m.write(dom, one)
	if err == nil {
		err = m.point(dom, one)
	}
	if err == nil {
		err = m.halt(ctx, dom, fl)
	}
	return err
}

// halt ends a domain whose snapshot was to be its end.
func (m moments) halt(ctx context.Context, dom drivers.Ref, fl drivers.MomentFlags) error {
	if !fl.Halt {
		return nil
	}
	return m.domains().ask(ctx, dom, cmdDestroy, destroyRequest{Reason: drivers.ShutOffFromSnapshot}, nil)
}

// describeLive completes a snapshot's description by what runs.
func (m moments) describeLive(ctx context.Context, dom drivers.Ref, one *moment.Moment, fl drivers.MomentFlags) error {
	dir := m.layout.guest(dom.Name)
	s, err := readStatus(dir)
	if err != nil {
		return err
	}
	live, err := readLive(dir)
	if err != nil {
		return err
	}
	now, err := m.domains().portable(dom)
	if err != nil {
		return err
	}
	if one.Domain, err = m.reread(ctx, now); err != nil {
		return err
	}
	localize(one.Domain, m.volume)
	if def, _, err := m.domains().definition(dom); err == nil {
		if one.Inactive, err = m.reread(ctx, def); err != nil {
			return err
		}
	}
	one.State = snapshotState(s.State)
	mode := "internal"
	switch {
	case fl.DiskOnly:
		one.State, mode = "disk-snapshot", "external"
		if err := one.CheckMemory(); err != nil {
			return err
		}
		one.Memory.Snapshot = "no"
	case one.Memory.Snapshot == "":
		one.Memory.Snapshot = "internal"
	case one.Memory.Snapshot == "external":
		mode = "external"
	}
	if err := one.CheckMemory(); err != nil {
		return err
	}
	if one.Memory.Snapshot == "internal" || one.Memory.Snapshot == "external" {
		one.Cookie = &xml.SnapshotCookie{CPU: live.CPU, SlirpHelper: true}
	}
	return one.Align(mode)
}

func snapshotState(s drivers.State) string {
	switch s {
	case drivers.PausedState:
		return "paused"
	case drivers.Crashed:
		return "crashed"
	case drivers.PMSuspended:
		return "pmsuspended"
	}
	return "running"
}

// checkLiveDisks refuses what QEMU cannot do with the disks of a running domain,
// and tells whether new images are made.
func (m moments) checkLiveDisks(one *moment.Moment, fl drivers.MomentFlags) (external bool, err error) {
	inside, outside := 0, 0
	for i := range one.Disks {
		d := &one.Disks[i]
		disk := &one.Domain.Devices.Disks[i]
		switch d.Snapshot {
		case "internal":
			inside++
			if fl.DiskOnly {
				return false, xml.Errorf(xml.CodeConfigUnsupported, "active qemu domains require external disk snapshots; disk %s requested internal", d.Name)
			}
			if f := diskFormat(disk); f != "qcow2" {
				return false, xml.Errorf(xml.CodeConfigUnsupported, "internal snapshot for disk %s unsupported for storage type %s", d.Name, f)
			}
		case "external":
			outside++
			if err := checkOverlayFile(d, disk, fl.Reuse); err != nil {
				return false, err
			}
		}
	}
	memory := one.Memory.Snapshot
	if dom := one.Domain; inside > 0 && dom.OS.Loader != nil && dom.OS.Loader.Type == "pflash" && dom.OS.NVRAM != nil && !block.WithFirmware(dom) {
		return false, xml.Errorf(xml.CodeUnsupported, "internal snapshots of a VM with pflash based firmware require QCOW2 nvram format")
	}
	switch {
	case inside > 0 && memory == "no":
		return false, xml.Errorf(xml.CodeUnsupported, "internal snapshot of a running VM must include the memory state")
	case inside == 0 && outside == 0 && memory == "internal":
		return false, xml.Errorf(xml.CodeConfigUnsupported, "internal and full system snapshots require all disks to be selected for snapshot")
	case inside == 0 && outside == 0 && memory != "external":
		return false, xml.Errorf(xml.CodeConfigUnsupported, "nothing selected for snapshot")
	case inside > 0 && (outside > 0 || memory == "external"):
		return false, xml.Errorf(xml.CodeConfigUnsupported, "mixing internal and external targets for a snapshot is not yet supported")
	}
	return outside > 0 || memory == "external", nil
}

// overlaysOf are the new images of a snapshot.
func overlaysOf(one *moment.Moment, reuse bool) []block.Overlay {
	var list []block.Overlay
	for i := range one.Disks {
		if d := &one.Disks[i]; d.Snapshot == "external" {
			source := *d.Source
			list = append(list, block.Overlay{Disk: d.Name, Reuse: reuse, Layer: block.Layer{Type: d.Type, Format: d.Driver.Type, Source: &source, Cache: d.Driver.MetadataCache}})
		}
	}
	return list
}

// innerDisks are the targets of the disks whose images hold a snapshot.
func innerDisks(one *moment.Moment) []string {
	var list []string
	for i := range one.Disks {
		if one.Disks[i].Snapshot == "internal" {
			list = append(list, one.Disks[i].Name)
		}
	}
	return list
}

// reload has a domain that was started for it go on from a snapshot within its
// images.
func reload(one *moment.Moment) func(*startConfig) error {
	return func(st *startConfig) error {
		live, err := readDomain(xml.Source{Name: "live", Data: st.Live})
		if err != nil {
			return err
		}
		nodes, err := block.NodesOf(live, innerDisks(one))
		st.Snapshot = &loadSnapshot{Tag: one.Name, Nodes: nodes}
		return err
	}
}
