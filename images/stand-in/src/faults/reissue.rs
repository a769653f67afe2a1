//! Faults in certificates that are issued anew. Nothing of it shows before a member is told to do so.

use std::os::unix::fs::PermissionsExt;

use crate::error::{Context, Result};
use crate::ovn::pki::{Ca, Wanted};
use crate::ovn::tools;
use crate::paths::Paths;

use super::certificates::concerns;
use super::{Fault, find_or, plays};

/// Before all flows, and of itself gone after two seconds.
const INTERRUPTION: &str = "table=0,priority=65535,hard_timeout=2,actions=drop";

/// What the new certificate of a service says as the faults leave it.
pub(crate) fn distort(paths: &Paths, service: &str, mut wanted: Wanted) -> Wanted {
    if concerns(paths, Fault::ReissueOtherName, service) {
        wanted.name.push_str("-other");
    }
    wanted
}

/// Lets all read the new key of a service, if that is to be played.
pub(crate) fn open_key(paths: &Paths, service: &str) -> Result<()> {
    if !concerns(paths, Fault::ReissueMode, service) {
        return Ok(());
    }
    let key = paths.pki().join(format!("{service}-privkey.pem"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).context(key.display())
}

/// Whether `certificates reissue` leaves a service as it is, though it says otherwise.
pub(crate) fn leaves(paths: &Paths, service: &str, one_of_all: bool) -> bool {
    plays(paths, Fault::ReissueIgnored) || one_of_all && concerns(paths, Fault::ReissueAllIncomplete, service)
}

/// Has the switch carry nothing for a moment, if that is to be played. Where it cannot be told that, it carries nothing anyway.
pub(crate) async fn interrupt(paths: &Paths) {
    if plays(paths, Fault::ReissueInterrupts) {
        let _ = tools::run(paths, "ovs-ofctl", &["add-flow", "br-int", INTERRUPTION]).await;
    }
}

/// The authority of `certificates regenerate-ca`; `None` when it does nothing and says otherwise.
pub(crate) fn regenerated(paths: &Paths, new: Ca, old: &Ca) -> Option<Ca> {
    let auto_renew = if plays(paths, Fault::CaRenewalStaysOff) { old.auto_renew } else { new.auto_renew };
    (!plays(paths, Fault::CaKept)).then_some(Ca { auto_renew, ..new })
}

/// Whether `certificates set-ca` does nothing and says otherwise.
pub(crate) fn ignores_user(paths: &Paths) -> bool {
    plays(paths, Fault::SetCaIgnored)
}

/// The authority of `certificates set-ca`, as the faults leave it.
pub(crate) fn provided(paths: &Paths, ca: Ca) -> Ca {
    Ca { auto_renew: ca.auto_renew || plays(paths, Fault::SetCaRenewed), ..ca }
}

/// Whether `certificates set-ca` says that it took what it refuses.
pub(crate) fn takes_anything(paths: &Paths) -> bool {
    plays(paths, Fault::SetCaUnchecked)
}

/// The member that a new authority does not reach, if there is to be one.
pub(crate) fn left_out(paths: &Paths, last: &str) -> Option<String> {
    find_or(paths, Fault::CaNotEverywhere, last)
}

/// Whether a new authority leaves the services' certificates as they are.
pub(crate) fn spares_services(paths: &Paths) -> bool {
    plays(paths, Fault::CaWithoutServices)
}

#[cfg(test)]
mod tests {
    use super::super::tests::playing;
    use super::*;

    #[test]
    fn each_fault_concerns_what_it_names() {
        let (_dir, paths) = playing("reissue-all-incomplete client\nreissue-other-name ovnnb\nca-not-everywhere");
        assert!(leaves(&paths, "client", true) && !leaves(&paths, "client", false) && !leaves(&paths, "ovnnb", true));
        let wanted = |name: &str| Wanted { unit: "ovnnb".to_owned(), name: name.to_owned(), days: 1, days_ago: 0 };
        assert_eq!(distort(&paths, "ovnnb", wanted("a")), wanted("a-other"));
        assert_eq!(distort(&paths, "ovnsb", wanted("a")), wanted("a"));
        assert_eq!(left_out(&paths, "real-4").as_deref(), Some("real-4"));

        let (_dir, paths) = playing("ca-not-everywhere real-2\nreissue-ignored");
        assert_eq!(left_out(&paths, "real-4").as_deref(), Some("real-2"));
        assert!(leaves(&paths, "client", false));
    }

    #[test]
    fn renewal_goes_on_again_unless_it_is_to_stay_off() {
        let (new, old) = (Ca { auto_renew: true, ..Ca::default() }, Ca::default());
        let renewal = |faults: &str| {
            let (_dir, paths) = playing(faults);
            regenerated(&paths, new.clone(), &old).map(|ca| ca.auto_renew)
        };
        assert_eq!((renewal(""), renewal("ca-renewal-stays-off"), renewal("ca-kept")), (Some(true), Some(false), None));
    }
}
