package network

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
)

// parseLeases reads dnsmasq's file of leases: lines of the end in seconds since
// 1970 (0 is never), MAC address or IAID, address, host name, client id or DUID;
// * is for what is not known. prefix tells the length of the prefix of an
// address's network. Leases that have ended are left out. A line that is none
// is passed over: dnsmasq may be writing.
func parseLeases(text string, now time.Time, prefix func(netip.Addr) int) []drivers.Lease {
	var list []drivers.Lease
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) < 5 {
			continue
		}
		end, err1 := strconv.ParseInt(w[0], 10, 64)
		addr, err2 := netip.ParseAddr(w[2])
		if err1 != nil || err2 != nil {
			continue
		}
		l := drivers.Lease{Address: addr.String(), Hostname: known(w[3]), DUID: known(w[4]), Family: 6, Prefix: prefix(addr)}
		if end != 0 {
			if l.Expiry = time.Unix(end, 0); l.Expiry.Before(now) {
				continue
			}
		}
		if addr.Is4() {
			l.Family, l.MAC = 4, w[1]
			if i := strings.LastIndexByte(l.MAC, '-'); i >= 0 { // behind a hardware type that is not Ethernet's
				l.MAC = l.MAC[i+1:]
			}
		} else {
			l.IAID, l.MAC = strings.TrimPrefix(w[1], "T"), duidMAC(l.DUID)
		}
		list = append(list, l)
	}
	return list
}

func known(word string) string {
	if word == "*" {
		return ""
	}
	return word
}

// duidMAC is the Ethernet address in a DUID of type 1 (with a time) or 3, as in
// RFC 8415, section 11; "" in others.
func duidMAC(duid string) string {
	const mac = 3*6 - 1
	switch {
	case strings.HasPrefix(duid, "00:01:00:01:") && len(duid) == 8*3+mac, strings.HasPrefix(duid, "00:03:00:01:") && len(duid) == 4*3+mac:
		return duid[len(duid)-mac:]
	}
	return ""
}
