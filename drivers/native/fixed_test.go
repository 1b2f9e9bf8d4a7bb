package native

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"virgo/xml"
)

// writers are the formats that are written, with the type of their domains.
func writers() []format {
	var out []format
	for _, f := range formats {
		if f.to != nil {
			out = append(out, f)
		}
	}
	return out
}

var errChanged = errors.New("another round gives another document")

// settle writes a document in a format and reads it, some times. What is lost in
// the first rounds may be lost; one more has nothing to lose. It tells whether
// the document can be written at all.
func settle(name string, doc []byte, rounds int) (bool, error) {
	var before []byte
	in := string(doc)
	for i := range rounds + 1 {
		text, err := To(name, xml.Source{Name: "doc", Data: doc})
		if err != nil {
			return false, nil
		}
		r, err := From(name, xml.Source{Name: "text", Data: text}, Options{})
		if err != nil && i < rounds {
			return false, nil // what has no name in the format, or a word that it does not quote
		} else if err != nil {
			return true, err
		}
		in += string(text)
		before, doc = doc, r.Doc
	}
	if !bytes.Equal(mask(before, in), mask(doc, in)) {
		return true, errChanged
	}
	return true, nil
}

// domains are the documents in our test data that are of a type, or would be with
// another word in their first line.
func domains(t testing.TB, kind string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	head := regexp.MustCompile(`<domain type=['"][a-z]+['"]`)
	made := strings.NewReplacer("<uuid>made-up</uuid>", "", "'made-up'", "'52:54:00:00:00:01'") // see mask
	add := func(name string, data []byte) {
		data = []byte(made.Replace(string(data)))
		if loc := head.FindIndex(data); loc != nil && strings.Contains(string(data), "</domain>") {
			doc := append([]byte("<domain type='"+kind+"'"), data[loc[1]:]...)
			out[name] = doc[:bytes.LastIndex(doc, []byte("</domain>"))+len("</domain>")]
		}
	}
	for _, pattern := range []string{"testdata/*", "../*/testdata/*", "../../tests/script/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			switch filepath.Ext(file) {
			case ".xml":
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				add(file, data)
			case ".txtar":
				a, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range a.Files {
					add(file+"/"+f.Name, f.Data)
				}
			}
		}
	}
	return out
}

// TestFixedPoint: from the first round on, a document stays as it is.
func TestFixedPoint(t *testing.T) {
	for _, f := range writers() {
		t.Run(f.name, func(t *testing.T) {
			written := 0
			for name, doc := range domains(t, f.traits.Driver) {
				ok, err := settle(f.name, doc, 1)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if ok {
					written++
				}
			}
			t.Logf("%d documents", written)
			if written < 2 {
				t.Error("too few documents can be written")
			}
		})
	}
}

// FuzzFixedPoint: any other comes to rest, as disks are put in order in a second
// round, and nothing panics.
func FuzzFixedPoint(f *testing.F) {
	list := writers()
	for i, w := range list {
		n := 0
		for _, doc := range domains(f, w.traits.Driver) {
			if ok, _ := settle(w.name, doc, 3); ok && n < 20 {
				f.Add(uint8(i), doc)
				n++
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, doc []byte) {
		name := list[int(which)%len(list)].name
		if _, err := settle(name, doc, 3); err != nil {
			t.Errorf("%s: %v\n%s", name, err, doc)
		}
	})
}
