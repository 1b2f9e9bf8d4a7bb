package remote

import (
	"context"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// Conn is a connection to a daemon.
type Conn struct {
	*link
	address *address
}

// The ways to prove who one is that daemons ask for.
const (
	authNone   = 0
	authSASL   = 1
	authPolkit = 2
)

// flagReadOnly is the flag of a connection that changes nothing.
const flagReadOnly = 1

// Open opens a connection to a daemon.
func Open(ctx context.Context, u drivers.URI, o drivers.OpenOptions) (drivers.Conn, error) {
	a, err := parseAddress(u, o)
	if err != nil {
		return nil, err
	}
	return open(ctx, a)
}

func open(ctx context.Context, a *address) (drivers.Conn, error) {
	wait, stop := a.patient(ctx)
	defer stop()
	conn, err := a.dial(wait)
	if err != nil {
		return nil, a.late(ctx, wait, err)
	}
	c := &Conn{link: newLink(conn), address: a}
	if err := c.enter(wait); err != nil {
		c.link.end(errClosed)
		return nil, a.late(ctx, wait, err)
	}
	c.keepalive(keepaliveInterval*time.Second, keepaliveCount)
	return c, nil
}

// patient is a context that ends when the daemon has taken too long. While the user
// is asked something the time stands.
func (a *address) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	wait, end := context.WithCancelCause(ctx)
	clock := time.AfterFunc(a.patience, func() { end(context.DeadlineExceeded) })
	if ask := a.ask; ask != nil {
		a.ask = func(prompt string, secret bool) (string, error) {
			clock.Stop()
			defer clock.Reset(a.patience)
			return ask(prompt, secret)
		}
	}
	return wait, func() {
		clock.Stop()
		end(nil)
	}
}

// The usual keepalive, as virsh has it: seconds, and messages without an answer.
const (
	keepaliveInterval = 5
	keepaliveCount    = 6
)

// late turns the end of our own patience, or the caller's, into words.
func (a *address) late(ctx, wait context.Context, err error) error {
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if wait.Err() != nil {
		return xml.Bare(xml.CodeSystem, "the daemon has not answered within %v", a.patience)
	}
	return err
}

// enter proves who we are, and has the daemon open its driver.
func (c *Conn) enter(ctx context.Context) error {
	// Most daemons want no proof: the next call is sent along. Where they do, it
	// is refused and sent again. By TCP and TLS most do not even want the question.
	var types []int32
	var refused error
	plain := c.address.transport == "tcp" || c.address.transport == "tls"
	b := c.batch()
	if !plain {
		b.add(ctx, procAuthList, nil, &types)
	}
	b.try(ctx, &refused, procConnectOpen, c.opening())
	if err := b.wait(ctx); err != nil {
		return err
	}
	if plain {
		if !c.wantsProof(refused) {
			return refused
		}
		if err := c.call(ctx, procAuthList, nil, &types); err != nil {
			return err
		}
	}
	for _, t := range types {
		switch t {
		case authNone: // what is sent along may be looked at before the question
			return c.reopen(ctx, refused)
		case authPolkit:
			if err := c.call(ctx, procAuthPolkit, nil); err != nil {
				return err
			}
			return c.reopen(ctx, refused)
		}
	}
	for _, t := range types {
		if t == authSASL {
			return xml.Errorf(xml.CodeAuthFailed, "the daemon asks for SASL, which virgo does not speak: use ssh, TLS with a client certificate, or the UNIX socket")
		}
	}
	return refused
}

// reopen asks again for the driver if it was refused for want of a proof.
func (c *Conn) reopen(ctx context.Context, err error) error {
	if !c.wantsProof(err) {
		return err
	}
	return c.call(ctx, procConnectOpen, c.opening())
}

// wantsProof tells whether a call may have been refused because the daemon does
// not know yet who we are.
func (c *Conn) wantsProof(err error) bool {
	code := xml.CodeOf(err)
	return err != nil && c.ended() == nil && (code == xml.CodeAuthFailed || code == xml.CodeRPC)
}

// opening is what the daemon is asked to open.
func (c *Conn) opening() []any {
	flags := uint32(0)
	if c.address.readOnly {
		flags = flagReadOnly
	}
	return []any{&c.address.name, flags}
}

// URI is the address that the connection was opened with.
func (c *Conn) URI() string { return c.address.uri.Text }

// Close ends the connection.
func (c *Conn) Close() error {
	c.link.close()
	return nil
}

// Lost is why the connection is over, nil if it is not.
func (c *Conn) Lost() error { return c.link.ended() }

// SetKeepalive sets how often a silent daemon is asked for a sign, and how many
// times it may keep silent. An interval of 0 ends that.
func (c *Conn) SetKeepalive(ctx context.Context, interval, count int) error {
	if interval > 0 {
		var has int32
		if err := c.call(ctx, procConnectSupportsFeature, []any{int32(featureKeepalive)}, &has); err != nil {
			return err
		}
		if has == 0 {
			return xml.Bare(xml.CodeInternal, "internal error: the caller doesn't support keepalive protocol; perhaps it's missing event loop implementation")
		}
	}
	if count == 0 {
		count = keepaliveCount
	}
	c.keepalive(time.Duration(interval)*time.Second, count)
	return nil
}

// Objects gives the objects of a kind.
func (c *Conn) Objects(k drivers.Kind) drivers.Objects {
	switch k {
	case drivers.Domain:
		return domains{c}
	case drivers.Network:
		return networks{c}
	case drivers.NetworkPort:
		return ports{c}
	case drivers.Pool:
		return pools{c}
	case drivers.Volume:
		return volumes{c}
	case drivers.Secret:
		return secrets{c}
	case drivers.NWFilter:
		return filters{c}
	case drivers.NWFilterBinding:
		return bindings{c}
	case drivers.NodeDevice:
		return devices{c}
	case drivers.Interface:
		return interfaces{c}
	case drivers.Snapshot:
		return c.snapshots()
	case drivers.Checkpoint:
		return c.checkpoints()
	}
	return nil
}
