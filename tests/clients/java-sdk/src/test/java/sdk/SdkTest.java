package sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.beta.assistants.Assistant;
import com.openai.models.beta.assistants.AssistantCreateParams;
import com.openai.models.beta.assistants.AssistantListParams;
import com.openai.models.beta.assistants.AssistantStreamEvent;
import com.openai.models.beta.assistants.AssistantUpdateParams;
import com.openai.models.beta.threads.Thread;
import com.openai.models.beta.threads.ThreadCreateParams;
import com.openai.models.beta.threads.messages.Message;
import com.openai.models.beta.threads.messages.MessageCreateParams;
import com.openai.models.beta.threads.messages.MessageDeleteParams;
import com.openai.models.beta.threads.messages.MessageListPage;
import com.openai.models.beta.threads.messages.MessageListParams;
import com.openai.models.beta.threads.messages.TextDelta;
import com.openai.models.beta.threads.messages.TextDeltaBlock;
import com.openai.models.beta.threads.runs.RequiredActionFunctionToolCall;
import com.openai.models.beta.threads.runs.Run;
import com.openai.models.beta.threads.runs.RunCancelParams;
import com.openai.models.beta.threads.runs.RunCreateParams;
import com.openai.models.beta.threads.runs.RunRetrieveParams;
import com.openai.models.beta.threads.runs.RunStatus;
import com.openai.models.beta.threads.runs.RunSubmitToolOutputsParams;
import com.openai.models.beta.threads.runs.steps.StepListParams;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * The official Java SDK as a client of Understudy: OPENAI_BASE_URL and OPENAI_API_KEY say where, MODEL which model plays
 * the scripts that messages bring. `make test-clients` runs it.
 */
@SuppressWarnings("deprecation") // every method of this API is
class SdkTest {
  private static final OpenAIClient CLIENT = OpenAIOkHttpClient.fromEnv();
  private static final String TWO_CALLS =
      "scripted:[{\"call\":\"weather\",\"arguments\":{\"city\":\"Rome\"}},"
          + "{\"call\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}]";

  @AfterAll
  static void close() {
    CLIENT.close();
  }

  @Test
  void assistantsAreKeptChangedAndDeleted() {
    Assistant made = assistant();
    assertEquals("weather", made.tools().get(0).asFunction().function().name());
    CLIENT
        .beta()
        .assistants()
        .update(made.id(), AssistantUpdateParams.builder().instructions("Be kind.").build());
    Assistant found = CLIENT.beta().assistants().retrieve(made.id());
    assertEquals("Be kind.", found.instructions().orElseThrow());
    assertEquals("Guide", found.name().orElseThrow());
    assertTrue(CLIENT.beta().assistants().delete(made.id()).deleted());
    NotFoundException gone =
        assertThrows(
            NotFoundException.class, () -> CLIENT.beta().assistants().retrieve(made.id()));
    assertTrue(gone.getMessage().contains("No assistant found"), gone.getMessage());
  }

  @Test
  void threadsAndMessages() {
    Thread thread = thread("one");
    Message message =
        CLIENT
            .beta()
            .threads()
            .messages()
            .create(
                thread.id(),
                MessageCreateParams.builder()
                    .role(MessageCreateParams.Role.USER)
                    .content("two")
                    .build());
    assertEquals("two", answer(thread.id()));
    MessageDeleteParams delete = MessageDeleteParams.builder().threadId(thread.id()).build();
    assertTrue(CLIENT.beta().threads().messages().delete(message.id(), delete).deleted());
    assertEquals("one", answer(thread.id()));
    assertTrue(CLIENT.beta().threads().delete(thread.id()).deleted());
  }

  @Test
  void aRunIsPolled() {
    Thread thread = thread("scripted:[{\"say\":\"Hello from here.\"}]");
    Run run = polled(started(thread));
    assertEquals(RunStatus.COMPLETED, run.status());
    assertEquals("Hello from here.", answer(thread.id()));
    assertTrue(run.usage().orElseThrow().totalTokens() > 0);
    StepListParams steps = StepListParams.builder().threadId(thread.id()).build();
    long count =
        CLIENT.beta().threads().runs().steps().list(run.id(), steps).autoPager().stream().count();
    assertEquals(1, count);
  }

  @Test
  void aRunIsStreamed() {
    Thread thread = thread("scripted:[{\"say\":\"Hello from here.\"}]");
    Heard heard = heard(CLIENT.beta().threads().runs().createStreaming(thread.id(), run()));
    assertEquals("Hello from here.", heard.text());
    assertTrue(heard.events().get(0).isThreadRunCreated());
    assertTrue(heard.events().stream().anyMatch(AssistantStreamEvent::isThreadMessageCompleted));
    assertEquals(RunStatus.COMPLETED, heard.last().asThreadRunCompleted().data().status());
    for (AssistantStreamEvent event : heard.events()) {
      event.validate();
    }
  }

