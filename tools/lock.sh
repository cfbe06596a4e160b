#!/usr/bin/env bash
# Pins every dependency with hashes and without naming a package host; the three files agree with each other.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
compile=(uv pip compile --quiet --universal --generate-hashes --no-header pyproject.toml)
"${compile[@]}" --extra local --extra dev -o requirements/dev.lock
"${compile[@]}" --extra local -c requirements/dev.lock -o requirements/local.lock
"${compile[@]}" -c requirements/dev.lock -o requirements/runtime.lock
if grep -n '://' requirements/*.lock; then echo "a lock file names a host" >&2; exit 1; fi
