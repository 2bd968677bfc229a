package understudy;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;

/**
 * How to follow a run.
 *
 * @param functions answer the calls for which the run waits, by name
 * @param after the id of the last event that was seen; empty for following from the beginning
 * @param patience how long to try without success before the error of a broken connection is thrown
 */
public record FollowOptions(Map<String, ToolFunction> functions, String after, Duration patience) {
  /** From the beginning, without functions, with patience for a minute. */
  public static final FollowOptions DEFAULT = new FollowOptions(Map.of(), "", Duration.ofMinutes(1));

  public FollowOptions {
    functions = Map.copyOf(functions);
    Objects.requireNonNull(after, "after");
    Objects.requireNonNull(patience, "patience");
  }

  /** The same with these functions. */
  public FollowOptions withFunctions(Map<String, ToolFunction> functions) {
    return new FollowOptions(functions, after, patience);
  }

  /** The same after this event. */
  public FollowOptions withAfter(String after) {
    return new FollowOptions(functions, after, patience);
  }

  /** The same with this patience. */
  public FollowOptions withPatience(Duration patience) {
    return new FollowOptions(functions, after, patience);
  }
}
