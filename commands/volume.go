package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// wipeAlgorithms are the ways to destroy a volume's content.
const wipeAlgorithms = "zero nnsa dod bsi gutmann schneier pfitzner7 pfitzner33 random trim"

// volumeFormats are those that vol-create-as offers.
const volumeFormats = "none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"

// volumeRows are the commands about storage volumes.
func volumeRows() []Command {
	vol := str("vol", RP, "name, key or path of the volume").with(completion.Volumes)
	pool := str("pool", Positional, "name or UUID of the pool").with(completion.ActivePools)
	own := str("pool", RP, "name or UUID of the pool").with(completion.ActivePools)
	key := str("vol", RP, "key or path of the volume").with(completion.VolumeKeys)
	prealloc, reflink := flag("prealloc-metadata", "reserve room for qcow2's metadata"), flag("reflink", "share blocks with the original")
	part := opts(num("offset", Loose, "byte of the volume to begin at").with(completion.Free), num("length", Loose, "bytes to move").with(completion.Free),
		flag("sparse", "keep holes"))
	file := func(help string) Option { return str("file", RP, help).with(completion.Files) }
	return []Command{
		{Name: "vol-list", Summary: "list a pool's volumes", Run: volList, Options: opts(own, flag("details", "with types and sizes"))},
		{Name: "vol-info", Summary: "show a volume's main values", Run: volInfo, Options: opts(vol, pool,
			flag("bytes", "sizes in bytes"), flag("physical", "the size on the disk in place of the allocation"))},
		{Name: "vol-dumpxml", Summary: "print the XML description of a volume", Run: volXML, Options: opts(vol, pool, xpathOptions())},
		{Name: "vol-key", Summary: "find the key of a volume", Run: volKey, Options: opts(vol, pool)},
		{Name: "vol-path", Summary: "find the path of a volume", Run: volPath, Options: opts(vol, pool)},
		{Name: "vol-name", Summary: "find the name of a volume", Run: volName, Options: opts(key)},
		{Name: "vol-pool", Summary: "find the pool of a volume", Run: volPool, Options: opts(key, flag("uuid", "its UUID, not its name"))},
		{Name: "vol-create", Summary: "make a volume of an XML description", Run: volCreate, Options: opts(own, fileOption(), prealloc, moreOptions([]more{validate}))},
		{Name: "vol-create-as", Summary: "make a volume that options describe", Run: volCreateAs, Options: opts(own,
			str("name", RP, "name of the volume").with(completion.Free), str("capacity", RP, "size, in bytes if no unit is given").with(completion.Free),
			str("allocation", Loose, "how much of it to reserve").with(completion.Free), str("format", Loose, "format of the volume").of(volumeFormats),
			str("backing-vol", Loose, "the volume below").with(completion.Volumes), str("backing-vol-format", Loose, "its format").of(volumeFormats),
			prealloc, flag("print-xml", "print the XML, and do no more"))},
		{Name: "vol-create-from", Summary: "make a volume with another's content", Run: volCreateFrom, Options: opts(own, fileOption(),
			str("vol", RP, "the original: name, key or path").with(completion.InputVolumes),
			str("inputpool", Loose, "pool of the original").with(completion.ActivePools), prealloc, reflink, moreOptions([]more{validate}))},
		{Name: "vol-clone", Summary: "copy a volume within its pool", Run: volClone, Options: opts(vol,
			str("newname", RP, "name of the copy").with(completion.Free), pool, prealloc, reflink, flag("print-xml", "print the XML, and do no more"))},
		{Name: "vol-delete", Summary: "delete a volume", Run: volDelete, Options: opts(vol, pool, flag("delete-snapshots", "its snapshots, too"))},
		{Name: "vol-wipe", Summary: "destroy a volume's content", Run: volWipe, Options: opts(vol, pool, str("algorithm", Loose, "how").of(wipeAlgorithms))},
		{Name: "vol-resize", Summary: "change a volume's size", Run: volResize, Options: opts(vol,
			str("capacity", RP, "the new size, in bytes if no unit is given").with(completion.Free), pool,
			flag("allocate", "reserve all of it"), flag("delta", "add to the size there is"), flag("shrink", "it may become smaller"))},
		{Name: "vol-upload", Summary: "write a file into a volume", Run: volUpload, Options: opts(vol, file("the file to read"), pool, part)},
		{Name: "vol-download", Summary: "write a volume into a file", Run: volDownload, Options: opts(vol, file("the file to write"), pool, part)},
	}
}

