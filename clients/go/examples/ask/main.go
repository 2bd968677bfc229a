// Command ask asks a question, answers the function call of the model, and prints what comes as it comes.
//
//	UNDERSTUDY_TARGET=127.0.0.1:50051 UNDERSTUDY_API_KEY=sk-... go run ./examples/ask "What is the weather in Bern?"
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"understudy"
	understudyv1 "understudy/v1"
)

const parameters = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`

type place struct {
	City string `json:"city"`
}

func weather(_ context.Context, given place) (any, error) {
	fmt.Printf("call: weather in %s\n", given.City)
	return fmt.Sprintf("18 degrees and sunny in %s", given.City), nil
}

func ask(ctx context.Context, question string) error {
	target := cmp.Or(os.Getenv("UNDERSTUDY_TARGET"), "127.0.0.1:50051")
	client, err := understudy.Connect(target, understudy.Options{APIKey: os.Getenv("UNDERSTUDY_API_KEY")})
	if err != nil {
		return err
	}
	defer client.Close()

	description := "The weather in a city."
	function := &understudyv1.FunctionTool{Name: "weather", Description: &description, Parameters: []byte(parameters)}
	assistant, err := client.Assistants.CreateAssistant(ctx, &understudyv1.CreateAssistantRequest{
		Model: "demo/demo",
		Tools: []*understudyv1.Tool{{Tool: &understudyv1.Tool_Function{Function: function}}},
	})
	if err != nil {
		return err
	}
	fmt.Printf("question: %s\n", question)
	thread, err := client.Assistants.CreateThread(ctx, &understudyv1.CreateThreadRequest{
		Messages: []*understudyv1.NewMessage{{
			Role:    understudyv1.MessageRole_MESSAGE_ROLE_USER,
			Content: &understudyv1.MessageInput{Content: &understudyv1.MessageInput_Text{Text: question}},
		}},
	})
	if err != nil {
		return err
	}
	run, err := client.Assistants.CreateRun(ctx, &understudyv1.CreateRunRequest{ThreadId: thread.Id, AssistantId: assistant.Id})
	if err != nil {
		return err
	}
	functions := map[string]understudy.Function{"weather": understudy.Func(weather)}
	for event, err := range client.Follow(ctx, run, understudy.FollowOptions{Functions: functions}) {
		if err != nil {
			return err
		}
		show(event)
	}
	return nil
}

func show(event *understudyv1.RunEvent) {
	switch event := event.Event.(type) {
	case *understudyv1.RunEvent_MessageCreated:
		fmt.Print("answer: ")
	case *understudyv1.RunEvent_MessageDelta:
		for _, part := range event.MessageDelta.GetDelta().GetContent() {
			fmt.Print(part.GetText().GetValue())
		}
	case *understudyv1.RunEvent_MessageCompleted, *understudyv1.RunEvent_MessageIncomplete:
		fmt.Println()
	case *understudyv1.RunEvent_RunCompleted:
		fmt.Println("status: completed")
	case *understudyv1.RunEvent_RunIncomplete:
		fmt.Println("status: incomplete")
	case *understudyv1.RunEvent_RunFailed:
		fmt.Printf("status: failed: %s\n", event.RunFailed.GetLastError().GetMessage())
	case *understudyv1.RunEvent_RunCancelled:
		fmt.Println("status: cancelled")
	case *understudyv1.RunEvent_RunExpired:
		fmt.Println("status: expired")
	}
}

func main() {
	log.SetFlags(0)
	question := strings.Join(os.Args[1:], " ")
	if err := ask(context.Background(), cmp.Or(question, "What is the weather in Bern?")); err != nil {
		log.Fatal(err)
	}
}
