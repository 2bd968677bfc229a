package understudy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import understudy.v1.Assistant;
import understudy.v1.ContentPartDelta;
import understudy.v1.CreateAssistantRequest;
import understudy.v1.CreateRunRequest;
import understudy.v1.CreateThreadRequest;
import understudy.v1.ErrorDetail;
import understudy.v1.FunctionTool;
import understudy.v1.ListKeysRequest;
import understudy.v1.ListModelsRequest;
import understudy.v1.MessageInput;
import understudy.v1.MessageRole;
import understudy.v1.NewMessage;
import understudy.v1.Reason;
import understudy.v1.Run;
import understudy.v1.RunEvent;
import understudy.v1.Tool;

/** On a real core, at UNDERSTUDY_TARGET with UNDERSTUDY_API_KEY. `make test-clients` starts one. */
class FollowingTest {
  private static String target;
  private static Client client;

  @BeforeAll
  static void connect() {
    target = System.getenv("UNDERSTUDY_TARGET");
    String key = System.getenv("UNDERSTUDY_API_KEY");
    assertTrue(target != null && key != null, "UNDERSTUDY_TARGET and UNDERSTUDY_API_KEY are set");
    client = Client.connect(target, key);
  }

  @AfterAll
  static void close() {
    client.close();
  }

  @Test
  void functionsAreAnswered() {
    List<RunEvent> all = events(started(), answering(given -> "rain"));
    assertEquals("Here is what I found: weather says rain.", text(all));
    assertTrue(all.get(all.size() - 1).hasRunCompleted());
  }

  @Test
  void whatAFunctionThrowsIsToldToTheModel() {
    ToolFunction wrong =
        given -> {
          throw new IllegalStateException("no \"luck\"");
        };
    String told = "{\"error\":\"java.lang.IllegalStateException: no \\\"luck\\\"\"}";
    assertTrue(text(events(started(), answering(wrong))).contains(told));
  }

  @Test
  void aFunctionThatIsInterruptedEndsTheEvents() {
    Run run = started();
    ToolFunction interrupted =
        given -> {
          throw new InterruptedException();
        };
    assertEquals(Status.Code.CANCELLED, failureAfter(client.follow(run, answering(interrupted))));
    assertTrue(Thread.interrupted());
    assertTrue(text(events(run, answering(given -> "rain"))).contains("weather says rain."));
  }

  @Test
  void anInterruptIsNotToldToTheModel() {
    Run run = started();
    ToolFunction interrupted =
        given -> {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted");
        };
    assertEquals(Status.Code.CANCELLED, failureAfter(client.follow(run, answering(interrupted))));
    assertTrue(Thread.interrupted());
    assertTrue(text(events(run, answering(given -> "rain"))).contains("weather says rain."));
  }

  @Test
  void whatEndsWhileAFunctionWorksIsNotSubmitted() {
    Run run = started();
    Client other = Client.connect(target, System.getenv("UNDERSTUDY_API_KEY"));
    ToolFunction closing =
        given -> {
          other.close();
          return "snow";
        };
    FollowOptions options = answering(closing).withPatience(Duration.ofHours(1));
    assertEquals(Status.Code.UNAVAILABLE, failureAfter(other.follow(run, options)));
    AtomicReference<Following> going = new AtomicReference<>();
    ToolFunction leaving =
        given -> {
          going.get().close();
          return "snow";
        };
    going.set(client.follow(run, answering(leaving)));
    assertEquals(Status.Code.CANCELLED, failureAfter(going.get()));
    assertTrue(text(events(run, answering(given -> "rain"))).contains("weather says rain."));
  }

