package remote

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"

	libvirt "github.com/digitalocean/go-libvirt"
)

// errShort says that a packet ends before what it is to hold.
var errShort = errors.New("the packet is too short")

// encoder writes values as XDR does: all in multiples of four bytes, big-endian.
type encoder struct{ buf []byte }

func (e *encoder) uint32(v uint32) { e.buf = binary.BigEndian.AppendUint32(e.buf, v) }
func (e *encoder) uint64(v uint64) { e.buf = binary.BigEndian.AppendUint64(e.buf, v) }

func (e *encoder) pad() {
	for len(e.buf)%4 != 0 {
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) string(s string) {
	e.uint32(uint32(len(s)))
	e.buf = append(e.buf, s...)
	e.pad()
}

// value writes any value that a call takes. A nil *string is an absent string.
func (e *encoder) value(v any) {
	switch v := v.(type) {
	case uint32:
		e.uint32(v)
	case int32:
		e.uint32(uint32(v))
	case int:
		e.uint32(uint32(int32(v)))
	case uint64:
		e.uint64(v)
	case int64:
		e.uint64(uint64(v))
	case string:
		e.string(v)
	case bool:
		e.bool(v)
	case []byte:
		e.uint32(uint32(len(v)))
		e.buf = append(e.buf, v...)
		e.pad()
	case *string:
		if e.bool(v != nil); v != nil {
			e.string(*v)
		}
	case []libvirt.TypedParam:
		e.uint32(uint32(len(v)))
		for i := range v {
			e.param(&v[i])
		}
	default:
		e.reflect(reflect.ValueOf(v))
	}
}

func (e *encoder) bool(v bool) {
	if v {
		e.uint32(1)
	} else {
		e.uint32(0)
	}
}

func (e *encoder) param(p *libvirt.TypedParam) {
	e.string(p.Field)
	e.uint32(p.Value.D)
	switch v := p.Value.I.(type) {
	case float64:
		e.uint64(math.Float64bits(v))
	default:
		e.value(v)
	}
}

// reflect writes go-libvirt's structs and lists.
func (e *encoder) reflect(v reflect.Value) {
	switch v.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		e.uint32(uint32(v.Int()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		e.uint32(uint32(v.Uint()))
	case reflect.Int64:
		e.uint64(uint64(v.Int()))
	case reflect.Uint64:
		e.uint64(v.Uint())
	case reflect.String:
		e.string(v.String())
	case reflect.Array: // of bytes alone: UUIDs
		for i := range v.Len() {
			e.buf = append(e.buf, byte(v.Index(i).Uint()))
		}
		e.pad()
	case reflect.Slice:
		e.uint32(uint32(v.Len()))
		for i := range v.Len() {
			e.reflect(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			e.reflect(v.Field(i))
		}
	default:
		panic("remote: cannot encode " + v.Kind().String())
	}
}

// decoder reads values of a packet. Once something does not fit, err is set and
// all further values are zero. It never holds more than a small multiple of the
// packet's size.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errShort
	}
	d.buf = nil
}

func (d *decoder) uint32() uint32 {
	if len(d.buf) < 4 {
		d.fail()
		return 0
	}
	v := binary.BigEndian.Uint32(d.buf)
	d.buf = d.buf[4:]
	return v
}

func (d *decoder) uint64() uint64 {
	if len(d.buf) < 8 {
		d.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(d.buf)
	d.buf = d.buf[8:]
	return v
}

// bytes takes n bytes and the padding after them.
func (d *decoder) bytes(n uint32) []byte {
	padded := (uint64(n) + 3) &^ 3
	if padded > uint64(len(d.buf)) {
		d.fail()
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[padded:]
	return b
}

func (d *decoder) string() string { return string(d.bytes(d.uint32())) }

// count is a list's length; each member takes at least four bytes.
func (d *decoder) count() int {
	n := d.uint32()
	if uint64(n)*4 > uint64(len(d.buf)) {
		d.fail()
		return 0
	}
	return int(n)
}

// value reads into what p points to.
func (d *decoder) value(p any) {
	switch p := p.(type) {
	case *uint32:
		*p = d.uint32()
	case *int32:
		*p = int32(d.uint32())
	case *uint64:
		*p = d.uint64()
	case *int64:
		*p = int64(d.uint64())
	case *string:
		*p = d.string()
	case *bool:
		*p = d.uint32() != 0
	case *[]byte:
		*p = append([]byte(nil), d.bytes(d.uint32())...)
	case *[]libvirt.TypedParam:
		*p = d.params()
	case *chars:
		*p = d.chars()
	default:
		d.reflect(reflect.ValueOf(p).Elem())
	}
}

// chars reads a list of characters, each of which takes four bytes.
func (d *decoder) chars() chars {
	n := d.count()
	list := make([]int8, n)
	for i := range list {
		list[i] = int8(d.uint32())
	}
	return chars(charsText(list))
}

func (d *decoder) params() []libvirt.TypedParam {
	n := d.count()
	list := make([]libvirt.TypedParam, 0, n)
	for i := 0; i < n && d.err == nil; i++ {
		list = append(list, d.param())
	}
	return list
}

func (d *decoder) param() libvirt.TypedParam {
	p := libvirt.TypedParam{Field: d.string()}
	p.Value.D = d.uint32()
	switch p.Value.D {
	case 1:
		p.Value.I = int32(d.uint32())
	case 2:
		p.Value.I = d.uint32()
	case 3:
		p.Value.I = int64(d.uint64())
	case 4:
		p.Value.I = d.uint64()
	case 5:
		p.Value.I = math.Float64frombits(d.uint64())
	case 6:
		p.Value.I = d.uint32() != 0
	case 7:
		p.Value.I = d.string()
	default:
		d.fail()
	}
	return p
}

var (
	paramType = reflect.TypeFor[libvirt.TypedParam]()
	byteType  = reflect.TypeFor[byte]()
)

// reflect reads go-libvirt's structs and lists.
func (d *decoder) reflect(v reflect.Value) {
	if d.err != nil {
		return
	}
	if v.Type() == paramType {
		v.Set(reflect.ValueOf(d.param()))
		return
	}
	switch v.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		v.SetInt(int64(int32(d.uint32())))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(d.uint32()))
	case reflect.Int64:
		v.SetInt(int64(d.uint64()))
	case reflect.Uint64:
		v.SetUint(d.uint64())
	case reflect.String:
		v.SetString(d.string())
	case reflect.Array:
		d.array(v)
	case reflect.Slice:
		if v.Type().Elem() == byteType {
			v.SetBytes(append([]byte(nil), d.bytes(d.uint32())...))
			return
		}
		n := d.count()
		list := reflect.MakeSlice(v.Type(), n, n)
		for i := 0; i < n && d.err == nil; i++ {
			d.reflect(list.Index(i))
		}
		v.Set(list)
	case reflect.Struct:
		for i := range v.NumField() {
			d.reflect(v.Field(i))
		}
	default:
		panic("remote: cannot decode " + v.Kind().String())
	}
}

// array reads a UUID, which is packed, or characters, each of which takes four bytes.
func (d *decoder) array(v reflect.Value) {
	if v.Type().Elem() == byteType {
		reflect.Copy(v, reflect.ValueOf(append(d.bytes(uint32(v.Len())), make([]byte, v.Len())...)))
		return
	}
	for i := range v.Len() {
		d.reflect(v.Index(i))
	}
}
