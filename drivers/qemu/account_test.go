package qemu

import "testing"

func TestAccountID(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "+5": 5, "-5": -5, "4294967295": -1, "root": 0} {
		if n, err := accountID("user", text); err != nil || n != want {
			t.Errorf("%s: %d %v, want %d", text, n, err, want)
		}
	}
	for _, text := range []string{"", "nosuchuser", "4294967296", "+root", "5x"} {
		if n, err := accountID("group", text); err == nil {
			t.Errorf("%s became %d", text, n)
		}
	}
}
