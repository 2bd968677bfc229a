package understudy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import understudy.v1.RequiredToolCall;
import understudy.v1.ToolOutput;

/** Calling functions for a model. */
final class Answering {
  private Answering() {}

  static boolean isAnswerable(List<RequiredToolCall> calls, Map<String, ToolFunction> functions) {
    return calls.stream().allMatch(call -> functions.containsKey(call.getFunction().getName()));
  }

  /**
   * One after the other.
   *
   * @throws InterruptedException when the thread was interrupted meanwhile, whatever the functions made of it
   */
  static List<ToolOutput> answers(List<RequiredToolCall> calls, Map<String, ToolFunction> functions)
      throws InterruptedException {
    List<ToolOutput> outputs = new ArrayList<>();
    for (RequiredToolCall call : calls) {
      ToolFunction function = functions.get(call.getFunction().getName());
      String text = answer(function, call.getFunction().getArguments());
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedException();
      }
      outputs.add(ToolOutput.newBuilder().setToolCallId(call.getId()).setOutput(text).build());
    }
    return outputs;
  }

  /** Whatever goes wrong is told to the model as {@code {"error": "..."}}. */
  static String answer(ToolFunction function, String arguments) throws InterruptedException {
    try {
      Struct.Builder given = Struct.newBuilder();
      JsonFormat.parser().merge(arguments.isEmpty() ? "{}" : arguments, given);
      String found = function.call(given.build());
      return found == null ? "" : found;
    } catch (InterruptedException error) {
      throw error; // whoever interrupts the thread wants its end
    } catch (Exception error) {
      return told(error);
    }
  }

  private static String told(Exception error) {
    Value text = Value.newBuilder().setStringValue(error.toString()).build();
    try {
      return JsonFormat.printer()
          .omittingInsignificantWhitespace()
          .print(Struct.newBuilder().putFields("error", text));
    } catch (java.io.IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
