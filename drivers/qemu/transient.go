package qemu

import (
	"virgo/drivers"
	"virgo/xml"
)

// What a guest writes to a transient disk goes to a file of its own, an overlay
// above the disk's image, which is gone when the guest ends. Nothing is ever
// written to the image.

// overlayMark stands in the file's name between the image's and the domain's.
const overlayMark = ".TRANSIENT-"

// overlay puts its own file above a transient disk of the domain of that name.
func overlay(domain string, d *xml.Disk) {
	if d.Transient == nil || d.Source == nil || d.Source.File == "" || isOverlay(domain, d) {
		return
	}
	base := d.Source
	below := &xml.BackingStore{Type: "file", Format: &xml.DiskFormat{Type: "raw"}, Source: base, BackingStore: d.BackingStore}
	driver := xml.DiskDriver{Name: "qemu"}
	if d.Driver != nil {
		driver = *d.Driver
		if driver.Type != "" {
			below.Format.Type = driver.Type
		}
		below.Format.MetadataCache, driver.MetadataCache = driver.MetadataCache, nil
	}
	driver.Type = "qcow2"
	if below.Format.Type == "raw" && below.BackingStore == nil {
		below.BackingStore = &xml.BackingStore{}
	}
	d.Driver, d.BackingStore = &driver, below
	d.Source = &xml.DiskSource{File: base.File + overlayMark + domain, StartupPolicy: base.StartupPolicy}
}

// isOverlay tells whether a disk has its own file above its image already.
func isOverlay(domain string, d *xml.Disk) bool {
	b := d.BackingStore
	return d.Transient != nil && d.Source != nil && b != nil && b.Source != nil && b.Format != nil && d.Source.File == b.Source.File+overlayMark+domain
}

// withoutOverlay takes it away again.
func withoutOverlay(domain string, d *xml.Disk) {
	if !isOverlay(domain, d) {
		return
	}
	b := d.BackingStore
	if d.Driver != nil {
		driver := *d.Driver
		driver.Type, driver.MetadataCache = b.Format.Type, b.Format.MetadataCache
		d.Driver = &driver
	}
	d.Source, d.BackingStore = b.Source, b.BackingStore
	if d.BackingStore != nil && d.BackingStore.Source == nil {
		d.BackingStore = nil
	}
}

// overlays puts files above all transient disks of a domain that starts.
func overlays(dom *xml.Domain) {
	for i := range dom.Devices.Disks {
		overlay(dom.Name, &dom.Devices.Disks[i])
	}
}

// overlayFiles are the files that overlays has named.
func overlayFiles(dom *xml.Domain) []drivers.StartFile {
	var list []drivers.StartFile
	for i := range dom.Devices.Disks {
		if d := &dom.Devices.Disks[i]; isOverlay(dom.Name, d) {
			list = append(list, overlayFile(d))
		}
	}
	return list
}

func overlayFile(d *xml.Disk) drivers.StartFile {
	b := d.BackingStore
	return drivers.StartFile{Path: d.Source.File, Kind: drivers.StartOverlay, From: b.Source.File, Format: b.Format.Type}
}

// overlayArgs are qemu-img's arguments to make one.
func overlayArgs(f drivers.StartFile) []string {
	return []string{"create", "-q", "-f", "qcow2", "-o", "backing_fmt=" + f.Format + ",backing_file=" + escapeComma(f.From), f.Path}
}
