package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// either is the document that flags mean: the live one of a running domain, or
// the definition.
func (d *domains) either(ctx context.Context, r drivers.Ref, f drivers.Flags) (dom *xml.Domain, running bool, err error) {
	_, running = d.touch(ctx, r.Name)
	if f.Has(drivers.Live) && !running {
		return nil, false, notRunning()
	}
	var form drivers.Flags
	if f.Has(drivers.Config) {
		form = drivers.Inactive
		if !d.store.Has(r.Name) {
			return nil, running, xml.Errorf(xml.CodeOperationInvalid, "transient domains do not have any persistent config")
		}
	}
	data, err := d.document(r, running, form)
	if err != nil {
		return nil, running, err
	}
	dom, err = readDomain(xml.Source{Name: r.Name, Data: data})
	return dom, running, err
}

// Metadata reads title, description or an application's element.
func (d *domains) Metadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	dom, err := d.one(ctx, r, f)
	if err != nil {
		return "", err
	}
	return drivers.ReadMetadata(dom.Title, dom.Description, dom.Metadata, k, uri)
}

// SetMetadata sets or removes them, in the live document, the definition, or both.
func (d *domains) SetMetadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	_, running := d.mend(ctx, r.Name, lock)
	if f.Has(drivers.Live) && !running {
		return notRunning()
	}
	persistent := d.store.Has(r.Name)
	if f.Has(drivers.Config) && !persistent {
		return xml.Errorf(xml.CodeOperationInvalid, "transient domains do not have any persistent config")
	}
	change := func(data []byte) ([]byte, *xml.Domain, error) {
		dom, err := readDomain(xml.Source{Name: r.Name, Data: data})
		if err != nil {
			return nil, nil, err
		}
		if err := drivers.WriteMetadata(&dom.Title, &dom.Description, &dom.Metadata, k, value, key, uri); err != nil {
			return nil, nil, err
		}
		out, err := storedForm(dom)
		return out, dom, err
	}
	if f.Has(drivers.Live) || running && !f.Has(drivers.Config) {
		err := editLive(d.layout.guest(r.Name), func(dom *xml.Domain) error {
			return drivers.WriteMetadata(&dom.Title, &dom.Description, &dom.Metadata, k, value, key, uri)
		})
		if err != nil {
			return err
		}
	}
	if f.Has(drivers.Config) || !running && !f.Has(drivers.Live) {
		data, err := d.store.Read(r.Name)
		if err != nil {
			return gone(r)
		}
		out, dom, err := change(data)
		if err != nil {
			return err
		}
		names, err := d.store.LockNames(ctx)
		if err != nil {
			return err
		}
		defer names.Unlock()
		if err := d.store.Write(r.Name, dom.UUID, out); err != nil {
			return err
		}
	}
	what := map[drivers.MetadataKind]string{drivers.Description: "description", drivers.Title: "title", drivers.Element: "element"}[k]
	if uri == "" {
		uri = "<null>"
	}
	d.happened(r, "metadata-change", "type "+what+", uri "+uri)
	return nil
}
