// Package image reads the headers of disk images: what format they have, how
// large the disk in them is, and which file lies below. It is pure: it reads
// what it is given and asks no program.
package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Info is what an image's header tells.
type Info struct {
	Format        string // raw, qcow2 ...: libvirt's names
	Capacity      uint64 // of the disk in it, bytes; 0: the header does not tell
	Backing       string // the file below, as the header names it; "": none
	BackingFormat string // "": the header does not tell
	Compat        string // of qcow2: 0.10 or 1.1
	ClusterSize   uint64
	Encryption    string // luks, luks2, qcow (the old one of qcow and qcow2); "": none
	LazyRefcounts bool
	ExtendedL2    bool
	DataFile      string // of qcow2: the file that holds its data
	DataFileRaw   bool
	Offset        uint64 // of LUKS: where the disk begins, which ends where the file does
}

// headSize is how much of an image is read: what lies behind is none of the
// headers' business.
const headSize = 64 << 10

// Read reads the header of an image. Whatever is none of the known formats is raw.
func Read(r io.ReaderAt) (Info, error) {
	head := make([]byte, headSize)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Info{}, err
	}
	return Parse(head[:n]), nil
}

// ReadAs reads what an image of a known format says of itself, as QEMU is told
// to read it, whatever else its header may look like.
func ReadAs(r io.ReaderAt, format string) (Info, error) {
	info, err := Read(r)
	if err == nil && info.Format != format {
		info = Info{Format: format}
	}
	return info, err
}

// magics tell the formats apart, the surest first.
var magics = [...]struct {
	format string
	at     int
	bytes  string
	parse  func([]byte, *Info)
}{
	{"qcow2", 0, "QFI\xfb\x00\x00\x00\x03", qcow2},
	{"qcow2", 0, "QFI\xfb\x00\x00\x00\x02", qcow2},
	{"qcow", 0, "QFI\xfb\x00\x00\x00\x01", qcow},
	{"qed", 0, "QED\x00", qed},
	{"vmdk", 0, "KDMV", vmdk},
	{"vdi", 64, "\x7f\x10\xda\xbe", func(h []byte, i *Info) { i.Capacity = little64(h, 368) }},
	{"vpc", 0, "conectix", func(h []byte, i *Info) { i.Capacity = big64(h, 48) }},
	{"ploop", 0, "WithoutFreeSpace", func(h []byte, i *Info) { i.Capacity = sectors(little32(h, 36)) }},
	{"ploop", 0, "WithouFreSpacExt", func(h []byte, i *Info) { i.Capacity = sectors(little64(h, 36)) }},
	{"raw", 0, "LUKS\xba\xbe\x00\x01", func(h []byte, i *Info) { i.Encryption, i.Offset = "luks", sectors(big32(h, 104)) }},
	{"raw", 0, "LUKS\xba\xbe\x00\x02", func(h []byte, i *Info) { i.Encryption = "luks2" }},
	{"bochs", 0, "Bochs Virtual HD Image", func(h []byte, i *Info) { i.Capacity = little64(h, 80) }},
	{"cloop", 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", nil},
	{"iso", 32769, "CD001", nil},
}

// Parse reads a header; it may be cut short.
func Parse(head []byte) Info {
	for _, m := range magics {
		if len(head) < m.at || !bytes.HasPrefix(head[m.at:], []byte(m.bytes)) {
			continue
		}
		info := Info{Format: m.format}
		if m.parse != nil {
			m.parse(head, &info)
		}
		return info
	}
	return Info{Format: "raw"}
}

// cut is part of a header, empty where the header ends before.
func cut(h []byte, at, size uint64) []byte {
	if at > uint64(len(h)) || size > uint64(len(h))-at {
		return nil
	}
	return h[at : at+size]
}

func number(h []byte, at, size uint64, order binary.ByteOrder) uint64 {
	b := cut(h, at, size)
	switch {
	case b == nil:
		return 0
	case size == 4:
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}

func big32(h []byte, at uint64) uint64    { return number(h, at, 4, binary.BigEndian) }
func big64(h []byte, at uint64) uint64    { return number(h, at, 8, binary.BigEndian) }
func little32(h []byte, at uint64) uint64 { return number(h, at, 4, binary.LittleEndian) }
func little64(h []byte, at uint64) uint64 { return number(h, at, 8, binary.LittleEndian) }

func sectors(n uint64) uint64 { return n * 512 }

// word is a name in a header: text up to a zero byte.
func word(b []byte) string {
	text, _, _ := bytes.Cut(b, []byte{0})
	return string(text)
}

// maxName is how long a name in a header may be, as QEMU has it.
const maxName = 1023

func qcow2(h []byte, i *Info) {
	i.Capacity, i.Compat = big64(h, 24), "0.10"
	if bits := big32(h, 20); bits < 32 {
		i.ClusterSize = 1 << bits
	}
	if size := big32(h, 16); big64(h, 8) > 0 && size <= maxName {
		i.Backing = word(cut(h, big64(h, 8), size))
	}
	switch big32(h, 32) {
	case 1:
		i.Encryption = "qcow"
	case 2:
		i.Encryption = "luks"
	}
	from := uint64(72)
	if big32(h, 4) >= 3 {
		i.Compat, from = "1.1", big32(h, 100)
		incompatible := big64(h, 72)
		i.LazyRefcounts, i.ExtendedL2 = big64(h, 80)&1 != 0, incompatible&16 != 0
		i.DataFileRaw = incompatible&4 != 0 && big64(h, 88)&2 != 0
	}
	for {
		kind, size := big32(h, from), big32(h, from+4)
		body := cut(h, from+8, size)
		if kind == 0 || body == nil {
			break
		}
		switch kind {
		case 0xe2792aca:
			i.BackingFormat = formatName(word(body))
		case 0x44415441:
			i.DataFile = word(body)
		}
		from += 8 + (size+7)/8*8
	}
	if i.Backing == "" {
		i.BackingFormat = ""
	}
}

// formatName is libvirt's name of a format that a header names as QEMU does.
func formatName(name string) string {
	switch name {
	case "file", "host_device":
		return "raw"
	case "parallels":
		return "ploop"
	}
	return name
}

func qcow(h []byte, i *Info) {
	i.Capacity = big64(h, 24)
	if size := big32(h, 16); big64(h, 8) > 0 && size <= maxName {
		i.Backing = word(cut(h, big64(h, 8), size))
	}
	if big32(h, 36) == 1 {
		i.Encryption = "qcow"
	}
}

func qed(h []byte, i *Info) {
	features := little64(h, 16)
	i.Capacity, i.ClusterSize = little64(h, 48), little32(h, 4)
	if size := little32(h, 60); features&1 != 0 && size <= maxName {
		i.Backing = word(cut(h, little32(h, 56), size))
		if features&4 != 0 {
			i.BackingFormat = "raw"
		}
	}
}

// vmdk reads the numbers and the description behind them, which is text.
func vmdk(h []byte, i *Info) {
	i.Capacity = sectors(little64(h, 12))
	at, size := sectors(little64(h, 28)), sectors(little64(h, 36))
	text := string(cut(h, at, min(size, headSize-min(at, headSize))))
	_, rest, found := strings.Cut(text, "parentFileNameHint=\"")
	if name, _, ok := strings.Cut(rest, "\""); found && ok && len(name) <= maxName {
		i.Backing, i.BackingFormat = name, "vmdk"
	}
}
