#!/usr/bin/env bash
# Sets up and runs every test: bash tests/run.sh [pytest options]
set -euo pipefail
cd "$(dirname "$0")/.."
bash compile.sh --tests
"$(bash tools/setup/python.sh)" -m pytest -q --durations=10 tests "$@"
