package test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

var _ drivers.Historian = domains{}

// former is a revision with its document.
type former struct {
	drivers.Revision
	doc []byte
}

// mostRevisions is how many are kept of one domain.
const mostRevisions = 20

// stored is a definition as it is kept in a history.
func stored(def *xml.Domain) []byte {
	if def == nil {
		return nil
	}
	doc, err := xml.Marshal(def)
	if err != nil {
		panic(err) // a definition that was read can be printed
	}
	return doc
}

// record keeps what a definition was before a change. The node is locked.
func (n *node) record(name string, doc []byte, r drivers.Revision) {
	list := n.past[name]
	r.Number, r.Time = 1, time.Now()
	if len(list) > 0 {
		r.Number = list[len(list)-1].Number + 1
	}
	if n.command != nil {
		r.Command = n.command()
	}
	if n.past == nil {
		n.past = map[string][]former{}
	}
	list = append(list, former{r, doc})
	n.past[name] = list[max(0, len(list)-mostRevisions):]
}

// replace gives a domain another definition.
func (n *node) replace(g *guest, def *xml.Domain) {
	if old := stored(g.config); old != nil && !bytes.Equal(old, stored(def)) {
		n.record(g.name, old, drivers.Revision{Change: drivers.Redefined})
	}
	g.config = def
}

// Former lists the domains that are defined no more and can be brought back.
func (d domains) Former(context.Context) ([]drivers.FormerObject, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []drivers.FormerObject
	for _, name := range slices.Sorted(maps.Keys(d.past)) {
		if g := d.named(name); g == nil || g.config == nil {
			out = append(out, drivers.FormerObject{Name: name, Last: d.past[name][len(d.past[name])-1].Revision})
		}
	}
	return out, nil
}

// named finds a domain by its name, or gives nil.
func (n *node) named(name string) *guest {
	for _, g := range n.guests {
		if g.name == name {
			return g.read()
		}
	}
	return nil
}

// Revisions are a domain's former definitions.
func (d domains) Revisions(_ context.Context, name string) ([]drivers.Revision, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []drivers.Revision
	for _, f := range d.past[name] {
		out = append(out, f.Revision)
	}
	return out, nil
}

func (n *node) former(name string, number int) (former, error) {
	list := n.past[name]
	for i, f := range list {
		if f.Number == number || number == 0 && i == len(list)-1 {
			return f, nil
		}
	}
	if number == 0 {
		return former{}, xml.Errorf(xml.CodeOperationInvalid, "no earlier definition of '%s' is kept", name)
	}
	return former{}, xml.Errorf(xml.CodeInvalidArg, "no revision %d of '%s' is kept", number, name)
}

// Revision is one of them.
func (d domains) Revision(_ context.Context, name string, number int, f drivers.Flags) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, err := d.former(name, number)
	if err != nil || len(old.doc) == 0 {
		return nil, err
	}
	def := &xml.Domain{}
	if err := xml.Unmarshal(xml.Source{Name: name, Data: old.doc}, def); err != nil {
		return nil, err
	}
	return printed(def, f&drivers.SecurityInfo)
}

// Undo brings back a former definition.
func (d domains) Undo(_ context.Context, name string, number int) (drivers.Ref, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, err := d.former(name, number)
	if err != nil {
		return drivers.Ref{}, false, err
	}
	g := d.named(name)
	if old.Change == drivers.Restored {
		if g == nil || g.config == nil {
			return drivers.Ref{}, true, xml.Errorf(xml.CodeOperationInvalid, "'%s' is not defined", name)
		}
		ref := g.ref()
		d.drop(g)
		return ref, true, nil
	}
	if g != nil && bytes.Equal(stored(g.config), old.doc) {
		return drivers.Ref{}, false, xml.Errorf(xml.CodeOperationInvalid, "revision %d of '%s' is the definition that stands", old.Number, name)
	}
	def := &xml.Domain{}
	if err := xml.Unmarshal(xml.Source{Name: name, Data: old.doc}, def); err != nil {
		return drivers.Ref{}, false, err
	}
	absent, reason := g == nil || g.config == nil, "Updated"
	if g, err = d.define(def, false); err != nil {
		return drivers.Ref{}, false, err
	}
	if absent {
		d.record(name, nil, drivers.Revision{Change: drivers.Restored})
		g.autostart, reason = old.Autostart, "Added"
	}
	d.emit(g.ref(), "Defined", reason)
	return g.ref(), false, nil
}

// drop drops a definition; a running domain goes on.
func (n *node) drop(g *guest) {
	n.emit(g.ref(), "Undefined", "Removed")
	n.record(g.name, stored(g.config), drivers.Revision{Change: drivers.Dropped, Autostart: g.autostart})
	g.saved = false
	if g.active() {
		g.config = nil
		return
	}
	n.remove(g)
}

var _ drivers.Previewer = domains{}

// Preview gives the definition that Define would keep of a document.
func (d domains) Preview(_ context.Context, src xml.Source) ([]byte, error) {
	def, err := parse(src)
	if err != nil {
		return nil, err
	}
	return printed(def, 0)
}
