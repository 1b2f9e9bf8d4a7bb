package secret

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

type noJournal struct{}

func (noJournal) Append(drivers.Event) {}
func (noJournal) Follow(context.Context) (<-chan drivers.Event, error) {
	return make(chan drivers.Event), nil
}

const uuid = "11110000-3333-4444-5555-666677778888"

func doc(attrs, usage string) xml.Source {
	return xml.Source{Name: "test", Data: []byte("<secret " + attrs + "><uuid>" + uuid + "</uuid>" + usage + "</secret>")}
}

// TestSecrets: where a secret and its value lie, and who may read it.
func TestSecrets(t *testing.T) {
	ctx := context.Background()
	root := drivers.RootAt(t.TempDir())
	s := New(root, func(string) drivers.Journal { return noJournal{} })
	const usage = "<usage type='volume'><volume>/v</volume></usage>"
	r, err := s.Define(ctx, doc("", usage), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetSecretValue(ctx, r, []byte("hush")); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(root.Etc, "secret", uuid+".value")
	passing := filepath.Join(root.Run, "secret", "ephemeral", uuid+".value")
	lies := func(at, not string) {
		t.Helper()
		if fi, err := os.Stat(at); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", at, err)
		}
		if _, err := os.Stat(not); err == nil {
			t.Errorf("there is %s", not)
		}
	}
	lies(kept, passing)
	if _, err := s.Define(ctx, doc("ephemeral='yes'", usage), 0); err != nil {
		t.Fatal(err)
	}
	lies(passing, kept)
	if v, err := s.SecretValue(ctx, r); err != nil || string(v) != "hush" {
		t.Fatal(string(v), err)
	}
	if found, err := s.Find("volume", "/v"); err != nil || found.UUID != uuid {
		t.Error(found, err)
	}
	if _, err := s.Find("ceph", "/v"); xml.CodeOf(err) != xml.CodeNoSecret {
		t.Error(err)
	}
	if _, err := s.Define(ctx, doc("private='yes'", usage), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SecretValue(ctx, r); err == nil || !strings.Contains(err.Error(), "secret is private") {
		t.Error(err)
	}
	if v, err := s.Value(r); err != nil || string(v) != "hush" {
		t.Error(string(v), err)
	}
	if err := s.Undefine(ctx, r, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err == nil {
		t.Error("the value is still there")
	}
	if err := s.SetSecretValue(ctx, r, []byte("x")); xml.CodeOf(err) != xml.CodeNoSecret {
		t.Error(err)
	}
}