  @Test
  void toolsPolled() {
    Thread thread = thread(TWO_CALLS);
    Run run = polled(started(thread));
    assertEquals(RunStatus.REQUIRES_ACTION, run.status());
    RunSubmitToolOutputsParams outputs = outputs(run);
    RunSubmitToolOutputsParams shorter =
        outputs.toBuilder().toolOutputs(outputs.toolOutputs().subList(1, 2)).build();
    assertThrows(
        BadRequestException.class,
        () -> CLIENT.beta().threads().runs().submitToolOutputs(run.id(), shorter));
    Run done = polled(CLIENT.beta().threads().runs().submitToolOutputs(run.id(), outputs));
    assertEquals(RunStatus.COMPLETED, done.status());
    assertEquals("tools said: Rome is sunny, Oslo is sunny", answer(thread.id()));
  }

  @Test
  void toolsStreamed() {
    Thread thread = thread(TWO_CALLS);
    Heard asked = heard(CLIENT.beta().threads().runs().createStreaming(thread.id(), run()));
    Run run = asked.last().asThreadRunRequiresAction().data();
    Heard answered =
        heard(CLIENT.beta().threads().runs().submitToolOutputsStreaming(run.id(), outputs(run)));
    assertTrue(answered.events().get(0).isThreadRunStepCompleted());
    assertEquals("tools said: Rome is sunny, Oslo is sunny", answered.text());
    assertTrue(answered.last().isThreadRunCompleted());
  }

  @Test
  void aStreamTellsWhyARunFailed() {
    Thread thread = thread("scripted:[{\"fail\":400,\"message\":\"Not like this.\",\"times\":9}]");
    Heard heard = heard(CLIENT.beta().threads().runs().createStreaming(thread.id(), run()));
    Run failed = heard.last().asThreadRunFailed().data();
    assertEquals(RunStatus.FAILED, failed.status());
    assertTrue(failed.lastError().orElseThrow().message().contains("Not like this."));
  }

  @Test
  void theEventsOfEachEnding() {
    Map<String, String> endings =
        Map.of(
            "[{\"say\":\"Hello.\"}]", "thread.message.completed thread.run.step.completed thread.run.completed",
            "[{\"say\":\"Hello\"},{\"finish\":\"length\"}]",
                "thread.message.incomplete thread.run.step.completed thread.run.incomplete",
            "[{\"call\":\"weather\",\"arguments\":{}}]", "thread.run.step.in_progress thread.run.requires_action",
            "[{\"fail\":400,\"message\":\"No.\",\"times\":9}]", "thread.run.in_progress thread.run.failed");
    endings.forEach(
        (steps, ending) -> {
          Thread thread = thread("scripted:" + steps);
          List<String> names = new ArrayList<>();
          for (AssistantStreamEvent event :
              heard(CLIENT.beta().threads().runs().createStreaming(thread.id(), run())).events()) {
            String name = (String) event._json().orElseThrow().convert(Map.class).get("event");
            if (!name.endsWith(".delta")) {
              names.add(name);
            }
          }
          String found = String.join(" ", names);
          assertTrue(found.startsWith("thread.run.created thread.run.queued thread.run.in_progress"), found);
          assertTrue(found.endsWith(ending), found);
        });
  }

  @Test
  void aRunIsCancelledWhileItIsStreamed() {
    Thread thread = thread("scripted:[{\"say\":\"Hello\"},{\"stall\":true}]");
    List<AssistantStreamEvent> events = new ArrayList<>();
    try (StreamResponse<AssistantStreamEvent> response =
        CLIENT.beta().threads().runs().createStreaming(thread.id(), run())) {
      response.stream()
          .forEach(
              event -> {
                events.add(event);
                if (event.isThreadMessageInProgress()) {
                  String id = events.get(0).asThreadRunCreated().data().id();
                  RunCancelParams cancel = RunCancelParams.builder().threadId(thread.id()).build();
                  CLIENT.beta().threads().runs().cancel(id, cancel);
                }
              });
    }
    assertTrue(events.stream().anyMatch(AssistantStreamEvent::isThreadRunCancelling));
    assertTrue(events.stream().anyMatch(AssistantStreamEvent::isThreadMessageIncomplete));
    assertTrue(events.stream().anyMatch(AssistantStreamEvent::isThreadRunStepCancelled));
    assertTrue(events.get(events.size() - 1).isThreadRunCancelled());
  }

  @Test
  void aRunIsCancelled() {
    Run run = started(thread("scripted:[{\"stall\":true}]"));
    RunCancelParams cancel = RunCancelParams.builder().threadId(run.threadId()).build();
    assertEquals(
        RunStatus.CANCELLED, polled(CLIENT.beta().threads().runs().cancel(run.id(), cancel)).status());
  }

