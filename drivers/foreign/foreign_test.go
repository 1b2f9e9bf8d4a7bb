package foreign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/test"
	"virgo/xml"
)

func node(t *testing.T) drivers.Conn {
	t.Helper()
	conn, err := test.Open(context.Background(), drivers.URI{Text: "test:///default", Path: "/default"}, drivers.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFolder: definitions are found from several places, and what lies beside them.
func TestFolder(t *testing.T) {
	dir := tree(t, map[string]string{
		"etc/libvirt/qemu/g.xml":                  "<domain><name>g</name><os><nvram>/far/away/g.fd</nvram></os></domain>",
		"etc/libvirt/qemu/h.xml":                  "<domain><name>h</name><os><nvram>/far/away/h.fd</nvram></os></domain>",
		"etc/libvirt/qemu/readme":                 "no definition",
		"etc/libvirt/qemu/autostart/g.xml":        "",
		"etc/libvirt/qemu/networks/n.xml":         "<network/>",
		"etc/libvirt/storage/p.xml":               "<pool/>",
		"etc/libvirt/storage/autostart/p.xml":     "",
		"etc/libvirt/secrets/s.xml":               "<secret/>",
		"etc/libvirt/secrets/s.base64":            "aGVsbG8=\n",
		"etc/libvirt/secrets/t.xml":               "<secret/>",
		"etc/libvirt/secrets/t.base64":            "!",
		"etc/libvirt/nwfilter/f.xml":              "<filter/>",
		"far/away/g.fd":                           "variables",
		"var/lib/libvirt/qemu/save/g.save":        "",
		"var/lib/libvirt/qemu/snapshot/g/one.xml": "",
	})
	want := "secret s hello, secret t [its value cannot be read], network filter f, network n, pool p autostart, " +
		"domain g autostart " + dir + "/far/away/g.fd [its saved state stays behind its snapshots (1) stay behind], " +
		"domain h [its firmware variables /far/away/h.fd are not there: they begin anew]"
	for _, from := range []string{"", "etc", "etc/libvirt", "etc/libvirt/qemu"} {
		items, err := Folder(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, it := range items {
			s := Noun(it.Kind) + " " + it.Name
			if it.Autostart {
				s += " autostart"
			}
			for _, more := range []string{string(it.Value), it.Variables} {
				if more != "" {
					s += " " + more
				}
			}
			if len(it.Notes) > 0 {
				s += " " + fmt.Sprint(it.Notes)
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s: got\n%s\nwant\n%s", from, s, want)
		}
	}
}

// TestPut: what is there stays, whatever of it is the same.
func TestPut(t *testing.T) {
	ctx := context.Background()
	from, to := node(t), node(t)
	items, err := From(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 3 {
		t.Fatalf("%d items", len(items))
	}
	for i := range items {
		if out := Put(ctx, to, &items[i], false); out.Result != Skipped || out.Reason != "it is defined already" {
			t.Errorf("%s: %+v", items[i].Name, out)
		}
	}
	domain := func(name, uuid string) *Item {
		return &Item{Kind: drivers.Domain, Name: name, Autostart: true, Source: xml.Source{Name: name,
			Data: []byte("<domain type='test'><name>" + name + "</name><uuid>" + uuid + "</uuid><memory>1024</memory><os><type>hvm</type></os></domain>")}}
	}
	const uuid, other = "6695eb01-f6a4-8304-79aa-97f2502e193f", "11110000-3333-4444-5555-666677778888"
	for _, c := range []struct {
		name string
		item *Item
		dry  bool
		want Outcome
	}{
		{"another's name", domain("test", other), false, Outcome{Result: Skipped, Reason: "another domain is called so, with uuid " + uuid}},
		{"another's uuid", domain("new", uuid), false, Outcome{Result: Skipped, Reason: "its uuid is that of 'test'"}},
		{"dry", domain("new", other), true, Outcome{Result: Possible}},
		{"new", domain("new", other), false, Outcome{Result: Imported}},
		{"again", domain("new", other), false, Outcome{Result: Skipped, Reason: "it is defined already"}},
		{"not there", &Item{Kind: drivers.Secret, Source: xml.Source{Data: []byte("<secret/>")}}, false, Outcome{Result: Skipped, Reason: "this connection keeps none of the kind"}},
		{"another kind", &Item{Kind: drivers.Network, Source: xml.Source{Data: []byte("<domain/>")}}, false,
			Outcome{Result: Failed, Reason: "XML error: expecting root element of 'network', not 'domain'"}},
	} {
		out := Put(ctx, to, c.item, c.dry)
		if out.Result != c.want.Result || out.Reason != c.want.Reason {
			t.Errorf("%s: %+v, want %+v", c.name, out, c.want)
		}
	}
	entries, err := to.Objects(drivers.Domain).List(ctx, drivers.Filter{Autostart: drivers.Yes})
	if err != nil || len(entries) != 1 || entries[0].Name != "new" {
		t.Errorf("autostarted: %v %v", entries, err)
	}
}

// FuzzPut: whatever a folder holds is defined, skipped or refused.
func FuzzPut(f *testing.F) {
	f.Add("<domain type='test'><name>a</name><memory>1</memory><os><type>hvm</type><nvram>x</nvram></os></domain>")
	f.Fuzz(func(t *testing.T, text string) {
		conn := node(t)
		dir := tree(t, map[string]string{"qemu/a.xml": text})
		items, err := Folder(dir)
		if err != nil || len(items) != 1 {
			t.Fatal(err, len(items))
		}
		before, _ := conn.Objects(drivers.Domain).List(context.Background(), drivers.Filter{})
		out := Put(context.Background(), conn, &items[0], false)
		after, _ := conn.Objects(drivers.Domain).List(context.Background(), drivers.Filter{})
		if (out.Result == Imported) != (len(after) > len(before)) {
			t.Fatalf("%+v leaves %d of %d", out, len(after), len(before))
		}
	})
}
