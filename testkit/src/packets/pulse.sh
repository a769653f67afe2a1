# Sends from this member's endpoint on a network, ten times a second to each address, until all that is called testkit-pulse here is
# interrupted, or so many seconds have passed.
#   pulse NETWORK SECONDS ADDRESS ...
# Prints what fping says of each packet. One that comes late is not lost: a switch that carries packets itself has to wait for its turn.
set -eu
network=$1 seconds=$2
shift 2
# A switch that carries packets itself drops the first to somebody whose neighbour it has to look for.
ip netns exec "$network" fping -q -c 1 -t 200 "$@" >/dev/null 2>&1 || true
exec ip netns exec "$network" bash -c 'exec -a testkit-pulse timeout -s INT "$@"' bash "$seconds" \
    fping -l -D -p 100 -t 10000 "$@"
