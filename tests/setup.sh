#!/usr/bin/env bash
# Installs what the tests need besides Python packages of the development group. Quick when it is all there.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # need COMMAND DEBIAN-PACKAGE
  command -v "$1" >/dev/null && return
  echo "installing $2 (for $1)"
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq "$2" >/dev/null && command -v "$1" >/dev/null && return
  fi
  echo "The tests need '$1', which could not be installed here. On Debian: apt-get install $2" >&2
  exit 1
}

need cc gcc
need node nodejs
need npm npm
need redis-server redis-server
need redis-cli redis-tools

tests/e2e/setup.sh
