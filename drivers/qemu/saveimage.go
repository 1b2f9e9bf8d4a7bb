package qemu

import (
	"bytes"
	"encoding/binary"
	"io"

	"virgo/xml"
)

// A saved guest is a file of libvirt's own form: a header, the guest's document
// and a cookie that says what QEMU made of its CPU, room for a longer document,
// and what QEMU writes when it migrates, perhaps through a compressing program.
// A libvirtd can restore what is saved here, and the other way round.

const (
	saveMagic    = "LibvirtQemudSave"
	unfinished   = "LibvirtQemudPart" // the magic of a file that is being written
	saveVersion  = 2
	saveHeader   = 92
	saveRoom     = 64 << 10  // for a document that is longer than the first one
	longestState = 256 << 20 // of document and room: what is more is no such file
)

// saveFormat is a form of the memory in a saved guest. Its place in the list is
// its number in the file.
type saveFormat struct {
	name       string
	compress   []string // the program; nil: none
	decompress []string
}

var saveFormats = []saveFormat{
	{name: "raw"},
	{"gzip", []string{"gzip", "-c"}, []string{"gzip", "-dc"}},
	{"bzip2", []string{"bzip2", "-c"}, []string{"bzip2", "-dc"}},
	{"xz", []string{"xz", "-c"}, []string{"xz", "-dc"}},
	{"lzop", []string{"lzop", "-c", "--ignore-warn"}, []string{"lzop", "-dc", "--ignore-warn"}},
	{"zstd", []string{"zstd", "-c"}, []string{"zstd", "-dc"}},
	{name: "sparse"},
}

// sparseFormat is the one that QEMU writes by itself, each page at its place.
const sparseFormat = 6

// saveFormatNumber is the number of a form, -1 if there is none of that name.
func saveFormatNumber(name string) int {
	for i, f := range saveFormats {
		if f.name == name {
			return i
		}
	}
	return -1
}

// saveImage is what stands in a saved guest before its memory.
type saveImage struct {
	Running bool // the guest ran
	Format  int
	Doc     []byte
	Cookie  []byte // nil: none
	Room    int    // bytes for document and cookie with their ends
	Order   binary.ByteOrder
	File    madeFile // which file that was
}

// memory is where the memory begins.
func (s *saveImage) memory() int64 { return saveHeader + int64(s.Room) }

// fits tells whether document and cookie have room.
func (s *saveImage) fits() bool { return s.length() <= s.Room }

func (s *saveImage) length() int {
	n := len(s.Doc) + 1
	if s.Cookie != nil {
		n += len(s.Cookie) + 1
	}
	return n
}

// newSaveImage leaves room for a longer document.
func newSaveImage(doc, cookie []byte, running bool, format int) *saveImage {
	s := &saveImage{Running: running, Format: format, Doc: doc, Cookie: cookie, Order: binary.NativeEndian}
	s.Room = s.length() + saveRoom
	return s
}

// bytes are header, document and cookie.
func (s *saveImage) bytes(magic string) []byte {
	out := make([]byte, s.memory())
	copy(out, magic)
	number := func(at, n int) { s.Order.PutUint32(out[at:], uint32(n)) }
	number(16, saveVersion)
	number(20, s.Room)
	if s.Running {
		number(24, 1)
	}
	number(28, s.Format)
	copy(out[saveHeader:], s.Doc)
	if s.Cookie != nil {
		number(32, len(s.Doc)+1)
		copy(out[saveHeader+len(s.Doc)+1:], s.Cookie)
	}
	return out
}

// badImage is the error for a file that no guest can be restored from. As a
// managed save it counts as none.
type badImage struct{ error }

func (b badImage) Unwrap() error { return b.error }

func imageError(format string, args ...any) error {
	return badImage{xml.Errorf(xml.CodeOperationFailed, format, args...)}
}

// readSaveImage reads what stands before the memory.
func readSaveImage(r io.Reader) (*saveImage, error) {
	head := make([]byte, saveHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, imageError("failed to read qemu header")
	}
	switch string(head[:16]) {
	case saveMagic:
	case unfinished:
		return nil, imageError("save image is incomplete")
	default:
		return nil, imageError("image magic is incorrect")
	}
	s := &saveImage{Order: binary.LittleEndian}
	if s.Order.Uint32(head[16:]) > saveVersion { // another machine's, which counts the other way
		s.Order = binary.BigEndian
	}
	number := func(at int) uint32 { return s.Order.Uint32(head[at:]) }
	if v := number(16); v > saveVersion {
		return nil, xml.Errorf(xml.CodeOperationFailed, "image version is not supported (%d > %d)", int32(v), saveVersion)
	}
	length, cookie := number(20), number(32)
	if int32(length) <= 0 {
		return nil, xml.Errorf(xml.CodeOperationFailed, "invalid header data length: %d", int32(length))
	}
	if length > longestState || cookie != 0 && cookie >= length || int(number(28)) >= len(saveFormats) {
		return nil, xml.Errorf(xml.CodeOperationFailed, "invalid save image header")
	}
	s.Room, s.Running, s.Format = int(length), number(24) != 0, int(number(28))
	data, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil || len(data) < int(length) {
		return nil, xml.Errorf(xml.CodeOperationFailed, "failed to read domain XML")
	}
	if cookie != 0 {
		s.Cookie, _, _ = bytes.Cut(data[cookie:], []byte{0})
		data = data[:cookie]
	}
	s.Doc, _, _ = bytes.Cut(data, []byte{0})
	return s, nil
}

// saveCookie is what QEMU made of the guest that the document does not say.
type saveCookie struct {
	_           struct{}  `root:"cookie"`
	CPU         *xml.CPU  `el:"cpu"`
	SlirpHelper *struct{} `el:"slirpHelper,bare"`
}

func (c saveCookie) bytes() ([]byte, error) { return xml.Marshal(c) }

// cookie reads it; one that cannot be read says nothing.
func (s *saveImage) cookie() saveCookie {
	var c saveCookie
	if s.Cookie != nil {
		root, err := xml.Parse(xml.Source{Name: "cookie", Data: s.Cookie})
		if err != nil {
			return c
		}
		if n := root.Child("cpu"); n != nil {
			if cpu, err := xml.DecodeCPU(n, xml.GuestCPU); err == nil {
				c.CPU = cpu
			}
		}
	}
	return c
}
