package qemu

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestTSCNear: how far a guest's counter may be from the host's.
func TestTSCNear(t *testing.T) {
	for _, c := range []struct {
		want, have uint64
		scaling    string
		refused    string
	}{
		{2596122000, 2596122000, "no", ""},
		{2595472970, 2596122000, "no", ""},
		{2595472969, 2596122000, "no", "Requested TSC frequency 2595472969 Hz is outside tolerance range ([2595472970, 2596771030] Hz) around host frequency 2596122000 Hz"},
		{1000000000, 2596122000, "yes", ""},
	} {
		err := tscNear(c.want, &xml.CPUCounter{Frequency: c.have, Scaling: c.scaling})
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%d of %d (%s): %v", c.want, c.have, c.scaling, err)
		}
	}
}

// TestHostSMBIOS: a guest with the host's tables, where there are such, and where not.
func TestHostSMBIOS(t *testing.T) {
	dom := &xml.Domain{OS: xml.OS{SMBIOS: &xml.SMBIOS{Mode: "host"}}}
	a := &args{d: dom}
	a.identity()
	if a.err == nil || !strings.Contains(a.err.Error(), "Host SMBIOS information is not available") {
		t.Error(a.err)
	}
	a = &args{d: dom, Build: Build{HostSMBIOS: &xml.Sysinfo{Type: "smbios", System: []xml.SysinfoEntry{{Name: "serial", Text: "S"}}}}}
	if a.identity(); a.err != nil || !strings.Contains(strings.Join(a.words, " "), "-smbios type=1,serial=S") {
		t.Error(a.words, a.err)
	}
}
