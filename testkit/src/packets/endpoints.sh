# Makes the endpoints that /etc/testkit-endpoints lists, a line each, where they are not there: a network namespace, and a device
# pair between it and the switch, which knows its end by its name. Run at each boot, because both are gone then.
#
# Behind an endpoint's addresses are its ways: to whom, by whom, and the Ethernet address of the neighbour where nobody tells it that.
# To those of another network it sends at once, as if they were on its own; who of them hears it is for the logical networks.
set -euo pipefail
while read -r name mac ipv4 ipv6 ways; do
    [ ! -e "/run/netns/$name" ] || continue
    ip netns add "$name"
    # Larger than anything that crosses, so that what is too large is not held back here.
    ip -batch - <<HOST
link add $name type veth peer name eth0 netns $name
link set $name mtu 9100 up
HOST
    {
        printf '%s\n' "link set lo up" "link set eth0 address $mac mtu 9100 up" \
            "address add $ipv4 dev eth0" "address add $ipv6 dev eth0 nodad"
        for way in $ways; do
            IFS=, read -r to via mac <<<"$way"
            echo "route replace $to ${via:+via $via} dev eth0"
            [ -z "$mac" ] || echo "neighbour replace $to lladdr $mac dev eth0 nud permanent"
        done
    } | ip -n "$name" -batch -
    # A switch that carries packets itself passes on what it takes from a device, whose checksums nobody has made yet.
    [ "${DATAPATH:-system}" = system ] || ip netns exec "$name" ethtool -K eth0 tx off tso off >/dev/null
done </etc/testkit-endpoints
