package remote

import (
	"context"
	"strconv"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// domains are the domains of a daemon.
type domains struct{ *Conn }

// on calls a procedure that takes a domain, and more.
func (d domains) on(ctx context.Context, procedure uint32, r drivers.Ref, more ...any) error {
	return d.call(ctx, procedure, append([]any{dom(r)}, more...))
}

// ask is on for a procedure that answers.
func (d domains) ask(ctx context.Context, procedure uint32, r drivers.Ref, in []any, out ...any) error {
	return d.call(ctx, procedure, append([]any{dom(r)}, in...), out...)
}

// List gives the domains. The daemon applies the filter; states, titles and
// saved states are asked for together, so that their answers come together.
func (d domains) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	var list []libvirt.Domain
	if err := d.call(ctx, procConnectListAllDomains, []any{int32(1), listFlags(f)}, &list); err != nil {
		return nil, err
	}
	entries := make([]drivers.Entry, len(list))
	state := make([]struct{ state, reason int32 }, len(list))
	title := make([]string, len(list))
	untitled := make([]error, len(list))
	saved := make([]int32, len(list))
	b := d.batch()
	for i, x := range list {
		entries[i].Ref = domainRef(x)
		entries[i].Active = x.ID >= 0
		b.add(ctx, procDomainGetState, []any{x, uint32(0)}, &state[i].state, &state[i].reason)
		if f.Titles {
			b.try(ctx, &untitled[i], procDomainGetMetadata, []any{x, int32(drivers.Title), (*string)(nil), uint32(0)}, &title[i])
		}
		if f.Saves {
			b.add(ctx, procDomainHasManagedSaveImage, []any{x, uint32(0)}, &saved[i])
		}
	}
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	for i := range entries {
		e := &entries[i]
		e.State, e.Reason = drivers.State(state[i].state), drivers.Reason(state[i].reason)
		e.Title, e.ManagedSave = title[i], saved[i] != 0
	}
	return entries, nil
}

// listFlags is a filter as the daemon takes it.
func listFlags(f drivers.Filter) uint32 {
	n := choices(f.Active, 1, 2) | choices(f.Persistent, 4, 8) | choices(f.ManagedSave, 0x100, 0x200) | choices(f.Autostart, 0x400, 0x800) |
		choices(f.Snapshots, 0x1000, 0x2000) | choices(f.Checkpoints, 0x4000, 0x8000)
	for _, s := range f.States {
		switch s {
		case drivers.Running:
			n |= uint32(libvirt.ConnectListDomainsRunning)
		case drivers.PausedState:
			n |= uint32(libvirt.ConnectListDomainsPaused)
		case drivers.ShutOff:
			n |= uint32(libvirt.ConnectListDomainsShutoff)
		default:
			n |= uint32(libvirt.ConnectListDomainsOther)
		}
	}
	return n
}

// Lookup finds a domain.
func (d domains) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.Domain
	var err error
	switch by {
	case drivers.ByID:
		id, _ := strconv.Atoi(word)
		err = d.call(ctx, procDomainLookupByID, []any{int32(id)}, &x)
	case drivers.ByUUID:
		err = d.call(ctx, procDomainLookupByUUID, []any{uuidOf(word)}, &x)
	default:
		err = d.call(ctx, procDomainLookupByName, []any{word}, &x)
	}
	return domainRef(x), err
}

// XML is the daemon's document.
func (d domains) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	flags := bits(f, bit{drivers.SecurityInfo, 1}, bit{drivers.Inactive, 2}, bit{drivers.UpdateCPU, 4}, bit{drivers.MigratableXML, 8})
	var doc string
	err := d.ask(ctx, procDomainGetXMLDesc, r, []any{flags}, &doc)
	return []byte(doc), err
}

// State is a domain's state.
func (d domains) State(ctx context.Context, r drivers.Ref) (drivers.State, drivers.Reason, error) {
	var state, reason int32
	err := d.ask(ctx, procDomainGetState, r, []any{uint32(0)}, &state, &reason)
	return drivers.State(state), drivers.Reason(reason), err
}

// Info is dominfo's values. What a driver cannot tell is left out, as virsh does it.
func (d domains) Info(ctx context.Context, r drivers.Ref) (drivers.DomainInfo, error) {
	i := drivers.DomainInfo{}
	x := dom(r)
	var (
		info                             libvirt.DomainGetInfoRet
		state, reason, persistent, auto  int32
		once, saved                      int32
		model, doi                       chars
		label                            libvirt.DomainGetSecurityLabelRet
		messages                         []string
		osErr, infoErr, autoErr, onceErr error
		savedErr, modelErr, persistErr   error
	)
	b := d.batch()
	b.try(ctx, &osErr, procDomainGetOsType, []any{x}, &i.OSType)
	b.try(ctx, &infoErr, procDomainGetInfo, []any{x}, &info)
	var ignored error
	b.try(ctx, &ignored, procDomainGetState, []any{x, uint32(0)}, &state, &reason)
	b.try(ctx, &persistErr, procDomainIsPersistent, []any{x}, &persistent)
	b.try(ctx, &autoErr, procDomainGetAutostart, []any{x}, &auto)
	b.try(ctx, &onceErr, procDomainGetAutostartOnce, []any{x}, &once)
	b.try(ctx, &savedErr, procDomainHasManagedSaveImage, []any{x, uint32(0)}, &saved)
	b.try(ctx, &modelErr, procNodeGetSecurityModel, nil, &model, &doi)
	b.try(ctx, &ignored, procDomainGetMessages, []any{x, uint32(0)}, &messages)
	if err := b.wait(ctx); err != nil {
		return i, err
	}
	if infoErr != nil {
		return i, infoErr
	}
	i.State, i.Reason = drivers.State(info.State), drivers.Reason(reason)
	i.VCPUs, i.MaxMemory, i.Memory = int(info.NrVirtCPU), info.MaxMem, info.Memory
	i.CPUTime, i.HasCPUTime = time.Duration(info.CPUTime), info.CPUTime != 0
	i.Persistent, i.Autostart, i.ManagedSave = persistent == 1, auto == 1, saved == 1
	i.Unknown = drivers.DomainUnknown{OSType: osErr != nil, Persistent: persistErr != nil, Autostart: autoErr != nil, ManagedSave: savedErr != nil,
		Security: modelErr != nil}
	if onceErr == nil {
		on := once == 1
		i.AutostartOnce = &on
	}
	i.Messages = messages
	i.SecurityModel, i.SecurityDOI = string(model), string(doi)
	if modelErr != nil && xml.CodeOf(modelErr) != xml.CodeNoSupport {
		return i, modelErr
	}
	if model == "" || r.ID < 0 {
		return i, nil
	}
	// the label of the model that is named, not those of all models
	if err := d.ask(ctx, procDomainGetSecurityLabel, r, nil, &label); err != nil {
		return i, err
	}
	if text := charsText(label.Label); text != "" {
		how := " (permissive)"
		if label.Enforcing != 0 {
			how = " (enforcing)"
		}
		i.SecurityLabels = []string{text + how}
	}
	return i, nil
}

// charsText makes a text of characters, to the first zero.
func charsText(list []int8) string {
	var b []byte
	for _, c := range list {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

// chars is a text that the daemon sends as a list of characters.
type chars string
