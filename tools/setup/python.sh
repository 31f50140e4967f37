#!/usr/bin/env bash
# Prints the Python to use: the active virtual or conda environment's, .venv's, the system's.
# A system that keeps its Python to itself (Debian's "externally managed") gets a .venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'compile.sh: %s\n' "$*" >&2; exit 1; }

check_version() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "Python 3.10 or newer is needed, $1 is $("$1" -V 2>&1); install one or activate an environment that has it"
}

accepts_pip() {
  "$1" - <<'PY' 2>/dev/null
import os, sys, sysconfig
import pip
managed = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')
sys.exit(os.path.exists(managed) and os.environ.get('PIP_BREAK_SYSTEM_PACKAGES') != '1')
PY
}

# Debian and Ubuntu keep venv and pip in packages of their own; root (a container) may add them.
apt_venv() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say 'installing python3-venv with apt-get'
  { apt-get install -y python3-venv || { apt-get update && apt-get install -y python3-venv; }; } >&2
}

make_venv() {
  say "$1 refuses pip install: making .venv"
  "$1" -m venv .venv >/dev/null 2>&1 && return
  # python3 without python3-venv lacks only the pip to put inside.
  rm -rf .venv
  "$1" -m venv --without-pip .venv >/dev/null 2>&1 &&
    "$1" -m pip --python .venv/bin/python install -q pip >/dev/null 2>&1 && return
  rm -rf .venv
  apt_venv && "$1" -m venv .venv >&2 ||
    fail 'cannot make .venv: install it with "apt install python3-venv" (or activate a virtual or conda environment) and run this again'
}

if [ -x "${VIRTUAL_ENV:-/none}/bin/python" ]; then
  python=$VIRTUAL_ENV/bin/python
elif [ -x "${CONDA_PREFIX:-/none}/bin/python" ]; then
  python=$CONDA_PREFIX/bin/python
elif [ -x .venv/bin/python ]; then
  python=$PWD/.venv/bin/python
else
  [ ! -e .venv ] || fail '.venv has no working Python: remove it and run this again'
  python=$(command -v python3) || fail 'no python3 found: install Python 3.10 or newer'
  check_version "$python"
  accepts_pip "$python" || { make_venv "$python"; python=$PWD/.venv/bin/python; }
fi
check_version "$python"
"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1 ||
  fail "$python has no pip: install it (apt install python3-pip) and run this again"
printf '%s\n' "$python"
