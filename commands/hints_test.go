package commands

import (
	"testing"

	"virgo/xml"
)

func TestHint(t *testing.T) {
	at := xml.Errorf(xml.CodeXML, "Invalid value for attribute 'type' in element 'disk': 'foo'.")
	at.File, at.Line, at.Column = "g.xml", 4, 9
	said := xml.Errorf(xml.CodePlain, "g.xml:2:1: the document is empty")
	said.File, said.Line, said.Column = "g.xml", 2, 1
	for _, tt := range []struct {
		err  error
		want string
	}{
		{at, "g.xml:4:9"},
		{said, ""},
		{xml.Errorf(xml.CodeOperationInvalid, "cannot undefine domain with nvram"), "--nvram removes the file of firmware variables too, --keep-nvram leaves it"},
		{xml.Errorf(xml.CodeInternal, "something else"), ""},
	} {
		if got := hint(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
