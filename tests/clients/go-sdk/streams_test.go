package sdk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
)

// without drops the deltas, of which there may be any number.
func (found heard) without(suffix string) []string {
	return slices.DeleteFunc(slices.Clone(found.events), func(name string) bool { return strings.HasSuffix(name, suffix) })
}

func streamedRun(t *testing.T, steps ...string) heard {
	t.Helper()
	made := thread(t, scripted(steps...))
	return streamed(t, client.Beta.Threads.Runs.NewStreaming(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID}))
}

var begun = []string{"thread.run.created", "thread.run.queued", "thread.run.in_progress"}

func TestTheEventsOfEachEnding(t *testing.T) {
	step := []string{"thread.run.step.created", "thread.run.step.in_progress"}
	message := slices.Concat(step, []string{"thread.message.created", "thread.message.in_progress"})
	for name, row := range map[string]struct {
		steps []string
		ends  []string
	}{
		"completed":       {[]string{`{"say": "Hello."}`}, slices.Concat(message, []string{"thread.message.completed", "thread.run.step.completed", "thread.run.completed"})},
		"incomplete":      {[]string{`{"say": "Hello"}`, `{"finish": "length"}`}, slices.Concat(message, []string{"thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete"})},
		"requires action": {twoCalls, slices.Concat(step, []string{"thread.run.requires_action"})},
		"failed":          {[]string{`{"fail": 400, "message": "No.", "times": 9}`}, []string{"thread.run.failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, streamedRun(t, row.steps...).without(".delta"), slices.Concat(begun, row.ends))
		})
	}
}

func TestTheEventsOfACancelledRun(t *testing.T) {
	made := thread(t, scripted(`{"say": "Hello"}`, `{"stall": true}`))
	stream := client.Beta.Threads.Runs.NewStreaming(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID})
	var events []string
	var run string
	for stream.Next() {
		event := stream.Current()
		events = append(events, event.Event)
		switch event.Event {
		case "thread.run.created":
			run = event.AsThreadRunCreated().Data.ID
		case "thread.message.in_progress":
			must[*openai.Run](t)(client.Beta.Threads.Runs.Cancel(t.Context(), made.ID, run))
		}
	}
	if stream.Err() != nil {
		t.Fatal(stream.Err())
	}
	for _, name := range []string{"thread.run.cancelling", "thread.message.incomplete", "thread.run.step.cancelled", "thread.run.cancelled"} {
		if !slices.Contains(events, name) {
			t.Errorf("no %s in %v", name, events)
		}
	}
}
