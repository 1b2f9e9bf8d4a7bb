package xml

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// CheckSchema compares a document with a document type, such as *Network, more
// strictly than reading does: elements and attributes that the type does not
// know, and those that are wanted and not there, are errors. schema is its name.
func CheckSchema(src Source, v any, schema string) error {
	n, err := Parse(src)
	if err != nil {
		return err
	}
	if root := planOf(reflect.TypeOf(v).Elem()).root; root != "" && root != n.Name {
		return Errorf(CodeXML, "expecting root element of '%s', not '%s'", root, n.Name)
	}
	var words []string
	for _, f := range lint(n, v, true) {
		words = append(words, f.String())
	}
	if len(words) == 0 {
		return nil
	}
	return Errorf(CodeSchema, "Unable to validate doc against %s.rng\n%s", schema, strings.Join(words, "\n"))
}

// CheckDocument is CheckSchema of a document that must have the type's root
// element; what reading refuses fails the schema, too.
func CheckDocument(src Source, v any, schema string) error {
	n, err := Parse(src)
	if err != nil {
		return err
	}
	t := reflect.TypeOf(v).Elem()
	if root := planOf(t).root; n.Name != root {
		return Errorf(CodeXML, "expecting root element of '%s', not '%s'", root, n.Name)
	}
	if err := CheckSchema(src, v, schema); err != nil {
		return err
	}
	if err := Decode(n, v); err != nil {
		return Errorf(CodeSchema, "Unable to validate doc against %s.rng\n%v", schema, err)
	}
	return nil
}

// demands adds what a schema asks for and reading does not.
func (l *linter) demands(n *Node, p *plan) {
	for _, f := range p.parse {
		if f.like != "" {
			l.like(n, f)
		}
		if !f.wanted {
			continue
		}
		if _, ok := partOf(n, f.part()); !ok {
			l.add(LintError, n.Line, n.Column, "missing", "<%s> lacks %s", n.Name, partName(f.part()))
		}
	}
}

// laxNames are the attributes that the schema of domains leaves out or leaves
// open, though reading wants them or a number.
var laxNames = []string{
	"'slot' in element 'address'", "'retries' in element 'spinlocks'", "'type' in element 'address'", "'state' in element 'tlbflush'", "'state' in element 'stimer'", "'timeout' in element 'reconnect'",
	"'mode' in element 'source'", "'class' in element 'usbdev'", "in element 'range'", "'startport' in element 'master'", "'index' in element 'controller'",
}

// ignored are the names that the schema of domains knows and reading passes over:
// with the element's in front.
var ignored = []string{
	"adapter managed", "adapter parent", "adapter parent_fabric_wwn", "adapter parent_wwnn", "adapter parent_wwpn", "adapter parentaddr", "adapter type",
	"adapter wwnn", "adapter wwpn", "address multifunction", "driver model", "launchSecurity handle", "mac currentAddress", "reconnect delay",
	"smartcard acpi", "smartcard target", "source macTableManager", "source missing", "source product", "source reconnect", "source vendor", "mirror backingStore",
}

// ignores tells whether a name that the type does not know is one that the
// schema knows.
func (l *linter) ignores(n *Node, name string) bool {
	return l.strict && l.top == reflect.TypeFor[Domain]() && slices.Contains(ignored, n.Name+" "+name)
}

// hexValue is the error of a number that may be hexadecimal: as it is written in
// C, or in parts whose numbers need no 0x.
var hexValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`: '0[xX][0-9a-fA-F]+'\. Expected |element '(?:address|zpci|audio|input|output|settings|sound)': '[0-9a-fA-F]+'\. Expected `)
})

// lax tells whether a schema takes what reading refuses: the schema of domains
// knows forms of values and which ones are wanted, and nothing that ties one
// part to another. Where a number may be hexadecimal, only reading knows how large.
func (l *linter) lax(err error) bool {
	if !l.strict || l.top != reflect.TypeFor[Domain]() {
		return false
	}
	text := err.Error()
	if !strings.Contains(text, "nvalid value for ") && !strings.Contains(text, "issing required ") || strings.Contains(text, "Zero is not permitted") || hexValue().MatchString(text) {
		return true
	}
	return slices.ContainsFunc(laxNames, func(name string) bool { return strings.Contains(text, name) })
}

// like holds a text against the form that a schema has for it.
func (l *linter) like(n *Node, f *field) {
	text, ok := n.Attr(f.name)
	if c := n.Child(f.name); !f.attr && c != nil {
		text, ok = c.Value(), true
	}
	if re, err := regexp.Compile("^(" + f.like + ")$"); ok && (err != nil || !re.MatchString(text)) {
		l.add(LintError, n.Line, n.Column, "bad-form", "%s cannot be '%s'", partOfTag(f.part(), "<"+n.Name+">"), text)
	}
}

// part is the field's name among an element's parts.
func (f *field) part() string {
	if f.attr {
		return "@" + f.name
	}
	return f.name
}

// beginning is the first word of a text, shortened.
func beginning(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	const most = 20
	if runes := []rune(word); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return word
}

// stray adds text where there is none to be.
func (l *linter) stray(n *Node) {
	for _, c := range n.Children {
		if c.isText() && strings.TrimSpace(c.Text) != "" {
			l.add(l.level(LintWarning), n.Line, n.Column, "stray-text", "<%s> takes no text, and has '%s'", n.Name, beginning(c.Text))
			return
		}
	}
}

// schemas are the document types by their root elements.
var schemas = []struct {
	root, name string
	make       func() any
}{
	{"device", "nodedev", func() any { return &NodeDevice{} }},
	{"domain", "domain", func() any { return &Domain{} }},
	{"domainbackup", "domainbackup", func() any { return &Backup{} }},
	{"domaincheckpoint", "domaincheckpoint", func() any { return &Checkpoint{} }},
	{"domainsnapshot", "domainsnapshot", func() any { return &Snapshot{} }},
	{"filter", "nwfilter", func() any { return &NWFilter{} }},
	{"interface", "interface", func() any { return &HostInterface{} }},
	{"network", "network", func() any { return &Network{} }},
	{"networkport", "networkport", func() any { return &NetworkPort{} }},
	{"pool", "storagepool", func() any { return &Pool{} }},
	{"secret", "secret", func() any { return &SecretDef{} }},
	{"volume", "storagevol", func() any { return &Volume{} }},
}

// SchemaOf gives an empty document of the type that has the root element, and
// the schema's name; nil if there is none.
func SchemaOf(root string) (v any, name string) {
	for _, s := range schemas {
		if s.root == root {
			return s.make(), s.name
		}
	}
	return nil, ""
}
