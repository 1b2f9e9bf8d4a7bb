package argv

import (
	"sort"
	"strings"

	"virgo/xml"
)

// boards are the machines that have another amount of memory, in MiB, or of
// CPUs than others if nothing is said.
var boards = []struct {
	machine      string
	memory, cpus uint
}{
	{"B160L", 512, 1}, {"C3700", 1024, 1}, {"amigaone", 512, 1}, {"ast2500-evb", 512, 1}, {"ast2600-evb", 1024, 2}, {"ast2700-evb", 1024, 4},
	{"ast2700a0-evb", 1024, 4}, {"ast2700a1-evb", 1024, 4}, {"bletchley-bmc", 2048, 2}, {"bpim2u", 1024, 4}, {"collie", 512, 1}, {"cubieboard", 1024, 1},
	{"fby35", 128, 3}, {"fby35-bmc", 2048, 2}, {"fp5280g2-bmc", 512, 1}, {"fuji-bmc", 2048, 2}, {"fuloong2e", 256, 1}, {"g220a-bmc", 1024, 1}, {"kc705",
		896, 1}, {"kc705-nommu", 256, 1}, {"kudo-bmc", 1024, 2}, {"lx200", 96, 1}, {"lx200-nommu", 96, 1}, {"lx60", 64, 1}, {"lx60-nommu", 64, 1}, {"ml605",
		384, 1}, {"ml605-nommu", 256, 1}, {"mori-bmc", 1024, 2}, {"mps2-an385", 16, 1}, {"mps2-an386", 16, 1}, {"mps2-an500", 16, 1}, {"mps2-an505", 16, 1},
	{"mps2-an511", 16, 1}, {"mps2-an521", 16, 2}, {"mps3-an524", 2048, 2}, {"mps3-an536", 3072, 1}, {"mps3-an547", 2048, 1}, {"musca-a", 128, 2},
	{"musca-b1", 128, 2}, {"musicpal", 32, 1}, {"next-cube", 64, 1}, {"npcm750-evb", 512, 2}, {"npcm845-evb", 1024, 4}, {"nuri", 128, 2}, {"orangepi-pc",
		1024, 4}, {"palmetto-bmc", 256, 1}, {"pegasos2", 512, 1}, {"powernv", 1024, 1}, {"powernv10", 1024, 1}, {"powernv10-rainier", 1024, 1}, {"powernv8",
		1024, 1}, {"powernv9", 1024, 1}, {"qcom-dc-scm-v1-bmc", 1024, 2}, {"qcom-firework-bmc", 1024, 2}, {"quanta-gbs-bmc", 1024, 2}, {"quanta-gsj", 512, 2},
	{"rainier-bmc", 1024, 2}, {"raspi0", 512, 1}, {"raspi1ap", 512, 1}, {"raspi2b", 1024, 4}, {"raspi3ap", 512, 4}, {"raspi3b", 1024, 4}, {"raspi4b",
		2048, 4}, {"romulus-bmc", 512, 1}, {"sam460ex", 512, 1}, {"sbsa-ref", 1024, 4}, {"sifive_u", 128, 2}, {"smdkc210", 128, 2}, {"sonorapass-bmc", 512,
		1}, {"supermicro-x11spi-bmc", 512, 1}, {"supermicrox11-bmc", 256, 1}, {"tiogapass-bmc", 1024, 1}, {"witherspoon-bmc", 512, 1}, {"xlnx-versal-virt",
		128, 4}, {"xlnx-zcu102", 128, 4}, {"yosemitev2-bmc", 512, 1},
}

// boardSize is what a machine has if nothing is said.
func (r *reader) boardSize() (bytes uint64, cpus uint) {
	m := r.d.OS.Type.Machine
	at := sort.Search(len(boards), func(i int) bool { return boards[i].machine >= m })
	switch {
	case at < len(boards) && boards[at].machine == m:
		return uint64(boards[at].memory) << 20, boards[at].cpus
	case r.isPSeries():
		return 512 << 20, 1
	}
	return 128 << 20, 1
}

func (r *reader) isPSeries() bool {
	m := r.d.OS.Type.Machine
	return strings.HasPrefix(r.arch(), "ppc64") && (m == "" || m == "pseries" || strings.HasPrefix(m, "pseries-"))
}

func (r *reader) isS390() bool { return strings.HasPrefix(r.arch(), "s390") }

