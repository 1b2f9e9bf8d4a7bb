package remote

import (
	"context"
	"slices"
	"strings"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// migrateFlags are the daemon's bits by migrate's options, from 1 on. direct has none.
const migrateFlags = "live p2p tunnelled persistent undefinesource suspend copy-storage-all copy-storage-inc change-protection unsafe offline " +
	"compressed abort-on-error auto-converge rdma-pin-all postcopy tls parallel copy-storage-synchronous-writes postcopy-resume zerocopy"

// The parameters that migration itself sets.
const (
	paramURI     = "migrate_uri"
	paramName    = "destination_name"
	paramXML     = "destination_xml"
	changesAbove = 32 * time.Second // how long the end may take after the command was stopped
)

// migration is one under way: begun at the source, prepared at the destination,
// performed at the source, finished there and confirmed here. What one side
// knows goes to the other as a cookie.
type migration struct {
	source domains
	dest   *Conn
	domain libvirt.Domain
	params []drivers.Param
	flags  uint32
	cookie []byte
}

// Migrate moves a domain to another daemon.
func (d domains) Migrate(ctx context.Context, r drivers.Ref, m drivers.Migration) error {
	flags := uint32(0)
	direct := false
	for _, o := range m.Options {
		if o == "direct" {
			direct = true
			continue
		}
		flags |= 1 << ordinal(migrateFlags, o)
	}
	if flags&uint32(libvirt.MigratePeer2peer) != 0 || direct {
		uri := &m.URI
		params := m.Params
		if direct {
			uri = nil
			if !slices.ContainsFunc(params, func(p drivers.Param) bool { return p.Name == paramURI }) {
				params = append(slices.Clone(params), drivers.Param{Name: paramURI, Value: m.URI})
			}
		} else if err := checkServer(m.URI); err != nil {
			return err
		}
		var cookie []byte
		return d.call(ctx, procDomainMigratePerform3Params, []any{dom(r), uri, typed(params), []byte{}, flags}, &cookie)
	}
	if flags&uint32(libvirt.MigrateTunnelled) != 0 {
		return xml.Bare(xml.CodePlain, "cannot perform tunnelled migration without using peer2peer flag")
	}
	dest, ok := m.Dest.(*Conn)
	if !ok {
		return errNoMigration
	}
	state, _, err := d.State(ctx, r)
	if err != nil {
		return err
	}
	if state == drivers.PausedState {
		flags |= uint32(libvirt.MigratePaused)
	}
	x := migration{source: d, dest: dest, domain: dom(r), params: slices.Clone(m.Params), flags: flags | uint32(libvirt.MigrateChangeProtection)}
	return x.run(ctx)
}

// errNoMigration says that the two drivers cannot do it together.
var errNoMigration = drivers.Unsupported("virDomainMigrate3")

// checkServer refuses an address that the source's daemon cannot reach anybody by.
func checkServer(uri string) error {
	u, err := drivers.ParseURI(uri)
	if err != nil || u.Host == "" || strings.HasPrefix(u.Host, "localhost") {
		return xml.Bare(xml.CodeInvalidArg, "Attempt to migrate guest to the same host")
	}
	return nil
}

// destination are the flags for the other side.
func (m *migration) destination() uint32 {
	return m.flags &^ uint32(libvirt.MigrateAbortOnError|libvirt.MigrateAutoConverge|libvirt.MigrateChangeProtection)
}

// set gives a parameter a value.
func (m *migration) set(name string, value any) {
	m.params = slices.DeleteFunc(m.params, func(p drivers.Param) bool { return p.Name == name })
	m.params = append(m.params, drivers.Param{Name: name, Value: value})
}

func (m *migration) has(name string) bool {
	return slices.ContainsFunc(m.params, func(p drivers.Param) bool { return p.Name == name })
}

// run does all steps. Once the destination has prepared, it is always told how it
// went, and so is the source: neither is left with half a domain.
func (m *migration) run(ctx context.Context) error {
	var doc string
	err := m.source.call(ctx, procDomainMigrateBegin3Params, []any{m.domain, typed(m.params), m.flags}, &m.cookie, &doc)
	if unsupported(err) {
		return drivers.Unsupported("virDomainMigrate3")
	}
	if err != nil {
		return err
	}
	m.set(paramXML, doc)
	if !m.has(paramName) {
		m.set(paramName, m.domain.Name)
	}
	err = m.prepare(ctx)
	if err != nil {
		m.confirm(context.WithoutCancel(ctx), true) // the source goes on; its error would say no more
		return err
	}
	if m.flags&uint32(libvirt.MigrateOffline) != 0 {
		m.cookie = nil
	} else {
		err = m.source.call(ctx, procDomainMigratePerform3Params, []any{m.domain, (*string)(nil), typed(m.params), m.cookie, m.flags}, &m.cookie)
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), changesAbove)
	defer stop()
	if err != nil {
		m.cookie = nil
	}
	finished := m.finish(end, err != nil)
	if err == nil {
		err = finished
	}
	confirmed := m.confirm(end, err != nil)
	if err != nil {
		return err
	}
	return confirmed
}

func (m *migration) prepare(ctx context.Context) error {
	var uri optString
	err := m.dest.call(ctx, procDomainMigratePrepare3Params, []any{typed(m.params), m.cookie, m.destination()}, &m.cookie, &uri)
	switch {
	case unsupported(err):
		return errNoMigration
	case err != nil:
		return err
	case textOf(uri) != "":
		m.set(paramURI, textOf(uri))
	case !m.has(paramURI) && m.flags&uint32(libvirt.MigrateOffline) == 0:
		return xml.Bare(xml.CodeInternal, "internal error: domainMigratePrepare3 did not set uri")
	}
	return nil
}

// finish has the destination take the domain over, or forget it.
func (m *migration) finish(ctx context.Context, cancelled bool) error {
	var x libvirt.Domain
	err := m.dest.call(ctx, procDomainMigrateFinish3Params, []any{typed(m.params), m.cookie, m.destination(), number(cancelled)}, &x, &m.cookie)
	if cancelled {
		return nil
	}
	return err
}

// confirm has the source end the domain, or go on with it.
func (m *migration) confirm(ctx context.Context, cancelled bool) error {
	return m.source.call(ctx, procDomainMigrateConfirm3Params, []any{m.domain, typed(m.params), m.cookie, m.flags, number(cancelled)})
}
