# Gives a member its endpoints on the logical networks, and what is outside of them, now and after each boot.
#   lay ENDPOINTS-SCRIPT DATAPATH BRIDGE DEVICE "LOOPBACK-ADDRESS ..." NETWORK:UPLINK-BRIDGE OUTSIDE ENDPOINT PORT ...
# With a BRIDGE the addresses of DEVICE, and those of the loopback device, move to a bridge of that name that has the device for
# a port: a switch that carries packets itself sends to tunnels by a bridge of its own.
set -euo pipefail
script=$1 datapath=$2 bridge=$3 device=$4 loopback=$5 mapping=$6 outside=$7
shift 7
for tool in ethtool fping tcpdump; do
    command -v "$tool" >/dev/null || { echo "the node image has no $tool, which traffic takes" >&2; exit 1; }
done
networkd=/etc/systemd/network
# By one change: for each a shell of the snap is entered.
change=(--timeout=30)
if [ -n "$bridge" ] && [ ! -e "$networkd/10-$bridge.network" ]; then
    {
        sed "s/^Name=$device\$/Name=$bridge/" "$networkd/10-$device.network"
        # Open vSwitch takes no route whose source is not of the next hop's network (`verify_prefsrc`), and goes by these.
        [ -z "$loopback" ] || sed -n '/^\[Route\]/,/^$/{/^PreferredSource=/d;s/^Gateway=.*/&\nMetric=4096/;p}' \
            "$networkd/10-$device.network" | sed '1i\\'
        for address in $loopback; do printf '\n[Address]\nAddress=%s\nDuplicateAddressDetection=none\n' "$address"; done
    } >"$networkd/10-$bridge.network"
    printf '[Match]\nName=%s\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n' "$device" \
        >"$networkd/10-$device.network"
    if [ -n "$loopback" ]; then
        printf '[Match]\nName=lo\n' >"$networkd/10-lo.network"
        for address in $loopback; do ip address delete "$address" dev lo; done
    fi
    mac=$(<"/sys/class/net/$device/address")
    change+=(-- --may-exist add-br "$bridge"
        -- set bridge "$bridge" "datapath_type=$datapath" fail_mode=standalone other-config:hwaddr="\"$mac\""
        -- --may-exist add-port "$bridge" "$device")
else
    bridge=
fi
printf '%s' "$script" >/usr/local/sbin/testkit-endpoints
cat >/etc/systemd/system/testkit-endpoints.service <<UNIT
[Unit]
Description=Endpoints on logical networks

[Service]
Type=oneshot
Environment=DATAPATH=$datapath
ExecStart=/bin/bash /usr/local/sbin/testkit-endpoints

[Install]
WantedBy=multi-user.target
UNIT
printf '%s\n' "$outside" >/etc/testkit-endpoints
uplink=${mapping#*:} name=${outside%% *}
change+=(-- --may-exist add-br "$uplink" -- set bridge "$uplink" "datapath_type=$datapath" fail_mode=standalone
    -- --may-exist add-port "$uplink" "$name" -- set Open_vSwitch . "external_ids:ovn-bridge-mappings=$mapping")
while (($#)); do
    printf '%s\n' "$1" >>/etc/testkit-endpoints
    name=${1%% *}
    change+=(-- --may-exist add-port br-int "$name" -- set Interface "$name" "external_ids:iface-id=$2")
    shift 2
done
DATAPATH=$datapath bash /usr/local/sbin/testkit-endpoints
ln -sf ../testkit-endpoints.service /etc/systemd/system/multi-user.target.wants/
microovn.ovs-vsctl "${change[@]}"
if [ -n "$bridge" ]; then
    networkctl reload
    networkctl reconfigure "$device" "$bridge"
fi
