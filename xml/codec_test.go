package xml

import (
	"strings"
	"testing"
)

type thing struct {
	_      struct{} `root:"thing"`
	Type   string   `el:"type,attr,required" enum:"a b"`
	Slot   *uint    `el:"slot,attr,hex=2"`
	Name   string   `el:"name"`
	On     OnOff    `el:"x>y>on,attr"`
	Cores  uint     `el:"x>cores"`
	Flag   bool     `el:"flag"`
	Parts  []part   `el:"part"`
	Mem    KiB      `el:"memory"`
	CPUs   CPUSet   `el:"cpus"`
	Kept   []*Node  `el:"kept"`
	Inside *part    `el:"inside,bare"`
}

type part struct {
	N    uint   `el:"n,attr"`
	Text string `el:",text"`
}

func TestCodec(t *testing.T) {
	in := `<?xml version="1.0"?>
<!DOCTYPE thing [<!ENTITY x "y">]>
<thing type="a" slot="31" zap='1'><part n='2'>a&lt;b&#x41;</part><memory unit='MB'>1</memory>
<cpus>1,0,^1,3</cpus><part/><name>it's</name><unknown/><flag/><x><y on='on'/><cores>3</cores></x><kept a="1"><z/></kept><inside/></thing>`
	want := `<thing type='a' slot='0x1f'>
  <name>it&apos;s</name>
  <x>
    <y on='on'/>
    <cores>3</cores>
  </x>
  <flag/>
  <part n='2'>a&lt;bA</part>
  <part/>
  <memory unit='KiB'>977</memory>
  <cpus>0,3</cpus>
  <kept a='1'>
    <z/>
  </kept>
  <inside/>
</thing>
`
	var v thing
	if err := Unmarshal(Source{Name: "f", Data: []byte(in)}, &v); err != nil {
		t.Fatal(err)
	}
	out, err := Marshal(&v)
	if err != nil || string(out) != want {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := Encode(v, "thing").String(); got != want {
		t.Fatalf("Encode: %s", got)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<thing/>`, "XML error: Missing required attribute 'type' in element 'thing'"},
		{`<thing type='c'/>`, "XML error: Invalid value for attribute 'type' in element 'thing': 'c'."},
		{`<thing type='a'><part n='x'/></thing>`, "XML error: Invalid value for attribute 'n' in element 'part': 'x'. Expected non-negative integer value"},
		{`<thing type='a'><memory unit='q'>1</memory></thing>`, "invalid argument: unknown suffix 'q'"},
		{`<thing type='a'><memory unit='EiB'>9</memory></thing>`, "numerical overflow: value too large: 9EiB"},
		{`<bad/>`, "XML error: expecting root element of 'thing', not 'bad'"},
		{"<a>\n <b></c>", "at line 2: Opening and ending tag mismatch: b line 2 and c\n <b></c>\n--------^"},
		{"", "at line 1: Document is empty\n(null)\n^"},
		{"<a>&foo;</a>", "at line 1: Entity 'foo' not defined\n<a>&foo;</a>\n--------^"},
		{strings.Repeat("<a>", 300), "elements are nested more than 256 deep"},
	} {
		var v thing
		err := Unmarshal(Source{Name: "f", Data: []byte(c.in)}, &v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestDump(t *testing.T) {
	in := "<metadata xmlns:q=\"http://x.y\">\n<q:a b='1' c=\"2&quot;'&lt;\"><d/>\n   <e>x<![CDATA[a&b]]>y</e></q:a><m>t <i/>\n</m> <!-- k --></metadata>"
	want := "<metadata xmlns:q=\"http://x.y\">\n  <q:a b=\"1\" c=\"2&quot;'&lt;\">\n    <d/>\n    <e>x<![CDATA[a&b]]>y</e>\n  </q:a>\n  <m>t <i/>\n</m>\n  <!-- k -->\n</metadata>"
	n, err := Parse(Source{Data: []byte(in)})
	if err != nil || n.Dump() != want {
		t.Fatalf("%v\n%s", err, n.Dump())
	}
	if n.Children[0].Space != "http://x.y" {
		t.Error("namespace", n.Children[0].Space)
	}
}

func TestIDs(t *testing.T) {
	if u, ok := ParseUUID(" C7A5FDBDEDAF9455926AD65C16DB1809 "); !ok || u != "c7a5fdbd-edaf-9455-926a-d65c16db1809" {
		t.Error(u, ok)
	}
	if _, ok := ParseUUID("c7a5fdbd-edaf-9455-926a-d65c16db180"); ok {
		t.Error("short uuid")
	}
	if m, ok := ParseMAC("52:54:0:AB:cd:1"); !ok || m != "52:54:00:ab:cd:01" {
		t.Error(m, ok)
	}
	if s, err := ParseSet("0-3,^2,8"); err != nil || s.String() != "0-1,3,8" || s.Len() != 4 || s.Last() != 8 {
		t.Error(s, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<a b='c'><!-- x --><d>e&amp;f</d><![CDATA[g]]></a>"))
	f.Add([]byte("<?xml version='1.0' encoding='ISO-8859-1'?><a xmlns:b='c'><b:d/> </a>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(Source{Data: data})
		if err != nil {
			return
		}
		once := n.Print()
		m, err := Parse(Source{Data: once})
		if err != nil {
			t.Fatalf("printed form does not parse: %v\n%q", err, once)
		}
		if again := m.Print(); string(again) != string(once) {
			t.Fatalf("not a fixed point:\n%q\n%q", once, again)
		}
	})
}

// A secret is named by a UUID, in whatever form, or by its usage.
func TestAuthSecret(t *testing.T) {
	for attrs, want := range map[string]string{
		"uuid='AABBCCDD222233334444555555555555'": "",
		"usage='x'": "",
		"uuid='zz'": "invalid secret uuid 'zz'",
		"":          "missing secret uuid or usage",
		"uuid='aabbccdd-2222-3333-4444-555555555555' usage='name'": "either secret uuid or usage",
	} {
		var a Auth
		n, err := Parse(Source{Data: []byte("<auth username='u'><secret type='ceph' " + attrs + "/></auth>")})
		if err == nil {
			err = Decode(n, &a)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", attrs, err, want)
		}
		if err == nil && a.Secret.Usage == "" && a.Secret.UUID != "aabbccdd-2222-3333-4444-555555555555" {
			t.Errorf("%s: %s", attrs, a.Secret.UUID)
		}
	}
}
