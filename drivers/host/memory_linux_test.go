package host

import (
	"context"
	"strings"
	"testing"
)

// TestNodeMemoryStats: the host has what its kernel says, a cell has less to say,
// one that is not there is an error.
func TestNodeMemoryStats(t *testing.T) {
	var f Facts
	list, err := f.NodeMemoryStats(context.Background(), -1)
	if err != nil || len(list) != 5 || list[0].Name != "total" || list[4].Name != "available" {
		t.Fatalf("%v %v", list, err)
	}
	if list[0].Value.(uint64) < list[4].Value.(uint64) {
		t.Errorf("more available than there is: %v", list)
	}
	for _, cell := range []int{-2, len(Cells())} {
		if _, err := f.NodeMemoryStats(context.Background(), cell); err == nil || !strings.Contains(err.Error(), "cellNum") {
			t.Errorf("cell %d: %v", cell, err)
		}
	}
}

// TestAllocPages: what cannot be had is an error and changes nothing.
func TestAllocPages(t *testing.T) {
	var f Facts
	for _, c := range []struct {
		size  uint
		first int
		want  string
	}{{4, -1, "system pages pool can't be modified"}, {7, -1, "page size 7 is not available"}, {2048, 9999, "start cell 9999 out of range"}} {
		if err := f.AllocPages(context.Background(), c.size, 1, c.first, 1, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v", c.size, err)
		}
	}
}

// TestSuspendHost: one that is too short, or that the host does not know.
func TestSuspendHost(t *testing.T) {
	if err := (Facts{}).SuspendHost(context.Background(), "mem", 0); err == nil {
		t.Error("no error")
	}
}
