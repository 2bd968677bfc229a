#!/usr/bin/env bash
# Generates the Python code from the contract. Usage: proto/generate.sh [ROOT]
#   ROOT  where clients/python and server are written; the repository by default. `make check-proto` gives
#         another one and compares.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-$repo}
venv=$repo/.venv-proto
if ! cmp -s "$repo/proto/requirements.txt" "$venv/installed.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$repo/proto/requirements.txt"
  cp "$repo/proto/requirements.txt" "$venv/installed.txt"
fi

cd "$repo/proto"
protoc() { # protoc OUT FILE...
  local out=$1
  shift
  mkdir -p "$out"
  PATH=$venv/bin:$PATH python -m grpc_tools.protoc -I. -Ithird_party \
    --python_out="$out" --mypy_out=quiet:"$out" \
    --grpc_python_out="$out" --mypy_grpc_out=quiet:"$out" "$@"
}
protoc "$root/clients/python" $(find understudy -name '*.proto' | sort)
protoc "$root/server" $(find understudy_server -name '*.proto' | sort)
# Files without a service yield empty gRPC modules; they would only be noise.
for file in $(find "$root/clients/python/understudy" "$root/server/understudy_server" -name '*_pb2_grpc.py'); do
  if ! grep -q '^class .*Stub' "$file"; then rm -f "$file" "${file}i"; fi
done
for package in understudy/wire understudy/wire/v1 understudy/v1; do touch "$root/clients/python/$package/__init__.py"; done
touch "$root/server/understudy_server/store/v1/__init__.py"
