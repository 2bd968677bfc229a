package sdk_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func upload(name, text string) openai.FileNewParams {
	return openai.FileNewParams{
		File:    openai.File(strings.NewReader(text), name, "text/plain"),
		Purpose: openai.FilePurposeAssistants,
	}
}

func TestFilesAreKeptReadAndDeleted(t *testing.T) {
	made := must[*openai.FileObject](t)(client.Files.New(t.Context(), upload("über.txt", "Bern is sunny.")))
	equal(t, made.Filename, "über.txt")
	equal(t, must[*openai.FileObject](t)(client.Files.Get(t.Context(), made.ID)).Bytes, 14)
	want := map[string]bool{made.ID: true}
	for range 2 {
		want[must[*openai.FileObject](t)(client.Files.New(t.Context(), upload("a.txt", "a"))).ID] = true
	}
	pager := client.Files.ListAutoPaging(t.Context(), openai.FileListParams{Limit: openai.Int(2)})
	for pager.Next() {
		delete(want, pager.Current().ID)
	}
	if pager.Err() != nil || len(want) > 0 {
		t.Error(pager.Err(), want)
	}
	equal(t, must[*openai.FileDeleted](t)(client.Files.Delete(t.Context(), made.ID)).Deleted, true)
	_, err := client.Files.Content(t.Context(), made.ID)
	refused(t, err, 404)
}

func TestAVectorStoreIsFilledAndSearched(t *testing.T) {
	store := must[*openai.VectorStore](t)(client.VectorStores.New(t.Context(), openai.VectorStoreNewParams{Name: openai.String("Weather")}))
	files := []openai.FileNewParams{upload("bern.txt", "Bern is sunny."), upload("oslo.txt", "Oslo is rainy."), upload("rome.txt", "Rome is hot.")}
	batch := must[*openai.VectorStoreFileBatch](t)(client.VectorStores.FileBatches.UploadAndPoll(t.Context(), store.ID, files, nil, 20))
	equal(t, batch.Status, openai.VectorStoreFileBatchStatusCompleted)
	equal(t, batch.FileCounts.Completed, 3)
	found := 0
	pager := client.VectorStores.Files.ListAutoPaging(t.Context(), store.ID, openai.VectorStoreFileListParams{Limit: openai.Int(2)})
	for pager.Next() {
		equal(t, pager.Current().Status, openai.VectorStoreFileStatusCompleted)
		found++
	}
	if pager.Err() != nil || found != 3 {
		t.Error(pager.Err(), found)
	}
	results, err := client.VectorStores.Search(t.Context(), store.ID, openai.VectorStoreSearchParams{
		Query: openai.VectorStoreSearchParamsQueryUnion{OfString: openai.String("Oslo is rainy.")},
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, results.Data[0].Filename, "oslo.txt")
	equal(t, results.Data[0].Content[0].Text, "Oslo is rainy.")
	equal(t, must[*openai.VectorStoreDeleted](t)(client.VectorStores.Delete(t.Context(), store.ID)).Deleted, true)
}

func TestErrorsHaveTheirStatus(t *testing.T) {
	_, err := client.Models.List(t.Context(), option.WithAPIKey("sk-none-of-ours"))
	refused(t, err, 401)
	_, err = client.Beta.Assistants.New(t.Context(), openai.BetaAssistantNewParams{Model: model, Temperature: openai.Float(9)})
	equal(t, refused(t, err, 400).Param, "temperature")
	_, err = client.VectorStores.Get(t.Context(), "vs_none")
	refused(t, err, 404)
	stream := client.Beta.Threads.Runs.NewStreaming(t.Context(), "thread_none", openai.BetaThreadRunNewParams{AssistantID: assistant(t).ID})
	if stream.Next() {
		t.Error(stream.Current())
	}
	refused(t, stream.Err(), 404)
}

func refused(t *testing.T, err error, code int) *openai.Error {
	t.Helper()
	var found *openai.Error
	if !errors.As(err, &found) || found.StatusCode != code {
		t.Fatalf("found %v, want status %d", err, code)
	}
	return found
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	made := must[*openai.FileObject](t)(client.Files.New(t.Context(), openai.FileNewParams{
		File: openai.File(strings.NewReader("\x00\xff\r\n"), "bytes.png", "image/png"), Purpose: openai.FilePurposeVision,
	}))
	response, err := client.Files.Content(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	equal(t, string(must[[]byte](t)(io.ReadAll(response.Body))), "\x00\xff\r\n")
}
