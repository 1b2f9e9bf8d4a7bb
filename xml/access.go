package xml

import (
	"reflect"
	"unsafe"
)

// Reading and printing go through structs by their fields' offsets, which plans
// know: half the time of going through reflect.Value. All such access is in
// this file; a place is always inside an object that something else points to.

// in is the field's place in a struct.
func (f *field) in(base unsafe.Pointer) unsafe.Pointer { return unsafe.Add(base, f.offset) }

// pointee is what a pointer field points to, nil if it is unset.
func pointee(at unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(at) }

func setPointee(at, to unsafe.Pointer) { *(*unsafe.Pointer)(at) = to }

// make allocates a value of the field's type.
func (f *field) make() unsafe.Pointer { return reflect.New(f.typ).UnsafePointer() }

func textAt(at unsafe.Pointer) *string { return (*string)(at) }

func flagAt(at unsafe.Pointer) *bool { return (*bool)(at) }

func nodeAt(at unsafe.Pointer) **Node { return (**Node)(at) }

func (f *field) uint(at unsafe.Pointer) uint64 {
	switch f.typ.Size() {
	case 1:
		return uint64(*(*uint8)(at))
	case 2:
		return uint64(*(*uint16)(at))
	case 4:
		return uint64(*(*uint32)(at))
	}
	return *(*uint64)(at)
}

func (f *field) int(at unsafe.Pointer) int64 {
	switch f.typ.Size() {
	case 1:
		return int64(*(*int8)(at))
	case 2:
		return int64(*(*int16)(at))
	case 4:
		return int64(*(*int32)(at))
	}
	return *(*int64)(at)
}

// setBits stores the low bits of u, which is of either sign.
func (f *field) setBits(at unsafe.Pointer, u uint64) {
	switch f.typ.Size() {
	case 1:
		*(*uint8)(at) = uint8(u)
	case 2:
		*(*uint16)(at) = uint16(u)
	case 4:
		*(*uint32)(at) = uint32(u)
	default:
		*(*uint64)(at) = u
	}
}

// zero tells whether there is nothing at the place.
func (f *field) zero(at unsafe.Pointer) bool { return reflect.NewAt(f.typ, at).Elem().IsZero() }

// slice is what a slice is in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// items are the places of a list's items.
func (f *field) items(at unsafe.Pointer) (first unsafe.Pointer, count int, stride uintptr) {
	s := (*slice)(at)
	return s.data, s.len, f.stride()
}

func (f *field) stride() uintptr {
	if f.ptr || f.kind == kindNode {
		return unsafe.Sizeof(uintptr(0))
	}
	return f.typ.Size()
}

// grow makes a list of that many zero items.
func (f *field) grow(at unsafe.Pointer, count int) (first unsafe.Pointer) {
	item := f.typ
	if f.ptr {
		item = reflect.PointerTo(item)
	}
	out := reflect.MakeSlice(reflect.SliceOf(item), count, count)
	*(*slice)(at) = slice{out.UnsafePointer(), count, count}
	return out.UnsafePointer()
}

// shorten leaves the first items of a list.
func (f *field) shorten(at unsafe.Pointer, count int) {
	(*slice)(at).len = count
}

// face is what an interface without methods is in memory.
type face struct{ typ, value unsafe.Pointer }

// boxOf is the word for a pointer type in an interface.
func boxOf(pointer reflect.Type) unsafe.Pointer {
	v := reflect.Zero(pointer).Interface()
	return (*face)(unsafe.Pointer(&v)).typ
}

// boxed is the pointer to the place, of the type that box stands for, in an
// interface.
func boxed(box, at unsafe.Pointer) any {
	f := face{box, at}
	return *(*any)(unsafe.Pointer(&f))
}
