package commands

import (
	"strings"
	"testing"
)

// TestOrder: no name is cut in two where a line of the list ends.
func TestOrder(t *testing.T) {
	for _, g := range groups {
		seen := map[string]bool{}
		for _, name := range strings.Fields(g.order) {
			if strings.HasSuffix(name, "-") || strings.HasPrefix(name, "-") || seen[name] {
				t.Errorf("%s: odd name %q", g.keyword, name)
			}
			seen[name] = true
		}
	}
}
