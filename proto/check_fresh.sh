#!/usr/bin/env bash
# Fails when the committed Python code is not what the contract generates.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$repo/proto/generate.sh" "$fresh"
stale=0
while IFS= read -r file; do
  if ! cmp -s "$fresh/$file" "$repo/$file"; then
    echo "not fresh: $file"
    stale=1
  fi
done < <({ cd "$fresh" && find . -name '*_pb2*' && cd "$repo" && find ./clients/python ./server -name '*_pb2*' -not -path '*/__pycache__/*'; } | sort -u)
if ((stale)); then
  echo 'Run `make proto` and commit the result.'
  exit 1
fi
echo 'generated code is fresh'
