package understudy;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.concurrent.TimeUnit;
import understudy.v1.AssistantsServiceGrpc;
import understudy.v1.AssistantsServiceGrpc.AssistantsServiceBlockingStub;
import understudy.v1.FilesServiceGrpc;
import understudy.v1.FilesServiceGrpc.FilesServiceBlockingStub;
import understudy.v1.KeysServiceGrpc;
import understudy.v1.KeysServiceGrpc.KeysServiceBlockingStub;
import understudy.v1.ModelsServiceGrpc;
import understudy.v1.ModelsServiceGrpc.ModelsServiceBlockingStub;
import understudy.v1.Run;
import understudy.v1.VectorStoresServiceGrpc;
import understudy.v1.VectorStoresServiceGrpc.VectorStoresServiceBlockingStub;

/**
 * A connection to an Understudy core: a channel that shows the key, and the stubs of every service on it.
 *
 * <p>It connects with the first call, and again whenever the connection is lost. Other kinds of stubs are made from
 * {@link #channel()}.
 */
public final class Client implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;

  private Client(ManagedChannel channel) {
    this.channel = channel;
  }

  /** As plain text, the key too: see {@link #connect(String, String, ChannelCredentials)}. */
  public static Client connect(String target, String apiKey) {
    return connect(target, apiKey, InsecureChannelCredentials.create());
  }

  /**
   * A client for the core at {@code target}: {@code host:port}, {@code unix:/path} or {@code dns:///name:port}.
   *
   * @param apiKey shown with every call that does not bring an authorization of its own; null for none
   * @param credentials such as {@code TlsChannelCredentials.create()}
   */
  public static Client connect(String target, String apiKey, ChannelCredentials credentials) {
    return connect(Grpc.newChannelBuilder(target, credentials), apiKey);
  }

  /** Over a channel with options of one's own; those of this class are added to them. */
  public static Client connect(ManagedChannelBuilder<?> builder, String apiKey) {
    // A core that went away without a word is noticed within half a minute.
    builder.keepAliveTime(20, TimeUnit.SECONDS).keepAliveTimeout(10, TimeUnit.SECONDS);
    // A page of long messages has no natural bound.
    builder.maxInboundMessageSize(Integer.MAX_VALUE);
    if (apiKey != null && !apiKey.isEmpty()) {
      builder.intercept(showing("Bearer " + apiKey));
    }
    return new Client(builder.build());
  }

  /** Assistants, threads, messages, runs and steps. */
  public AssistantsServiceBlockingStub assistants() {
    return AssistantsServiceGrpc.newBlockingStub(channel);
  }

  /** Files, their bytes, and uploads in parts. */
  public FilesServiceBlockingStub files() {
    return FilesServiceGrpc.newBlockingStub(channel);
  }

  /** Vector stores, their files and batches of them, and searches. */
  public VectorStoresServiceBlockingStub vectorStores() {
    return VectorStoresServiceGrpc.newBlockingStub(channel);
  }

  /** The models that there are. */
  public ModelsServiceBlockingStub models() {
    return ModelsServiceGrpc.newBlockingStub(channel);
  }

  /** The API keys of the project, for a key with the scope {@code admin}. */
  public KeysServiceBlockingStub keys() {
    return KeysServiceGrpc.newBlockingStub(channel);
  }

  /** Shows the key as well. */
  public Channel channel() {
    return channel;
  }

  /** Every event of {@code run}, from the beginning to its end, past every broken connection. */
  public Following follow(Run run) {
    return follow(run, FollowOptions.DEFAULT);
  }

  /** Every event of {@code run}, as the options say. Nothing is asked for before the first event is. */
  public Following follow(Run run, FollowOptions options) {
    return new Following(this, run, options);
  }

  /** Ends the connection, and every call on it. */
  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Connects now if it waits for doing so: gRPC's own pauses grow to minutes, beyond anybody's patience. */
  void reconnect() {
    channel.resetConnectBackoff();
  }

  boolean isClosed() {
    return channel.isShutdown();
  }

  private static ClientInterceptor showing(String key) {
    return new ClientInterceptor() {
      @Override
      public <A, B> ClientCall<A, B> interceptCall(
          MethodDescriptor<A, B> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<A, B>(next.newCall(method, options)) {
          @Override
          public void start(Listener<B> listener, Metadata headers) {
            if (!headers.containsKey(AUTHORIZATION)) {
              headers.put(AUTHORIZATION, key);
            }
            super.start(listener, headers);
          }
        };
      }
    };
  }
}
