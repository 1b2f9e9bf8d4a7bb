package tests

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"virgo/commands"
	"virgo/drivers"
	"virgo/drivers/open"
	"virgo/drivers/remote"
)

var update = flag.Bool("update", false, "rewrite the generated pages and the scripts' expectations")

// page compares a generated page with the committed one.
func page(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("docs/%s is stale: run make update", name)
	}
}

func TestReference(t *testing.T) {
	table := commands.NewTable()
	page(t, "commands.md", table.Reference())
	page(t, "virgo.1", table.Man())
}

// connections are one of each driver, by the URI's scheme.
func connections(t *testing.T) map[string]drivers.Conn {
	root := t.TempDir()
	out := map[string]drivers.Conn{"remote": &remote.Conn{}} // needs a daemon to be opened, but not to be looked at
	for _, uri := range []string{"test:///default", "qemu:///embed?root=" + root} {
		conn, err := open.Open(context.Background(), uri, drivers.OpenOptions{Getenv: func(string) string { return "" }})
		if err != nil {
			t.Logf("%s: %v", uri, err)
			continue
		}
		t.Cleanup(func() { conn.Close() })
		out[uri[:strings.IndexByte(uri, ':')]] = conn
	}
	return out
}

func TestSupport(t *testing.T) {
	conns := connections(t)
	if conns["qemu"] == nil {
		t.Skip("the page is made where all drivers are: on Linux")
	}
	var names []string
	for n := range conns {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("# What each driver supports\n\nMade from the drivers' types by `make update`; do not edit.\n")
	section := func(title string, rows []drivers.Ability, of func(drivers.Conn) any) {
		any := false
		for _, n := range names {
			any = any || of(conns[n]) != nil
		}
		if !any {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n| | %s |\n| --- |%s\n", title, strings.Join(names, " | "), strings.Repeat(" --- |", len(names)))
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s |", r.What)
			for _, n := range names {
				v, mark := of(conns[n]), " |"
				if v != nil && r.Has(v) {
					mark = " yes |"
				}
				b.WriteString(mark)
			}
			b.WriteByte('\n')
		}
	}
	section("Host", drivers.HostAbilities(), func(c drivers.Conn) any { return c })
	kinds := []string{"Domains", "Networks", "Network ports", "Pools", "Volumes", "Secrets", "Filters", "Filter bindings", "Node devices",
		"Interfaces", "Snapshots", "Checkpoints"}
	for k, title := range kinds {
		of := func(c drivers.Conn) any {
			if o := c.Objects(drivers.Kind(k)); o != nil {
				return o
			}
			return nil
		}
		rows := drivers.ObjectAbilities()
		if drivers.Kind(k) == drivers.Domain {
			rows = append(rows, drivers.DomainAbilities()...)
		}
		for _, r := range drivers.KindAbilities() {
			if r.Kind == drivers.Kind(k) {
				rows = append(rows, r)
			}
		}
		section(title, rows, of)
	}
	page(t, "support.md", b.String())
}

// shapeOf describes a value by its keys and types, in their order.
func shapeOf(d *json.Decoder) string {
	tok, err := d.Token()
	if err != nil {
		return "?"
	}
	switch v := tok.(type) {
	case json.Delim:
		if v == '[' {
			inner := ""
			for d.More() {
				if s := shapeOf(d); inner == "" {
					inner = s
				}
			}
			_, _ = d.Token()
			return "[" + inner + ", ...]"
		}
		var parts []string
		for d.More() {
			key, _ := d.Token()
			parts = append(parts, fmt.Sprintf("%v: %s", key, shapeOf(d)))
		}
		_, _ = d.Token()
		return "{" + strings.Join(parts, ", ") + "}"
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "true or false"
	}
	return "null"
}
