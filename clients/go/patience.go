package understudy

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	// A stream that has stood for so long was no mere attempt, even if nothing came.
	steady = 2 * time.Second
)

// isLost tells whether a call ended so because its connection broke, its core went away, or there was no room for it
// at the moment.
func isLost(code codes.Code) bool {
	switch code {
	case codes.Aborted, codes.Canceled, codes.Internal, codes.ResourceExhausted, codes.Unavailable, codes.Unknown:
		return true
	default:
		return false
	}
}

// patience says how long and how often to try again what a broken connection has ended.
type patience struct {
	// How long to try without success.
	bound     time.Duration
	interval  time.Duration
	lostSince time.Time
	opened    time.Time
}

// accepted: a stream has been opened.
func (p *patience) accepted() {
	p.opened = time.Now()
}

func (p *patience) succeeded() {
	p.lostSince = time.Time{}
	p.interval = firstPause
}

// again returns when it is time for the next attempt, or with failure when patience has an end.
func (p *patience) again(ctx context.Context, failure error) error {
	now := time.Now()
	if !p.opened.IsZero() && now.Sub(p.opened) >= steady {
		p.succeeded()
	}
	p.opened = time.Time{}
	if p.lostSince.IsZero() {
		p.lostSince = now
	}
	if now.Sub(p.lostSince)+p.interval > p.bound {
		return failure
	}
	return p.pause(ctx)
}

// pause takes longer each time. It fails when ctx has ended.
func (p *patience) pause(ctx context.Context) error {
	timer := time.NewTimer(p.interval)
	defer timer.Stop()
	p.interval = min(2*p.interval, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
