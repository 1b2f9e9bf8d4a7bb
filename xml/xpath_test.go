package xml

import "testing"

const pathDoc = `<domain type='test' id='1'><name>test</name><devices>
<disk type='file'><target dev='vda' bus='virtio'/></disk><disk type='block'><target dev='vdb' bus='ide'/></disk>
<interface><mac address='aa'/></interface></devices><q:x xmlns:q='u'><q:y/></q:x></domain>`

func TestXPathValue(t *testing.T) {
	root, err := Parse(Source{Data: []byte(pathDoc)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ expr, want string }{
		{"/domain/name", "test"},
		{"name/text()", "test"},
		{"domain/name", ""},
		{"string(//disk[2]/target/@dev)", "vdb"},
		{"count(//disk)", "2"},
		{"//disk[target/@bus='ide']/@type", "block"},
		{"//disk[last()]/target/@dev", "vdb"},
		{"(//disk)[1]/@type", "file"},
		{"//*[@dev='vda']/../@type", "file"},
		{"/domain[name='test']/@id", "1"},
		{"name(//mac/..)", "interface"},
		{"1 + 2 * 3 - -1", "8"},
		{"10 div 4 > 2 and not(false())", "true"},
		{"count(//disk | //mac)", "3"},
		{"concat('a', 'b', 1)", "ab1"},
		{"substring('hello', 2, 3)", "ell"},
		{"//disk[position()=1]/following-sibling::disk/target/@dev", "vdb"},
		{"//mac/ancestor::domain/@id", "1"},
		{"count(//q:*)", "2"},
		{"normalize-space('  a   b ')", "a b"},
		{"//target[contains(@dev,'db')]/@bus", "ide"},
		{"/", "testtest"[:4]},
	} {
		if got, err := XPathValue(root, c.expr); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.expr, got, err, c.want)
		}
	}
	for _, bad := range []string{"][", "//[", "", "count(", "foo()", "count(1)", "a b", "'x", "1 |2", "x::y"} {
		if got, err := XPathValue(root, bad); err == nil {
			t.Errorf("%s: %q, no error", bad, got)
		}
	}
}

func TestXPath(t *testing.T) {
	for _, c := range []struct {
		expr string
		wrap bool
		want string
	}{
		{"//name", false, "<name>test</name>\n"},
		{"//name", true, "<nodes>\n  <name>test</name>\n</nodes>\n"},
		{"/domain/@*", false, " type=\"test\"\n id=\"1\"\n"},
		{"//none", true, "<nodes/>\n"},
		{"//none", false, ""},
		{"//name/text()", true, "<nodes>test</nodes>\n"},
	} {
		if got, err := XPath([]byte(pathDoc), c.expr, c.wrap); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.expr, got, err, c.want)
		}
	}
	if _, err := XPath([]byte(pathDoc), "count(//x)", false); err == nil || err.Error() != "internal error: Incorrect xpath 'count(//x)'" {
		t.Error(err)
	}
}

func FuzzXPath(f *testing.F) {
	f.Add("//disk[target/@bus='ide']/@type")
	f.Add("count(a|b) + -1 div 2")
	root, _ := Parse(Source{Data: []byte(pathDoc)})
	f.Fuzz(func(t *testing.T, text string) { XPathValue(root, text) })
}
