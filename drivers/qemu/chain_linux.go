package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/image"
	"virgo/xml"
)

// images decides what the disks of a domain that starts are made of: media that
// are not there and may be missing are left out, transient disks get files of
// their own, and what lies below an image is looked up in its header where the
// definition does not say it. The answer is what was found so. planned: the
// guest is not started now, and its files may come later.
func (c *Conn) images(dom *xml.Domain, planned bool) (map[*xml.DiskSource]bool, error) {
	dropOptional(dom, c.mayLack)
	overlays(dom)
	owner, err := c.layout.userOf(dom)
	if err != nil {
		return nil, err
	}
	p := prober{found: make(map[*xml.DiskSource]bool), owner: owner, volume: c.volume}
	for i := len(dom.Devices.Disks) - 1; i >= 0; i-- {
		d := &dom.Devices.Disks[i]
		if emptySource(d.Source) || d.Target != nil && d.Target.Bus == "sd" {
			continue
		}
		if err := p.disk(d, isOverlay(dom.Name, d)); err != nil && !planned {
			return nil, err
		}
	}
	return p.found, nil
}

// mayLack tells whether a guest does without an image that is not there.
func (c *Conn) mayLack(d *xml.Disk) bool {
	volumes := args{Build: Build{Volume: c.volume}}
	return volumes.unresolved(d) || d.Source != nil && d.Source.StartupPolicy == "optional" && missing(d.Source)
}

// tellMissing says which images a guest that starts does without, from the last disk
// to the first.
func (c *Conn) tellMissing(dom *xml.Domain, r drivers.Ref) {
	if !slices.ContainsFunc(dom.Devices.Disks, func(d xml.Disk) bool { return c.mayLack(&d) }) {
		return
	}
	whole, err := domain.Clone(dom)
	if err != nil {
		return
	}
	domain.AssignAliases(whole)
	for i := len(whole.Devices.Disks) - 1; i >= 0; i-- {
		d := &whole.Devices.Disks[i]
		if !c.mayLack(d) {
			continue
		}
		word := "dropped"
		if ejectable(d) {
			word = "changed"
		}
		c.happened(r, "disk-change", fmt.Sprintf("disk %s: %s -> <null>: %s", aliasOf(d.Alias), d.Source.File+d.Source.Dev, word))
	}
}

// missing tells whether the file of a disk's source is not there.
func missing(s *xml.DiskSource) bool {
	for _, path := range []string{s.File, s.Dev} {
		if path != "" {
			_, err := os.Stat(path)
			return errors.Is(err, fs.ErrNotExist)
		}
	}
	return false
}

// prober completes chains of images by what their headers tell.
type prober struct {
	found  map[*xml.DiskSource]bool
	owner  *user
	volume func(pool, name string) (string, error)
}

// layered tells whether an image of a format can have another one below.
func layered(format string) bool {
	return format == "qcow2" || format == "qcow" || format == "qed" || format == "vmdk"
}

// localPath is the file or device of an image, "" if it lies elsewhere.
func (im *layer) localPath() string {
	switch im.kind {
	case "file", "":
		return im.source.File
	case "block":
		return im.source.Dev
	case "volume":
		return im.source.Local
	}
	return ""
}

// disk completes one disk's chain. own: its top image is not there yet.
func (p *prober) disk(d *xml.Disk, own bool) error {
	images := chain(d)
	if own {
		images = images[1:]
	}
	upper := ""
	seen := map[string]bool{}
	for i := range images {
		if s := images[i].source; images[i].kind == "volume" {
			var err error
			if s.Local, err = p.volume(s.Pool, s.Volume); err != nil {
				return err
			}
		}
		path := images[i].localPath()
		if err := p.accessible(path, upper, layered(images[i].format)); err != nil {
			return err
		}
		upper = path
		seen[path] = true
	}
	end := &d.BackingStore
	for *end != nil && (*end).Source != nil {
		end = &(*end).BackingStore
	}
	im := images[len(images)-1]
	for *end == nil {
		if !layered(im.format) {
			if im.format == "raw" && im.kind != "network" || p.found[im.source] {
				*end = &xml.BackingStore{}
			}
			return nil
		}
		path := im.localPath()
		if path == "" { // QEMU alone can read it
			return nil
		}
		below, err := p.below(im, path, seen)
		if err != nil || below == nil {
			return err
		}
		*end = below
		if below.Source == nil {
			return nil
		}
		im = layer{kind: below.Type, format: below.Format.Type, source: below.Source}
		end = &below.BackingStore
	}
	return nil
}

// accessible tells why an image cannot be used; upper is the one above it.
func (p *prober) accessible(path, upper string, read bool) error {
	if path == "" {
		return nil
	}
	_, err := os.Stat(path)
	if err == nil {
		return nil
	}
	return p.inaccessible(path, upper, read, err)
}

