package block

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

func parse(t *testing.T, doc string) *xml.Domain {
	t.Helper()
	d := &xml.Domain{}
	if err := xml.Unmarshal(xml.Source{Name: "test", Data: []byte(doc)}, d); err != nil {
		t.Fatal(err)
	}
	return d
}

const chainXML = `<domain type='qemu' id='1'><name>g</name><memory>1</memory><os><type>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/top' index='1'/><backingStore type='file' index='2'><format type='qcow2'/><source file='/mid'/>
<backingStore type='file' index='3'><format type='raw'/><source file='/base'/><backingStore/></backingStore></backingStore>
<target dev='vda' bus='virtio'/></disk></devices></domain>`

func names(c Chain) string {
	var all []string
	for i := range c.Layers {
		all = append(all, c.Layers[i].Path()+":"+c.Layers[i].Node())
	}
	if c.Ended {
		all = append(all, "end")
	}
	return strings.Join(all, " ")
}

func TestChain(t *testing.T) {
	d := &parse(t, chainXML).Devices.Disks[0]
	c := ChainOf(d)
	if got := names(c); got != "/top:libvirt-1-format /mid:libvirt-2-format /base:libvirt-3-storage end" {
		t.Error(got)
	}
	before, _ := xml.Marshal(&xml.Domain{Devices: xml.Devices{Disks: []xml.Disk{*d}}})
	c.Put(d)
	if after, _ := xml.Marshal(&xml.Domain{Devices: xml.Devices{Disks: []xml.Disk{*d}}}); string(after) != string(before) {
		t.Errorf("%s\nwas\n%s", after, before)
	}
	c.Cut(1, 2).On(Layer{Type: "file", Format: "qcow2", Index: "9", Source: &xml.DiskSource{File: "/new"}}).Put(d)
	if got := names(ChainOf(d)); got != "/new:libvirt-9-format /top:libvirt-1-format /base:libvirt-3-storage end" {
		t.Error(got)
	}
	for word, want := range map[string]int{"/mid": 1, "vda[3]": 2, "/top": 0} {
		if at, err := c.Find("vda", word, -1); err != nil || at != want {
			t.Errorf("%s: %d, %v", word, at, err)
		}
	}
	for word, want := range map[string]string{
		"/top": "invalid argument: could not find image '/top' beneath '/top' in chain for 'vda'", "vda[7]": "invalid argument: could not find backing store index '7' in chain for 'vda'"} {
		if _, err := c.Find("vda", word, 0); err == nil || err.Error() != want {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// fake is a guest whose QEMU does what it is told at once.
type fake struct {
	mu     sync.Mutex
	t      *testing.T
	live   string
	number int
	jobs   map[string]string // status by id
	tops   []string
	calls  []string
	events []string
	refuse string // the command that is refused
	config string
}

func (f *fake) Execute(_ context.Context, command string, args, out any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, _ := json.Marshal(args)
	var a struct {
		ID    string `json:"id"`
		JobID string `json:"job-id"`
	}
	_ = json.Unmarshal(data, &a)
	if command == f.refuse {
		return errors.New("refused")
	}
	answer := "{}"
	switch command {
	case "query-jobs":
		var list []map[string]any
		for id, status := range f.jobs {
			list = append(list, map[string]any{"id": id, "status": status})
		}
		b, _ := json.Marshal(list)
		answer = string(b)
	case "query-named-block-nodes":
		answer = `[{"node-name":"libvirt-1-format","image":{"virtual-size":1048576,"cluster-size":65536}}]`
	case "query-block":
		var list []any
		for _, n := range f.tops {
			list = append(list, map[string]any{"inserted": map[string]string{"node-name": n}})
		}
		b, _ := json.Marshal(list)
		answer = string(b)
	case "blockdev-create":
		f.jobs[a.JobID] = "concluded"
	case "block-commit", "block-stream", "blockdev-mirror":
		f.jobs[a.JobID] = "running"
	case "job-dismiss":
		delete(f.jobs, a.ID)
	}
	f.calls = append(f.calls, command)
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(answer), out)
}

func (f *fake) Live() (*xml.Domain, error) { return parse(f.t, f.live), nil }
func (f *fake) EditLive(edit func(*xml.Domain) error) error {
	d := parse(f.t, f.live)
	err := edit(d)
	if err == nil {
		data, _ := xml.Marshal(d)
		f.live = string(data)
	}
	return err
}
func (f *fake) Lock(context.Context) func() { return func() {} }
func (f *fake) EditConfig(_ context.Context, edit func(*xml.Domain)) error {
	d := parse(f.t, f.config)
	edit(d)
	data, err := xml.Marshal(d)
	f.config = string(data)
	return err
}
func (f *fake) Persistent() bool           { return true }
func (f *fake) Running() bool              { return true }
func (f *fake) Stop(context.Context) error { return nil }
func (f *fake) Continue(context.Context)   {}
func (f *fake) BackupOver([]drivers.Param, string, bool) {
	f.events = append(f.events, "backup over")
}
func (f *fake) Number() int        { f.number++; return f.number }
func (f *fake) Own(*os.File) error { return nil }
func (f *fake) Tell(name, detail, _ string) {
	f.events = append(f.events, name+" "+detail)
}
func (f *fake) Nodes(_ *xml.Disk, l Layer, _ bool, _ string) (storage, format []qmp.Step, err error) {
	add := func(n string) []qmp.Step {
		return []qmp.Step{qmp.NewStep("blockdev-add", map[string]string{"node-name": n}).Undone("blockdev-del", "node-name", n)}
	}
	if l.Node() != l.Storage() {
		format = add(l.Node())
	}
	return add(l.Storage()), format, nil
}

func newFake(t *testing.T) (*fake, *Manager, string) {
	config := strings.NewReplacer(" id='1'", "", " index='1'", "", " index='2'", "", " index='3'", "").Replace(chainXML)
	f := &fake{t: t, live: chainXML, config: config, number: 9, jobs: map[string]string{}}
	dir := t.TempDir()
	return f, New(f, dir), dir
}

func (f *fake) chain(doc string) string { return names(ChainOf(&parse(f.t, doc).Devices.Disks[0])) }

func TestCommit(t *testing.T) {
	f, m, dir := newFake(t)
	ctx := context.Background()
	if err := m.Commit(ctx, "vda", "", "", drivers.BlockJobOptions{Active: true}); err != nil {
		t.Fatal(err)
	}
	if err := m.Finish(ctx, "vda", true, false); xml.CodeOf(err) != xml.CodeBlockCopyActive {
		t.Error(err)
	}
	m.caughtUp("commit-vda-libvirt-1-format")
	if !strings.Contains(f.live, "ready='yes'") {
		t.Error(f.live)
	}
	if _, err := m.abort(ctx, "vda", true); err != nil {
		t.Fatal(err)
	}
	f.jobs["commit-vda-libvirt-1-format"] = "concluded"
	f.tops = []string{"libvirt-3-storage"}
	// The manager is gone; the next one finds the job on disk.
	New(f, dir).Reconcile(ctx)
	if got := f.chain(f.live); got != "/base:libvirt-3-storage end" || strings.Contains(f.live, "mirror") {
		t.Error(f.live)
	}
	if got := f.chain(f.config); got != "/base:libvirt--storage end" {
		t.Error(f.config)
	}
	if _, err := os.Stat(filepath.Join(dir, StateFile)); err == nil {
		t.Error("its state is still there")
	}
	want := "block-job Active Block Commit for /top ready,block-job-2 Active Block Commit for vda ready," +
		"block-job Active Block Commit for /base completed,block-job-2 Active Block Commit for vda completed"
	if got := strings.Join(f.events, ","); got != want {
		t.Error(got)
	}
}

// TestCommitCutShort: a manager that is killed between any two of the steps by which
// a disk goes over to another image has a successor whose documents say what QEMU has.
func TestCommitCutShort(t *testing.T) {
	const id, top, base = "commit-vda-libvirt-1-format", "libvirt-1-format", "libvirt-3-storage"
	ctx := context.Background()
	begin := func(t *testing.T) (*fake, *Manager, string) {
		f, m, dir := newFake(t)
		if err := m.Commit(ctx, "vda", "", "", drivers.BlockJobOptions{Active: true}); err != nil {
			t.Fatal(err)
		}
		f.jobs[id], f.tops = "ready", []string{top}
		m.caughtUp(id)
		return f, m, dir
	}
	check := func(t *testing.T, f *fake, want string) {
		t.Helper()
		if live, config := f.chain(f.live), f.chain(f.config); !strings.HasPrefix(live, want) || !strings.HasPrefix(config, want) || strings.Contains(f.live, "mirror") {
			t.Errorf("wanted %s, live %s, definition %s", want, live, config)
		}
	}
	t.Run("told, not heard", func(t *testing.T) {
		f, m, dir := begin(t)
		if err := m.note(func(s *state) { s.Jobs[0].Pivot, s.Jobs[0].Abort = true, true }); err != nil {
			t.Fatal(err)
		}
		m = New(f, dir)
		m.Reconcile(ctx)
		if !slices.Contains(f.calls, "job-complete") {
			t.Error(f.calls)
		}
		f.jobs[id], f.tops = "concluded", []string{base}
		m.conclude(id)
		check(t, f, "/base")
	})
	t.Run("told, not heard, told otherwise", func(t *testing.T) {
		f, m, _ := begin(t)
		if err := m.note(func(s *state) { s.Jobs[0].Pivot, s.Jobs[0].Abort = true, true }); err != nil {
			t.Fatal(err)
		}
		if _, err := m.abort(ctx, "vda", false); err != nil {
			t.Fatal(err)
		}
		f.jobs[id] = "concluded"
		m.conclude(id)
		check(t, f, "/top")
	})
	t.Run("the document has no mirror yet", func(t *testing.T) {
		f, _, dir := begin(t)
		f.live = strings.Replace(f.live, "<mirror", "<!--", 1)
		f.live = strings.Replace(f.live, "</mirror>", "-->", 1)
		New(f, dir).Reconcile(ctx)
		if !strings.Contains(f.live, "<mirror type='file' job='active-commit' ready='yes'>") {
			t.Error(f.live)
		}
	})
	t.Run("the live document is changed, the definition not", func(t *testing.T) {
		f, m, dir := begin(t)
		if _, err := m.abort(ctx, "vda", true); err != nil {
			t.Fatal(err)
		}
		f.jobs[id], f.tops = "concluded", []string{base}
		j := m.state.Jobs[0]
		d := &parse(t, f.live).Devices.Disks[0]
		j.How = completed
		j.Gone = j.apply(d)
		if err := m.note(func(*state) {}); err != nil {
			t.Fatal(err)
		}
		_ = f.EditLive(func(dom *xml.Domain) error { j.apply(&dom.Devices.Disks[0]); return nil })
		New(f, dir).Reconcile(ctx)
		check(t, f, "/base")
	})
}

// TestPending: an exchange of images that was cut short is finished if QEMU has
// done it, and undone if it has not.
func TestPending(t *testing.T) {
	for _, done := range []bool{true, false} {
		f, m, dir := newFake(t)
		file := filepath.Join(dir, "new")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		o := Overlay{Disk: "vda", Layer: Layer{Type: "file", Format: "qcow2", Index: "10", Source: &xml.DiskSource{File: file}}}
		if err := m.note(func(s *state) { s.Pending = &pending{Overlays: []Overlay{o}, Made: []string{file}} }); err != nil {
			t.Fatal(err)
		}
		f.tops = []string{"libvirt-1-format"}
		if done {
			f.tops = []string{"libvirt-10-format"}
		}
		New(f, dir).Reconcile(context.Background())
		_, err := os.Stat(file)
		if got := strings.Contains(f.live, file) && strings.Contains(f.config, file); got != done || (err == nil) != done {
			t.Errorf("done %v: %v, %s", done, err, f.live)
		}
	}
}

// TestRefused: a snapshot that QEMU refuses leaves nothing.
func TestRefused(t *testing.T) {
	f, m, dir := newFake(t)
	f.refuse = "transaction"
	file := filepath.Join(dir, "new")
	o := Overlay{Disk: "vda", Layer: Layer{Type: "file", Format: "qcow2", Source: &xml.DiskSource{File: file}}}
	if err := m.Snapshot(context.Background(), []Overlay{o}, nil); err == nil {
		t.Error("no error")
	}
	_, err := os.Stat(file)
	if _, e := os.Stat(filepath.Join(dir, StateFile)); err == nil || e == nil || f.live != chainXML {
		t.Errorf("left: %v, %v, %s", err, e, f.live)
	}
	if last := f.calls[len(f.calls)-1]; last != "blockdev-del" {
		t.Error(f.calls)
	}
}
