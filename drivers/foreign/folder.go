package foreign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// folders are where a libvirt keeps its definitions, below its own folder.
var folders = []struct {
	kind drivers.Kind
	dir  string
}{
	{drivers.Secret, "secrets"}, {drivers.NWFilter, "nwfilter"}, {drivers.Network, "qemu/networks"}, {drivers.Pool, "storage"}, {drivers.Domain, "qemu"},
}

// largest is the largest definition that is read.
const largest = 10 << 20

// Folder lists what a libvirt keeps in a folder such as /etc/libvirt,
// ~/.config/libvirt, or the root of an embedded driver. A copy of a host's
// folders is as good: firmware variables are looked for beside it, too.
func Folder(dir string) ([]Item, error) {
	base, err := baseOf(dir)
	if err != nil {
		return nil, err
	}
	lib := libOf(base)
	var out []Item
	for _, f := range folders {
		at := filepath.Join(base, f.dir)
		entries, err := os.ReadDir(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, drivers.SystemError("cannot read folder", at, err)
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), ".xml"); ok && !e.IsDir() {
				out = append(out, readFile(f.kind, at, name, lib))
			}
		}
	}
	return out, nil
}

// baseOf finds the folder that has the others.
func baseOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", drivers.SystemError("cannot read folder", dir, err)
	}
	for _, below := range []string{"", "etc/libvirt", "etc", "libvirt", ".."} {
		at := filepath.Join(dir, below)
		if below == ".." && filepath.Base(dir) != "qemu" {
			continue
		}
		for _, f := range folders {
			if fi, err := os.Stat(filepath.Join(at, f.dir)); err == nil && fi.IsDir() {
				return at, nil
			}
		}
	}
	return "", xml.Errorf(xml.CodeInvalidArg, "'%s' is no folder of a libvirt: it has neither qemu nor storage, secrets, nwfilter", dir)
}

// library is where a libvirt keeps what is not a definition.
type library struct {
	host string   // the folder that is the host's /, "" if unknown
	dirs []string // folders with nvram, save, snapshot
}

func libOf(base string) library {
	if host, ok := strings.CutSuffix(base, "/etc/libvirt"); ok {
		return library{host: host, dirs: []string{host + "/var/lib/libvirt/qemu"}}
	}
	l := library{dirs: []string{filepath.Join(base, "qemu"), filepath.Join(base, "qemu/lib")}}
	if root, ok := strings.CutSuffix(base, "/etc"); ok { // of an embedded driver
		l.dirs = append(l.dirs, root+"/lib/qemu")
	}
	if home, ok := strings.CutSuffix(base, "/.config/libvirt"); ok {
		l.dirs = append(l.dirs, home+"/.local/share/libvirt/qemu")
	}
	return l
}

// find is a file below one of the folders, or "".
func (l *library) find(path ...string) string {
	for _, d := range l.dirs {
		at := filepath.Join(append([]string{d}, path...)...)
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return ""
}

// readFile makes an item of a definition's file.
func readFile(k drivers.Kind, dir, name string, lib library) Item {
	file := filepath.Join(dir, name+".xml")
	it := Item{Kind: k, Name: name, Source: xml.Source{Name: file}}
	if fi, err := os.Stat(file); err != nil || !fi.Mode().IsRegular() || fi.Size() > largest {
		it.Skip = "it is no file with a definition"
		if err != nil {
			it.Skip = drivers.SystemError("cannot read", file, err).Error()
		}
		return it
	}
	data, err := os.ReadFile(file)
	if err != nil {
		it.Skip = drivers.SystemError("cannot read", file, err).Error()
		return it
	}
	it.Source.Data = data
	_, err = os.Lstat(filepath.Join(dir, "autostart", name+".xml"))
	it.Autostart = err == nil
	switch k {
	case drivers.Secret:
		if text, err := os.ReadFile(filepath.Join(dir, name+".base64")); err == nil {
			value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
			if it.Value = value; err != nil {
				it.Value, it.Notes = nil, append(it.Notes, "its value cannot be read")
			}
		}
	case drivers.Domain:
		it.beside(lib)
	}
	return it
}

// beside looks for what a domain has beside its definition.
func (it *Item) beside(lib library) {
	root, err := xml.Parse(it.Source)
	if err != nil {
		return // whoever defines it says so
	}
	name, _ := identity(it.Kind, root)
	if drivers.CheckName(name) != nil {
		return
	}
	if lib.find("save", name+".save") != "" {
		it.Notes = append(it.Notes, "its saved state stays behind")
	}
	if at := lib.find("snapshot", name); at != "" {
		if list, _ := filepath.Glob(filepath.Join(at, "*.xml")); len(list) > 0 {
			it.Notes = append(it.Notes, fmt.Sprintf("its snapshots (%d) stay behind", len(list)))
		}
	}
	path := variablesIn(root)
	if path == "" {
		return
	}
	if _, err := os.Stat(path); err == nil {
		return // it stays where it is
	}
	if lib.host != "" {
		if at := filepath.Join(lib.host, path); exists(at) {
			it.Variables = at
			return
		}
	}
	if at := lib.find("nvram", filepath.Base(path)); at != "" {
		it.Variables = at
		return
	}
	it.Notes = append(it.Notes, "its firmware variables "+path+" are not there: they begin anew")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
