package commands

import (
	"context"
	"errors"
	"sync"

	"virgo/drivers"
)

// runningHosts asks the hosts of --host for their capabilities, side by side,
// and gives the names by which they can be read like files. One that does not
// answer is named and passed over, unless --strict.
func runningHosts(ctx context.Context, c *Call) ([]string, error) {
	words := c.Words("host")
	if len(words) == 0 {
		return nil, nil
	}
	fleet := drivers.Fleet{AtOnce: 1}
	for _, w := range words {
		fleet.Hosts = append(fleet.Hosts, drivers.Host{Name: w, URI: w})
	}
	if c.FleetOf != nil {
		f, err := c.FleetOf(c.Getenv, words)
		if err != nil {
			return nil, err
		}
		fleet = f
	}
	docs, errs := make([][]byte, len(fleet.Hosts)), make([]error, len(fleet.Hosts))
	var all sync.WaitGroup
	slots := make(chan struct{}, max(fleet.AtOnce, 1))
	for i, h := range fleet.Hosts {
		all.Add(1)
		go func() {
			defer all.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			docs[i], errs[i] = c.capabilitiesOf(ctx, fleet, h)
		}()
	}
	all.Wait()
	c.documents = map[string][]byte{}
	var names []string
	for i, h := range fleet.Hosts {
		if errs[i] != nil {
			if c.Has("strict") {
				return nil, errs[i]
			}
			c.Errorf("%s: %s", h.Name, errs[i])
			continue
		}
		names = append(names, h.Name)
		c.documents[h.Name] = docs[i]
	}
	if len(names) == 0 {
		return nil, ErrReported
	}
	return names, nil
}

// capabilitiesOf asks one host, within its time.
func (c *Call) capabilitiesOf(ctx context.Context, fleet drivers.Fleet, h drivers.Host) ([]byte, error) {
	if fleet.Limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, fleet.Limit)
		defer stop()
	}
	conn, err := c.Open(ctx, h.URI, drivers.OpenOptions{ReadOnly: true, Among: true, Getenv: c.Getenv})
	var doc []byte
	if err == nil {
		defer conn.Close()
		var d drivers.Capabler
		if d, err = query[drivers.Capabler](conn, "virConnectGetCapabilities"); err == nil {
			doc, err = d.Capabilities(ctx)
		}
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = shellError("no answer within %s", fleet.Limit)
	}
	return doc, err
}
