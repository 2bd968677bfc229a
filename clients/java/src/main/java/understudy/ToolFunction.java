package understudy;

import com.google.protobuf.Struct;

/**
 * Answers a call of a model. What it throws is told to the model; an {@link InterruptedException} ends the events instead.
 */
@FunctionalInterface
public interface ToolFunction {
  /**
   * Gives the output for the model.
   *
   * @param arguments as the model wrote them, decoded from JSON
   */
  String call(Struct arguments) throws Exception;
}
