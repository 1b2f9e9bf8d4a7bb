// Package vmware is the driver for VMware's programs for desktops: Player,
// Workstation and Fusion. It works through their own command vmrun. So far it
// tells the version and reads configurations.
package vmware

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/native/vmx"
	"virgo/xml"
)

// product is one of VMware's programs.
type product struct {
	driver  string // in URIs
	program string // beside vmrun; tells its version with -v
	title   string // before the version
}

var products = []product{
	{"vmwareplayer", "vmplayer", "VMware Player "},
	{"vmwarews", "vmware", "VMware Workstation "},
	{"vmwarefusion", "vmware-vmx", "VMware Fusion "},
}

// Conn is a connection to one product.
type Conn struct {
	uri     string
	version uint64
}

var (
	_ drivers.Conn      = (*Conn)(nil)
	_ drivers.Versioner = (*Conn)(nil)
	_ drivers.Converter = (*Conn)(nil)
)

// versionTimeout is how long a program may take to tell its version.
const versionTimeout = 30 * time.Second

// Open opens vmwareplayer:///session, vmwarews:///session, vmwarefusion:///session.
func Open(ctx context.Context, u drivers.URI, o drivers.OpenOptions) (drivers.Conn, error) {
	if u.Path != "/session" {
		return nil, xml.Errorf(xml.CodeInternal, "unexpected VMware URI path '%s', try vmwareplayer:///session, vmwarews:///session or vmwarefusion:///session", u.Path)
	}
	if u.Host != "" {
		return nil, xml.Errorf(xml.CodeNoConnect, "%s", u.Text)
	}
	for _, p := range products {
		if p.driver != u.Driver {
			continue
		}
		vmrun := lookPath("vmrun", o.Getenv("PATH"))
		if vmrun == "" {
			return nil, xml.Errorf(xml.CodeInternal, "vmrun utility is missing")
		}
		version, err := p.version(ctx, filepath.Dir(vmrun))
		if err != nil {
			return nil, err
		}
		return &Conn{u.Text, version}, nil
	}
	return nil, xml.Errorf(xml.CodeNoConnect, "%s", u.Text)
}

// lookPath finds a program in the folders of a PATH; "" if it is in none.
func lookPath(name, path string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p
		}
	}
	return ""
}

// version asks the product's program for its version.
func (p product) version(ctx context.Context, dir string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	program := filepath.Join(dir, p.program)
	out, err := exec.CommandContext(ctx, program, "-v").CombinedOutput()
	if err != nil {
		status := 127 // the program could not be run at all
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			status = exit.ExitCode()
		}
		return 0, xml.Errorf(xml.CodeInternal, "Child process (%s -v) unexpected exit status %d", program, status)
	}
	_, rest, ok := strings.Cut(string(out), p.title)
	if !ok {
		return 0, xml.Errorf(xml.CodeInternal, "cannot find version pattern \"%s\"", p.title)
	}
	return parseVersion(rest)
}

// parseVersion reads three numbers with dots, whatever follows.
func parseVersion(text string) (uint64, error) {
	version := uint64(0)
	for i := range 3 {
		digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
		n, err := strconv.ParseUint(digits, 10, 32)
		rest, dot := strings.CutPrefix(text[len(digits):], ".")
		if err != nil || n > 999 || i < 2 && !dot {
			return 0, xml.Errorf(xml.CodeInternal, "version parsing error")
		}
		version, text = version*1000+n, rest
	}
	return version, nil
}

// URI is the address that the connection was opened with.
func (c *Conn) URI() string { return c.uri }

// Objects gives none yet.
func (c *Conn) Objects(drivers.Kind) drivers.Objects { return nil }

// Close has nothing to end.
func (c *Conn) Close() error { return nil }

// Version is the product's.
func (c *Conn) Version(context.Context) (string, uint64, error) { return "VMware", c.version, nil }

// FromNative reads a configuration of VMware's.
func (c *Conn) FromNative(_ context.Context, format string, src xml.Source) ([]byte, []string, error) {
	if format != "vmware-vmx" {
		return nil, nil, xml.Errorf(xml.CodeInvalidArg, "Unsupported config format '%s'", format)
	}
	d, err := vmx.From(src, vmx.Options{Desktop: true})
	if err != nil {
		return nil, nil, err
	}
	t := &domain.Traits{Driver: "vmware"}
	if err := domain.Finish(d, t); err != nil {
		return nil, nil, err
	}
	doc, err := domain.Print(d, t, drivers.Inactive)
	return doc, nil, err
}

// ToNative is not offered, as by the peer: the format alone is enough for it.
func (c *Conn) ToNative(context.Context, string, xml.Source) ([]byte, error) {
	return nil, drivers.Unsupported("virConnectDomainXMLToNative")
}
