package cpu

import (
	"bytes"
	"os"
	"testing"

	"virgo/xml"
)

func BenchmarkBaselineFile(b *testing.B) {
	one, err := os.ReadFile("testdata/haswell-host.xml")
	if err != nil {
		b.Fatal(err)
	}
	src := xml.Source{Name: "cpus", Data: bytes.Repeat(one, 1000)}
	b.SetBytes(int64(len(src.Data)))
	b.ReportAllocs()
	for range b.N {
		base := Baseliner{}
		err := LoadEach(src, func(s *Source) error {
			c, err := s.CPU(xml.HostCPU)
			if err != nil {
				return err
			}
			return base.Add(c)
		})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := base.Finish(); err != nil {
			b.Fatal(err)
		}
	}
}

func host(tb testing.TB) *xml.CPU {
	one, err := os.ReadFile("testdata/haswell-host.xml")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := Load(xml.Source{Name: "host", Data: one})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := s.CPU(xml.AnyCPU)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func BenchmarkCompare(b *testing.B) {
	h := host(b)
	guest := &xml.CPU{Mode: "custom", Match: "exact", Model: "Haswell", Features: []xml.CPUFeature{{Policy: "require", Name: "vmx"}}}
	b.ReportAllocs()
	for range b.N {
		if _, err := Compare(h, guest, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHost(b *testing.B) {
	text, err := os.ReadFile("testdata/westmere.cpuid")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		s, err := Load(xml.Source{Name: "dump", Data: text})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Decode(false, nil); err != nil {
			b.Fatal(err)
		}
	}
}
