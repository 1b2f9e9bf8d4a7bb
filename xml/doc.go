// Package xml reads, checks and writes the documents of libvirt: domains,
// networks, capabilities and the rest. The Go types are the schema: a struct
// lists an element's attributes and children in the order in which they are
// printed, and the codec follows the struct's tags.
//
// The package does no I/O and imports nothing of virgo.
//
// # Tags
//
//	Type    string      `el:"type,attr"`               // attribute; printed unless zero
//	Name    string      `el:"name"`                     // child element with text; printed unless zero
//	Disks   []Disk      `el:"disk"`                     // repeated child elements
//	OS      *OS         `el:"os"`                       // child element, optional
//	Cores   uint        `el:"topology>cores"`           // path: nested elements without a type of their own
//	Text    string      `el:",text"`                    // the element's own text
//	Hostdev []*Node     `el:"hostdev"`                  // known to the schema, not modelled: kept and printed
//
// Options after the name:
//
//	attr       an attribute
//	text       the element's own text
//	required   absence is an error: "Missing required attribute ..."
//	filled     required, and an empty word is absence too
//	kept       an empty text is read as Blank, which is printed, unlike one that is absent
//	wanted     CheckSchema wants it, though reading does not
//	empty      printed even if zero
//	nonzero    0 is refused (of an enum: its first word)
//	bare       an optional element that is printed although nothing is inside
//	           and it has no attributes; others are left out then
//	nonneg     a signed number in C, so that errors say so; negative is refused
//	blank      "" counts as absent, although not in enum
//	trim       blanks around the text are dropped
//	hex=N      a number printed as 0x and N digits; anybase
//	anybase    a number read in base 8, 10 or 16
//	order=N    read as Nth of the struct's fields; those without follow in
//	           the order in which they stand. Which of two errors is told
//	           depends on it.
//
// A blank field names a document's root: _ struct{} `root:"domain"`, or, with
// the option pair (`root:",pair"`), an element that is printed as open and end tag although
// nothing is inside.
//
// Further tags: enum:"a b c" lists the values that a string may have;
// like:"regexp" is the form that CheckSchema wants, though reading does not;
// unknown:"unsupported configuration: unknown thing '%s'" is the whole error
// where it is not the usual "Invalid value for attribute ..."; missing:"..." is
// the whole error of absence. In these, %s is the value, %{name} the element's
// attribute of that name, %N the document's name: the text of its root's <name>.
//
// A bool is an element without content that is there or not. Pointers to
// numbers and structs tell absent from zero. OnOff and YesNo are such words;
// a type that implements Value has a text form of its own. A type with rules
// that tags cannot say implements Checker, ChildChecker, or NodeDecoder and NodeEncoder, which
// may use DecodeFields and EncodeFields for the rest.
package xml
