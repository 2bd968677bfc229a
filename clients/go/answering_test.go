package understudy

import (
	"context"
	"errors"
	"testing"
)

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("oh") }
func (panicking) Error() string                { panic("no") }

func TestAnswer(t *testing.T) {
	type place struct {
		City string `json:"city"`
	}
	echo := Func(func(_ context.Context, given place) (any, error) { return given, nil })
	for name, row := range map[string]struct {
		function  Function
		arguments string
		want      string
	}{
		"text is as it is":       {func(context.Context, string) (any, error) { return "a \"b\"", nil }, "{}", `a "b"`},
		"other values are JSON":  {echo, `{"city":"Bern"}`, `{"city":"Bern"}`},
		"no arguments":           {echo, "", `{"city":""}`},
		"an error is told":       {func(context.Context, string) (any, error) { return nil, errors.New("no luck") }, "{}", `{"error":"no luck"}`},
		"a panic is told":        {func(context.Context, string) (any, error) { panic("oh") }, "{}", `{"error":"oh"}`},
		"a panic while writing":  {func(context.Context, string) (any, error) { return panicking{}, nil }, "{}", `{"error":"oh"}`},
		"an error that panics":   {func(context.Context, string) (any, error) { return nil, panicking{} }, "{}", `{"error":"no"}`},
		"bytes that are no text": {func(context.Context, string) (any, error) { return "a\xffb", nil }, "{}", "a\uFFFDb"},
		"arguments that are not": {echo, "{", `{"error":"unexpected end of JSON input"}`},
		"what is not JSON":       {func(context.Context, string) (any, error) { return func() {}, nil }, "{}", `{"error":"json: unsupported type: func()"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if found := answer(context.Background(), row.function, row.arguments); found != row.want {
				t.Errorf("found %s, want %s", found, row.want)
			}
		})
	}
}

func TestIsAfter(t *testing.T) {
	for _, row := range []struct {
		id, other string
		want      bool
	}{
		{"1-2", "1-1", true}, {"1-10", "1-9", true}, {"2-1", "1-99", true}, {"1-1", "", true},
		{"1-1", "1-1", false}, {"1-99", "2-1", false}, {"x", "1-1", false}, {"1-x", "1-1", false},
	} {
		if isAfter(row.id, row.other) != row.want {
			t.Errorf("isAfter(%q, %q) is not %t", row.id, row.other, row.want)
		}
	}
}
