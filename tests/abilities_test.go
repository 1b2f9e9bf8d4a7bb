package tests

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAbilities: a driver's method with the name of an ability's has its
// parameters. An ability that has changed would else be gone without a word: who
// asks for it is told that the driver does not have it.
func TestAbilities(t *testing.T) {
	want := map[string][]string{} // signatures by method
	inFiles(t, "../drivers", func(path string, f *ast.File) {
		if filepath.Dir(path) != filepath.Clean("../drivers") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			if !ok {
				return true
			}
			for _, m := range i.Methods.List {
				if fn, ok := m.Type.(*ast.FuncType); ok && len(m.Names) == 1 {
					want[m.Names[0].Name] = append(want[m.Names[0].Name], signature(fn))
				}
			}
			return true
		})
	})
	if len(want) < 100 {
		t.Fatalf("only %d methods of abilities were found", len(want))
	}
	inFiles(t, "../drivers", func(path string, f *ast.File) {
		if dir := filepath.ToSlash(filepath.Dir(path)); dir == "../drivers" || dir == "../drivers/qemu/qmp" || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() {
				continue
			}
			got := signature(fn.Type)
			// What takes no context is something else of the same name.
			if known := want[fn.Name.Name]; known != nil && strings.HasPrefix(got, "(context.Context") && !slices.Contains(known, got) {
				t.Errorf("%s: %s%s, but the abilities have %s", path, fn.Name.Name, got, strings.Join(known, " or "))
			}
		}
	})
}

func inFiles(t *testing.T, dir string, visit func(path string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(path, f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// signature is a function's types, without the names of its parameters.
func signature(fn *ast.FuncType) string {
	list := func(fields *ast.FieldList) string {
		var out []string
		if fields == nil {
			return ""
		}
		for _, f := range fields.List {
			var b strings.Builder
			_ = printer.Fprint(&b, token.NewFileSet(), f.Type)
			for range max(1, len(f.Names)) {
				out = append(out, strings.ReplaceAll(b.String(), "drivers.", ""))
			}
		}
		return strings.Join(out, ", ")
	}
	return "(" + list(fn.Params) + ") (" + list(fn.Results) + ")"
}
