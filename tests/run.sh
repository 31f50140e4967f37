#!/usr/bin/env bash
# Sets up and runs every test: bash tests/run.sh [pytest options]
set -euo pipefail
cd "$(dirname "$0")/.."
arguments=("$@")
set --
source ./compile.sh --tests
"$PYTHON" -m pytest -q --durations=10 tests ${arguments[@]+"${arguments[@]}"}
