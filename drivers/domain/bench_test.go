package domain

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"virgo/xml"
)

// bigDomain is a definition of about 20 KB, as large hosts have them.
func bigDomain() []byte {
	var b strings.Builder
	b.WriteString(`<domain type='kvm'><name>big</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory unit='GiB'>64</memory>
<vcpu placement='static'>16</vcpu><cputune>`)
	for i := range 16 {
		fmt.Fprintf(&b, "<vcpupin vcpu='%d' cpuset='%d,%d'/>\n", i, i, i+32)
	}
	b.WriteString(`</cputune><os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/><apic/></features>
<cpu mode='host-passthrough'><topology sockets='1' cores='8' threads='2'/></cpu><devices>`)
	for i := range 20 {
		fmt.Fprintf(&b, `<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>
<source file='/var/lib/libvirt/images/big-%d.qcow2'/><target dev='vd%c' bus='virtio'/><serial>serial-%d</serial></disk>`+"\n", i, 'a'+i, i)
	}
	for i := range 20 {
		fmt.Fprintf(&b, `<interface type='bridge'><mac address='52:54:00:00:00:%02x'/><source bridge='br%d'/><model type='virtio'/>
<driver name='vhost' queues='4'/></interface>`+"\n", i, i)
	}
	for i := range 16 {
		fmt.Fprintf(&b, "<channel type='unix'><target type='virtio' name='org.example.port.%d'/></channel>\n", i)
	}
	b.WriteString("<graphics type='vnc'/><serial type='pty'/>")
	for b.Len() < 19<<10 {
		b.WriteString("<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='" + fmt.Sprintf("0x%04x", b.Len()) + "'/></source></hostdev>\n")
	}
	b.WriteString("</devices></domain>")
	return []byte(b.String())
}

// The whole way of define: parsing, completing, printing.
func BenchmarkDefine(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as main does
	data := bigDomain()
	t := qemuTraits()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for range b.N {
		d, err := Parse(xml.Source{Data: data}, t)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Print(d, t, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// Parts of it.
func BenchmarkParts(b *testing.B) {
	data := bigDomain()
	t := qemuTraits()
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			xml.Parse(xml.Source{Data: data})
		}
	})
	n, _ := xml.Parse(xml.Source{Data: data})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			xml.Decode(n, &xml.Domain{})
		}
	})
	b.Run("complete", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			d := &xml.Domain{}
			xml.Decode(n, d)
			Complete(d, t)
		}
	})
	d, err := Parse(xml.Source{Data: data}, t)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("print", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			Print(d, t, 0)
		}
	})
}
