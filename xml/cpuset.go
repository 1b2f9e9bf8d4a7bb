package xml

import (
	"math/bits"
	"strconv"
	"strings"
)

// maxSet is the largest number in a set, far above any CPU or node.
const maxSet = 16384

// Set is a set of small numbers: CPUs, NUMA nodes. Its text is a list such as
// 0-3,8.
type Set []uint64

// ParseSet reads a list; ^N and ^N-M take out what stood before.
func ParseSet(text string) (Set, error) {
	bad := func() (Set, error) { return nil, Errorf(CodeInvalidArg, "Failed to parse bitmap '%s'", text) }
	var s Set
	rest := strings.TrimLeft(text, " \t\n")
	if rest == "" {
		return s, nil
	}
	for _, part := range strings.Split(rest, ",") {
		part = strings.Trim(part, " \t\n")
		part, out := strings.CutPrefix(part, "^")
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 32)
		b, err2 := strconv.ParseUint(strings.TrimSpace(last), 10, 32)
		if err1 != nil || err2 != nil || b < a || b >= maxSet {
			return bad()
		}
		if out && !isRange && !s.Has(int(a)) {
			continue
		}
		for i := a; i <= b; i++ {
			if out {
				s.Remove(int(i))
			} else {
				s.Add(int(i))
			}
		}
	}
	return s, nil
}

// Has tells whether n is in the set.
func (s Set) Has(n int) bool { return n>>6 < len(s) && s[n>>6]>>(n&63)&1 == 1 }

// Add puts n in.
func (s *Set) Add(n int) {
	for len(*s) <= n>>6 {
		*s = append(*s, 0)
	}
	(*s)[n>>6] |= 1 << (n & 63)
}

// Remove takes n out.
func (s *Set) Remove(n int) {
	if n>>6 < len(*s) {
		(*s)[n>>6] &^= 1 << (n & 63)
	}
}

// Len is how many numbers there are.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Last is the largest number, or -1.
func (s Set) Last() int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0 {
			return i*64 + bits.Len64(s[i]) - 1
		}
	}
	return -1
}

// Without is the first number that is not of a kind, or -1.
func (s Set) Without(kind func(int) bool) int {
	for i, last := 0, s.Last(); i <= last; i++ {
		if s.Has(i) && !kind(i) {
			return i
		}
	}
	return -1
}

// String is the list, ranges joined.
func (s Set) String() string {
	var out []byte
	last := s.Last()
	for i := 0; i <= last; i++ {
		if !s.Has(i) {
			continue
		}
		end := i
		for s.Has(end + 1) {
			end++
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(i), 10)
		if end > i {
			out = append(out, '-')
			out = strconv.AppendInt(out, int64(end), 10)
		}
		i = end
	}
	return string(out)
}

// CPUSet is a Set as its text, in the canonical form.
type CPUSet string

// ParseValue reads and canonicalises the list.
func (c *CPUSet) ParseValue(text string) error {
	s, err := ParseSet(text)
	if err != nil {
		return err
	}
	if text == "" {
		return Errorf(CodeInvalidArg, "Failed to parse bitmap ''")
	}
	if s.Len() == 0 {
		return Errorf(CodeConfigUnsupported, "Invalid value of 'cpuset': %s", text)
	}
	*c = CPUSet(s.String())
	return nil
}

// FormatValue is the text.
func (c *CPUSet) FormatValue() string { return string(*c) }

// Set gives the numbers.
func (c CPUSet) Set() Set {
	s, err := ParseSet(string(c))
	if err != nil {
		return nil
	}
	return s
}
