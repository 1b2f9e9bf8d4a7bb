// Package nwfilter keeps network filters in a root. They are definitions:
// nothing applies them yet.
package nwfilter

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// Filters are the network filters of a root.
type Filters struct {
	shelf *drivers.Shelf
	drivers.Historian
}

// New gives the filters of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Filters {
	shelf := drivers.Shelf{Kind: drivers.NWFilter, Noun: "nwfilter", Short: "filter", Miss: xml.CodeNoNWFilter}.At(root, "nwfilter", j)
	f := &Filters{shelf, shelf}
	shelf.Check = func(doc []byte) error {
		def := &xml.NWFilter{}
		if err := xml.Unmarshal(xml.Source{Data: doc}, def); err != nil {
			return err
		}
		return f.loop(def)
	}
	return f
}

// List gives the filters, by name.
func (f *Filters) List(_ context.Context, filter drivers.Filter) ([]drivers.Entry, error) {
	return f.shelf.Entries(filter, nil)
}

// Lookup finds a filter by name or UUID.
func (f *Filters) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	return f.shelf.Lookup(ctx, by, word)
}

// XML prints a definition.
func (f *Filters) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return f.shelf.Read(r)
}

// Define keeps a definition.
func (f *Filters) Define(ctx context.Context, src xml.Source, flags drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(flags, src, &xml.NWFilter{}, "nwfilter"); err != nil {
		return drivers.Ref{}, err
	}
	def := &xml.NWFilter{}
	if err := xml.Unmarshal(src, def); err != nil {
		return drivers.Ref{}, err
	}
	if def.UUID == "" {
		def.UUID = xml.UUID(drivers.NewUUID())
	}
	if other, err := f.shelf.Store.ByUUID(string(def.UUID)); err == nil && other != "" && other != def.Name {
		return drivers.Ref{}, xml.Errorf(xml.CodeOperationFailed, "filter with same UUID but different name ('%s') already exists", other)
	}
	return f.shelf.Put(ctx, def.Name, string(def.UUID), func() ([]byte, error) {
		if err := f.loop(def); err != nil {
			return nil, err
		}
		return xml.Marshal(def)
	})
}

// loop refuses a filter that names itself in the end.
func (f *Filters) loop(def *xml.NWFilter) error {
	if f.reaches(def, def.Name, map[string]bool{}) {
		return xml.Errorf(xml.CodeOperationFailed, "filter would introduce a loop")
	}
	return nil
}

// reaches tells whether a filter names another, or one that it names does.
// Filters that are not there may come later.
func (f *Filters) reaches(def *xml.NWFilter, name string, seen map[string]bool) bool {
	for _, e := range def.Entries {
		if e.Ref == nil || seen[e.Ref.Filter] {
			continue
		}
		if e.Ref.Filter == name {
			return true
		}
		seen[e.Ref.Filter] = true
		doc, err := f.shelf.Read(drivers.Ref{Name: e.Ref.Filter})
		if err != nil {
			continue
		}
		inner := &xml.NWFilter{}
		if xml.Unmarshal(xml.Source{Name: e.Ref.Filter, Data: doc}, inner) == nil && f.reaches(inner, name, seen) {
			return true
		}
	}
	return false
}

// Undefine drops a definition.
func (f *Filters) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return f.shelf.Drop(ctx, r)
}
