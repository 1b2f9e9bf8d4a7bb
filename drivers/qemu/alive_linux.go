package qemu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
)

// qemuAlive tells whether a QEMU of that run folder runs: it holds the lock of
// the file "alive" from before its first instruction to its last.
func qemuAlive(dir string) bool {
	f, err := os.Open(filepath.Join(dir, aliveFile))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// killHolder ends the QEMU of a start that was cut short, and waits until it is
// gone. Its pid may never have been written down.
func killHolder(dir string, s Status) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, p := range append(holders(filepath.Join(dir, aliveFile)), s.QEMU) {
		if p.Alive() && p.PID != os.Getpid() {
			_ = p.Signal(unix.SIGKILL)
			_ = p.Wait(ctx)
		}
	}
}

// holders are the processes that have the file open.
func holders(path string) []drivers.Process {
	want, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var list []drivers.Process
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		fds, _ := filepath.Glob(dir + "/fd/*")
		for _, fd := range fds {
			if fi, err := os.Stat(fd); err == nil && os.SameFile(fi, want) {
				if p, err := drivers.FindProcess(pid); err == nil {
					list = append(list, p)
				}
				break
			}
		}
	}
	return list
}
