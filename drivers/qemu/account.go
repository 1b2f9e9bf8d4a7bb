package qemu

import (
	osuser "os/user"
	"strconv"
	"strings"
)

// accountID is the number of a user or group of this host, named by kind: a
// name, or a number, which a plus sign marks as none. -1 is nobody.
func accountID(kind, text string) (int64, error) {
	number, plus := strings.CutPrefix(text, "+")
	if !plus {
		if kind == "user" {
			if u, err := osuser.Lookup(text); err == nil {
				number = u.Uid
			}
		} else if g, err := osuser.LookupGroup(text); err == nil {
			number = g.Gid
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < -1<<31 || n > 1<<32-1 {
		return 0, strconv.ErrSyntax
	}
	return int64(int32(n)), nil
}
