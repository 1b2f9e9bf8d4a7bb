package block

import (
	"context"
	"strings"

	"virgo/xml"
)

// FirmwareNode is the node of firmware variables in an image with a format.
const FirmwareNode = "libvirt-pflash1-format"

// WithFirmware tells whether snapshots within images are also within that of the
// firmware's variables.
func WithFirmware(dom *xml.Domain) bool {
	l, n := dom.OS.Loader, dom.OS.NVRAM
	return l != nil && l.Type == "pflash" && n != nil && n.Format == "qcow2"
}

// NodesOf are the nodes of the top images of disks, and of what else takes part
// in snapshots within images.
func NodesOf(dom *xml.Domain, targets []string) ([]string, error) {
	var nodes []string
	for _, t := range targets {
		d, err := DiskOf(dom, t)
		if err != nil {
			return nil, err
		}
		c := ChainOf(d)
		if len(c.Layers) == 0 {
			return nil, invalid("disk '%s' has no image", t)
		}
		nodes = append(nodes, c.Layers[0].Node())
	}
	if WithFirmware(dom) {
		nodes = append(nodes, FirmwareNode)
	}
	return nodes, nil
}

// SaveWithin keeps the guest's state and that of disks within their images. The
// guest is stopped.
func (m *Manager) SaveWithin(ctx context.Context, tag string, targets []string) error {
	nodes, err := m.topNodes(targets)
	if err != nil {
		return err
	}
	return m.internal(ctx, "save", map[string]any{"tag": tag, "vmstate": nodes[0], "devices": nodes})
}

// DeleteWithin drops what SaveWithin has kept, where it is still there.
func (m *Manager) DeleteWithin(ctx context.Context, tag string, targets []string) error {
	live, err := m.guest.Live()
	if err != nil {
		return err
	}
	have, err := m.holding(ctx, tag)
	if err != nil {
		return err
	}
	var nodes []string
	for _, t := range targets {
		d, err := DiskOf(live, t)
		if err != nil {
			continue
		}
		if c := ChainOf(d); len(c.Layers) > 0 && have[c.Layers[0].Node()] {
			nodes = append(nodes, c.Layers[0].Node())
		}
	}
	if have[FirmwareNode] {
		nodes = append(nodes, FirmwareNode)
	}
	if len(nodes) == 0 {
		return nil
	}
	return m.internal(ctx, "delete", map[string]any{"tag": tag, "devices": nodes})
}

// holding are the nodes whose images have a snapshot of a name.
func (m *Manager) holding(ctx context.Context, tag string) (map[string]bool, error) {
	var list []struct {
		Node  string `json:"node-name"`
		Image struct{ Snapshots []struct{ Name string } }
	}
	if err := m.guest.Execute(ctx, "query-named-block-nodes", map[string]bool{"flat": true}, &list); err != nil {
		return nil, err
	}
	have := make(map[string]bool)
	for _, n := range list {
		for _, s := range n.Image.Snapshots {
			if s.Name == tag {
				have[n.Node] = true
			}
		}
	}
	return have, nil
}

func (m *Manager) topNodes(targets []string) ([]string, error) {
	live, err := m.guest.Live()
	if err != nil {
		return nil, err
	}
	return NodesOf(live, targets)
}

// internal runs a job that works on snapshots within images.
func (m *Manager) internal(ctx context.Context, verb string, args map[string]any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Internal(ctx, m.guest, verb, args)
}

// Internal runs a job that works on snapshots within images, and waits for its end.
func Internal(ctx context.Context, g Executer, verb string, args map[string]any) error {
	id := "internal-snapshot-" + verb + "-" + args["tag"].(string)
	args["job-id"] = id
	if err := g.Execute(ctx, "snapshot-"+verb, args, nil); err != nil {
		return err
	}
	for {
		job, err := findJob(ctx, g, id)
		switch {
		case err != nil:
			return err
		case job == nil:
			return xml.Errorf(xml.CodeInternal, "the job '%s' has vanished", id)
		case job.Status == "concluded":
			_ = g.Execute(ctx, "job-dismiss", map[string]string{"id": id}, nil)
			if job.Error != "" {
				return xml.Errorf(xml.CodeOperationFailed, "%s job failed: %s", "snapshot-"+verb, job.Error)
			}
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// waitInternal waits until QEMU has done what it was told to before somebody
// else took over.
func (m *Manager) waitInternal(ctx context.Context) {
	for {
		var list []jobState
		if m.guest.Execute(ctx, "query-jobs", nil, &list) != nil {
			return
		}
		busy := false
		for _, j := range list {
			if !strings.HasPrefix(j.ID, "internal-snapshot-") {
				continue
			}
			if j.Status == "concluded" {
				_ = m.guest.Execute(ctx, "job-dismiss", map[string]string{"id": j.ID}, nil)
				continue
			}
			busy = true
		}
		if !busy || pause(ctx) != nil {
			return
		}
	}
}
