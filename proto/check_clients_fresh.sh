#!/usr/bin/env bash
# Fails when the committed Go and TypeScript code is not what the contract generates. See generate_clients.sh for what
# it needs; `make check` has none of that, so `make test-clients` runs it.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$repo/proto/generate_clients.sh" "$fresh"
stale=0
for folder in clients/go/v1 clients/go/wire clients/typescript/src/gen; do
  diff --recursive --brief "$fresh/$folder" "$repo/$folder" || stale=1
done
if ((stale)); then
  echo 'Run `make proto-clients` and commit the result.'
  exit 1
fi
echo 'generated code of the clients is fresh'
