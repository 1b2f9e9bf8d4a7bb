package qemu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// liveLock is held for the moment in which the live document is changed: the
// watcher and commands both do.
const liveLock = "live.lock"

// editLive changes the live document of the guest in a run folder.
func editLive(dir string, edit func(*xml.Domain) error) error {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	lock, err := drivers.LockFile(ctx, filepath.Join(dir, liveLock))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	dom, err := readLive(dir)
	if err != nil {
		return err
	}
	if err := edit(dom); err != nil {
		return err
	}
	data, err := xml.Marshal(dom)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(filepath.Join(dir, liveFile), data, 0o600)
}

// liveStamp tells one state of the live document from another: each change
// replaces the file.
func liveStamp(dir string) (string, error) {
	fi, err := os.Stat(filepath.Join(dir, liveFile))
	if err != nil {
		return "", err
	}
	return fmt.Sprint(fileOf(fi).Inode, fi.ModTime().UnixNano()), nil
}

// readLive reads the live document.
func readLive(dir string) (*xml.Domain, error) {
	file := filepath.Join(dir, liveFile)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return readDomain(xml.Source{Name: file, Data: data})
}
