package xml

// tiesSystem are the rules for displays, ports, booting and limits that are about the
// forms of values.
var tiesSystem = []tie{
	{"graphics", "@type=vnc,spice,rdp", "@port:-1..65535 @tlsPort:-1..65535 @port~\\s*-?[0-9]+ @listen~.+"},
	{"graphics", "@type=spice", "@connected~fail|disconnect|keep"},
	{"graphics", "@type=vnc,spice", "@passwdValidTo~-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"},
	{"graphics", "@type=dbus", "@address~.+"},
	{"video/model", "", "@type~vga|cirrus|vmvga|xen|vbox|virtio|gop|none|bochs|ramfb|qxl"},
	{"graphics/audio sound/audio devices/audio", "", "@id~0x[0-9a-fA-F]{1,2}|[+]?0*([0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])"},
	{"devices/audio", "@type=pipewire", "@runtimeDir~.+"},
	{"sound", "", "@streams:0..4294967295"},
	{"devices/audio", "@type=file", "@path~.+"},
	{"audio/input audio/output", "", "@dev~.+"},
	{"input/source", "", "@evdev~/.* @dev~/.*"},
	{"devices/input", "", "@bus~ps2|usb|xen|virtio"},

	{"devices/serial devices/parallel console", "", "@tty~/.*"},
	{"serial/protocol parallel/protocol console/protocol channel/protocol", "", "@type~raw|telnet|telnets|tls"},
	{"serial/log parallel/log console/log channel/log", "", "@file~/.*"},
	{"parallel/target", "", "-@type"},
	{"serial/source parallel/source console/source channel/source", "", "-@tlsFromConfig"},
	{"channel/target", "@type=virtio", "@state~connected|disconnected"},

	{"os", "", "@firmware~bios|efi kernel~/.* initrd~/.* dtb~/.*"},
	{"os/type", "", "@arch~.+ @machine~.+"},
	{"os/smbios", "", "+@mode"},
	{"features/smm", "tseg", "+@state"},
	{"domain", "", "on_poweroff~.+ on_reboot~.+ on_crash~.+ on_lockfailure~.+ vcpu:0..65535 uuid~.+ title~.+ currentMemory~.+ iothreads~.+"},
	{"domain/clock", "", "@offset~.+"},
	{"domain/maxMemory", "", "@slots~.+"},
	{"domain/memory domain/currentMemory domain/maxMemory", "", "@unit~.+"},
	{"cpu/feature", "", "+@policy"},
	{"cpu/model", "", "@vendor_id~[^,]{12}"},
	{"memoryBacking/source", "", "+@type"},
}
