package xml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// displayParts are the attributes and children that each type of display is read
// with, and those of its <gl>. Of other types they are passed over, whatever they say.
var displayParts = []struct{ kind, attrs, kids, gl string }{
	{"vnc", "port autoport websocket websocketGenerated listen socket keymap sharePolicy powerControl username passwd passwdValidTo connected", "listen audio", ""},
	{"spice", "port tlsPort autoport listen socket keymap defaultMode username passwd passwdValidTo connected", "listen channel image jpeg zlib playback streaming mouse clipboard filetransfer gl", "enable rendernode"},
	{"rdp", "port autoport replaceUser multiUser listen socket username passwd passwdValidTo connected", "listen", ""},
	{"sdl", "display xauth fullscreen", "gl", "enable"},
	{"desktop", "display fullscreen", "", ""},
	{"dbus", "p2p address", "gl audio", "enable rendernode"},
	{"egl-headless", "", "gl", "rendernode"},
}

// needPasswd are the attributes that count only beside a password, even an empty one.
var needPasswd = []string{"username", "passwdValidTo", "connected"}

// DecodeNode reads what a display of the type has. VNC and RDP take any word
// for no.
func (g *Graphics) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	var attrs, kids, gl []string
	for _, w := range displayParts {
		if w.kind == kind {
			attrs, kids, gl = strings.Fields(w.attrs), strings.Fields(w.kids), strings.Fields(w.gl)
		}
	}
	loose := kind == "vnc" || kind == "rdp"
	_, passwd := n.Attr("passwd")
	own := n.without(func(name string, attr bool) bool {
		v, _ := n.Attr(name)
		switch {
		case !attr:
			return !slices.Contains(kids, name)
		case name == "type":
			return false
		case !slices.Contains(attrs, name), slices.Contains(needPasswd, name) && !passwd:
			return true
		case loose && (name == "autoport" || name == "replaceUser" || name == "multiUser"):
			return v != "yes" && v != "no"
		}
		return false
	})
	if c := own.Child("gl"); c != nil {
		at := slices.Index(own.Children, c)
		own.Children = slices.Clone(own.Children)
		own.Children[at] = c.without(func(name string, _ bool) bool { return !slices.Contains(gl, name) })
	}
	if len(kids) > 0 && kids[0] == "listen" {
		if err := readListens(own); err != nil {
			return err
		}
	}
	if v, ok := n.Attr("port"); ok && loose {
		if _, bad := strconv.ParseInt(strings.TrimLeft(v, " \t\n"), 10, 32); bad != nil {
			return Errorf(CodeInternal, "cannot parse %s port %s", kind, v)
		}
	}
	if err := DecodeFields(own, g); err != nil {
		return err
	}
	if v, _ := own.Attr("websocketGenerated"); v == "yes" {
		g.WebSocket = ptr(-1)
	}
	if g.GL != nil && g.GL.Enable == "" && kind != "egl-headless" {
		return Errorf(CodeXML, "Missing required attribute 'enable' in element 'gl'")
	}
	if g.P2P == "yes" && g.Address != "" {
		return Errorf(CodeXML, "D-Bus p2p with an address is not supported")
	}
	return nil
}

// readListens checks where a display can be reached, which is read before
// all else of it. What its own attributes say holds for the first place.
func readListens(n *Node) error {
	first := true
	for _, c := range n.Elements("listen") {
		var l GraphicsListen
		if err := Decode(c, &l); err != nil {
			return err
		}
		for _, same := range []struct{ of, outer, inner string }{{"address", "listen", "address"}, {"socket", "socket", "socket"}} {
			outer, given := n.Attr(same.outer)
			inner, there := c.Attr(same.inner)
			if first && l.Type == same.of && given && there && outer != inner {
				return Errorf(CodeConfigUnsupported, "graphics '%s' attribute '%s' must match '%s' attribute of first listen element (found '%s')", same.outer, outer, same.inner, inner)
			}
		}
		first = false
		switch {
		case l.Network != "" && l.Type != "network":
			return Errorf(CodeXML, "'network' attribute is valid only for listen type 'network'")
		case l.Socket != "" && l.Type != "socket":
			return Errorf(CodeXML, "'socket' attribute is valid only for listen type 'socket'")
		}
	}
	return nil
}

// PasswdTime is until when a password can be used, in UTC.
type PasswdTime string

// ParseValue reads the time, whose numbers need no zeros in front. One that no
// calendar has is the beginning of time.
func (p *PasswdTime) ParseValue(text string) error {
	var n [6]int
	rest := text
	for i, end := range []string{"-", "-", "T", ":", ":", ""} {
		word := rest
		if end != "" {
			word, rest, _ = strings.Cut(rest, end)
		}
		v, err := strconv.ParseUint(strings.TrimLeft(word, " \t\n"), 10, 31)
		if err != nil {
			return Errorf(CodeInternal, "cannot parse password validity time '%s', expect YYYY-MM-DDTHH:MM:SS", text)
		}
		n[i] = int(v)
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	if y, m, d := at.Date(); y != n[0] || int(m) != n[1] || d != n[2] || n[3] != at.Hour() || n[4] != at.Minute() {
		at = time.Unix(0, 0).UTC()
	}
	*p = PasswdTime(fmt.Sprintf("%d", at.Year()) + at.Format("-01-02T15:04:05"))
	return nil
}

// FormatValue prints it.
func (p *PasswdTime) FormatValue() string { return string(*p) }

// CheckNode takes one head where no number is given, and any other word for no.
func (m *VideoModel) CheckNode(n *Node) error {
	if _, given := n.Attr("heads"); !given && m.Type != "none" {
		m.Heads = 1
	}
	if m.Primary != "yes" {
		m.Primary = ""
	}
	return nil
}

// CheckNode wants a screen that can be seen.
func (v *Video) CheckNode(*Node) error {
	if v.Model == nil || v.Model.Resolution == nil {
		return nil
	}
	if r := v.Model.Resolution; r.X == 0 || r.Y == 0 {
		return Errorf(CodeConfigUnsupported, "video resolution values must be greater than 0")
	}
	return nil
}

// CheckNode wants something to be said.
func (a *VideoAccel) CheckNode(*Node) error {
	if *a == (VideoAccel{}) {
		return Errorf(CodeConfigUnsupported, "missing values for acceleration")
	}
	return nil
}
