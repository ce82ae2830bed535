//! `callflow check`: the configuration, and the flows, scripts and tests against it.

use super::{CheckArgs, Look, complain, say};
use crate::config::{Checked, Config, Faults, check_alone, check_flows};
use notation::Format;
use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Wrong usage: a path that is not there.
const USAGE: u8 = 2;

pub(super) fn check(args: &CheckArgs) -> ExitCode {
    if let Some(missing) = args.paths.iter().find(|path| !path.exists()) {
        complain(&format!("error: there is no {}", missing.display()));
        return ExitCode::from(USAGE);
    }
    let alone = !args.paths.is_empty() && !args.file.config.exists();
    let (mut faults, good) = if alone { (check_alone(&args.paths), "these files alone".to_owned()) } else { check_all(&args.file.config) };
    if !args.paths.is_empty() {
        faults.list.retain(|fault| args.paths.iter().any(|path| is_within(Path::new(&*fault.path), path)));
    }
    // File by file, though the two sides of a name are found at different times.
    faults.list.sort_by(|a, b| (&a.path, a.span, &a.message).cmp(&(&b.path, b.span, &b.message)));
    show(&faults, args.format);
    let errors = faults.errors();
    if let Look::Text = args.format {
        let warnings = faults.list.len() - errors;
        if errors > 0 {
            complain(&format!("errors: {errors}, warnings: {warnings}"));
        } else {
            say(&format!("good: {good}, warnings: {warnings}"));
        }
    }
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All faults of all files, and what to call good if none is among the files asked for. A configuration with faults does not keep
/// its flows from being checked.
fn check_all(config: &Path) -> (Faults, String) {
    let good = "these files; others have errors".to_owned();
    match Config::inspect(config) {
        Ok(config) => {
            let Checked { faults: found, flows, tests } = check_flows(&config.outline);
            let mut faults = config.warnings;
            faults.extend(found);
            if faults.errors() > 0 {
                return (faults, good);
            }
            let connections = config.directory.connections().count();
            let numbers = config.directory.numbers().count();
            (faults, format!("connections: {connections}, numbers: {numbers}, flows: {flows}, tests: {tests}"))
        }
        Err(refused) => {
            let mut faults = refused.faults;
            faults.extend(match refused.outline {
                Some(outline) => check_flows(&outline).faults,
                None => check_alone(&standard_folders(config)),
            });
            (faults, good)
        }
    }
}

/// Where flows lie when a configuration does not say, because it cannot be read.
fn standard_folders(config: &Path) -> Vec<PathBuf> {
    let base = config.parent().unwrap_or(Path::new(""));
    ["flows", "scripts"].map(|folder| base.join(folder)).into()
}

/// Whether a file is the path or lies under it, however the two are written.
fn is_within(file: &Path, path: &Path) -> bool {
    let whole = |path: &Path| -> PathBuf { path.canonicalize().unwrap_or_else(|_| path.to_owned()) };
    whole(file).starts_with(whole(path))
}

fn show(faults: &Faults, look: Look) {
    let format = match look {
        Look::Text if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() => Format::Colour,
        Look::Text => Format::Text,
        Look::Json => Format::Json,
        Look::Github => Format::Github,
        Look::Sarif => Format::Sarif,
    };
    let text = faults.render(format);
    if !text.is_empty() {
        say(&text);
    }
}
