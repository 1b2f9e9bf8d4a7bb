package xml

import (
	"slices"
)

// OS is how the guest boots.
type OS struct {
	Firmware   string      `el:"firmware,attr" enum:"bios efi" unknown:"XML error: unknown firmware value %s"`
	Type       OSType      `el:"type,wanted"`
	Init       string      `el:"init"`
	InitArgs   []string    `el:"initarg"`
	InitEnv    []InitEnv   `el:"initenv"`
	InitDir    string      `el:"initdir"`
	InitUser   string      `el:"inituser"`
	InitGroup  string      `el:"initgroup"`
	FWFeatures []FWFeature `el:"firmware>feature,order=1"`
	Loader     *Loader     `el:"loader"`
	NVRAM      *NVRAMFile  `el:"nvram"`
	Kernel     string      `el:"kernel"`
	Initrd     string      `el:"initrd"`
	Cmdline    string      `el:"cmdline"`
	Shim       string      `el:"shim"`
	DTB        string      `el:"dtb"`
	Root       string      `el:"root"`
	ACPITables []ACPITable `el:"acpi>table"`
	Boot       []Boot      `el:"boot"`
	BootMenu   *BootMenu   `el:"bootmenu"`
	BIOS       *BIOS       `el:"bios"`
	SMBIOS     *SMBIOS     `el:"smbios"`
}

// osParts are what only guests of some types have: only fully virtual ones have a
// BIOS, and only containers a first process, and no firmware.
var osParts = []partOfTypes{
	{"boot", "hvm"}, {"bootmenu", "hvm"}, {"bios", "hvm"}, {"acpi", "hvm"}, {"@firmware", "hvm"}, {"firmware", "hvm"},
	{"loader", "hvm xen linux uml xenpvh"}, {"nvram", "hvm xen linux uml xenpvh"},
	{"init", "exe"}, {"initarg", "exe"}, {"initenv", "exe"}, {"initdir", "exe"}, {"inituser", "exe"}, {"initgroup", "exe"},
}

// mostBoots is how many kinds of devices a guest can boot from; more are not looked at.
const mostBoots = 4

// DecodeNode reads how the guest boots.
func (o *OS) DecodeNode(n *Node) error {
	kind := ""
	if t := n.Child("type"); t != nil {
		kind = t.Value()
	}
	if kind == "" {
		kind = "xen" // with a bootloader
	}
	own := n.ofType(kind, osParts).without(func(name string, attr bool) bool {
		v, _ := n.Attr(name)
		return attr && name == "firmware" && v == ""
	})
	if boots := own.Elements("boot"); len(boots) > mostBoots {
		own = own.shallow()
		own.Children = slices.DeleteFunc(own.Children, func(c *Node) bool { return slices.Contains(boots[mostBoots:], c) })
	}
	if err := checkInit(own); err != nil {
		return err
	}
	return DecodeFields(own, o)
}

// checkInit wants something in each argument and variable of a container's first process.
func checkInit(n *Node) error {
	for _, c := range n.Elements("initarg") {
		if c.Value() == "" {
			return Errorf(CodeXML, "No data supplied for <initarg> element")
		}
	}
	for _, c := range n.Elements("initenv") {
		name, ok := c.Attr("name")
		if !ok {
			return Errorf(CodeXML, "No name supplied for <initenv> element")
		}
		if c.Value() == "" {
			return Errorf(CodeXML, "No value supplied for <initenv name='%s'> element", name)
		}
	}
	return nil
}

// OSType is what kind of guest runs, and on what.
type OSType struct {
	Arch    string `el:"arch,attr"`
	Machine string `el:"machine,attr"`
	Text    string `el:",text,blank" enum:"hvm xen linux exe uml xenpvh" unknown:"unsupported configuration: unknown OS type '%s'"`
}

// InitEnv is a variable of a container's first process.
type InitEnv struct {
	Name  string `el:"name,attr,required"`
	Value string `el:",text"`
}

