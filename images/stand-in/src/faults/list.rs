//! Every fault: its name in the file, and what it does.

macro_rules! faults {
    ($($(#[$about:meta])+ $variant:ident = $name:literal,)+) => {
        /// A way to misbehave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$about])+ $variant,)+
        }

        impl Fault {
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name of the fault in the file.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

faults! {
    // The encapsulation address.

    /// A joining member forgets its custom encapsulation address and uses its cluster address.
    EncapIgnoredOnJoin = "encap-ignored-on-join",
    /// A bootstrapping member forgets its custom encapsulation address and uses its cluster address.
    EncapIgnoredOnBootstrap = "encap-ignored-on-bootstrap",
    /// The encapsulation address is replaced by the value; without one, the last digit of the address is doubled
    /// (10.0.0.2 becomes 10.0.0.22), which a substring check does not notice.
    EncapOther = "encap-other",
    /// The encapsulation address is the value, a peer's; without one, the address next to the own one: before it, and
    /// on the member that bootstraps behind it.
    EncapOfPeer = "encap-of-peer",
    /// The encapsulation address is the value, or one of this host that is of the other family.
    EncapWrongFamily = "encap-wrong-family",
    /// The encapsulation address lacks its last character, which a substring check does not notice either.
    EncapTruncated = "encap-truncated",
    /// The host name stands in place of the encapsulation address.
    EncapHostname = "encap-hostname",
    /// The encapsulation address is stored in brackets.
    EncapInBrackets = "encap-in-brackets",
    /// The encapsulation address is stored with a mask; the value is the mask, `/24` otherwise.
    EncapWithMask = "encap-with-mask",
    /// The encapsulation address is set only after as many seconds as the value says, 60 otherwise.
    EncapLate = "encap-late",
    /// The encapsulation address is right in Open_vSwitch, and another one (the value) in the Southbound.
    EncapNotInSouthbound = "encap-not-in-southbound",
    /// The encapsulation address is right in the Southbound, and another one (the value) in Open_vSwitch.
    EncapOnlyInSouthbound = "encap-only-in-southbound",
    /// The chassis has two Encap rows, the second one to the value.
    EncapTwoRows = "encap-two-rows",
    /// The Southbound holds the Chassis and the Encap row of a chassis that is no more; the value is its address.
    EncapStaleRow = "encap-stale-row",
    /// The tunnel type is VXLAN.
    EncapTypeVxlan = "encap-type-vxlan",
    /// The Encap row is right at first; as many seconds after the chassis has registered as the value says, 3 otherwise,
    /// it has an address that nobody has.
    EncapRegresses = "encap-regresses",
    /// Tunnels are without checksums.
    EncapCsumOff = "encap-csum-off",
    /// Whoever asks Open vSwitch for nothing but the encapsulation address is told the value, or the member's cluster address.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    EncapToldOther = "encap-told-other",

    // The chassis and its tunnels.

    /// The chassis has another name: the value, or the member's with `-renamed` behind it.
    ChassisRenamed = "chassis-renamed",
    /// The chassis has another host name in the Southbound: the value, `localhost` otherwise.
    ChassisHostname = "chassis-hostname",
    /// The host has a second Chassis row, under another name.
    ChassisDuplicated = "chassis-duplicated",
    /// The chassis never registers, though ovn-controller runs.
    ChassisMissing = "chassis-missing",
    /// The chassis registers, and as many seconds later as the value says, 3 otherwise, it is gone.
    ChassisLeaves = "chassis-leaves",
    /// The switch is restarted once the chassis has registered, and whenever it starts it is called as the host.
    SystemIdHostname = "system-id-hostname",
    /// A tunnel ends at the value instead of at the peer, and stays that way.
    TunnelWrongPeer = "tunnel-wrong-peer",
    /// There is a tunnel more, to the value.
    TunnelExtra = "tunnel-extra",
    /// The member makes no tunnels.
    TunnelMissing = "tunnel-missing",

    // The databases, and who knows of them.

    /// A member's databases form clusters of their own instead of joining the others.
    RaftAlone = "raft-alone",
    /// Only the Northbound forms a cluster of its own.
    NbAlone = "nb-alone",
    /// Only the Southbound forms a cluster of its own.
    SbAlone = "sb-alone",
    /// A member keeps naming only the central members it knew when it was formed: its environment, ovn-controller
    /// and ovn-northd alike.
    EnvNotUpdated = "env-not-updated",
    /// The environment names a central at the value, where there is none.
    EnvExtraCentral = "env-extra-central",
    /// Only ovn-controller keeps naming the central members it knew when it was formed.
    RemoteNotUpdated = "remote-not-updated",
    /// ovn-controller is never told of the last central member.
    RemoteMissingCentral = "remote-missing-central",
    /// Only ovn-northd keeps naming the central members it knew when it was started.
    NorthdNotUpdated = "northd-not-updated",

    // Services.

    /// A member enables a service more than it was told to; the value is the service, `central` otherwise.
    ServicesExtra = "services-extra",
    /// The choice of services is ignored: MicroOVN decides.
    ServicesIgnored = "services-ignored",
    /// A member is formed without one of its services; the value is the snap service, `chassis` otherwise.
    ServiceNotStarted = "service-not-started",
    /// A service is enabled and does not run; the value is the snap service, `chassis` otherwise.
    ServiceDead = "service-dead",
    /// The plug that is the value (`hardware-observe` otherwise) is disconnected when the member is formed.
    PlugUnconnected = "plug-unconnected",

    /// A service is killed once its member is formed, so that systemd starts it again; the value is the snap service,
    /// `chassis` or `ovn-northd`, the first otherwise.
    ServiceRestarts = "service-restarts",
    /// A service that cannot run is started until systemd gives it up; the value is the snap service, `bird` otherwise.
    ServiceFails = "service-fails",

    // What the daemon says.

    /// The daemon says the value once its member is formed; a panic of Go's otherwise.
    JournalSays = "journal-says",
    /// The daemon says the same over and over for ten seconds; the value is how often a second, 1000 otherwise.
    JournalFloods = "journal-floods",

    // What ends while a member is formed, and says why in the journal only.

    /// The daemon ends as a Go program that panics, and prints what Go prints; the value is the reason, a nil pointer
    /// otherwise.
    DaemonPanics = "daemon-panics",
    /// The member's own address lacks its brackets in the environment, so that the databases refuse an IPv6 address.
    AddressUnbracketed = "address-unbracketed",
    /// The environment ends in the middle of a value, so that every service that reads it ends.
    EnvCutOff = "env-cut-off",

    // Members.

    /// Members are reported unreachable; the value is one member's name, all members otherwise.
    MemberNotOnline = "member-not-online",
    /// A member is not listed; the value is its name, the last one otherwise.
    MemberNotListed = "member-not-listed",
    /// A member is listed at an address nobody has; the value is its name, the last one otherwise.
    MemberAddressOther = "member-address-other",
    /// A member joins, says so, and leaves.
    JoinThenLeaves = "join-then-leaves",
    /// The name of the member is ignored: it gets the host's.
    NameIgnored = "name-ignored",
    /// The CA that is provided is ignored: MicroOVN makes its own.
    CaIgnored = "ca-ignored",

    // Keys and certificates. The value is the stem of a service's files, `ovn-northd` otherwise.

    /// The certificate of a service names another member.
    CertOtherName = "cert-other-name",
    /// The certificate of a service names another service.
    CertOtherUnit = "cert-other-unit",
    /// The certificate of a service is valid for one year, not two.
    CertShort = "cert-short",
    /// The certificate of a service is valid since a month ago.
    CertBackdated = "cert-backdated",
    /// The key of a service is not that of its certificate.
    CertOtherKey = "cert-other-key",
    /// Another authority of the same name signed the certificate of a service.
    CertOtherCa = "cert-other-ca",
    /// All may read a file; the value is its name, `ovn-northd-privkey.pem` otherwise.
    CertMode = "cert-mode",
    /// The CA that MicroOVN makes is valid for one year, not ten.
    CaShort = "ca-short",
    /// `certificates list` says of the CA's renewal what is not so.
    CertListRenewal = "cert-list-renewal",
    /// `certificates list` does not know a service that is enabled.
    CertListMissing = "cert-list-missing",

    // Certificates that are issued anew. Of those that concern one service the value is the stem of its files,
    // `ovn-northd` otherwise.

    /// `certificates reissue` says that it did, and changes nothing.
    ReissueIgnored = "reissue-ignored",
    /// `certificates reissue all` leaves out a service, and says otherwise.
    ReissueAllIncomplete = "reissue-all-incomplete",
    /// The new certificate of a service names another member.
    ReissueOtherName = "reissue-other-name",
    /// All may read the new key of a service.
    ReissueMode = "reissue-mode",
    /// The switch drops everything for two seconds when a certificate is issued anew.
    ReissueInterrupts = "reissue-interrupts",
    /// `certificates regenerate-ca` says that it did, and the authority stays.
    CaKept = "ca-kept",
    /// A new authority does not reach a member; the value is its name, the last one otherwise.
    CaNotEverywhere = "ca-not-everywhere",
    /// Under a new authority the services keep the certificates of the old one.
    CaWithoutServices = "ca-without-services",
    /// `certificates regenerate-ca` does not turn the renewal on that `set-ca` has turned off.
    CaRenewalStaysOff = "ca-renewal-stays-off",
    /// `certificates set-ca` says that it did, and the authority stays.
    SetCaIgnored = "set-ca-ignored",
    /// `certificates set-ca` leaves the renewal of the authority on.
    SetCaRenewed = "set-ca-renewed",
    /// `certificates set-ca` says that it took what cannot be used.
    SetCaUnchecked = "set-ca-unchecked",

    // Certificates near their end. Of those that concern one service the value is the stem of its files.
    /// The run of every day says that it renewed a certificate, and leaves it as it is.
    RenewalIgnored = "renewal-ignored",
    /// The run of every day renews the authority of a user, and says otherwise.
    UserCaRenewed = "user-ca-renewed",
    /// The daemon renews nothing when it starts.
    StartRenewsNothing = "start-renews-nothing",

    // Daemons.

    /// A daemon is started with an argument that is not the right one: `SCRIPT OLD => NEW`.
    DaemonArgument = "daemon-argument",
    /// The election timer of a database is another one; the value is `nb` or `sb` and milliseconds, `sb 10000`
    /// otherwise.
    ElectionTimer = "election-timer",

    // The life of a cluster: nothing happens before the act that is named.

    // Members that leave, and that come back.

    /// A member that leaves, or whose chassis is disabled, does not take its Chassis row along.
    RemovedChassisStays = "removed-chassis-stays",
    /// The Encap row of a member that was removed stays, under a chassis of another name: the member's with `-left`
    /// behind it.
    RemovedEncapStays = "removed-encap-stays",
    /// The member that was asked to remove another one has a tunnel to it ever after.
    RemovedTunnelStays = "removed-tunnel-stays",
    /// A member that was removed stays in the list, unreachable.
    RemovedStillListed = "removed-still-listed",
    /// What a removed member had is deleted, not kept as a backup.
    RemovedWithoutBackup = "removed-without-backup",
    /// The Chassis row of a dead member that is removed by force stays. MicroOVN does so.
    ForceLeavesChassis = "force-leaves-chassis",
    /// The RAFT servers of a dead member that is removed by force stay in the clusters. MicroOVN does so.
    ForceLeavesRaft = "force-leaves-raft",
    /// A member that joins again gets no central, even where fewer than three have it.
    RejoinWithoutCentral = "rejoin-without-central",
    /// A member that joins again gets its cluster address for tunnels, whatever it was given.
    RejoinEncapIgnored = "rejoin-encap-ignored",
    /// ovn-northd is down after a member has joined later: one that was a member before, or at least the one that the
    /// value counts, the fifth otherwise. MicroOVN does so after several at once.
    JoinStopsNorthd = "join-stops-northd",
    /// ovn-controller restarts when a member joins later.
    JoinRestartsController = "join-restarts-controller",

    // Services that are enabled and disabled.

    /// `enable` says that it is done and does nothing.
    EnableDoesNothing = "enable-does-nothing",
    /// `disable` says that it is done and does nothing.
    DisableDoesNothing = "disable-does-nothing",
    /// A service that is disabled is no longer listed, and runs on.
    DisableNotStopped = "disable-not-stopped",
    /// The last central is disabled without a word.
    LastCentralNotRefused = "last-central-not-refused",
    /// `--node` acts on another member: the value, or the first one where there is something to do.
    NodeOther = "node-other",
    /// A central that is enabled starts databases of its own.
    EnableAlone = "enable-alone",
    /// The databases of a central that is disabled stay where they are.
    DatabaseStays = "database-stays",
    /// The databases of a central that is disabled are deleted, not kept as a backup.
    DatabaseDeleted = "database-deleted",
    /// The Northbound's server of a central that departs, or that is removed by force, stays in its cluster.
    RaftLeftNb = "raft-left-nb",
    /// The Southbound's server does.
    RaftLeftSb = "raft-left-sb",
    /// A central that has departed stays in the environment of the member.
    EnvKeepsCentral = "env-keeps-central",
    /// A central that has departed stays in what ovn-controller is told.
    RemoteKeepsCentral = "remote-keeps-central",
    /// A central that has departed stays in what ovn-northd is told.
    NorthdKeepsCentral = "northd-keeps-central",

    // Restarts and reboots.

    /// When the switch starts again, it is called as the host. MicroOVN does so.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    SwitchRestartRenames = "switch-restart-renames",
    /// When the switch starts again, the encapsulation address is gone.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    SwitchRestartLosesEncapIp = "switch-restart-loses-encap-ip",
    /// When the switch starts again, the tunnel type is gone.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    SwitchRestartLosesEncapType = "switch-restart-loses-encap-type",
    /// A service that was off is on when the daemon has started again; the value is the snap service, `chassis`
    /// otherwise.
    RestartEnables = "restart-enables",
    /// A service that was on is off when the daemon has started again; the value is the snap service, `chassis`
    /// otherwise.
    RestartDisables = "restart-disables",
    /// A service that is started a second time ends after three seconds, over and over; the value is the snap service,
    /// `chassis` otherwise.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RestartLoops = "restart-loops",
    /// A member whose daemon has started again is unreachable for the others.
    RestartOffline = "restart-offline",

    // Links.

    /// A member whose link is lost, whichever it is, has its tunnels at its cluster address from then on.
    LinkLostMovesEncap = "link-lost-moves-encap",

    // What carries packets, from when a port with a logical port is added.

    /// What comes from one peer is dropped.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsDropped = "packets-dropped",
    /// What an endpoint sends to the other network goes over that network.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsCross = "packets-cross",
    /// The NICs take a byte less.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsTooShort = "packets-too-short",
    /// Packets to the port of Geneve leave by the NIC of the management network, too.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsOnManagement = "packets-on-management",
    /// Of a hundred packets to other members one is dropped.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsLost = "packets-lost",
    /// Packets to other members leave without a checksum.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsUnchecked = "packets-unchecked",
    /// Packets to other members leave for another address, at which they listen, too.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    PacketsDetoured = "packets-detoured",
    /// A router has one gateway, whoever else is named.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    GatewayStays = "gateway-stays",

    // Commands.

    /// A command of the snap says nothing and ends well; the value is its name, `ovn-trace` otherwise, and a word that it must be
    /// given for that.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    CommandSilent = "command-silent",
    /// A command of the snap fails; the value is as that of `command-silent`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    CommandFails = "command-fails",
    /// The wrong number of arguments is an error, and the exit code is 0.
    MisuseExitZero = "misuse-exit-zero",
    /// `waitready` waits for nothing.
    WaitreadyAtOnce = "waitready-at-once",

    // What an operator does to daemons by hand.

    /// A daemon that is told to debug says yes, and does not.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    DebugIgnored = "debug-ignored",
    /// A database server that is told to leave its cluster says yes, and stays.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RaftLeaveIgnored = "raft-leave-ignored",
    /// A database that is made to join a cluster by TLS does so in the clear.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RaftJoinsInClear = "raft-joins-in-clear",
    /// A database server that is given another election timer says yes, and keeps its own.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    ElectionTimerIgnored = "election-timer-ignored",
    /// A database server that refuses an election timer says yes.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    ElectionTimerUnchecked = "election-timer-unchecked",

    // The security log.

    /// It does not say that the daemon starts.
    SecurityLogIncomplete = "security-log-incomplete",
    /// It stays on, whatever the snap was told.
    SecurityLogStays = "security-log-stays",
    /// The snap takes any value for it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    SecurityLogUnchecked = "security-log-unchecked",

    // The configuration.

    /// Any text is taken for the addresses of centrals elsewhere.
    CentralIpsUnchecked = "central-ips-unchecked",
    /// What is set for the addresses of centrals elsewhere is forgotten where the cluster has none of its own.
    CentralIpsNeedCentral = "central-ips-need-central",
    /// A member without a central in its cluster does not hear of centrals elsewhere.
    CentralIpsNotHeard = "central-ips-not-heard",
    /// What is set for the addresses of centrals elsewhere is forgotten.
    CentralIpsForgotten = "central-ips-forgotten",

    // BGP.

    /// It takes any configuration.
    BgpUnchecked = "bgp-unchecked",
    /// OVN tells the router only of addresses of this kind, `nat` or `lb`; of translations where nothing is said.
    BgpTellsOf = "bgp-tells-of",
    /// OVN learns nothing of the router.
    BgpLearnsNothing = "bgp-learns-nothing",
    /// Pings by this protocol, `icmp` or `icmp6`, that come by the networks of BGP are dropped; those of IPv4 where nothing is said.
    BgpDrops = "bgp-drops",
    /// It is disabled, and an error is said of it. MicroOVN does so.
    BgpDisableFails = "bgp-disable-fails",

    // The snap itself.

    /// A process of the snap goes on when the snap is removed.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RemoveLeavesProcess = "remove-leaves-process",
    /// The device of its datapath stays then.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RemoveLeavesDatapath = "remove-leaves-datapath",
    /// The switch does not start where there is no member yet.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    SwitchNeedsCluster = "switch-needs-cluster",
    /// A member whose switch ran before it entered is not told what makes a chassis of it.
    SwitchFirstForgotten = "switch-first-forgotten",

    // Upgrades.

    /// The fault that is the value is played from the first refresh of the snap on, and not before.
    #[cfg_attr(not(test), expect(dead_code, reason = "a hook of the snap plays it"))]
    Refreshed = "refreshed",
    /// A member that is refreshed gives both databases its schemas without waiting for the others.
    SchemaTooEarly = "schema-too-early",
    /// The database that the value names (`nb` or `sb`, `sb` otherwise) keeps its schema when all members want another; the first
    /// central plays it.
    SchemaLeftOut = "schema-left-out",
    /// `status` says that all is well with the schemas whatever the members want, on this node.
    StatusContent = "status-content",
    /// When the switch's database gets the schema of another release, the encapsulation address is gone.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RefreshLosesEncap = "refresh-loses-encap",
    /// A switch that cannot read its database after a revert begins with an empty one.
    #[cfg_attr(not(test), expect(dead_code, reason = "the scripts of the snap play it"))]
    RevertEmptiesSwitch = "revert-empties-switch",

    // Join tokens.

    /// Tokens that are given out have a wrong secret.
    TokenGarbled = "token-garbled",
    /// Tokens that are given out are for another name.
    TokenWrongName = "token-wrong-name",
    /// An empty line stands where the token should be.
    TokenNotPrinted = "token-not-printed",

    // The dialog.

    /// The dialog asks a question nobody knows; the value is its text.
    ExtraQuestion = "extra-question",
    /// A question of the dialog has another text: `old => new`.
    QuestionReworded = "question-reworded",
    /// The encapsulation address is asked for before the services.
    QuestionReordered = "question-reordered",
    /// Questions with the value in them are asked twice, and the second answer counts; without a value, the one
    /// whether there is a custom encapsulation address.
    QuestionRepeated = "question-repeated",
    /// A question with the value in it is printed over and over; without a value, the one whether there is a custom
    /// encapsulation address.
    PromptEndless = "prompt-endless",
    /// The dialog echoes other text than was typed: without its last character.
    EchoWrong = "echo-wrong",
    /// The dialog takes the custom encapsulation address and forgets it.
    AnswerLost = "answer-lost",
    /// The dialog of 24.03: it asks neither for services nor for a CA.
    OlderDialog = "older-dialog",
    /// `init` stops for the given number of seconds (3600 otherwise) before it calls the daemon.
    InitHangs = "init-hangs",
    /// `init` ends in an error after the last question; the value is its text.
    InitFails = "init-fails",
    /// `init` ends in an error after the last question, and its exit code is 0; the value is the error's text.
    InitExitZero = "init-exit-zero",
    /// `init` does everything, and its exit code is 1.
    InitExitOne = "init-exit-one",
    /// `init` reports success although it did nothing.
    InitDoesNothing = "init-does-nothing",

    // The REST API.

    /// The `config` of a request that does not come from the `microovn` command is ignored.
    RestConfigIgnored = "rest-config-ignored",
    /// The extension for custom encapsulation addresses is not there, and they are ignored, whoever asks.
    OlderRest = "older-rest",

    // What is no fault, but a build.

    /// MicroOVN is built to count its own code, and every daemon leaves what it counted when it ends.
    Counts = "counts",

    // Another release.

    /// Another release is played as a whole: the value, 24.03 otherwise.
    PlaysRelease = "plays-release",
}
