//! `microcloud status`, `cluster list` and `service list`, as far as they concern MicroOVN.

use crate::Result;
use crate::ask::say;
use crate::form::noted;
use crate::microovn::MicroOvn;
use crate::world::World;

pub(crate) fn members(world: &World) -> Result<()> {
    let row = |system: &crate::world::System| {
        let address = std::net::SocketAddr::new(system.address, world.port).to_string();
        vec![system.name.clone(), address, "voter".to_owned(), system.fingerprint.clone(), "ONLINE".to_owned()]
    };
    let rows = noted(world)?.iter().map(row).collect();
    print(&["NAME", "ADDRESS", "ROLE", "FINGERPRINT", "STATUS"], rows);
    Ok(())
}

pub(crate) fn services(world: &World) -> Result<()> {
    let systems = noted(world)?;
    let listed = MicroOvn::of(world).members()?;
    let text = |member: &serde_json::Value, key: &str| member[key].as_str().unwrap_or_default().to_owned();
    let row = |member: &serde_json::Value| ["name", "address", "role", "status"].map(|key| text(member, key)).into();
    say("MicroOVN:");
    print(&["NAME", "ADDRESS", "ROLE", "STATUS"], listed.as_array().into_iter().flatten().map(row).collect());
    say("MicroCloud:");
    let row = |system: &crate::world::System| {
        let address = std::net::SocketAddr::new(system.address, world.port).to_string();
        vec![system.name.clone(), address, "voter".to_owned(), "ONLINE".to_owned()]
    };
    print(&["NAME", "ADDRESS", "ROLE", "STATUS"], systems.iter().map(row).collect());
    Ok(())
}

pub(crate) fn status(world: &World) -> Result<()> {
    let systems = noted(world)?;
    let all = MicroOvn::of(world).services()?;
    let names: Vec<&str> = systems.iter().rev().map(|system| system.name.as_str()).collect();
    say(&format!("\n Status: WARNING\n\n ┃ ! MicroCeph is not found on {}\n", names.join(", ")));
    let row = |system: &crate::world::System| {
        let here = all.as_array().into_iter().flatten().filter(|it| it["location"] == system.name);
        let units: Vec<&str> = here.filter_map(|it| it["service"].as_str()).collect();
        let [none, online] = ["-", "ONLINE"].map(str::to_owned);
        vec![system.name.clone(), system.address.to_string(), none.clone(), none, units.join(","), online]
    };
    let rows = systems.iter().map(row).collect();
    print(&["Name", "Address", "OSDs", "MicroCeph Units", "MicroOVN Units", "Status"], rows);
    Ok(())
}

/// Prints a table, its headings centred.
fn print(headings: &[&str], rows: Vec<Vec<String>>) {
    let width = |n: usize| rows.iter().map(|row| row[n].len()).chain([headings[n].len()]).max().unwrap_or_default();
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let border: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
    let heading: String =
        headings.iter().zip(&widths).map(|(heading, width)| format!("| {heading:^width$} ")).collect();
    say(&format!("{border}+\n{heading}|\n{border}+"));
    for row in rows {
        let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!("| {cell:width$} ")).collect();
        say(&format!("{cells}|\n{border}+"));
    }
}
