package remote

import (
	"bytes"
	"context"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/drivers/namespace"
	"virgo/xml"
)

// lxcOpenNamespace is the LXC program's one procedure.
const lxcOpenNamespace = 1

// Enter runs a command in a container on this machine: the daemon opens its
// namespaces and passes them.
func (d domains) Enter(ctx context.Context, r drivers.Ref, command []string, o drivers.EnterOptions) error {
	if !passesFiles(d.link.conn) {
		return xml.Bare(xml.CodeInternal, "internal error: Receiving file descriptors is not supported on this socket")
	}
	p, err := d.start(ctx, programLXC, lxcOpenNamespace, []any{dom(r), uint32(0)}, nil, nil)
	if err != nil {
		return err
	}
	files, err := p.waitFiles(ctx)
	defer closeFiles(files)
	if err != nil {
		return err
	}
	in := namespace.Place{Files: files, Process: r.ID}
	if !o.NoSecurityLabel {
		if in.Model, in.Label, err = d.confinement(ctx, r); err != nil {
			return err
		}
	}
	return namespace.Enter(ctx, in, command, namespace.Streams{In: o.In, Out: o.Out, Err: o.Err})
}

// confinement is the security label that a domain's processes have.
func (d domains) confinement(ctx context.Context, r drivers.Ref) (model, label string, err error) {
	var name, doi chars
	var l libvirt.DomainGetSecurityLabelRet
	var modelErr, labelErr error
	b := d.batch()
	b.try(ctx, &modelErr, procNodeGetSecurityModel, nil, &name, &doi)
	b.try(ctx, &labelErr, procDomainGetSecurityLabel, []any{dom(r)}, &l)
	if err := b.wait(ctx); err != nil {
		return "", "", err
	}
	if modelErr != nil || name == "" || name == "none" {
		return "", "", nil // the daemon has none
	}
	text := make([]byte, len(l.Label))
	for i, c := range l.Label {
		text[i] = byte(c)
	}
	return string(name), string(bytes.TrimRight(text, "\x00")), labelErr
}
