package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// DeleteVolume removes a volume.
func (v *Volumes) DeleteVolume(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "virStorageBackendVolDeleteLocal", drivers.SnapshotsToo, 2); err != nil {
		return err
	}
	return v.Of.locked(ctx, *r.Parent, func(*xml.Pool) error {
		pool, one, err := v.one(r)
		if err != nil {
			return err
		}
		if b := backends(pool.Type); b != nil && b.erase != nil {
			return b.erase(ctx, pool, one)
		}
		path := one.Target.Path
		if one.Type == "dir" {
			if err := os.Remove(path); err != nil {
				return systemError(err, "cannot remove directory '%s'", path)
			}
			return nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return systemError(err, "cannot unlink file '%s'", path)
		}
		return nil
	})
}

// ResizeVolume changes a volume's capacity.
func (v *Volumes) ResizeVolume(ctx context.Context, r drivers.Ref, bytes uint64, f drivers.ResizeFlags) error {
	return v.Of.locked(ctx, *r.Parent, func(*xml.Pool) error {
		pool, one, err := v.one(r)
		if err != nil {
			return err
		}
		now := uint64(*one.Capacity)
		want := bytes
		if f.Delta {
			if want = now + bytes; f.Shrink {
				want = now - min(bytes, now)
			}
		}
		switch {
		case want < uint64(*one.Allocation) && !f.Shrink:
			return xml.Errorf(xml.CodeInvalidArg, "can't shrink capacity below existing allocation")
		case want < now && !f.Shrink:
			return xml.Errorf(xml.CodeInvalidArg, "Can't shrink capacity below current capacity unless shrink flag explicitly specified")
		}
		if b := backends(pool.Type); b != nil && b.resize != nil {
			return b.resize(ctx, pool, one, want)
		}
		if _, free, err := space(pool.Target.Path); err == nil && f.Allocate && want > now && want-now > free {
			return xml.Errorf(xml.CodeOperationFailed, "Not enough space left in storage pool")
		}
		path, format := one.Target.Path, one.Target.Format.Type
		if one.Type == "dir" {
			return drivers.Unsupported("storage pool does not support changing of volume capacity")
		}
		if format != "raw" || one.Target.Encryption != nil {
			if f.Allocate {
				return xml.Errorf(xml.CodeUnsupported, "preallocate is only supported for raw type volume")
			}
			args := []string{"resize"}
			if want < now {
				args = append(args, "--shrink")
			}
			return qemuImg(ctx, nil, path, append(args, path, fmt.Sprint(want))...)
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return systemError(err, "Unable to open '%s'", path)
		}
		defer file.Close()
		if err := file.Truncate(int64(want)); err != nil {
			return systemError(err, "Failed to truncate file '%s'", path)
		}
		if f.Allocate {
			return reserve(file, path, int64(want))
		}
		return nil
	})
}

// WipeVolume destroys a volume's content.
func (v *Volumes) WipeVolume(ctx context.Context, r drivers.Ref, algorithm string) error {
	return v.Of.locked(ctx, *r.Parent, func(*xml.Pool) error {
		_, one, err := v.one(r)
		if err != nil {
			return err
		}
		path := one.Target.Path
		switch algorithm {
		case "", "zero":
			return zero(path)
		case "trim":
			return xml.Errorf(xml.CodeArgUnsupported, "'trim' algorithm not supported")
		}
		_, err = run(ctx, "scrub", "-f", "-p", algorithm, path)
		var e *xml.Error
		if errors.As(err, &e) && e.Msg == "Cannot find 'scrub' in path: No such file or directory" {
			return xml.Errorf(xml.CodePlain, "%s", e.Msg)
		}
		return err
	})
}

