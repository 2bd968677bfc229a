package understudy.examples;

import com.google.protobuf.ByteString;
import com.google.protobuf.Struct;
import java.util.Map;
import understudy.Client;
import understudy.FollowOptions;
import understudy.v1.Assistant;
import understudy.v1.ContentPartDelta;
import understudy.v1.CreateAssistantRequest;
import understudy.v1.CreateRunRequest;
import understudy.v1.CreateThreadRequest;
import understudy.v1.FunctionTool;
import understudy.v1.MessageInput;
import understudy.v1.MessageRole;
import understudy.v1.NewMessage;
import understudy.v1.Run;
import understudy.v1.RunEvent;
import understudy.v1.Thread;
import understudy.v1.Tool;

/**
 * Asks a question, answers the function call of the model, and prints what comes as it comes.
 *
 * <p>{@code UNDERSTUDY_TARGET=127.0.0.1:50051 UNDERSTUDY_API_KEY=sk-... java -cp ... understudy.examples.Ask "What is the
 * weather in Bern?"}
 */
public final class Ask {
  private static final String PARAMETERS =
      """
      {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
      """;

  private Ask() {}

  private static String weather(Struct given) {
    String city = given.getFieldsOrThrow("city").getStringValue();
    System.out.println("call: weather in " + city);
    return "18 degrees and sunny in " + city;
  }

  public static void main(String[] words) {
    String target = System.getenv().getOrDefault("UNDERSTUDY_TARGET", "127.0.0.1:50051");
    String question = words.length > 0 ? String.join(" ", words) : "What is the weather in Bern?";
    try (Client client = Client.connect(target, System.getenv("UNDERSTUDY_API_KEY"))) {
      ask(client, question);
    }
  }

  private static void ask(Client client, String question) {
    FunctionTool function =
        FunctionTool.newBuilder()
            .setName("weather")
            .setDescription("The weather in a city.")
            .setParameters(ByteString.copyFromUtf8(PARAMETERS))
            .build();
    Assistant assistant =
        client
            .assistants()
            .createAssistant(
                CreateAssistantRequest.newBuilder()
                    .setModel("demo/demo")
                    .addTools(Tool.newBuilder().setFunction(function))
                    .build());
    System.out.println("question: " + question);
    NewMessage message =
        NewMessage.newBuilder()
            .setRole(MessageRole.MESSAGE_ROLE_USER)
            .setContent(MessageInput.newBuilder().setText(question))
            .build();
    Thread thread =
        client.assistants().createThread(CreateThreadRequest.newBuilder().addMessages(message).build());
    Run run =
        client
            .assistants()
            .createRun(
                CreateRunRequest.newBuilder()
                    .setThreadId(thread.getId())
                    .setAssistantId(assistant.getId())
                    .build());
    FollowOptions options = FollowOptions.DEFAULT.withFunctions(Map.of("weather", Ask::weather));
    for (RunEvent event : client.follow(run, options)) {
      show(event);
    }
  }

  private static void show(RunEvent event) {
    switch (event.getEventCase()) {
      case MESSAGE_CREATED -> System.out.print("answer: ");
      case MESSAGE_DELTA -> {
        for (ContentPartDelta part : event.getMessageDelta().getDelta().getContentList()) {
          System.out.print(part.getText().getValue());
        }
        System.out.flush();
      }
      case MESSAGE_COMPLETED, MESSAGE_INCOMPLETE -> System.out.println();
      case RUN_COMPLETED -> System.out.println("status: completed");
      case RUN_INCOMPLETE -> System.out.println("status: incomplete");
      case RUN_FAILED ->
          System.out.println("status: failed: " + event.getRunFailed().getLastError().getMessage());
      case RUN_CANCELLED -> System.out.println("status: cancelled");
      case RUN_EXPIRED -> System.out.println("status: expired");
      default -> {}
    }
  }
}
