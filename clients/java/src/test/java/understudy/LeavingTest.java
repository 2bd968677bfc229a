package understudy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import understudy.v1.AssistantsServiceGrpc;
import understudy.v1.Run;
import understudy.v1.RunEvent;
import understudy.v1.RunEventBatch;
import understudy.v1.StreamRunEventsRequest;

/** Leaving a stream that does not end by itself. */
class LeavingTest {
  /** Its stream has two events. */
  private static final class Silent extends AssistantsServiceGrpc.AssistantsServiceImplBase {
    final CountDownLatch left = new CountDownLatch(1);

    @Override
    public void streamRunEvents(
        StreamRunEventsRequest request, StreamObserver<RunEventBatch> observer) {
      ((ServerCallStreamObserver<RunEventBatch>) observer).setOnCancelHandler(left::countDown);
      RunEventBatch.Builder events = RunEventBatch.newBuilder();
      events.addEvents(RunEvent.newBuilder().setId("1-1"));
      events.addEvents(RunEvent.newBuilder().setId("1-2"));
      observer.onNext(events.build());
    }
  }

  private final Silent core = new Silent();
  private Server server;
  private Client client;

  @BeforeEach
  void start() throws Exception {
    server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress("127.0.0.1", 0), InsecureServerCredentials.create())
            .addService(core)
            .build()
            .start();
    client = Client.connect("127.0.0.1:" + server.getPort(), null);
  }

  @AfterEach
  void stop() throws InterruptedException {
    client.close();
    server.shutdownNow().awaitTermination();
  }

  @Test
  void closingEndsTheStream() throws InterruptedException {
    try (Following events = client.follow(Run.newBuilder().setId("run_1").build())) {
      assertEquals("1-1", events.next().getId());
    }
    core.left.await();
  }

  @Test
  void anotherThreadMayClose() throws InterruptedException {
    Following events = client.follow(Run.newBuilder().setId("run_1").build());
    events.next();
    events.next();
    Thread closing = new Thread(events::close);
    closing.start();
    try {
      // Either it was closed already, or it is while this waits.
      assertFalse(events.hasNext());
    } catch (StatusRuntimeException cancelled) {
      assertEquals(Status.Code.CANCELLED, cancelled.getStatus().getCode());
    }
    closing.join();
    core.left.await();
    assertFalse(events.hasNext());
  }

  @Test
  void anInterruptEndsTheStream() throws InterruptedException {
    Following events = client.follow(Run.newBuilder().setId("run_1").build());
    events.next();
    events.next();
    Thread.currentThread().interrupt();
    StatusRuntimeException thrown =
        assertThrows(StatusRuntimeException.class, () -> events.hasNext());
    assertEquals(Status.Code.CANCELLED, thrown.getStatus().getCode());
    assertTrue(Thread.interrupted());
    core.left.await();
  }
}