// zero overwrites a file. One with holes loses all of its blocks: that is the same.
func zero(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return systemError(err, "Failed to open storage volume with path '%s'", path)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return systemError(err, "failed to stat storage volume with path '%s'", path)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Blocks < st.Size/512 {
		if err := f.Truncate(0); err != nil {
			return systemError(err, "Failed to truncate volume with path '%s' to 0 bytes", path)
		}
		if err := f.Truncate(st.Size); err != nil {
			return systemError(err, "Failed to truncate volume with path '%s' to %d bytes", path, st.Size)
		}
		return nil
	}
	size := st.Size
	if st.Mode&unix.S_IFMT == unix.S_IFBLK {
		size = int64(deviceSize(path))
	}
	if _, err := io.CopyN(&offset{f: f}, zeroes{}, size); err != nil {
		return systemError(err, "Failed to write %d bytes to storage volume with path '%s'", size, path)
	}
	if err := f.Sync(); err != nil {
		return systemError(err, "cannot sync data to volume with path '%s'", path)
	}
	return nil
}

// Download gives a volume's content.
func (v *Volumes) Download(_ context.Context, r drivers.Ref, part drivers.Part, to io.Writer) error {
	_, one, err := v.one(r)
	if err != nil {
		return err
	}
	path := one.Target.Path
	f, err := open(path, os.O_RDONLY, part)
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return systemError(err, "Unable to seek to end of file '%s'", path)
	}
	from := int64(part.Offset)
	if part.Length > 0 {
		end = min(end, from+int64(part.Length))
	}
	h, sparse := to.(drivers.Holer)
	if !part.Sparse || !sparse {
		_, err := io.Copy(to, io.NewSectionReader(f, from, max(end-from, 0)))
		return err
	}
	for from < end {
		data, err := unix.Seek(int(f.Fd()), from, unix.SEEK_DATA)
		if err != nil {
			data = end // nothing but a hole is left
		}
		data = min(data, end)
		if data > from {
			if err := h.Hole(data - from); err != nil {
				return err
			}
		}
		hole := end
		if data < end {
			if at, err := unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE); err == nil {
				hole = min(at, end)
			}
		}
		if _, err := io.Copy(to, io.NewSectionReader(f, data, hole-data)); err != nil {
			return err
		}
		from = hole
	}
	return nil
}

// open opens a volume that a part is moved of.
func open(path string, mode int, part drivers.Part) (*os.File, error) {
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return nil, systemError(err, "Unable to open stream for '%s'", path)
	}
	if part.Offset > 0 {
		if _, err := f.Seek(int64(part.Offset), io.SeekStart); err != nil {
			f.Close()
			return nil, systemError(err, "Unable to seek %s to %d", path, part.Offset)
		}
	}
	return f, nil
}

// upload is a volume that is written to.
type upload struct {
	f     *os.File
	limit bool
	left  int64
}

// Upload gives the volume to write into.
func (v *Volumes) Upload(_ context.Context, r drivers.Ref, part drivers.Part) (io.WriteCloser, error) {
	_, one, err := v.one(r)
	if err != nil {
		return nil, err
	}
	f, err := open(one.Target.Path, os.O_WRONLY, part)
	if err != nil {
		return nil, err
	}
	return &upload{f: f, limit: part.Length > 0, left: int64(part.Length)}, nil
}

func (u *upload) take(n int64) error {
	if u.limit && n > u.left {
		return systemError(unix.ENOSPC, "cannot write to stream")
	}
	u.left -= n
	return nil
}

func (u *upload) Write(p []byte) (int, error) {
	if err := u.take(int64(len(p))); err != nil {
		return 0, err
	}
	return u.f.Write(p)
}

// Hole leaves n bytes out: what was there is gone.
func (u *upload) Hole(n int64) error {
	if err := u.take(n); err != nil {
		return err
	}
	at, err := u.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	fi, err := u.f.Stat()
	if err != nil {
		return err
	}
	if inside := min(fi.Size()-at, n); inside > 0 && fi.Mode().IsRegular() {
		if unix.Fallocate(int(u.f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, inside) != nil {
			if _, err := io.CopyN(&offset{f: u.f, at: at}, zeroes{}, inside); err != nil {
				return err
			}
		}
	}
	if _, err := u.f.Seek(n, io.SeekCurrent); err != nil {
		return err
	}
	if at+n > fi.Size() && fi.Mode().IsRegular() {
		return u.f.Truncate(at + n)
	}
	return nil
}

// Close ends the upload.
func (u *upload) Close() error {
	return errors.Join(u.f.Sync(), u.f.Close())
}

// Abort gives it up.
func (u *upload) Abort() { u.f.Close() }
