//! Today's journeys, one file each: a cell, and the steps that are taken from it.

use testkit::journey::Journey;

/// Registers the journeys: one line is a module, and the journeys in it.
macro_rules! journeys {
    ($($module:ident::{$($journey:ident),*},)*) => {
        $(mod $module;)*

        /// Every journey.
        pub const JOURNEYS: &[Journey] = &[$($($module::$journey),*),*];
    };
}

journeys! {
    bgp::{BGP_CONTROL_PLANE, BGP_DATA_PLANE, BGP_NO_CONFIG, BGP_NO_VRF, BGP_PEER},
    central_control::{CENTRAL_CONTROL},
    cli_ovsovn::{CLI_OVSOVN, CLI_OVSOVN_IPV6},
    contribute_code::{CONTRIBUTE_CODE},
    cuts::{CUTS},
    downscale::{DOWNSCALE},
    external_central::{EXTERNAL_CENTRAL, EXTERNAL_CENTRAL_IPV6},
    failover::{FAILOVER},
    howto_datapath_only::{HOWTO_DATAPATH_ONLY},
    howto_downscaling::{HOWTO_DOWNSCALING},
    howto_logs::{HOWTO_LOGS},
    howto_major_upgrades::{HOWTO_MAJOR_UPGRADES},
    howto_service_control::{HOWTO_SERVICE_CONTROL},
    howto_tls::{HOWTO_TLS},
    howto_underlay::{HOWTO_UNDERLAY},
    kills::{KILLS},
    lifecycle::{LIFECYCLE},
    lxd_on_top::{LXD_ON_JUMBO_FRAMES, LXD_ON_TOP},
    microcloud_grows::{MICROCLOUD_GROWS},
    outage::{OUTAGE},
    reboot::{REBOOT},
    renewal::{RENEWAL},
    replacement::{REPLACEMENT},
    scaleup::{SCALEUP, SCALEUP_IPV6},
    security_logging::{SECURITY_LOGGING},
    services::{SERVICES},
    services_off_and_on::{SERVICES_OFF_AND_ON},
    services_restart::{CUSTOM_ENCAP, IPV6_NAMED},
    set_ca::{SET_CA},
    switchstart::{SWITCHSTART},
    tls::{TLS},
    tutorial_multi_node::{TUTORIAL_MULTI_NODE},
    tutorial_single_node::{TUTORIAL_SINGLE_NODE},
    upgrade::{UPGRADE, SINGLE, OPTIONS, REVERT, DOWN, MIXED},
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use testkit::cluster::variant;
    use testkit::plan::{Plan, Segments};

    use super::*;
    use crate::options;

    #[test]
    fn every_journey_can_be_gone_from_its_own_cell() {
        let matrix = options::matrix().expect("a matrix");
        let mut names = BTreeSet::new();
        for journey in JOURNEYS {
            assert!(names.insert(journey.name), "{} is there twice", journey.name);
            let cell = matrix.cell(journey.cell).expect("a cell");
            let plan = Plan::draw_variant(&cell, options::OPTIONS, Segments::documentation(), &variant(journey));
            let stations = journey.draw(&plan.state).unwrap_or_else(|error| panic!("{error}"));
            let tests: BTreeSet<String> = stations.iter().map(|station| station.test()).collect();
            assert_eq!(tests.len(), stations.len(), "{}", journey.name);
        }
    }
}
