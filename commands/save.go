package commands

import (
	"context"
	"fmt"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// saveRows are the commands that keep a running domain's memory in a file.
func saveRows() []Command {
	k := domainKind
	file := func(help string) Option { return str("file", RP, help).with(completion.Files) }
	ways := func() []Option {
		return opts(flag("running", "it runs when restored"), flag("paused", "it waits when restored"))
	}
	return []Command{
		{Name: "save", Summary: "save a domain in a file and stop it", Run: save, Options: opts(k.object(k.active), file("file to write"),
			flag("bypass-cache", "past the host's cache"), num("parallel-channels", 0, "how many streams").with(completion.Free),
			str("image-format", 0, "format of the file").of("raw gzip bzip2 xz lzop zstd sparse"),
			str("xml", Loose, "file with the domain's changed XML").with(completion.Files), ways(), flag("verbose", "show how far it is"))},
		{Name: "restore", Summary: "start a domain as a file has it", Run: restore, Options: opts(file("file that save wrote"),
			flag("bypass-cache", "past the host's cache"), num("parallel-channels", 0, "how many streams").with(completion.Free),
			str("xml", Loose, "file with the domain's changed XML").with(completion.Files), ways(), flag("reset-nvram", "begin with fresh firmware variables"))},
		{Name: "save-image-dumpxml", Summary: "print the XML in a saved file", Run: saveImageDump, Options: opts(file("file that save wrote"),
			flag("security-info", "with passwords"), xpathOptions())},
		{Name: "save-image-define", Summary: "change the XML in a saved file", Run: saveImageDefine, Options: opts(file("file that save wrote"),
			str("xml", RP, "file with the domain's XML").with(completion.Files), ways())},
		{Name: "save-image-edit", Summary: "edit the XML in a saved file", Run: saveImageEdit, Options: opts(file("file that save wrote"), ways())},
		{Name: "managedsave", Summary: "save a domain where its next start finds it", Run: managedsave, Options: opts(k.object(k.active),
			flag("bypass-cache", "past the host's cache"), ways(), flag("verbose", "show how far it is"))},
		{Name: "managedsave-remove", Summary: "drop a domain's saved state", Run: managedsaveRemove, Options: opts(k.object(k.any))},
		{Name: "managedsave-dumpxml", Summary: "print the XML in a domain's saved state", Run: managedsaveDump, Options: opts(k.object(k.any),
			flag("security-info", "with passwords"), xpathOptions())},
		{Name: "managedsave-define", Summary: "change the XML in a domain's saved state", Run: managedsaveDefine, Options: opts(k.object(k.any),
			str("xml", RP, "file with the domain's XML").with(completion.Files), ways())},
		{Name: "managedsave-edit", Summary: "edit the XML in a domain's saved state", Run: managedsaveEdit, Options: opts(k.object(k.any), ways())},
		{Name: "dump", Summary: "write a domain's memory to a file", Run: dump, Options: opts(k.object(k.active), file("file to write"),
			flag("live", "let it run meanwhile"), flag("crash", "end it then"), flag("bypass-cache", "past the host's cache"),
			flag("reset", "reset it then"), flag("verbose", "show how far it is"), flag("memory-only", "only the memory"),
			str("format", Loose, "format of the memory").of("elf kdump-zlib kdump-lzo kdump-snappy win-dmp kdump-raw-zlib kdump-raw-lzo kdump-raw-snappy"))},
	}
}

// saveFlags read how a saved domain goes on.
func (c *Call) saveFlags() (drivers.Flags, error) {
	f := c.Flags("bypass-cache", drivers.BypassCache, "running", drivers.Live, "paused", drivers.Paused, "reset-nvram", drivers.ResetNVRAM)
	if f.Has(drivers.Live | drivers.Paused) {
		return 0, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive")
	}
	return f, nil
}

// saveParams are save's and restore's options that older daemons do not know, with
// the others beside them; nil if there are none.
func (c *Call) saveParams(doc []byte) ([]drivers.Param, error) {
	channels, given, err := c.Int32("parallel-channels")
	if err != nil || !given && !c.Has("image-format") {
		return nil, err
	}
	list := []drivers.Param{{Name: "file", Value: c.Str("file")}}
	if doc != nil {
		list = append(list, drivers.Param{Name: "dxml", Value: string(doc)})
	}
	if c.Has("image-format") {
		list = append(list, drivers.Param{Name: "image_format", Value: c.Str("image-format")})
	}
	if given {
		list = append(list, drivers.Param{Name: "parallel.channels", Value: int32(channels)})
	}
	return list, nil
}

// changedXML reads the file of --xml, if it was given.
func (c *Call) changedXML() ([]byte, error) {
	if !c.Has("xml") {
		return nil, nil
	}
	src, err := c.File("xml")
	return src.Data, err
}

func save(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	doc, err := c.changedXML()
	if err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return failed(err, "Failed to save domain '%s' to %s", ref.Name, c.Str("file"))
	}
	d, err := change[drivers.Saver](c, objects, "virDomainSave")
	list, e := c.saveParams(doc)
	if e != nil {
		return e
	}
	w, extended := d.(drivers.ParamSaver)
	switch {
	case err != nil:
	case list != nil && !extended:
		err = drivers.Unsupported("virDomainSaveParams")
	case list != nil:
		err = jobProgress{label: "Save"}.run(ctx, c, objects, ref, func(ctx context.Context) error { return w.SaveWith(ctx, ref, list, f) })
	default:
		err = jobProgress{label: "Save"}.run(ctx, c, objects, ref, func(ctx context.Context) error { return d.Save(ctx, ref, c.Str("file"), doc, f) })
	}
	if err != nil {
		return failed(err, "Failed to save domain '%s' to %s", ref.Name, c.Str("file"))
	}
	c.Emit(Message{Text: fmt.Sprintf("\nDomain '%s' saved to %s\n", ref.Name, c.Str("file")),
		Data: Data{{"domain", ref.Name}, {"file", c.Str("file")}, {"action", "saved"}}, Extra: true})
	return nil
}

