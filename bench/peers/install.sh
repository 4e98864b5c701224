#!/usr/bin/env bash
# Makes build/bench-venv, a Python environment with the engines that Backdrop is measured against. What cannot be
# installed is named and left out of the comparison; what is there already stays.
set -euo pipefail
CDPATH='' cd "$(dirname "$0")/../.."

environment=build/bench-venv
# pip comes last, and not at all where making it was stopped or python3-venv was missing.
"$environment/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv "$environment"

# install MODULE PACKAGE...: the packages, unless the module is there.
install() {
  local module=$1
  shift
  "$environment/bin/python" -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$module'))" && return
  echo "install.sh: installing $*"
  "$environment/bin/python" -m pip install --quiet "$@" || echo "install.sh: could not install $*: left out of the comparison" >&2
}

install PIL numpy pillow
install torchvision torch torchvision
install onnx onnx
install onnxruntime onnxruntime
install openvino openvino
install nncf nncf
