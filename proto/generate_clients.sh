#!/usr/bin/env bash
# Generates the Go and TypeScript code of clients/ from the contract. Usage: proto/generate_clients.sh [ROOT]
#   ROOT  where clients/go and clients/typescript are written; the repository by default. check_clients_fresh.sh
#         gives another one and compares.
# Needs what `make test-clients` installs: buf in .venv, Go, and Node with the packages of clients/typescript. Java's
# code is generated in its build.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-$repo}
es=$repo/clients/typescript/node_modules/.bin/protoc-gen-es
bin=$repo/clients/go/.bin

# The generator of messages is the one of the library that clients/go uses; the other is released on its own.
export GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false'
grpc=1.5.1
if [ ! -e "$bin/installed-$grpc" ] || [ "$repo/clients/go/go.mod" -nt "$bin/installed-$grpc" ]; then
  GOBIN=$bin go -C "$repo/clients/go" install google.golang.org/protobuf/cmd/protoc-gen-go
  GOBIN=$bin go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v$grpc"
  touch "$bin/installed-$grpc"
fi

# What only Go wants to know stays out of the contract: its packages are named here.
cd "$repo"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
.venv/bin/buf generate proto --output "$made" --exclude-path proto/third_party/google --exclude-path proto/understudy_server --template "$(
  cat <<EOF
{
  "version": "v2",
  "managed": {
    "enabled": true,
    "disable": [{"path": "google"}],
    "override": [
      {"file_option": "go_package", "path": "understudy/v1", "value": "understudy/v1;understudyv1"},
      {"file_option": "go_package", "path": "understudy/wire/v1", "value": "understudy/wire/v1;wirev1"}
    ]
  },
  "plugins": [
    {"local": "$bin/protoc-gen-go", "out": "clients/go", "opt": ["module=understudy"]},
    {"local": "$bin/protoc-gen-go-grpc", "out": "clients/go", "opt": ["module=understudy"]},
    {"local": "$es", "out": "clients/typescript/src/gen", "opt": ["target=ts", "import_extension=js"],
     "include_imports": true}
  ]
}
EOF
)"
for folder in clients/go/v1 clients/go/wire clients/typescript/src/gen; do
  rm -rf "${root:?}/$folder"
  mkdir -p "$(dirname "$root/$folder")"
  cp -r "$made/$folder" "$root/$folder"
done