func restore(ctx context.Context, c *Call) error {
	doc, err := c.changedXML()
	if err != nil {
		return err
	}
	list, err := c.saveParams(doc)
	if err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return failed(err, "Failed to restore domain from %s", c.Str("file"))
	}
	d, err := saver(ctx, c, "virDomainRestore")
	w, extended := d.(drivers.ParamSaver)
	switch {
	case err != nil:
	case list != nil && !extended:
		err = drivers.Unsupported("virDomainRestoreParams")
	case list != nil:
		err = w.RestoreWith(ctx, list, f)
	default:
		err = d.Restore(ctx, c.Str("file"), doc, f)
	}
	if err != nil {
		return failed(err, "Failed to restore domain from %s", c.Str("file"))
	}
	m := msgf(Data{{"file", c.Str("file")}, {"action", "restored"}}, "Domain restored from %s", c.Str("file"))
	m.Extra = true
	c.Emit(m)
	return nil
}

// saver finds what saves domains on this connection.
func saver(ctx context.Context, c *Call, api string) (drivers.Saver, error) {
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return nil, err
	}
	return change[drivers.Saver](c, objects, api)
}

func saveImageDump(ctx context.Context, c *Call) error {
	d, err := saver(ctx, c, "virDomainSaveImageGetXMLDesc")
	if err != nil {
		return err
	}
	doc, err := d.SaveImageXML(ctx, c.Str("file"), c.Flags("security-info", drivers.SecurityInfo))
	if err != nil {
		return err
	}
	return c.document(doc)
}

func saveImageDefine(ctx context.Context, c *Call) error {
	src, err := c.File("xml")
	if err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return failed(err, "Failed to update %s", c.Str("file"))
	}
	d, err := saver(ctx, c, "virDomainSaveImageDefineXML")
	if err == nil {
		err = d.SaveImageDefine(ctx, c.Str("file"), src, f)
	}
	if err != nil {
		return failed(err, "Failed to update %s", c.Str("file"))
	}
	m := msgf(Data{{"file", c.Str("file")}, {"action", "updated"}}, "State file %s updated.", c.Str("file"))
	m.Extra = true
	c.Emit(m)
	return nil
}

func saveImageEdit(ctx context.Context, c *Call) error {
	if err := c.Exclusive("running", "paused"); err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return err
	}
	d, err := saver(ctx, c, "virDomainSaveImageGetXMLDesc")
	if err != nil {
		return err
	}
	file := c.Str("file")
	read := func() ([]byte, error) { return d.SaveImageXML(ctx, file, drivers.SecurityInfo) }
	return c.editDocument("Saved image "+file+" XML configuration", "", read, func(src xml.Source) error { return d.SaveImageDefine(ctx, file, src, f) })
}