// FWFeature is a feature that the firmware must have or lack.
type FWFeature struct {
	Enabled YesNo  `el:"enabled,attr,required"`
	Name    string `el:"name,attr,required,order=1" enum:"enrolled-keys secure-boot"`
}

// Loader is the firmware's code.
type Loader struct {
	Readonly  YesNo  `el:"readonly,attr,order=1"`
	Secure    YesNo  `el:"secure,attr,order=3"`
	Type      string `el:"type,attr,order=2" enum:"rom pflash"`
	Stateless YesNo  `el:"stateless,attr,order=4"`
	Format    string `el:"format,attr,order=5" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Path      string `el:",text"`
}

// NVRAMFile is the firmware's variables.
type NVRAMFile struct {
	Template       string      `el:"template,attr,kept"`
	TemplateFormat string      `el:"templateFormat,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Type           string      `el:"type,attr" enum:"file block dir network volume nvme vhostuser vhostvdpa"`
	Format         string      `el:"format,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Path           string      `el:",text"`
	Source         *DiskSource `el:"source"`
}

// ACPITable is a table given to the guest's firmware.
type ACPITable struct {
	Type string `el:"type,attr,required" enum:"raw rawset slic msdm"`
	Path string `el:",text,empty"`
}

// Boot is a kind of device to boot from.
type Boot struct {
	Dev string `el:"dev,attr,required" enum:"fd cdrom hd network"`
}

// BootMenu is the firmware's menu.
type BootMenu struct {
	Enable  YesNo `el:"enable,attr"`
	Timeout *uint `el:"timeout,attr"`
}

// DecodeNode reads the menu: of one that is not shown there is no time.
func (m *BootMenu) DecodeNode(n *Node) error {
	on, _ := n.Attr("enable")
	err := DecodeFields(n.without(func(name string, _ bool) bool { return name == "timeout" && on != "yes" }), m)
	if err == nil && m.Timeout != nil && *m.Timeout > 65535 {
		return Errorf(CodeConfigUnsupported, "invalid value for boot menu timeout, must be in range [0,65535]")
	}
	if err == nil && on == "" {
		return errVoid
	}
	return err
}

// BIOS has settings of SeaBIOS.
type BIOS struct {
	UseSerial     string `el:"useserial,attr,kept" like:"yes|no"`
	RebootTimeout *int   `el:"rebootTimeout,attr"`
}

// CheckNode takes any word for no.
func (b *BIOS) CheckNode(*Node) error {
	if b.UseSerial != "" && b.UseSerial != "yes" {
		b.UseSerial = "no"
	}
	return nil
}

// SMBIOS says whose tables the guest sees.
type SMBIOS struct {
	Mode string `el:"mode,attr" enum:"emulate host sysinfo" unknown:"unsupported configuration: unknown smbios mode '%s'"`
}

// Sysinfo is what the guest's SMBIOS tables or fw_cfg hold.
type Sysinfo struct {
	Type       string         `el:"type,attr,required" enum:"smbios fwcfg"`
	BIOS       []SysinfoEntry `el:"bios>entry"`
	System     []SysinfoEntry `el:"system>entry"`
	BaseBoards []SysinfoBlock `el:"baseBoard"`
	Chassis    []SysinfoEntry `el:"chassis>entry"`
	OEMStrings []OEMString    `el:"oemStrings>entry"`
	Entries    []SysinfoEntry `el:"entry"`
}

// SysinfoBlock is a repeated table.
type SysinfoBlock struct {
	Entries []SysinfoEntry `el:"entry"`
}

// OEMString is a string of the board's maker, printed though it may be empty.
type OEMString struct {
	Text string `el:",text,empty"`
}

// SysinfoEntry is one value.
type SysinfoEntry struct {
	Name string `el:"name,attr"`
	File string `el:"file,attr,kept"`
	Text string `el:",text"`
}
