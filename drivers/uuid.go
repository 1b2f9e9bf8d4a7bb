package drivers

import (
	"encoding/binary"
	"math/rand/v2"

	"virgo/xml"
)

// NewUUID makes a random UUID. It is a name, not a secret: the runtime's generator,
// which the kernel seeds for each process, needs no time to be set up.
func NewUUID() string {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return xml.FormatUUID(b)
}

// NewMAC makes a random Ethernet address in QEMU's range.
func NewMAC() string {
	u := NewUUID()
	return "52:54:00:" + u[0:2] + ":" + u[2:4] + ":" + u[4:6]
}
