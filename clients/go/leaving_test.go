package understudy_test

import (
	"net"
	"testing"

	"google.golang.org/grpc"

	"understudy"
	understudyv1 "understudy/v1"
)

// silent has a stream of two events that does not end by itself.
type silent struct {
	understudyv1.UnimplementedAssistantsServiceServer
	left chan struct{}
}

func (core silent) StreamRunEvents(_ *understudyv1.StreamRunEventsRequest, stream grpc.ServerStreamingServer[understudyv1.RunEventBatch]) error {
	events := []*understudyv1.RunEvent{{Id: "1-1"}, {Id: "1-2"}}
	if err := stream.Send(&understudyv1.RunEventBatch{Events: events}); err != nil {
		return err
	}
	<-stream.Context().Done()
	close(core.left)
	return nil
}

func TestLeavingTheLoopEndsTheStream(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	core := silent{left: make(chan struct{})}
	server := grpc.NewServer()
	understudyv1.RegisterAssistantsServiceServer(server, core)
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	client := dialed(t, listener.Addr().String(), "")
	for event, err := range client.Follow(t.Context(), &understudyv1.Run{Id: "run_1"}, understudy.FollowOptions{}) {
		if err != nil || event.Id != "1-1" {
			t.Fatal(event, err)
		}
		break
	}
	<-core.left
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