func managedsave(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return failed(err, "Failed to save domain '%s' state", ref.Name)
	}
	d, err := change[drivers.ManagedSaver](c, objects, "virDomainManagedSave")
	if err == nil {
		err = jobProgress{label: "Managedsave"}.run(ctx, c, objects, ref, func(ctx context.Context) error { return d.ManagedSave(ctx, ref, f) })
	}
	if err != nil {
		return failed(err, "Failed to save domain '%s' state", ref.Name)
	}
	c.Emit(Message{Text: fmt.Sprintf("\nDomain '%s' state saved by libvirt\n", ref.Name), Data: Data{{"domain", ref.Name}, {"action", "saved"}}, Extra: true})
	return nil
}

func managedsaveRemove(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.ManagedSaver](c, objects, "virDomainManagedSaveRemove")
	has := false
	if err == nil {
		has, err = d.HasManagedSave(ctx, ref)
	}
	if err != nil {
		return failed(err, "Failed to check for domain managed save image")
	}
	text := "Domain '%s' has no manage save image; removal skipped"
	if has {
		if err := d.RemoveManagedSave(ctx, ref); err != nil {
			return failed(err, "Failed to remove managed save image for domain '%s'", ref.Name)
		}
		text = "Removed managedsave image for domain '%s'"
	}
	c.Emit(Message{Text: fmt.Sprintf(text, ref.Name), Data: Data{{"domain", ref.Name}, {"removed", has}}, Extra: true})
	return nil
}

func managedsaveDump(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.ReadOnly && c.Has("security-info") {
		return xml.Errorf(xml.CodeForbidden, "virDomainManagedSaveGetXMLDesc with secure flag")
	}
	d, err := query[drivers.ManagedSaveEditor](objects, "virDomainManagedSaveGetXMLDesc")
	if err != nil {
		return err
	}
	doc, err := d.ManagedSaveXML(ctx, ref, c.Flags("security-info", drivers.SecurityInfo))
	if err != nil {
		return err
	}
	return c.document(doc)
}

func managedsaveDefine(ctx context.Context, c *Call) error {
	if err := c.Exclusive("running", "paused"); err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return err
	}
	src, err := c.File("xml")
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.ManagedSaveEditor](c, objects, "virDomainManagedSaveDefineXML")
	if err == nil {
		err = d.DefineManagedSave(ctx, ref, src, f)
	}
	if err != nil {
		return failed(err, "Failed to update %s XML configuration", ref.Name)
	}
	m := msgf(Data{{"domain", ref.Name}, {"action", "updated"}}, "Managed save state file of domain '%s' updated.", ref.Name)
	m.Extra = true
	c.Emit(m)
	return nil
}

func managedsaveEdit(ctx context.Context, c *Call) error {
	if err := c.Exclusive("running", "paused"); err != nil {
		return err
	}
	f, err := c.saveFlags()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.ReadOnly {
		return xml.Errorf(xml.CodeForbidden, "virDomainManagedSaveGetXMLDesc with secure flag")
	}
	d, err := query[drivers.ManagedSaveEditor](objects, "virDomainManagedSaveGetXMLDesc")
	if err != nil {
		return err
	}
	read := func() ([]byte, error) { return d.ManagedSaveXML(ctx, ref, drivers.SecurityInfo) }
	return c.editDocument("Managed save image of domain '"+ref.Name+"' XML configuration", "", read,
		func(src xml.Source) error { return d.DefineManagedSave(ctx, ref, src, f) })
}

func dump(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	format := c.Str("format")
	if format != "" {
		if !c.Has("memory-only") {
			return shellError("--format only works with --memory-only")
		}
		if !c.Lists("format", format) {
			return shellError("format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or 'elf'", format)
		}
	}
	d, err := change[drivers.Dumper](c, objects, "virDomainCoreDump")
	if err == nil {
		f := drivers.DumpFlags{Live: c.Has("live"), Crash: c.Has("crash"),
			BypassCache: c.Has("bypass-cache"), Reset: c.Has("reset"), MemoryOnly: c.Has("memory-only")}
		err = jobProgress{label: "Dump"}.run(ctx, c, objects, ref, func(ctx context.Context) error { return d.Dump(ctx, ref, c.Str("file"), format, f) })
	}
	if err != nil {
		return failed(err, "Failed to core dump domain '%s' to %s", ref.Name, c.Str("file"))
	}
	c.Emit(Message{Text: fmt.Sprintf("\nDomain '%s' dumped to %s\n", ref.Name, c.Str("file")),
		Data: Data{{"domain", ref.Name}, {"file", c.Str("file")}, {"action", "dumped"}}, Extra: true})
	return nil
}
