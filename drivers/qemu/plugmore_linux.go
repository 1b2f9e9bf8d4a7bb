package qemu

import (
	"context"
	"os/exec"
	"path/filepath"

	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// What devices of a running guest need beside their own steps, and which cannot be
// plugged in.

// pluggedInterfaces are the types of interfaces that a running guest can be given.
var pluggedInterfaces = []string{"bridge", "direct", "ethernet", "hostdev", "network", "user", "vdpa", "vds", "vhostuser"}

// noPasst is why an interface behind passt cannot be plugged in.
func noPasst() error {
	if _, err := exec.LookPath("passt"); err != nil {
		return xml.Errorf(xml.CodeSystem, "Cannot find 'passt' in path: No such file or directory")
	}
	return xml.Errorf(xml.CodeUnsupported, "hotplug of interfaces with the passt backend is not supported; attach it with --config")
}

// stepsOf are a device's own steps, with the descriptors that are passed for it.
func (c *change) stepsOf(v *domain.Device, b Build, r *plugRequest) ([]Step, error) {
	steps, err := plugged(c.live, v, b)
	if n, card := v.Value.(*xml.Interface); err == nil && card {
		return c.tapSteps(n, steps, r)
	}
	if err == nil && v.Kind == "vsock" {
		return tapNumbers([]Tap{{Kind: vsockTap, Queues: 1}}, steps, r)
	}
	return steps, err
}

// helpReservations starts the helper that a disk wants for its reservations, unless
// the guest has it already: it stays until the guest ends.
func (c *change) helpReservations(ctx context.Context, k *xml.Disk, b Build, r *plugRequest) error {
	if k.Source == nil || k.Source.Reservations == nil || k.Source.Reservations.Managed != "yes" {
		return nil
	}
	var objects []struct{ Name string }
	if err := c.d.ask(ctx, c.ref, "qom-list", map[string]string{"path": "/objects"}, &objects); err != nil {
		return err
	}
	for _, o := range objects {
		if o.Name == prManager {
			return nil
		}
	}
	dir := b.Layout.libDir(b.ID, c.ref.Name)
	r.Companions = append(r.Companions, prHelper(dir))
	r.Steps = append(r.Steps, qmp.NewStep("object-add", map[string]string{"qom-type": "pr-manager-helper", "id": prManager,
		"path": filepath.Join(dir, reservationSock)}).Undone("object-del", "id", prManager))
	return nil
}