// volume looks up the volume of an option: a name in the pool of another
// option, else a key, else a path. how says whether it may be a name.
func (c *Call) volume(ctx context.Context, option, poolOption string, how by) (drivers.Objects, drivers.Ref, error) {
	word := c.Str(option)
	c.Debugf(1, "%s: found option <%s>: %s", c.Command.Name, option, word)
	var pool *drivers.Ref
	if poolOption != "" && c.Has(poolOption) {
		_, ref, err := poolKind.findWord(ctx, c, poolOption, c.Str(poolOption), byAny)
		if err != nil {
			return nil, drivers.Ref{}, err
		}
		pool = &ref
		if e, err := entryOf(ctx, c.conn.Objects(drivers.Pool), ref); err == nil && !e.Active {
			return nil, ref, shellError("pool '%s' is not active", ref.Name)
		}
	}
	objects, err := volumeKind.objects(ctx, c)
	var ref drivers.Ref
	if err == nil {
		ref, err = lookupVolume(ctx, objects, pool, word, how)
	}
	switch {
	case err != nil && (pool != nil || poolOption == ""):
		return nil, ref, volumeKind.fail("find", err, word, "")
	case err != nil:
		return nil, ref, failed(err, "failed to get vol '%s', specifying --%s might help", word, poolOption)
	}
	if pool != nil && ref.Parent != nil && ref.Parent.UUID != pool.UUID {
		return nil, ref, failed(nil, "Requested volume '%s' is not in pool '%s'", word, pool.Name)
	}
	return objects, ref, nil
}

func lookupVolume(ctx context.Context, objects drivers.Objects, pool *drivers.Ref, word string, how by) (drivers.Ref, error) {
	if f, ok := objects.(drivers.ChildFinder); ok && pool != nil && how&byName != 0 {
		if ref, err := f.Child(ctx, *pool, word); err == nil {
			return ref, nil
		}
	}
	if how&byKey != 0 {
		if ref, err := objects.Lookup(ctx, drivers.ByKey, word); err == nil {
			return ref, nil
		}
	}
	return objects.Lookup(ctx, drivers.ByPath, word)
}

func volList(ctx context.Context, c *Call) error {
	_, pool, err := poolKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	objects, err := volumeKind.objects(ctx, c)
	if err != nil {
		// where pools are only kept, as definitions, there are no volumes to ask for
		if e, eerr := entryOf(ctx, c.conn.Objects(drivers.Pool), pool); eerr == nil && !e.Active {
			err = failed(xml.Errorf(xml.CodeOperationInvalid, "storage pool is not active"), "Failed to list volumes")
		}
		return err
	}
	entries, err := objects.List(ctx, drivers.Filter{Parent: &pool})
	if err != nil {
		return failed(err, "Failed to list volumes")
	}
	sortEntries(entries)
	l := Listing{Columns: []Column{{Title: "Name"}, {Title: "Path"}}}
	if c.Has("details") {
		l.Columns = append(l.Columns, Column{Title: "Type"}, Column{"Capacity", "capacity_bytes"}, Column{"Allocation", "allocation_bytes"})
	}
	for _, e := range entries {
		row := []any{e.Name, e.Path}
		if c.Has("details") {
			d, err := query[drivers.VolumeInfoer](objects, "virStorageVolGetInfo")
			if err != nil {
				return err
			}
			i, err := d.VolumeInfo(ctx, e.Ref)
			if err != nil {
				return err
			}
			row = append(row, i.Type, Cell{prettySize(i.Capacity), i.Capacity}, Cell{prettySize(i.Allocation), i.Allocation})
		}
		l.Rows = append(l.Rows, row)
	}
	c.Emit(l)
	return nil
}

func volInfo(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	f := Fields{Width: 15, Items: []Field{{Label: "Name", Value: ref.Name}}}
	i, err := volumeInfo(ctx, objects, ref, c.Has("physical"))
	if err == nil {
		last := "Allocation"
		if c.Has("physical") {
			last = "Physical"
		}
		f.Items = append(f.Items, Field{Label: "Type", Value: i.Type})
		for _, v := range []struct {
			label string
			bytes uint64
		}{{"Capacity", i.Capacity}, {last, i.Allocation}} {
			text := prettySize(v.bytes)
			if c.Has("bytes") {
				text = fmt.Sprintf("%d bytes", v.bytes)
			}
			f.Items = append(f.Items, Field{Label: v.label, Key: strings.ToLower(v.label) + "_bytes", Value: v.bytes, Text: text})
		}
	}
	c.Emit(f)
	return err
}

