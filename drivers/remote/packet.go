package remote

import (
	"encoding/binary"
	"fmt"
)

// The programs that packets belong to.
const (
	programRemote    = 0x20008086
	programQEMU      = 0x20008087
	programLXC       = 0x00068000
	programKeepalive = 0x6b656570
)

// The types of packets.
const (
	typeCall     = 0
	typeReply    = 1
	typeMessage  = 2
	typeStream   = 3
	typeCallFDs  = 4
	typeReplyFDs = 5
	typeHole     = 6
)

// The status of packets.
const (
	statusOK    = 0
	statusError = 1
	statusMore  = 2
)

// Sizes in bytes.
const (
	headerSize    = 24
	lengthSize    = 4
	maxPacket     = 32<<20 + lengthSize // the protocol's own limit
	streamPayload = 262120              // what fits a packet of every daemon's
)

// header is the start of each packet. All programs in use have version 1.
type header struct {
	program, version, procedure uint32
	kind                        uint32
	serial                      uint32
	status                      uint32
}

// packet makes one; fill writes what it holds.
func packet(h header, fill func(*encoder)) []byte {
	e := encoder{make([]byte, lengthSize, 256)}
	for _, v := range [...]uint32{h.program, h.version, h.procedure, h.kind, h.serial, h.status} {
		e.uint32(v)
	}
	if fill != nil {
		fill(&e)
	}
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf)))
	return e.buf
}

// packetError says what is wrong with what the other side sent.
type packetError struct{ text string }

func (e *packetError) Error() string { return e.text }

// cutPacket takes a packet from the front of what has come; size is 0 if it is not
// whole. Its size is checked before more is read.
func cutPacket(data []byte) (h header, body []byte, size int, err error) {
	if len(data) < lengthSize {
		return h, nil, 0, nil
	}
	n := binary.BigEndian.Uint32(data)
	if n < lengthSize+headerSize || n > maxPacket {
		return h, nil, 0, &packetError{fmt.Sprintf("packet %d bytes received from server too large, want %d", n, maxPacket)}
	}
	if uint64(len(data)) < uint64(n) {
		return h, nil, 0, nil
	}
	for i, p := range [...]*uint32{&h.program, &h.version, &h.procedure, &h.kind, &h.serial, &h.status} {
		*p = binary.BigEndian.Uint32(data[lengthSize+4*i:])
	}
	return h, data[lengthSize+headerSize : n], int(n), nil
}
