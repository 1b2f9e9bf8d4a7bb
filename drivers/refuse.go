package drivers

import "virgo/xml"

// Refuse gives the peer's error for flags that a function does not know; pairs are
// such flags and the numbers that the peer's interface gives them. The error names
// the peer's function, because scripts look for its text.
func Refuse(f Flags, function string, pairs ...Flags) error {
	n := uint(0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if f.Has(pairs[i]) {
			n |= uint(pairs[i+1])
		}
	}
	if n == 0 {
		return nil
	}
	return BadFlags(n, function)
}

// BadFlags is that error, of what is no Flags here.
func BadFlags(n uint, function string) error {
	return xml.Bare(xml.CodeInvalidArg, "unsupported flags (0x%x) in function %s", n, function)
}
