package understudy

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	understudyv1 "understudy/v1"
)

// FollowOptions has the zero value for following from the beginning, without functions.
type FollowOptions struct {
	// Functions answer the calls for which the run waits, by name.
	Functions map[string]Function
	// After is the id of the last event that was seen.
	After string
	// Patience is how long to try without success before the error of a broken connection is given; a minute if zero.
	Patience time.Duration
}

// Follow gives every event of run, each once and in order, until the run has ended.
//
// A connection that breaks is made again, and the events go on after the last one. If some call has no function here,
// the events end while the run waits, and who follows answers it. An error is the last thing that comes; it has a
// status of gRPC unless it is that of ctx. The end of ctx is noticed by functions that mind it; others are waited for.
func (client *Client) Follow(ctx context.Context, run *understudyv1.Run, options FollowOptions) iter.Seq2[*understudyv1.RunEvent, error] {
	return func(yield func(*understudyv1.RunEvent, error) bool) {
		// Leaving the loop ends the open stream.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if options.Patience == 0 {
			options.Patience = time.Minute
		}
		f := following{client: client, run: run, functions: options.Functions, last: options.After, yield: yield}
		f.trying = patience{bound: options.Patience, interval: firstPause}
		for {
			err := f.attempt(ctx)
			switch {
			case errors.Is(err, errDone):
				return
			case err == nil:
				continue
			case ctx.Err() != nil:
				err = ctx.Err()
			case client.Connection.GetState() == connectivity.Shutdown:
				// The client was closed: nothing will come any more.
			case isLost(err):
				if err = f.trying.again(ctx, err); err == nil {
					continue
				}
			}
			yield(nil, err)
			return
		}
	}
}

// errDone ends the events without an error.
var errDone = errors.New("done")

type following struct {
	client    *Client
	run       *understudyv1.Run
	functions map[string]Function
	yield     func(*understudyv1.RunEvent, error) bool
	trying    patience
	last      string
	// The run as it waits for outputs, if that is known.
	waiting *understudyv1.Run
	// Kept until something has happened: a lost answer is no reason to ask the functions again.
	outputs []*understudyv1.ToolOutput
	// The end of the run is known, though its event may not have come.
	ended bool
}

// attempt reads one stream to its end and does what the run then waits for. It returns nil if there may be more.
func (f *following) attempt(ctx context.Context) error {
	quiet, err := f.read(ctx)
	if err != nil {
		return err
	}
	f.trying.ended()
	if f.ended && quiet {
		return errDone
	}
	// The events have ended, but not the run: it waits, has gone on since, or its end was seen before.
	if f.waiting == nil {
		found, err := f.client.Assistants.GetRun(ctx, &understudyv1.GetRunRequest{ThreadId: f.run.GetThreadId(), RunId: f.run.GetId()})
		if err != nil {
			return err
		}
		if hasEnded(found.GetStatus()) {
			f.ended = true
			return nil
		}
		if found.GetStatus() != understudyv1.RunStatus_RUN_STATUS_REQUIRES_ACTION {
			return f.trying.pause(ctx, 0)
		}
		f.waiting = found
	}
	calls := f.waiting.GetRequiredAction().GetSubmitToolOutputs().GetToolCalls()
	if !answerable(calls, f.functions) {
		return errDone
	}
	if f.outputs == nil {
		f.outputs = answers(ctx, calls, f.functions)
	}
	// What functions give whose context has ended is not for the model.
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = f.client.Assistants.SubmitToolOutputs(ctx, &understudyv1.SubmitToolOutputsRequest{
		ThreadId: f.run.GetThreadId(), RunId: f.run.GetId(), ToolOutputs: f.outputs,
	})
	if status.Code(err) == codes.FailedPrecondition {
		// Somebody else was quicker, or has ended the run: its events tell.
		f.waiting, f.outputs = nil, nil
		return f.trying.again(ctx, err)
	}
	if err == nil {
		f.waiting, f.outputs = nil, nil
	}
	return err
}

// read gives the events after the last one, and whether there were none. It returns nil where the stream has ended.
func (f *following) read(ctx context.Context) (quiet bool, err error) {
	quiet = true
	stream, err := f.client.Assistants.StreamRunEvents(ctx, &understudyv1.StreamRunEventsRequest{
		ThreadId: f.run.GetThreadId(), RunId: f.run.GetId(), After: &f.last,
	})
	if err != nil {
		return quiet, err
	}
	// What went wrong is told by Recv.
	if _, err := stream.Header(); err == nil {
		f.trying.accepted()
	}
	for {
		batch, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return quiet, nil
		}
		if err != nil {
			return quiet, err
		}
		for _, event := range batch.GetEvents() {
			if f.last != "" && !isAfter(event.GetId(), f.last) {
				continue
			}
			f.last, quiet, f.outputs = event.GetId(), false, nil
			f.trying.succeeded()
			f.waiting = event.GetRunRequiresAction()
			if !f.yield(event, nil) || isEnd(event) {
				return quiet, errDone
			}
		}
	}
}

func isEnd(event *understudyv1.RunEvent) bool {
	switch event.GetEvent().(type) {
	case *understudyv1.RunEvent_RunCompleted, *understudyv1.RunEvent_RunIncomplete, *understudyv1.RunEvent_RunFailed,
		*understudyv1.RunEvent_RunCancelled, *understudyv1.RunEvent_RunExpired:
		return true
	default:
		return false
	}
}

func hasEnded(status understudyv1.RunStatus) bool {
	switch status {
	case understudyv1.RunStatus_RUN_STATUS_COMPLETED, understudyv1.RunStatus_RUN_STATUS_INCOMPLETE,
		understudyv1.RunStatus_RUN_STATUS_FAILED, understudyv1.RunStatus_RUN_STATUS_CANCELLED,
		understudyv1.RunStatus_RUN_STATUS_EXPIRED:
		return true
	default:
		return false
	}
}

// isAfter tells whether the event id comes after the event other.
func isAfter(id, other string) bool {
	attempt, n := numbers(id)
	otherAttempt, otherN := numbers(other)
	return attempt > otherAttempt || attempt == otherAttempt && n > otherN
}

func numbers(id string) (attempt, n uint64) {
	before, after, _ := strings.Cut(id, "-")
	attempt, err := strconv.ParseUint(before, 10, 64)
	if err != nil {
		return 0, 0
	}
	n, err = strconv.ParseUint(after, 10, 64)
	if err != nil {
		return 0, 0
	}
	return attempt, n
}
