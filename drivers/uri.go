package drivers

import (
	"context"
	"net/url"
	"strings"

	"virgo/xml"
)

// URI is a connection's address: driver[+transport]://[user@]host[:port]/path[?query].
type URI struct {
	Text      string // as given
	Driver    string // "qemu", "test", ...
	Transport string // "ssh", "unix", ...; "" for none
	User      string
	Host      string
	Port      string
	Path      string
	Query     url.Values
}

// ParseURI reads a connection's address.
func ParseURI(text string) (URI, error) {
	u := URI{Text: text}
	scheme, _, ok := strings.Cut(text, ":")
	if ok && !validScheme(scheme) {
		return u, xml.Errorf(xml.CodeInternal, "Unable to parse URI %s", text)
	}
	if !ok {
		return u, xml.Errorf(xml.CodeNoConnect, "URI '%s' does not include a driver name", text)
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return u, xml.Errorf(xml.CodeInternal, "Unable to parse URI %s", text)
	}
	u.Driver, u.Transport, _ = strings.Cut(strings.ToLower(scheme), "+")
	u.Host, u.Port, u.Path = parsed.Hostname(), parsed.Port(), parsed.Path
	if parsed.Opaque != "" {
		u.Path = parsed.Opaque
	}
	if parsed.User != nil {
		u.User = parsed.User.Username()
	}
	u.Query = parsed.Query()
	return u, nil
}

func validScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if !(c >= 'a' && c <= 'z' || i > 0 && (s[i] >= '0' && s[i] <= '9' || strings.IndexByte("+-.", s[i]) >= 0)) {
			return false
		}
	}
	return s != ""
}

// OpenOptions say how a connection is opened.
type OpenOptions struct {
	ReadOnly bool
	Among    bool // it is one of many connections that are used at once
	Getenv   func(string) string
	// Ask asks the user for a user's name or a password; secret answers are
	// not shown. nil if nobody can be asked.
	Ask func(prompt string, secret bool) (string, error)
	// Terminal tells that the answers come from a terminal, not from a script.
	Terminal bool
	// Command is the command that is at work, as a user would type it, for the
	// history of definitions; nil: unknown.
	Command func() string
}

// Opener opens connections of one driver.
type Opener func(context.Context, URI, OpenOptions) (Conn, error)

// Keepaliver is a connection that can send keepalive messages to its peer.
type Keepaliver interface {
	SetKeepalive(ctx context.Context, interval, count int) error
}
