# Prints the network devices, and of the snap what is mounted, runs and lies where only snapd and the snap itself put something.
# A process is known by its program, by the name that it calls itself, and by the group that snapd or systemd started it in: not
# by its other arguments, among which this text may be.
exec 2>/dev/null
shopt -s nullglob
sed -n 's/^ *\([^ ]*\): .*/device \1/p' /proc/net/dev || exit
awk '$2 ~ "/snap([^ ]*)[/.]microovn([/.]|$)" { print "mount " $2 }' /proc/self/mounts || exit
for process in /proc/[0-9]*; do
    read -r name <"$process/comm" || continue
    mapfile -d '' -t argv <"$process/cmdline"
    case "$name $(readlink "$process/exe") ${argv[0]} $(<"$process/cgroup")" in
        microovnd\ * | ovn-* | ovs-* | ovsdb-* | */snap/microovn/* | *snap.microovn.*) ;;
        *) continue ;;
    esac
    # A line each, whatever is in its arguments.
    words=${argv[*]:-$name}
    printf 'process %s %s\n' "${process#/proc/}" "${words//[[:cntrl:]]/ }"
done
for path in /snap/microovn /var/snap/microovn /snap/bin/microovn* /run/snap.microovn* \
    /etc/systemd/system/snap[.-]microovn[.-]*.{service,socket,timer,mount} /var/lib/snapd/snaps/microovn_*; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || echo "file $path"
done
echo end
