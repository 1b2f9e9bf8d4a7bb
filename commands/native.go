package commands

import (
	"bytes"
	"context"
	"fmt"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/host"
	"virgo/drivers/native"
	"virgo/xml"
)

// nativeRows are the commands that speak the hypervisor's own languages.
func nativeRows() []Command {
	k := domainKind
	format := str("format", RP, "the native format").of("qemu-argv vmware-vmx xen-xl xen-xm xen-sxpr bhyve-argv lxc-tools")
	return []Command{
		{Name: "domxml-to-native", Summary: "turn a domain's XML into a native format", NoConnect: true, Run: toNative, Options: opts(
			format, str("domain", 0, k.help()).with(k.any), str("xml", Loose, "file with a domain's XML").with(completion.Files))},
		{Name: "domxml-from-native", Summary: "turn a native format into a domain's XML", NoConnect: true, Run: fromNative, Options: opts(
			format, str("config", RP, "file in the native format").with(completion.Files))},
		{Name: "qemu-monitor-command", Summary: "send a command to QEMU's monitor", Run: monitorCommand, Options: opts(
			k.object(k.active), flag("hmp", "a command for people"), flag("pretty", "with line breaks"),
			flag("return-value", "only the value that is returned"),
			str("pass-fds", 0, "numbers of open files to pass, with commas").with(completion.Free),
			argv("cmd", RP, "the command").with(completion.Free))},
		{Name: "console", Summary: "connect to a domain's console", Run: console, Options: opts(
			k.object(k.active), str("devname", Loose, "alias of the device").with(completion.Free), flag("force", "end another session"),
			flag("resume", "let the domain go on when connected"), flag("safe", "only if no other session can be open"))},
	}
}

func toNative(ctx context.Context, c *Call) error {
	if err := c.Exclusive("domain", "xml"); err != nil {
		return err
	}
	var src xml.Source
	switch {
	case c.Has("xml"):
		var err error
		if src, err = c.File("xml"); err != nil {
			return err
		}
	case c.Has("domain"):
		objects, ref, err := c.Domain(ctx)
		if err != nil {
			return err
		}
		var f drivers.Flags
		if c.Str("format") != "qemu-argv" { // QEMU's secrets lie elsewhere, other formats hold them
			f = drivers.Inactive | drivers.SecurityInfo
		}
		doc, err := objects.XML(ctx, ref, f)
		if err != nil {
			return err
		}
		src = xml.Source{Name: ref.Name, Data: doc}
	default:
		return shellError("need either domain or domain XML")
	}
	text, err := convertTo(ctx, c, c.Str("format"), src)
	if err != nil {
		return err
	}
	if c.Str("format") == "qemu-argv" { // virsh prints it without an end of the line
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	c.Emit(Document{Key: "config", Text: string(text)})
	return nil
}

// convertTo leaves the conversion to the connection if one is named, and for
// QEMU's command line, which depends on the emulator. Else the format is all
// that must be known.
func convertTo(ctx context.Context, c *Call, format string, src xml.Source) ([]byte, error) {
	if c.URI == "" && format != "qemu-argv" {
		return native.To(format, src)
	}
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, err
	}
	d, err := change[drivers.Converter](c, conn, "virConnectDomainXMLToNative")
	if err != nil {
		return nil, err
	}
	return d.ToNative(ctx, format, src)
}

func fromNative(ctx context.Context, c *Call) error {
	src, err := c.File("config")
	if err != nil {
		return err
	}
	doc, notes, err := convertFrom(ctx, c, c.Str("format"), src)
	if err != nil {
		return err
	}
	c.Emit(Document{Text: string(doc)})
	if len(notes) > 0 {
		c.Flush()
	}
	for _, n := range notes {
		fmt.Fprintf(c.Err, "note: %s\n", n)
	}
	return nil
}

// convertFrom leaves the conversion to the connection if one is named.
func convertFrom(ctx context.Context, c *Call, format string, src xml.Source) ([]byte, []string, error) {
	if c.URI == "" {
		r, err := native.From(format, src, host.CommandLine(src.Name))
		return r.Doc, r.Notes, err
	}
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	d, err := change[drivers.Converter](c, conn, "virConnectDomainXMLFromNative")
	if err != nil {
		return nil, nil, err
	}
	return d.FromNative(ctx, format, src)
}
