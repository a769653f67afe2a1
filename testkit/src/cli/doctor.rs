//! What this host is like, and what would have to be mended.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::output::{self, Format, complain};
use super::{Failure, host as preparation};
use crate::config::Config;
use crate::host::{self, Finding, Level};

/// What to do about what is found.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// First do what `testkit setup` does.
    #[arg(long)]
    fix: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Looks at host and LXD. Exit code 2 where suites cannot run.
pub(super) async fn doctor(config: &Config, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if args.fix {
        complain!("{}", preparation::prepare(config).await?);
    }
    let findings = host::examine(config).await;
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&findings).map_err(Failure::usage)?,
        Format::Table => table(&findings),
    };
    output::show(&text)?;
    let bad = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if bad { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn table(findings: &[Finding]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for Finding { what, level, seen, mend } in findings {
        let (word, color) = match level {
            Level::Ok => ("ok", AnsiColor::Green),
            Level::Warn => ("warn", AnsiColor::Yellow),
            Level::Fail => ("FAIL", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(color.into()));
        let text = match mend {
            Some(mend) => format!("{seen}\n→ {mend}"),
            None => seen.clone(),
        };
        table.add_row([format!("{style}{word}{style:#}"), (*what).to_owned(), text]);
    }
    table.to_string()
}
