package drivers

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCache: a file that is kept takes old ones and what killed writers left along.
func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	Cache(filepath.Join(dir, "a"), []byte("1"))
	for name, age := range map[string]time.Duration{tempPrefix + "old": 2 * time.Minute, tempPrefix + "new": 0, "b": 24 * time.Hour, "c": 100 * 24 * time.Hour} {
		path, when := filepath.Join(dir, name), time.Now().Add(-age)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	Cache(filepath.Join(dir, "a"), []byte("2"))
	for name, want := range map[string]bool{"a": true, "b": true, "c": false, tempPrefix + "old": false, tempPrefix + "new": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "a")); string(data) != "2" {
		t.Errorf("%q, %v", data, err)
	}
}