// isMalta tells the board of MIPS, whose IDE and floppies XML has.
func (r *reader) isMalta() bool {
	m := r.d.OS.Type.Machine
	return strings.HasPrefix(r.arch(), "mips") && (m == "" || m == "malta")
}

// isBoard tells the machines whose own devices XML does not have: all but PCs,
// virt, pSeries and those of s390.
func (r *reader) isBoard() bool {
	if r.isX86() {
		return r.d.OS.Type.Machine == "isapc"
	}
	return !r.is("virt") && !r.isPSeries() && !r.isS390()
}

const ownDevices = "the board's own devices are not in XML"

// boardCards passes the options for network cards, which the board makes.
func (r *reader) boardCards() {
	for _, p := range r.nics {
		r.passProps(p, ownDevices)
	}
	if r.defaults && len(r.nics) == 0 && len(r.netdevs) == 0 && r.hasCard() {
		r.pass(ownDevices, "-nic", "user")
	}
}

// hasCard tells whether a board has a network card.
func (r *reader) hasCard() bool {
	m := r.d.OS.Type.Machine
	for _, arch := range []string{"avr", "m68k", "riscv", "rx", "tricore", "microblaze"} {
		if strings.HasPrefix(r.arch(), arch) {
			return m == "q800" || m == "sifive_u" || m == "microchip-icicle-kit"
		}
	}
	for _, name := range []string{"amigaone", "ast1030", "b-l475e", "collie", "lm3s811", "microbit", "musca", "netduino", "npcm845", "nuri", "olimex", "pegasos2", "powernv", "raspi", "sam460ex",
		"sim", "stm32", "virtex"} {
		if strings.HasPrefix(m, name) {
			return false
		}
	}
	return true
}

// maltaSlots marks the slots that a Malta does not give away: it begins with 18,
// where its screen is.
func (r *reader) maltaSlots(root *bus) {
	first := 18
	if r.defaults && r.vga == "" || r.vga != "" && r.vga != "none" {
		first++
	}
	for i := range first {
		root.used[i] = 0xff
	}
}

// ownUSB tells a board whose devices on USB are on a controller of its own.
func (r *reader) ownUSB() bool {
	if !r.isBoard() || r.isX86() {
		return false
	}
	for _, m := range usbModels {
		if r.hasDevice(m.base) {
			return false
		}
	}
	return true
}

// boardDrive passes a drive that is on a bus of the board.
func (r *reader) boardDrive(p *props) bool {
	kind := p.peek("if")
	ide := r.isMalta() || r.isX86()
	if !r.isBoard() || kind == "none" || kind == "virtio" || kind == "sd" || kind == "pflash" || ide && (kind == "" || kind == "ide" || kind == "floppy") {
		return false
	}
	r.absolutePaths(p)
	r.passProps(p, ownDevices)
	return true
}

// boardScreens are the cards that boards have if nothing is said.
var boardScreens = []struct{ machines, vga, cdrom string }{
	{" LX SPARCClassic SPARCbook SS-10 SS-20 SS-4 SS-5 SS-600MP Voyager ", "tcx", "scsi"},
	{" 40p ", "std", "scsi"},
	{" B160L C3700 magnum pica61 ", "", "scsi"},
	{" clipper ", "cirrus", "ide"},
	{" isapc malta ", "cirrus", ""},
	{" g3beige mac99 sun4u sun4v ", "std", "ide"},
	{" sam460ex ", "", "ide"},
	{" realview-eb realview-eb-mpcore versatileab versatilepb ", "", "scsi"},
}

// defaultMachines are those of architectures that need not name one.
var defaultMachines = []struct{ arch, machine string }{
	{"alpha", "clipper"}, {"mips", "malta"}, {"mips64", "malta"}, {"mips64el", "malta"}, {"mipsel", "malta"}, {"parisc", "B160L"}, {"ppc", "g3beige"}, {"sparc", "SS-5"},
	{"sparc64", "sun4u"},
}

