package drivers

import (
	"sync"
	"time"
)

// settleAfter is how long a change of a lazy store may lie before its folder is synced.
const settleAfter = 50 * time.Millisecond

// settler makes the entries of one folder durable, once for many changes.
type settler struct {
	mu    sync.Mutex
	timer *time.Timer // runs while something is not durable
}

// soon has the folder synced a moment later.
func (s *settler) soon(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		s.timer = time.AfterFunc(settleAfter, func() { s.now(dir) })
	}
}

// now syncs the folder if something is not durable, and waits for that.
func (s *settler) now(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
		SyncDir(dir)
	}
}
