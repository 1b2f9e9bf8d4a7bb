package qemu

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"virgo/drivers"
	"virgo/xml"
)

// document is the guest's live document or its definition, as stored: with
// everything that is secret.
func (d *domains) document(r drivers.Ref, running bool, f drivers.Flags) ([]byte, error) {
	if running && f.Has(drivers.MigratableXML) {
		// What another host is to start: as it was defined here, not what came of it.
		if dom, err := d.portable(r); err == nil {
			return storedForm(dom)
		}
	}
	if running && !f.Has(drivers.Inactive) {
		data, err := os.ReadFile(filepath.Join(d.layout.guest(r.Name), liveFile))
		if err == nil {
			return data, nil
		}
	}
	data, err := d.store.Read(r.Name)
	switch {
	case err == nil:
		return data, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, xml.Errorf(xml.CodeSystem, "cannot read the definition of '%s': %s", r.Name, drivers.SystemText(unwrapPath(err)))
	case running: // transient: its inactive form is made of the live one
		return os.ReadFile(filepath.Join(d.layout.guest(r.Name), liveFile))
	}
	return nil, gone(r)
}

// parsedDomain is the document that was parsed last, for those who only look.
type parsedDomain struct {
	data []byte
	dom  *xml.Domain
}

// look parses a document. The answer is shared: it is not the caller's to change.
func (d *domains) look(name string, data []byte) (*xml.Domain, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := d.parsed; last.dom != nil && len(data) > 0 && len(last.data) == len(data) && &last.data[0] == &data[0] {
		return last.dom, nil
	}
	dom, err := readDomain(xml.Source{Name: name, Data: data})
	if err == nil {
		d.parsed = parsedDomain{data, dom}
	}
	return dom, err
}

// secretMarks are what a stored document has only where it holds secrets.
var secretMarks = [][]byte{[]byte(" passwd='"), []byte("<cookie ")}

// XML prints a domain. A stored document is already in its printed form, so the
// usual case copies a file.
func (d *domains) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	status, running := d.touch(ctx, r.Name)
	data, err := d.document(r, running, f)
	if err != nil {
		return nil, err
	}
	live := running && !f.Has(drivers.Inactive) && !f.Has(drivers.MigratableXML)
	hidden := !f.Has(drivers.SecurityInfo)
	if hidden {
		hidden = false
		for _, mark := range secretMarks {
			hidden = hidden || bytes.Contains(data, mark)
		}
	}
	if !hidden && !f.Has(drivers.UpdateCPU) && !f.Has(drivers.MigratableXML) && (live || d.store.Has(r.Name)) {
		return data, nil
	}
	dom, err := readDomain(xml.Source{Name: r.Name, Data: data})
	if err != nil {
		return nil, err
	}
	if running && !live {
		dropProbed(dom, status.Probed)
	}
	if f.Has(drivers.UpdateCPU) {
		if err := d.updateCPU(ctx, dom, running, f); err != nil {
			return nil, err
		}
	}
	return printDomain(dom, live, f)
}
