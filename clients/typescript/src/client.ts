// A connection to an Understudy core: a transport that shows the key, and the clients of every service on it.
import { Code, ConnectError, createClient, type Client as ServiceClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { connect as connectSocket } from "node:net";
import type { SecureClientSessionOptions } from "node:http2";
import { AssistantsService } from "./gen/understudy/v1/assistants_service_pb.js";
import { FilesService } from "./gen/understudy/v1/files_service_pb.js";
import { KeysService } from "./gen/understudy/v1/keys_service_pb.js";
import { ModelsService } from "./gen/understudy/v1/models_service_pb.js";
import { VectorStoresService } from "./gen/understudy/v1/vector_stores_service_pb.js";

export interface ConnectOptions {
  /** Shown with every call that does not bring an `authorization` header of its own. */
  apiKey?: string | undefined;
  /**
   * Whether to use TLS: `true` for a server whose certificate Node trusts, or options of `node:tls` such as `ca`,
   * `cert` and `key`. Without, everything travels as plain text, the key too.
   */
  tls?: boolean | SecureClientSessionOptions;
  /** Run around every call, outside of the one that shows the key. */
  interceptors?: Interceptor[];
}

export interface Client {
  /** Assistants, threads, messages, runs and steps. */
  assistants: ServiceClient<typeof AssistantsService>;
  /** Files, their bytes, and uploads in parts. */
  files: ServiceClient<typeof FilesService>;
  /** Vector stores, their files and batches of them, and searches. */
  vectorStores: ServiceClient<typeof VectorStoresService>;
  /** The models that there are. */
  models: ServiceClient<typeof ModelsService>;
  /** The API keys of the project, for a key with the scope `admin`. */
  keys: ServiceClient<typeof KeysService>;
  transport: Transport;
  /** Whether `close` has been called. */
  readonly closed: boolean;
  /** Ends the connection, and every call on it. Later calls reject with `Code.Canceled`. */
  close(): void;
}

/**
 * A client for the core at `target`: `host:port` or `unix:/path`.
 *
 * Connects with the first call, and again whenever the connection is lost. Calls reject with `ConnectError`.
 */
export function connect(target: string, options: ConnectOptions = {}): Client {
  const { apiKey, tls = false, interceptors = [] } = options;
  const path = target.startsWith("unix:") ? target.slice("unix:".length).replace(/^\/\/(?=\/)/, "") : undefined;
  const baseUrl = `${tls ? "https" : "http"}://${path === undefined ? target : "localhost"}`;
  const sessions = new Http2SessionManager(
    baseUrl,
    // A core that went away without a word is noticed within half a minute.
    { pingIntervalMs: 20_000, pingTimeoutMs: 10_000 },
    {
      ...(typeof tls === "object" ? tls : {}),
      ...(path === undefined ? {} : { createConnection: () => connectSocket(path) }),
    },
  );
  let closed = false;
  const refusing: Interceptor = (next) => (request) => {
    if (closed) throw new ConnectError("the client is closed", Code.Canceled);
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: sessions,
    interceptors: [...interceptors, ...(apiKey === undefined ? [] : [showing(apiKey)]), refusing],
  });
  return {
    assistants: createClient(AssistantsService, transport),
    files: createClient(FilesService, transport),
    vectorStores: createClient(VectorStoresService, transport),
    models: createClient(ModelsService, transport),
    keys: createClient(KeysService, transport),
    transport,
    get closed() {
      return closed;
    },
    close: () => {
      closed = true;
      sessions.abort();
    },
  };
}

function showing(apiKey: string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has("authorization")) request.header.set("authorization", `Bearer ${apiKey}`);
    return next(request);
  };
}
