package storage

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// backend is how pools of a kind are made and used. What is nil there is nothing
// to do for.
type backend struct {
	build  func(ctx context.Context, def *xml.Pool, f drivers.Flags) error
	start  func(ctx context.Context, def *xml.Pool) error
	stop   func(ctx context.Context, def *xml.Pool) error
	remove func(def *xml.Pool) error
	// there tells whether a started pool's storage is still where it was put.
	there func(def *xml.Pool) bool

	// Of pools whose volumes are no files of a folder: what they are, and how
	// they are changed.
	volumes func(ctx context.Context, def *xml.Pool) ([]*xml.Volume, error)
	sizes   func(ctx context.Context, def *xml.Pool) (capacity, available uint64, err error)
	create  func(ctx context.Context, def *xml.Pool, v *xml.Volume) error
	erase   func(ctx context.Context, def *xml.Pool, v *xml.Volume) error
	resize  func(ctx context.Context, def *xml.Pool, v *xml.Volume, bytes uint64) error
}

// backends are those that there are, by kind.
func backends(kind string) *backend {
	switch kind {
	case "dir":
		return &backend{build: buildDir, remove: removeDir, there: isFolder}
	case "fs":
		return &backend{build: buildFS, start: mount, stop: unmount, remove: removeDir, there: mounted}
	case "netfs":
		return &backend{build: buildDir, start: mount, stop: unmount, remove: removeDir, there: mounted}
	case "logical":
		return lvm()
	}
	return nil
}

// Supported tells whether pools of a kind can be started.
func Supported(kind string) bool { return backends(kind) != nil }

// backendOf gives the backend of a pool.
func backendOf(kind string) (*backend, error) {
	if b := backends(kind); b != nil {
		return b, nil
	}
	return nil, noBackend(kind)
}

func noBackend(kind string) error {
	for i := range kinds {
		if kinds[i].name == kind {
			return xml.Errorf(xml.CodeInternal, "missing backend for pool type %d (%s)", i, kind)
		}
	}
	return xml.Errorf(xml.CodeInternal, "unknown storage pool type %s", kind)
}

// systemError is an error of the operating system with the peer's words before it.
func systemError(err error, format string, args ...any) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		err = pe.Err
	case errors.As(err, &le):
		err = le.Err
	}
	return xml.Errorf(xml.CodeSystem, format+": %s", append(args, drivers.SystemText(err))...)
}

// buildDir makes a pool's folder.
func buildDir(_ context.Context, def *xml.Pool, f drivers.Flags) error {
	if f.Has(drivers.Overwrite) || f.Has(drivers.NoOverwrite) {
		return noDevice(def)
	}
	return makeTarget(def)
}

func noDevice(def *xml.Pool) error {
	return xml.Errorf(xml.CodeOperationInvalid, "No source device specified when formatting pool '%s'", def.Name)
}

// makeTarget makes a folder with the permissions that a pool names. One that is
// there already only gets those that are named.
func makeTarget(def *xml.Pool) error {
	path, p := def.Target.Path, def.Target.Permissions
	if parent := filepath.Dir(path); parent != path {
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return systemError(err, "cannot create path '%s'", parent)
		}
	}
	mode, named := fs.FileMode(0o711), false
	if p != nil && p.Mode != nil {
		mode, named = fs.FileMode(*p.Mode), true
	}
	err := os.Mkdir(path, mode)
	made := err == nil
	if fi, serr := os.Stat(path); errors.Is(err, fs.ErrExist) && serr == nil && fi.IsDir() {
		err = nil
	}
	if err != nil {
		return systemError(err, "failed to create directory '%s'", path)
	}
	if made || named {
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			return systemError(err, "cannot set mode of '%s' to %04o", path, mode)
		}
	}
	return own(path, p)
}

// own gives a file to the owner and group that permissions name.
func own(path string, p *xml.Permissions) error {
	if p == nil || p.Owner == nil && p.Group == nil {
		return nil
	}
	uid, gid := -1, -1
	if p.Owner != nil {
		uid = int(*p.Owner)
	}
	if p.Group != nil {
		gid = int(*p.Group)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		return systemError(err, "cannot chown '%s' to (%d, %d)", path, uint32(uid), uint32(gid))
	}
	return nil
}

func isFolder(def *xml.Pool) bool {
	fi, err := os.Stat(def.Target.Path)
	return err == nil && fi.IsDir()
}

func removeDir(def *xml.Pool) error {
	if err := os.Remove(def.Target.Path); err != nil {
		return systemError(err, "failed to remove pool '%s'", def.Target.Path)
	}
	return nil
}

// run runs a program of the host.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, xml.Errorf(xml.CodeInternal, "Cannot find '%s' in path: No such file or directory", name)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case errors.As(err, &exit):
		return nil, xml.Errorf(xml.CodeInternal, "Child process (%s) unexpected exit status %d: %s", strings.Join(append([]string{path}, args...), " "), exit.ExitCode(), stderr.String())
	}
	return nil, xml.Errorf(xml.CodeInternal, "cannot run %s: %v", name, err)
}

