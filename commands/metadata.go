package commands

import (
	"context"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// impactOptions say which of a domain's definitions is meant.
func impactOptions() []Option {
	return opts(flag("config", "the definition, from the next start on"), flag("live", "the running domain"),
		flag("current", "whichever counts now"))
}

// impact reads them.
func (c *Call) impact() (drivers.Flags, error) {
	if err := c.Exclusive("current", "live"); err != nil {
		return 0, err
	}
	if err := c.Exclusive("current", "config"); err != nil {
		return 0, err
	}
	return c.Flags("config", drivers.Config, "live", drivers.Live), nil
}

// liveConfigOptions are the same in the order of the older commands.
func liveConfigOptions() []Option {
	o := impactOptions()
	o[0], o[1] = o[1], o[0]
	return o
}

// desc is the verb that shows or sets description and title.
func (k *kind) desc() Command {
	run := func(ctx context.Context, c *Call) error { return k.runDesc(ctx, c) }
	row := k.verb("desc", "show or set the description or title of "+k.one(), run, k.object(k.any), liveConfigOptions(),
		flag("title", "the title, not the description"), flag("edit", "edit it"),
		argv("new-desc", Positional, "the new text").with(completion.Free))
	return row
}

func (k *kind) runDesc(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := k.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	which, word := drivers.Description, "description"
	if c.Has("title") {
		which, word = drivers.Title, "title"
	}
	text := strings.Join(c.Words("new-desc"), " ")
	set := c.Has("new-desc")
	put := func() error {
		d, err := change[drivers.Metadataer](c, objects, k.api+"SetMetadata")
		if err != nil {
			return err
		}
		value := &text
		if text == "" {
			value = nil
		}
		return d.SetMetadata(ctx, ref, which, value, "", "", f)
	}
	// of networks the old text is read in any case, and must be readable
	strict := k.Kind == drivers.Network
	if c.Has("edit") || !set || strict {
		d, err := query[drivers.Metadataer](objects, k.api+"GetMetadata")
		if err != nil {
			return err
		}
		old, err := d.Metadata(ctx, ref, which, "", f)
		if err != nil && !noMetadata(err) {
			if strict && xml.CodeOf(err) != xml.CodeNoSupport {
				return err
			}
			old = textOf(ctx, objects, ref, word) // as the peer does where it cannot be asked for
		}
		if !c.Has("edit") && !set {
			if old == "" {
				c.Emit(Message{Text: "No " + word + " for " + k.noun + ": " + ref.Name, Data: Data{{word, nil}}, Extra: true})
			} else {
				c.Emit(Message{Text: old, Data: Data{{word, old}}})
			}
			return nil
		}
		if !set {
			text = old
		}
		if c.Has("edit") {
			done := false
			_, err := c.edit([]byte(text+"\n"), ".txt", func(src xml.Source) error {
				if text = strings.TrimRight(string(src.Data), "\n"); text == old {
					return nil
				}
				done = true
				return put()
			})
			if err != nil {
				return failed(err, "Failed to set new %s %s", k.noun, word)
			}
			if text == old {
				c.Emit(Message{Text: k.title + " " + word + " not changed\n", Data: Data{{"changed", false}}})
				return nil
			}
			if done {
				put = func() error { return nil }
			}
		}
	}
	if err := put(); err != nil {
		return failed(err, "Failed to set new %s %s", k.noun, word)
	}
	c.Emit(Message{Text: k.title + " " + word + " updated successfully", Data: Data{{k.option, ref.Name}, {word, text}}, Extra: true})
	return nil
}

// textOf reads a text of an object's document.
func textOf(ctx context.Context, objects drivers.Objects, ref drivers.Ref, name string) string {
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return ""
	}
	root, err := xml.Parse(xml.Source{Data: doc})
	if err != nil || root.Child(name) == nil {
		return ""
	}
	return root.Child(name).Value()
}

// metadata is the verb that shows or sets an application's element.
func (k *kind) metadata() Command {
	run := func(ctx context.Context, c *Call) error { return k.runMetadata(ctx, c) }
	return k.verb("metadata", "show or set an application's XML of "+k.one(), run, k.object(k.any),
		str("uri", RP, "namespace of the XML").with(completion.Free), liveConfigOptions(), flag("edit", "edit it"),
		str("key", Loose, "prefix of the namespace").with(completion.Free),
		str("set", Loose, "the new XML").with(completion.Free), flag("remove", "remove it"))
}

func (k *kind) runMetadata(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{"edit", "set"}, {"remove", "set"}, {"remove", "edit"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	objects, ref, err := k.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	uri, key := c.Str("uri"), c.Str("key")
	if (c.Has("set") || c.Has("edit")) && key == "" {
		return shellError("namespace key is required when modifying metadata")
	}
	switch {
	case c.Has("remove"):
		d, err := change[drivers.Metadataer](c, objects, k.api+"SetMetadata")
		if err == nil {
			err = d.SetMetadata(ctx, ref, drivers.Element, nil, "", uri, f)
		}
		if err != nil {
			return err
		}
		c.Emit(Message{Text: "Metadata removed\n", Data: Data{{k.option, ref.Name}, {"action", "removed"}}, Extra: true})
		return nil
	case c.Has("set"):
		return k.setMetadata(ctx, c, objects, ref, c.Str("set"), key, uri, f)
	}
	d, err := query[drivers.Metadataer](objects, k.api+"GetMetadata")
	if err != nil {
		return err
	}
	old, err := d.Metadata(ctx, ref, drivers.Element, uri, f)
	if err != nil && !noMetadata(err) {
		return err
	}
	if !c.Has("edit") {
		c.Emit(Document{Text: old + "\n"})
		return nil
	}
	text := old
	if text == "" {
		text = "\n"
	}
	changed, err := c.edit([]byte(text), ".xml", func(src xml.Source) error {
		return k.setMetadata(ctx, c, objects, ref, string(src.Data), key, uri, f)
	})
	if err == nil && !changed {
		c.Emit(Message{Text: "Metadata not changed", Data: Data{{"changed", false}}})
	}
	return err
}

func (k *kind) setMetadata(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref, value, key, uri string, f drivers.Flags) error {
	d, err := change[drivers.Metadataer](c, objects, k.api+"SetMetadata")
	if err == nil {
		err = d.SetMetadata(ctx, ref, drivers.Element, &value, key, uri, f)
	}
	if err != nil {
		return err
	}
	c.Emit(Message{Text: "Metadata modified\n", Data: Data{{k.option, ref.Name}, {"action", "modified"}}, Extra: true})
	return nil
}
