package xml

// Graphics is a way to see and use the guest's screen.
type Graphics struct {
	Type          string            `el:"type,attr,required" enum:"sdl vnc rdp desktop spice egl-headless dbus"`
	Port          *int              `el:"port,attr"`
	TLSPort       *int              `el:"tlsPort,attr"`
	Autoport      YesNo             `el:"autoport,attr"`
	WebSocket     *int              `el:"websocket,attr"`
	ReplaceUser   YesNo             `el:"replaceUser,attr"`
	MultiUser     YesNo             `el:"multiUser,attr"`
	Listen        string            `el:"listen,attr"`
	Socket        string            `el:"socket,attr,kept"`
	Keymap        string            `el:"keymap,attr,kept"`
	SharePolicy   string            `el:"sharePolicy,attr" enum:"allow-exclusive force-shared ignore"`
	PowerControl  YesNo             `el:"powerControl,attr"`
	DefaultMode   string            `el:"defaultMode,attr" enum:"any secure insecure"`
	Username      string            `el:"username,attr,kept"`
	Passwd        string            `el:"passwd,attr,kept"`
	PasswdValidTo PasswdTime        `el:"passwdValidTo,attr"`
	Connected     string            `el:"connected,attr" enum:"fail disconnect keep" unknown:"unsupported configuration: unknown connected value %s"`
	Display       string            `el:"display,attr,kept"`
	XAuth         string            `el:"xauth,attr,kept"`
	Fullscreen    YesNo             `el:"fullscreen,attr"`
	P2P           YesNo             `el:"p2p,attr"`
	Address       string            `el:"address,attr,kept"` // dbus
	Listens       []GraphicsListen  `el:"listen,order=1"`
	Channels      []GraphicsChannel `el:"channel"`
	Image         *SpiceImage       `el:"image"`
	JPEG          *SpiceCompression `el:"jpeg"`
	Zlib          *SpiceCompression `el:"zlib"`
	Playback      *SpicePlayback    `el:"playback"`
	Streaming     *SpiceStreaming   `el:"streaming"`
	Mouse         *SpiceMouse       `el:"mouse"`
	Clipboard     *SpiceCopyPaste   `el:"clipboard"`
	FileTransfer  *SpiceEnable      `el:"filetransfer"`
	GL            *GraphicsGL       `el:"gl"`
	Audio         *AudioRef         `el:"audio"`
}

// GraphicsListen is where clients connect.
type GraphicsListen struct {
	Type    string `el:"type,attr,required" enum:"none address network socket"`
	Address string `el:"address,attr"`
	Network string `el:"network,attr"`
	Socket  string `el:"socket,attr"`
}

// GraphicsChannel is how one channel of SPICE is protected.
type GraphicsChannel struct {
	Name string `el:"name,attr,required" enum:"main display inputs cursor playback record smartcard usbredir"`
	Mode string `el:"mode,attr,required" enum:"any secure insecure"`
}

// SpiceImage says how images are compressed.
type SpiceImage struct {
	Compression string `el:"compression,attr,required" enum:"auto_glz auto_lz quic glz lz off"`
}

// SpiceCompression says when something is compressed.
type SpiceCompression struct {
	Compression string `el:"compression,attr,required" enum:"auto never always"`
}

// SpicePlayback says whether sound is compressed.
type SpicePlayback struct {
	Compression OnOff `el:"compression,attr,required"`
}

// SpiceStreaming says which parts of the screen are sent as video.
type SpiceStreaming struct {
	Mode string `el:"mode,attr,required" enum:"filter all off"`
}

// SpiceMouse says who draws the pointer.
type SpiceMouse struct {
	Mode string `el:"mode,attr,required" enum:"server client"`
}

// SpiceCopyPaste is whether the clipboard is shared.
type SpiceCopyPaste struct {
	CopyPaste YesNo `el:"copypaste,attr,required"`
}

// SpiceEnable is whether files can be dropped.
type SpiceEnable struct {
	Enable YesNo `el:"enable,attr,required"`
}

