package test

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// pick gives the definitions that flags mean: the running one, the kept one.
func (g *guest) pick(f drivers.Flags) (live, config *xml.Domain, err error) {
	if f&(drivers.Live|drivers.Config) == 0 {
		if g.active() {
			return g.live, nil, nil
		}
		g.before = stored(g.config)
		return nil, g.config, nil
	}
	if f.Has(drivers.Live) {
		if !g.active() {
			return nil, nil, errNotRunning
		}
		live = g.live
	}
	if f.Has(drivers.Config) {
		if g.config == nil {
			return nil, nil, xml.Errorf(xml.CodeOperationInvalid, "transient domains do not have any persistent config")
		}
		config, g.before = g.config, stored(g.config)
	}
	return live, config, nil
}

// one gives the one definition that flags mean, to read from.
func (g *guest) one(f drivers.Flags) (*xml.Domain, error) {
	if f.Has(drivers.Live | drivers.Config) {
		return nil, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
	}
	live, config, err := g.pick(f)
	if live != nil {
		return live, err
	}
	return config, err
}

// change runs f on each definition that flags mean.
func (g *guest) change(fl drivers.Flags, f func(*xml.Domain) error) error {
	live, config, err := g.pick(fl)
	if err != nil {
		return err
	}
	for _, d := range []*xml.Domain{live, config} {
		if d != nil {
			if err := f(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Metadata reads title, description or an element.
func (d domains) Metadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	text := ""
	err := d.with(r, func(g *guest) error {
		def, err := g.one(f)
		if err != nil {
			return err
		}
		text, err = drivers.ReadMetadata(def.Title, def.Description, def.Metadata, k, uri)
		return err
	})
	return text, err
}

// SetMetadata sets or removes them.
func (d domains) SetMetadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	return d.with(r, func(g *guest) error {
		return g.change(f, func(def *xml.Domain) error {
			return drivers.WriteMetadata(&def.Title, &def.Description, &def.Metadata, k, value, key, uri)
		})
	})
}
