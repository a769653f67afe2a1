# Sends from this member's endpoints, and prints what came back and what of Geneve went over its devices meanwhile.
#   probe "DEVICE ..." "NETWORK FAMILY PAYLOAD COUNT MILLISECONDS ADDRESS ..." ...
# Prints `ping NETWORK PAYLOAD ` and what fping says of an address, a line each; `wire DEVICE DROPPED ` and the packets in the
# format of pcap, in base64; and `end`.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Only by pipes that have no name: with AppArmor tcpdump may write to nothing that has one.
for device in $1; do
    exec {said}<> <(:)
    listens[$said]=$device
    {
        tcpdump -i "$device" -p -n -s 192 -U --immediate-mode -w - 'udp port 6081' 2>&"$said" |
            base64 -w0 >"$dir/$device.base64"
    } &
    captures+=($!)
done
shift
warmers=()
# A switch that carries packets itself drops the first to somebody whose neighbour it has to look for.
for burst; do
    read -r network family _ _ _ addresses <<<"$burst"
    ip netns exec "$network" fping "-$family" -q -c 1 -t 200 $addresses >/dev/null 2>&1 &
    warmers+=($!)
done
wait "${warmers[@]}" || true
for said in "${!listens[@]}"; do
    while read -r -t 10 -u "$said" line; do [[ $line != *"listening on"* ]] || break; done
done
# One burst of a network and family after the other, and slowly: what a switch's queues have no room for is lost.
declare -A streams=()
for burst; do
    read -r network family _ <<<"$burst"
    streams[$network-$family]+=$burst$'\n'
done
pings=()
for stream in "${!streams[@]}"; do
    while read -r network family payload count patience addresses; do
        [ -n "$network" ] || continue
        { ip netns exec "$network" fping "-$family" -q -i 10 -p 20 -t "$patience" -b "$payload" -c "$count" $addresses 2>&1 || true; } |
            sed -n "s/^/ping $network $payload /p"
    done <<<"${streams[$stream]}" >"$dir/$stream.ping" &
    pings+=($!)
done
wait "${pings[@]}"
for capture in "${captures[@]}"; do pkill -INT -P "$capture" -x tcpdump || true; done
wait "${captures[@]}"
cat "$dir"/*.ping
for said in "${!listens[@]}"; do
    device=${listens[$said]}
    dropped=
    while read -r -t 0 -u "$said" && read -r -u "$said" line; do
        [[ $line != *"packets dropped by kernel" ]] || dropped=${line%% *}
    done
    printf 'wire %s %s %s\n' "$device" "${dropped:-unknown}" "$(<"$dir/$device.base64")"
done
echo end
