package drivers

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const fleetConfig = `
# comment = [ "x" ]
uri_aliases = [ "a=qemu+ssh://root@a.example/system", # first
  'b=qemu+tls://b.example/system' ]
host_groups = [ "rack=a,b", "all=rack, test:///default", "loop=loop" ]
hosts_at_once = 3
`

func TestFleet(t *testing.T) {
	var configs []*ConfigFile
	for _, text := range []string{fleetConfig, "uri_aliases = [ \"a=other\", \"c=c:///\" ]\nhost_timeout = 7"} {
		c, err := ParseConfig("f", text)
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, c)
	}
	n := NewNames(configs...)
	f, err := n.Fleet([]string{"all", "a", "c", "xen+ssh://x/", "test:///x"})
	want := []Host{{"a", "qemu+ssh://root@a.example/system"}, {"b", "qemu+tls://b.example/system"}, {"test:///default", "test:///default"},
		{"c", "c:///"}, {"x", "xen+ssh://x/"}, {"test:///x", "test:///x"}}
	if err != nil || !reflect.DeepEqual(f.Hosts, want) || f.AtOnce != 3 || f.Limit != 7*time.Second {
		t.Errorf("%v %v", f, err)
	}
	if f, _ := n.Fleet([]string{"qemu+ssh://h/system", "xen+ssh://h/"}); f.Hosts[0].Name != "qemu+ssh://h/system" {
		t.Errorf("hosts of one name: %v", f.Hosts)
	}
	if _, err := n.Fleet([]string{"loop"}); err == nil || !strings.Contains(err.Error(), "contains itself") {
		t.Errorf("loop: %v", err)
	}
}