func (p *prober) inaccessible(path, upper string, read bool, err error) error {
	text := drivers.SystemText(unwrapPath(err))
	uid, gid := os.Geteuid(), os.Getegid()
	if p.owner != nil {
		uid, gid = int(p.owner.UID), int(p.owner.GID)
	}
	switch {
	case !read && upper == "":
		return xml.Errorf(xml.CodeSystem, "Cannot access storage file '%s': %s", path, text)
	case upper == "":
		return xml.Errorf(xml.CodeSystem, "Cannot access storage file '%s' (as uid:%d, gid:%d): %s", path, uid, gid, text)
	}
	return xml.Errorf(xml.CodeSystem, "Cannot access backing file '%s' of storage file '%s' (as uid:%d, gid:%d): %s", path, upper, uid, gid, text)
}

// below is what an image's header says lies below it: an element without
// source if nothing does, nil if only QEMU can follow it.
func (p *prober) below(im layer, path string, seen map[string]bool) (*xml.BackingStore, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, p.inaccessible(path, "", true, err)
	}
	defer f.Close()
	info, err := image.ReadAs(f, im.format)
	if err != nil {
		return nil, p.inaccessible(path, "", true, err)
	}
	if info.DataFile != "" && im.source.DataStore == nil {
		if file, ok := image.Local(path, info.DataFile); ok {
			data := &xml.DiskSource{File: file}
			im.source.DataStore = &xml.DataStore{Type: "file", Format: &xml.DiskFormat{Type: "raw"}, Source: data}
			p.found[data] = true
		}
	}
	if info.Backing == "" {
		return &xml.BackingStore{}, nil
	}
	below := backing(path, info)
	if below == nil {
		return nil, nil
	}
	if file := below.Source.File; file != "" {
		if err := p.accessible(file, path, true); err != nil {
			return nil, err
		}
		if seen[file] {
			return nil, xml.Errorf(xml.CodeInternal, "backing store for %s (%s) is self-referential", path, info.Backing)
		}
		seen[file] = true
		if fi, err := os.Stat(file); err == nil && fi.Mode()&fs.ModeDevice != 0 {
			below.Type, below.Source = "block", &xml.DiskSource{Dev: file}
		}
		if info.BackingFormat == "" {
			// A guest may have written whatever is found there: what leads to other
			// files is not followed on its word.
			probed, err := image.Open(file)
			if err != nil || probed.Backing != "" || probed.DataFile != "" {
				return nil, xml.Errorf(xml.CodeOperationFailed, "format of backing image '%s' of image '%s' was not specified in the image metadata (See https://libvirt.org/kbase/backing_chains.html for troubleshooting)", info.Backing, path)
			}
			below.Format.Type = probed.Format
		}
	}
	p.found[below.Source] = true
	return below, nil
}

// backing is the image that a header names.
func backing(path string, info image.Info) *xml.BackingStore {
	format := info.BackingFormat
	if format == "" {
		format = "raw"
	}
	if format == "luks" { // it wants a key that only a definition can name
		return nil
	}
	b := &xml.BackingStore{Type: "file", Format: &xml.DiskFormat{Type: format}}
	if file, ok := image.Local(path, info.Backing); ok {
		b.Source = &xml.DiskSource{File: file}
		return b
	}
	u, err := url.Parse(info.Backing)
	if err != nil || u.Opaque != "" {
		return nil
	}
	b.Type = "network"
	protocol, transport, _ := strings.Cut(u.Scheme, "+")
	name := strings.TrimPrefix(u.Path, "/")
	host := xml.NetHost{Name: u.Hostname(), Port: u.Port()}
	switch protocol {
	case "nbd":
		if transport == "unix" {
			host = xml.NetHost{Transport: "unix", Socket: u.Query().Get("socket")}
		} else if host.Port == "" {
			host.Port = "10809"
		}
	case "http", "https", "ftp", "ftps":
		if host.Port == "" {
			host.Port = map[string]string{"http": "80", "https": "443", "ftp": "21", "ftps": "990"}[protocol]
		}
	default:
		return nil
	}
	b.Source = &xml.DiskSource{Protocol: protocol, Name: name, Query: u.RawQuery, Hosts: []xml.NetHost{host}}
	if transport == "unix" {
		b.Source.Query = ""
	}
	return b
}

// dropProbed takes out of a live document what was found in headers of images:
// it is none of the definition's.
func dropProbed(dom *xml.Domain, probed []int) {
	known := func(index string) bool {
		n, err := strconv.Atoi(index)
		return err == nil && slices.Contains(probed, n)
	}
	for i := range dom.Devices.Disks {
		d := &dom.Devices.Disks[i]
		if d.Source == nil {
			continue
		}
		for _, im := range chain(d) {
			if s := im.source.DataStore; s != nil && s.Source != nil && known(s.Source.Index) {
				im.source.DataStore = nil
			}
		}
		end := &d.BackingStore
		for *end != nil && (*end).Source != nil && !known((*end).Index) {
			end = &(*end).BackingStore
		}
		if *end != nil && (*end).Source != nil {
			*end = nil
		}
	}
}
