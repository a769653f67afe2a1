# Sends from this member's endpoints, and prints what came back and what of Geneve went over its devices meanwhile.
#   probe "DEVICE ..." "NETWORK PAYLOAD COUNT MILLISECONDS ADDRESS ..." ...
# Prints `burst NETWORK PAYLOAD` and behind it what fping says of each address, a line each; `wire DEVICE DROPPED ` and the packets in
# the format of pcap, in base64; and `end`.
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
declare -A streams=() addresses=()
for burst; do
    read -r network _ count _ to <<<"$burst"
    streams[$network]+=$burst$'\n'
    # What is sent once is to have no answer.
    [[ $count == 1 ]] || addresses[$network]+=" $to"
done
# The kernel's tunnels tell an endpoint which of its packets were too large, and it would send such ones in pieces from then on.
for network in "${!streams[@]}"; do
    ip -n "$network" route flush cache
    ip -n "$network" -6 route flush cache
done
# A switch that carries packets itself drops the first to somebody whose neighbour it has to look for.
warmers=()
for network in "${!addresses[@]}"; do
    ip netns exec "$network" fping -q -c 1 -t 200 ${addresses[$network]} >/dev/null 2>&1 &
    warmers+=($!)
done
((${#warmers[@]} == 0)) || wait "${warmers[@]}" || true
for said in "${!listens[@]}"; do
    while read -r -t 10 -u "$said" line; do [[ $line != *"listening on"* ]] || break; done
done
# One burst of a network after the other, and slowly: what a switch's queues have no room for is lost. To all of them at about the
# same time: a switch that carries packets itself goes through all that it has to do for each that comes alone. What is to have no
# answer is waited for meanwhile.
bursts() {
    burst() {
        echo "burst $1 $2"
        fping -q -i 2 -p 25 -t "$4" -b "$2" -c "$3" $5 2>&1 || true
    }
    local meanwhile=0
    while read -r network payload count patience addresses; do
        if [[ $count == 1 ]]; then
            # A file each: their lines would mix. Counted here, and not in what runs meanwhile, which has its own variables.
            meanwhile=$((meanwhile + 1))
            burst "$network" "$payload" "$count" "$patience" "$addresses" >"$1.$meanwhile.ping" &
        else
            burst "$network" "$payload" "$count" "$patience" "$addresses"
        fi
    done >"$1.ping"
    wait
}
export -f bursts
pings=()
for network in "${!streams[@]}"; do
    printf '%s' "${streams[$network]}" | ip netns exec "$network" bash -c 'bursts "$1"' bursts "$dir/$network" &
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
