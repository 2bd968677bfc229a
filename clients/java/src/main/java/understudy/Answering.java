package understudy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
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

  /** One after the other. */
  static List<ToolOutput> answers(List<RequiredToolCall> calls, Map<String, ToolFunction> functions) {
    return calls.stream().map(call -> output(call, functions)).toList();
  }

  private static ToolOutput output(RequiredToolCall call, Map<String, ToolFunction> functions) {
    ToolFunction function = functions.get(call.getFunction().getName());
    String text = answer(function, call.getFunction().getArguments());
    return ToolOutput.newBuilder().setToolCallId(call.getId()).setOutput(text).build();
  }

  /** Whatever goes wrong is told to the model as {@code {"error": "..."}}. */
  static String answer(ToolFunction function, String arguments) {
    try {
      Struct.Builder given = Struct.newBuilder();
      JsonFormat.parser().merge(arguments.isEmpty() ? "{}" : arguments, given);
      String found = function.call(given.build());
      return found == null ? "" : found;
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
