#!/usr/bin/env bash
# Installs what the build needs on Debian 12: only what is missing, without questions.
#
#   scripts/setup.sh            compiler, CMake and the libraries
#   scripts/setup.sh --tests    and what the tests can use besides (PyTorch as a witness, clang-format)
#   scripts/setup.sh --bench    and what the benchmarks need (bench/peers/install.sh: the engines to compare with)
#   scripts/setup.sh --fuzz     and what the fuzz targets need
set -euo pipefail

required=(g++ cmake ninja-build git pkg-config libdnnl-dev libfmt-dev nlohmann-json3-dev libcli11-dev libstb-dev
  libzip-dev libssl-dev libjpeg62-turbo-dev libgtest-dev libgmock-dev)
# Without these some tests are skipped, with the reason, and nothing else changes.
optional=()

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }

while (($#)); do
  case $1 in
    --tests)
      optional+=(clang-format python3-torch python3-torchvision python3-numpy python3-pil openmpi-bin libopenmpi-dev
        pybind11-dev python3-dev python3-setuptools python3-wheel python3-pip python3-venv dpkg-dev)
      ;;
    --bench)
      required+=(libbenchmark-dev python3-venv python3-dev)
      optional+=(python3-torch python3-torchvision python3-numpy python3-pil)
      trap '(($?)) || "$(dirname "$0")/../bench/peers/install.sh"' EXIT
      ;;
    --fuzz) required+=(clang-14 libclang-rt-14-dev libomp-14-dev) ;;
    -h | --help) trap - EXIT; usage; exit 0 ;;
    *) echo "setup.sh: unknown option $1 (--tests, --bench, --fuzz)" >&2; exit 2 ;;
  esac
  shift
done

# In any architecture of it that the system knows.
is_installed() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -x installed >/dev/null; }

# Sets `missing` to those of the packages named that are not installed.
find_missing() {
  missing=()
  local package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
}

run_apt() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

can_install() {
  command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

if ! command -v dpkg-query >/dev/null; then
  echo "setup.sh: not a Debian system: install the libraries named in this script yourself" >&2
  exit 0
fi

find_missing "${required[@]}"
missing_required=("${missing[@]}")
find_missing "${optional[@]}"
missing_optional=("${missing[@]}")
if ((${#missing_required[@]} + ${#missing_optional[@]} == 0)); then
  echo "setup.sh: everything is installed"
  exit 0
fi
if ! can_install; then
  if ((${#missing_required[@]})); then
    echo "setup.sh: missing, and apt-get needs root or a password-free sudo: ${missing_required[*]}" >&2
    exit 1
  fi
  echo "setup.sh: the build's packages are installed; some tests will be skipped without: ${missing_optional[*]}"
  exit 0
fi

if ! run_apt update; then
  echo "setup.sh: the package lists could not be refreshed; going on with those there are" >&2
fi
if ((${#missing_required[@]})); then
  echo "setup.sh: installing ${missing_required[*]}"
  run_apt install --no-install-recommends -y "${missing_required[@]}"
fi
if ((${#missing_optional[@]})); then
  echo "setup.sh: installing ${missing_optional[*]}"
  if ! run_apt install --no-install-recommends -y "${missing_optional[@]}"; then
    echo "setup.sh: could not install ${missing_optional[*]}: some tests will be skipped"
  fi
fi
