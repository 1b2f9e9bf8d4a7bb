package domain

import (
	"virgo/drivers"
	"virgo/xml"
)

// Print prints a definition as dumpxml does. Of the flags it knows Inactive,
// SecurityInfo and MigratableXML (which implies both). d is not changed.
func Print(d *xml.Domain, t *Traits, f drivers.Flags) ([]byte, error) {
	c := *d
	if f.Has(drivers.MigratableXML) {
		f |= drivers.Inactive | drivers.SecurityInfo
		migratable(&c, t)
	}
	if !f.Has(drivers.SecurityInfo) {
		hideSecrets(&c)
	}
	return xml.Marshal(&c)
}
