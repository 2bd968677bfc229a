// The npm package `@vercel/cosmosdb-server` with its gaps closed: its data model, its SQL and its plain operations,
// and ours of what it lacks or gets wrong:
//   - a missing item is 404;
//   - a transactional batch happens whole or not at all (so atomicity is this file's promise, not Cosmos DB's);
//   - a query stays within the partition of its header, or within its physical partition;
//   - there are two physical partitions, so an ordered query across partitions needs its query plan and a merge;
//   - the account says how consistent it is: --consistency NAME.
// Prints the port that it listens on (127.0.0.1), and ends when its standard input does.

import http from "node:http";
import { createHash, randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Account = require("@vercel/cosmosdb-server/lib/account").default;
const route = require("@vercel/cosmosdb-server/lib/routes").default;
const parseQuery = require("@zeit/cosmosdb-query").default;

const MOST_OPERATIONS = 100;
const LARGEST = 2 * 1024 * 1024;
const RANGES = [
  { id: "0", minInclusive: "", maxExclusive: "80", parents: [] },
  { id: "1", minInclusive: "80", maxExclusive: "FF", parents: [] },
];

const consistency = process.argv[process.argv.indexOf("--consistency") + 1] ?? "Strong";
let account;

class Failure extends Error {
  constructor(status, message, substatus) {
    super(message);
    this.status = status;
    this.substatus = substatus;
  }
}

const rangeOf = (pk) => String(createHash("md5").update(pk).digest()[0] % RANGES.length);

function collectionOf(path) {
  const found = /^\/dbs\/([^/]+)\/colls\/([^/]+)/.exec(path);
  const collection = found && account.database(found[1]).collection(found[2]);
  if (!collection?.read()) throw new Failure(404, "no such container", 1003);
  return collection;
}

function partitionOf(req) {
  const header = req.headers["x-ms-documentdb-partitionkey"];
  return header === undefined ? undefined : JSON.parse(header)[0];
}

// --- items ---------------------------------------------------------------------------------------------------------

function itemOf(collection, id, pk) {
  return collection.document(id, pk).read();
}

const OPERATIONS = {
  Create({ documents }, { resourceBody }) {
    try {
      return [201, documents.create(resourceBody)];
    } catch (error) {
      if (error.conflict) return [409];
      throw error;
    }
  },
  Upsert({ documents }, { resourceBody }) {
    return [200, documents.upsert(resourceBody)];
  },
  Replace(collection, { id, resourceBody, ifMatch }, pk) {
    const before = itemOf(collection, id, pk);
    if (!before) return [404];
    if (ifMatch && ifMatch !== before._etag) return [412];
    return [200, collection.documents.replace(resourceBody, before)];
  },
  Patch(collection, { id, resourceBody, ifMatch }, pk) {
    const before = itemOf(collection, id, pk);
    if (!before) return [404];
    if (ifMatch && ifMatch !== before._etag) return [412];
    const after = { ...before };
    for (const { op, path, value } of resourceBody.operations) {
      if (op !== "set" || !/^\/\w+$/.test(path)) return [400];
      after[path.slice(1)] = value;
    }
    return [200, collection.documents.replace(after, before)];
  },
  Delete(collection, { id, ifMatch }, pk) {
    const before = itemOf(collection, id, pk);
    if (!before) return [404];
    if (ifMatch && ifMatch !== before._etag) return [412];
    collection.documents.delete(id, pk);
    return [204];
  },
};

function batch(collection, operations, pk) {
  if (operations.length > MOST_OPERATIONS) throw new Failure(400, "over 100 operations in a batch");
  const { documents } = collection;
  const before = [new Map(documents._data), new Map(documents._index)];
  const results = [];
  let failed = -1;
  for (const [number, operation] of operations.entries()) {
    if (operation.resourceBody?.pk !== undefined && operation.resourceBody.pk !== pk)
      throw new Failure(400, "an item of another partition");
    const [status, item] = OPERATIONS[operation.operationType](collection, operation, pk);
    results.push({ statusCode: status, requestCharge: 1, eTag: item?._etag, resourceBody: item });
    if (status >= 400) {
      failed = number;
      break;
    }
  }
  if (failed < 0) return [200, results];
  [documents._data, documents._index] = before;
  return [207, operations.map((_, n) => ({ statusCode: n === failed ? results[n].statusCode : 424 }))];
}

// --- queries -------------------------------------------------------------------------------------------------------

function plan({ query }) {
  const found = /^SELECT (.+) FROM c WHERE (.+) ORDER BY (\S+) (ASC|DESC)$/.exec(query);
  if (!found) throw new Failure(400, `no plan for ${query}`);
  const [, select, where, by, direction] = found;
  const fields = select.split(", ").map((field) => `${field.replace(/.*\["(\w+)"\]$/, '"$1"')}: ${field}`);
  const payload = select === "*" ? "c" : `{${fields.join(", ")}}`;
  return {
    partitionedQueryExecutionInfoVersion: 2,
    queryInfo: {
      distinctType: "None",
      orderBy: [direction === "ASC" ? "Ascending" : "Descending"],
      orderByExpressions: [by],
      rewrittenQuery:
        `SELECT c._rid, [{"item": ${by}}] AS orderByItems, ${payload} AS payload FROM c ` +
        `WHERE (${where}) AND ({documentdb-formattableorderbyquery-filter}) ORDER BY ${by} ${direction}`,
    },
    queryRanges: [{ min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false }],
  };
}

function query(req, res, collection, body) {
  if (req.headers["x-ms-cosmos-is-query-plan-request"]) return plan(body);
  const pk = partitionOf(req);
  const range = req.headers["x-ms-documentdb-partitionkeyrangeid"];
  if (pk === undefined && range === undefined) throw new Failure(400, "a query across partitions", 1004);
  const all = [...collection.documents._data.values()].map((item) => item.read());
  const inside = all.filter((item) => (pk === undefined ? rangeOf(item.pk) === range : item.pk === pk));
  const token = req.headers["x-ms-continuation"];
  const { result, continuation } = parseQuery(body.query).exec(inside, {
    parameters: body.parameters,
    maxItemCount: Number(req.headers["x-ms-max-item-count"]) || null,
    continuation: token ? JSON.parse(token) : null,
    compositeIndexes: collection.read().indexingPolicy?.compositeIndexes ?? [],
  });
  if (continuation) res.setHeader("x-ms-continuation", JSON.stringify(continuation));
  return { Documents: result, _count: result.length };
}

// --- requests ------------------------------------------------------------------------------------------------------

async function textOf(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** An answer of our own, or undefined: the package's will do. */
async function answer(req, res, path) {
  if (req.headers["x-ms-cosmos-is-batch-request"]) {
    const text = await textOf(req);
    if (text.length > LARGEST) throw new Failure(413, "over 2 MB");
    const [status, results] = batch(collectionOf(path), JSON.parse(text), partitionOf(req));
    res.statusCode = status;
    return results;
  }
  const asks = req.headers["content-type"] === "application/query+json" || req.headers["x-ms-cosmos-is-query-plan-request"];
  if (asks && path.endsWith("/docs"))
    return query(req, res, collectionOf(path), JSON.parse(await textOf(req)));
  const item = /\/docs\/([^/]+)\/?$/.exec(path);
  if (req.method === "GET" && item) {
    const found = itemOf(collectionOf(path), decodeURIComponent(item[1]), partitionOf(req));
    if (!found) throw new Failure(404, "no such item");
    res.setHeader("etag", found._etag);
    return found;
  }
  if (path.endsWith("/pkranges")) {
    collectionOf(path);
    if (req.headers["if-none-match"]) res.statusCode = 304;
    res.setHeader("etag", "1");
    return { PartitionKeyRanges: RANGES };
  }
  const found = route(req);
  if (!found) throw new Failure(400, "no route");
  const [params, handler] = found;
  return handler(account, req, res, params);
}

async function serve(req, res) {
  let body;
  const path = new URL(req.url.replace(/^\/+/, "/"), "http://localhost").pathname.replace(/(.)\/$/, "$1");
  res.setHeader("content-type", "application/json");
  res.setHeader("x-ms-activity-id", randomUUID());
  res.setHeader("x-ms-request-charge", "1");
  try {
    body = await answer(req, res, path);
    if (res.statusCode >= 400 && !body.message) body.message = "";
  } catch (error) {
    if (!(error instanceof Failure)) console.error(req.method, req.url, error);
    res.statusCode = error.status ?? 500;
    if (error.substatus) res.setHeader("x-ms-substatus", String(error.substatus));
    body = { message: error.message };
  }
  const empty = res.statusCode === 204 || res.statusCode === 304;
  res.end(empty ? undefined : JSON.stringify(body));
}

const server = http.createServer(serve).listen(0, "127.0.0.1", () => {
  const { address, port } = server.address();
  account = new Account(address, port);
  const here = [{ name: "Here", databaseAccountEndpoint: `http://${address}:${port}/` }];
  Object.assign(account._data, {
    writableLocations: here,
    readableLocations: here,
    userConsistencyPolicy: { defaultConsistencyLevel: consistency },
  });
  console.log(port);
});
process.stdin.resume().on("end", () => process.exit());