  @Test
  void aDeadlineOfTheCallerEndsPatience() throws Exception {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try (Client nobody = Client.connect("unix:/nowhere/core.sock", null)) {
      Status.Code found =
          Context.current()
              .withDeadlineAfter(100, TimeUnit.MILLISECONDS, timer)
              .call(() -> failure(nobody, Run.getDefaultInstance(), FollowOptions.DEFAULT));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, found);
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void whoLeavesEarlyGoesOnLater() {
    Run run = started();
    List<RunEvent> seen = new ArrayList<>();
    try (Following first = client.follow(run)) {
      seen.add(first.next());
      seen.add(first.next());
    }
    seen.addAll(events(run, FollowOptions.DEFAULT.withAfter(seen.get(1).getId())));
    RunEvent waits = seen.get(seen.size() - 1);
    assertTrue(waits.hasRunRequiresAction());
    seen.addAll(events(run, answering(given -> "rain").withAfter(waits.getId())));
    List<RunEvent> whole = events(run, FollowOptions.DEFAULT);
    assertEquals(whole, seen);
    String last = whole.get(whole.size() - 1).getId();
    assertEquals(List.of(), events(run, FollowOptions.DEFAULT.withAfter(last)));
  }

  @Test
  void refusalsAreThrown() {
    Run unknown = started().toBuilder().setId("run_unknown").build();
    assertEquals(Status.Code.NOT_FOUND, failure(client, unknown, FollowOptions.DEFAULT));
    try (Client stranger = Client.connect(target, "sk-none-of-ours")) {
      StatusRuntimeException refused =
          assertThrows(
              StatusRuntimeException.class,
              () -> stranger.models().listModels(ListModelsRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNAUTHENTICATED, refused.getStatus().getCode());
    }
  }

  @Test
  void aKeyWithoutTheScopeAdminManagesNoKeys() throws InvalidProtocolBufferException {
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () -> client.keys().listKeys(ListKeysRequest.getDefaultInstance()));
    assertEquals(Status.Code.PERMISSION_DENIED, refused.getStatus().getCode());
    List<Reason> reasons = new ArrayList<>();
    for (Any detail : StatusProto.fromThrowable(refused).getDetailsList()) {
      if (detail.is(ErrorDetail.class)) {
        reasons.add(detail.unpack(ErrorDetail.class).getReason());
      }
    }
    assertEquals(List.of(Reason.REASON_MISSING_SCOPE), reasons);
  }

  @Test
  void patienceHasAnEnd() {
    FollowOptions options = FollowOptions.DEFAULT.withPatience(Duration.ofMillis(100));
    try (Client nobody = Client.connect("unix:/nowhere/core.sock", null)) {
      assertEquals(
          Status.Code.UNAVAILABLE, failure(nobody, Run.newBuilder().setId("run_1").build(), options));
    }
  }

  @Test
  void idsAreNumbers() {
    assertTrue(Following.isAfter("1-10", "1-9"));
    assertTrue(Following.isAfter("2-1", "1-99"));
    for (String id : List.of("1-1", "x", "1", "1-", "-1", "1-x")) {
      assertFalse(Following.isAfter(id, "1-1"), id);
    }
  }

  private static FollowOptions answering(ToolFunction function) {
    return FollowOptions.DEFAULT.withFunctions(Map.of("weather", function));
  }

  private static Run started() {
    FunctionTool function = FunctionTool.newBuilder().setName("weather").build();
    Assistant assistant =
        client
            .assistants()
            .createAssistant(
                CreateAssistantRequest.newBuilder()
                    .setModel("demo/demo")
                    .addTools(Tool.newBuilder().setFunction(function))
                    .build());
    NewMessage message =
        NewMessage.newBuilder()
            .setRole(MessageRole.MESSAGE_ROLE_USER)
            .setContent(MessageInput.newBuilder().setText("What is the weather?"))
            .build();
    CreateThreadRequest thread = CreateThreadRequest.newBuilder().addMessages(message).build();
    return client
        .assistants()
        .createRun(
            CreateRunRequest.newBuilder()
                .setThreadId(client.assistants().createThread(thread).getId())
                .setAssistantId(assistant.getId())
                .build());
  }

  private static List<RunEvent> events(Run run, FollowOptions options) {
    List<RunEvent> found = new ArrayList<>();
    client.follow(run, options).forEach(found::add);
    return found;
  }

  private static Status.Code failure(Client client, Run run, FollowOptions options) {
    return failureAfter(client.follow(run, options));
  }

  /** Of the error with which the events end, whatever comes before. */
  private static Status.Code failureAfter(Following following) {
    StatusRuntimeException thrown =
        assertThrows(StatusRuntimeException.class, () -> following.forEach(event -> {}));
    assertFalse(following.hasNext());
    return thrown.getStatus().getCode();
  }

  private static String text(List<RunEvent> events) {
    StringBuilder written = new StringBuilder();
    for (RunEvent event : events) {
      for (ContentPartDelta part : event.getMessageDelta().getDelta().getContentList()) {
        written.append(part.getText().getValue());
      }
    }
    return written.toString();
  }
}
