// Package native turns the configurations of other tools into domain XML and
// back: VMware's vmx, Xen's xl and xm, bhyve's command line, LXC's config, and
// QEMU's command line into XML. It is pure and needs no connection. The
// packages below it have one language each, for the drivers; this one names
// the languages, and goes all the way between a file and a document.
package native

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/native/argv"
	"virgo/drivers/native/bhyve"
	"virgo/drivers/native/lxc"
	"virgo/drivers/native/vmx"
	"virgo/drivers/native/xen"
	"virgo/xml"
)

// Result is a document, with what could not be said in it. The notes stand in
// the document too, as a comment.
type Result struct {
	Doc   []byte
	Notes []string
}

// Options are what command lines depend on besides their text.
type Options = argv.Options

// format is a language and the driver whose rules go with it.
type format struct {
	name   string
	traits domain.Traits
	from   func(xml.Source, Options) (*xml.Domain, []string, error)
	to     func(*xml.Domain, *xml.Node) ([]byte, error) // of a domain and the document it was read from; nil: only read
	raw    bool                                         // read as it stands: the peer adds nothing to such domains
}

// formats are the languages.
var formats = []format{
	{name: "vmware-vmx", traits: domain.Traits{Driver: "vmware", WideSCSI: true, NoBootOrder: true},
		from: plain(func(s xml.Source) (*xml.Domain, error) { return vmx.From(s, vmx.Options{}) }),
		to:   func(d *xml.Domain, _ *xml.Node) ([]byte, error) { return vmx.To(d, vmx.Options{}) }},
	{name: "xen-xl", traits: domain.Traits{Driver: "xen"},
		from: plain(func(s xml.Source) (*xml.Domain, error) { return xen.From(s, xen.XL) }),
		to:   func(d *xml.Domain, doc *xml.Node) ([]byte, error) { return xen.To(d, doc, xen.XL) }},
	{name: "xen-xm", traits: domain.Traits{Driver: "xen"},
		from: plain(func(s xml.Source) (*xml.Domain, error) { return xen.From(s, xen.XM) }),
		to:   func(d *xml.Domain, doc *xml.Node) ([]byte, error) { return xen.To(d, doc, xen.XM) }},
	{name: "bhyve-argv", traits: domain.Traits{Driver: "bhyve"}, from: plain(bhyve.From), raw: true, to: alone(bhyve.To)},
	{name: "lxc-tools", traits: domain.Traits{Driver: "lxc"}, from: plain(lxc.From), raw: true, to: alone(lxc.To)},
	{name: "qemu-argv", from: argv.From, raw: true},
}

// plain is for readers that read all there is.
func plain(read func(xml.Source) (*xml.Domain, error)) func(xml.Source, Options) (*xml.Domain, []string, error) {
	return func(s xml.Source, _ Options) (*xml.Domain, []string, error) {
		d, err := read(s)
		return d, nil, err
	}
}

// alone is for writers that need no document.
func alone(write func(*xml.Domain) ([]byte, error)) func(*xml.Domain, *xml.Node) ([]byte, error) {
	return func(d *xml.Domain, _ *xml.Node) ([]byte, error) { return write(d) }
}

func find(name string) (*format, error) {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i], nil
		}
	}
	return nil, xml.Errorf(xml.CodeInvalidArg, "unsupported config type %s", name)
}

// From turns a file in a format, by its name in virsh, into a domain's XML.
func From(name string, src xml.Source, o Options) (Result, error) {
	f, err := find(name)
	if err != nil {
		return Result{}, err
	}
	if err := printableText(src.Data); err != nil {
		return Result{}, xml.InFile(err, src.Name)
	}
	d, notes, err := f.from(src, o)
	if err != nil {
		return Result{}, xml.InFile(err, src.Name)
	}
	if !f.raw {
		if err := domain.Finish(d, &f.traits); err != nil {
			return Result{}, err
		}
	}
	flags := drivers.Inactive
	if name == "qemu-argv" {
		flags |= drivers.SecurityInfo // what the command line tells is no secret
	}
	doc, err := domain.Print(d, &f.traits, flags)
	if err == nil && !utf8.Valid(doc) {
		return Result{}, xml.InFile(xml.Errorf(xml.CodeConfSyntax, "the text is not UTF-8"), src.Name)
	}
	if len(notes) > 0 {
		doc = append(comment(notes), doc...)
	}
	return Result{Doc: doc, Notes: notes}, err
}

// printableText refuses what no document can hold.
func printableText(text []byte) error {
	line := 1
	for _, c := range text {
		switch {
		case c == '\n':
			line++
		case c < ' ' && c != '\t' && c != '\r':
			return xml.Errorf(xml.CodeConfSyntax, "line %d: a character (0x%02x) that XML cannot hold", line, c)
		}
	}
	return nil
}

// comment makes a comment of the notes; two hyphens cannot stand in one.
func comment(notes []string) []byte {
	var b strings.Builder
	b.WriteString("<!--\n")
	for _, n := range notes {
		for strings.Contains(n, "--") {
			n = strings.ReplaceAll(n, "--", "- -")
		}
		b.WriteString("  " + strings.ToValidUTF8(strings.Map(printable, n), "?") + "\n")
	}
	return []byte(b.String() + "-->\n")
}

func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0xfffe || r == 0xffff {
		return ' '
	}
	return r
}

// To turns a domain's XML into a format.
func To(name string, src xml.Source) ([]byte, error) {
	f, err := find(name)
	if err != nil {
		return nil, err
	}
	if f.to == nil {
		return nil, drivers.Unsupported("virConnectDomainXMLToNative")
	}
	doc, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	d, err := domain.Read(src, doc, func() *domain.Traits { return &f.traits })
	if err != nil {
		return nil, err
	}
	if d.Type != f.traits.Driver {
		return nil, xml.Errorf(xml.CodeInvalidArg, "could not find capabilities for arch=%s domaintype=%s ", d.OS.Type.Arch, d.Type)
	}
	out, err := f.to(d, doc)
	return bytes.ReplaceAll(out, []byte(xml.Blank), nil), err
}
