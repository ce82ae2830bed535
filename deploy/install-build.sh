#!/usr/bin/env bash
# Installs what building callflow needs on Debian or Ubuntu, and says so. Does nothing where it is all there.
set -euo pipefail
missing=()
for pair in cmake:cmake g++:g++ make:make pkg-config:pkg-config python3:python3 pip3:python3-pip; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair#*:}")
done
if ! command -v cargo >/dev/null 2>&1; then
  echo "callflow: a Rust toolchain (cargo, 1.95 or later) is needed: see https://rustup.rs" >&2
  exit 1
fi
[ ${#missing[@]} -eq 0 ] && exit 0
sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
echo "callflow: installing with apt: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
