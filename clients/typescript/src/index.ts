// Understudy over gRPC: `connect` to a core, `follow` a run. The generated messages are in `understudy-client/v1/*`.
export { Code, ConnectError } from "@connectrpc/connect";
export { connect, type Client, type ConnectOptions } from "./client.js";
export { follow, type FollowOptions } from "./follow.js";
export type { CallContext, ToolFunction } from "./answering.js";
