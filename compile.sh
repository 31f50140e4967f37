#!/usr/bin/env bash
# Sets up a clone: chooses a Python, installs what is missing, compiles the operators.
# Run it again at any time; what is done is not done twice.
#
#   bash compile.sh            set up
#   bash compile.sh --tests    also install what the tests need
#   bash compile.sh --force    compile everything again
#   source compile.sh          the same, and leaves $PYTHON set to the interpreter used
#
# FORCE_CUDA=1 builds the CUDA kernels where no GPU is visible; TORCH_CUDA_ARCH_LIST,
# CXX and MAX_JOBS are respected. "pip" reads its own settings as always.

_mmdet_say() { printf '==> %s\n' "$*"; }
_mmdet_fail() { printf 'compile.sh: %s\n' "$*" >&2; return 1; }

_mmdet_accepts_pip() {
  "$1" - <<'EOF' 2>/dev/null
import os, sys, sysconfig
managed = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')
allowed = os.environ.get('PIP_BREAK_SYSTEM_PACKAGES') == '1'
import pip
sys.exit(os.path.exists(managed) and not allowed)
EOF
}

_mmdet_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    _mmdet_fail "Python 3.10 or newer is needed, $1 is $("$1" -V 2>&1); install one or activate an environment that has it"
}

_mmdet_make_venv() {
  [ ! -e .venv ] || { _mmdet_fail ".venv has no working Python: remove it and run this again"; return 1; }
  _mmdet_say "$1 refuses pip install: making .venv"
  "$1" -m venv .venv >/dev/null 2>&1 && return
  # Debian's python3 without python3-venv lacks only the pip to put inside.
  rm -rf .venv
  "$1" -m venv --without-pip .venv >/dev/null 2>&1 &&
    "$1" -m pip --python .venv/bin/python install -q pip >/dev/null 2>&1 && return
  rm -rf .venv
  _mmdet_apt_venv && "$1" -m venv .venv && return
  _mmdet_fail "cannot make .venv: install it with \"apt install python3-venv\" (or activate a virtual or conda environment) and run this again"
}

# Debian and Ubuntu keep venv and pip in packages of their own; root (a container) may add one.
_mmdet_apt_venv() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  _mmdet_say 'installing python3-venv with apt-get'
  { apt-get install -y python3-venv || { apt-get update && apt-get install -y python3-venv; }; } >/dev/null
}

_mmdet_pick_python() {
  local system
  if [ -n "${VIRTUAL_ENV:-}" ] && [ -x "$VIRTUAL_ENV/bin/python" ]; then
    PYTHON=$VIRTUAL_ENV/bin/python
  elif [ -n "${CONDA_PREFIX:-}" ] && [ -x "$CONDA_PREFIX/bin/python" ]; then
    PYTHON=$CONDA_PREFIX/bin/python
  elif [ -x .venv/bin/python ]; then
    PYTHON=$PWD/.venv/bin/python
  else
    system=$(command -v python3) ||
      { _mmdet_fail 'no python3 found: install Python 3.10 or newer'; return 1; }
    _mmdet_new_enough "$system" || return 1
    if _mmdet_accepts_pip "$system"; then
      PYTHON=$system
    else
      _mmdet_make_venv "$system" || return 1
      PYTHON=$PWD/.venv/bin/python
    fi
  fi
  _mmdet_new_enough "$PYTHON" || return 1
  "$PYTHON" -m pip --version >/dev/null 2>&1 || "$PYTHON" -m ensurepip >/dev/null 2>&1 ||
    { _mmdet_fail "$PYTHON has no pip: install it (apt install python3-pip) and run this again"; return 1; }
}

