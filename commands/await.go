package commands

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// condition is what a domain can be waited for to be.
type condition struct {
	name string
	met  func(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (bool, error)
}

// The conditions of await, by virsh's names, and others that --wait waits for.
var (
	inactiveCondition = condition{"domain-inactive", isInactive}
	agentCondition    = condition{"guest-agent-available", hasAgent}
	awaited           = []condition{inactiveCondition, agentCondition}
)

func awaitRow() Command {
	names := make([]string, len(awaited))
	for i, a := range awaited {
		names[i] = a.name
	}
	return Command{Name: "await", Summary: "wait until a domain meets a condition", Own: true, Run: await,
		Description: "Waits until a domain meets a condition. The status is 0 when it does, also if it did already, and 2 if the time is up before.",
		Options: opts(domainKind.object(domainKind.any), str("condition", Required, "what is waited for: "+strings.Join(names, ", ")).of(strings.Join(names, " ")),
			num("timeout", 0, "seconds to wait at most").with(completion.Free))}
}

func await(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	var what *condition
	for i := range awaited {
		if awaited[i].name == c.Str("condition") {
			what = &awaited[i]
		}
	}
	if what == nil {
		return shellError("unknown condition '%s', expecting '%s'", c.Str("condition"), strings.ReplaceAll(c.Command.Option("condition").Values, " ", "' or '"))
	}
	seconds, timed, err := c.Int("timeout", 1, math.MaxInt32/1000)
	if err != nil {
		return err
	}
	if timed {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer stop()
	}
	if err := c.until(ctx, objects, ref, *what); err != nil {
		return err
	}
	c.Emit(Message{Data: Data{{"domain", ref.Name}, {"condition", what.name}, {"met", true}}})
	return nil
}

// pollCondition is how often a condition is looked at where no event says that
// something has changed.
const pollCondition = 250 * time.Millisecond

// until waits for a condition. Its error where the time is up has a status of
// its own.
func (c *Call) until(ctx context.Context, objects drivers.Objects, ref drivers.Ref, what condition) error {
	changes, end := c.changes(ctx, objects, ref)
	defer end()
	for {
		ok, err := what.met(ctx, objects, ref)
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return &Exit{timedOut, shellError("timed out waiting for '%s' of domain '%s'", what.name, ref.Name)}
			}
			return shellError("interrupted while waiting for '%s' of domain '%s'", what.name, ref.Name)
		case _, open := <-changes:
			if !open {
				changes = nil
			}
		case <-time.After(pollCondition):
		}
	}
}

// changes are the domain's events, if the driver has any; nil never comes.
func (c *Call) changes(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (<-chan drivers.Event, context.CancelFunc) {
	inner, stop := context.WithCancel(ctx)
	if d, ok := objects.(drivers.Eventer); ok {
		if stream, err := d.Events(inner, &ref, nil); err == nil {
			return stream, stop
		}
	}
	return nil, stop
}

// isInactive: it does not run; one that is gone does not, either.
func isInactive(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (bool, error) {
	now, err := objects.Lookup(ctx, drivers.ByName, ref.Name)
	if err != nil {
		if notFound(err) {
			return true, nil
		}
		return false, err
	}
	return now.ID < 0 || now.UUID != ref.UUID, nil
}

// agentChannel is the name of the channel of QEMU's guest agent.
const agentChannel = "org.qemu.guest_agent.0"

// agentPort finds the channel of the agent in a domain's document.
func agentPort(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (*xml.Node, error) {
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return nil, err
	}
	root, err := xml.Parse(xml.Source{Name: ref.Name, Data: doc})
	if err != nil {
		return nil, err
	}
	list, err := root.Find("/domain/devices/channel/target[@name='" + agentChannel + "']")
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// hasAgent: the agent has its channel open.
func hasAgent(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (bool, error) {
	port, err := agentPort(ctx, objects, ref)
	return attr(port, "state") == "connected", err
}

// stateCondition: the domain is in a state.
func stateCondition(s drivers.State) condition {
	return condition{s.String(), func(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (bool, error) {
		now, _, err := stateOf(ctx, objects, ref)
		return now == s, err
	}}
}

// waitFlag is for commands that come back before what they ask for is true.
func waitFlag(until string) Option { return ownFlag("wait", "come back when "+until) }

// waitBooted waits until a domain that was started has booted, as far as that
// can be seen: its agent answers.
func (c *Call) waitBooted(ctx context.Context, objects drivers.Objects, ref drivers.Ref) error {
	if !c.Has("wait") {
		return nil
	}
	now, err := objects.Lookup(ctx, drivers.ByName, ref.Name)
	if err != nil {
		return err
	}
	port, err := agentPort(ctx, objects, now)
	if err != nil || port == nil {
		return err
	}
	return c.until(ctx, objects, now, agentCondition)
}

// rebooting begins to look for a reboot; the function waits for it. A domain
// that ends instead has not rebooted.
func (c *Call) rebooting(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (func() error, error) {
	if !c.Has("wait") {
		return func() error { return nil }, nil
	}
	d, err := query[drivers.Eventer](objects, "virConnectDomainEventRegisterAny")
	if err != nil {
		return nil, err
	}
	inner, stop := context.WithCancel(ctx)
	stream, err := d.Events(inner, &ref, nil)
	if err != nil {
		stop()
		return nil, err
	}
	return func() error {
		defer stop()
		for e := range stream {
			switch {
			case e.Name == "reboot":
				return nil
			case e.Name == "lifecycle" && e.Detail == "Stopped":
				return shellError("Domain '%s' has ended instead of rebooting", ref.Name)
			}
		}
		return &Exit{timedOut, shellError("timed out waiting for domain '%s' to reboot", ref.Name)}
	}, nil
}

// deviceCount is how many devices of a kind a domain's document has.
func deviceCount(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (map[string]int, error) {
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return nil, err
	}
	root, err := xml.Parse(xml.Source{Name: ref.Name, Data: doc})
	if err != nil || root.Child("devices") == nil {
		return nil, err
	}
	count := map[string]int{}
	for _, e := range root.Child("devices").Elements("") {
		count[e.Name]++
	}
	return count, nil
}

// detaching runs the detaching of a device and, with --wait, waits until the
// guest has let go of it.
func (c *Call) detaching(ctx context.Context, objects drivers.Objects, ref drivers.Ref, detach func() error) error {
	if !c.Has("wait") {
		return detach()
	}
	before, err := deviceCount(ctx, objects, ref)
	if err != nil {
		return err
	}
	if err := detach(); err != nil || ref.ID < 0 || c.Has("config") && !c.Has("live") {
		return err
	}
	gone := condition{"device-removed", func(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (bool, error) {
		now, err := deviceCount(ctx, objects, ref)
		for kind, n := range before {
			if now[kind] < n {
				return true, err
			}
		}
		return false, err
	}}
	return c.until(ctx, objects, ref, gone)
}
