// Package facts reads what is known about CPU models and features, text files
// beside this one, and writes the tables of package cpu. Only the generator
// and tests use it.
package facts

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed *.txt
var files embed.FS

// Feature is a CPU feature of x86: one bit.
type Feature struct {
	Name, QEMU    string
	MSR           bool
	Leaf, Subleaf uint32 // or the MSR's index
	Register      int    // eax, ebx, ecx, edx; of an MSR eax is the low and edx the high half
	Bit           int
	Unmigratable  bool
	Unpassed      bool
	Newer         bool
}

// Paravirtual is a feature that the hypervisor invents.
type Paravirtual struct {
	Name     string
	Leaf     uint32
	Register int
	Mask     uint32
}

// Signature is a family and model with the steppings meant, as bits.
type Signature struct {
	Family, Model, Steppings int
}

// Model is a CPU model of x86. Features is the effective set.
type Model struct {
	Name, Base, Vendor, Canonical string
	Alias, Newer                  bool
	DecodeHost, DecodeGuest       bool
	Compat                        bool
	Signatures                    []Signature
	Features, Removed, Added      []string
}

// Vendor is a vendor with what identifies it.
type Vendor struct {
	Arch, ID, Name string
	Newer          bool
}

// OtherModel is a model of ppc64 (ID is the PVR) or arm (ID is the part).
type OtherModel struct {
	Arch, Vendor, Name string
	ID, Mask           uint32
	Newer              bool
}

// Facts are all facts.
type Facts struct {
	Features     []Feature
	Paravirtual  []Paravirtual
	Names        [][2]string // libvirt's, QEMU's
	Models       []Model
	Vendors      []Vendor
	OtherModels  []OtherModel
	ARMHwcap     []string // by bit
	ARMGuestOnly []string
}

// Read reads the files.
func Read() (*Facts, error) {
	f := new(Facts)
	for _, file := range []struct {
		name string
		line func(words []string, indented bool) error
	}{
		{"x86_features.txt", f.feature},
		{"x86_paravirtual.txt", f.paravirtual},
		{"x86_names.txt", f.qemuName},
		{"x86_models.txt", f.modelLine},
		{"vendors.txt", f.vendor},
		{"models.txt", f.otherModel},
		{"arm_features.txt", f.armFeature},
	} {
		data, err := files.ReadFile(file.name)
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(string(data), "\n") {
			words, err := split(line)
			if err == nil && len(words) > 0 {
				err = file.line(words, strings.HasPrefix(line, " "))
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file.name, i+1, err)
			}
		}
	}
	return f, f.finish()
}

// split cuts a line into words; "..." is one word and # begins a comment.
func split(line string) ([]string, error) {
	if strings.HasPrefix(line, "#") {
		return nil, nil
	}
	var words []string
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return words, nil
		}
		if line[0] == '"' {
			word, rest, ok := strings.Cut(line[1:], `"`)
			if !ok {
				return nil, fmt.Errorf("no end of %q", line)
			}
			words, line = append(words, word), rest
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
}

var registers = []string{"eax", "ebx", "ecx", "edx"}

func register(s string) (int, error) {
	for i, r := range registers {
		if r == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no register %q", s)
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	return uint32(n), err
}

func (f *Facts) feature(w []string, _ bool) (err error) {
	if len(w) < 4 {
		return fmt.Errorf("too few words")
	}
	x := Feature{Name: w[0], QEMU: w[0]}
	var bit string
	rest := w[4:]
	leaf, sub, hasSub := strings.Cut(w[2], ".")
	if x.Leaf, err = number(leaf); err != nil {
		return err
	}
	if hasSub {
		if x.Subleaf, err = number(sub); err != nil {
			return err
		}
	}
	switch w[1] {
	case "cpuid":
		if len(w) < 5 {
			return fmt.Errorf("too few words")
		}
		if x.Register, err = register(w[3]); err != nil {
			return err
		}
		bit, rest = w[4], w[5:]
	case "msr":
		x.MSR, bit = true, w[3]
	default:
		return fmt.Errorf("neither cpuid nor msr: %q", w[1])
	}
	n, err := number(bit)
	if err != nil {
		return err
	}
	x.Bit = int(n)
	if x.MSR && x.Bit >= 32 {
		x.Register, x.Bit = 3, x.Bit-32
	}
	for _, word := range rest {
		switch {
		case word == "unmigratable":
			x.Unmigratable = true
		case word == "unpassed":
			x.Unpassed = true
		case word == "newer":
			x.Newer = true
		case strings.HasPrefix(word, "qemu="):
			x.QEMU = strings.TrimPrefix(word, "qemu=")
		default:
			return fmt.Errorf("unknown word %q", word)
		}
	}
	f.Features = append(f.Features, x)
	return nil
}

func (f *Facts) paravirtual(w []string, _ bool) (err error) {
	if len(w) != 4 {
		return fmt.Errorf("want four words")
	}
	x := Paravirtual{Name: w[0]}
	if x.Leaf, err = number(w[1]); err != nil {
		return err
	}
	if x.Register, err = register(w[2]); err != nil {
		return err
	}
	if x.Mask, err = number(w[3]); err != nil {
		return err
	}
	f.Paravirtual = append(f.Paravirtual, x)
	return nil
}

func (f *Facts) qemuName(w []string, _ bool) error {
	if len(w) != 2 {
		return fmt.Errorf("want two words")
	}
	f.Names = append(f.Names, [2]string{w[0], w[1]})
	return nil
}

func (f *Facts) vendor(w []string, _ bool) error {
	if len(w) != 3 && !(len(w) == 4 && w[3] == "newer") {
		return fmt.Errorf("want three words, or four with newer")
	}
	f.Vendors = append(f.Vendors, Vendor{Arch: w[0], ID: w[1], Name: w[2], Newer: len(w) == 4})
	return nil
}

func (f *Facts) otherModel(w []string, _ bool) (err error) {
	x := OtherModel{Mask: 0xfff}
	if n := len(w); n > 0 && w[n-1] == "newer" {
		x.Newer, w = true, w[:n-1]
	}
	switch {
	case w[0] == "ppc64" && len(w) == 5:
		if x.Mask, err = number(w[3]); err != nil {
			return err
		}
	case w[0] == "arm" && len(w) == 4:
	default:
		return fmt.Errorf("want: ppc64 VENDOR PVR MASK NAME, or: arm VENDOR PART NAME")
	}
	x.Arch, x.Vendor, x.Name = w[0], w[1], w[len(w)-1]
	if x.ID, err = number(w[2]); err != nil {
		return err
	}
	f.OtherModels = append(f.OtherModels, x)
	return nil
}

func (f *Facts) armFeature(w []string, _ bool) error {
	switch {
	case len(w) == 3 && w[0] == "hwcap":
		n, err := number(w[1])
		if err != nil {
			return err
		}
		if int(n) != len(f.ARMHwcap) {
			return fmt.Errorf("bits must be in order")
		}
		f.ARMHwcap = append(f.ARMHwcap, w[2])
	case len(w) == 2 && w[0] == "guest":
		f.ARMGuestOnly = append(f.ARMGuestOnly, w[1])
	default:
		return fmt.Errorf("want: hwcap BIT NAME, or: guest NAME")
	}
	return nil
}
