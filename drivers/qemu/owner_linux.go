package qemu

import (
	"os"
	"syscall"

	"virgo/drivers"
	"virgo/xml"
)

// Images belong to whom a security label of the model dac names, as long as the
// guest runs: where the definition has such a label, and virgo is root.

// fileOwner is an image that was given away.
type fileOwner struct {
	Path     string   `json:"path"`
	File     madeFile `json:"file"`
	UID, GID int      // whose it was
	To       [2]int   `json:"to"` // whose it is
}

// remove gives it back, unless somebody else has given it away since.
func (o *fileOwner) remove() {
	fi, err := os.Stat(o.Path)
	if err != nil || !o.File.same(fi) {
		return
	}
	if uid, gid := ownerOf(fi); uid == o.To[0] && gid == o.To[1] {
		_ = os.Chown(o.Path, o.UID, o.GID)
	}
}

func ownerOf(fi os.FileInfo) (uid, gid int) {
	if s, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return -1, -1
}

// labelOfImages is the label that a domain's images get, "" for none.
func labelOfImages(dom *xml.Domain) string {
	for _, s := range dom.SecLabels {
		if s.Model == "dac" && s.Type != "none" && s.Relabel != "no" {
			return s.Label
		}
	}
	return ""
}

// labelImages says in the live document what the images are labelled with.
func labelImages(dom *xml.Domain) {
	for i := range dom.SecLabels {
		if s := &dom.SecLabels[i]; s.Model == "dac" && s.Label != "" && s.Label == labelOfImages(dom) {
			s.ImageLabel = s.Label
		}
	}
}

// giveImages gives the images of a disk to the user of their labels. Each is noted in
// the guest's folder before.
func giveImages(dom *xml.Domain, d *xml.Disk, dir string) error {
	if os.Geteuid() != 0 || emptySource(d.Source) {
		return nil
	}
	for _, im := range chain(d) {
		label := labelOfImages(dom)
		for _, s := range im.source.SecLabels {
			switch {
			case s.Model != "" && s.Model != "dac":
			case s.Relabel == "no":
				label = ""
			case s.Label != "":
				label = s.Label
			}
		}
		path := im.localPath()
		if label == "" || path == "" {
			continue
		}
		u, err := labelUser(label)
		if err != nil {
			return err
		}
		if err := give(path, int(u.UID), int(u.GID), dir); err != nil {
			return err
		}
	}
	return nil
}

// handOver gives a guest's files to who QEMU runs as, and its images to whom their
// labels name.
func (c *Conn) handOver(dom *xml.Domain, s Status, owner *user, b Build) error {
	if err := owner.own(c.layout, dom, s, memoryFolders(dom, b)); err != nil {
		return err
	}
	for i := range dom.Devices.Disks {
		if err := giveImages(dom, &dom.Devices.Disks[i], c.layout.guest(dom.Name)); err != nil {
			return err
		}
	}
	return nil
}

func give(path string, uid, gid int, dir string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return nil // whoever opens it tells
	}
	was, group := ownerOf(fi)
	if was == uid && group == gid {
		return nil
	}
	if err := note(dir, hostEnd{Owner: &fileOwner{Path: path, File: fileOf(fi), UID: was, GID: group, To: [2]int{uid, gid}}}); err != nil {
		return err
	}
	if err := os.Chown(path, uid, gid); err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to set user and group to '%d:%d' on '%s': %s", uid, gid, path, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}
