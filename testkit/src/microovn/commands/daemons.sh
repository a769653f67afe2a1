# Prints every daemon of MicroOVN that is where it stays, with its process id, when it was started, and the lengths of its arguments, because they may hold any character but NUL.
exec 2>/dev/null
LC_ALL=C
for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    case $name in microovnd | ovn-controller | ovn-northd | ovs-vswitchd | ovsdb-server) ;; *) continue ;; esac
    mapfile -d '' -t argv <"$process/cmdline" && ((${#argv[@]})) || continue
    # The 22nd field, counted behind the name in brackets, which may hold spaces.
    stat=$(<"$process/stat") || continue
    read -ra fields <<<"${stat##*) }"
    # One that goes to the background is at first two, until the one that was started has ended: that one is of the session of
    # who started it, the other, or the one that watches over it, has a session of its own.
    if [[ " ${argv[*]} " == *" --detach "* && -e /proc/${fields[3]}/exe ]]; then
        [ "/proc/${fields[3]}/exe" -ef "$process/exe" ] || continue
    fi
    printf '%s %s %s %s\n' "$name" "${#argv[@]}" "${process#/proc/}" "${fields[19]}"
    for argument in "${argv[@]}"; do printf '%s:%s\n' "${#argument}" "$argument"; done
done
exit 0
