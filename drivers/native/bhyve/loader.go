package bhyve

import (
	"strings"

	"virgo/xml"
)

// LoaderArgs gives the command line of the program that loads the guest's
// kernel; nil if firmware does that.
func LoaderArgs(d *xml.Domain) ([]string, error) {
	if l := d.OS.Loader; l != nil && l.Path != "" {
		return nil, nil
	}
	if d.Bootloader == "" {
		return bhyveload(d)
	}
	if d.BootArgs != "" {
		return append([]string{d.Bootloader}, strings.Fields(d.BootArgs)...), nil
	}
	if base(d.Bootloader) == "grub-bhyve" {
		return grub(d)
	}
	return nil, unsupported("Custom loader requires explicit %s configuration", "bootloader_args")
}

func bhyveload(d *xml.Domain) ([]string, error) {
	v, err := bootDisk(d)
	if err != nil {
		return nil, err
	}
	return []string{loaderPath, "-m", megabytes(d), "-d", file(v), d.Name}, nil
}

// grub names the disk by the map of devices that is written beside it.
func grub(d *xml.Domain) ([]string, error) {
	v, err := bootDisk(d)
	if err != nil {
		return nil, err
	}
	root := "hd0,msdos1"
	if v.Device == "cdrom" {
		root = "cd"
	}
	argv := []string{d.Bootloader, "--root", root, "--device-map", "<device.map>", "--memory", megabytes(d)}
	if s := d.Devices.Serials; len(s) > 0 && s[0].Type == "nmdm" {
		argv = append(argv, "--cons-dev", s[0].Master)
	}
	return append(argv, d.Name), nil
}

// bootDisk is the disk that is booted: the one whose place in the order is
// written, else the first of the kind that comes first.
func bootDisk(d *xml.Domain) (*xml.Disk, error) {
	disks := d.Devices.Disks
	var found *xml.Disk
	for i := range disks {
		if disks[i].Boot == nil {
			continue
		}
		if found != nil {
			return nil, unsupported("Only one boot device is supported")
		}
		found = &disks[i]
	}
	if found == nil && len(d.OS.Boot) > 0 {
		if len(d.OS.Boot) > 1 {
			return nil, unsupported("Only one boot device is supported")
		}
		kind := map[string]string{"hd": "disk", "cdrom": "cdrom"}[d.OS.Boot[0].Dev]
		if kind == "" {
			return nil, unsupported("Cannot boot from device %s", d.OS.Boot[0].Dev)
		}
		for i := range disks {
			if disks[i].Device == kind {
				found = &disks[i]
				break
			}
		}
		if found == nil && d.OS.Boot[0].Dev != "hd" {
			return nil, unsupported("Cannot find boot device of requested type %s", d.OS.Boot[0].Dev)
		}
	}
	if found == nil {
		if len(disks) == 0 {
			return nil, unsupported("domain should have at least one disk defined")
		}
		found = &disks[0]
	}
	if file(found) == "" {
		return nil, unsupported("cannot boot from an empty drive")
	}
	return found, nil
}
