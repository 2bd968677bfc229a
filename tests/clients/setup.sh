#!/usr/bin/env bash
# Installs what the clients of other languages need, and builds them with their examples and tests. What is there is
# not installed again. Caches are the toolchains' own, outside of this folder. Usage: tests/clients/setup.sh [packages]
set -euo pipefail
cd "$(dirname "$0")/../.."

# Nothing but what go.sum names is fetched, and no other Go. A build does not ask git, which may refuse.
export GOFLAGS='-mod=readonly -buildvcs=false' GOTOOLCHAIN=local

fail() {
  echo "make test-clients: $1" >&2
  exit 1
}

need() { # need COMMAND DEBIAN-PACKAGE...
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  echo "installing $* (for $command)"
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq "$@" >/dev/null && command -v "$command" >/dev/null && return
  fi
  fail "'$command' is needed and could not be installed here. On Debian: apt-get install $*"
}

at_least() { # at_least NAME VERSION FOUND
  [ "$(printf '%s\n' "$2" "$3" | sort -V | head -n 1)" = "$2" ] || fail "$1 $2 or newer is needed; this is $3"
}

timed() { # timed WHAT COMMAND...
  local what=$1 begun=$SECONDS
  shift
  "$@"
  echo "$what: $((SECONDS - begun)) s"
}

packages() { # of clients/typescript, exactly as its lock file has them
  local folder=clients/typescript
  if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
    npm ci --prefix "$folder" --no-audit --no-fund --silent
    cp "$folder/package-lock.json" "$folder/node_modules/.installed"
  fi
}

typescript() { (cd clients/typescript && node_modules/.bin/tsc); }

go_client() { (cd clients/go && go vet ./... && go build -o .bin/ask ./examples/ask && go test -c -o /dev/null .); }

go_sdk() { (cd tests/clients/go-sdk && go test -c -o /dev/null .); }


need go golang-go
need node nodejs
need npm npm
at_least Go 1.25 "$(go env GOVERSION | sed s/^go//)"
at_least Node.js 20 "$(node --version | sed s/^v//)"

timed 'packages for TypeScript' packages
if [ "${1:-}" = packages ]; then exit; fi # enough for generating code
need javac openjdk-17-jdk-headless
need mvn maven
at_least Java 17 "$(javac -version 2>&1 | sed 's/^javac //')"
timed 'TypeScript client' typescript
timed 'Go client' go_client
timed 'Go SDK of OpenAI' go_sdk
timed 'Java client' mvn --quiet --batch-mode --file clients/java process-test-classes
timed 'Java SDK of OpenAI' mvn --quiet --batch-mode --file tests/clients/java-sdk test-compile
