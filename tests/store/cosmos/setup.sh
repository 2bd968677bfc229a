#!/bin/sh
# Installs the emulator of Cosmos DB that the tests use (node/node_modules). Does nothing when it is there. The tests
# call it too.
set -eu
cd "$(dirname "$0")/node"
installed=node_modules/.installed
if [ ! -e "$installed" ] || [ package.json -nt "$installed" ]; then
  npm install --no-package-lock --no-audit --no-fund --silent
  touch "$installed"
fi
