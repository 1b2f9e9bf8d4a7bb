package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// family is snapshots or checkpoints: they share all their verbs.
type family struct {
	drivers.Kind
	word, title string // "snapshot", "Snapshot"
	api         string
	complete    completion.Func
}

var (
	snapshotFamily = &family{drivers.Snapshot, "snapshot", "Snapshot", "virDomainSnapshot", completion.Snapshots}
	checkFamily    = &family{drivers.Checkpoint, "checkpoint", "Checkpoint", "virDomainCheckpoint", completion.Checkpoints}
)

func (f *family) option(flags Flag) Option {
	return str(f.word+"name", flags, "name of the "+f.word).with(f.complete)
}

// row is a row of the family's commands.
func (f *family) row(verb, summary string, run func(context.Context, *Call) error, options ...any) Command {
	return Command{Name: f.word + "-" + verb, Summary: summary, Run: run,
		Options: opts(append([]any{domainKind.object(completion.Domains)}, options...)...)}
}

// moment is a snapshot or checkpoint as its description tells it.
type moment struct {
	ref            drivers.Ref
	parent, state  string
	created        time.Time
	external       bool
	root, leaf     bool
	children, kids int // direct ones, all
}

// all reads the moments of a domain.
func (f *family) all(ctx context.Context, c *Call) (drivers.Objects, drivers.Ref, []*moment, error) {
	_, dom, err := c.Domain(ctx)
	if err != nil {
		return nil, dom, nil, err
	}
	objects := c.conn.Objects(f.Kind)
	if objects == nil {
		return nil, dom, nil, drivers.Unsupported(f.api + "LookupByName")
	}
	entries, err := objects.List(ctx, drivers.Filter{Parent: &dom})
	if err != nil {
		return nil, dom, nil, err
	}
	var out []*moment
	for _, e := range entries {
		doc, err := objects.XML(ctx, e.Ref, drivers.NoDomain)
		if err != nil {
			return nil, dom, nil, err
		}
		root, err := xml.Parse(xml.Source{Data: doc})
		if err != nil {
			return nil, dom, nil, err
		}
		m := &moment{ref: e.Ref}
		if p := root.Child("parent"); p != nil && p.Child("name") != nil {
			m.parent = p.Child("name").Value()
		}
		if s := root.Child("state"); s != nil {
			m.state = s.Value()
		}
		if t := root.Child("creationTime"); t != nil {
			n, _ := strconv.ParseInt(t.Value(), 10, 64)
			m.created = time.Unix(n, 0)
		}
		outside, _ := root.Find("memory[@snapshot='external'] | disks/disk[@snapshot='external']")
		m.external = len(outside) > 0
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *moment) int { return strings.Compare(a.ref.Name, b.ref.Name) })
	relate(out)
	return objects, dom, out, nil
}

// relate finds out who is whose parent.
func relate(list []*moment) {
	byName := make(map[string]*moment, len(list))
	for _, m := range list {
		byName[m.ref.Name] = m
	}
	for _, m := range list {
		m.root = byName[m.parent] == nil
		if p := byName[m.parent]; p != nil {
			p.children++
		}
		for p, n := byName[m.parent], 0; p != nil && n <= len(list); p, n = byName[p.parent], n+1 {
			p.kids++
		}
	}
	for _, m := range list {
		m.leaf = m.children == 0
	}
}

// one finds the moment that is named, or the current one.
func (f *family) one(ctx context.Context, c *Call, exclusive bool) (drivers.Objects, *moment, []*moment, error) {
	option := f.word + "name"
	if exclusive && c.Has(option) && c.Has("current") {
		return nil, nil, nil, errBoth(option, "current")
	}
	objects, dom, list, err := f.all(ctx, c)
	if xml.CodeOf(err) == xml.CodeNoSupport && c.Has(option) {
		err = drivers.Unsupported(f.api + "LookupByName")
	} else if xml.CodeOf(err) == xml.CodeNoSupport {
		err = drivers.Unsupported(f.api + "Current")
	}
	if err != nil {
		return nil, nil, nil, err
	}
	name := c.Str(option)
	if !c.Has(option) {
		if !c.Has("current") {
			return nil, nil, nil, shellError("--%s or --current is required", option)
		}
		d, err := query[drivers.Momenter](objects, f.api+"Current")
		if err != nil {
			return nil, nil, nil, err
		}
		ref, err := d.CurrentMoment(ctx, dom)
		if err != nil {
			return nil, nil, nil, err
		}
		name = ref.Name
	}
	m, err := f.named(list, name)
	return objects, m, list, err
}

