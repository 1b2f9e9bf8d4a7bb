package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"virgo/drivers"
)

func event(n int) drivers.Event {
	return drivers.Event{Ref: drivers.Ref{Name: fmt.Sprint(n), Parent: nil}, Name: "lifecycle", Detail: "Started", Reason: "Booted", Time: time.Unix(int64(n), 0).UTC()}
}

// TestJournal: a follower sees every event from its beginning on, in order,
// also across the change to a new file.
func TestJournal(t *testing.T) {
	j := Journal{Path: filepath.Join(t.TempDir(), "run", "events")}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := j.Follow(ctx) // the file is not there yet
	if err != nil {
		t.Fatal(err)
	}
	next := func(n int) {
		t.Helper()
		select {
		case e := <-events:
			if e.Ref.Name != fmt.Sprint(n) || !e.Time.Equal(event(n).Time) {
				t.Fatalf("event %d: %+v", n, e)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("event %d never came", n)
		}
	}
	j.Append(event(1))
	next(1)
	// A file past its size is put aside.
	if err := os.Truncate(j.Path, journalSize+1); err != nil {
		t.Fatal(err)
	}
	j.Append(event(2))
	if _, err := os.Stat(j.Path + ".old"); err != nil {
		t.Error(err)
	}
	j.Append(event(3))
	for _, want := range []string{"2", "3"} {
		select {
		case e := <-events:
			if e.Ref.Name != want {
				t.Fatalf("want event %s: %+v", want, e)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("event %s never came", want)
		}
	}
	cancel()
	for range events { // ends, since the context has
	}
}

// TestJournalMany: lines of several writers do not mix.
func TestJournalMany(t *testing.T) {
	j := Journal{Path: filepath.Join(t.TempDir(), "events")}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 50 {
				j.Append(event(w*50 + i))
			}
		}()
	}
	wg.Wait()
	data, err := os.ReadFile(j.Path)
	if err != nil || strings.Count(string(data), "\n") != 400 {
		t.Fatalf("%d lines, %v", strings.Count(string(data), "\n"), err)
	}
	tail := &tail{ctx: context.Background(), out: make(chan drivers.Event, 400)}
	tail.send(data)
	if len(tail.out) != 400 {
		t.Errorf("%d of 400 lines are whole", len(tail.out))
	}
}

// FuzzTail: a journal that somebody has written into harms nobody.
func FuzzTail(f *testing.F) {
	f.Add([]byte("{\"Name\":\"lifecycle\"}\nnonsense\n{"), 7)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		tail := &tail{ctx: context.Background(), out: make(chan drivers.Event, len(data)+1)}
		if cut < 0 || cut > len(data) {
			cut = len(data)
		}
		tail.send(data[:cut])
		tail.send(data[cut:])
	})
}

func TestGroupName(t *testing.T) {
	for name, want := range map[string]string{"web-1": "web_1", "a/../b": "a____b", "ü x": "__x", strings.Repeat("n", 100): strings.Repeat("n", 60)} {
		if got := groupName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
