//! Cargo, started as if by hand, also where cargo itself has started this process.

use duct::Expression;

/// A command of cargo, without what cargo sets for this process alone.
pub fn by_hand(cargo: Expression) -> Expression {
    CHILDS_OWN.into_iter().fold(cargo, |cargo, name| cargo.env_remove(name))
}

/// This host, as cargo calls it.
pub(crate) fn platform() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// What cargo sets for what it runs, such as this command and its tests. Build scripts watch some of it: what depends on
/// them would be built again whenever a build is started in the other way. `CARGO_ENCODED_RUSTFLAGS` would win over
/// `RUSTFLAGS`. See "Environment variables Cargo sets for crates" in the Cargo book.
pub const CHILDS_OWN: [&str; 21] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "OUT_DIR",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_cargo_set_for_this_test_is_handed_on() {
        let seen = |printed: String| {
            let seen = CHILDS_OWN.into_iter().filter(|name| printed.contains(&format!("{name}=")));
            seen.collect::<Vec<_>>()
        };
        let print = || duct::cmd!("env");
        assert!(seen(print().read().expect("printed")).contains(&"CARGO_MANIFEST_DIR"), "cargo runs this test");
        assert_eq!(seen(by_hand(print()).read().expect("printed")), Vec::<&str>::new());
    }
}
