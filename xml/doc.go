// Package xml reads, checks and writes the documents of libvirt: domains,
// networks, capabilities and the rest. The Go types are the schema: a struct
// lists an element's attributes and children in the order in which they are
// printed, and the codec follows the struct's tags.
//
// The package does no I/O and imports nothing of virgo.
//
// # Tags
//
//	Type    string      `xml:"type,attr"`               // attribute; printed unless zero
//	Name    string      `xml:"name"`                     // child element with text; printed unless zero
//	Disks   []Disk      `xml:"disk"`                     // repeated child elements
//	OS      *OS         `xml:"os"`                       // child element, optional
//	Cores   uint        `xml:"topology>cores"`           // path: nested elements without a type of their own
//	Text    string      `xml:",text"`                    // the element's own text
//	Hostdev []*Node     `xml:"hostdev"`                  // known to the schema, not modelled: kept and printed
//
// Options after the name: attr, text, required (its absence is the peer's
// error "Missing required attribute ..."), empty (printed even if zero, as
// <devices></devices>), nonzero (zero is refused), trim.
// A further tag `enum:"a b c"` lists the values that a string may have;
// `unknown:"..."` is the error's format where it is not the usual
// "Invalid value for attribute ...".
// A type with rules that tags cannot say implements NodeDecoder, NodeEncoder.
package xml
