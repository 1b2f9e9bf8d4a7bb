package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// CreateVolume makes a volume of a description.
func (v *Volumes) CreateVolume(ctx context.Context, pool drivers.Ref, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return v.create(ctx, pool, src, f, nil)
}

// CreateVolumeFrom makes a volume with the content of another.
func (v *Volumes) CreateVolumeFrom(ctx context.Context, pool drivers.Ref, src xml.Source, from drivers.Ref, f drivers.Flags) (drivers.Ref, error) {
	_, orig, err := v.one(from)
	if err != nil {
		return drivers.Ref{}, err
	}
	return v.create(ctx, pool, src, f, orig)
}

// create makes a volume. It is made under another name, which it has until it is
// whole, so that whoever is killed leaves no half of one.
func (v *Volumes) create(ctx context.Context, pool drivers.Ref, src xml.Source, f drivers.Flags, orig *xml.Volume) (ref drivers.Ref, err error) {
	if err := drivers.CheckSchema(f, src, &xml.Volume{}, "storagevol"); err != nil {
		return ref, err
	}
	err = v.Of.locked(ctx, pool, func(a *xml.Pool) error {
		if a == nil {
			return notActive(pool)
		}
		def, err := ParseVolume(src, a, orig == nil)
		if err != nil {
			return err
		}
		switch {
		case strings.Contains(def.Name, "/"):
			return xml.Errorf(xml.CodeOperationInvalid, "volume name '%s' cannot contain '/'", def.Name)
		case drivers.CheckName(def.Name) != nil:
			return drivers.CheckName(def.Name)
		}
		path := filepath.Join(a.Target.Path, def.Name)
		b := backends(a.Type)
		_, serr := os.Lstat(path)
		taken := serr == nil || b.volumes != nil && find(a, def.Name) != nil
		if taken && orig != nil {
			return xml.Errorf(xml.CodeInternal, "storage volume name '%s' already in use.", def.Name)
		} else if taken {
			return xml.Errorf(xml.CodeVolumeExists, "storage volume '%s' exists already", def.Name)
		}
		if orig != nil && *def.Capacity < *orig.Capacity {
			*def.Capacity = *orig.Capacity
		}
		def.Target.Path = path
		if b.create != nil {
			err = createThere(ctx, b, a, def, orig)
		} else {
			err = v.build(ctx, a, def, orig, f)
		}
		if err != nil {
			return err
		}
		one := find(a, def.Name)
		if one == nil {
			return xml.Errorf(xml.CodeInternal, "the new volume '%s' is gone", def.Name)
		}
		ref = v.ref(a, one)
		return nil
	})
	return ref, err
}

// createThere makes a volume that is no file, and copies another into it.
func createThere(ctx context.Context, b *backend, pool *xml.Pool, def, orig *xml.Volume) error {
	if err := b.create(ctx, pool, def); err != nil || orig == nil {
		return err
	}
	// Blocks that another volume had are not zero: all of it is written.
	err := qemuImg(ctx, nil, def.Target.Path, "convert", "-n", "-S", "0", "-f", qemuFormat(orig.Target.Format.Type), "-O", "raw", orig.Target.Path, def.Target.Path)
	if err != nil {
		_ = b.erase(context.WithoutCancel(ctx), pool, def)
	}
	return err
}

// build makes a volume's file.
func (v *Volumes) build(ctx context.Context, pool *xml.Pool, def, orig *xml.Volume, f drivers.Flags) error {
	path, format := def.Target.Path, def.Target.Format.Type
	if format == "dir" || def.Type == "dir" {
		if orig != nil {
			return xml.Errorf(xml.CodeConfigUnsupported, "cannot copy from volume to a directory volume")
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return systemError(err, "failed to create directory '%s'", path)
		}
		return settle(path, def, 0o600)
	}
	dropPartial(pool.Target.Path)
	temp := filepath.Join(pool.Target.Path, partial+strconv.Itoa(os.Getpid())+"-"+drivers.NewUUID())
	defer os.Remove(temp)
	var err error
	plain := (format == "raw" || format == "iso") && def.Target.Encryption == nil
	switch {
	case plain && def.BackingStore != nil:
		err = drivers.Unsupported("backing storage not supported for raw volumes")
	case f.Has(drivers.Prealloc) && plain:
		err = xml.Errorf(xml.CodeConfigUnsupported, "metadata preallocation is not supported for raw volumes")
	case f.Has(drivers.Prealloc) && format != "qcow2":
		err = xml.Errorf(xml.CodeInvalidArg, "metadata preallocation only available with qcow2")
	case plain && (orig == nil || orig.Target.Format.Type == "raw" && orig.Target.Encryption == nil):
		err = buildRaw(temp, path, def, orig, f)
	default:
		err = v.buildImage(ctx, temp, path, def, orig, f)
	}
	if err != nil {
		return err
	}
	if err := settle(temp, def, 0o600); err != nil {
		return err
	}
	if err := syncPath(temp); err != nil {
		return systemError(err, "cannot sync data to file '%s'", path)
	}
	switch err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE); {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // the file system cannot: a link does the same
		if err := os.Link(temp, path); err != nil {
			return systemError(err, "failed to create file '%s'", path)
		}
	case errors.Is(err, unix.EEXIST):
		return xml.Errorf(xml.CodeVolumeExists, "storage volume '%s' exists already", def.Name)
	case err != nil:
		return systemError(err, "failed to create file '%s'", path)
	}
	drivers.SyncDir(pool.Target.Path)
	return nil
}

