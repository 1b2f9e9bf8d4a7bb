package commands

import "testing"

func TestDrawTable(t *testing.T) {
	rows := [][]string{{"Id", "Name", "State"}, {"1", "日本", "running"}, {"-", "x y ", ""}}
	want := " Id   Name   State\n----------------------\n 1    日本   running\n -    x y    \n"
	if got := drawTable(rows, true); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got := drawTable([][]string{{"only"}, {"a"}}, true); got != " only\n-------\n a\n" {
		t.Errorf("one column: %q", got)
	}
	if got := drawTable(nil, true); got != "" {
		t.Errorf("no rows: %q", got)
	}
}
