package commands

import "testing"

func TestFurtherWords(t *testing.T) {
	table := NewTable()
	for _, tt := range []struct {
		name    string
		words   []string
		more    int
		literal string // the error where the words name no objects
	}{
		{"one", []string{"suspend", "a"}, 0, ""},
		{"two", []string{"suspend", "a", "b"}, 1, "unexpected data 'b'"},
		{"a mode", []string{"shutdown", "a", "acpi"}, 0, ""},
		{"no mode", []string{"shutdown", "a", "b"}, 1, ""},
		{"no mode twice", []string{"shutdown", "a", "b", "c"}, 2, "unexpected data 'c'"},
		{"a mode and more", []string{"shutdown", "a", "b", "acpi,agent"}, 1, "unexpected data 'b'"},
		{"positionals first", []string{"setmem", "a", "1", "b"}, 1, "unexpected data 'b'"},
		{"a required word is that", []string{"attach-interface", "a", "bogus", "x"}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := table.ParseArgv(tt.words)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(list[0].more); n != tt.more {
				t.Errorf("%d further words, want %d", n, tt.more)
			}
			text := ""
			if _, err := list[0].literal(); err != nil {
				text = err.Error()
			}
			if text != tt.literal {
				t.Errorf("literally: %q, want %q", text, tt.literal)
			}
		})
	}
}
