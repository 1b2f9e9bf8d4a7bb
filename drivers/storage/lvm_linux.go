package storage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// Pools of kind logical are volume groups of LVM, their volumes logical volumes.

// lvm is the backend, nil where LVM's programs are not there.
func lvm() *backend {
	if _, err := exec.LookPath("vgs"); err != nil {
		return nil
	}
	return &backend{build: buildVG, start: startVG, stop: stopVG, remove: removeVG, there: groupThere, volumes: logicalVolumes, sizes: groupSizes,
		create: createLV, erase: eraseLV, resize: resizeLV}
}

func group(def *xml.Pool) string { return def.Source.Name }

func buildVG(ctx context.Context, def *xml.Pool, f drivers.Flags) error {
	if len(def.Source.Devices) == 0 {
		return xml.Errorf(xml.CodeConfigUnsupported, "missing source devices")
	}
	var made drivers.Undo
	defer made.Run()
	args := []string{group(def)}
	for _, d := range def.Source.Devices {
		if f.Has(drivers.NoOverwrite) {
			if err := blank(ctx, d.Path); err != nil {
				return err
			}
		}
		create := []string{d.Path}
		if f.Has(drivers.Overwrite) {
			create = []string{"-ff", "--yes", d.Path}
		}
		if _, err := run(ctx, "pvcreate", create...); err != nil {
			return err
		}
		made.Add(func() { _, _ = run(context.WithoutCancel(ctx), "pvremove", d.Path) })
		args = append(args, d.Path)
	}
	if _, err := run(ctx, "vgcreate", args...); err != nil {
		return err
	}
	made.Done()
	return nil
}

func startVG(ctx context.Context, def *xml.Pool) error {
	_, err := run(ctx, "vgchange", "-aly", group(def))
	return err
}

func stopVG(ctx context.Context, def *xml.Pool) error {
	_, err := run(ctx, "vgchange", "-aln", group(def))
	return err
}

func removeVG(def *xml.Pool) error {
	ctx := context.Background()
	if _, err := run(ctx, "vgremove", "-f", group(def)); err != nil {
		return err
	}
	for _, d := range def.Source.Devices {
		if _, err := run(ctx, "pvremove", d.Path); err != nil {
			return err
		}
	}
	return nil
}

func groupThere(def *xml.Pool) bool {
	_, err := run(context.Background(), "vgs", "--noheadings", "--options", "vg_name", group(def))
	return err == nil
}

