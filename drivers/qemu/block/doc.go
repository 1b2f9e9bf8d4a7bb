// Package block keeps the block nodes of a running guest: it puts images above
// those of its disks, joins and copies them while the guest runs, and keeps the
// guest's documents true meanwhile. What it is in the middle of is on disk, so
// that whoever comes after it can bring it to an end.
package block
