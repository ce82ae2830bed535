#!/bin/sh
# Runs one test of a program in a network of its own:  HERE == wire == ROUTER -- hosts that cannot be reached
#   network.sh PROGRAM TEST HERE ROUTER ABSENT FORBIDDEN SWALLOWED
# Ends with 77 where namespaces cannot be made. Nothing is left of them when the processes have ended.
set -eu
impossible() { echo "network.sh: $*" >&2; exit 77; }

if [ "${CALLFLOW_TEST_NETWORK:-}" != made ]; then
  as_root=
  [ "$(id -u)" = 0 ] || as_root=--map-root-user
  command -v ip >/dev/null || impossible "ip is not installed: tests/install.sh"
  unshare $as_root --net true || impossible "unshare --net is refused"
  CALLFLOW_TEST_NETWORK=made exec unshare $as_root --net sh "$0" "$@"
fi

program=$1 test=$2 here=$3 router=$4 absent=$5 forbidden=$6 swallowed=$7
ready=$TMPDIR/router
mkfifo "$ready"
{ unshare --net sh -c 'echo $$ >"$0"; exec sleep 130' "$ready" || echo none >"$ready"; } &
read -r far <"$ready"
[ "$far" != none ] || impossible "a second namespace is refused"
trap 'kill "$far" 2>/dev/null || true' EXIT

ip link set lo up
ip link add name here type veth peer name there netns "$far" || impossible "no pair of virtual wires"
ip addr add "$here/24" dev here
ip link set here up
ip route add "${absent%.*.*}.0.0/16" via "$router"
# Linux counts a word about a route twice, by two limits that take the same tokens: under 50 packets a second none is left after the
# first call. With one of them off there is a word a second.
nsenter --target "$far" --net sh -eu -c '
  ip addr add "$1/24" dev there
  ip link set there up
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
  ip route add unreachable "$2"
  ip route add prohibit "$3"
  ip route add blackhole "$4"
' router "$router" "$absent" "$forbidden" "$swallowed" || impossible "the router cannot be set up"

"$program" --exact "$test" --nocapture
