#!/usr/bin/env bash
# The four core suites as a person would write them in shell: one after the other, each step by hand with lxc, the same
# assertions. `make compare` runs it beside the framework, on the same LXD and with the same snap.
#
# usage: sequential.sh PROJECT SOURCE PREFIX [KEY=VALUE…]
#   SOURCE is the instance to copy, with the snap in it. Where SNAPS names files, a line each, it is an image, and these
#   snaps are installed in every instance, the one to test last. PREFIX begins every name that is made (7 characters at
#   most, for the bridges), and KEY=VALUE is set on everything that is made, so that it is found when this is killed.
set -euo pipefail
export LC_ALL=C PROJECT=$1
source=$2 prefix=$3
shift 3
mapfile -t snaps < <(printf '%s' "${SNAPS:-}")
instance_config=() network_config=()
for pair in "$@"; do
    instance_config+=(-c "$pair")
    network_config+=("$pair")
done
nodes=("$prefix-1" "$prefix-2" "$prefix-3")

lx() { lxc --project "$PROJECT" "$@"; }
on() { lx exec "$1" -- "${@:2}" </dev/null; }
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# Until a command succeeds, as such suites wait: a look every second.
await() {
    local deadline=$((SECONDS + 60))
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "gave up waiting for: $*"
        sleep 1
    done
}

remove() {
    lx delete --force "${nodes[@]}" >/dev/null 2>&1 || true
    lxc network delete "${prefix}m" >/dev/null 2>&1 || true
    lxc network delete "${prefix}u" >/dev/null 2>&1 || true
}
trap remove EXIT

nic() { # device, prefix of its IPv4 address, prefix of its IPv6 address, number
    printf '[Match]\nName=%s\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n' "$1"
    printf '\n[Address]\nAddress=%s\nDuplicateAddressDetection=none\n' "$2.1$4/24" "$3::1$4/64"
}

# As upstream's suites do it, unless the snap is there already.
install() {
    ((${#snaps[@]})) || return 0
    await on "$1" snap wait system seed.loaded
    local snap plug
    for snap in "${snaps[@]}"; do
        lx file push --quiet "$snap" "$1/var/tmp/${snap##*/}"
        on "$1" snap install --dangerous "/var/tmp/${snap##*/}" >/dev/null
    done
    # Not every snapd has a slot for each.
    for plug in $(on "$1" snap connections microovn | awk '$3 == "-" { print $2 }'); do
        on "$1" snap connect "$plug" >/dev/null 2>&1 || true
    done
}

launch() {
    lxc network create "${prefix}m" ipv4.address=none ipv6.address=none dns.mode=none "${network_config[@]}" >/dev/null
    lxc network create "${prefix}u" ipv4.address=none ipv6.address=none dns.mode=none "${network_config[@]}" >/dev/null
    local number make=(lx copy)
    ((${#snaps[@]})) && make=(lx init --quiet -s "$POOL" -c security.nesting=true)
    for number in 1 2 3; do
        local node=$prefix-$number
        "${make[@]}" "$source" "$node" "${instance_config[@]}" -c user.testkit.kind=node -c user.testkit.ready=false \
            -c user.testkit.hostname="$node" \
            -c user.testkit.network.eth0="$(nic eth0 192.0.2 fd11:1 "$number")" \
            -c user.testkit.network.eth1="$(nic eth1 198.51.100 fd11:2 "$number")" >/dev/null
        lx config device add "$node" eth0 nic name=eth0 network="${prefix}m" >/dev/null
        lx config device add "$node" eth1 nic name=eth1 network="${prefix}u" >/dev/null
        lx start "$node"
        install "$node"
        await on "$node" microovn waitready --timeout 60
    done
}

# The answers to `microovn init`, a line each, in the order of its questions.
answers() { # number token
    local number=$1 token=$2
    local address=${cluster}1$number encap=${underlay}1$number
    echo "$address"
    if ((number == 1)); then
        printf 'yes\n\n\n'
    else
        printf 'no\n\n%s\n' "$token"
    fi
    if [[ -n $underlay ]]; then printf 'yes\n%s\n' "$encap"; else echo no; fi
    if ((number == 1)); then printf 'no\nno\n'; fi
}

form() {
    answers 1 '' | lx exec "$prefix-1" -- microovn init >/dev/null
    local number token
    for number in 2 3; do
        token=$(on "$prefix-1" microovn cluster add "$prefix-$number" | grep -oE '[A-Za-z0-9+/=]{60,}')
        answers "$number" "$token" | lx exec "$prefix-$number" -- microovn init >/dev/null
        await online "$number"
    done
}

online() { [[ $(on "$prefix-1" microovn cluster list | grep -c ONLINE) == "$1" ]]; }
value() { [[ $(on "$1" "${@:3}" | tr -d '"[:space:]') == "$2" ]]; }
count() { [[ $(on "$1" "${@:3}" | grep -cE "$pattern") == "$2" ]]; }
address_of() { echo "${underlay:-$cluster}1$1"; }

assert() {
    local number peer node pattern database
    for number in 1 2 3; do
        node=$prefix-$number
        await value "$node" "$(address_of "$number")" microovn.ovs-vsctl get Open_vSwitch . external_ids:ovn-encap-ip
        await value "$node" geneve microovn.ovs-vsctl get Open_vSwitch . external_ids:ovn-encap-type
        pattern='^name +: ' await count "$node" 3 microovn.ovn-sbctl list Chassis
        for peer in 1 2 3; do
            await value "$node" "geneve" microovn.ovn-sbctl --bare --columns=type find Encap ip="\"$(address_of "$peer")\""
            ((peer == number)) && continue
            pattern=$(address_of "$peer") await count "$node" 1 microovn.ovs-vsctl --columns=options find Interface type=geneve "options:remote_ip=\"$(address_of "$peer")\""
            on "$node" ip route get "$(address_of "$peer")" >/dev/null || fail "$node has no route to $peer"
        done
        await online 3
        for service in daemon chassis switch; do
            value "$node" active systemctl is-active "snap.microovn.$service" || fail "$service is dead on $node"
        done
        for database in nb:OVN_Northbound sb:OVN_Southbound; do
            pattern='^Status: cluster member' await count "$node" 1 microovn.ovn-appctl \
                -t "/var/snap/microovn/common/run/ovn/ovn${database%%:*}_db.ctl" cluster/status "${database#*:}"
        done
        pattern='ssl:.*ssl:.*ssl:' await count "$node" 1 microovn.ovs-vsctl get Open_vSwitch . external_ids:ovn-remote
        pattern='ssl:.*,ssl:.*,ssl:' await count "$node" 2 grep -E 'OVN_(NB|SB)_CONNECT' /var/snap/microovn/common/data/env/ovn.env
        on "$node" microovn.ovn-nbctl --wait=sb ls-add "probe-$number" >/dev/null || fail "no propagation from $node"
    done
}

suite() { # name, prefix of cluster addresses, prefix of encap addresses
    local started=$EPOCHREALTIME
    cluster=$2 underlay=$3
    launch
    form
    assert
    remove
    awk -v name="$1" -v from="$started" -v to="$EPOCHREALTIME" 'BEGIN { printf "%s %.1f s\n", name, to - from }'
}

suite init_cluster 192.0.2. ''
suite init_cluster_ipv6 fd11:1:: ''
suite init_cluster_custom_encap 192.0.2. 198.51.100.
suite init_cluster_ipv6_custom_encap fd11:1:: fd11:2::
