package xen

import (
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

const head = "name = \"x\"\nuuid = \"7b1e3f2a-0c4d-4b66-9a11-d0f0e1a2b3c4\"\nmemory = 64\n"

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		dialect    Dialect
		text, want string
	}{
		"no name":       {XL, "memory = 64", "name"},
		"name's type":   {XL, "name = 7", "name"},
		"UUID":          {XL, "name = \"x\"\nuuid = \"7\"", "7 not parseable"},
		"memory's type": {XL, "name = \"x\"\nmemory = \"lots\"", "memory"},
		"xl's disk":     {XL, head + "disk = [ \"colour=red,vdev=xvda,target=/a\" ]", "colour"},
		"MAC":           {XL, head + "vif = [ \"mac=zz,bridge=b\" ]", "mac"},
		"PCI":           {XL, head + "pci = [ \"here\" ]", "here"},
		"syntax":        {XM, "name = ", "memory conf:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := From(xml.Source{Name: "f", Data: []byte(c.text)}, c.dialect)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v %+v, want %s", err, d, c.want)
			}
		})
	}
}

// TestDisks: the ways in which one disk can be written.
func TestDisks(t *testing.T) {
	for text, want := range map[string]string{
		"/a.img,raw,xvda,rw":                                         "/a.img raw xvda",
		"/a.img,,hda":                                                "/a.img raw hda",
		"format=qcow2,vdev=xvdb,target=/a b,c":                       "/a b,c qcow2 xvdb",
		"vdev=xvda,format=vhd,access=ro,target=/a.vhd":               "/a.vhd vhd xvda",
		"phy:/dev/vg/x,sda,w":                                        "/dev/vg/x raw sda",
		"vdev=xvda,backendtype=phy,target=/dev/vg/y":                 "/dev/vg/y raw xvda",
		"tap:qcow2:/a.qcow2,xvda,w":                                  "/a.qcow2 qcow2 xvda",
		"file:/a.img,hdc:cdrom,r":                                    "/a.img raw hdc",
		"vdev=hdd,access=ro,devtype=cdrom,format=raw,target=/cd.iso": "/cd.iso raw hdd",
	} {
		d, err := From(xml.Source{Data: []byte(head + "disk = [ '" + text + "' ]")}, XL)
		if err != nil || len(d.Devices.Disks) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		x := d.Devices.Disks[0]
		if got := x.Source.File + x.Source.Dev + " " + x.Driver.Type + " " + x.Target.Dev; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzFrom: any file is read or refused, and what was read is written or refused.
func FuzzFrom(f *testing.F) {
	f.Add([]byte(head+"disk = [ '/a,raw,xvda,w', 'vdev=hda,target=/b' ]\nvif = [ 'bridge=b,mac=00:16:3e:11:22:33' ]\nvnc = 1\npci = [ '01:00.0' ]"), true)
	f.Add([]byte(head+"builder = 'hvm'\nserial = [ 'pty', 'tcp:h:1' ]\nvcpu_avail = 1\ncpuid = [ 'host,tm=0' ]"), false)
	f.Fuzz(func(_ *testing.T, data []byte, xl bool) {
		dialect := XM
		if xl {
			dialect = XL
		}
		if d, err := From(xml.Source{Data: data}, dialect); err == nil {
			_, _ = To(d, nil, dialect)
		}
	})
}

// TestRead: what entries become in a domain, or the error about them.
func TestRead(t *testing.T) {
	const hvm = "name = \"x\"\ntype = \"hvm\"\n"
	const pv = "name = \"x\"\ntype = \"pv\"\nkernel = \"/k\"\n"
	for _, c := range []struct{ text, want string }{
		{hvm + "localtime = \"yes\"", "basis='utc'"},
		{hvm + "localtime = \"1\"", "basis='localtime'"},
		{hvm + "localtime = -1", "config value localtime was malformed"},
		{hvm + "hap = \"yes\"", "<hap state='off'/>"},
		{hvm + "rtc_timeoffset = -7200", "config value rtc_timeoffset was malformed"},
		{hvm + "tsc_mode = \"\"", "<timer name='tsc' present='yes' mode='auto'/>"},
		{hvm + "boot = \"cx\"", "<boot dev='hd'/>\n    <boot dev='hd'/>"},
		{hvm + "on_reboot = \"coredump-restart\"", "<on_reboot>coredump-restart</on_reboot>"},
		{hvm + "cpus = \"\"", "Failed to parse bitmap ''"},
		{hvm + "uuid = \"\"", " not parseable"},
		{hvm + "serial = \"foo:bar\"", "unknown chr device type 'foo'"},
		{hvm + "vnc = 1\nvncdisplay = \"x\"", "port='-1'"},
		{hvm + "vnc = 1\nvncunused = 0\nvncdisplay = \"x\"", "config value vncdisplay was malformed"},
		{pv + "root = \"\"\nextra = \"quiet\"", "<cmdline>root= quiet</cmdline>"},
		{pv + "vfb = [ \"type=vnc,vncdisplay=70000\" ]", "port='75900'"},
		{pv + "disk = [ \"/a,raw,hda,w\" ]", "<target dev='hda' bus='xen'/>"},
		{hvm + "disk = [ \"/a,raw,hda,w\" ]", "<target dev='hda' bus='ide'/>"},
		{pv + "vif = [ \"bridge=b,vifname=vif0\" ]", "<source bridge='b'/>\n    </interface>"},
		{pv + "vif = [ \"bridge=b:42\" ]", "<vlan trunk='yes'>"},
		{pv + "vif = [ \"bridge=b,rate=10MB/s ,mac=00:16:3e:00:00:01\" ]", "Invalid rate '10MB/s ' specified"},
	} {
		d, err := From(xml.Source{Name: "f", Data: []byte(c.text + "\n")}, XL)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			doc, err := domain.Print(d, &domain.Traits{Driver: "xen"}, drivers.Inactive)
			if err != nil {
				t.Fatal(err)
			}
			got = string(doc)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
	d, err := From(xml.Source{Data: []byte(hvm + "passthrough = \"disabled\"\n")}, XL)
	if err != nil || d.Features.Xen != nil {
		t.Errorf("%+v %v", d, err)
	}
}
