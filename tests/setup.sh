#!/usr/bin/env bash
# Installs what the tests need besides Python packages of the development group. Quick when it is all there.
set -euo pipefail
cd "$(dirname "$0")/.."

have() { # Debian keeps servers where no PATH looks
  command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null || [ -x "/usr/sbin/$1" ]
}

need() { # need COMMAND DEBIAN-PACKAGE
  have "$1" && return
  echo "installing $2 (for $1)"
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq "$2" >/dev/null && have "$1" && return
  fi
  echo "The tests need '$1', which could not be installed here. On Debian: apt-get install $2" >&2
  exit 1
}

need cc gcc
need node nodejs
need npm npm
need redis-server redis-server
need redis-cli redis-tools
need initdb postgresql
need pgbouncer pgbouncer

tests/e2e/setup.sh
tests/store/cosmos/setup.sh