// dropPartial removes what those left who were killed while they made a volume.
func dropPartial(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, partial+"*"))
	for _, file := range files {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(file), partial), "-")
		n, err := strconv.Atoi(pid)
		fi, serr := os.Lstat(file)
		// A pool may be shared with other hosts: theirs are left for a day.
		if err == nil && serr == nil && unix.Kill(n, 0) != nil && time.Since(fi.ModTime()) > time.Minute {
			os.Remove(file)
		}
	}
}

func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// settle gives a file the permissions of its description.
func settle(path string, def *xml.Volume, mode fs.FileMode) error {
	p := def.Target.Permissions
	if p != nil && p.Mode != nil {
		mode = fs.FileMode(*p.Mode)
	}
	if err := os.Chmod(path, mode); err != nil {
		return systemError(err, "cannot set mode of '%s' to %04o", def.Target.Path, mode)
	}
	return own(path, p)
}

// buildRaw makes a raw file, which may be a copy. path is where it will be.
func buildRaw(temp, path string, def, orig *xml.Volume, flags drivers.Flags) error {
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return systemError(err, "Failed to create file '%s'", path)
	}
	defer f.Close()
	capacity := int64(*def.Capacity)
	if err := f.Truncate(capacity); err != nil || capacity < 0 {
		if err == nil {
			err = unix.EFBIG
		}
		return systemError(err, "cannot extend file '%s'", path)
	}
	if orig == nil {
		return reserve(f, path, int64(*def.Allocation))
	}
	in, err := os.Open(orig.Target.Path)
	if err != nil {
		return systemError(err, "could not open input path '%s'", orig.Target.Path)
	}
	defer in.Close()
	if flags.Has(drivers.Reflink) {
		if err := unix.IoctlFileClone(int(f.Fd()), int(in.Fd())); err != nil {
			return systemError(err, "failed to clone files from '%s'", orig.Target.Path)
		}
		if err := f.Truncate(capacity); err != nil {
			return systemError(err, "cannot extend file '%s'", path)
		}
		return nil
	}
	if err := copyData(f, in); err != nil {
		return systemError(err, "failed reading from file '%s'", orig.Target.Path)
	}
	return nil
}

// reserve takes the blocks of the first n bytes of a file.
func reserve(f *os.File, path string, n int64) error {
	if n == 0 {
		return nil
	}
	switch err := unix.Fallocate(int(f.Fd()), 0, 0, n); {
	case errors.Is(err, unix.EOPNOTSUPP): // what is written takes them as well
		if _, err := io.CopyN(&offset{f: f}, zeroes{}, n); err != nil {
			return systemError(err, "cannot fill file '%s'", path)
		}
	case err != nil:
		return systemError(err, "cannot allocate %d bytes in file '%s'", n, path)
	}
	return nil
}

// zeroes is an endless run of zero bytes.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// offset writes from a place on.
type offset struct {
	f  *os.File
	at int64
}

func (o *offset) Write(p []byte) (int, error) {
	n, err := o.f.WriteAt(p, o.at)
	o.at += int64(n)
	return n, err
}

