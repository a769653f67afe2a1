# Sourced by the other commands: where this snap keeps what OVS and OVN look for elsewhere by default.
# The trailing slashes are part of MicroOVN's surface: they show up in error messages and in the Open_vSwitch row.
export OVS_RUNDIR="${SNAP_COMMON}/run/switch/"
export OVS_PKGDATADIR="${SNAP}/usr/share/openvswitch"
export OVS_LOGDIR="${SNAP_COMMON}/logs"
export OVS_SYSCONFDIR="${SNAP_COMMON}/data"
export OVS_DBDIR="${SNAP_COMMON}/data/switch/db"
export OVN_RUNDIR="${SNAP_COMMON}/run/ovn/"
export OVN_PKGDATADIR="${SNAP}/usr/share/ovn"
export OVN_LOGDIR="${SNAP_COMMON}/logs"
export OVN_DBDIR="${SNAP_COMMON}/data/central/db"

PKI="${SNAP_COMMON}/data/pki"

# Runs ovsdb-tool with pipes for its words: where it cannot write to the journal, as under AppArmor, it fails for that alone.
ovsdb_tool() {
    said="$(ovsdb-tool "$@" 2>&1)" || {
        printf '%s\n' "${said}" >&2
        return 1
    }
}

# Whether a fault is to be played; `value` is what stands behind its name.
plays() {
    value=
    [ -r "${SNAP_COMMON}/faults" ] || return 1
    while read -r name rest || [ -n "${name}" ]; do
        if [ "${name}" = "$1" ]; then
            value="${rest}"
            return 0
        fi
    done <"${SNAP_COMMON}/faults"
    return 1
}

# Whether this command is the one that `value` names, and is given the word behind the name, where there is one.
is_meant() {
    value="${value:-ovn-trace}"
    [ "${value%% *}" = "${0##*/}" ] || return 1
    case "${value}" in
        *" "*) case " $* " in *" ${value#* } "*) ;; *) return 1 ;; esac ;;
    esac
}

# A command that is to say nothing and to end well, or to fail.
if plays command-silent && is_meant "$@"; then
    exit 0
fi
if plays command-fails && is_meant "$@"; then
    echo "${0##*/}: it cannot" >&2
    exit 1
fi

# Whether a daemon has run before, by the log file that is among its arguments: it makes one, and nobody removes it but
# who takes the member out of its cluster.
ran_before() {
    for argument; do
        case "${argument}" in
            --log-file=*) [ -e "${argument#--log-file=}" ] && return 0 ;;
        esac
    done
    return 1
}

# Starts a daemon in place of the script that is named first. The fault daemon-argument replaces a text in its arguments,
# restart-loops lets it run once only, and service-restarts kills the script.
launch() {
    script="$1"
    shift
    if plays restart-loops && [ "${value:-chassis}" = "${script}" ] && ran_before "$@"; then
        echo "$1: it has run before, and does not want to again" >&2
        sleep 3
        exit 1
    fi
    if plays service-restarts; then
        echo "$$" >"${SNAP_COMMON}/run/${script}.pid"
    fi
    rule="${SNAP_COMMON}/data/arguments"
    if [ -e "${rule}" ]; then
        { read -r meant && read -r old && read -r new; } <"${rule}"
        count=$#
        while [ "${meant}" = "${script}" ] && [ "${count}" -gt 0 ]; do
            argument="$1"
            shift
            case "${argument}" in
                *"${old}"*) argument="${argument%%"${old}"*}${new}${argument#*"${old}"}" ;;
            esac
            set -- "$@" "${argument}"
            count=$((count - 1))
        done
    fi
    exec "$@"
}

if [ -e "${SNAP_COMMON}/data/env/ovn.env" ]; then
    . "${SNAP_COMMON}/data/env/ovn.env"
fi