func volumeInfo(ctx context.Context, objects drivers.Objects, ref drivers.Ref, physical bool) (drivers.VolumeInfo, error) {
	if physical {
		d, err := query[drivers.VolumePhysicaler](objects, "virStorageVolGetInfoFlags")
		if err != nil {
			return drivers.VolumeInfo{}, err
		}
		return d.VolumePhysical(ctx, ref)
	}
	d, err := query[drivers.VolumeInfoer](objects, "virStorageVolGetInfo")
	if err != nil {
		return drivers.VolumeInfo{}, err
	}
	return d.VolumeInfo(ctx, ref)
}

func volXML(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return err
	}
	return c.document(doc)
}

func volKey(ctx context.Context, c *Call) error {
	_, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"key", ref.UUID}}, "%s", ref.UUID))
	return nil
}

func volPath(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	e, err := entryOf(ctx, objects, ref)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"path", e.Path}}, "%s", e.Path))
	return nil
}

func volName(ctx context.Context, c *Call) error {
	_, ref, err := c.volume(ctx, "vol", "", byKey)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"name", ref.Name}}, "%s", ref.Name))
	return nil
}

func volPool(ctx context.Context, c *Call) error {
	_, ref, err := c.volume(ctx, "vol", "", byKey)
	if err != nil {
		return err
	}
	if c.Has("uuid") {
		c.Emit(msgf(Data{{"uuid", ref.Parent.UUID}}, "%s", ref.Parent.UUID))
		return nil
	}
	c.Emit(msgf(Data{{"pool", ref.Parent.Name}}, "%s", ref.Parent.Name))
	return nil
}

// volumeFlags are those of making a volume.
func volumeFlags(c *Call) drivers.Flags {
	return c.Flags("prealloc-metadata", drivers.Prealloc, "reflink", drivers.Reflink, "validate", drivers.Validate)
}

func volCreate(ctx context.Context, c *Call) error {
	_, pool, err := poolKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	src, err := c.File("file")
	if err != nil {
		return err
	}
	d, err := change[drivers.VolumeCreator](c, c.conn.Objects(drivers.Volume), "virStorageVolCreateXML")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.CreateVolume(ctx, pool, src, volumeFlags(c))
	}
	if err != nil {
		return failed(err, "Failed to create vol from %s", src.Name)
	}
	c.Emit(volumeDone(ref, "created", "Vol %s created from %s", ref.Name, src.Name))
	return nil
}

// volumeDone is a message about a volume.
func volumeDone(ref drivers.Ref, action, format string, args ...any) Message {
	d := Data{{"vol", ref.Name}, {"key", ref.UUID}}
	if ref.Parent != nil {
		d = append(d, Pair{"pool", ref.Parent.Name})
	}
	m := msgf(append(d, Pair{"action", action}), format, args...)
	m.Extra = true
	return m
}

// size reads a size that may have a unit.
func size(c *Call, option string) (uint64, error) {
	text := c.Str(option)
	c2 := *c
	n, _, err := c2.Scaled(option, 1, math.MaxUint64)
	var f *Failure
	if errors.As(err, &f) {
		return 0, failed(f.Err, "Malformed size %s", text)
	}
	return n, err
}

func volCreateAs(ctx context.Context, c *Call) error {
	_, pool, err := poolKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	vol := xml.Element("volume", xml.TextElement("name", c.Str("name")))
	for _, o := range []string{"capacity", "allocation"} {
		if !c.Has(o) {
			continue
		}
		n, err := size(c, o)
		if err != nil {
			return err
		}
		vol.Add(xml.TextElement(o, fmt.Sprint(n)))
	}
	if c.Has("format") {
		vol.Add(xml.Element("target", xml.Element("format").With("type", c.Str("format"))))
	}
	if c.Has("backing-vol") {
		path, err := backingPath(ctx, c, pool)
		if err != nil {
			return err
		}
		b := xml.Element("backingStore", xml.TextElement("path", path))
		if c.Has("backing-vol-format") {
			b.Add(xml.Element("format").With("type", c.Str("backing-vol-format")))
		}
		vol.Add(b)
	}
	if c.Has("print-xml") {
		c.printDescription(vol)
		return nil
	}
	d, err := change[drivers.VolumeCreator](c, c.conn.Objects(drivers.Volume), "virStorageVolCreateXML")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.CreateVolume(ctx, pool, xml.Source{Name: "(storage_volume_definition)", Data: vol.Print()}, volumeFlags(c))
	}
	if err != nil {
		return failed(err, "Failed to create vol %s", c.Str("name"))
	}
	c.Emit(volumeDone(ref, "created", "Vol %s created", c.Str("name")))
	return nil
}

