package main

import (
	"fmt"
	"os"
	"strings"

	"virgo/cpu"
	"virgo/xml"
)

func read(name string) (xml.Source, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return xml.Source{}, fmt.Errorf("Failed to open file '%s': No such file or directory", name)
	}
	return xml.Source{Name: name, Data: b}, nil
}

func load(name string) (*cpu.Source, error) {
	s, err := read(name)
	if err != nil {
		return nil, err
	}
	return cpu.Load(s)
}

func main() {
	args := os.Args[1:]
	uri := args[1]
	cmd := args[2]
	var files []string
	opt := map[string]string{}
	for i := 3; i < len(args); i++ {
		if strings.HasPrefix(args[i], "--") {
			if args[i] == "--host-cpu" || args[i] == "--models" {
				opt[args[i]] = args[i+1]
				i++
			} else {
				opt[args[i]] = "1"
			}
			continue
		}
		files = append(files, args[i])
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	show := func(c *xml.CPU, err error) {
		if err != nil {
			fail(err)
		}
		fmt.Println(c.EncodeNode("cpu").String())
	}
	var usable []cpu.Usable
	if opt["--models"] != "" {
		s, err := load(opt["--models"])
		if err != nil {
			fail(err)
		}
		usable = s.Usable
	}
	switch cmd {
	case "cpu-models":
		n, all, err := cpu.Models(files[0])
		if err != nil {
			fmt.Fprintln(os.Stderr, "error: failed to get CPU model names")
			fail(err)
		}
		if all {
			fmt.Println("all CPU models are accepted")
		}
		for _, x := range n {
			fmt.Println(x)
		}
	case "cpu-decode":
		s, err := load(files[0])
		if err != nil {
			fail(err)
		}
		show(s.Decode(opt["--guest"] != "", usable))
	case "cpu-compare":
		s, err := load(files[0])
		if err != nil {
			fail(err)
		}
		fail2 := func(err error) {
			fmt.Fprintln(os.Stderr, "error: Failed to compare host CPU with", files[0])
			fail(err)
		}
		if opt["--host-cpu"] == "" {
			fail2(fmt.Errorf("this function is not supported by the connection driver: virConnectCompareCPU"))
		}
		h, err := load(opt["--host-cpu"])
		if err != nil {
			fail(err)
		}
		host, err := h.CPU(xml.AnyCPU)
		if err != nil {
			fail2(err)
		}
		c, err := s.CPU(xml.AnyCPU)
		if err != nil {
			fail2(err)
		}
		r, err := cpu.Compare(host, c, h.HostArch())
		if err != nil {
			fail2(err)
		}
		switch r.Answer {
		case cpu.Identical:
			fmt.Printf("CPU described in %s is identical to host CPU\n", files[0])
		case cpu.Superset:
			fmt.Printf("Host CPU is a superset of CPU described in %s\n", files[0])
		default:
			if opt["--error"] != "" {
				fail2(r.Err())
			}
			fmt.Printf("CPU described in %s is incompatible with host CPU\n", files[0])
			os.Exit(1)
		}
	case "cpu-update":
		s, err := load(files[0])
		if err != nil {
			fail(err)
		}
		h, err := load(opt["--host-cpu"])
		if err != nil {
			fail(err)
		}
		host, err := h.CPU(xml.AnyCPU)
		if err != nil {
			fail(err)
		}
		g, err := s.CPU(xml.GuestCPU)
		if err != nil {
			fail(err)
		}
		arch := h.HostArch()
		if usable == nil {
			show(cpu.Update(g, cpu.Migratable(host), arch))
			return
		}
		show(cpu.ForStart(g, host, arch, usable))
	case "cpu-baseline":
		test := strings.HasPrefix(uri, "test")
		if test && opt["--migratable"] != "" {
			fail(fmt.Errorf("unsupported flags (0x2) in function testConnectBaselineCPU"))
		}
		b := cpu.Baseliner{Options: cpu.BaselineOptions{Expand: opt["--features"] != "", Migratable: opt["--migratable"] != "", NoUnpassed: !test}}
		var all []*xml.CPU
		for _, f := range files {
			src, err := read(f)
			if err != nil {
				fail(err)
			}
			err = cpu.LoadEach(src, func(s *cpu.Source) error {
				c, err := s.CPU(xml.HostCPU)
				if err != nil {
					return err
				}
				if b.Options.Arch == "" {
					b.Options.Arch = s.HostArch()
				}
				all = append(all, c)
				return nil
			})
			if err != nil {
				fail(err)
			}
		}
		for _, c := range all {
			b.Add(c)
		}
		show(b.Finish())
	}
}
