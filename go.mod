module virgo

go 1.24.0

require (
	github.com/chzyer/readline v1.5.1
	github.com/digitalocean/go-libvirt v0.0.0-20261013170128-efbbdf578ac8
	github.com/rogpeppe/go-internal v1.14.1
	github.com/spf13/cobra v1.10.2
	github.com/vishvananda/netlink v1.3.1
	golang.org/x/crypto v0.48.0
)

require (
	github.com/mattn/go-runewidth v0.0.9 // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
	golang.org/x/tools v0.42.0 // indirect
)

require (
	github.com/digitalocean/go-qemu v0.0.0-20250212194115-ee9b0668d242
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/olekukonko/tablewriter v0.0.5
	github.com/spf13/pflag v1.0.9 // indirect
	golang.org/x/sys v0.41.0
)
