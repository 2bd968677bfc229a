// The official Go SDK as a client of Understudy: OPENAI_BASE_URL and OPENAI_API_KEY say where, MODEL which model plays
// the scripts that messages bring. `make test-clients` runs it.
package sdk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
)

var (
	client = openai.NewClient()
	model  = os.Getenv("MODEL")
)

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal[T any](t *testing.T, found, want T) {
	t.Helper()
	if one, other := fmt.Sprintf("%+v", found), fmt.Sprintf("%+v", want); one != other {
		t.Errorf("found %s, want %s", one, other)
	}
}

// scripted is a message that makes the model behind the server play these steps, in JSON.
func scripted(steps ...string) openai.BetaThreadNewParamsMessage {
	return said("scripted:[" + strings.Join(steps, ",") + "]")
}

func said(text string) openai.BetaThreadNewParamsMessage {
	return openai.BetaThreadNewParamsMessage{
		Role:    "user",
		Content: openai.BetaThreadNewParamsMessageContentUnion{OfString: openai.String(text)},
	}
}

func assistant(t *testing.T) *openai.Assistant {
	t.Helper()
	return must[*openai.Assistant](t)(client.Beta.Assistants.New(t.Context(), openai.BetaAssistantNewParams{
		Model: model,
		Name:  openai.String("Guide"),
		Tools: []openai.AssistantToolUnionParam{{OfFunction: &openai.FunctionToolParam{Function: shared.FunctionDefinitionParam{
			Name:       "weather",
			Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
		}}}},
	}))
}

func thread(t *testing.T, messages ...openai.BetaThreadNewParamsMessage) *openai.Thread {
	t.Helper()
	return must[*openai.Thread](t)(client.Beta.Threads.New(t.Context(), openai.BetaThreadNewParams{Messages: messages}))
}

// polled waits until the run has ended or needs action: this SDK has no helper for it.
func polled(t *testing.T, run *openai.Run) *openai.Run {
	t.Helper()
	for run.Status == openai.RunStatusQueued || run.Status == openai.RunStatusInProgress {
		time.Sleep(20 * time.Millisecond)
		run = must[*openai.Run](t)(client.Beta.Threads.Runs.Get(t.Context(), run.ThreadID, run.ID))
	}
	return run
}

type heard struct {
	events []string
	text   string
	last   openai.AssistantStreamEventUnion
}

