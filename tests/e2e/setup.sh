#!/bin/sh
# Installs the SDKs that the end-to-end tests use besides the one in .venv: the last 1.x of Python's, in a virtual
# environment of its own (.venv-openai1), and Node's (tests/e2e/node/node_modules). Does nothing when they are there.
# The tests call it too.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
openai1=1.109.1

if [ ! -e ".venv-openai1/installed-$openai1" ]; then
  "$python" -m venv --clear .venv-openai1
  .venv-openai1/bin/pip install --quiet --disable-pip-version-check "openai==$openai1"
  touch ".venv-openai1/installed-$openai1"
fi

installed=tests/e2e/node/node_modules/.installed
if [ ! -e "$installed" ] || [ tests/e2e/node/package.json -nt "$installed" ]; then
  npm install --prefix tests/e2e/node --no-package-lock --no-audit --no-fund --silent
  touch "$installed"
fi
