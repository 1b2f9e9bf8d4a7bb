package drivers

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// makeApart makes a folder for definitions in one that is there, away from what else is
// made and deleted around it: without a journal ext4 looks at every inode of the group
// that was deleted in the last minutes before it makes one, which can be two thirds of a
// definition. The folder above is told that those below it have nothing to do with each
// other (chattr +T). ext4 then takes a group by the name, so that the new folder has a
// random one first: all roots' folders are called alike. Other file systems have no such
// mark, and do without.
func makeApart(dir string) error {
	above := filepath.Dir(dir)
	mark(above)
	left, _ := filepath.Glob(filepath.Join(above, tempPrefix+"*")) // of a process that was killed here
	for _, l := range left {
		_ = unix.Rmdir(l) // which takes nothing but an empty folder
	}
	temp := filepath.Join(above, tempPrefix+strconv.FormatUint(rand.Uint64(), 36))
	if os.Mkdir(temp, 0o700) == nil {
		if unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, dir, unix.RENAME_NOREPLACE) == nil {
			return nil
		}
		_ = unix.Rmdir(temp)
	}
	return MakeDir(dir)
}

// mark sets topDir on a folder, where the file system knows it.
func mark(dir string) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err == nil && flags&topDir == 0 {
		_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags|topDir)
	}
}

// topDir is FS_TOPDIR_FL of linux/fs.h.
const topDir = 0x00020000
