package xml

import (
	"strings"
	"testing"
)

// What is wrong with a text is said in libxml's words, with its pointer.
func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"<dom\n", "at line 2: Couldn't find end of Start Tag dom line 1\n<dom\n----^"},
		{"<a b='c'", "at line 1: attributes construct error\n<a b='c'\n--------^"},
		{"<a>\n <b>x</b>\n", "at line 3: Premature end of data in tag a line 1\n <b>x</b>\n---------^"},
		{"<a b=c/>", "at line 1: AttValue: \" or ' expected\n<a b=c/>\n-----^"},
		{"<a b='1' b='2'/>", "at line 1: Attribute b redefined\n<a b='1' b='2'/>\n--------------^"},
		{"<a b='<'/>", "at line 1: Unescaped '<' not allowed in attributes values\n<a b='<'/>\n------^"},
		{"<a b/>", "at line 1: Specification mandates value for attribute b\n<a b/>\n----^"},
		{"<a>x & y</a>", "at line 1: xmlParseEntityRef: no name\n<a>x & y</a>\n------^"},
		{"<a>&amp </a>", "at line 1: EntityRef: expecting ';'\n<a>&amp </a>\n-------^"},
		{"<a>&#x0;</a>", "at line 1: xmlParseCharRef: invalid xmlChar value 0\n<a>&#x0;</a>\n--------^"},
		{"<a>&#xz;</a>", "at line 1: CharRef: invalid hexadecimal value\n<a>&#xz;</a>\n------^"},
		{"<a/>x", "at line 1: Extra content at the end of the document\n<a/>x\n----^"},
		{"<a><!-- x </a>", "at line 1: Comment not terminated\n<a><!-- x </a>\n--------------^"},
		{"<a><!-- x -- --></a>", "at line 1: Double hyphen within comment: <!-- x \n<a><!-- x -- --></a>\n----------^"},
		{"<a>\x01</a>", "at line 1: PCDATA invalid Char value 1\n<a>\x01</a>\n---^"},
		{"<a>\xff</a>", "at line 1: Input is not proper UTF-8, indicate encoding !\nBytes: 0xFF 0x3C 0x2F 0x61\n"},
		{"<a><1/></a>", "at line 1: StartTag: invalid element name\n<a><1/></a>\n----^"},
		{"<a></a x>", "at line 1: expected '>'\n<a></a x>\n-------^"},
		{"<?xml version='1.0' encoding='foo'", "at line 1: Unsupported encoding foo\n<?xml version='1.0' encoding='foo'\n----------------------------------^"},
		{" <?xml version='1.0'?><a/>", "at line 1: XML declaration allowed only at the start of the document\n"},
	} {
		_, err := Parse(Source{Name: "f", Data: []byte(c.in)})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n%v\nwant\n%s", c.in, err, c.want)
		}
	}
}

func TestReferences(t *testing.T) {
	n, err := Parse(Source{Data: []byte("<a b='&lt;&#65;&#x42;&#x1F600;'>&amp;&gt;&quot;&apos;</a>")})
	if err != nil || n.Attrs[0].Value != "<AB\U0001F600" || n.Value() != "&>\"'" {
		t.Errorf("%v: %+v", err, n)
	}
}