// backingPath is the path of the volume that --backing-vol names.
func backingPath(ctx context.Context, c *Call, pool drivers.Ref) (string, error) {
	word := c.Str("backing-vol")
	objects, err := volumeKind.objects(ctx, c)
	if err != nil {
		return "", err
	}
	ref, err := lookupVolume(ctx, objects, &pool, word, byAny)
	if err != nil {
		return "", volumeKind.fail("find", err, word, "")
	}
	e, err := entryOf(ctx, objects, ref)
	return e.Path, err
}

func volCreateFrom(ctx context.Context, c *Call) error {
	_, pool, err := poolKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	objects, from, err := c.volume(ctx, "vol", "inputpool", byAny)
	if err != nil {
		return err
	}
	src, err := c.File("file")
	if err != nil {
		return err
	}
	d, err := change[drivers.VolumeCreator](c, objects, "virStorageVolCreateXMLFrom")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.CreateVolumeFrom(ctx, pool, src, from, volumeFlags(c))
	}
	if err != nil {
		return failed(err, "Failed to create vol from %s", src.Name)
	}
	c.Emit(volumeDone(ref, "created", "Vol %s created from input vol %s", ref.Name, from.Name))
	return nil
}

func volClone(ctx context.Context, c *Call) error {
	objects, from, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, from, 0)
	if err != nil {
		return err
	}
	n, err := xml.Parse(xml.Source{Name: "(volume_definition)", Data: doc})
	if err != nil {
		return err
	}
	if name := n.Child("name"); name != nil {
		name.Children = []*xml.Node{{Text: c.Str("newname")}}
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: n.Dump()})
		return nil
	}
	d, err := change[drivers.VolumeCreator](c, objects, "virStorageVolCreateXMLFrom")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.CreateVolumeFrom(ctx, *from.Parent, xml.Source{Name: "(storage_volume_definition)", Data: n.Print()}, from, volumeFlags(c))
	}
	if err != nil {
		return failed(err, "Failed to clone vol from %s", from.Name)
	}
	c.Emit(volumeDone(ref, "cloned", "Vol %s cloned from %s", ref.Name, from.Name))
	return nil
}

func volDelete(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	d, err := change[drivers.VolumeCreator](c, objects, "virStorageVolDelete")
	if err == nil {
		err = d.DeleteVolume(ctx, ref, c.Flags("delete-snapshots", drivers.SnapshotsToo))
	}
	if err != nil {
		return failed(err, "Failed to delete vol %s", c.Str("vol"))
	}
	c.Emit(volumeDone(ref, "deleted", "Vol %s deleted", c.Str("vol")))
	return nil
}

func volWipe(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	algorithm := c.Str("algorithm")
	if c.Has("algorithm") && !hasWord(wipeAlgorithms, algorithm) {
		return shellError("Unsupported algorithm '%s'", algorithm)
	}
	api := "virStorageVolWipe"
	if c.Has("algorithm") && algorithm != "zero" {
		api += "Pattern"
	}
	d, err := change[drivers.VolumeWiper](c, objects, api)
	if err == nil {
		err = d.WipeVolume(ctx, ref, algorithm)
	}
	if err != nil {
		return failed(err, "Failed to wipe vol %s", c.Str("vol"))
	}
	c.Emit(volumeDone(ref, "wiped", "Vol %s wiped", ref.Name))
	return nil
}

func volResize(ctx context.Context, c *Call) error {
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	text := c.Str("capacity")
	negative := strings.HasPrefix(text, "-")
	f := drivers.ResizeFlags{Allocate: c.Has("allocate"), Delta: c.Has("delta"), Shrink: c.Has("shrink")}
	if negative {
		if !f.Shrink {
			return shellError("negative size requires --shrink")
		}
		f.Delta = true
		text = text[1:]
	}
	sized := *c
	sized.args = append([]argument(nil), c.args...)
	for i := range sized.args {
		if sized.args[i].option.Name == "capacity" {
			sized.args[i].text = text
		}
	}
	n, err := size(&sized, "capacity")
	if err != nil {
		return err
	}
	how := "to"
	if f.Delta {
		how = "by"
	}
	d, err := change[drivers.VolumeResizer](c, objects, "virStorageVolResize")
	if err == nil {
		err = d.ResizeVolume(ctx, ref, n, f)
	}
	if err != nil {
		return failed(err, "Failed to change size of volume '%s' %s %s", ref.Name, how, text)
	}
	c.Emit(volumeDone(ref, "resized", "Size of volume '%s' successfully changed %s %s", ref.Name, how, text))
	return nil
}

