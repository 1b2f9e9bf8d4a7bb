package block

// Bitmap is a note of which blocks of a node have changed.
type Bitmap struct {
	Name                                      string
	Recording, Persistent, Busy, Inconsistent bool
	Granularity, Count                        uint64
}
