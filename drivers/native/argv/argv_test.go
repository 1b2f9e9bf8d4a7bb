package argv

import (
	"slices"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

func TestTablesAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(options, func(a, b option) int { return strings.Compare(a.name, b.name) }) {
		t.Error("options are not in order")
	}
	if !slices.IsSortedFunc(handlers, func(a, b handler) int { return strings.Compare(a.base, b.base) }) {
		t.Error("handlers are not in order")
	}
}

func read(t *testing.T, line string) (*xml.Domain, string) {
	t.Helper()
	d, notes, err := From(xml.Source{Data: []byte(line)}, Options{Dir: "/vm"})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return d, strings.Join(notes, "\n")
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"no QEMU":         {"echo hello", "there is no command that runs QEMU"},
		"architecture":    {"qemu-system-z80 -m 1", "the architecture of 'qemu-system-z80' is not known"},
		"argument":        {"qemu-system-x86_64 \\\n -m", "line 2: -m: its argument is missing"},
		"memory":          {"qemu-system-x86_64 -m lots", "line 1: -m: 'lots' is not a size of memory"},
		"CPUs":            {"qemu-system-x86_64 -smp 4,sockets=3,cores=2,threads=1", "are not 4 CPUs"},
		"too many CPUs":   {"qemu-system-x86_64 -smp 99999999", "99999999 is too much"},
		"UUID":            {"qemu-system-x86_64 -uuid 7", "'7' is not a UUID"},
		"drive":           {"qemu-system-x86_64 -device virtio-blk-pci,drive=no", "there is no drive 'no'"},
		"netdev":          {"qemu-system-x86_64 -device e1000,netdev=no", "there is no 'no'"},
		"two in a place":  {"qemu-system-x86_64 -hda a -drive file=b,index=0", "two drives at ide index 0"},
		"slot in use":     {"qemu-system-x86_64 -device edu,addr=5 -device edu,addr=5", "slot 5 of bus 'pci.0' is in use"},
		"full port":       {"qemu-system-x86_64 -M q35 -device pcie-root-port,id=p,chassis=1 -device edu,bus=p -device edu,bus=p", "no free slot on bus 'p'"},
		"bus":             {"qemu-system-x86_64 -device edu,bus=none", "there is no bus 'none'"},
		"JSON":            {`qemu-system-x86_64 -device '{"driver":'`, "malformed JSON"},
		"no driver":       {`qemu-system-x86_64 -device '{"id":"x"}'`, "no driver is named"},
		"display":         {"qemu-system-x86_64 -vnc :x", "':x' is no display"},
		"date":            {"qemu-system-x86_64 -rtc base=tomorrow", "'tomorrow' is no date"},
		"node":            {"qemu-system-x86_64 -numa node,nodeid=0,memdev=x", "there is no object 'x'"},
		"missing node":    {"qemu-system-x86_64 -numa node,nodeid=1", "there is no node 0"},
		"too many nodes":  {"qemu-system-x86_64 -numa node,nodeid=4000000000", "there are too many nodes"},
		"serial":          {"qemu-system-x86_64 -serial carrier-pigeon", "'carrier-pigeon' is not known"},
		"quote":           {"qemu-system-x86_64 -name 'x", "a single quote is not closed"},
		"old set":         {"qemu-system-x86_64 -set x", "GROUP.ID.PROPERTY=VALUE is expected"},
		"many properties": {"qemu-system-x86_64 -device edu" + strings.Repeat(",x=1", 20000), "too many properties"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := From(xml.Source{Data: []byte(c.line)}, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestNothingIsLost: what XML cannot say is passed or told.
func TestNothingIsLost(t *testing.T) {
	for name, c := range map[string]struct{ line, note, passed string }{
		"unknown device":    {"-device edu", "XML has none like it", "edu,bus=pci.0,addr=0x4"},
		"unknown option":    {"-zap 3", "the option is not known here", "3"},
		"unknown property":  {"-device virtio-rng-pci,x-old=on", "XML cannot say x-old", "virtio-rng-pci,x-old=on,bus=pci.0,addr=0x4"},
		"CPU property":      {"-cpu max,model-id=Fast", "XML cannot say model-id", "max,model-id=Fast"},
		"machine property":  {"-M pc,graphics=off", "passed to QEMU as it stands: -machine graphics=off", "graphics=off"},
		"monitor":           {"-monitor stdio", "left out: -monitor stdio", ""},
		"unused drive":      {"-drive if=none,id=x,file=y", "no device uses this drive", ""},
		"unused object":     {"-object can-bus,id=c", "passed to QEMU as it stands: -object can-bus,id=c", "can-bus,id=c"},
		"unused netdev":     {"-netdev user,id=u", "no device uses this network backend", ""},
		"global":            {"-global e1000.mitigation=off", "-global e1000.mitigation=off", "e1000.mitigation=off"},
		"network options":   {"-nic user,smb=/srv", "XML cannot say smb", "user,id=nic0,smb=/srv"},
		"modules":           {"-smp 4,sockets=1,modules=2,cores=2,threads=1", "XML cannot say modules", "4,sockets=1,modules=2,cores=2,threads=1"},
		"second boot":       {"-boot once=d", "left out: -boot once=d", ""},
		"descriptor":        {"-nic tap,fd=3", "open files cannot be passed", ""},
		"VNC password":      {"-vnc :1,password=on", "127.0.0.1 only", ""},
		"missing variable":  {"-name $1", "$1 is not known here", ""},
		"two commands":      {"\nqemu-system-x86_64 -m 1", "another one in line 2", ""},
		"second flash":      {"-drive if=pflash,unit=1,file=v.fd", "there is no first one", ""},
		"half a geometry":   {"-drive if=none,id=x,file=y,format=raw -device ide-hd,drive=x,cyls=5", "XML cannot say cyls", "ide-hd,drive=x,cyls=5"},
		"SCSI name":         {"-device virtio-scsi-pci,id=z -drive if=none,id=x,file=y,format=raw -device scsi-hd,drive=x,bus=z.0,device_id=q", "XML cannot say device_id", ""},
		"no SMM":            {"-M q35,smm=off -global driver=cfi.pflash01,property=secure,value=on -drive if=pflash,file=c.fd,format=raw", "-global driver=cfi.pflash01", ""},
		"ib700 elsewhere":   {"-M q35 -device ib700", "XML has none like it", "ib700"},
		"MTU of user":       {"-nic none -netdev user,id=n -device virtio-net-pci,netdev=n,host_mtu=1400", "XML cannot say host_mtu", ""},
		"a log":             {"-D q.log", "-D /vm/q.log", "/vm/q.log"},
		"Proxmox's number":  {"-id 100", "left out: -id 100", ""},
		"Proxmox's machine": {"-M pc+pve0", "the machine pc+pve0, of Proxmox's QEMU, became pc", ""},
		"slot of a port":    {"-M q35 -device pcie-root-port,slot=3", "left out: slot=3", ""},
		"hub":               {"-netdev user,id=u -netdev hubport,hubid=0,id=h1,netdev=u -netdev hubport,hubid=0,id=h2 -device e1000,netdev=h2", "-netdev user,id=u", "hubport,hubid=0,id=h1,netdev=u"},
		"bus of its own":    {"-M q35 -device pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1 -device cxl-rp,bus=cxl.1,id=x", "XML does not have its bus there", "cxl-rp,bus=cxl.1,id=x"},
		"host's caches":     {"-cpu Skylake-Client,host-cache-info=on", "XML cannot say host-cache-info", ""},
		"user of a server":  {"-drive if=virtio,format=raw,file=ssh://me@h/a", "XML has none like it", "format=raw,file=ssh://me@h/a,id=own-virtio0,if=none"},
		"host's addresses":  {"-cpu Skylake-Client,host-phys-bits=on", "XML cannot say host-phys-bits", ""},
		"TFTP":              {"-nic none -netdev user,id=n,tftp=boot -device e1000,netdev=n", "tftp=/vm/boot", ""},
		"watchdog's action": {"-action watchdog=poweroff", "there is no watchdog", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, notes := read(t, "qemu-system-x86_64 "+c.line)
			if !strings.Contains(notes, c.note) {
				t.Errorf("no note of %s in:\n%s", c.note, notes)
			}
			if c.passed == "" {
				return
			}
			if d.QEMUCommandline == nil || !slices.Contains(d.QEMUCommandline.Args, xml.QEMUArg{Value: c.passed}) {
				t.Errorf("%s is not passed: %+v", c.passed, d.QEMUCommandline)
			}
		})
	}
}

// TestPlaces: PCI devices are where QEMU puts them: the machine's own first,
// those of -device, drives with if=virtio, and devices in JSON.
func TestPlaces(t *testing.T) {
	d, _ := read(t, `qemu-system-x86_64 -drive if=virtio,file=a -device '{"driver":"virtio-balloon-pci"}' -device virtio-rng-pci -nic user,model=rtl8139`)
	got := []uint{d.Devices.Videos[0].Address.Slot, d.Devices.Interfaces[0].Address.Slot, d.Devices.RNGs[0].Address.Slot, d.Devices.Disks[len(d.Devices.Disks)-1].Address.Slot,
		d.Devices.Memballoon.Address.Slot}
	if !slices.Equal(got, []uint{2, 3, 4, 5, 6}) {
		t.Error(got)
	}
}

// TestSaid: what XML can say is not passed.
func TestSaid(t *testing.T) {
	for line, want := range map[string]string{
		"x86_64 -drive if=none,id=x,file=y,format=raw -device ide-hd,drive=x,cyls=520,heads=16,secs=63,bios-chs-trans=lba":       "<geometry cyls='520' heads='16' secs='63' trans='lba'/>",
		"ppc64 -M pseries -nodefaults -netdev user,id=n -device spapr-vlan,netdev=n,reg=0x1000":                                  "<address type='spapr-vio' reg='0x00001000'/>",
		"ppc64 -M pseries -nodefaults -chardev null,id=c -device spapr-vty,chardev=c,reg=0x30000000":                             "<address type='spapr-vio' reg='0x30000000'/>",
		"s390x -nodefaults -device vfio-ccw,sysfsdev=/sys/bus/mdev/devices/7e270a25-e163-4922-af60-757fc8ed48c6,devno=fe.0.1234": "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x1234'/>",
		"s390x -nodefaults -device vfio-ap,sysfsdev=/sys/bus/mdev/devices/7e270a25-e163-4922-af60-757fc8ed48c6":                  "<hostdev mode='subsystem' type='mdev' model='vfio-ap'>",
		"ppc64 -M pseries -nodefaults -device spapr-vscsi,reg=0x2000":                                                            "<address type='spapr-vio' reg='0x00002000'/>",
		"x86_64 -M q35 -device pcie-root-port":                                                                                   "<target chassis='0' port='0x0'/>",
		"x86_64 -M q35 -device pcie-root-port,chassis=2,port=17":                                                                 "<target chassis='2' port='0x11'/>",
		"x86_64 -audiodev none,id=a,out.frequency=48000 -device AC97,audiodev=a":                                                 "fixedSettings='yes'",
		"x86_64 -debugcon file:d.log": "<model name='isa-debugcon'/>",
		"x86_64 -M q35 -global cfi.pflash01.secure=on -drive if=pflash,file=c.fd,format=raw,readonly=on": "<smm state='on'/>",
		"x86_64 -device piix3-usb-uhci,bus=pci.0,addr=0x1.0x2":                                           "model='piix3-uhci'",
	} {
		d, _ := read(t, "qemu-system-"+line)
		doc, err := domain.Print(d, &domain.Traits{Driver: "qemu"}, drivers.Inactive)
		if err != nil || !strings.Contains(string(doc), want) {
			t.Errorf("%s: no %s in %s %v", line, want, doc, err)
		}
	}
	if d, _ := read(t, "qemu-system-aarch64 -M virt -bios ./e.fd"); d.QEMUCommandline == nil || !slices.Contains(d.QEMUCommandline.Args, xml.QEMUArg{Value: "acpi=on"}) {
		t.Errorf("no ACPI: %+v", d.QEMUCommandline)
	}
	for line, want := range map[string]string{"-bios here.fd": "/vm/here.fd", "-bios there.bin": ""} {
		o := Options{Dir: "/vm", Format: func(path string) string { return map[string]string{"/vm/here.fd": "raw"}[path] }}
		d, _, err := From(xml.Source{Data: []byte("qemu-system-x86_64 " + line)}, o)
		if err != nil || (d.OS.Loader != nil) != (want != "") || want != "" && d.OS.Loader.Path != want {
			t.Errorf("%s: %+v %v", line, d, err)
		}
	}
}

// TestPOWERScreens: with a screen a POWER guest gets a USB keyboard from define, so
// that it cannot be without USB.
func TestPOWERScreens(t *testing.T) {
	d, notes := read(t, "qemu-system-ppc64 -M pseries -nodefaults")
	if len(d.Devices.Graphics) != 0 || !strings.Contains(notes, "left out: QEMU's own window") {
		t.Errorf("%+v\n%s", d.Devices.Graphics, notes)
	}
	d, notes = read(t, "qemu-system-ppc64 -M pseries -nodefaults -device VGA -vnc :3")
	if len(d.Devices.Graphics) != 1 || len(d.Devices.Controllers) > 0 && d.Devices.Controllers[0].Model == "none" || !strings.Contains(notes, "a USB controller, a keyboard and a mouse are added") {
		t.Errorf("%+v\n%s", d.Devices.Controllers, notes)
	}
}

// TestTopology: QEMU prefers cores, and before 6.2 sockets.
func TestTopology(t *testing.T) {
	for line, want := range map[string]*xml.CPUTopology{
		"-smp 4":                            {Sockets: 1, Dies: 1, Clusters: 1, Cores: 4, Threads: 1},
		"-M pc-i440fx-4.2 -smp 4":           nil,
		"-M pc-i440fx-4.2 -smp 4,cores=2":   {Sockets: 2, Dies: 1, Clusters: 1, Cores: 2, Threads: 1},
		"-smp sockets=2,cores=2,threads=2":  {Sockets: 2, Dies: 1, Clusters: 1, Cores: 2, Threads: 2},
		"-smp 2,maxcpus=8,dies=2,threads=2": {Sockets: 1, Dies: 2, Clusters: 1, Cores: 2, Threads: 2},
		"-smp 3,sockets=3":                  nil,
	} {
		d, _ := read(t, "qemu-system-x86_64 "+line)
		var got *xml.CPUTopology
		if d.CPU != nil {
			got = d.CPU.Topology
		}
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

// TestLocations: the places of images.
func TestLocations(t *testing.T) {
	for file, want := range map[string]xml.DiskSource{
		"rel/a.img":                        {File: "/vm/rel/a.img"},
		"/dev/sdb":                         {Dev: "/dev/sdb"},
		"/dev/shm/a.img":                   {File: "/dev/shm/a.img"},
		"nbd:host:10809:exportname=x":      {Protocol: "nbd", Name: "x"},
		"nbd+unix:///x?socket=/run/s":      {Protocol: "nbd", Name: "x"},
		"https://example.com/d/a.img?x=1":  {Protocol: "https", Name: "d/a.img", Query: "x=1"},
		"iscsi://example.com/iqn.a:b/1":    {Protocol: "iscsi", Name: "iqn.a:b/1"},
		"gluster://example.com/vol/a.img":  {Protocol: "gluster", Name: "vol/a.img"},
		"ssh://example.com:99/srv/a":       {Protocol: "ssh", Name: "/srv/a"},
		"rbd:pool/img@s:conf=/etc/c":       {Protocol: "rbd", Name: "pool/img"},
		"nvme://0000:01:00.0/1":            {Type: "pci", Namespace: "1", Managed: "yes"},
		"fat:/srv":                         {Dir: "/srv"},
		"with,,comma.img":                  {File: "/vm/with,comma.img"},
		"nfs://example.com/a/b?uid=1&gid=": {Protocol: "nfs", Name: "/a/b"},
	} {
		d, notes := read(t, "qemu-system-x86_64 -nodefaults -drive 'if=virtio,format=raw,file="+file+"'")
		if len(d.Devices.Disks) != 1 {
			t.Errorf("%s: %d disks; %s", file, len(d.Devices.Disks), notes)
			continue
		}
		s := d.Devices.Disks[0].Source
		got := xml.DiskSource{File: s.File, Dev: s.Dev, Dir: s.Dir, Protocol: s.Protocol, Name: s.Name, Query: s.Query, Type: s.Type, Namespace: s.Namespace, Managed: s.Managed}
		if got.File != want.File || got.Dev != want.Dev || got.Dir != want.Dir || got.Protocol != want.Protocol || got.Name != want.Name || got.Query != want.Query ||
			got.Type != want.Type || got.Namespace != want.Namespace {
			t.Errorf("%s: %+v", file, got)
		}
	}
	d, notes := read(t, "qemu-system-x86_64 -nodefaults -drive if=virtio,format=raw,file=https://u:p@example.com/a")
	if len(d.Devices.Disks) != 0 || !strings.Contains(notes, "passed to QEMU") {
		t.Error("a password in a URL must not get lost", notes)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1 << 20, "2G": 2 << 30, "1.5g": 3 << 29, "0x10": 16 << 20, "512k": 512 << 10, "7b": 7} {
		if got, ok := size(text, 'm'); !ok || got != want {
			t.Errorf("%s: %d %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "G", "1Z", "-1", "99999999999999999999", "99999999E", "NaN", "1e400"} {
		if got, ok := size(text, 'm'); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// FuzzFrom: any script is read or refused, in bounded time.
func FuzzFrom(f *testing.F) {
	for _, line := range []string{"qemu-system-x86_64 -hda a -cdrom b -nic user", `kvm -device '{"driver":"virtio-blk-pci","drive":"x"}' -blockdev driver=raw,node-name=x,file.filename=y`,
		"qemu-system-aarch64 -M virt -numa node -numa dist,src=0,dst=0,val=10 -smp 3", "A=(-m 1); qemu-system-x86_64 \"${A[@]}\" $((1+2)) `pwd`",
		"qemu-system-x86_64 -device pcie-root-port,id=a,bus=b -device x,bus=a -audio driver=none,model=hda -spice port=1 -vnc :1",
		"A = $(B)\nB = qemu-system-arm -M versatilepb\nifdef A\nrun: x\n\t$(A) -hda $< -nic user\nendif\n", "[Service]\nExecStart=qemu-system-s390x -device virtio-rng \\\n -device virtio-blk,drive=a,devno=fe.0.0001 -drive id=a,if=none",
		"FROM x\nCMD [\"qemu-system-ppc64\", \"-hda\", \"x\"]\n", "```\nbash -c 'qemu-system-mips -usb -device usb-kbd'\n```", "cat <<E\nqemu-system-x86_64 -device usb-wacom-tablet -nographic\nE\n"} {
		f.Add(line)
	}
	f.Fuzz(func(_ *testing.T, line string) {
		_, _, _ = From(xml.Source{Data: []byte(line)}, Options{Dir: "/"})
	})
}