// mountSource is what a pool's file system is mounted from.
func mountSource(def *xml.Pool) string {
	s := def.Source
	if def.Type == "fs" {
		return s.Devices[0].Path
	}
	host := s.Hosts[0].Name
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	switch s.Format.Type {
	case "cifs":
		return "//" + host + s.Dir.Path
	case "glusterfs":
		return host + ":/" + strings.TrimPrefix(s.Dir.Path, "/")
	}
	return host + ":" + s.Dir.Path
}

// mount mounts a pool's file system, unless it is mounted already.
func mount(ctx context.Context, def *xml.Pool) error {
	if mounted(def) {
		return nil
	}
	options := []string{"nodev", "nosuid", "noexec"}
	if p := def.Source.Protocol; p != nil && p.Version != "" {
		options = append(options, "nfsvers="+p.Version)
	}
	if def.MountOpts != nil {
		for _, o := range def.MountOpts.Options {
			options = append(options, o.Name)
		}
	}
	format := def.Source.Format.Type
	var args []string
	switch {
	case def.Type == "netfs" && format == "cifs":
		args = []string{"-t", "cifs"}
		options = append(options, "guest")
	case def.Type == "netfs" && format == "glusterfs":
		options = append(options, "direct-io-mode=1")
		args = []string{"-t", "glusterfs"}
	case def.Type == "netfs" && format == "auto":
	default:
		args = []string{"-t", format}
	}
	args = append([]string{"-o", strings.Join(options, ",")}, args...)
	_, err := run(ctx, "mount", append(args, mountSource(def), def.Target.Path)...)
	return err
}

func unmount(ctx context.Context, def *xml.Pool) error {
	if !mounted(def) {
		return nil
	}
	_, err := run(ctx, "umount", def.Target.Path)
	return err
}

// mounted tells whether a pool's folder is a mount point.
func mounted(def *xml.Pool) bool {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		if len(f) > 1 && mountUnescape.Replace(f[1]) == def.Target.Path {
			return true
		}
	}
	return false
}

var mountUnescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// buildFS makes the folder to mount at and, where it is asked for, a file system.
func buildFS(ctx context.Context, def *xml.Pool, f drivers.Flags) error {
	if f.Has(drivers.Overwrite) && f.Has(drivers.NoOverwrite) {
		return xml.Errorf(xml.CodeInvalidArg, "Overwrite and no overwrite flags are mutually exclusive")
	}
	if err := makeTarget(def); err != nil {
		return err
	}
	if !f.Has(drivers.Overwrite) && !f.Has(drivers.NoOverwrite) {
		return nil
	}
	device, format := def.Source.Devices[0].Path, def.Source.Format.Type
	if _, err := os.Stat(device); err != nil {
		return xml.Errorf(xml.CodeOperationInvalid, "Source device does not exist when formatting pool '%s'", def.Name)
	}
	if f.Has(drivers.NoOverwrite) {
		if err := blank(ctx, device); err != nil {
			return err
		}
	}
	args := []string{"-t", format}
	switch format {
	case "xfs", "btrfs":
		args = append(args, "-f")
	case "ext2", "ext3", "ext4":
		args = append(args, "-F")
	}
	if _, err := run(ctx, "mkfs", append(args, device)...); err != nil {
		return xml.Errorf(xml.CodeOperationFailed, "Failed to make filesystem of type '%s' on device '%s'", format, device)
	}
	return nil
}

// blank refuses a device that something is on.
func blank(ctx context.Context, device string) error {
	out, err := run(ctx, "blkid", "-p", "-o", "value", "-s", "TYPE", device)
	if kind := strings.TrimSpace(string(out)); err == nil && kind != "" {
		return xml.Errorf(xml.CodePoolBuilt, "Device '%s' already formatted using '%s'", device, kind)
	}
	return nil
}

// volumesOf are the volumes of a pool.
func volumesOf(ctx context.Context, def *xml.Pool) ([]*xml.Volume, error) {
	if b := backends(def.Type); b != nil && b.volumes != nil {
		return b.volumes(ctx, def)
	}
	files, err := os.ReadDir(def.Target.Path)
	if err != nil {
		return nil, systemError(err, "cannot open directory '%s'", def.Target.Path)
	}
	var list []*xml.Volume
	for _, file := range files {
		if v := readVolume(def, file.Name()); v != nil {
			list = append(list, v)
		}
	}
	return list, nil
}

// space is how much a folder's file system holds, and how much of it is free.
func space(path string) (capacity, available uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, systemError(err, "cannot statvfs path '%s'", path)
	}
	return st.Blocks * uint64(st.Frsize), st.Bfree * uint64(st.Frsize), nil
}
