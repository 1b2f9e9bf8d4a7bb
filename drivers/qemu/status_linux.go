package qemu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"virgo/drivers"
)

// Files of a guest's run folder.
const (
	statusFile = "status.json"
	liveFile   = "live.xml"
	configFile = "config.xml" // what was started, as defined
	customFile = "custom"     // there if somebody has given QEMU commands of his own
	aliveFile  = "alive"      // QEMU holds its lock from the first instant to the last
	pidFile    = "qemu.pid"   // QEMU's own
	watchSock  = "watch.sock"
	qmpSock    = "qmp.sock"   // the watcher's link
	spareSock  = "spare.sock" // for a new watcher, and emergencies
)

// Status is what is known of a running guest. The watcher keeps it true.
type Status struct {
	Name    string          `json:"name"`
	UUID    string          `json:"uuid"`
	ID      int             `json:"id"`
	State   drivers.State   `json:"state"`
	Reason  drivers.Reason  `json:"reason"`
	Since   time.Time       `json:"since"`
	Started bool            `json:"started"` // the start came to its end
	QEMU    drivers.Process `json:"qemu"`
	Watcher drivers.Process `json:"watcher"`
	LibDir  string          `json:"libDir"`
	Policy  Policy          `json:"policy"`
	Nodes   int             `json:"nodes"`             // the last number that a block node has had
	Probed  []int           `json:"probed,omitempty"`  // numbers of images that only headers of images tell of
	Caches  bool            `json:"caches"`            // QEMU holds back what belongs on disks: it must end in order
	Saving  *saving         `json:"saving,omitempty"`  // it is being saved in a file
	Version uint64          `json:"version,omitempty"` // QEMU's
}

// Policy is what a guest's definition asks for when it ends.
type Policy struct {
	OnPoweroff, OnReboot, OnCrash string
}

func readStatus(dir string) (Status, error) {
	var s Status
	data, err := os.ReadFile(filepath.Join(dir, statusFile))
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	return s, err
}

func (s Status) write(dir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(filepath.Join(dir, statusFile), data, 0o600)
}

// ending is how a guest ended.
type ending struct {
	Reason drivers.Reason `json:"reason"`
	Since  time.Time      `json:"since"`
}

func readEnding(path string) (ending, bool) {
	var e ending
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &e) != nil {
		return e, false
	}
	return e, true
}
