package tests

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virgo/commands"
)

// folders lists the folders of packages, from the top of the module.
func folders(t *testing.T) []string {
	seen := map[string]bool{}
	var out []string
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "dist" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if dir := filepath.Dir(path); strings.HasSuffix(path, ".go") && !seen[dir] {
			seen[dir] = true
			out = append(out, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The top level holds what the layout says, what is built, and files that begin with a dot.
func TestTopLevel(t *testing.T) {
	known := strings.Fields("LICENSE Makefile README.md commands completion cpu docs drivers go.mod go.sum main.go shell tests xml virgo dist")
	all, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if n := e.Name(); !strings.HasPrefix(n, ".") && !slices.Contains(known, n) {
			t.Errorf("%s does not belong at the top level", n)
		}
	}
}

// Each package has one package comment.
func TestPackageComments(t *testing.T) {
	for _, dir := range folders(t) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		with := 0
		names := map[string]bool{}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			ast, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if ast.Name.Name == "main" && dir != ".." {
				continue // generators beside a package
			}
			names[ast.Name.Name] = true
			if ast.Doc != nil {
				with++
			}
		}
		if len(names) > 0 && with != 1 {
			t.Errorf("%s has %d package comments", dir, with)
		}
	}
}

// layers are the folders in the order of imports: a lower one never imports a
// higher one.
var layers = []string{"xml", "cpu", "drivers", "completion", "commands", "shell", "."}

func layer(path string) int {
	for i, l := range layers {
		if path == l || strings.HasPrefix(path, l+"/") {
			return i
		}
	}
	return len(layers) - 1
}

func TestImportsGoOneWay(t *testing.T) {
	for _, dir := range folders(t) {
		rel, _ := filepath.Rel("..", dir)
		rel = filepath.ToSlash(rel)
		if strings.HasPrefix(rel, "tests") {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, f := range files {
			ast, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, im := range ast.Imports {
				path := strings.Trim(im.Path.Value, `"`)
				if own, ok := strings.CutPrefix(path, "virgo/"); ok && layer(own) > layer(rel) {
					t.Errorf("%s imports %s, which is above it", f, path)
				}
				if path == "encoding/xml" && !strings.HasSuffix(f, "_test.go") && ast.Name.Name != "main" {
					t.Errorf("%s imports encoding/xml, which is for tests alone", f)
				}
			}
		}
	}
}

// docs/layout.md names each folder that a stranger meets.
func TestLayout(t *testing.T) {
	page, err := os.ReadFile("../docs/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders(t) {
		rel, _ := filepath.Rel("..", dir)
		rel = filepath.ToSlash(rel)
		if strings.Count(rel, "/") > 1 || rel == "." { // the parts of a driver, main.go
			continue
		}
		if text := string(page); !strings.Contains(text, "`"+rel+"`") && !strings.Contains(text, "`"+rel+"/`") {
			t.Errorf("docs/layout.md does not name %s", rel)
		}
	}
}

// No file written by hand has over 800 lines.
func TestFileSizes(t *testing.T) {
	for _, dir := range folders(t) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(data), "\n"); n > 800 && !strings.Contains(string(data[:min(len(data), 400)]), "Code generated") {
				t.Errorf("%s has %d lines", f, n)
			}
		}
	}
}

// Each option that takes a word says what completes it, or that nothing does.
func TestCompleters(t *testing.T) {
	for _, g := range commands.NewTable() {
		for _, c := range g.Commands() {
			seen := map[string]bool{}
			for _, o := range c.Options {
				if seen[o.Name] {
					t.Errorf("%s has --%s twice", c.Name, o.Name)
				}
				seen[o.Name] = true
				takes := o.Kind == commands.String || o.Kind == commands.Int || o.Kind == commands.Argv
				if takes && o.Complete == nil && o.Values == "" {
					t.Errorf("%s --%s has no completer: use completion.Free if there is none", c.Name, o.Name)
				}
				if target, _, _ := strings.Cut(o.Target, "="); o.Kind == commands.Alias && c.Option(target) == nil {
					t.Errorf("%s --%s means --%s, which there is not", c.Name, o.Name, target)
				}
				if o.Kind != commands.Alias && o.Help == "" {
					t.Errorf("%s --%s has no help", c.Name, o.Name)
				}
			}
			if c.Alias == "" && (c.Summary == "" || c.Run == nil) {
				t.Errorf("%s is not complete", c.Name)
			}
		}
	}
}
