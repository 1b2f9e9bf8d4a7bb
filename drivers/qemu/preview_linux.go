package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

var _ drivers.Previewer = (*domains)(nil)

// Preview gives the definition that Define would keep of a document.
func (d *domains) Preview(ctx context.Context, src xml.Source) ([]byte, error) {
	dom, err := d.parse(ctx, src, 0)
	if err != nil {
		return nil, err
	}
	return printDomain(dom, false, 0)
}
