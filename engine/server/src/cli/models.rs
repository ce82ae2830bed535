//! `callflow models`: what speech needs, fetched and verified.

use super::{ModelsVerb, complain, say};
use indicatif::{ProgressBar, ProgressStyle};
use speech::models::{Progress, catalogue, default_dir, install, is_installed};
use std::{path::Path, process::ExitCode, time::Duration};

/// Bytes in a megabyte as packages count them.
const MEGABYTE: u64 = 1_000_000;

pub(super) fn models(verb: ModelsVerb) -> ExitCode {
    match verb {
        ModelsVerb::Install { names, from, place } => {
            let dir = place.dir.unwrap_or_else(default_dir);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            run(&dir, &names, from.as_deref())
        }
        ModelsVerb::List { place } => {
            list(&place.dir.unwrap_or_else(default_dir));
            ExitCode::SUCCESS
        }
    }
}

fn run(dir: &Path, names: &[&str], from: Option<&Path>) -> ExitCode {
    say(&format!("models in {}", dir.display()));
    let bar = ProgressBar::no_length();
    // Both templates are literals that indicatif reads.
    let fetching = ProgressStyle::with_template("{msg:18} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let working = ProgressStyle::with_template("{msg:18} {spinner} {prefix}");
    let (fetching, working) = match (fetching, working) {
        (Ok(fetching), Ok(working)) => (fetching, working),
        _ => (ProgressStyle::default_bar(), ProgressStyle::default_spinner()),
    };
    let mut tell = |progress: Progress| match progress {
        Progress::Present { package } => bar.suspend(|| say(&format!("{package}: in place"))),
        Progress::Fetching { package, file: _, done, total } => {
            bar.disable_steady_tick();
            bar.set_style(fetching.clone());
            bar.set_message(package);
            bar.set_length(total);
            bar.set_position(done.min(total));
        }
        Progress::Verifying { package } => spin(&bar, &working, package, "verifying"),
        Progress::Converting { package } => spin(&bar, &working, package, "converting"),
        Progress::Installed { package, path } => bar.suspend(|| say(&format!("{package}: installed, {}", path.display()))),
    };
    let installed = install(dir, names, from, &mut tell);
    bar.finish_and_clear();
    match installed {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

fn spin(bar: &ProgressBar, style: &ProgressStyle, package: &'static str, what: &'static str) {
    bar.set_style(style.clone());
    bar.set_message(package);
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(100));
}

fn list(dir: &Path) {
    say(&format!("models in {}", dir.display()));
    for package in catalogue() {
        let state = if is_installed(dir, package.name) { "installed" } else { "-" };
        let size = package.download_bytes.div_ceil(MEGABYTE);
        let default = if package.is_default { "default" } else { "" };
        say(&format!("{:16} {state:10} {default:8} {size:>4} MB to fetch  {} ({})", package.name, package.what, package.licence));
    }
}
