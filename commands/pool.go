package commands

import (
	"context"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// The options of building a pool.
var (
	overwriteFlags = []more{{name: "no-overwrite", flag: drivers.NoOverwrite, help: "only if nothing is there"},
		{name: "overwrite", flag: drivers.Overwrite, help: "over what is there"}}
	buildFlags = append([]more{{name: "build", flag: drivers.Build, help: "build it first"}}, overwriteFlags...)
)

// poolTypes are the kinds of pools.
const poolTypes = "dir fs netfs logical disk iscsi iscsi-direct scsi mpath rbd sheepdog gluster zfs vstorage"

// poolRows are the commands about storage pools.
func poolRows() []Command {
	k := poolKind
	create, build := k.create(nil, nil, buildFlags...), poolBuild(k)
	create.Run = exclusiveOverwrite(create.Run)
	return []Command{
		k.historyRow(), k.undoRow(), k.define(validate), create, k.undefine(), poolStart(k), k.destroy(), k.autostart(), k.name(byUUID), k.uuid(byName), k.dumpxml(inactiveXML),
		k.editRow(drivers.Inactive), k.event("pool-event", "lifecycle refresh", false), build,
		verbOf(k, "delete", "delete a pool's storage", "Delete", k.inactive,
			func(d drivers.PoolBuilder, ctx context.Context, _ *Call, ref drivers.Ref) error {
				return d.DeletePool(ctx, ref)
			}),
		verbOf(k, "refresh", "look anew at what is in a pool", "Refresh", k.active,
			func(d drivers.PoolRefresher, ctx context.Context, _ *Call, ref drivers.Ref) error {
				return d.RefreshPool(ctx, ref)
			}),
		{Name: "pool-info", Summary: "show a pool's main values", Run: poolInfo, Options: opts(k.object(k.any), flag("bytes", "sizes in bytes"))},
		{Name: "pool-list", Summary: "list pools", Description: "Lists storage pools: the active ones, or as the options say.", Run: poolList,
			Options: opts(flag("inactive", "those that are inactive"), flag("all", "the active and the inactive ones"),
				flag("transient", "those that are not kept"), flag("persistent", "those that are kept"),
				flag("autostart", "those that start with the host"), flag("no-autostart", "those that do not"),
				str("type", Loose, "those of these types").of(poolTypes).list(), flag("details", "with sizes"),
				flag("uuid", "only their UUIDs"), flag("name", "only their names"))},
		poolAs("pool-define-as", "keep the definition of a pool that options describe", poolDefineAs),
		poolAs("pool-create-as", "start a pool that options describe", exclusiveOverwrite(poolCreateAs), moreOptions(buildFlags)),
		{Name: "pool-capabilities", Summary: "print which kinds of pools there can be", Run: poolCapabilities},
		{Name: "find-storage-pool-sources-as", Summary: "look for storage for pools", Run: poolSourcesAs, Options: opts(
			str("type", RP, "type of the pools").of(poolTypes), str("host", Loose, "the server to ask").with(completion.Free),
			str("port", Loose, "the server's port").with(completion.Free), str("initiator", Loose, "the initiator's IQN").with(completion.Free))},
		{Name: "find-storage-pool-sources", Summary: "look for storage for pools", Run: poolSources, Options: opts(
			str("type", RP, "type of the pools").of(poolTypes), str("srcSpec", Loose, "file with an XML description of the source").with(completion.Files))},
	}
}

// exclusiveOverwrite refuses to overwrite and not to.
func exclusiveOverwrite(run func(context.Context, *Call) error) func(context.Context, *Call) error {
	return func(ctx context.Context, c *Call) error {
		if err := c.Exclusive("overwrite", "no-overwrite"); err != nil {
			return err
		}
		return run(ctx, c)
	}
}

func poolStart(k *kind) Command {
	row := k.start(buildFlags...)
	start := exclusiveOverwrite(row.Run)
	row.Run = func(ctx context.Context, c *Call) error {
		if _, _, err := k.find(ctx, c, byAny); err != nil {
			return err
		}
		return start(ctx, c)
	}
	return row
}

func poolBuild(k *kind) Command {
	return verbOf(k, "build", "make the storage that a pool describes", "Build", k.any,
		func(d drivers.PoolBuilder, ctx context.Context, c *Call, ref drivers.Ref) error {
			return d.BuildPool(ctx, ref, moreFlags(c, overwriteFlags))
		}, moreOptions(overwriteFlags))
}

func poolInfo(ctx context.Context, c *Call) error {
	objects, ref, err := poolKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	f := Fields{Width: 15, Items: []Field{{Label: "Name", Value: ref.Name}, {Label: "UUID", Value: ref.UUID}}}
	d, err := query[drivers.PoolInfoer](objects, "virStoragePoolGetInfo")
	var i drivers.PoolInfo
	if err == nil {
		i, err = d.PoolInfo(ctx, ref)
	}
	if err == nil {
		f.Items = append(f.Items, Field{Label: "State", Value: i.State.String()})
	}
	if e, err := entryOf(ctx, objects, ref); err == nil {
		f.Items = append(f.Items, Field{Label: "Persistent", Value: e.Persistent}, Field{Label: "Autostart", Value: e.Autostart})
	}
	if i.State == drivers.PoolRunning || i.State == drivers.PoolDegraded {
		for _, v := range []struct {
			label string
			bytes uint64
		}{{"Capacity", i.Capacity}, {"Allocation", i.Allocation}, {"Available", i.Available}} {
			item := Field{Label: v.label, Key: strings.ToLower(v.label) + "_bytes", Value: v.bytes}
			if !c.Has("bytes") {
				item.Text = prettySize(v.bytes)
			}
			f.Items = append(f.Items, item)
		}
	}
	c.Emit(f)
	return err
}

// poolFilters are the conditions of pool-list.
func poolFilters() []filterFlag {
	return []filterFlag{
		{"transient", "those that are not kept", no(persistent)},
		{"persistent", "those that are kept", yes(persistent)},
		{"autostart", "those that start with the host", yes(autostarted)},
		{"no-autostart", "those that do not", no(autostarted)},
	}
}

func poolList(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"all", "inactive"}, {"details", "uuid"}, {"details", "name"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	f := c.filter(poolFilters())
	if c.Has("type") {
		for _, t := range strings.Split(c.Str("type"), ",") {
			if !hasWord(poolTypes, t) {
				return shellError("Invalid pool type '%s'", t)
			}
			f.Types = append(f.Types, t)
		}
	}
	if _, err := poolKind.objects(ctx, c); xml.CodeOf(err) == xml.CodeNoSupport && c.Has("type") {
		return shellError("Filtering using --type is not supported by this libvirt")
	}
	objects, entries, err := poolKind.list(ctx, c, f)
	if err != nil {
		return err
	}
	if c.Has("uuid") || c.Has("name") {
		c.Emit(plainEntries(c, entries))
		return nil
	}
	l := Listing{Columns: []Column{{Title: "Name"}, {Title: "State"}, {Title: "Autostart"}}}
	if c.Has("details") {
		l.Columns = append(l.Columns, Column{Title: "Persistent"}, Column{"Capacity", "capacity_bytes"}, Column{"Allocation", "allocation_bytes"}, Column{"Available", "available_bytes"})
	}
	for _, e := range entries {
		if !c.Has("details") {
			l.Rows = append(l.Rows, []any{e.Name, activeWord(e.Active), e.Autostart})
			continue
		}
		row := []any{e.Name, "unknown", e.Autostart, e.Persistent}
		i, err := poolInfoOf(ctx, objects, e.Ref)
		if err != nil {
			return err
		}
		row[1] = i.State.String()
		for _, n := range []uint64{i.Capacity, i.Allocation, i.Available} {
			if i.State == drivers.PoolRunning || i.State == drivers.PoolDegraded {
				row = append(row, Cell{prettySize(n), n})
			} else {
				row = append(row, Cell{"-", nil})
			}
		}
		l.Rows = append(l.Rows, row)
	}
	c.Emit(l)
	return nil
}

func poolInfoOf(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (drivers.PoolInfo, error) {
	d, err := query[drivers.PoolInfoer](objects, "virStoragePoolGetInfo")
	if err != nil {
		return drivers.PoolInfo{}, err
	}
	return d.PoolInfo(ctx, ref)
}

// plainEntries lists UUIDs, names, or both.
func plainEntries(c *Call, entries []drivers.Entry) Listing {
	l := Listing{Plain: true}
	for _, col := range []string{"uuid", "name"} {
		if c.Has(col) {
			l.Columns = append(l.Columns, Column{Key: col})
		}
	}
	for _, e := range entries {
		var row []any
		if c.Has("uuid") {
			row = append(row, e.UUID)
		}
		if c.Has("name") {
			row = append(row, e.Name)
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// poolAs is the row of a command that describes a pool by options.
func poolAs(name, summary string, run func(context.Context, *Call) error, options ...any) Command {
	free := func(name, help string) Option { return str(name, Loose, help).with(completion.Free) }
	return Command{Name: name, Summary: summary, Run: run, Options: opts(append([]any{
		str("name", RP, "name of the pool").with(completion.Free), str("type", RP, "type of the pool").of(poolTypes),
		flag("print-xml", "print the XML, and do no more"),
		free("source-host", "the server"), free("source-path", "folder of the server"), free("source-dev", "device, or target of the server"),
		free("source-name", "name that the source has itself"), str("target", Loose, "folder where volumes appear").with(completion.Files),
		free("source-format", "format of the source"), free("auth-type", "how to log in: chap or ceph"), free("auth-username", "the user's name"),
		free("secret-usage", "usage of the secret with the password"), free("secret-uuid", "UUID of the secret with the password"),
		free("adapter-name", "the SCSI host"), free("adapter-wwnn", "WWNN of the virtual adapter"), free("adapter-wwpn", "WWPN of the virtual adapter"),
		free("adapter-parent", "the SCSI host of the virtual adapter"), free("adapter-parent-wwnn", "that host's WWNN"),
		free("adapter-parent-wwpn", "that host's WWPN"), free("adapter-parent-fabric-wwn", "WWN of that host's fabric"),
		free("source-protocol-ver", "version of NFS"), free("source-initiator", "IQN of the initiator")}, options...)...)}
}

// describePool makes a pool's XML of options.
func describePool(c *Call) (*xml.Node, error) {
	if err := c.Exclusive("secret-usage", "secret-uuid"); err != nil {
		return nil, err
	}
	source := xml.Element("source")
	attr := func(element, name, option string) {
		if v := c.Str(option); c.Has(option) {
			source.Add(xml.Element(element).With(name, v))
		}
	}
	attr("host", "name", "source-host")
	attr("dir", "path", "source-path")
	attr("device", "path", "source-dev")
	if c.Has("source-initiator") {
		source.Add(xml.Element("initiator", xml.Element("iqn").With("name", c.Str("source-initiator"))))
	}
	switch {
	case c.Has("adapter-wwnn") && c.Has("adapter-wwpn"):
		a := xml.Element("adapter").With("type", "fc_host")
		switch {
		case c.Has("adapter-parent"):
			a.With("parent", c.Str("adapter-parent"))
		case c.Has("adapter-parent-wwnn") && c.Has("adapter-parent-wwpn"):
			a.With("parent_wwnn", c.Str("adapter-parent-wwnn"), "parent_wwpn", c.Str("adapter-parent-wwpn"))
		default:
			a.With("parent_fabric_wwn", c.Str("adapter-parent-fabric-wwn"))
		}
		source.Add(a.With("wwnn", c.Str("adapter-wwnn"), "wwpn", c.Str("adapter-wwpn")))
	case c.Has("adapter-name"):
		source.Add(xml.Element("adapter").With("type", "scsi_host", "name", c.Str("adapter-name")))
	}
	if c.Has("auth-type") && c.Has("auth-username") && (c.Has("secret-usage") || c.Has("secret-uuid")) {
		source.Add(xml.Element("auth", xml.Element("secret").With("usage", c.Str("secret-usage"), "uuid", c.Str("secret-uuid"))).
			With("type", c.Str("auth-type"), "username", c.Str("auth-username")))
	}
	attr("format", "type", "source-format")
	if c.Has("source-name") {
		source.Add(xml.TextElement("name", c.Str("source-name")))
	}
	if len(source.Children) > 0 { // as the peer does: a version alone is no source
		attr("protocol", "ver", "source-protocol-ver")
	}
	pool := xml.Element("pool", xml.TextElement("name", c.Str("name"))).With("type", c.Str("type"))
	if len(source.Children) > 0 {
		pool.Add(source)
	}
	if c.Has("target") {
		pool.Add(xml.Element("target", xml.TextElement("path", c.Str("target"))))
	}
	return pool, nil
}

// printDescription prints a document made of options. Words stand in it as
// they were typed: virsh's own commands do not escape them either.
func (c *Call) printDescription(n *xml.Node) {
	c.Emit(Document{Text: unescaper.Replace(n.String())})
}

var unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'")

func poolDefineAs(ctx context.Context, c *Call) error {
	n, err := describePool(c)
	if err != nil {
		return err
	}
	if c.Has("print-xml") {
		c.printDescription(n)
		return nil
	}
	objects, err := poolKind.objects(ctx, c)
	if err != nil {
		objects = nil
	}
	d, err := change[drivers.Definer](c, objects, "virStoragePoolDefineXML")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.Define(ctx, xml.Source{Name: "(storage_pool_definition)", Data: n.Print()}, 0)
	}
	if err != nil {
		return failed(err, "Failed to define pool %s", c.Str("name"))
	}
	c.Emit(poolKind.done(ref, "defined", "Pool %s defined", c.Str("name")))
	return nil
}

func poolCreateAs(ctx context.Context, c *Call) error {
	n, err := describePool(c)
	if err != nil {
		return err
	}
	if c.Has("print-xml") {
		c.printDescription(n)
		return nil
	}
	objects, err := poolKind.objects(ctx, c)
	if err != nil {
		objects = nil
	}
	d, err := change[drivers.Creator](c, objects, "virStoragePoolCreateXML")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.Create(ctx, xml.Source{Name: "(storage_pool_definition)", Data: n.Print()}, moreFlags(c, buildFlags))
	}
	if err != nil {
		return failed(err, "Failed to create pool %s", c.Str("name"))
	}
	c.Emit(poolKind.done(ref, "created", "Pool %s created", c.Str("name")))
	return nil
}

func poolCapabilities(ctx context.Context, c *Call) error {
	conn, err := c.Conn(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.PoolCapabler](conn, "virConnectGetStoragePoolCapabilities")
	var doc []byte
	if err == nil {
		doc, err = d.PoolCapabilities(ctx)
	}
	if err != nil {
		return failed(err, "failed to get storage pool capabilities")
	}
	c.Emit(Document{Text: string(doc) + "\n"})
	return nil
}

func poolSourcesAs(ctx context.Context, c *Call) error {
	var spec []byte
	if c.Has("host") {
		s := xml.Element("source", xml.Element("host").With("name", c.Str("host"), "port", c.Str("port")))
		if c.Has("initiator") {
			s.Add(xml.Element("initiator", xml.Element("iqn").With("name", c.Str("initiator"))))
		}
		spec = s.Print()
	}
	return findSources(ctx, c, spec)
}

func poolSources(ctx context.Context, c *Call) error {
	var spec []byte
	if c.Has("srcSpec") {
		src, err := c.File("srcSpec")
		if err != nil {
			return err
		}
		spec = src.Data
	}
	return findSources(ctx, c, spec)
}

func findSources(ctx context.Context, c *Call, spec []byte) error {
	objects, err := poolKind.objects(ctx, c)
	if err != nil {
		objects = nil
	}
	d, err := change[drivers.PoolSourcer](c, objects, "virConnectFindStoragePoolSources")
	var doc []byte
	if err == nil {
		doc, err = d.PoolSources(ctx, c.Str("type"), spec)
	}
	if err != nil {
		return failed(err, "Failed to find any %s pool sources", c.Str("type"))
	}
	c.Emit(Document{Text: string(doc)})
	return nil
}
