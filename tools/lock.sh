#!/usr/bin/env bash
# Pins every dependency with hashes and without naming a package host; the three files agree with each other.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host)
"${compile[@]}" --extra local --extra dev -o requirements/dev.lock pyproject.toml
"${compile[@]}" --extra local -c requirements/dev.lock -o requirements/local.lock pyproject.toml
"${compile[@]}" -c requirements/dev.lock -o requirements/runtime.lock pyproject.toml
if grep -nE '://' requirements/*.lock; then echo "a lock file names a host" >&2; exit 1; fi
