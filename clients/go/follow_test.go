package understudy_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"understudy"
	understudyv1 "understudy/v1"
)

// connected gives a client for the core at UNDERSTUDY_TARGET. `make test-clients` starts one.
func connected(t *testing.T) *understudy.Client {
	t.Helper()
	target, key := os.Getenv("UNDERSTUDY_TARGET"), os.Getenv("UNDERSTUDY_API_KEY")
	if target == "" || key == "" {
		t.Fatal("UNDERSTUDY_TARGET and UNDERSTUDY_API_KEY say where a core is")
	}
	return dialed(t, target, key)
}

func dialed(t *testing.T, target, key string) *understudy.Client {
	t.Helper()
	client, err := understudy.Connect(target, understudy.Options{APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func started(t *testing.T, client *understudy.Client) *understudyv1.Run {
	t.Helper()
	ctx := t.Context()
	assistant, err := client.Assistants.CreateAssistant(ctx, &understudyv1.CreateAssistantRequest{
		Model: "demo/demo",
		Tools: []*understudyv1.Tool{{Tool: &understudyv1.Tool_Function{Function: &understudyv1.FunctionTool{Name: "weather"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	thread, err := client.Assistants.CreateThread(ctx, &understudyv1.CreateThreadRequest{
		Messages: []*understudyv1.NewMessage{{
			Role:    understudyv1.MessageRole_MESSAGE_ROLE_USER,
			Content: &understudyv1.MessageInput{Content: &understudyv1.MessageInput_Text{Text: "What is the weather?"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := client.Assistants.CreateRun(ctx, &understudyv1.CreateRunRequest{ThreadId: thread.Id, AssistantId: assistant.Id})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func collected(t *testing.T, client *understudy.Client, run *understudyv1.Run, options understudy.FollowOptions) []*understudyv1.RunEvent {
	t.Helper()
	var found []*understudyv1.RunEvent
	for event, err := range client.Follow(t.Context(), run, options) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, event)
	}
	return found
}

func answering(output any, err error) map[string]understudy.Function {
	return map[string]understudy.Function{"weather": func(context.Context, string) (any, error) { return output, err }}
}

func text(events []*understudyv1.RunEvent) string {
	var written strings.Builder
	for _, event := range events {
		for _, part := range event.GetMessageDelta().GetDelta().GetContent() {
			written.WriteString(part.GetText().GetValue())
		}
	}
	return written.String()
}

func TestFunctionsGiveWhatJSONCanWrite(t *testing.T) {
	client := connected(t)
	all := collected(t, client, started(t, client), understudy.FollowOptions{Functions: answering(map[string]int{"degrees": 18}, nil)})
	if found := text(all); found != `Here is what I found: weather says {"degrees":18}.` {
		t.Error(found)
	}
	if all[len(all)-1].GetRunCompleted() == nil {
		t.Error(all[len(all)-1])
	}
}

func TestErrorsAreToldToTheModel(t *testing.T) {
	client := connected(t)
	all := collected(t, client, started(t, client), understudy.FollowOptions{Functions: answering(nil, errors.New("no such city"))})
	if found := text(all); !strings.Contains(found, `{"error":"no such city"}`) {
		t.Error(found)
	}
}

func TestWhoLeavesEarlyGoesOnLater(t *testing.T) {
	client := connected(t)
	run := started(t, client)
	var seen []*understudyv1.RunEvent
	for event, err := range client.Follow(t.Context(), run, understudy.FollowOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, event); len(seen) == 2 {
			break
		}
	}
	seen = append(seen, collected(t, client, run, understudy.FollowOptions{After: seen[1].Id})...)
	waits := seen[len(seen)-1]
	if waits.GetRunRequiresAction() == nil {
		t.Fatal(waits)
	}
	seen = append(seen, collected(t, client, run, understudy.FollowOptions{After: waits.Id, Functions: answering("rain", nil)})...)
	whole := collected(t, client, run, understudy.FollowOptions{})
	if len(seen) != len(whole) {
		t.Fatalf("%d events in parts, %d at once", len(seen), len(whole))
	}
	for i := range whole {
		if !proto.Equal(seen[i], whole[i]) {
			t.Errorf("%v is not %v", seen[i], whole[i])
		}
	}
	if after := collected(t, client, run, understudy.FollowOptions{After: whole[len(whole)-1].Id}); len(after) > 0 {
		t.Error(after)
	}
}

func TestRefusalsAreGiven(t *testing.T) {
	client := connected(t)
	unknown := &understudyv1.Run{ThreadId: started(t, client).ThreadId, Id: "run_unknown"}
	if code := failure(t.Context(), client, unknown, understudy.FollowOptions{}); code != codes.NotFound {
		t.Error(code)
	}
	stranger := dialed(t, os.Getenv("UNDERSTUDY_TARGET"), "sk-none-of-ours")
	if _, err := stranger.Models.ListModels(t.Context(), &understudyv1.ListModelsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
}

func TestAKeyWithoutTheScopeAdminManagesNoKeys(t *testing.T) {
	_, err := connected(t).Keys.ListKeys(t.Context(), &understudyv1.ListKeysRequest{})
	if status.Code(err) != codes.PermissionDenied {
		t.Fatal(err)
	}
	for _, detail := range status.Convert(err).Details() {
		if told, ok := detail.(*understudyv1.ErrorDetail); ok && told.Reason == understudyv1.Reason_REASON_MISSING_SCOPE {
			return
		}
	}
	t.Error(err)
}

func TestWhatEndsWhileAFunctionWorksIsNotSubmitted(t *testing.T) {
	client := connected(t)
	run := started(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := map[string]understudy.Function{"weather": func(ctx context.Context, _ string) (any, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	if err := ending(ctx, client, run, understudy.FollowOptions{Functions: interrupted}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	other := dialed(t, os.Getenv("UNDERSTUDY_TARGET"), os.Getenv("UNDERSTUDY_API_KEY"))
	closing := map[string]understudy.Function{"weather": func(context.Context, string) (any, error) {
		return "snow", other.Close()
	}}
	options := understudy.FollowOptions{Functions: closing, Patience: time.Hour}
	if code := failure(t.Context(), other, run, options); code != codes.Canceled {
		t.Error(code)
	}
	all := collected(t, client, run, understudy.FollowOptions{Functions: answering("rain", nil)})
	if found := text(all); !strings.Contains(found, "weather says rain.") {
		t.Error(found)
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	nobody := dialed(t, "unix:/nowhere/core.sock", "")
	run := &understudyv1.Run{ThreadId: "thread_1", Id: "run_1"}
	options := understudy.FollowOptions{Patience: 100 * time.Millisecond}
	if code := failure(t.Context(), nobody, run, options); code != codes.Unavailable {
		t.Error(code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ending(ctx, nobody, run, understudy.FollowOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ending(ctx, nobody, run, understudy.FollowOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// failure gives the code of the error with which the events end.
func failure(ctx context.Context, client *understudy.Client, run *understudyv1.Run, options understudy.FollowOptions) codes.Code {
	return status.Code(ending(ctx, client, run, options))
}

func ending(ctx context.Context, client *understudy.Client, run *understudyv1.Run, options understudy.FollowOptions) (ending error) {
	for _, err := range client.Follow(ctx, run, options) {
		ending = err
	}
	return ending
}
