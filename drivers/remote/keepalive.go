package remote

import (
	"context"
	"time"

	"virgo/xml"
)

// The procedures of the keepalive program.
const (
	keepalivePing = 1
	keepalivePong = 2
)

// featureKeepalive is the daemon's feature to answer keepalive messages.
const featureKeepalive = 11

// keepalive sends a message whenever nothing came for an interval, and ends the
// link once count of them were not answered. It asks the daemon whether it
// answers them only when the first one is due: most commands end before.
func (l *link) keepalive(interval time.Duration, count int) {
	if l.pings != nil {
		l.pings()
		l.pings = nil
	}
	if interval <= 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	l.pings = func() {
		stop()
		<-ended
	}
	go func() {
		defer close(ended)
		l.ping(ctx, stop, interval, count)
	}()
}

func (l *link) ping(ctx context.Context, stop func(), interval time.Duration, count int) {
	unanswered, asked := 0, false
	for {
		quiet := time.Since(time.Unix(0, l.alive.Load()))
		wait := interval - quiet
		if quiet >= interval {
			wait = interval
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.over:
			timer.Stop()
			return
		case <-timer.C:
		}
		if time.Since(time.Unix(0, l.alive.Load())) < interval {
			unanswered = 0
			continue
		}
		if unanswered >= count {
			l.end(xml.Bare(xml.CodeInternal, "internal error: connection closed due to keepalive timeout"))
			return
		}
		if !asked {
			asked = true
			go func() {
				var has int32
				if err := l.call(ctx, procConnectSupportsFeature, []any{int32(featureKeepalive)}, &has); err == nil && has == 0 {
					stop()
				}
			}()
		} else {
			go l.write(ctx, packet(header{program: programKeepalive, version: 1, procedure: keepalivePing, kind: typeMessage}, nil), nil)
		}
		unanswered++
	}
}