# Prints the requirements of the files that are not met.
_mmdet_missing() {
  "$PYTHON" - "$@" <<'EOF'
import re, sys
from importlib import metadata

TWINS = {'opencv-python': ['opencv-python-headless', 'opencv-contrib-python'], 'mmcv-lite': ['mmcv']}

def version(name):
    for twin in [name, *TWINS.get(name, [])]:
        try:
            return tuple(map(int, re.findall(r'\d+', metadata.version(twin).split('+')[0])[:3]))
        except metadata.PackageNotFoundError:
            pass

for path in sys.argv[1:]:
    for line in open(path):
        match = re.match(r'([\w-]+)(?:>=([\d.]+))?', line)
        if match:
            found = version(match[1])
            wanted = tuple(map(int, (match[2] or '0').split('.')))
            if found is None or found < wanted:
                print(line.strip())
EOF
}

_mmdet_install() {
  local files=(requirements.txt) missing
  [ "$1" = 1 ] && files+=(tests/requirements.txt)
  missing=$(_mmdet_missing "${files[@]}") || return 1
  "$PYTHON" -c 'import setuptools' 2>/dev/null || missing="$missing setuptools"
  if [ -n "${missing// /}" ]; then
    _mmdet_say "installing" $missing
    "$PYTHON" -m pip install --disable-pip-version-check $missing ||
      { _mmdet_fail "pip could not install $(echo $missing)"; return 1; }
  fi
  _mmdet_opencv
}

# The desktop build of OpenCV wants libGL and friends, which servers lack.
_mmdet_opencv() {
  local error
  error=$("$PYTHON" -c 'import cv2' 2>&1) && return
  case $error in *ImportError:*.so*) ;; *)
    _mmdet_fail "OpenCV does not import: ${error##*$'\n'}"; return 1 ;;
  esac
  _mmdet_say "${error##*ImportError: }: changing to opencv-python-headless"
  "$PYTHON" -m pip uninstall -q -y opencv-python opencv-contrib-python 2>/dev/null
  "$PYTHON" -m pip install --disable-pip-version-check --force-reinstall --no-deps \
    opencv-python-headless && "$PYTHON" -c 'import cv2' ||
    { _mmdet_fail 'OpenCV still does not import; install libgl1 and libglib2.0-0'; return 1; }
}

# "import mmdet" from anywhere means this clone: one line in site-packages.
_mmdet_link() {
  "$PYTHON" - <<'EOF'
import os, site, sysconfig
folder = sysconfig.get_paths()['purelib']
if not os.access(folder, os.W_OK):
    folder = site.getusersitepackages()
    os.makedirs(folder, exist_ok=True)
path, here = os.path.join(folder, 'mmdet.pth'), os.getcwd() + '\n'
if not os.path.exists(path) or open(path).read() != here:
    with open(path, 'w') as file:
        file.write(here)
    print(f'==> import mmdet now means {here.strip()}')
EOF
}

_mmdet_setup() {
  local tests=0 force= arg
  for arg in "$@"; do
    case $arg in
      --tests) tests=1 ;;
      --force) force=--force ;;
      *) _mmdet_fail "unknown option $arg; there are --tests and --force"; return 1 ;;
    esac
  done
  _mmdet_pick_python || return 1
  _mmdet_say "Python: $PYTHON ($("$PYTHON" -V 2>&1))"
  _mmdet_install "$tests" || return 1
  _mmdet_link || return 1
  "$PYTHON" setup.py -q build_ext --inplace $force ||
    _mmdet_say 'not all operators compiled (see above); everything works, more slowly'
}

_mmdet_here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")" || return 1 2>/dev/null || exit 1
if (return 0 2>/dev/null); then
  # Sourced without arguments, bash shows a script its caller's: take only our own.
  _mmdet_args=()
  for _mmdet_arg in "$@"; do
    case $_mmdet_arg in --tests | --force) _mmdet_args+=("$_mmdet_arg") ;; esac
  done
  _mmdet_setup ${_mmdet_args[@]+"${_mmdet_args[@]}"} && _mmdet_status=0 || _mmdet_status=$?
  cd "$_mmdet_here" || return 1
  export PYTHON
  return $_mmdet_status
fi
_mmdet_setup "$@"
