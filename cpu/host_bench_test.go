package cpu

import (
	"errors"
	"testing"
)

func BenchmarkHost(b *testing.B) {
	for range b.N {
		if _, err := Host(); errors.Is(err, errors.ErrUnsupported) {
			b.Skip(err)
		}
	}
}

func BenchmarkHostModel(b *testing.B) {
	for range b.N {
		if _, err := HostModel(); errors.Is(err, errors.ErrUnsupported) {
			b.Skip(err)
		}
	}
}
