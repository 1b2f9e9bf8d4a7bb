package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"virgo/drivers"
)

// removesStorage tells whether undefine removes volumes, too.
func (c *Call) removesStorage() bool { return c.Has("remove-all-storage") || c.Has("storage") }

// hasSnapshots tells whether a domain is known to have snapshots.
func (c *Call) hasSnapshots(ctx context.Context, ref drivers.Ref) bool {
	snapshots := c.conn.Objects(drivers.Snapshot)
	if snapshots == nil {
		return false
	}
	list, err := snapshots.List(ctx, drivers.Filter{Parent: &ref})
	return err == nil && len(list) > 0
}

// diskVolume is a volume that goes with its domain.
type diskVolume struct {
	disk disk
	ref  drivers.Ref
}

// storageOf finds the volumes that go with a domain, and names the disks that
// no pool manages.
func (c *Call) storageOf(ctx context.Context, objects drivers.Objects, ref drivers.Ref) ([]diskVolume, error) {
	if !c.removesStorage() {
		return nil, nil
	}
	if c.Has("remove-all-storage") && c.Has("storage") {
		return nil, shellError("Specified both --storage and --remove-all-storage")
	}
	doc, err := objects.XML(ctx, ref, drivers.Inactive)
	if err != nil {
		return nil, err
	}
	disks, err := listDisks(doc)
	if err != nil {
		return nil, err
	}
	var words []string
	if c.Str("storage") != "" {
		words = strings.Split(c.Str("storage"), ",")
	}
	var wanted []disk
	for _, d := range disks {
		if d.source == "" {
			continue
		}
		at := slices.IndexFunc(words, func(w string) bool { return w == d.target || w == d.source })
		if at >= 0 {
			words = slices.Delete(words, at, at+1)
		}
		if at >= 0 || c.Has("remove-all-storage") {
			wanted = append(wanted, d)
		}
	}
	var out []diskVolume
	for _, d := range wanted {
		if v, ok := c.volumeOf(ctx, d); ok {
			out = append(out, diskVolume{d, v})
		}
	}
	if len(words) > 0 {
		return nil, shellError("Volume '%s' was not found in domain's definition.", words[0])
	}
	return out, nil
}

// volumeOf finds the volume that a disk is, or says that there is none.
func (c *Call) volumeOf(ctx context.Context, d disk) (drivers.Ref, bool) {
	volumes, err := volumeKind.objects(ctx, c)
	if err == nil {
		var ref drivers.Ref
		if d.pool == "" {
			ref, err = volumes.Lookup(ctx, drivers.ByPath, d.source)
		} else {
			var pool drivers.Ref
			if pool, err = c.conn.Objects(drivers.Pool).Lookup(ctx, drivers.ByName, d.pool); err != nil {
				c.Errorf("Storage pool '%s' for volume '%s' not found.", d.pool, d.target)
				return ref, false
			}
			var f drivers.ChildFinder
			if f, err = query[drivers.ChildFinder](volumes, "virStorageVolLookupByName"); err == nil {
				ref, err = f.Child(ctx, pool, d.source)
			}
		}
		if err == nil {
			return ref, true
		}
	}
	c.Errorf("Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.", d.target, d.source)
	return drivers.Ref{}, false
}

// removeStorage removes the volumes of a domain that is gone. One that cannot
// be removed does not keep the others.
func removeStorage(ctx context.Context, c *Call, done Message, volumes []diskVolume) error {
	text := c.format() == "text"
	if text {
		c.Emit(done)
	}
	say := func(format string, args ...any) {
		if text {
			c.Emit(Message{Text: fmt.Sprintf(format, args...), Extra: true})
		}
	}
	var failure error
	removed := []Data{}
	for _, v := range volumes {
		if c.Has("wipe-storage") {
			say("Wiping volume '%s'(%s) ... ", v.disk.target, v.disk.source)
			if err := wipeStorage(ctx, c, v.ref); err != nil {
				failure = err
				c.Errorf("Failed! Volume not removed.")
				continue
			}
			say("Done.\n")
		}
		if err := deleteStorage(ctx, c, v.ref); err != nil {
			failure = err
			c.Errorf("Failed to remove storage volume '%s'(%s)", v.disk.target, v.disk.source)
			continue
		}
		removed = append(removed, Data{{"target", v.disk.target}, {"source", v.disk.source}})
		say("Volume '%s'(%s) removed.\n", v.disk.target, v.disk.source)
	}
	if !text {
		if d, ok := done.Data.(Data); ok {
			done.Data = append(d, Pair{"removed_volumes", removed})
		}
		c.Emit(done)
	}
	return failure
}

func wipeStorage(ctx context.Context, c *Call, ref drivers.Ref) error {
	w, err := change[drivers.VolumeWiper](c, c.conn.Objects(drivers.Volume), "virStorageVolWipe")
	if err != nil {
		return err
	}
	return w.WipeVolume(ctx, ref, "")
}

func deleteStorage(ctx context.Context, c *Call, ref drivers.Ref) error {
	d, err := change[drivers.VolumeCreator](c, c.conn.Objects(drivers.Volume), "virStorageVolDelete")
	if err != nil {
		return err
	}
	return d.DeleteVolume(ctx, ref, c.Flags("delete-storage-volume-snapshots", drivers.SnapshotsToo))
}
