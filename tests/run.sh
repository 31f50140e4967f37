#!/usr/bin/env bash
# Sets up and runs the tests: bash tests/run.sh [pytest options]
# Those that take long and rarely fail alone are left out: bash tests/run.sh -m slow
set -euo pipefail
cd "$(dirname "$0")/.."
bash compile.sh --tests
# Two processes of one thread each: threads of both on the same cores would wait for each other.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
"$(bash tools/setup/python.sh)" -m pytest -q -n 2 --dist worksteal --durations=10 -m 'not slow' tests "$@"
