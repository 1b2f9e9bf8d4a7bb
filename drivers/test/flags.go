package test

import (
	"virgo/drivers"
	"virgo/xml"
)

// bit pairs a flag with the number that the peer's interface gives it.
type bit struct {
	flag   drivers.Flags
	number uint
}

// refuse gives the peer's error for flags that a function does not know. The
// error names the peer's function, because scripts look for its text.
func refuse(f drivers.Flags, function string, bits ...bit) error {
	n := uint(0)
	for _, b := range bits {
		if f.Has(b.flag) {
			n |= b.number
		}
	}
	if n == 0 {
		return nil
	}
	return badFlags(n, function)
}

func badFlags(n uint, function string) error {
	return xml.Bare(xml.CodeInvalidArg, "unsupported flags (0x%x) in function %s", n, function)
}
