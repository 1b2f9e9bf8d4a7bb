package xml

import (
	"errors"
	"testing"
)

func TestLocate(t *testing.T) {
	root := parse(t, "<a>\n<b x='vda'/>\n<b x='vda'/>\n<c>77</c>\n<address type='pci' slot='0x07' bus='0'/>\n<d x='often' y='often' z='often' v='often' w='often'/></a>")
	for _, c := range []struct {
		msg          string
		line, column int
	}{
		{"target 'vda' duplicated for 'often'", 3, 4},
		{"number 77 is too large", 4, 1},
		{"double use of PCI Address 0000:00:07.0", 5, 1},
		{"'often' and nothing else", 0, 0},
		{"nothing", 0, 0},
		{"an unended 'quote", 0, 0},
	} {
		plain := Errorf(CodeXML, "%s", c.msg)
		err := Locate(plain, root)
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || e.Column != c.column {
			t.Errorf("%s: %d:%d, want %d:%d", c.msg, e.Line, e.Column, c.line, c.column)
		}
		if err.Error() != plain.Error() || CodeOf(err) != CodeXML || plain.Line != 0 {
			t.Errorf("%s became %v", c.msg, err)
		}
	}
	if err := Locate(errors.New("'vda'"), root); err.Error() != "'vda'" {
		t.Error(err)
	}
	placed := &Error{Code: CodeXML, Msg: "'vda'", Line: 9}
	if Locate(placed, root) != error(placed) || Locate(nil, root) != nil {
		t.Error("an error that knows its place has another")
	}
}
