// Package xen turns Xen's configuration files, of the tool xl and of its
// predecessor xm, into domains and back. It is pure.
package xen

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// Dialect says whose files they are.
type Dialect uint8

// The two tools.
const (
	XL Dialect = iota
	XM
)

// reader reads one file.
type reader struct {
	*conf.File
	dialect Dialect
	hvm     bool
}

func internal(format string, args ...any) *xml.Error {
	return xml.Errorf(xml.CodeInternal, format, args...)
}

func unsupported(format string, args ...any) *xml.Error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

// unknown is the error of the peer where it tells no reason.
func unknown() error { return xml.Errorf(xml.CodePlain, "An error occurred, but the cause is unknown") }

// fail is an error about an entry.
func (r *reader) fail(name string, e *xml.Error) error { return r.At(e, r.Get(name)) }

func (r *reader) malformed(name string) error {
	return r.fail(name, internal("config value %s was malformed", name))
}

// str is an entry's string; "" if there is none.
func (r *reader) str(name string) (string, error) {
	v := r.Get(name)
	if v == nil {
		return "", nil
	}
	if v.Kind != conf.String {
		return "", r.fail(name, internal("memory conf: expected a string for '%s' parameter", name))
	}
	return v.Text, nil
}

// need is a string that must be there.
func (r *reader) need(name string) (string, error) {
	text, err := r.str(name)
	if err == nil && text == "" {
		err = internal("config value %s was missing", name)
	}
	return text, err
}

// strs reads several strings, each into its place.
func (r *reader) strs(pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		text, err := r.str(pairs[i].(string))
		if err != nil {
			return err
		}
		*pairs[i+1].(*string) = text
	}
	return nil
}

// integer is an entry's whole number, which may be written as a string.
func (r *reader) integer(name string, def int64) (int64, error) {
	v := r.Get(name)
	switch {
	case v == nil:
		return def, nil
	case v.Kind == conf.Number:
		return v.Num, nil
	case v.Kind == conf.String:
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimLeft(v.Text, " \t"), "L"), 10, 64)
		if err == nil {
			return n, nil
		}
	}
	return 0, r.malformed(name)
}

// number is one that is not negative. In a string the peer counts below nothing
// from the highest one.
func (r *reader) number(name string, def uint64) (uint64, error) {
	n, err := r.integer(name, int64(min(def, math.MaxInt64)))
	if v := r.Get(name); err == nil && n < 0 && v.Kind != conf.String {
		err = r.malformed(name)
	}
	return uint64(n), err
}

// flag is an entry's truth value: a number that is not negative, or "1".
func (r *reader) flag(name string, def bool) (bool, error) {
	v := r.Get(name)
	switch {
	case v == nil:
		return def, nil
	case v.Kind == conf.String:
		return v.Text == "1", nil
	}
	n, err := r.number(name, 0)
	return n != 0, err
}

// texts reads several strings like strs; one that is empty is Blank.
func (r *reader) texts(pairs ...any) error {
	err := r.strs(pairs...)
	for i := 0; i+1 < len(pairs) && err == nil; i += 2 {
		if to := pairs[i+1].(*string); r.Get(pairs[i].(string)) != nil {
			*to = stated(*to)
		}
	}
	return err
}

// notStrings is the error about a list with something else in it.
func notStrings(name string) *xml.Error {
	return xml.Errorf(xml.CodeConfSyntax, "memory conf: expected a string list for '%s' parameter", name)
}

// list are an entry's strings; single says that one string may stand for a list.
func (r *reader) list(name string, single bool) ([]conf.Value, error) {
	v := r.Get(name)
	switch {
	case v == nil:
		return nil, nil
	case v.Kind == conf.List:
		for _, e := range v.List {
			if e.Kind != conf.String {
				return nil, r.At(notStrings(name), &e)
			}
		}
		return v.List, nil
	case v.Kind == conf.String && single:
		return []conf.Value{*v}, nil
	}
	return nil, r.fail(name, internal("memory conf: expected a string list for '%s' parameter", name))
}

// strings are the strings in an entry's list. Whatever else there is counts for
// nothing, as does an entry that is no list.
func (r *reader) strings(name string) []conf.Value {
	v := r.Get(name)
	if v == nil || v.Kind != conf.List {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.List), func(e conf.Value) bool { return e.Kind != conf.String })
}

// field is one part of a device's description: key=value, or a word.
type field struct{ key, value string }

// fields takes a description apart: key=value with commas between.
func fields(text string) []field {
	var out []field
	for _, p := range strings.Split(text, ",") {
		if p = strings.TrimLeft(p, " \t"); p == "" {
			continue
		}
		k, v, _ := strings.Cut(p, "=")
		out = append(out, field{k, v})
	}
	return out
}

// cpuidNames are CPU features that Xen has other words for: the domain's word
// and Xen's.
var cpuidNames = []struct{ feature, word string }{
	{"cid", "cntxid"}, {"clflush", "clfsh"}, {"cmp_legacy", "cmplegacy"}, {"cr8legacy", "altmovcr8"}, {"cx16", "cmpxchg16"}, {"cx8", "cmpxchg8"},
	{"ds_cpl", "dscpl"}, {"fxsr_opt", "ffxsr"}, {"ht", "htt"}, {"lahf_lm", "lahfsahf"}, {"nodeid_msr", "nodeid"}, {"pclmuldq", "pclmulqdq"},
	{"pdpe1gb", "page1gb"}, {"pn", "psn"}, {"pni", "sse3"}, {"sep", "sysenter"}, {"spec-ctrl", "ibrsb"},
}

// bootDevices are the letters of boot devices.
var bootDevices = []struct {
	letter byte
	dev    string
}{{'a', "fd"}, {'c', "hd"}, {'d', "cdrom"}, {'n', "network"}}

// tscModes are the modes of the time stamp counter: the domain's words and Xen's.
var tscModes = []struct{ mode, word string }{
	{"auto", "default"}, {"emulate", "always_emulate"}, {"native", "native"}, {"paravirt", "native_paravirt"},
}

// soundModels are the sound cards that domains have.
var soundModels = strings.Fields("sb16 es1370 pcspk ac97 ich6 ich9 usb virtio")

func known(list []string, word string) bool { return slices.Contains(list, word) }
