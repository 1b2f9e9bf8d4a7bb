package foreign

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"virgo/drivers"
	"virgo/xml"
)

// Result is what became of an item.
type Result string

// The results.
const (
	Imported Result = "imported"
	Possible Result = "importable" // a dry run: it would be imported
	Skipped  Result = "skipped"
	Failed   Result = "failed"
)

// Outcome is an item's result, and why.
type Outcome struct {
	Result Result
	Reason string
	Notes  []string
}

// Put defines an item on a connection, unless something has its name or UUID
// already: nothing is overwritten. dry: nothing is done.
func Put(ctx context.Context, conn drivers.Conn, it *Item, dry bool) Outcome {
	skip := func(why string) Outcome { return Outcome{Result: Skipped, Reason: why} }
	if it.Skip != "" {
		return skip(it.Skip)
	}
	objects := conn.Objects(it.Kind)
	definer, ok := objects.(drivers.Definer)
	if objects == nil || !ok {
		return skip("this connection keeps none of the kind")
	}
	root, err := xml.Parse(it.Source)
	if err == nil && root.Name != rootOf(it.Kind) {
		err = xml.Errorf(xml.CodeXML, "expecting root element of '%s', not '%s'", rootOf(it.Kind), root.Name)
	}
	if err != nil {
		return Outcome{Result: Failed, Reason: err.Error()}
	}
	name, uuid := identity(it.Kind, root)
	previewer, _ := objects.(drivers.Previewer)
	if why := taken(ctx, objects, it.Kind, name, uuid); why != "" {
		if !dry && it.Autostart && previewer != nil {
			finish(ctx, objects, previewer, it, name)
		}
		return skip(why)
	}
	out := Outcome{Result: Possible, Notes: it.Notes}
	src := it.Source
	variables := ""
	if previewer != nil {
		if it.Variables != "" {
			src = withoutVariables(root, src)
		}
		doc, err := previewer.Preview(ctx, src)
		if err != nil {
			return Outcome{Result: Failed, Reason: err.Error()}
		}
		if it.Variables != "" {
			variables = variablesOf(doc)
		}
	}
	if dry {
		return out
	}
	undo := func() {}
	if variables != "" {
		if undo, err = copyNew(it.Variables, variables); err != nil {
			return Outcome{Result: Failed, Reason: err.Error()}
		}
	}
	ref, err := definer.Define(ctx, src, 0)
	if err != nil {
		undo()
		return Outcome{Result: Failed, Reason: err.Error()}
	}
	out.Result = Imported
	if err := settle(ctx, objects, it, ref); err != nil {
		out.Notes = append(out.Notes, err.Error())
	}
	return out
}

// settle does what follows a definition: the mark, the value.
func settle(ctx context.Context, objects drivers.Objects, it *Item, ref drivers.Ref) error {
	if it.Autostart {
		a, err := drivers.As[drivers.Autostarter](objects, "autostart")
		if err == nil {
			err = a.SetAutostart(ctx, ref, true)
		}
		if err != nil {
			return err
		}
	}
	if keeper, ok := objects.(drivers.SecretKeeper); ok && it.Value != nil {
		return keeper.SetSecretValue(ctx, ref, it.Value)
	}
	return nil
}

// finish sets the autostart mark of an object that an import which was cut short
// has defined: it is what the import would define, and has no mark yet.
func finish(ctx context.Context, objects drivers.Objects, p drivers.Previewer, it *Item, name string) {
	want, err := p.Preview(ctx, it.Source)
	if err != nil {
		return
	}
	entries, err := objects.List(ctx, drivers.Filter{Autostart: drivers.No, Persistent: drivers.Yes})
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Name != name {
			continue
		}
		have, err := objects.XML(ctx, e.Ref, drivers.Inactive)
		if err == nil && string(have) == string(want) {
			_ = settle(ctx, objects, &Item{Autostart: true}, e.Ref)
		}
	}
}

// withoutVariables is a domain's document that leaves the place of its firmware
// variables to the driver.
func withoutVariables(root *xml.Node, src xml.Source) xml.Source {
	os := root.Child("os")
	if os == nil || os.Child("nvram") == nil {
		return src
	}
	n := os.Child("nvram")
	var kept []xml.Attr
	for _, a := range n.Attrs {
		if a.Name != "type" {
			kept = append(kept, a)
		}
	}
	n.Attrs, n.Children = kept, nil
	return xml.Source{Name: src.Name, Data: root.Print()}
}

// variablesOf is where a definition has its firmware variables.
func variablesOf(doc []byte) string {
	root, err := xml.Parse(xml.Source{Data: doc})
	if err != nil {
		return ""
	}
	return variablesIn(root)
}

func variablesIn(root *xml.Node) string {
	os := root.Child("os")
	if os == nil || os.Child("nvram") == nil {
		return ""
	}
	n := os.Child("nvram")
	if s := n.Child("source"); s != nil {
		path, _ := s.Attr("file")
		return path
	}
	return n.Value()
}

// copyNew copies a file to where none is; undo takes the copy away.
func copyNew(from, to string) (undo func(), err error) {
	undo = func() {}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return undo, nil // what is there is of an import that was cut short, or the user's
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return undo, drivers.SystemError("cannot read", from, err)
	}
	if err := drivers.MakeDir(filepath.Dir(to)); err != nil {
		return undo, err
	}
	return func() { os.Remove(to) }, drivers.WriteFile(to, data, 0o600)
}
