package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestOddOS: how guests boot, by the attributes and the content of <os>, and what the
// test driver says or prints ("!..": does not).
func TestOddOS(t *testing.T) {
	for _, c := range []struct{ attrs, kind, inner, want string }{
		{" firmware=''", "hvm", "<firmware/>", "<os>\n    <type"},
		{" firmware='x'", "hvm", "<firmware><feature enabled='x'/></firmware>", "Missing required attribute 'name' in element 'feature'"},
		{" firmware='bios'", "hvm", "<nvram/>", "firmware type 'bios' does not support nvram"},
		{"", "hvm", strings.Repeat("<boot dev='hd'/>", 4) + "<boot/>", "!Missing"},
		{"", "hvm", "<bootmenu timeout='x'/>", "!bootmenu"},
		{"", "hvm", "<bootmenu enable='yes' timeout='65536'/>", "invalid value for boot menu timeout, must be in range [0,65535]"},
		{"", "hvm", "<bios useserial='x'/>", "<bios useserial='no'/>"},
		{"", "hvm", "<acpi><table type='slic'/></acpi>", "<table type='slic'></table>"},
		{"", "hvm", "<loader type='rom'>/l</loader><shim>/s</shim>", "shim only allowed with kernel option"},
		{"", "hvm", "<loader type='pflash' readonly='yes'>/l</loader><nvram template='' type='file'><source file=''/></nvram>", "<nvram template='' type='file'/>"},
		{"", "hvm", "<loader type='rom'>/l</loader><nvram><source file='/n'/></nvram>", "!nvram"},
		{"", "hvm", "<loader type='rom'>/l</loader><nvram type='network'><source protocol='nbd' name='x'><host name='h'/></source></nvram>", "<host name='h' port='10809'/>"},
		{"", "hvm", "<initenv/>", "!initenv"},
		{"", "linux", "<loader readonly='x'>/l</loader>", "<type arch='x86_64' machine='pc'>linux</type>"},
		{"", "exe", "<init>/i</init><initarg/>", "No data supplied for <initarg> element"},
		{"", "exe", "<initenv>a</initenv>", "No name supplied for <initenv> element"},
		{"", "exe", "<initenv name='a'/>", "No value supplied for <initenv name='a'> element"},
	} {
		doc := "<domain type='test'><name>a</name><uuid/><memory>1</memory><os" + c.attrs + "><type arch='x86_64' machine='pc'>" + c.kind + "</type>" + c.inner + "</os></domain>"
		said := ""
		if d, err := Parse(xml.Source{Data: []byte(doc)}, &Traits{}); err != nil {
			said = err.Error()
		} else if out, err := Print(d, &Traits{}, 0); err != nil {
			t.Fatal(err)
		} else {
			said = string(out)
		}
		if want, absent := strings.CutPrefix(c.want, "!"); strings.Contains(said, want) == absent {
			t.Errorf("%s: want %q, got\n%s", doc, c.want, said)
		}
	}
}
