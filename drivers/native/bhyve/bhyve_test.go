package bhyve

import (
	"strings"
	"testing"

	"virgo/xml"
)

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":          {"", ""},
		"no bhyve":         {"echo hello", ""},
		"memory":           {"bhyve -m lots x", "memory"},
		"CPUs":             {"bhyve -c many x", "vCPU"},
		"quote":            {"bhyve 'x", "single quote"},
		"two of one":       {"bhyve -m 64 x\nbhyve -m 64 y", ""},
		"no name":          {"bhyve -m 64", ""},
		"another's loader": {"bhyveload -m 64 a\nbhyve -m 64 b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := From(xml.Source{Name: "f", Data: []byte(c.text)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v %+v, want %s", err, d, c.want)
			} else {
				t.Log(err)
			}
		})
	}
}

// FuzzFrom: any command line is read or refused, and what was read is written or refused.
func FuzzFrom(f *testing.F) {
	f.Add([]byte("bhyve -c 2 -m 512 -A -P -s 0:0,hostbridge -s 2:0,virtio-net,tap0,mac=58:9c:fc:0a:0b:0c -s 3,virtio-blk,/a -l com1,/dev/nmdm0A x"))
	f.Add([]byte("bhyveload -m 1G -d /a x\nbhyve -m 1G -s 1,ahci,hd:/a,cd:/b -u -W x"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if d, err := From(xml.Source{Data: data}); err == nil {
			_, _ = To(d)
		}
	})
}
