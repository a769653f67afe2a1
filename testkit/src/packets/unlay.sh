# Takes from a member that left the cluster what it was given for packets: its switch has forgotten its bridges, and with them the
# addresses of DEVICE.
#   unlay DEVICE NETWORK-FILE LOOPBACK-FILE NAMESPACE ...
# The files are what systemd-networkd is told of DEVICE, where that has to be said again, and of the loopback device, where it had
# addresses; both may be empty.
set -eu
device=$1 own=$2 loopback=$3
shift 3
systemctl --quiet disable testkit-endpoints.service
rm -f /etc/testkit-endpoints /etc/systemd/system/testkit-endpoints.service /usr/local/sbin/testkit-endpoints
for name; do
    ip link delete "$name" 2>/dev/null || true
    ip netns delete "$name" 2>/dev/null || true
done
[ -n "$own" ] || exit 0
cd /etc/systemd/network
rm -f 10-br-phy.network
printf '%s' "$own" >"10-$device.network"
[ -z "$loopback" ] || printf '%s' "$loopback" >10-lo.network
networkctl reload
networkctl reconfigure "$device" ${loopback:+lo}
