package keycode

import (
	"sort"
	"testing"
)

// TestTables: the tables can be searched, and every named key is one that its codeset has.
func TestTables(t *testing.T) {
	for _, c := range codesets {
		list := names(c.name)
		if !sort.SliceIsSorted(list, func(i, j int) bool { return list[i].name < list[j].name }) {
			t.Errorf("%s is not sorted", c.name)
		}
		for _, k := range list {
			if !Known(c.name, k.number) {
				t.Errorf("%s: %s is %d, which is no key", c.name, k.name, k.number)
			}
		}
	}
	if n, ok := Number("linux", "KEY_A"); !ok || n != 30 {
		t.Errorf("KEY_A is %d", n)
	}
	if _, ok := Number("linux", "KEY_BOGUS"); ok || Known("linux", 300) || Known("bogus", 1) {
		t.Error("there are keys that there are not")
	}
}
