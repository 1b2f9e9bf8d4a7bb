package qemu

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// rewriteSaved changes what stands before a saved guest's memory. The file is
// copied, by reference where the file system can do that, so that a kill leaves
// the old one or the new.
func rewriteSaved(path string, image *saveImage) (err error) {
	fail := func(err error) error {
		return xml.Errorf(xml.CodeSystem, "failed to write header to domain save file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fail(err)
	}
	old, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "Failed to open file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	defer old.Close()
	fi, err := old.Stat()
	if err != nil {
		return fail(err)
	}
	if !fi.Mode().IsRegular() {
		if _, err := old.WriteAt(image.bytes(saveMagic), 0); err != nil {
			return fail(err)
		}
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), editPattern)
	if err != nil {
		return fail(err)
	}
	defer tmp.Close()
	_ = unix.Flock(int(tmp.Fd()), unix.LOCK_EX|unix.LOCK_NB) // says that somebody is at work on it
	sweepSaves(filepath.Dir(path))
	if err = copySparse(tmp, old, fi.Size()); err == nil {
		_, err = tmp.WriteAt(image.bytes(saveMagic), 0)
	}
	if err == nil {
		err = tmp.Chmod(fi.Mode().Perm())
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fail(err)
	}
	drivers.SyncDir(filepath.Dir(path))
	return nil
}

// copySparse copies a file with its holes.
func copySparse(to, from *os.File, size int64) error {
	if unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil {
		return nil
	}
	if err := to.Truncate(size); err != nil {
		return err
	}
	for at := int64(0); at < size; {
		data, err := unix.Seek(int(from.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // a hole up to the end
		}
		if err != nil {
			return err
		}
		end, err := unix.Seek(int(from.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := to.Seek(data, io.SeekStart); err != nil {
			return err
		}
		if _, err := from.Seek(data, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, end-data); err != nil {
			return err
		}
		at = end
	}
	return nil
}
