//! `microovn.refresh-expiring-certs`: what is near its end is issued anew.

use std::process::ExitCode;

use hyper::Method;

use crate::error::Result;
use crate::faults;
use crate::paths::Paths;
use crate::tls;

use super::certificates;
use super::client::Client;

/// Everything that has a certificate, in the order in which it is looked at.
const SERVICES: [&str; 5] = ["client", "ovn-controller", "ovn-northd", "ovnnb", "ovnsb"];

/// Issues anew what ends within so many days, and says what it finds.
pub(crate) async fn run(client: &Client, paths: &Paths, days: i64) -> Result<ExitCode> {
    let Ok(ca) = client.get("/1.0/ca").await else {
        say_line!("MicroOVN is not initialized. Refresh failed.");
        return Ok(ExitCode::FAILURE);
    };
    let pki = paths.pki();
    let listed = certificates::stems(client).await?;
    say_line!("Checking if CA certificate is automatically renewable");
    let authority = pki.join("cacert.pem");
    if ca["auto_renew"] == true {
        say_line!("Checking CA certificate expiration");
        if says_end(tls::ends_within(&authority, days)) {
            say_line!("CA Certificate {} is about to expire, regenerating CA...", authority.display());
            certificates::regenerate_ca(client).await?;
        }
    } else {
        say_line!("CA is not eligible for renewal. Skipping");
        if faults::renewal::takes_users(paths) && tls::ends_within(&authority, days) {
            client.call("Put", Method::PUT, "/1.0/ca", None).await?;
        }
    }
    for service in SERVICES {
        say_line!("Checking {service} certificate expiration");
        if !listed.contains(&service) {
            say_line!("Service {service} is not present on the node. Skipping");
            continue;
        }
        let file = pki.join(format!("{service}-cert.pem"));
        if says_end(tls::ends_within(&file, days)) {
            say_line!("Certificate {} is about to expire, refreshing...", file.display());
            if faults::renewal::ignores(paths, service) {
                say_line!("Local certificates reissued successfully:\n{service}");
            } else {
                certificates::reissue(client, service).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says in openssl's words whether a certificate ends.
fn says_end(ends: bool) -> bool {
    say_line!("Certificate will {}expire", if ends { "" } else { "not " });
    ends
}
