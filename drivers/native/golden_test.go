package native

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"virgo/xml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// made are ids and addresses that are made up where the input names none.
var made = regexp.MustCompile(`<uuid>.*</uuid>|<mac address='[^']*'|uuid = "[^"]*"|mac=[0-9a-f:]*|hwaddr = \S*`)

var value = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|([0-9a-f]{2}:){5}[0-9a-f]{2}`)

// mask takes out what was made up: what the input does not have, blanks and
// dashes aside.
func mask(doc []byte, input string) []byte {
	plain := strings.NewReplacer(" ", "", "-", "")
	input = plain.Replace(strings.ToLower(input))
	return made.ReplaceAllFunc(doc, func(m []byte) []byte {
		return value.ReplaceAllFunc(m, func(v []byte) []byte {
			if strings.Contains(input, plain.Replace(string(v))) {
				return v
			}
			return []byte("made-up")
		})
	})
}

var options = Options{
	Dir: "/vm",
	Format: func(path string) string {
		if filepath.Base(path) == "cloud.img" {
			return "qcow2"
		}
		return ""
	},
	Read: func(path string) ([]byte, error) {
		if path != "/vm/usb.cfg" {
			return nil, fs.ErrNotExist
		}
		return []byte("# two controllers\n[machine]\n  type = \"q35\"\n[device \"ehci\"]\n  driver = \"usb-ehci\"\n  addr = \"1d.7\"\n\n[device]\n  driver = \"qemu-xhci\"\n" +
			"[drive \"d\"]\nfile = \"a,b.qcow2\"\nif = \"none\"\n[global]\n driver = \"VGA\"\n property = \"vgamem_mb\"\n value = \"32\"\n[smp-opts]\ncpus = \"2\"\n[odd]\nx = \"y\"\n"), nil
	},
	Env: func(name string) (string, bool) {
		v, ok := map[string]string{"HOME": "/home/u", "PWD": "/vm", "0": "/vm/run.sh"}[name]
		return v, ok
	},
}

// TestFormats reads and writes the files of testdata: the first word of an
// archive's comment is the format; `in` is the input, `xml` what it becomes,
// `back` the format again, which is read as the same document, or as `again`.
func TestFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			format, _, _ := strings.Cut(string(a.Comment), " ")
			in := part(a, "in")
			r, err := From(format, xml.Source{Name: "in", Data: in}, options)
			if err != nil {
				t.Fatal(err)
			}
			check(t, a, "xml", mask(r.Doc, string(in)))
			if f, _ := find(format); f.to != nil {
				goBack(t, a, format, r.Doc)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// goBack writes the format and reads it once more.
func goBack(t *testing.T, a *txtar.Archive, format string, doc []byte) {
	in := string(part(a, "in"))
	back, err := To(format, xml.Source{Name: "xml", Data: doc})
	if err != nil { // as with the peer, which refuses some addresses that it gave itself
		check(t, a, "refused", []byte(err.Error()+"\n"))
		return
	}
	check(t, a, "back", mask(back, in))
	r, err := From(format, xml.Source{Name: "back", Data: back}, options)
	if err != nil {
		t.Fatal(err)
	}
	if again := mask(r.Doc, in); !bytes.Equal(again, mask(doc, in)) || part(a, "again") != nil {
		check(t, a, "again", again)
	}
}

func part(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func check(t *testing.T, a *txtar.Archive, name string, got []byte) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name == name {
			if want := a.Files[i].Data; !bytes.Equal(got, want) && !*update {
				t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
			}
			a.Files[i].Data = got
			return
		}
	}
	if !*update {
		t.Errorf("%s is not expected:\n%s", name, got)
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: got})
}

func TestUnknownFormat(t *testing.T) {
	if _, err := From("qemu-monitor", xml.Source{}, options); err == nil || err.Error() != "invalid argument: unsupported config type qemu-monitor" {
		t.Error(err)
	}
	if _, err := To("qemu-argv", xml.Source{}); err == nil || !strings.HasPrefix(err.Error(), "this function is not supported by the connection driver: ") {
		t.Error(err)
	}
	doc := "<domain type='qemu'><name>x</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os></domain>"
	if _, err := To("xen-xl", xml.Source{Data: []byte(doc)}); err == nil || !strings.Contains(err.Error(), "domaintype=qemu") {
		t.Error(err)
	}
}

// TestComment: notes cannot end the comment that they stand in.
func TestComment(t *testing.T) {
	doc := append(comment([]string{"a --> b", "c ---- d-", "e\x00\xff"}), "<domain/>"...)
	n, err := xml.Parse(xml.Source{Data: doc})
	if err != nil || n.Name != "domain" {
		t.Fatalf("%v\n%s", err, doc)
	}
}
