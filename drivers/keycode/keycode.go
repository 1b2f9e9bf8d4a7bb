// Package keycode knows the keys that send-key presses: their numbers in each
// codeset, and the names of those that have some.
package keycode

import (
	"sort"
	"strconv"
	"strings"
)

// key is a key's name and number.
type key struct {
	name   string
	number uint
}

// names are the named keys of a codeset, by name.
func names(codeset string) []key {
	switch codeset {
	case "linux":
		return linux
	case "os_x":
		return macOS
	case "win32":
		return windows
	}
	return nil
}

// Number is the number of a key by its name.
func Number(codeset, name string) (uint, bool) {
	list := names(codeset)
	i := sort.Search(len(list), func(i int) bool { return list[i].name >= name })
	if i < len(list) && list[i].name == name {
		return list[i].number, true
	}
	return 0, false
}

// Names are the names of a codeset's keys.
func Names(codeset string) []string {
	var out []string
	for _, k := range names(codeset) {
		out = append(out, k.name)
	}
	return out
}

// Known tells whether a number means a key in a codeset.
func Known(codeset string, number uint) bool {
	_, ok := ForQEMU(codeset, number)
	return ok
}

// ForQEMU is QEMU's number of a key, which it calls qnum.
func ForQEMU(codeset string, number uint) (uint, bool) {
	for _, c := range qnums {
		if c.codeset != codeset {
			continue
		}
		for _, run := range strings.Fields(c.runs) {
			numbers, start, _ := strings.Cut(run, ":")
			first, last, several := strings.Cut(numbers, "-")
			if !several {
				last = first
			}
			if a := parse(first); number >= a && number <= parse(last) {
				return parse(start) + number - a, true
			}
		}
	}
	return 0, false
}

// parse reads a number of the table.
func parse(text string) uint {
	n, _ := strconv.ParseUint(text, 10, 32)
	return uint(n)
}
