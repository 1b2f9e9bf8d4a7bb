package xml

// tiesChar are the rules for character devices.
var tiesChar = []tie{
	{"devices/serial devices/parallel devices/channel devices/redirdev", "", "+@type"},
	{"console", "!@type", "=@tty"},
	{"devices/channel", "", "+target -@tty"},
	{"channel/target", "", "+@type @type~guestfwd|virtio|xen"},
	{"channel/target", "@type=guestfwd", "+@address +@port =@type =@address =@port"},
	{"channel/target", "@type=virtio", "=@type =@name =@state"},
	{"channel/target", "@type=xen", "=@type =@name"},
	{"redirdev", "", "+@bus"},
	{"serial/log parallel/log console/log channel/log redirdev/log smartcard/log backend/log", "", "+@file"},
	{"target/model", "", "+@name"},
	{"smartcard", "", "+@mode -alias"},
	{"smartcard", "@mode=host", "=@mode =acpi =address"},
	{"smartcard", "@mode=host-certificates", "certificate*3 =@mode =certificate =database =acpi =address"},
	{"smartcard", "@mode=passthrough", "+@type -certificate -database"},
}
