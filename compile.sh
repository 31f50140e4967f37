#!/usr/bin/env bash
# Sets up a clone: picks a Python, installs what is missing, compiles the operators.
# Run it again at any time; what is done is not done twice.
#
#   bash compile.sh            set up
#   bash compile.sh --tests    also install what the tests need
#   bash compile.sh --force    compile everything again
#
# FORCE_CUDA=1 builds the CUDA kernels where no GPU is visible; TORCH_CUDA_ARCH_LIST,
# CXX and MAX_JOBS are respected. "pip" reads its own settings as always. For "import mmdet"
# from other folders: pip install -e . ("pip show mmdet" says which clone that is).
set -euo pipefail
cd "$(dirname "$0")"

requirements=(requirements.txt) force=()
for option in "$@"; do
  case $option in
    --tests) requirements+=(tests/requirements.txt) ;;
    --force) force=(--force) ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit ;;
    *) echo "compile.sh: unknown option $option; there are --tests and --force" >&2; exit 2 ;;
  esac
done

PYTHON=$(bash tools/setup/python.sh)
echo "==> Python: $PYTHON ($("$PYTHON" -V 2>&1))"
"$PYTHON" tools/setup/install.py "${requirements[@]}"
"$PYTHON" setup.py -q build_ext --inplace ${force[@]+"${force[@]}"} ||
  echo '==> not all operators compiled (see above); everything works, more slowly'
