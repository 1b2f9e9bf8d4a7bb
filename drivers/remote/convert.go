package remote

import (
	"slices"
	"strings"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// uuidOf packs a UUID.
func uuidOf(text string) (u libvirt.UUID) {
	n := 0
	for i := 0; i < len(text) && n < 2*len(u); i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			continue
		}
		u[n/2] |= c << (4 * (1 - n%2))
		n++
	}
	return u
}

// dom is a domain as the daemon names it.
func dom(r drivers.Ref) libvirt.Domain {
	return libvirt.Domain{Name: r.Name, UUID: uuidOf(r.UUID), ID: int32(r.ID)}
}

func domainRef(d libvirt.Domain) drivers.Ref {
	return drivers.Ref{Kind: drivers.Domain, Name: d.Name, UUID: xml.FormatUUID(d.UUID), ID: int(d.ID)}
}

// optional is a word as the daemon takes one that may be absent.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// optString reads one.
type optString = libvirt.OptString

func textOf(o optString) string {
	if len(o) == 0 {
		return ""
	}
	return o[0]
}

// bit pairs a flag with the number that the daemon gives it.
type bit struct {
	flag   drivers.Flags
	number uint32
}

func bits(f drivers.Flags, list ...bit) uint32 {
	n := uint32(0)
	for _, b := range list {
		if f.Has(b.flag) {
			n |= b.number
		}
	}
	return n
}

// impact is which of an object's definitions a change is for.
func impact(f drivers.Flags) uint32 {
	return bits(f, bit{drivers.Live, uint32(libvirt.DomainAffectLive)}, bit{drivers.Config, uint32(libvirt.DomainAffectConfig)})
}

// choices are bits that a listing's condition sets: for yes and for no.
func choices(t drivers.Tri, yes, no uint32) uint32 {
	switch t {
	case drivers.Yes:
		return yes
	case drivers.No:
		return no
	}
	return 0
}

// when is a number where a condition holds.
func when(on bool, number uint32) uint32 {
	if on {
		return number
	}
	return 0
}

// number is a condition as the daemon takes it.
func number(on bool) int32 {
	if on {
		return 1
	}
	return 0
}

// ordinal is a word's place in a list with blanks, or the number of words.
func ordinal(list, word string) int {
	words := strings.Fields(list)
	if i := slices.Index(words, word); i >= 0 {
		return i
	}
	return len(words)
}

// wordAt is the word of a number, "" if there is none.
func wordAt(list string, n int) string {
	words := strings.Fields(list)
	if n < 0 || n >= len(words) {
		return ""
	}
	return words[n]
}

// params are typed parameters as commands see them.
func params(list []libvirt.TypedParam) []drivers.Param {
	out := make([]drivers.Param, len(list))
	for i, p := range list {
		out[i] = drivers.Param{Name: p.Field, Value: p.Value.I}
	}
	return out
}

// typed are typed parameters as the daemon takes them.
func typed(list []drivers.Param) []libvirt.TypedParam {
	out := make([]libvirt.TypedParam, len(list))
	for i, p := range list {
		out[i] = libvirt.TypedParam{Field: p.Name, Value: libvirt.TypedParamValue{D: kindOf(p.Value), I: p.Value}}
	}
	return out
}

func kindOf(v any) uint32 {
	switch v.(type) {
	case int32:
		return uint32(libvirt.TypedParamInt)
	case uint32:
		return uint32(libvirt.TypedParamUint)
	case int64:
		return uint32(libvirt.TypedParamLlong)
	case uint64:
		return uint32(libvirt.TypedParamUllong)
	case float64:
		return uint32(libvirt.TypedParamDouble)
	case bool:
		return uint32(libvirt.TypedParamBoolean)
	}
	return uint32(libvirt.TypedParamString)
}

// setOf reads a map of CPUs: a bit each.
func setOf(cpus []byte) xml.Set {
	var s xml.Set
	for i, b := range cpus {
		for k := range 8 {
			if b>>k&1 == 1 {
				s.Add(8*i + k)
			}
		}
	}
	return s
}

// cpuMap writes one for so many CPUs.
func cpuMap(s xml.Set, total int) []byte {
	out := make([]byte, (total+7)/8)
	for i := range total {
		if s.Has(i) {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}
