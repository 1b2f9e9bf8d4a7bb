//go:build unix

package drivers

import (
	"testing"
	"time"
)

// TestSettle: a lazy store's folder is synced by itself, and at Close at the latest.
func TestSettle(t *testing.T) {
	s := newStore(t.TempDir())
	s.Lazy = true
	open := func() bool {
		s.late.mu.Lock()
		defer s.late.mu.Unlock()
		return s.late.timer != nil
	}
	write := func() {
		t.Helper()
		if err := s.Write("a", "1", document("1", "")); err != nil || !open() {
			t.Fatalf("open %v, %v", open(), err)
		}
	}
	write()
	write()
	if s.Close(); open() {
		t.Error("not synced at Close")
	}
	write()
	for deadline := time.Now().Add(10 * time.Second); open(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not synced by itself")
		}
	}
}
