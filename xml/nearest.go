package xml

import "strings"

// Nearest is the known name that a mistyped one may mean: it differs in two
// letters at most, in one if the name is short, or is the only one of which one
// begins with the other. "" if there is none.
func Nearest(name string, known []string) string {
	best, distance := "", 3
	if len(name) < 4 {
		distance = 2
	}
	for _, s := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(s)); d < distance {
			best, distance = s, d
		}
	}
	if best != "" {
		return best
	}
	const least = 3 // letters, or too much begins with it
	for _, s := range known {
		if len(s) >= least && len(name) >= least && (strings.HasPrefix(name, s) || strings.HasPrefix(s, name)) {
			if best != "" {
				return ""
			}
			best = s
		}
	}
	return best
}

// editDistance is how many letters differ.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		last := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			last, row[j] = row[j], min(last+cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
