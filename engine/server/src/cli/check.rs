//! `callflow check`: the configuration, then the flows and scripts against it.

use super::{CheckArgs, Look, complain, say};
use crate::config::{Config, Faults, check_alone, load_flows};
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
    if !args.paths.is_empty() && !good.is_empty() {
        faults.list.retain(|fault| args.paths.iter().any(|path| is_within(Path::new(&*fault.path), path)));
    }
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

/// All faults, and what to call good if none is among the files asked for; nothing when the configuration itself is refused, for
/// then no flow was looked at.
fn check_all(config: &Path) -> (Faults, String) {
    let config = match Config::read(config) {
        Ok(config) => config,
        Err(faults) => return (faults, String::new()),
    };
    match load_flows(&config) {
        Ok((flows, warnings)) => {
            let connections = config.directory.connections().count();
            let numbers = config.directory.numbers().count();
            (warnings, format!("connections: {connections}, numbers: {numbers}, flows: {}", flows.names().len()))
        }
        Err(faults) => (faults, "these files; others have errors".to_owned()),
    }
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