func streamed(t *testing.T, stream *ssestream.Stream[openai.AssistantStreamEventUnion]) heard {
	t.Helper()
	var found heard
	for stream.Next() {
		found.last = stream.Current()
		found.events = append(found.events, found.last.Event)
		for _, part := range found.last.AsThreadMessageDelta().Data.Delta.Content {
			found.text += part.Text.Value
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func outputs(run openai.Run) openai.BetaThreadRunSubmitToolOutputsParams {
	var given openai.BetaThreadRunSubmitToolOutputsParams
	for _, call := range run.RequiredAction.SubmitToolOutputs.ToolCalls {
		var arguments struct{ City string }
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil {
			panic(err)
		}
		given.ToolOutputs = append(given.ToolOutputs, openai.BetaThreadRunSubmitToolOutputsParamsToolOutput{
			ToolCallID: openai.String(call.ID),
			Output:     openai.String(arguments.City + " is sunny"),
		})
	}
	return given
}

// answer is the text of the newest message.
func answer(t *testing.T, threadID string) string {
	t.Helper()
	page, err := client.Beta.Threads.Messages.List(t.Context(), threadID, openai.BetaThreadMessageListParams{Limit: openai.Int(1)})
	if err != nil {
		t.Fatal(err)
	}
	return page.Data[0].Content[0].Text.Value
}

func TestAssistantsAreKeptChangedAndDeleted(t *testing.T) {
	made := assistant(t)
	equal(t, made.Tools[0].Function.Name, "weather")
	changed := must[*openai.Assistant](t)(client.Beta.Assistants.Update(t.Context(), made.ID, openai.BetaAssistantUpdateParams{
		Instructions: openai.String("Be kind."),
		Metadata:     shared.Metadata{"team": "blue"},
	}))
	equal(t, changed.Name, "Guide")
	found := must[*openai.Assistant](t)(client.Beta.Assistants.Get(t.Context(), made.ID))
	equal(t, found.Instructions, "Be kind.")
	equal(t, found.Metadata["team"], "blue")
	equal(t, must[*openai.AssistantDeleted](t)(client.Beta.Assistants.Delete(t.Context(), made.ID)).Deleted, true)
	_, err := client.Beta.Assistants.Get(t.Context(), made.ID)
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != 404 || !strings.HasPrefix(refused.Message, "No assistant found") {
		t.Error(err)
	}
}

func TestThreadsAndMessages(t *testing.T) {
	made := thread(t, said("one"))
	message := must[*openai.Message](t)(client.Beta.Threads.Messages.New(t.Context(), made.ID, openai.BetaThreadMessageNewParams{
		Role:    "user",
		Content: openai.BetaThreadMessageNewParamsContentUnion{OfString: openai.String("two")},
	}))
	equal(t, answer(t, made.ID), "two")
	changed := must[*openai.Message](t)(client.Beta.Threads.Messages.Update(t.Context(), made.ID, message.ID, openai.BetaThreadMessageUpdateParams{
		Metadata: shared.Metadata{"a": "b"},
	}))
	equal(t, changed.Metadata["a"], "b")
	equal(t, must[*openai.MessageDeleted](t)(client.Beta.Threads.Messages.Delete(t.Context(), made.ID, message.ID)).Deleted, true)
	equal(t, answer(t, made.ID), "one")
	equal(t, must[*openai.ThreadDeleted](t)(client.Beta.Threads.Delete(t.Context(), made.ID)).Deleted, true)
}

func TestARunIsPolled(t *testing.T) {
	made := thread(t, scripted(`{"say": "Hello from here."}`))
	run := polled(t, must[*openai.Run](t)(client.Beta.Threads.Runs.New(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID})))
	equal(t, run.Status, openai.RunStatusCompleted)
	equal(t, answer(t, made.ID), "Hello from here.")
	if run.Usage.TotalTokens == 0 {
		t.Error("no usage")
	}
	steps, err := client.Beta.Threads.Runs.Steps.List(t.Context(), made.ID, run.ID, openai.BetaThreadRunStepListParams{})
	if err != nil || len(steps.Data) != 1 {
		t.Error(steps, err)
	}
}

func TestARunIsStreamed(t *testing.T) {
	made := thread(t, scripted(`{"say": "Hello from here."}`))
	found := streamed(t, client.Beta.Threads.Runs.NewStreaming(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID}))
	equal(t, found.text, "Hello from here.")
	equal(t, found.events[:3], []string{"thread.run.created", "thread.run.queued", "thread.run.in_progress"})
	equal(t, found.last.AsThreadRunCompleted().Data.Status, openai.RunStatusCompleted)
	for _, name := range []string{"thread.run.step.created", "thread.message.created", "thread.message.completed", "thread.run.step.completed"} {
		if !slices.Contains(found.events, name) {
			t.Errorf("no %s in %v", name, found.events)
		}
	}
}

var twoCalls = []string{
	`{"call": "weather", "arguments": {"city": "Rome"}}`,
	`{"call": "weather", "arguments": {"city": "Oslo"}}`,
}

const toolsSaid = `tools said: Rome is sunny, Oslo is sunny`

func TestToolsPolled(t *testing.T) {
	made := thread(t, scripted(twoCalls...))
	run := polled(t, must[*openai.Run](t)(client.Beta.Threads.Runs.New(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID})))
	equal(t, run.Status, openai.RunStatusRequiresAction)
	given := outputs(*run)
	short := openai.BetaThreadRunSubmitToolOutputsParams{ToolOutputs: given.ToolOutputs[1:]}
	_, err := client.Beta.Threads.Runs.SubmitToolOutputs(t.Context(), made.ID, run.ID, short)
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != 400 {
		t.Error(err)
	}
	run = polled(t, must[*openai.Run](t)(client.Beta.Threads.Runs.SubmitToolOutputs(t.Context(), made.ID, run.ID, given)))
	equal(t, run.Status, openai.RunStatusCompleted)
	equal(t, answer(t, made.ID), toolsSaid)
}