// GraphicsGL is drawing with the host's graphics card.
type GraphicsGL struct {
	Enable     YesNo  `el:"enable,attr"`
	RenderNode string `el:"rendernode,attr,kept"`
}

// Video is a graphics card.
type Video struct {
	Driver  *VideoDriver `el:"driver"`
	Model   *VideoModel  `el:"model,order=1"`
	Alias   *Alias       `el:"alias"`
	ACPI    *ACPIIndex   `el:"acpi"`
	Address *Address     `el:"address"`
}

// VideoDriver are its switches.
type VideoDriver struct {
	IOMMU     OnOff  `el:"iommu,attr"`
	ATS       OnOff  `el:"ats,attr"`
	Packed    OnOff  `el:"packed,attr"`
	PagePerVQ OnOff  `el:"page_per_vq,attr"`
	VGAConf   string `el:"vgaconf,attr"`
	Name      string `el:"name,attr,order=1" enum:"qemu vhostuser"`
}

// VideoModel is the card's kind.
type VideoModel struct {
	Type         string      `el:"type,attr,order=3" enum:"default vga cirrus vmvga xen vbox qxl parallels virtio gop none bochs ramfb"`
	RAM          uint        `el:"ram,attr"`
	VRAM         uint        `el:"vram,attr"`
	VRAM64       uint        `el:"vram64,attr"`
	VGAMem       uint        `el:"vgamem,attr"`
	Heads        uint        `el:"heads,attr"`
	Primary      string      `el:"primary,attr" like:"yes|no"` // yes, or any word for no
	Blob         OnOff       `el:"blob,attr"`
	EDID         OnOff       `el:"edid,attr"`
	Acceleration *VideoAccel `el:"acceleration,order=1"`
	Resolution   *Resolution `el:"resolution,order=2"`
}

// VideoAccel is drawing in hardware.
type VideoAccel struct {
	Accel3D    YesNo  `el:"accel3d,attr"`
	Accel2D    YesNo  `el:"accel2d,attr"`
	RenderNode string `el:"rendernode,attr,kept"`
}

// Resolution is the screen's size.
type Resolution struct {
	X uint `el:"x,attr,required,empty"`
	Y uint `el:"y,attr,required,empty"`
}

// Filesystem is a folder of the host in the guest.
type Filesystem struct {
	Type       string     `el:"type,attr,order=1" enum:"mount block file template ram bind volume"`
	AccessMode string     `el:"accessmode,attr,blank,order=2" enum:"passthrough mapped squash" unknown:"XML error: Invalid value for attribute 'accessmode' in element 'filesystem': '%s'."`
	Model      string     `el:"model,attr,order=5" enum:"virtio virtio-transitional virtio-non-transitional"`
	MultiDevs  string     `el:"multidevs,attr,order=6" enum:"default remap forbid warn"`
	FMode      string     `el:"fmode,attr,order=3"`
	DMode      string     `el:"dmode,attr,order=4"`
	Driver     *FSDriver  `el:"driver,order=9"`
	Binary     *FSBinary  `el:"binary,order=10"`
	IDMap      *IDMap     `el:"idmap,order=11"`
	Source     *FSSource  `el:"source"`
	Target     *FSTarget  `el:"target"`
	Readonly   bool       `el:"readonly"`
	Boot       *BootOrder `el:"boot"`
	Alias      *Alias     `el:"alias"`
	ACPI       *ACPIIndex `el:"acpi"`
	Address    *Address   `el:"address"`
	HardLimit  *Bytes     `el:"space_hard_limit,order=7"`
	SoftLimit  *Bytes     `el:"space_soft_limit,order=8"`

	Served bool // a socket is written, of whatever type
}