// errBoth is the error for two options that exclude each other, in the words
// of the commands about snapshots.
func errBoth(one, other string) error {
	return shellError("--%s and --%s are mutually exclusive", one, other)
}

// named finds one of a list.
func (f *family) named(list []*moment, name string) (*moment, error) {
	for _, m := range list {
		if m.ref.Name == name {
			return m, nil
		}
	}
	code := xml.CodeNoDomainSnapshot
	if f.Kind == drivers.Checkpoint {
		code = xml.CodeNoDomainCheckpoint
	}
	return nil, xml.Errorf(code, "no domain %s with matching name '%s'", f.word, name)
}

// current is the name of the current one, or "".
func (f *family) current(ctx context.Context, objects drivers.Objects, dom drivers.Ref) string {
	if d, ok := objects.(drivers.Momenter); ok {
		if ref, err := d.CurrentMoment(ctx, dom); err == nil {
			return ref.Name
		}
	}
	return ""
}

// momentFilter are the conditions that a list may set.
var momentFilters = []struct {
	name string
	keep func(*moment) bool
	side int // options of one side widen each other
}{
	{"roots", func(m *moment) bool { return m.root }, 0},
	{"leaves", func(m *moment) bool { return m.leaf }, 1},
	{"no-leaves", func(m *moment) bool { return !m.leaf }, 5},
	{"metadata", func(*moment) bool { return true }, 2},
	{"no-metadata", func(*moment) bool { return false }, 2},
	{"inactive", func(m *moment) bool { return m.state == "shutoff" }, 3},
	{"active", func(m *moment) bool { return m.state == "running" || m.state == "paused" }, 3},
	{"disk-only", func(m *moment) bool { return m.state == "disk-snapshot" }, 3},
	{"internal", func(m *moment) bool { return !m.external }, 4},
	{"external", func(m *moment) bool { return m.external }, 4},
}

func (f *family) list(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"tree", "name"}, {"parent", "roots"}, {"parent", "tree"}, {"roots", "tree"},
		{"roots", "from"}, {"roots", "current"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	for _, name := range []string{"leaves", "no-leaves", "inactive", "active", "disk-only", "internal", "external"} {
		if c.Has("tree") && c.Has(name) {
			return errBoth(name, "tree")
		}
	}
	if c.Has("from") && c.Has("current") {
		return errBoth("from", "current")
	}
	if c.Has("descendants") && !c.Has("from") && !c.Has("current") {
		if c.Command.Option("current") == nil {
			return shellError("--descendants requires --from")
		}
		return shellError("--descendants requires either --from or --current")
	}
	objects, dom, list, err := f.all(ctx, c)
	if xml.CodeOf(err) == xml.CodeNoSupport && f.Kind == drivers.Checkpoint {
		err = failed(err, "unexpected problem querying checkpoints")
	}
	if err != nil {
		return err
	}
	from := c.Str("from")
	if c.Has("current") {
		d, err := query[drivers.Momenter](objects, f.api+"Current")
		if err != nil {
			return err
		}
		ref, err := d.CurrentMoment(ctx, dom)
		if err != nil {
			return err
		}
		from = ref.Name
	}
	if from != "" {
		if _, err := f.named(list, from); err != nil {
			return err
		}
	}
	if c.Has("tree") {
		if c.Has("no-metadata") {
			list = nil // all that there are have some
		}
		c.Emit(momentTree(list, from))
		return nil
	}
	list = selectMoments(c, list, from)
	if c.Has("topological") {
		list = topological(list)
	}
	if c.Has("name") {
		c.Emit(momentNames(c, list))
		return nil
	}
	c.Emit(f.table(c, list))
	return nil
}

func momentNames(c *Call, list []*moment) Message {
	var b strings.Builder
	rows := []Data{}
	for _, m := range list {
		b.WriteString(m.ref.Name)
		d := Data{{"name", m.ref.Name}}
		if c.Has("parent") && m.parent != "" {
			b.WriteString("\t" + m.parent)
			d = append(d, Pair{"parent", m.parent})
		}
		b.WriteByte('\n')
		rows = append(rows, d)
	}
	return Message{Text: b.String(), Data: rows}
}

