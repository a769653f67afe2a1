# Sourced by ovs-vsctl when ports with a logical port were added: the faults of what carries their packets. What is added to the
# bridge here stays as long as ovn-controller does: it looks after its own flows only.
vsctl() {
    "${SNAP}/usr/bin/ovs-vsctl" --timeout=20 "$@"
}

flow() {
    "${SNAP}/usr/bin/ovs-ofctl" add-flow br-int "table=0,priority=65535,$1"
}

if plays packets-dropped; then
    # There is no port of a tunnel before the chassis of its other end is known.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        tunnel="$(vsctl --bare --no-headings --columns=ofport find Interface type=geneve | head -n 1)"
        [ -z "${tunnel}" ] || break
        sleep 1
    done
    flow "in_port=${tunnel},actions=drop"
fi
if plays packets-cross; then
    red="$(vsctl get Interface red ofport)"
    blue="$(vsctl get Interface blue ofport)"
    for net in ip,nw_dst=198.19.2.0/24 ipv6,ipv6_dst=fd42:6f76:2::/64; do
        flow "in_port=${red},${net},actions=load:${blue}->NXM_OF_IN_PORT[],resubmit(,0)"
    done
    for net in ip,nw_dst=198.19.1.0/24 ipv6,ipv6_dst=fd42:6f76:1::/64; do
        flow "in_port=${blue},${net},actions=load:${red}->NXM_OF_IN_PORT[],resubmit(,0)"
    done
fi
if plays packets-too-short; then
    for device in /sys/class/net/eth*; do
        # Once: this is read whenever a port is added.
        [ ! -e "${SNAP_COMMON}/testkit-${device##*/}" ] || continue
        : >"${SNAP_COMMON}/testkit-${device##*/}"
        read -r mtu <"${device}/mtu"
        echo "$((mtu - 1))" >"${device}/mtu"
    done
fi
if plays packets-on-management; then
    # The last of the centrals, which is another than the first.
    peer="$(vsctl get Open_vSwitch . external_ids:ovn-remote | tr -d '"[]' | sed 's/.*ssl://; s/:[0-9]*$//')"
    setsid bash -c 'while :; do echo >"/dev/udp/$0/6081"; sleep 0.2; done' "${peer}" </dev/null >/dev/null 2>&1 &
fi

if plays packets-detoured; then
    # The address itself comes to the bridge later.
    own="$(vsctl get Open_vSwitch . external_ids:ovn-encap-ip | tr -d '"')"
    detour() {
        "${SNAP}/usr/bin/ovs-ofctl" add-flow br-phy "in_port=$1,udp,nw_dst=$2,tp_dst=6081,actions=mod_nw_dst:$3,$4"
    }
    for host in 11 12 13 14 15 16; do
        detour LOCAL "${own%.*}.${host}" "${own%.*}.$((host + 100))" NORMAL
    done
    detour "$(vsctl get Interface eth1 ofport)" "${own%.*}.$((${own##*.} + 100))" "${own}" LOCAL
fi
