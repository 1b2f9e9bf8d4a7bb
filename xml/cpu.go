package xml

// CPU is the <cpu> element of a host or a guest.
type CPU struct {
	Mode, Match, Check string
	Migratable         string
	DeprecatedFeatures string
	Arch               string // hosts only: it makes the element a host's
	Model              string
	Fallback, VendorID string
	Vendor             string
	Features           []CPUFeature
}

// CPUFeature is one feature; a host's has no policy.
type CPUFeature struct{ Policy, Name string }