func (f *family) table(c *Call, list []*moment) Listing {
	l := Listing{Columns: []Column{{Title: "Name"}, {Title: "Creation Time"}}}
	if f.Kind == drivers.Snapshot {
		l.Columns = append(l.Columns, Column{Title: "State"})
	}
	if c.Has("parent") {
		l.Columns = append(l.Columns, Column{Title: "Parent"})
	}
	for _, m := range list {
		row := []any{m.ref.Name, Cell{m.created.Format("2006-01-02 15:04:05 -0700"), m.created.Format(time.RFC3339)}}
		if f.Kind == drivers.Snapshot {
			row = append(row, m.state)
		}
		if c.Has("parent") {
			row = append(row, m.parent)
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// selectMoments keeps what the options ask for.
func selectMoments(c *Call, list []*moment, from string) []*moment {
	if from != "" {
		wanted := map[string]bool{from: true}
		var out []*moment
		for again := true; again; {
			again = false
			for _, m := range list {
				if wanted[m.parent] && !wanted[m.ref.Name] && (c.Has("descendants") || m.parent == from) {
					wanted[m.ref.Name], again = true, true
				}
			}
		}
		for _, m := range list {
			if wanted[m.ref.Name] && m.ref.Name != from {
				out = append(out, m)
			}
		}
		list = out
	}
	var out []*moment
	for _, m := range list {
		asked, kept := [6]bool{}, [6]bool{}
		for _, o := range momentFilters {
			if c.Has(o.name) {
				asked[o.side] = true
				kept[o.side] = kept[o.side] || o.keep(m)
			}
		}
		if asked == kept {
			out = append(out, m)
		}
	}
	return out
}

// topological puts parents before their children.
func topological(list []*moment) []*moment {
	in := map[string]bool{}
	for _, m := range list {
		in[m.ref.Name] = true
	}
	var out []*moment
	var add func(parent string)
	add = func(parent string) {
		for _, m := range list {
			if m.parent == parent || parent == "" && !in[m.parent] {
				out = append(out, m)
				add(m.ref.Name)
			}
		}
	}
	add("")
	return out
}

// momentTree draws who comes from whom.
func momentTree(list []*moment, from string) Message {
	var b strings.Builder
	rows := []Data{}
	for _, m := range list {
		rows = append(rows, Data{{"name", m.ref.Name}, {"parent", m.parent}})
		if m.root && from == "" || m.ref.Name == from {
			drawTree(&b, m.ref.Name, "", true, true, func(name string) []string {
				var kids []string
				for _, k := range list {
					if k.parent == name {
						kids = append(kids, k.ref.Name)
					}
				}
				return kids
			})
		}
	}
	return Message{Text: b.String(), Data: rows}
}

// drawTree draws a tree as virsh does: a leaf that ends a branch is followed by
// a line of blanks.
func drawTree(b *strings.Builder, name, indent string, root, last bool, kids func(string) []string) {
	below := "  "
	if root {
		b.WriteString(name + "\n")
	} else {
		b.WriteString(indent + "+- " + name + "\n")
		below = indent + "|   "
		if last {
			below = indent + "    "
		}
	}
	list := kids(name)
	if len(list) > 0 {
		b.WriteString(below + "|\n")
	}
	for i, k := range list {
		drawTree(b, k, below, false, i == len(list)-1, kids)
	}
	if len(list) == 0 && last {
		if !root {
			b.WriteString(indent + "  ")
		}
		b.WriteByte('\n')
	}
}

func (f *family) info(ctx context.Context, c *Call) error {
	objects, m, _, err := f.one(ctx, c, f.Kind == drivers.Snapshot)
	if err != nil {
		return err
	}
	parent := Field{Label: "Parent", Value: m.parent}
	if m.parent == "" {
		parent = Field{Label: "Parent", Text: "-"}
	}
	f1 := Fields{Width: 15, Items: []Field{{Label: "Name", Value: m.ref.Name}, {Label: "Domain", Value: m.ref.Parent.Name}}}
	if f.Kind == drivers.Snapshot {
		location := "internal"
		if m.external {
			location = "external"
		}
		f1.Items = append(f1.Items, Field{Label: "Current", Value: f.current(ctx, objects, *m.ref.Parent) == m.ref.Name},
			Field{Label: "State", Value: m.state}, Field{Label: "Location", Value: location})
	}
	f1.Items = append(f1.Items, parent, Field{Label: "Children", Value: m.children}, Field{Label: "Descendants", Value: m.kids})
	if f.Kind == drivers.Snapshot {
		f1.Items = append(f1.Items, Field{Label: "Metadata", Value: true})
	}
	c.Emit(f1)
	return nil
}

func (f *family) parent(ctx context.Context, c *Call) error {
	_, m, _, err := f.one(ctx, c, f.Kind == drivers.Snapshot)
	if err != nil {
		return err
	}
	if m.parent == "" {
		return shellError("%s '%s' has no parent", f.word, m.ref.Name)
	}
	c.Emit(Message{Text: m.parent, Data: Data{{"parent", m.parent}}})
	return nil
}

func (f *family) dump(ctx context.Context, c *Call) error {
	objects, m, _, err := f.one(ctx, c, false)
	if err != nil {
		return err
	}
	if c.ReadOnly && c.Has("security-info") {
		return xml.Errorf(xml.CodeForbidden, "%sGetXMLDesc with secure flag", f.api)
	}
	doc, err := objects.XML(ctx, m.ref, c.Flags("security-info", drivers.SecurityInfo, "no-domain", drivers.NoDomain, "size", drivers.WithSize))
	if err != nil {
		return err
	}
	return c.document(doc)
}

func (f *family) remove(ctx context.Context, c *Call) error {
	objects, m, _, err := f.one(ctx, c, f.Kind == drivers.Snapshot)
	if err != nil {
		return err
	}
	d, err := change[drivers.Momenter](c, objects, f.api+"Delete")
	if err == nil {
		err = d.DeleteMoment(ctx, m.ref, c.Has("children"), c.Has("children-only"), c.Has("metadata"))
	}
	if err != nil {
		return failed(err, "Failed to delete %s %s", f.word, m.ref.Name)
	}
	what := "deleted"
	if c.Has("children-only") {
		what = "children deleted"
	}
	msg := msgf(Data{{f.word, m.ref.Name}, {"action", what}}, "Domain %s %s %s", f.word, m.ref.Name, what)
	msg.Extra = true
	c.Emit(msg)
	return nil
}

// create makes a moment of a document; from is the file's name, or "".
func (f *family) create(ctx context.Context, c *Call, src xml.Source, from string, fl drivers.MomentFlags) error {
	_, dom, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	var v any
	if o := c.conn.Objects(f.Kind); o != nil {
		v = o
	}
	d, err := change[drivers.Momenter](c, v, f.api+"CreateXML")
	if err != nil {
		return err
	}
	ref, err := d.CreateMoment(ctx, dom, src, fl)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Domain %s %s created", f.word, ref.Name)
	if from != "" {
		text += " from '" + from + "'"
	}
	c.Emit(Message{Text: text, Data: Data{{f.word, ref.Name}, {"action", "created"}}, Extra: true})
	return nil
}

func (f *family) createXML(ctx context.Context, c *Call) error {
	if err := c.Requires("redefine-validate", "redefine"); err != nil {
		return err
	}
	src := xml.Source{Name: "(" + f.word + ")", Data: []byte("<domain" + f.word + "/>")}
	if c.Has("xmlfile") {
		var err error
		if src, err = c.File("xmlfile"); err != nil {
			return err
		}
	}
	return f.create(ctx, c, src, c.Str("xmlfile"), c.momentFlags())
}

func (c *Call) momentFlags() drivers.MomentFlags {
	return drivers.MomentFlags{Redefine: c.Has("redefine"), Current: c.Has("current"), NoMetadata: c.Has("no-metadata"), Halt: c.Has("halt"),
		DiskOnly: c.Has("disk-only"), Reuse: c.Has("reuse-external"), Quiesce: c.Has("quiesce"), Atomic: c.Has("atomic"), Live: c.Has("live"),
		Validate: c.Has("validate"), RedefineValidate: c.Has("redefine-validate")}
}