  /** This SDK asks until a page is empty, whatever `has_more` says. */
  @Test
  void pagesToTheEnd() {
    ThreadCreateParams.Builder params = ThreadCreateParams.builder();
    List<String> texts = List.of("0", "1", "2", "3", "4");
    texts.forEach(text -> params.addMessage(message(text)));
    String id = CLIENT.beta().threads().create(params.build()).id();
    List<Integer> sizes = new ArrayList<>();
    MessageListPage page = CLIENT.beta().threads().messages().list(id, ascending(2));
    while (true) {
      sizes.add(page.items().size());
      if (!page.hasNextPage()) {
        break;
      }
      page = page.nextPage();
    }
    assertEquals(List.of(2, 2, 1, 0), sizes);
    for (long limit : List.of(1, 5, 20)) {
      List<String> found = new ArrayList<>();
      for (Message message :
          CLIENT.beta().threads().messages().list(id, ascending(limit)).autoPager()) {
        found.add(text(message));
      }
      assertEquals(texts, found);
    }
  }

  @Test
  void assistantsToTheEnd() {
    Set<String> made = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      made.add(assistant().id());
    }
    AssistantListParams two = AssistantListParams.builder().limit(2).build();
    CLIENT.beta().assistants().list(two).autoPager().forEach(found -> made.remove(found.id()));
    assertEquals(Set.of(), made);
  }

  private static MessageListParams ascending(long limit) {
    return MessageListParams.builder().limit(limit).order(MessageListParams.Order.ASC).build();
  }

  private static Assistant assistant() {
    FunctionParameters parameters =
        FunctionParameters.builder()
            .putAdditionalProperty("type", JsonValue.from("object"))
            .putAdditionalProperty(
                "properties", JsonValue.from(Map.of("city", Map.of("type", "string"))))
            .build();
    return CLIENT
        .beta()
        .assistants()
        .create(
            AssistantCreateParams.builder()
                .model(System.getenv("MODEL"))
                .name("Guide")
                .instructions("Be brief.") // where there are none OpenAI says null, which this SDK finds invalid
                .addFunctionTool(
                    FunctionDefinition.builder().name("weather").parameters(parameters).build())
                .build());
  }

  private static Thread thread(String text) {
    return CLIENT
        .beta()
        .threads()
        .create(ThreadCreateParams.builder().addMessage(message(text)).build());
  }

  private static ThreadCreateParams.Message message(String text) {
    return ThreadCreateParams.Message.builder()
        .role(ThreadCreateParams.Message.Role.USER)
        .content(text)
        .build();
  }

  private static RunCreateParams run() {
    return RunCreateParams.builder().assistantId(assistant().id()).build();
  }

  private static Run started(Thread thread) {
    return CLIENT.beta().threads().runs().create(thread.id(), run());
  }

  /** Waits until the run has ended or needs action: this SDK has no helper for it. */
  private static Run polled(Run run) {
    Set<RunStatus> active =
        Set.of(RunStatus.QUEUED, RunStatus.IN_PROGRESS, RunStatus.CANCELLING);
    RunRetrieveParams params = RunRetrieveParams.builder().threadId(run.threadId()).build();
    Run found = run;
    while (active.contains(found.status())) {
      found = CLIENT.beta().threads().runs().retrieve(run.id(), params);
    }
    return found;
  }

  private static RunSubmitToolOutputsParams outputs(Run run) {
    RunSubmitToolOutputsParams.Builder outputs =
        RunSubmitToolOutputsParams.builder().threadId(run.threadId());
    for (RequiredActionFunctionToolCall call :
        run.requiredAction().orElseThrow().submitToolOutputs().toolCalls()) {
      String city = call.function().arguments().contains("Rome") ? "Rome" : "Oslo";
      outputs.addToolOutput(
          RunSubmitToolOutputsParams.ToolOutput.builder()
              .toolCallId(call.id())
              .output(city + " is sunny")
              .build());
    }
    return outputs.build();
  }

  private static String answer(String threadId) {
    MessageListParams newest = MessageListParams.builder().limit(1).build();
    return text(CLIENT.beta().threads().messages().list(threadId, newest).items().get(0));
  }

  private static String text(Message message) {
    return message.content().get(0).asText().text().value();
  }

  private record Heard(List<AssistantStreamEvent> events, String text) {
    AssistantStreamEvent last() {
      return events.get(events.size() - 1);
    }
  }

  private static Heard heard(StreamResponse<AssistantStreamEvent> response) {
    List<AssistantStreamEvent> events = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    try (response) {
      response.stream().forEach(events::add);
    }
    for (AssistantStreamEvent event : events) {
      event.threadMessageDelta().stream()
          .flatMap(delta -> delta.data().delta().content().stream().flatMap(List::stream))
          .flatMap(part -> part.text().flatMap(TextDeltaBlock::text).flatMap(TextDelta::value).stream())
          .forEach(text::append);
    }
    return new Heard(events, text.toString());
  }
}
