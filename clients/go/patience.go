package understudy

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	// A stream that has stood for so long was no mere attempt, even if nothing came.
	steady = 2 * time.Second
)

// isLost tells whether a call ended so because its connection broke, its core went away, or there was no room for it
// at the moment. Where there is no room the core says when to come again; what is simply too large gets the same code
// without that.
func isLost(err error) bool {
	switch status.Code(err) {
	case codes.Aborted, codes.Canceled, codes.Internal, codes.Unavailable, codes.Unknown:
		return true
	case codes.ResourceExhausted:
		_, told := delayOf(err)
		return told
	default:
		return false
	}
}

// delayOf gives the time after which the core wants to be asked again, if it says so.
func delayOf(err error) (delay time.Duration, told bool) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
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

// ended: the stream has, one way or another.
func (p *patience) ended() {
	if !p.opened.IsZero() && time.Since(p.opened) >= steady {
		p.succeeded()
	}
	p.opened = time.Time{}
}

func (p *patience) succeeded() {
	p.lostSince = time.Time{}
	p.interval = firstPause
}

// again returns when it is time for the next attempt, or with failure when patience ends before that.
func (p *patience) again(ctx context.Context, failure error) error {
	p.ended()
	now := time.Now()
	if p.lostSince.IsZero() {
		p.lostSince = now
	}
	delay, _ := delayOf(failure)
	delay = max(p.interval, delay)
	if now.Sub(p.lostSince)+delay > p.bound {
		return failure
	}
	return p.pause(ctx, delay)
}

// pause takes longer each time, and delay at least. It fails when ctx has ended.
func (p *patience) pause(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(max(p.interval, delay))
	defer timer.Stop()
	p.interval = min(2*p.interval, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
