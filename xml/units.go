package xml

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// KiB is an amount of memory in KiB. As an element it is written with
// unit='KiB', and read with any unit.
type KiB uint64

// DecodeNode reads the element's number and unit.
func (k *KiB) DecodeNode(n *Node) error {
	v, err := ScaledNode(n, 1024)
	if err != nil {
		return err
	}
	*k = KiB(ToKiB(v))
	return nil
}

// EncodeNode writes the amount.
func (k *KiB) EncodeNode(name string) *Node {
	return TextElement(name, strconv.FormatUint(uint64(*k), 10)).With("unit", "KiB")
}

func (k *KiB) printNode(p *printer, name string) {
	p.open(name)
	p.attr("unit", "KiB")
	p.buf = append(p.buf, '>')
	p.buf = strconv.AppendUint(p.buf, uint64(*k), 10)
	p.closeTag(name)
}

// ToKiB rounds bytes up to KiB.
func ToKiB(bytes uint64) uint64 {
	if bytes > math.MaxUint64-1023 {
		return bytes >> 10
	}
	return (bytes + 1023) >> 10
}

// ScaledNode reads an element with a number and a unit attribute, as bytes;
// without unit the number counts scale bytes.
func ScaledNode(n *Node, scale uint64) (uint64, error) {
	text := strings.TrimLeft(n.Value(), " \t\r\n") // a number ends its text
	path := "./" + n.Name
	switch n.Name {
	case "memory", "currentMemory", "maxMemory":
		if path += "[1]"; n.Value() == "" {
			return 0, nil
		}
	case "hard_limit", "soft_limit", "swap_hard_limit", "min_guarantee":
		path = "./memtune/" + n.Name + "[1]"
	case "space_hard_limit", "space_soft_limit":
		path += "[1]"
	case "max_size":
		path = "./metadata_cache/" + n.Name
	}
	if path == "./size" && text == "" {
		return 0, Errorf(CodeXML, "missing element or attribute '%s'", path)
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, Errorf(CodeXML, "Invalid value '%s' for element or attribute '%s'", n.Value(), path)
	}
	unit, _ := n.Attr("unit")
	return Scale(v, unit, scale)
}

// Scale gives a number with a unit in bytes; without unit the number counts
// scale bytes.
func Scale(v uint64, unit string, scale uint64) (uint64, error) {
	if unit != "" {
		var err error
		if scale, err = unitScale(unit); err != nil {
			return 0, err
		}
	}
	hi, lo := bits.Mul64(v, scale)
	if hi > 0 || lo > math.MaxInt64 {
		return 0, Errorf(CodeOverflow, "value too large: %d%s", v, unit)
	}
	return lo, nil
}

// unitScale is how many bytes a unit stands for.
func unitScale(unit string) (uint64, error) {
	low := strings.ToLower(unit)
	if low == "b" || low == "byte" || low == "bytes" {
		return 1, nil
	}
	base := uint64(0)
	switch low[1:] {
	case "", "ib":
		base = 1024
	case "b":
		base = 1000
	}
	power := strings.IndexByte("kmgtpe", low[0]) + 1
	if base == 0 || power == 0 {
		return 0, Errorf(CodeInvalidArg, "unknown suffix '%s'", unit)
	}
	scale := uint64(1)
	for range power {
		scale *= base
	}
	return scale, nil
}

// MiB is an amount in bytes that is printed in MiB.
type MiB uint64

// DecodeNode reads the number, of bytes if there is no unit.
func (m *MiB) DecodeNode(n *Node) error {
	if n.Value() == "" {
		return errVoid
	}
	v, err := ScaledNode(n, 1)
	*m = MiB(v)
	return err
}

// EncodeNode writes the amount.
func (m *MiB) EncodeNode(name string) *Node {
	return TextElement(name, strconv.FormatUint(uint64(*m)>>20, 10)).With("unit", "M")
}
