package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers/image"
	"virgo/xml"
)

// A volume is looked at whenever somebody asks for it: nothing is kept of it.

// partial is how files begin that are about to become volumes.
const partial = ".virgo-vol-"

// readVolume looks at a file of a pool; nil: it is no volume.
func readVolume(pool *xml.Pool, name string) *xml.Volume {
	if strings.HasPrefix(name, partial) {
		return nil
	}
	path := filepath.Join(pool.Target.Path, name)
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return nil
	}
	v := &xml.Volume{Type: "file", Name: name, Key: path, Target: &xml.VolumeTarget{Path: path, Format: &xml.PoolFormat{Type: "raw"}}}
	t := v.Target
	size, used := xml.ByteSize(st.Size), xml.ByteSize(st.Blocks*512)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info, err := image.Open(path)
		if err != nil {
			info = image.Info{Format: "raw"}
		}
		describe(v, path, info, &size, uint64(st.Size))
		if st.Size > 0 {
			physical := xml.ByteSize(st.Size)
			v.Physical = &physical
		}
	case unix.S_IFDIR:
		v.Type, t.Format.Type, size, used = "dir", "dir", 0, 0
	case unix.S_IFBLK:
		v.Type = "block"
		size = xml.ByteSize(deviceSize(path))
		used = size
		v.Physical = &size
	default:
		return nil
	}
	if pool.Refresh != nil && pool.Refresh.Volume != nil && pool.Refresh.Volume.Allocation == "capacity" {
		used = size
	}
	v.Capacity, v.Allocation = &size, &used
	t.Permissions, t.Timestamps = permissions(st.Mode, st.Uid, st.Gid), timestamps(path)
	return v
}

// describe notes what the header of an image says.
func describe(v *xml.Volume, path string, info image.Info, size *xml.ByteSize, length uint64) {
	t := v.Target
	t.Format.Type = info.Format
	if info.Capacity > 0 {
		*size = xml.ByteSize(info.Capacity)
	}
	if info.Offset > 0 && info.Offset <= length {
		*size = xml.ByteSize(length - info.Offset)
	}
	switch info.Encryption {
	case "luks", "luks2":
		t.Encryption = &xml.Encryption{Format: info.Encryption}
	case "qcow":
		t.Encryption = &xml.Encryption{Format: "qcow"}
	}
	if info.Format == "qcow2" {
		if info.Compat != "0.10" {
			t.Compat = info.Compat
			t.Features = &xml.VolumeFeatures{LazyRefcounts: info.LazyRefcounts, ExtendedL2: info.ExtendedL2, DataFile: info.DataFile != ""}
		}
		if n := xml.ClusterSize(info.ClusterSize); n > 0 {
			t.ClusterSize = &n
		}
	}
	if info.Backing == "" {
		return
	}
	b := &xml.VolumeBackingStore{Path: info.Backing, Format: &xml.PoolFormat{Type: info.BackingFormat}}
	if file, ok := image.Local(path, info.Backing); ok {
		b.Path = file
		var st unix.Stat_t
		if unix.Stat(file, &st) == nil {
			b.Permissions, b.Timestamps = permissions(st.Mode, st.Uid, st.Gid), timestamps(file)
			if info.BackingFormat == "" {
				if below, err := image.Open(file); err == nil {
					b.Format.Type = below.Format
				}
			}
		}
	}
	if b.Format.Type == "" {
		b.Format.Type = "raw"
	}
	v.BackingStore = b
}

// timestamps are those of a file; when it was made is not known everywhere.
func timestamps(path string) *xml.Timestamps {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st) != nil {
		return nil
	}
	text := func(t unix.StatxTimestamp) string {
		if t.Nsec == 0 {
			return fmt.Sprint(t.Sec)
		}
		return fmt.Sprintf("%d.%09d", t.Sec, t.Nsec)
	}
	out := &xml.Timestamps{Access: text(st.Atime), Modify: text(st.Mtime), Change: text(st.Ctime)}
	if st.Mask&unix.STATX_BTIME != 0 {
		out.Birth = text(st.Btime)
	}
	return out
}

// deviceSize is the size of a block device: where it ends.
func deviceSize(path string) uint64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	end, err := f.Seek(0, 2)
	if err != nil {
		return 0
	}
	return uint64(end)
}
