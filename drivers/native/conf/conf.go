// Package conf reads and writes files of lines `name = value`, in the three
// manners that hypervisors' configurations have: Xen's (strings, numbers and
// lists), VMware's (strings only, names without case) and LXC's (the value is
// the rest of the line). It is pure.
package conf

import (
	"strings"

	"virgo/xml"
)

// Manner says which of the languages a file is in.
type Manner uint8

// The three languages.
const (
	Xen Manner = iota
	VMX
	LXC
)

// Kind says what a value is.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota
	Number
	List
	None // nothing at all, in a list that is written
)

// Value is what stands behind the equals sign.
type Value struct {
	Kind Kind
	Text string // of a string
	Num  int64
	List []Value
	Line int // where it begins, from 1
}

// Entry is one line of a file.
type Entry struct {
	Name  string
	Value Value
}

// File is a configuration: its entries in the order in which they stand.
type File struct {
	Name    string // for messages
	Entries []Entry
	manner  Manner
	index   map[string]int
}

// Get gives the value of a name, or nil. Of several entries the first counts.
func (f *File) Get(name string) *Value {
	if f.index == nil {
		f.index = make(map[string]int, len(f.Entries))
		for i, e := range f.Entries {
			k := f.key(e.Name)
			if _, ok := f.index[k]; !ok {
				f.index[k] = i
			}
		}
	}
	if i, ok := f.index[f.key(name)]; ok {
		return &f.Entries[i].Value
	}
	return nil
}

func (f *File) key(name string) string {
	if f.manner == VMX {
		return strings.ToLower(name)
	}
	return name
}

// At notes in an error where the value stands that it is about; v may be nil.
func (f *File) At(e *xml.Error, v *Value) error {
	if v != nil {
		e.File, e.Line, e.Column = f.Name, v.Line, 1
	}
	return e
}
