package tests

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"virgo/drivers/open"
	"virgo/shell"
)

// BenchmarkSession runs scripts of a thousand equal commands, start included.
func BenchmarkSession(b *testing.B) {
	for _, command := range []string{"echo x", "dominfo test", "dumpxml test"} {
		b.Run(command, func(b *testing.B) { benchmarkScript(b, strings.Repeat(command+";", 1000)) })
	}
	b.Run("one list", func(b *testing.B) { benchmarkScript(b, "list") })
}

func benchmarkScript(b *testing.B, script string) {
	b.ReportAllocs()
	for range b.N {
		var out bytes.Buffer
		status := shell.Main(context.Background(), shell.Process{Args: []string{"virgo", "-c", "test:///default", script}, In: strings.NewReader(""),
			Out: &out, Err: &out, Getenv: func(string) string { return "" }, Open: open.Open})
		if status != 0 {
			b.Fatal(out.String())
		}
	}
}
