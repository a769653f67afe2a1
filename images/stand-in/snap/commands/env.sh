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

if [ -e "${SNAP_COMMON}/data/env/ovn.env" ]; then
    . "${SNAP_COMMON}/data/env/ovn.env"
fi
