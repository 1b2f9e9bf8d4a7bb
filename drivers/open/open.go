// Package open knows which driver opens which URI, and which URI is meant when
// none is given. It is apart from drivers because it imports every driver.
package open

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virgo/drivers"
	"virgo/drivers/remote"
	"virgo/drivers/test"
	"virgo/drivers/vmware"
	"virgo/xml"
)

// entry is a driver and how it opens a connection.
type entry struct {
	driver string
	open   drivers.Opener
}

// table lists the drivers. A new driver is one line here, or in linuxDrivers if
// it needs Linux.
var table = []entry{
	{"test", test.Open},
	{"vmwareplayer", vmware.Open},
	{"vmwarews", vmware.Open},
	{"vmwarefusion", vmware.Open},
}

// hosted are the drivers of which an address with a host means a libvirt daemon
// there, also without a transport.
var hosted = [...]string{"bhyve", "ch", "interface", "lxc", "network", "nodedev", "nwfilter", "qemu", "secret", "storage", "test", "vz", "xen"}

// Open opens a connection; an empty URI means the default.
func Open(ctx context.Context, uri string, o drivers.OpenOptions) (drivers.Conn, error) {
	if uri == "" {
		var err error
		if uri, err = Default(o.Getenv); err != nil {
			return nil, err
		}
	}
	if !strings.Contains(uri, ":") {
		n, err := names(o.Getenv)
		if err != nil {
			return nil, err
		}
		if uri, err = n.URI(uri); err != nil {
			return nil, err
		}
	}
	u, err := drivers.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	for _, d := range append(table[:len(table):len(table)], linuxDrivers...) {
		if d.driver == u.Driver && u.Transport == "" && (u.Host == "" || !slices.Contains(hosted[:], u.Driver)) {
			return d.open(ctx, u, o)
		}
	}
	if u.Transport != "" || u.Host != "" && slices.Contains(hosted[:], u.Driver) {
		return remote.Open(ctx, u, o)
	}
	return nil, xml.Errorf(xml.CodeNoConnect, "%s", uri)
}

// Default is the URI that is meant by none: the first that one of these names:
// VIRGO_URI, VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI, uri_default in a
// configuration file; else the system's QEMU for root, the session's for others.
func Default(getenv func(string) string) (string, error) {
	for _, name := range []string{"VIRGO_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"} {
		if v := getenv(name); v != "" {
			return v, nil
		}
	}
	for _, name := range configFiles(getenv) {
		c, err := drivers.ReadConfig(name)
		if err != nil {
			return "", err
		}
		if v, err := c.String("uri_default"); v != "" || err != nil {
			return v, err
		}
	}
	if os.Geteuid() == 0 {
		return "qemu:///system", nil
	}
	return "qemu:///session", nil
}

// names are what the configuration files say in place of URIs.
func names(getenv func(string) string) (drivers.Names, error) {
	var configs []*drivers.ConfigFile
	for _, name := range configFiles(getenv) {
		c, err := drivers.ReadConfig(name)
		if err != nil {
			return drivers.Names{}, err
		}
		configs = append(configs, c)
	}
	return drivers.NewNames(configs...), nil
}

// Fleet is the hosts that words mean: URIs, aliases, groups of them.
func Fleet(getenv func(string) string, words []string) (drivers.Fleet, error) {
	n, err := names(getenv)
	if err != nil {
		return drivers.Fleet{}, err
	}
	return n.Fleet(words)
}

// configFiles lists the configuration files, the first is asked first.
func configFiles(getenv func(string) string) []string {
	if os.Geteuid() == 0 {
		return []string{"/etc/virgo/virgo.conf", "/etc/libvirt/libvirt.conf"}
	}
	dir := getenv("XDG_CONFIG_HOME")
	if dir == "" {
		dir = filepath.Join(getenv("HOME"), ".config")
	}
	return []string{filepath.Join(dir, "virgo", "virgo.conf"), filepath.Join(dir, "libvirt", "libvirt.conf")}
}
