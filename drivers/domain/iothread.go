package domain

import (
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// IOThreads are a definition's threads for disks; where only their number is given,
// they count from 1.
func IOThreads(def *xml.Domain) []xml.IOThread {
	for id := uint(1); uint(len(def.IOThreadIDs)) < def.IOThreads; id++ {
		if !slices.ContainsFunc(def.IOThreadIDs, func(t xml.IOThread) bool { return t.ID == id }) {
			def.IOThreadIDs = append(def.IOThreadIDs, xml.IOThread{ID: id})
		}
	}
	return def.IOThreadIDs
}

// AddIOThread adds a thread.
func AddIOThread(def *xml.Domain, id int) {
	def.IOThreadIDs = append(def.IOThreadIDs, xml.IOThread{ID: uint(id)})
	def.IOThreads = uint(len(def.IOThreadIDs))
}

// DelIOThread takes the i-th thread away.
func DelIOThread(def *xml.Domain, i int) {
	id := def.IOThreadIDs[i].ID
	def.IOThreadIDs = slices.Delete(def.IOThreadIDs, i, i+1)
	def.IOThreads = uint(len(def.IOThreadIDs))
	if def.CPUTune != nil {
		def.CPUTune.IOThreadPins = slices.DeleteFunc(def.CPUTune.IOThreadPins, func(p xml.IOThreadPin) bool { return p.IOThread == id })
	}
}

// SetPoll sets how long a thread polls.
func SetPoll(t *xml.IOThread, p drivers.Param) {
	v, ok := p.Value.(uint64)
	if !ok {
		return
	}
	if t.Poll == nil {
		t.Poll = &xml.IOThreadPoll{}
	}
	switch p.Name {
	case "poll_max_ns":
		t.Poll.Max = &v
	case "poll_grow":
		t.Poll.Grow = &v
	case "poll_shrink":
		t.Poll.Shrink = &v
	}
}

// PinIOThread says where a thread may run.
func PinIOThread(def *xml.Domain, id int, cpus xml.Set) {
	if def.CPUTune == nil {
		def.CPUTune = &xml.CPUTune{}
	}
	t := def.CPUTune
	t.IOThreadPins = slices.DeleteFunc(t.IOThreadPins, func(p xml.IOThreadPin) bool { return int(p.IOThread) == id })
	t.IOThreadPins = append(t.IOThreadPins, xml.IOThreadPin{IOThread: uint(id), CPUSet: xml.CPUSet(cpus.String())})
}
