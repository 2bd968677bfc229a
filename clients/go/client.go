// Package understudy is a client for the Assistants API of an Understudy core, over gRPC: Connect to a core, Follow a
// run. The generated messages and stubs are in understudy/v1.
package understudy

import (
	"context"
	"crypto/tls"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	understudyv1 "understudy/v1"
)

// Version of this module, and of the contract that it was generated from.
const Version = "0.1.0"

// Client has the stubs of every service over one connection. Close it.
type Client struct {
	Connection *grpc.ClientConn
	// Assistants, threads, messages, runs and steps.
	Assistants understudyv1.AssistantsServiceClient
	// Files, their bytes, and uploads in parts.
	Files understudyv1.FilesServiceClient
	// Vector stores, their files and batches of them, and searches.
	VectorStores understudyv1.VectorStoresServiceClient
	// The models that there are.
	Models understudyv1.ModelsServiceClient
	// The API keys of the project, for a key with the scope admin.
	Keys understudyv1.KeysServiceClient
}

// Options of Connect. The zero value shows no key and uses no TLS.
type Options struct {
	// APIKey is shown with every call whose context does not bring an authorization of its own.
	APIKey string
	// TLS, if not nil, encrypts the connection; an empty configuration trusts whom this machine trusts. Without,
	// everything travels as plain text, the key too.
	TLS *tls.Config
	// Dial has further options; they are applied last.
	Dial []grpc.DialOption
}

// Connect makes a client for the core at target: "host:port", "unix:/path" or "dns:///name:port". It connects with the
// first call, and again whenever the connection is lost. It fails for a target that is not one.
func Connect(target string, options Options) (*Client, error) {
	transport := insecure.NewCredentials()
	if options.TLS != nil {
		transport = credentials.NewTLS(options.TLS)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		// A core that went away without a word is noticed within half a minute.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 20 * time.Second,
		}),
		// A page of long messages has no natural bound.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	}
	if options.APIKey != "" {
		key := "Bearer " + options.APIKey
		dial = append(dial,
			grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, call ...grpc.CallOption) error {
				return invoke(showing(ctx, key), method, request, reply, connection, call...)
			}),
			grpc.WithChainStreamInterceptor(func(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer, call ...grpc.CallOption) (grpc.ClientStream, error) {
				return open(showing(ctx, key), description, connection, method, call...)
			}),
		)
	}
	connection, err := grpc.NewClient(target, append(dial, options.Dial...)...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Connection:   connection,
		Assistants:   understudyv1.NewAssistantsServiceClient(connection),
		Files:        understudyv1.NewFilesServiceClient(connection),
		VectorStores: understudyv1.NewVectorStoresServiceClient(connection),
		Models:       understudyv1.NewModelsServiceClient(connection),
		Keys:         understudyv1.NewKeysServiceClient(connection),
	}, nil
}

// Close ends the connection, and every call on it.
func (client *Client) Close() error {
	return client.Connection.Close()
}

// An interceptor rather than credentials of the call: those refuse to travel without TLS.
func showing(ctx context.Context, key string) context.Context {
	if given, ok := metadata.FromOutgoingContext(ctx); ok && len(given.Get("authorization")) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", key)
}