// FSDriver serves the folder.
type FSDriver struct {
	Type      string  `el:"type,attr,order=1" enum:"path handle loop nbd ploop virtiofs mtp"`
	Format    string  `el:"format,attr,blank,order=3" enum:"raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk aio" unknown:"unsupported configuration: unknown driver format value '%s'"`
	WRPolicy  string  `el:"wrpolicy,attr,order=2" enum:"immediate"`
	Queue     Wrapped `el:"queue,attr,order=8" unknown:"XML error: cannot parse queue size '%s' for virtiofs"`
	IOMMU     OnOff   `el:"iommu,attr,order=4"`
	ATS       OnOff   `el:"ats,attr,order=5"`
	Packed    OnOff   `el:"packed,attr,order=6"`
	PagePerVQ OnOff   `el:"page_per_vq,attr,order=7"`
	Name      string  `el:"name,attr"`
}

// FSBinary is virtiofsd.
type FSBinary struct {
	Path       string       `el:"path,attr"`
	XAttr      OnOff        `el:"xattr,attr,order=3"`
	Cache      *FSCache     `el:"cache,order=5"`
	Sandbox    *FSSandbox   `el:"sandbox,order=6"`
	Lock       *FSLock      `el:"lock,order=4"`
	ThreadPool *FSPool      `el:"thread_pool,order=1"`
	OpenFiles  *FSOpenFiles `el:"openfiles,order=2"`
}

// FSCache is how much the guest caches.
type FSCache struct {
	Mode string `el:"mode,attr" enum:"none always"`
}

// FSSandbox is how virtiofsd is confined.
type FSSandbox struct {
	Mode string `el:"mode,attr" enum:"namespace chroot"`
}

// FSLock are kinds of locks.
type FSLock struct {
	POSIX OnOff `el:"posix,attr"`
	Flock OnOff `el:"flock,attr"`
}

// FSPool is virtiofsd's number of threads.
type FSPool struct {
	Size *int `el:"size,attr,blank" unknown:"XML error: cannot parse thread pool size '%s' for virtiofs"`
}

// FSOpenFiles limits open files.
type FSOpenFiles struct {
	Max Wrapped `el:"max,attr" unknown:"XML error: cannot parse openfiles '%s' for virtiofs"`
}

// FSSource is the folder, image or size.
type FSSource struct {
	Dir    string `el:"dir,attr"`
	Dev    string `el:"dev,attr"`
	File   string `el:"file,attr"`
	Name   string `el:"name,attr"`
	Usage  string `el:"usage,attr"`
	Units  string `el:"units,attr"`
	Pool   string `el:"pool,attr"`
	Volume string `el:"volume,attr"`
	Socket string `el:"socket,attr"`

	blank string // the attribute that is written with nothing in it
}

// DecodeNode reads the source; Filesystem says which of it counts.
func (s *FSSource) DecodeNode(n *Node) error { return DecodeFields(n, s) }

// EncodeNode makes the element, with an attribute that is empty if it was written so.
func (s *FSSource) EncodeNode(name string) *Node {
	n := Element(name).With("dir", s.Dir, "dev", s.Dev, "file", s.File, "name", s.Name, "usage", s.Usage, "units", s.Units, "pool", s.Pool, "volume", s.Volume, "socket", s.Socket)
	if s.blank != "" {
		n.Attrs = append(n.Attrs, Attr{Name: s.blank})
	}
	return n
}

// FSTarget is the guest's name of it.
type FSTarget struct {
	Dir string `el:"dir,attr"`
}

// Bytes is an amount printed in bytes.
type Bytes uint64

// DecodeNode reads the number and unit.
func (b *Bytes) DecodeNode(n *Node) error {
	if n.Value() == "" {
		return errVoid
	}
	v, err := ScaledNode(n, 1)
	*b = Bytes(v)
	return err
}

// EncodeNode writes the amount.
func (b *Bytes) EncodeNode(name string) *Node {
	return TextElement(name, utoa(uint(*b))).With("unit", "bytes")
}

// DecodeNode reads the amount in any unit, as MiB or KiB: what scale is meant
// the owner of the element settles. Without unit the number stays.
func (a *Amount) DecodeNode(n *Node) error {
	v, err := ScaledNode(n, 1)
	if err != nil {
		return err
	}
	a.Value = v
	a.Unit, _ = n.Attr("unit")
	if a.Unit == "" {
		a.Unit = "bytes"
		return nil
	}
	a.Unit = "bytes"
	return nil
}
