//! Certificates that are near their end, in the place of those that MicroOVN issued.

use std::time::Duration;

use crate::lxd::Exec;

/// Replaces the certificates in the folder that is named first, of the member and for the days that come next, of the services behind
/// those, with a new key each and signed by the cluster's authority. Its key, which MicroOVN keeps in its own database, does not
/// leave the member.
const SCRIPT: &str = r#"
set -eu -o pipefail
pki=$1 name=$2 days=$3
umask 077
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
microovn cluster sql "select hex(value) as value from config where key='ca_key'" |
    perl -ne 'print pack "H*", $1 if /([0-9A-Fa-f]{64,})/' >ca.key
for stem in "${@:4}"; do
    openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-384 -subj "/O=MicroOVN/OU=$stem/CN=$name" \
        -keyout key -out request
    openssl x509 -req -in request -CA "$pki/cacert.pem" -CAkey ca.key -set_serial "0x$(openssl rand -hex 15)" \
        -days "$days" -out certificate
    cat key >"$pki/$stem-privkey.pem"
    cat certificate >"$pki/$stem-cert.pem"
done
"#;

/// The command that puts such certificates in place on the member of this name.
pub(super) fn exec(name: &str, stems: &[String], days: i32, within: Duration) -> Exec {
    let days = days.to_string();
    let words = ["bash", "-c", SCRIPT, "forge", crate::microovn::commands::PKI, name, &days];
    Exec::new(words.into_iter().chain(stems.iter().map(String::as_str))).timeout(within)
}
