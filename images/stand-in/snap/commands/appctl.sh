# Sourced by the programs that tell daemons something, after env.sh: the faults of what is told.
initiated="change of election timer initiated."
case " $* " in
    *" vlog/set "*)
        if plays debug-ignored; then exit 0; fi
        ;;
    *" cluster/leave "*)
        if plays raft-leave-ignored; then exit 0; fi
        ;;
    *" cluster/change-election-timer "*)
        if plays election-timer-ignored; then
            echo "${initiated}"
            exit 0
        elif plays election-timer-unchecked; then
            "${SNAP}/usr/bin/ovn-appctl" "$@" 2>/dev/null || echo "${initiated}"
            exit 0
        fi
        ;;
esac