// boardDefaults passes the screen of a board, and the empty drive that QEMU
// adds to it.
func (r *reader) boardDefaults() {
	m := r.d.OS.Type.Machine
	for _, d := range defaultMachines {
		if m == "" && d.arch == r.arch() {
			m = d.machine
		}
	}
	vga := r.vga
	cdrom := ""
	for _, b := range boardScreens {
		if !r.defaults || !strings.Contains(b.machines, " "+m+" ") {
			continue
		}
		cdrom = b.cdrom
		if vga == "" && !r.hasDevice("VGA", "cirrus-vga", "isa-vga", "isa-cirrus-vga", "ati-vga", "bochs-display", "virtio-gpu") {
			vga = b.vga
		}
	}
	if vga != "" && vga != "none" {
		r.pass(ownDevices, "-vga", vga)
	}
	taken := false
	for _, p := range r.drives {
		taken = taken || p.peek("index") == "2" || p.peek("media") == "cdrom"
	}
	if cdrom != "" && !taken && !r.hasDevice("ide-cd", "ide-hd", "scsi-cd", "scsi-hd") {
		r.pass(ownDevices, "-drive", "if="+cdrom+",index=2,media=cdrom")
	}
	r.boardSound(m)
	if r.defaults && m == "mac99" && !r.usb && r.machine.peek("usb") == "" { // with a keyboard and a mouse
		r.pass(ownDevices, "-machine", "usb=on")
	}
	if r.defaults && !r.isX86() && !r.isMalta() {
		r.note("other devices that QEMU adds to this board of itself, as empty drives and cards, are not in the definition")
	}
}

// boardSound names a backend to the boards that have sound: they do not start
// without one if there are others.
func (r *reader) boardSound(machine string) {
	const with = " 40p fuloong2e integratorcp musicpal pegasos2 q800 realview-eb realview-eb-mpcore realview-pb-a8 realview-pbx-a9 versatileab versatilepb vexpress-a15 vexpress-a9 xlnx-zcu102 "
	id := r.machine.take("audiodev")
	if id == "" && !strings.Contains(with, " "+machine+" ") {
		return
	}
	ref := r.audioRef(id)
	if ref == nil && len(r.d.Devices.Audios) > 0 {
		ref = &xml.AudioRef{ID: r.d.Devices.Audios[0].ID}
	}
	if ref == nil {
		r.d.Devices.Audios = append(r.d.Devices.Audios, xml.Audio{ID: 1, Type: "none"})
		ref = &xml.AudioRef{ID: 1}
	}
	r.pass(ownDevices, "-machine", "audiodev=audio"+utoa(ref.ID))
}

// seriesDefaults are the devices that QEMU adds to a pSeries: a SCSI controller
// for its drives and an empty one; with a screen, a keyboard and a mouse.
func (r *reader) seriesDefaults(slots map[string]bool) {
	scsi := false
	for key := range slots {
		scsi = scsi || strings.HasPrefix(key, "scsi")
	}
	empty := r.defaults && !slots["scsi2"] && !r.hasDevice("ide-cd", "ide-hd", "scsi-cd", "scsi-hd")
	if scsi || empty {
		r.first = append(r.first, build("-drive", 0, "driver", "spapr-vscsi", "id", "spapr-vscsi-0"))
	}
	if empty {
		r.last = append(r.last, build("-cdrom", 0, "driver", "scsi-cd", "bus", "spapr-vscsi-0.0", "scsi-id", "2"))
	}
	screen := false
	for _, d := range r.first {
		screen = screen || d.option == "-vga"
	}
	if screen && r.defaults && r.machine.peek("usb") == "" && !r.usb {
		r.first = append(r.first, build("-vga", 0, "driver", "nec-usb-xhci", "id", "usb-default"), build("-vga", 0, "driver", "usb-kbd", "bus", "usb-default.0"),
			build("-vga", 0, "driver", "usb-mouse", "bus", "usb-default.0"))
	}
}

// channels gives every device of a mainframe its number as QEMU would.
func (r *reader) channels() {
	used := map[string]bool{}
	for _, d := range r.inOrder() {
		used[d.peek("devno")] = true
	}
	n := uint(0)
	for _, d := range r.inOrder() {
		virtio := strings.HasPrefix(d.base, "virtio-") || strings.HasPrefix(d.base, "vhost-")
		if !virtio || d.transport != "" && d.transport != "ccw" || d.has("devno") {
			continue
		}
		number := ""
		for ; ; n++ {
			if number = "fe.0." + strings.TrimPrefix(hex(n, 4), "0x"); !used[number] {
				break
			}
		}
		used[number] = true
		d.list = append(d.list, property{key: "devno", value: number})
	}
}
