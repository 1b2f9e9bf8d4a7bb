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
		{pv + "vif = [ 1, \"script=vif-bridge\" ]", "<interface type='bridge'>\n      <mac address='00:00:00:00:00:00'/>\n      <script path='vif-bridge'/>"},
		{pv + "vif = \"bridge=b\"\nvfb = \"type=vnc\"\npci = \"01:00.0\"\ndisk = 1", "</os>"},
		{pv + "vif = [ \"bridge=\" ]", "<source bridge=''/>"},
		{pv + "vif = [ \"mac=00:16:3e:00:00:01,foo\" ]", "'foo' is no key=value"},
		{pv + "vif = [ \"model=a b\" ]", "Model name contains invalid characters"},
		{pv + "vif = [ \"bridge=br.4096\" ]", "<tag id='4096'/>"},
		{pv + "vif = [ \"bridge=br:\" ]", "'' is not a VLAN's number"},
		{pv + "disk = [ \"vdev=xvda,vdev=xvdb,target=/a\" ]", "two names"},
		{pv + "disk = [ \"qcow2:/a,raw,xvda,w\" ]", "unknown value 'w'"},
		{pv + "disk = [ \"foo:/a,raw,xvda,w\" ]", "unknown prefix 'foo:'"},
		{pv + "disk = [ \"drbd:a:b,xvda,w\" ]", "<source file='a:b'/>"},
		{pv + "disk = [ \"/a,raw,ioemu:xvda,w\" ]", "<target dev='xvda' bus='xen'/>"},
		{pv + "disk = [ \"vdev=,target=/a\" ]", "Unknown disk name '' and no address specified"},
		{pv + "disk = [ \"vdev=xvda,target=\" ]", "<source file=''/>"},
		{pv + "disk = [ \"raw,xvda,w\" ]", "unknown format 'xvda'"},
		{pv + "disk = [ \"format=raw,vdev=xvda,format=raw,target=/a\" ]", "<source file='/a'/>"},
		{pv + "disk = [ \"/a,vdev=xvda,target=/b\" ]", "two targets"},
		{hvm + "nestedhvm = 1\nvnuma = [ [ \"pnode=0\", \"size=64\", \"vcpus=0\" ] ]", "<cpu>\n    <numa>"},
		{pv + "vnuma = [ [ \"vdistances=10\", \"vdistances=10\" ] ]", "Cannot alter an existing nmem_nodes distances set for node: 0"},
		{pv + "vfb = []", "<graphics type='sdl'/>"},
		{pv + "vfb = [ \"sdl=1\" ]", "<graphics type='vnc' autoport='no'"},
		{pv + "vfb = [ 1 ]", "configuration file syntax error: memory conf: expected a string list for 'vfb' parameter"},
		{pv + "on_reboot = \"\"", "unexpected value  for on_reboot"},
		{pv + "cmdline = \"\"\nextra = \"a\"", "<cmdline/>"},
		{pv + "pci = [ \"0x100:20.8,permissive=1\" ]", "<source writeFiltering='no'>\n        <address domain='0x0000' bus='0x100' slot='0x20' function='0x8'/>"},
		{pv + "pci = [ \"01:00\" ]", "Malformed PCI address 00"},
		{pv + "pci = [ \"01:00.0,x\" ]", "Malformed PCI options x"},
		{pv + "usbctrl = [ \"version=x\", \"version=1,ports=15\" ]", "<controller type='usb' index='0' model='qusb1' ports='21'/>"},
		{pv + "usbdev = [ \"foo\", \"hostbus=1,hostaddr=0xa\" ]", "<address bus='1' device='10'/>"},
		{pv + "channel = [ \"foo\", \"connection=pty,path=/p,name=\" ]", "<channel type='pty'>\n      <target type='xen' name=''/>"},
		{pv + "cpuid = \"\"", "<cpu mode='host-passthrough'/>"},
		{hvm + "nestedhvm = 0\ncpuid = \"host,vmx=1\"", "CPU feature 'vmx' specified more than once"},
		{pv + "vnuma = [ [ \"pnode=0\", \"size=64\", \"vcpus=0-3\" ] ]", "vnuma configuration contains 4 vcpus, which is greater than 1 maxvcpus"},
		{pv + "vnuma = [ [ \"pnode=0\", \"size=64\", \"vcpus=0\", \"vdistances=5\" ] ]", "Distance value of 5 is not in valid range"},
		{pv + "vnuma = []", "Cannot set an empty mem_nodes set"},
		{hvm + "type = 1\nrtc_timeoffset = 2147483648", "adjustment='-2147483648'"},
		{hvm + "serial = \"udp:h:1@b\"", "malformed char device string"},
		{hvm + "serial = [ 1 ]", "configuration file syntax error: memory conf: expected a string list for 'serial' parameter"},
		{hvm + "parallel = \"file\"", "<source path='file'/>"},
		{hvm + "parallel = \"\"", "unknown chr device type ''"},
		{hvm + "usbdevice = 1", "config value usbdevice was malformed"},
		{hvm + "soundhw = \"sb16,\"", "<sound model='sb16'/>"},
		{hvm + "vnc = 1\nvnclisten = \"\"", "listen=''"},
		{"name = \"x\"\ntype = \"\"", "type  is not supported"},
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
	for _, text := range []string{"/a", "/a,hda", "tap:foo:/a,hda,w", "tap:tapdisk:aio:/a,hda,w"} { // which are no disks to xm
		d, err := From(xml.Source{Data: []byte(pv + "disk = [ \"" + text + "\" ]\n")}, XM)
		if err != nil || len(d.Devices.Disks) != 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
	d, err := From(xml.Source{Data: []byte(hvm + "passthrough = \"disabled\"\n")}, XL)
	if err != nil || d.Features.Xen != nil {
		t.Errorf("%+v %v", d, err)
	}
}
