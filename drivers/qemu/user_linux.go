package qemu

import (
	"os"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// user is who QEMU runs as.
type user struct {
	UID, GID uint32
	Groups   []uint32
}

// config is qemu.conf, beside the folder of definitions.
func (l Layout) config() (*drivers.ConfigFile, error) {
	return drivers.ReadConfig(filepath.Join(filepath.Dir(l.Etc), "qemu.conf"))
}

// userOf is who QEMU runs as for a domain: whom its security label of the model dac
// names, where virgo is root, or else the host's setting.
func (l Layout) userOf(dom *xml.Domain) (*user, error) {
	for _, s := range dom.SecLabels {
		if s.Model != "dac" || s.Label == "" || s.Type == "none" || os.Geteuid() != 0 {
			continue
		}
		return labelUser(s.Label)
	}
	return l.user()
}

// labelUser is whom a label of the model dac names.
func labelUser(label string) (*user, error) {
	name, group, _ := strings.Cut(label, ":")
	uid, err := accountID("user", name)
	gid := int64(0)
	if err == nil {
		gid, err = accountID("group", group)
	}
	if err != nil || uid < 0 || gid < 0 {
		return nil, xml.Errorf(xml.CodeInvalidArg, "failed to parse label '%s' of the security model dac: it is USER:GROUP, names or numbers with a plus sign", label)
	}
	out := &user{UID: uint32(uid), GID: uint32(gid)}
	if u, err := osuser.LookupId(strconv.FormatInt(uid, 10)); err == nil {
		out.Groups = groupsOf(u)
	}
	return out, nil
}

// groupsOf are all groups of a user: /dev/kvm is a group's, as a rule.
func groupsOf(u *osuser.User) []uint32 {
	var out []uint32
	ids, _ := u.GroupIds()
	for _, id := range ids {
		out = append(out, number32(id))
	}
	return out
}

// user reads qemu.conf beside the folder of definitions: who QEMU runs as where
// virgo is root. nil is the caller.
func (l Layout) user() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	file := filepath.Join(filepath.Dir(l.Etc), "qemu.conf")
	config, err := l.config()
	if err != nil {
		return nil, err
	}
	name, err := config.String("user")
	if name == "" || err != nil {
		return nil, err
	}
	group, err := config.String("group")
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*user, error) {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "%s: %v", file, err)
	}
	u, err := osuser.Lookup(name)
	if err != nil {
		return fail(err)
	}
	out := &user{UID: number32(u.Uid), GID: number32(u.Gid)}
	if group != "" {
		g, err := osuser.LookupGroup(group)
		if err != nil {
			return fail(err)
		}
		out.GID = number32(g.Gid)
	}
	out.Groups = groupsOf(u)
	return out, nil
}

func number32(text string) uint32 {
	n, _ := strconv.ParseUint(text, 10, 32)
	return uint32(n)
}

// own gives the guest's files to the user, and lets it pass through the folders
// above them, which stay closed to listing.
func (u *user) own(l Layout, dom *xml.Domain, s Status, memory []string) error {
	if u == nil {
		return nil
	}
	for _, dir := range []string{l.Lib, l.Run, filepath.Join(l.Run, "channel")} {
		for ; dir != l.Root && dir != "/" && dir != "."; dir = filepath.Dir(dir) {
			fi, err := os.Stat(dir)
			if err != nil || fi.Mode().Perm() != 0o700 {
				continue
			}
			if err := os.Chmod(dir, 0o711); err != nil {
				return xml.Errorf(xml.CodeSystem, "cannot open folder '%s' to the guest's user: %s", dir, drivers.SystemText(unwrapPath(err)))
			}
		}
	}
	paths := []string{s.LibDir, filepath.Join(s.LibDir, keyFile)}
	for _, c := range dom.Devices.Channels {
		if c.Type == "unix" && c.Mode == "bind" && c.Path != "" {
			paths = append(paths, filepath.Dir(c.Path))
		}
	}
	if n := nvramFile(dom); n != "" {
		paths = append(paths, n)
	}
	for _, dir := range memory {
		letIn(dir)
	}
	for _, p := range append(paths, memory...) {
		if err := os.Chown(p, int(u.UID), int(u.GID)); err != nil {
			return xml.Errorf(xml.CodeSystem, "unable to set user and group to '%d:%d' on '%s': %s", u.UID, u.GID, p, drivers.SystemText(unwrapPath(err)))
		}
	}
	return nil
}