// copyData copies what a file has, and leaves out its holes.
func copyData(to, from *os.File) error {
	fi, err := from.Stat()
	if err != nil {
		return err
	}
	for at := int64(0); ; {
		data, err := unix.Seek(int(from.Fd()), at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO):
			return nil
		case errors.Is(err, unix.EINVAL) || !fi.Mode().IsRegular(): // it does not tell
			_, err := io.Copy(&offset{f: to}, from)
			return err
		case err != nil:
			return err
		}
		hole, err := unix.Seek(int(from.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(&offset{f: to, at: data}, io.NewSectionReader(from, data, hole-data)); err != nil {
			return err
		}
		at = hole
	}
}

// imageOptions are qemu-img's options for a new image.
func imageOptions(def *xml.Volume, f drivers.Flags) ([]string, error) {
	var o []string
	t := def.Target
	if b := def.BackingStore; b != nil {
		path := b.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(t.Path), path)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, systemError(err, "inaccessible backing store volume %s", b.Path)
		}
		o = append(o, "backing_fmt="+b.Format.Type)
	}
	if f.Has(drivers.Prealloc) {
		how := "metadata"
		if *def.Allocation >= *def.Capacity {
			how = "falloc"
		}
		o = append(o, "preallocation="+how)
	}
	if t.Format.Type != "qcow2" {
		return o, nil
	}
	if t.Compat != "" {
		o = append(o, "compat="+t.Compat)
	}
	if t.ClusterSize != nil {
		o = append(o, fmt.Sprintf("cluster_size=%d", *t.ClusterSize))
	}
	if c := t.Features; c != nil {
		if (c.LazyRefcounts || c.ExtendedL2) && t.Compat == "0.10" {
			return nil, xml.Errorf(xml.CodeConfigUnsupported, "lazy_refcounts not supported with compat level %s", t.Compat)
		}
		if c.LazyRefcounts {
			o = append(o, "lazy_refcounts=on")
		}
		if c.ExtendedL2 {
			o = append(o, "extended_l2=on")
		}
	}
	return o, nil
}

// qemuFormat is QEMU's name of a format.
func qemuFormat(format string) string {
	switch format {
	case "vhd":
		return "vpc"
	case "ploop":
		return "parallels"
	}
	return format
}

// buildImage has qemu-img make an image, which may be a copy.
func (v *Volumes) buildImage(ctx context.Context, temp, path string, def, orig *xml.Volume, f drivers.Flags) error {
	options, err := imageOptions(def, f)
	if err != nil {
		return err
	}
	format := qemuFormat(def.Target.Format.Type)
	var objects []string
	var secret []byte
	if e := def.Target.Encryption; e != nil {
		if secret, err = v.secret(e); err != nil {
			return err
		}
		objects = []string{"--object", "secret,id=sec0,file=/proc/self/fd/3"}
		if format == "raw" {
			format = "luks"
			options = append(options, "key-secret=sec0")
		} else {
			options = append(options, "encrypt.format=luks", "encrypt.key-secret=sec0")
		}
	}
	size := fmt.Sprintf("%dK", (uint64(*def.Capacity)+1023)/1024)
	args := append([]string{"create"}, objects...)
	args = append(args, "-f", format)
	if orig != nil {
		args = append([]string{"convert"}, objects...)
		args = append(args, "-f", qemuFormat(orig.Target.Format.Type), "-O", format)
	}
	if b := def.BackingStore; b != nil {
		switch {
		case orig == nil:
			args = append(args, "-b", b.Path)
		default:
			options = append(options, "backing_file="+strings.ReplaceAll(b.Path, ",", ",,"))
		}
	}
	if len(options) > 0 {
		args = append(args, "-o", strings.Join(options, ","))
	}
	if orig != nil {
		return qemuImg(ctx, secret, path, append(args, orig.Target.Path, temp)...)
	}
	return qemuImg(ctx, secret, path, append(args, temp, size)...)
}

// secret is the passphrase of a volume that is to be encrypted.
func (v *Volumes) secret(e *xml.Encryption) ([]byte, error) {
	switch {
	case e.Format != "luks" && e.Format != "default":
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "unsupported volume encryption format %s", e.Format)
	case len(e.Secrets) != 1 || v.Reveal == nil:
		return nil, xml.Errorf(xml.CodeInvalidArg, "A single <secret type='passphrase'...> element is expected in encryption description")
	}
	s := e.Secrets[0]
	return v.Reveal("volume", string(s.UUID), s.Usage)
}

// qemuImg runs qemu-img, which reads a secret from its descriptor 3. Its words
// name the file as it will be called.
func qemuImg(ctx context.Context, secret []byte, path string, args ...string) error {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return xml.Errorf(xml.CodeInternal, "creation of non-raw file images is not supported without qemu-img.")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if secret != nil {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		cmd.ExtraFiles = []*os.File{r}
		go func() {
			_, _ = w.Write(secret)
			w.Close()
		}()
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		shown := strings.Join(append([]string{program}, args...), " ")
		text := fmt.Sprintf("Child process (%s) unexpected exit status %d: %s", shown, exit.ExitCode(), stderr.String())
		if at := strings.Index(text, partial); at >= 0 {
			temp := args[len(args)-1]
			if !strings.Contains(temp, partial) {
				temp = args[len(args)-2]
			}
			text = strings.ReplaceAll(text, temp, path)
		}
		return xml.Errorf(xml.CodeInternal, "%s", text)
	}
	if err != nil {
		return xml.Errorf(xml.CodeInternal, "cannot run qemu-img: %v", err)
	}
	return nil
}