// part reads which part of a volume is meant.
func (c *Call) part() (drivers.Part, error) {
	p := drivers.Part{Sparse: c.Has("sparse")}
	var err error
	if p.Offset, _, err = c.Uint64("offset"); err != nil {
		return p, err
	}
	p.Length, _, err = c.Uint64("length")
	return p, err
}

func volUpload(ctx context.Context, c *Call) error {
	p, err := c.part()
	if err != nil {
		return err
	}
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	name := c.Str("file")
	f, err := os.Open(name)
	if err != nil {
		return shellError("cannot read %s", name)
	}
	defer f.Close()
	d, err := change[drivers.VolumeStreamer](c, objects, "virStorageVolUpload")
	var w io.WriteCloser
	if err == nil {
		w, err = d.Upload(ctx, ref, p)
	}
	if err != nil {
		return failed(err, "cannot upload to volume %s", ref.Name)
	}
	var from io.Reader = f
	if p.Length > 0 {
		from = io.LimitReader(f, int64(min(p.Length, math.MaxInt64)))
	}
	if p.Sparse {
		err = copyHoles(w, f, int64(min(p.Length, math.MaxInt64)))
	} else {
		_, err = io.Copy(w, from)
	}
	if a, ok := w.(drivers.Aborter); ok && err != nil {
		a.Abort()
	} else {
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return failed(err, "cannot send data to volume %s", ref.Name)
	}
	return nil
}

func volDownload(ctx context.Context, c *Call) error {
	p, err := c.part()
	if err != nil {
		return err
	}
	objects, ref, err := c.volume(ctx, "vol", "pool", byAny)
	if err != nil {
		return err
	}
	name := c.Str("file")
	f, finish, err := newFile(name)
	if err != nil {
		return shellError("cannot create %s", name)
	}
	d, err := query[drivers.VolumeStreamer](objects, "virStorageVolDownload")
	if err == nil {
		err = d.Download(ctx, ref, p, &holes{f})
	}
	if err = finish(err); err != nil {
		return failed(err, "cannot download from volume %s", ref.Name)
	}
	return nil
}

// newFile opens a file to write. One that is new, or replaces a plain file, has
// its name only when all is written: finish gives it, or drops the file if there
// was an error.
func newFile(name string) (f *os.File, finish func(error) error, err error) {
	mode := fs.FileMode(0o666)
	switch info, err := os.Lstat(name); {
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
		return f, func(e error) error { return errors.Join(e, f.Close()) }, err
	case err == nil:
		mode = info.Mode().Perm()
		if w, err := os.OpenFile(name, os.O_WRONLY, 0); err != nil {
			return nil, nil, err
		} else if err := w.Close(); err != nil {
			return nil, nil, err
		}
	}
	part := name + ".part"
	if f, err = os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode); err != nil {
		return nil, nil, err
	}
	return f, func(e error) error {
		if e = errors.Join(e, f.Close()); e == nil {
			e = os.Rename(part, name)
		}
		if e != nil {
			os.Remove(part)
		}
		return e
	}, nil
}

// holes is a file that keeps holes.
type holes struct{ *os.File }

// Hole leaves n bytes out.
func (h *holes) Hole(n int64) error {
	at, err := h.Seek(n, io.SeekCurrent)
	if err != nil {
		return err
	}
	if fi, err := h.Stat(); err != nil || at <= fi.Size() {
		return err
	}
	return h.Truncate(at)
}

// copyHoles copies at most limit bytes of a file (0: all), blocks of zero bytes as
// holes where the other side knows them.
func copyHoles(to io.Writer, from io.Reader, limit int64) error {
	h, ok := to.(drivers.Holer)
	if limit > 0 {
		from = io.LimitReader(from, limit)
	}
	if !ok {
		_, err := io.Copy(to, from)
		return err
	}
	block := make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(from, block)
		if n > 0 {
			var e error
			if zero(block[:n]) {
				e = h.Hole(int64(n))
			} else {
				_, e = to.Write(block[:n])
			}
			if e != nil {
				return e
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func zero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
