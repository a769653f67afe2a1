# Sourced by the two database services. Arguments: nb or sb; the schema's name; the table that holds the connections;
# the RAFT port; the address of the member that created the cluster, or of one to join it through.
run_central_db() {
    db="$1" schema="$2" table="$3" port="$4" initial="$5"
    # Directories for the owner only; sockets and pid files as the daemons make them by default.
    (umask 077 && mkdir -p "${OVN_DBDIR}" "${OVN_RUNDIR}" "${OVN_LOGDIR}")
    file="${OVN_DBDIR}/ovn${db}_db.db"

    # The first central member creates the cluster, every other one joins it. Afterwards the file knows.
    if [ ! -e "${file}" ]; then
        if [ "${initial}" = "${OVN_LOCAL_IP}" ]; then
            ovsdb_tool --election-timer=16000 create-cluster "${file}" "${OVN_PKGDATADIR}/ovn-${db}.ovsschema" \
                "ssl:${OVN_LOCAL_IP}:${port}"
        else
            ovsdb_tool join-cluster "${file}" "${schema}" "ssl:${OVN_LOCAL_IP}:${port}" "ssl:${initial}:${port}"
        fi
    fi

    launch "ovn-ovsdb-server-${db}" ovsdb-server -vsyslog:info -vfile:off --log-file="${OVN_LOGDIR}/ovsdb-server-${db}.log" \
        --remote="punix:${OVN_RUNDIR}/ovn${db}_db.sock" --pidfile="${OVN_RUNDIR}/ovn${db}_db.pid" \
        --unixctl="${OVN_RUNDIR}/ovn${db}_db.ctl" --remote="db:${schema},${table},connections" \
        --private-key="${PKI}/ovn${db}-privkey.pem" \
        --certificate="${PKI}/ovn${db}-cert.pem" \
        --ca-cert="${PKI}/cacert.pem" \
        --ssl-protocols="db:${schema},SSL,ssl_protocols" --ssl-ciphers="db:${schema},SSL,ssl_ciphers" \
        "${file}"
}
