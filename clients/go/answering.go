package understudy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	understudyv1 "understudy/v1"
)

// Function answers a call of a model. It gets the arguments as the model wrote them, JSON text as a rule, and gives the
// output: a string, or what JSON can write. An error is told to the model, unless ctx, which is that of Follow, has
// ended.
type Function func(ctx context.Context, arguments string) (any, error)

// Func makes a Function of one whose arguments are decoded into an A, for instance a struct with JSON tags.
func Func[A any](function func(context.Context, A) (any, error)) Function {
	return func(ctx context.Context, arguments string) (any, error) {
		var given A
		if arguments == "" {
			arguments = "{}"
		}
		if err := json.Unmarshal([]byte(arguments), &given); err != nil {
			return nil, err
		}
		return function(ctx, given)
	}
}

// answerable tells whether there is a function for every call.
func answerable(calls []*understudyv1.RequiredToolCall, functions map[string]Function) bool {
	for _, call := range calls {
		if functions[call.GetFunction().GetName()] == nil {
			return false
		}
	}
	return true
}

// answers calls the functions at the same time.
func answers(ctx context.Context, calls []*understudyv1.RequiredToolCall, functions map[string]Function) []*understudyv1.ToolOutput {
	outputs := make([]*understudyv1.ToolOutput, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		group.Add(1)
		go func() {
			defer group.Done()
			output := answer(ctx, functions[call.GetFunction().GetName()], call.GetFunction().GetArguments())
			outputs[i] = &understudyv1.ToolOutput{ToolCallId: call.GetId(), Output: &output}
		}()
	}
	group.Wait()
	return outputs
}

// answer gives the output for the model. Whatever goes wrong is told to it as {"error": "..."}.
func answer(ctx context.Context, function Function, arguments string) string {
	output, err := guarded(ctx, function, arguments)
	if err != nil {
		told, _ := json.Marshal(map[string]string{"error": err.Error()})
		output = string(told)
	}
	// A message with other text would not travel.
	return strings.ToValidUTF8(output, "\uFFFD")
}

// guarded turns a panic into an error: one call of a model must not end the program.
func guarded(ctx context.Context, function Function, arguments string) (output string, err error) {
	defer func() {
		if raised := recover(); raised != nil {
			err = errors.New(fmt.Sprint(raised))
		}
	}()
	found, err := function(ctx, arguments)
	if err != nil {
		// Here, since it may panic too.
		return "", errors.New(err.Error())
	}
	if text, ok := found.(string); ok {
		return text, nil
	}
	written, err := json.Marshal(found)
	return string(written), err
}
