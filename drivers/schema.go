package drivers

import "virgo/xml"

// CheckSchema compares a document with its type if flags ask for it.
func CheckSchema(f Flags, src xml.Source, v any, schema string) error {
	if !f.Has(Validate) {
		return nil
	}
	return xml.CheckSchema(src, v, schema)
}
