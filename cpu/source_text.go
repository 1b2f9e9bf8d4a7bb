package cpu

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"virgo/xml"
)

// loadDump reads the text of cpuid -r: of several CPUs the first.
func loadDump(src xml.Source, f func(*Source) error) error {
	var d Dump
	cpus := 0
	for i, line := range strings.Split(string(src.Data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasSuffix(line, ":") {
			if cpus++; cpus > 1 && len(d.Leaves) > 0 {
				break
			}
			continue
		}
		leaf, subleaf, r, err := dumpLine(line)
		if err != nil {
			e := xml.Errorf(xml.CodePlain, "%s:%d: not a line of a CPUID dump: %v", src.Name, i+1, err)
			e.File, e.Line = src.Name, i+1
			return e
		}
		d.add(leaf, subleaf, r)
	}
	return f(&Source{Name: src.Name, Kind: SourceCPUID, Arch: "x86_64", data: read(&d)})
}

// dumpLine reads "0xLEAF 0xSUBLEAF: eax=0x... ebx=0x... ecx=0x... edx=0x...".
func dumpLine(line string) (leaf, subleaf uint32, r Registers, err error) {
	head, tail, ok := strings.Cut(line, ":")
	words := strings.Fields(head)
	if !ok || len(words) < 1 || len(words) > 2 {
		return 0, 0, r, fmt.Errorf("want leaf, subleaf and a colon: %q", line)
	}
	number := func(s string) uint32 {
		v, e := strconv.ParseUint(s, 0, 32)
		if e != nil && err == nil {
			err = fmt.Errorf("not a number: %q", s)
		}
		return uint32(v)
	}
	leaf = number(words[0])
	if len(words) == 2 {
		subleaf = number(words[1])
	}
	for _, word := range strings.Fields(tail) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "eax":
			r.EAX = number(value)
		case "ebx":
			r.EBX = number(value)
		case "ecx":
			r.ECX = number(value)
		case "edx":
			r.EDX = number(value)
		default:
			return 0, 0, r, fmt.Errorf("not a register: %q", word)
		}
	}
	return leaf, subleaf, r, err
}

// cpuinfoField gives a field's value of the first CPU, "" if it is not there.
func cpuinfoField(text []byte, field string) string {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && string(bytes.TrimSpace(name)) == field {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// linuxNames are the features that the Linux kernel spells otherwise, beyond
// _ for - and for the dot.
var linuxNames = [...][2]string{
	{"tsc_deadline_timer", "tsc-deadline"}, {"pclmulqdq", "pclmuldq"}, {"cqm", "cmt"}, {"cqm_mbm_total", "mbm_total"},
	{"cqm_mbm_local", "mbm_local"}, {"nonstop_tsc", "invtsc"}, {"avx512_vbmi2", "avx512vbmi2"}, {"avx512_vnni", "avx512vnni"},
	{"avx512_bitalg", "avx512bitalg"}, {"avx512vbmi", "avx512vbmi"}, {"cr8_legacy", "cr8legacy"}, {"amd_dcm", ""},
	{"flush_l1d", "flush-l1d"}, {"user_shstk", "cet-ss"}, {"ibrs", ""}, {"stibp", ""}, {"ibpb", ""}, {"ssbd", ""},
}

// loadCPUInfo reads /proc/cpuinfo: what the kernel shows of the features, which
// is not all that a CPU has.
func loadCPUInfo(src xml.Source, f func(*Source) error) error {
	var r raw
	r.vendor = vendorByID(cpuinfoField(src.Data, "vendor_id"))
	for _, x := range []struct {
		field string
		to    *int
	}{{"cpu family", &r.signature.Family}, {"model", &r.signature.Model}, {"stepping", &r.signature.Stepping}} {
		if text := cpuinfoField(src.Data, x.field); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return xml.Errorf(xml.CodePlain, "%s: field '%s' is not a number: %q", src.Name, x.field, text)
			}
			*x.to = n
		}
	}
	for _, flag := range strings.Fields(cpuinfoField(src.Data, "flags")) {
		if i := linuxFeature(flag); i >= 0 && i < mapFeatures {
			r.features.add(i)
		}
	}
	return f(&Source{Name: src.Name, Kind: SourceCPUInfo, Arch: "x86_64", data: r})
}

// linuxFeature finds a feature by the kernel's name of it, or gives -1.
func linuxFeature(flag string) int {
	for _, n := range linuxNames {
		if n[0] == flag {
			if n[1] == "" {
				return -1
			}
			return findFeature(n[1])
		}
	}
	for _, name := range [...]string{flag, strings.ReplaceAll(flag, "_", "-"), strings.ReplaceAll(flag, "_", "."), strings.ReplaceAll(flag, "_", "")} {
		if i := findFeature(name); i >= 0 {
			return i
		}
	}
	return -1
}
