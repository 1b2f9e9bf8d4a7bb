package keycode

import (
	"sort"
	"testing"
)

// TestTables: the tables can be searched, and every named key is one that its codeset has.
func TestTables(t *testing.T) {
	for _, c := range qnums {
		list := names(c.codeset)
		if !sort.SliceIsSorted(list, func(i, j int) bool { return list[i].name < list[j].name }) {
			t.Errorf("%s is not sorted", c.codeset)
		}
		for _, k := range list {
			if !Known(c.codeset, k.number) {
				t.Errorf("%s: %s is %d, which is no key", c.codeset, k.name, k.number)
			}
		}
	}
	if n, ok := Number("linux", "KEY_A"); !ok || n != 30 {
		t.Errorf("KEY_A is %d", n)
	}
	for _, c := range []struct {
		codeset   string
		key, qnum uint
	}{{"linux", 30, 30}, {"win32", 65, 30}, {"usb", 4, 30}, {"atset2", 28, 30}, {"os_x", 0, 30}, {"qnum", 30, 30}, {"xt_kbd", 30, 30}, {"linux", 105, 203}} {
		if n, ok := ForQEMU(c.codeset, c.key); !ok || n != c.qnum {
			t.Errorf("%s %d is %d, want %d", c.codeset, c.key, n, c.qnum)
		}
	}
	if _, ok := Number("linux", "KEY_BOGUS"); ok || Known("linux", 300) || Known("bogus", 1) {
		t.Error("there are keys that there are not")
	}
}
