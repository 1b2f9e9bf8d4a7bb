package tests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
)

// fakeAgent is the scripts' `fakeagent SOCKET`: a guest's agent that listens on
// the host's end of a channel. It says what one of a small Linux guest says, with
// rubbish before each synchronization.
func fakeAgent() {
	l, err := net.Listen("unix", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	a := &agent{online: []bool{true, true}, keys: []string{"ssh-ed25519 AAAA one"}}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		a.serve(c)
		c.Close()
	}
}

type agent struct {
	frozen bool
	online []bool
	keys   []string
}

func (a *agent) serve(c net.Conn) {
	in := bufio.NewScanner(c)
	for in.Scan() {
		var cmd struct {
			Execute   string
			Arguments json.RawMessage
		}
		line := strings.TrimPrefix(in.Text(), "\xff")
		if json.Unmarshal([]byte(line), &cmd) != nil {
			continue
		}
		if cmd.Execute == "guest-sync-delimited" {
			var id struct{ ID int64 }
			_ = json.Unmarshal(cmd.Arguments, &id)
			fmt.Fprintf(c, "half a line{\"return\":7}\n\xff{\"return\":8}\n\xff{\"return\": %d}\n", id.ID)
			continue
		}
		switch answer, refusal := a.do(cmd.Execute, cmd.Arguments); {
		case refusal == "silent":
		case refusal != "":
			fmt.Fprintf(c, "{\"error\": {\"class\": \"GenericError\", \"desc\": %q}}\n", refusal)
		default:
			data, _ := json.Marshal(answer)
			fmt.Fprintf(c, "{\"return\": %s}\n", data)
		}
	}
}

// agentFacts are answers that do not change.
var agentFacts = map[string]string{
	"guest-ping":          `{}`,
	"guest-get-time":      `1700000000000000000`,
	"guest-set-time":      `{}`,
	"guest-fstrim":        `{"paths":[]}`,
	"guest-get-host-name": `{"host-name":"testguest"}`,
	"guest-get-users":     `[{"user":"joe","login-time":1700000000.5}]`,
	"guest-get-timezone":  `{"zone":"UTC","offset":0}`,
	"guest-get-osinfo":    `{"id":"debian","name":"Debian GNU/Linux","kernel-release":"6.1.0"}`,
	"guest-get-fsinfo": `[{"name":"sda1","mountpoint":"/","type":"ext4","total-bytes":2000,"used-bytes":1000,"disk":[{"bus-type":"ide","bus":0,"unit":0,"target":0,` +
		`"pci-controller":{"domain":0,"bus":0,"slot":1,"function":1},"dev":"/dev/sda1","serial":"S1"}]},{"name":"proc","mountpoint":"/proc","type":"proc","disk":[]}]`,
	"guest-get-disks": `[{"name":"/dev/sda1","partition":true,"dependencies":["/dev/sda"]},{"name":"/dev/sda","partition":false,"address":{"bus-type":"ide","bus":0,"unit":0,` +
		`"target":0,"pci-controller":{"domain":0,"bus":0,"slot":1,"function":1}}}]`,
	"guest-network-get-interfaces": `[{"name":"lo","hardware-address":"00:00:00:00:00:00","ip-addresses":[{"ip-address":"127.0.0.1","ip-address-type":"ipv4","prefix":8},` +
		`{"ip-address":"::1","ip-address-type":"ipv6","prefix":128}]},{"name":"eth0","hardware-address":"52:54:00:00:00:09"}]`,
	"guest-set-user-password": `{}`,
}

func (a *agent) do(command string, args json.RawMessage) (any, string) {
	var v struct {
		VCPUs []struct {
			ID     int `json:"logical-id"`
			Online bool
		}
		Keys     []string
		Reset    bool
		Username string
	}
	_ = json.Unmarshal(args, &v)
	switch command {
	case "guest-fsfreeze-freeze", "guest-fsfreeze-freeze-list":
		a.frozen = true
		return 1, ""
	case "guest-fsfreeze-thaw":
		a.frozen = false
		return 1, ""
	case "guest-silence", "guest-shutdown":
		return nil, "silent"
	case "guest-get-vcpus":
		var list []map[string]any
		for i, on := range a.online {
			list = append(list, map[string]any{"logical-id": i, "online": on, "can-offline": i > 0})
		}
		return list, ""
	case "guest-set-vcpus":
		for _, c := range v.VCPUs {
			a.online[c.ID] = c.Online
		}
		return len(v.VCPUs), ""
	case "guest-ssh-get-authorized-keys":
		if v.Username != "joe" {
			return nil, "failed to lookup user '" + v.Username + "'"
		}
		return map[string]any{"keys": a.keys}, ""
	case "guest-ssh-add-authorized-keys":
		if v.Reset {
			a.keys = nil
		}
		a.keys = append(a.keys, v.Keys...)
		return struct{}{}, ""
	case "guest-ssh-remove-authorized-keys":
		a.keys = slices.DeleteFunc(a.keys, func(k string) bool { return slices.Contains(v.Keys, k) })
		return struct{}{}, ""
	}
	if a.frozen {
		return nil, "Command " + command + " has been disabled: the agent is in frozen state"
	}
	if answer, ok := agentFacts[command]; ok {
		return json.RawMessage(answer), ""
	}
	return nil, "The command " + command + " has not been found"
}
