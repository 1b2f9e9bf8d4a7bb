package remote

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The programs that packets belong to.
const (
	programRemote    = 0x20008086
	programQEMU      = 0x20008087
	programLXC       = 0x20008088
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

// readPacket reads one packet. Its size is checked before memory is taken for
// it, and memory grows with what arrives.
func readPacket(r io.Reader) (h header, body []byte, err error) {
	var head [lengthSize + headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return h, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < lengthSize+headerSize || size > maxPacket {
		return h, nil, &packetError{fmt.Sprintf("packet %d bytes received from server too large, want %d", size, maxPacket)}
	}
	for i, p := range [...]*uint32{&h.program, &h.version, &h.procedure, &h.kind, &h.serial, &h.status} {
		*p = binary.BigEndian.Uint32(head[lengthSize+4*i:])
	}
	body, err = readBody(r, int(size)-lengthSize-headerSize)
	return h, body, err
}

// readBody reads n bytes, at most a MiB more than there are.
func readBody(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	if n <= step {
		body := make([]byte, n)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	var body []byte
	for len(body) < n {
		old := len(body)
		body = append(body, make([]byte, min(step, n-old))...)
		if _, err := io.ReadFull(r, body[old:]); err != nil {
			return nil, err
		}
	}
	return body, nil
}
