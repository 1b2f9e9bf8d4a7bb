package commands

import (
	"context"
	"errors"
	"fmt"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// This file has the verbs that kinds of objects share. Each makes the row of a
// kind; a kind whose command takes more adds options and flags to it.

// more is an option of one kind's verb that sets a flag.
type more struct {
	name string
	flag drivers.Flags
	help string
	// option stands in place of a flag, where the verb's order needs it there
	option *Option
}

func moreOptions(list []more) []Option {
	out := make([]Option, len(list))
	for i, m := range list {
		if out[i] = flag(m.name, m.help); m.option != nil {
			out[i] = *m.option
		}
	}
	return out
}

func moreFlags(c *Call, list []more) drivers.Flags {
	var f drivers.Flags
	for _, m := range list {
		if m.flag != 0 && c.Has(m.name) {
			f |= m.flag
		}
	}
	return f
}

var validate = more{name: "validate", flag: drivers.Validate, help: "check the file against the schema"}

func fileOption() Option {
	return str("file", RP, "file with an XML description").with(completion.Files)
}

// done is a message about an object, with its values.
func (k *kind) done(ref drivers.Ref, action, format string, args ...any) Message {
	d := Data{{k.option, ref.Name}}
	if ref.UUID != "" {
		d = append(d, Pair{"uuid", ref.UUID})
	}
	m := msgf(append(d, Pair{"action", action}), format, args...)
	m.Extra = true
	return m
}

// verb is a row of the kind's commands.
func (k *kind) verb(name, summary string, run func(context.Context, *Call) error, options ...any) Command {
	return Command{Name: k.prefix + name, Summary: summary, Run: run, Options: opts(options...)}
}

// define is the verb that keeps a definition.
func (k *kind) define(list ...more) Command {
	run := func(ctx context.Context, c *Call) error {
		src, err := c.File("file")
		if err == nil {
			err = c.lintFirst(ctx, src)
		}
		if err != nil {
			return err
		}
		objects, err := k.objects(ctx, c)
		if err != nil {
			objects = nil
		}
		if err == nil && c.Has("diff") {
			return k.previewDiff(ctx, c, objects, src)
		}
		api := k.api + "DefineXML"
		if k.Kind == drivers.NWFilter && c.Has("validate") {
			api += "Flags" // the peer has a function of its own for it
		}
		d, err := change[drivers.Definer](c, objects, api)
		var ref drivers.Ref
		if err == nil {
			ref, err = d.Define(ctx, src, moreFlags(c, list))
		}
		if err != nil {
			return k.fail("define", err, "", src.Name)
		}
		k.succeed(c, "define", ref, ref.Name, src.Name)
		return nil
	}
	return k.verb("define", "keep the definition of "+k.one()+" without starting it", run, fileOption(), moreOptions(list))
}

// create is the verb that starts an object that is not kept.
func (k *kind) create(after func(context.Context, *Call, drivers.Ref) error, options []Option, list ...more) Command {
	run := func(ctx context.Context, c *Call) error {
		src, err := c.File("file")
		if err == nil {
			err = c.lintFirst(ctx, src)
		}
		if err != nil {
			return err
		}
		if _, err := fileNumbers(c.Str("pass-fds")); err != nil {
			return err
		}
		objects, err := k.objects(ctx, c)
		if err != nil {
			objects = nil
		}
		d, err := change[drivers.Creator](c, objects, k.api+"CreateXML")
		var ref drivers.Ref
		if err == nil && c.Has("pass-fds") {
			ref, err = createFiles(ctx, c, d, src, moreFlags(c, list))
		} else if err == nil {
			ref, err = d.Create(ctx, src, moreFlags(c, list))
		}
		if err != nil {
			return k.fail("create", err, "", src.Name)
		}
		k.succeed(c, "create", ref, ref.Name, src.Name)
		if after != nil {
			return after(ctx, c, ref)
		}
		return nil
	}
	return k.verb("create", "start "+k.one()+" without keeping its definition", run, fileOption(), options, moreOptions(list))
}

// createFiles is create with open files for the guest.
func createFiles(ctx context.Context, c *Call, d drivers.Creator, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	files, err := c.openFiles(c.Str("pass-fds"))
	if err != nil {
		return drivers.Ref{}, err
	}
	w, err := query[drivers.FileStarter](d, "virDomainCreateXMLWithFiles")
	if err != nil {
		return drivers.Ref{}, err
	}
	return w.CreateWithFiles(ctx, src, f, files)
}

// verbOf makes the row of a verb that does one thing to one object. api is the
// peer's function that does it.
func verbOf[T any](k *kind, verb, summary, api string, f completion.Func, run func(T, context.Context, *Call, drivers.Ref) error, options ...any) Command {
	return k.verb(verb, summary, func(ctx context.Context, c *Call) error {
		objects, ref, err := k.find(ctx, c, byAny)
		if err != nil {
			return err
		}
		d, err := change[T](c, objects, k.api+api)
		if err == nil {
			err = run(d, ctx, c, ref)
		}
		if err != nil {
			return k.fail(verb, err, c.Str(k.option), "")
		}
		k.succeed(c, verb, ref, c.Str(k.option), "")
		return nil
	}, append([]any{k.object(f)}, options...)...)
}

// undefine is the verb that drops a definition.
func (k *kind) undefine() Command {
	return verbOf(k, "undefine", "drop the definition of "+k.one(), "Undefine", k.persistent,
		func(d drivers.Definer, ctx context.Context, _ *Call, ref drivers.Ref) error {
			return d.Undefine(ctx, ref, 0)
		})
}

// start is the verb that starts a kept object.
func (k *kind) start(list ...more) Command {
	return verbOf(k, "start", "start "+k.one()+" that is defined", "Create", k.inactive,
		func(d drivers.Starter, ctx context.Context, c *Call, ref drivers.Ref) error {
			return d.Start(ctx, ref, moreFlags(c, list))
		}, moreOptions(list))
}

// destroy is the verb that ends an active object at once.
func (k *kind) destroy(list ...more) Command {
	return verbOf(k, "destroy", "stop "+k.one()+" at once", "Destroy", k.active,
		func(d drivers.Destroyer, ctx context.Context, c *Call, ref drivers.Ref) error {
			return d.Destroy(ctx, ref, moreFlags(c, list))
		}, moreOptions(list))
}

// autostart is the verb that has an object started with the host.
func (k *kind) autostart(options ...Option) Command {
	run := func(ctx context.Context, c *Call) error {
		objects, ref, err := k.find(ctx, c, byAny)
		if err != nil {
			return err
		}
		on := !c.Has("disable")
		if c.Has("once") {
			return k.autostartOnce(ctx, c, objects, ref, on)
		}
		d, err := change[drivers.Autostarter](c, objects, k.api+"SetAutostart")
		if err == nil {
			err = d.SetAutostart(ctx, ref, on)
		}
		verb := "autostart"
		if !on {
			verb = "no-autostart"
		}
		if err != nil {
			return k.fail(verb, err, c.Str(k.option), "")
		}
		k.succeed(c, verb, ref, c.Str(k.option), "")
		return nil
	}
	return k.verb("autostart", "start "+k.one()+" with the host", run, k.object(k.persistent),
		flag("disable", "do not start it with the host"), options)
}

// autostartOnce marks an object for the host's next start only.
func (k *kind) autostartOnce(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref, on bool) error {
	d, err := change[drivers.OnceAutostarter](c, objects, k.api+"SetAutostartOnce")
	if err == nil {
		err = d.SetAutostartOnce(ctx, ref, on)
	}
	switch {
	case err != nil && on:
		return failed(err, "Failed to mark %s %s as autostarted on next boot", k.noun, k.named(ref.Name))
	case err != nil:
		return failed(err, "Failed to unmark %s %s as autostarted on next boot", k.noun, k.named(ref.Name))
	case on:
		c.Emit(k.done(ref, "autostarted once", "%s %s marked as autostarted on next boot", k.title, k.named(ref.Name)))
	default:
		c.Emit(k.done(ref, "not autostarted once", "%s %s unmarked as autostarted on next boot", k.title, k.named(ref.Name)))
	}
	return nil
}

// name is the verb that gives an object's name, uuid its UUID.
func (k *kind) name(how by) Command {
	run := func(ctx context.Context, c *Call) error {
		_, ref, err := k.find(ctx, c, how)
		if err != nil {
			return err
		}
		c.Emit(msgf(Data{{"name", ref.Name}}, "%s", ref.Name))
		return nil
	}
	return k.verb("name", "find the name of "+k.one(), run, k.object(k.any))
}

func (k *kind) uuid(how by) Command {
	run := func(ctx context.Context, c *Call) error {
		_, ref, err := k.find(ctx, c, how)
		if err != nil {
			return err
		}
		c.Emit(msgf(Data{{"uuid", ref.UUID}}, "%s", ref.UUID))
		return nil
	}
	return k.verb("uuid", "find the UUID of "+k.one(), run, k.object(k.any))
}

// dumpxml is the verb that prints an object's document.
func (k *kind) dumpxml(list ...more) Command {
	run := func(ctx context.Context, c *Call) error {
		objects, ref, err := k.find(ctx, c, byAny)
		if err != nil {
			return err
		}
		f := moreFlags(c, list)
		if c.ReadOnly && f.Has(drivers.SecurityInfo) {
			return xml.Errorf(xml.CodeForbidden, "%sGetXMLDesc with secure flag", k.api)
		}
		doc, err := objects.XML(ctx, ref, f)
		if err != nil {
			return err
		}
		return c.document(doc)
	}
	return k.verb("dumpxml", "print the XML description of "+k.one(), run, k.object(k.any), moreOptions(list), xpathOptions())
}

// xpathOptions are those of every command that prints a document.
func xpathOptions() []Option {
	return opts(str("xpath", 0, "print only what this XPath expression finds").with(completion.Free),
		flag("wrap", "put what was found into one root element"))
}

// document prints a document, or what --xpath finds in it.
func (c *Call) document(doc []byte) error {
	if !c.Has("xpath") {
		c.Emit(Document{Text: string(doc)})
		return nil
	}
	text, err := xml.XPath(doc, c.Str("xpath"), c.Has("wrap"))
	var bad *xml.XPathError
	if errors.As(err, &bad) && c.format() != "json" { // to virsh an expression that finds nothing
		c.Flush()
		fmt.Fprintln(c.Err, bad)
		err = nil
	}
	if err != nil {
		return err
	}
	c.Emit(Document{Text: text})
	return nil
}