func TestToolsStreamed(t *testing.T) {
	asked := client.Beta.Threads.NewAndRunStreaming(t.Context(), openai.BetaThreadNewAndRunParams{
		AssistantID: assistant(t).ID,
		Thread: openai.BetaThreadNewAndRunParamsThread{Messages: []openai.BetaThreadNewAndRunParamsThreadMessage{{
			Role:    "user",
			Content: openai.BetaThreadNewAndRunParamsThreadMessageContentUnion{OfString: scripted(twoCalls...).Content.OfString},
		}}},
	})
	found := streamed(t, asked)
	equal(t, found.events[0], "thread.created")
	run := found.last.AsThreadRunRequiresAction().Data
	equal(t, run.RequiredAction.SubmitToolOutputs.ToolCalls[1].Function.Name, "weather")
	answered := streamed(t, client.Beta.Threads.Runs.SubmitToolOutputsStreaming(t.Context(), run.ThreadID, run.ID, outputs(run)))
	equal(t, answered.events[0], "thread.run.step.completed")
	equal(t, answered.text, toolsSaid)
	equal(t, answered.last.Event, "thread.run.completed")
}

func TestAStreamTellsWhyARunFailed(t *testing.T) {
	made := thread(t, scripted(`{"fail": 400, "message": "Not like this.", "times": 9}`))
	found := streamed(t, client.Beta.Threads.Runs.NewStreaming(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID}))
	failed := found.last.AsThreadRunFailed().Data
	equal(t, failed.Status, openai.RunStatusFailed)
	if !strings.Contains(failed.LastError.Message, "Not like this.") {
		t.Error(failed.LastError.Message)
	}
}

func TestARunIsCancelled(t *testing.T) {
	made := thread(t, scripted(`{"stall": true}`))
	run := must[*openai.Run](t)(client.Beta.Threads.Runs.New(t.Context(), made.ID, openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID}))
	run = must[*openai.Run](t)(client.Beta.Threads.Runs.Cancel(t.Context(), made.ID, run.ID))
	for run.Status == openai.RunStatusCancelling {
		time.Sleep(20 * time.Millisecond)
		run = must[*openai.Run](t)(client.Beta.Threads.Runs.Get(t.Context(), made.ID, run.ID))
	}
	equal(t, run.Status, openai.RunStatusCancelled)
}

func TestPagesToTheEnd(t *testing.T) {
	messages := make([]openai.BetaThreadNewParamsMessage, 7)
	for i := range messages {
		messages[i] = said(fmt.Sprint(i))
	}
	made := thread(t, messages...)
	for _, limit := range []int64{1, 3, 7, 20} {
		var found []string
		pager := client.Beta.Threads.Messages.ListAutoPaging(t.Context(), made.ID, openai.BetaThreadMessageListParams{
			Limit: openai.Int(limit), Order: openai.BetaThreadMessageListParamsOrderAsc,
		})
		for pager.Next() {
			found = append(found, pager.Current().Content[0].Text.Value)
		}
		if pager.Err() != nil {
			t.Fatal(pager.Err())
		}
		equal(t, found, []string{"0", "1", "2", "3", "4", "5", "6"})
	}
	want := map[string]bool{}
	for range 3 {
		want[assistant(t).ID] = true
	}
	pager := client.Beta.Assistants.ListAutoPaging(t.Context(), openai.BetaAssistantListParams{Limit: openai.Int(2)})
	for pager.Next() {
		delete(want, pager.Current().ID)
	}
	if pager.Err() != nil || len(want) > 0 {
		t.Error(pager.Err(), want)
	}
}