// groupSizes is how large a group is, and how much of it no volume has.
func groupSizes(ctx context.Context, def *xml.Pool) (capacity, available uint64, err error) {
	out, err := run(ctx, "vgs", "--separator", ":", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix", "--options", "vg_size,vg_free", group(def))
	if err != nil {
		return 0, 0, err
	}
	size, free, _ := strings.Cut(strings.TrimSpace(string(out)), ":")
	capacity, err = strconv.ParseUint(size, 10, 64)
	if err == nil {
		available, err = strconv.ParseUint(free, 10, 64)
	}
	if err != nil {
		return 0, 0, xml.Errorf(xml.CodeInternal, "malformed output of vgs: %s", out)
	}
	return capacity, available, nil
}

// logicalVolumes are the volumes of a group.
func logicalVolumes(ctx context.Context, def *xml.Pool) ([]*xml.Volume, error) {
	out, err := run(ctx, "lvs", "--separator", "#", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix", "--options",
		"lv_name,origin,uuid,devices,segtype,stripes,seg_size,vg_extent_size,size,lv_attr", group(def))
	if err != nil {
		return nil, err
	}
	return parseLVs(def, string(out))
}

// parseLVs reads what lvs prints: a line for each segment of each volume.
func parseLVs(def *xml.Pool, text string) ([]*xml.Volume, error) {
	var list []*xml.Volume
	byName := make(map[string]*xml.Volume)
	for _, line := range strings.Split(text, "\n") {
		f := strings.Split(strings.TrimSpace(line), "#")
		if len(f) < 10 || f[0] == "" {
			continue
		}
		name, origin, uuid, devices, attr := f[0], f[1], f[2], f[3], f[9]
		if attr == "" || !strings.ContainsRune("-oOsSmMrRVC", rune(attr[0])) { // a pool of volumes, or a part of others
			continue
		}
		v := byName[name]
		if v == nil {
			size, err := strconv.ParseUint(f[8], 10, 64)
			if err != nil {
				return nil, xml.Errorf(xml.CodeInternal, "malformed volume allocation value: %s", f[8])
			}
			capacity, none := xml.ByteSize(size), xml.ByteSize(0)
			path := filepath.Join(def.Target.Path, name)
			v = &xml.Volume{Type: "block", Name: name, Key: uuid, Capacity: &capacity, Allocation: &none, Source: &xml.VolumeSource{},
				Target: &xml.VolumeTarget{Path: path, Format: &xml.PoolFormat{Type: "raw"}}}
			var st unix.Stat_t
			if unix.Stat(path, &st) == nil {
				v.Target.Permissions, v.Target.Timestamps = permissions(st.Mode, st.Uid, st.Gid), timestamps(path)
			}
			if origin != "" {
				v.BackingStore = &xml.VolumeBackingStore{Path: filepath.Join(def.Target.Path, strings.Trim(origin, "[]")), Format: &xml.PoolFormat{Type: "raw"}}
			}
			byName[name], list = v, append(list, v)
		}
		segment, _ := strconv.ParseUint(f[6], 10, 64)
		extent, _ := strconv.ParseUint(f[7], 10, 64)
		*v.Allocation += xml.ByteSize(segment)
		for _, part := range strings.Split(devices, ",") {
			device, at, ok := strings.Cut(strings.TrimSuffix(part, ")"), "(")
			start, err := strconv.ParseUint(at, 10, 64)
			if ok && err == nil && strings.HasPrefix(device, "/") {
				v.Source.Devices = append(v.Source.Devices, xml.VolumeDevice{Path: device,
					Extents: []xml.FreeExtent{{Start: start * extent, End: start*extent + segment}}})
			}
		}
	}
	return list, nil
}

// kib is a number of bytes as LVM's programs take it.
func kib(n xml.ByteSize) string { return fmt.Sprintf("%dK", (uint64(n)+1023)/1024) }

func createLV(ctx context.Context, pool *xml.Pool, v *xml.Volume) error {
	if v.Target.Encryption != nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "storage pool does not support encrypted volumes")
	}
	args := []string{"--name", v.Name}
	if *v.Capacity != *v.Allocation {
		args = append(args, "--type", "snapshot", "--virtualsize", kib(*v.Capacity), "-L", kib(max(*v.Allocation, 1024)))
	} else {
		args = append(args, "-L", kib(*v.Capacity))
	}
	if v.BackingStore != nil {
		args = append(args, "-s")
	}
	target := group(pool)
	if v.BackingStore != nil {
		target = v.BackingStore.Path
	}
	if _, err := run(ctx, "lvcreate", append(args, target)...); err != nil {
		return err
	}
	path := filepath.Join(pool.Target.Path, v.Name)
	err := own(path, v.Target.Permissions)
	if p := v.Target.Permissions; err == nil && p != nil && p.Mode != nil {
		if err = os.Chmod(path, os.FileMode(*p.Mode)); err != nil {
			err = systemError(err, "cannot set file mode '%s'", path)
		}
	}
	if err != nil {
		_, _ = run(context.WithoutCancel(ctx), "lvremove", "-f", path)
	}
	return err
}

func eraseLV(ctx context.Context, pool *xml.Pool, v *xml.Volume) error {
	_, err := run(ctx, "lvremove", "-f", group(pool)+"/"+v.Name)
	return err
}

func resizeLV(context.Context, *xml.Pool, *xml.Volume, uint64) error {
	return drivers.Unsupported("storage pool does not support changing of volume capacity")
}

// groups finds the groups of volumes that there are, each with its devices.
func groups(ctx context.Context) ([]byte, error) {
	out, err := run(ctx, "pvs", "--noheadings", "-o", "pv_name,vg_name")
	if err != nil {
		return nil, err
	}
	return xml.Marshal(parsePVs(string(out)))
}

// parsePVs reads what pvs prints: a device and its group a line.
func parsePVs(text string) *xml.PoolSources {
	found := &xml.PoolSources{}
	at := make(map[string]int)
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) < 2 { // a device of no group
			continue
		}
		i, known := at[f[1]]
		if !known {
			i = len(found.Sources)
			at[f[1]] = i
			found.Sources = append(found.Sources, xml.PoolSource{Name: f[1], Format: &xml.PoolFormat{Type: "lvm2"}})
		}
		found.Sources[i].Devices = append(found.Sources[i].Devices, xml.PoolDevice{Path: f[0]})
	}
	return found
}
