package drivers

import (
	"crypto/rand"

	"virgo/xml"
)

// NewUUID makes a random UUID.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return xml.FormatUUID(b)
}
