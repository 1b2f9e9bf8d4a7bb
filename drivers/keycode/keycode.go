// Package keycode knows the keys that send-key presses: their numbers in each
// codeset, and the names of those that have some.
package keycode

import (
	"sort"

	"virgo/xml"
)

// key is a key's name and number.
type key struct {
	name   string
	number uint
}

// codesets are the codesets that virsh 11.3.0 has, and the numbers that mean a
// key in each, as it accepts them.
var codesets = []struct{ name, numbers string }{
	{"atset1", "0-95,99-109,111-112,115-121,123,125-126,241-242"},
	{"atset2", "0-1,3-7,9-15,17-22,26-30,33-39,41-47,49-55,58-63,65-70,73-78,81-82,84-85,88-91,93,95,97-100,102-103,105-109,112-127,131,241-242"},
	{"atset3", "0,7-63,65-71,73-79,82,84-103,105-118,121-122,124-131,133-135,139-142,145,147-152,154-163"},
	{"linux", "0-265,272-279,288-299,303-318,320-327,330-337,352-439,448-451,464-484,497-506,512-524"},
	{"os_x", "0-51,53-65,67,69,71-76,78-107,109-111,113-126,255"},
	{"qnum", "0-95,99-109,111-121,123,125-126,129-140,142-144,146-169,171-182,184-223,227-237,239-249,251,253"},
	{"usb", "0,4-48,50-119,121-125,133,135-140,144-148,182-183,224-251"},
	{"win32", "0-2,4-6,8-9,13,17-22,26-29,32-42,44-57,65-93,95-135,144-145,160-161,163,165-180,186-192,219-222,226,242,250-251"},
	{"xt", "0-95,99-109,111-112,115-121,123,125-126,241-242"},
	{"xt_kbd", "0-95,99-109,111-112,115-121,123,125-126,241-242,257-268,270-272,274-297,299-310,312-351,355-365,367-377,379,381"},
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
	for _, c := range codesets {
		if c.name == codeset {
			set, err := xml.ParseSet(c.numbers)
			return err == nil && number < 1<<16 && set.Has(int(number))
		}
	}
	return false
}
