//! `callflow versions`: the versions of the flow set that were in use, what was in them, and back to one of them.

use super::{ConfigFile, complain, say};
use crate::{config::Config, serve::reload::sources_of};
use clap::{Args, Subcommand, ValueEnum};
use notation::Source;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::{Component, Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use store::{FlowArchive, FlowTexts};

/// Wrong usage.
const USAGE: u8 = 2;
/// How long the server may take to check a version and take it.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Bytes of its answer that are read.
const ANSWER_BYTES_MAX: u64 = 1_024 * 1_024;

#[derive(Debug, Args)]
pub(super) struct VersionsArgs {
    #[command(subcommand)]
    verb: Option<VersionsVerb>,
    #[command(flatten)]
    file: ConfigFile,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t = Look::Text, global = true)]
    format: Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Look {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
enum VersionsVerb {
    /// Show when a version was used, and its files.
    Show {
        /// Its hash, or the beginning of it.
        hash: String,
        /// Write its files into this folder instead.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Roll back: let the running server use a version again, until flow files change.
    Use {
        /// Its hash, or the beginning of it.
        hash: String,
    },
}

/// Why nothing can be shown, and the exit code for it.
struct Stop(u8, String);

fn failed(why: impl Into<String>) -> Stop {
    Stop(1, why.into())
}

pub(super) fn versions(args: &VersionsArgs) -> ExitCode {
    let done = Config::read(&args.file.config).map_err(|faults| failed(faults.to_string())).and_then(|config| match &args.verb {
        None => list(&config, args.format),
        Some(VersionsVerb::Show { hash, into }) => show(&config, hash, into.as_deref(), args.format),
        Some(VersionsVerb::Use { hash }) => roll_back(&config, hash, args.format),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop(code, why)) => {
            complain(&format!("error: {why}"));
            ExitCode::from(code)
        }
    }
}

/// Reads the data folder, beside a server that runs or without one.
fn with_archive<T>(config: &Config, read: impl AsyncFnOnce(&mut FlowArchive) -> Result<T, store::StoreFault>) -> Result<T, Stop> {
    let data = &config.folders.data;
    let told = |fault: store::StoreFault| failed(format!("the versions in {} cannot be read: {fault}", data.display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|fault| failed(fault.to_string()))?;
    runtime.block_on(async {
        let mut archive = FlowArchive::open(data).await.map_err(told)?;
        let result = read(&mut archive).await.map_err(told);
        archive.close().await;
        result
    })
}

fn list(config: &Config, look: Look) -> Result<(), Stop> {
    let (versions, last) = with_archive(config, async |archive| Ok((archive.versions().await?, archive.last().await?)))?;
    let held = last.as_ref().and_then(|load| load.instead_of.as_deref());
    let in_use = last.as_ref().map(|load| load.hash.as_str());
    if look == Look::Json {
        let version = |version: &store::FlowVersion| {
            serde_json::json!({
                "hash": version.hash, "used_last": Some(version.hash.as_str()) == in_use, "first_loaded_at": version.first_loaded.rfc3339(),
                "loaded_at": version.loaded.rfc3339(), "by": version.by, "loads": version.loads, "bytes": version.bytes,
            })
        };
        say(&serde_json::json!({ "versions": versions.iter().map(version).collect::<Vec<_>>(), "instead_of": held }).to_string());
        return Ok(());
    }
    if versions.is_empty() {
        say("no version was in use yet");
    }
    for version in &versions {
        let mark = if Some(version.hash.as_str()) == in_use { "*" } else { " " };
        let again = if version.loads > 1 { format!(", {} times", version.loads) } else { String::new() };
        say(&format!("{mark} {}  {}  {:>6} bytes  by {}{again}", version.hash, version.loaded.rfc3339(), version.bytes, version.by));
    }
    if let Some(held) = held {
        say(&format!("the roll-back holds until flow files change; until then those on disk ({held}) stay unused"));
    }
    Ok(())
}

fn found(config: &Config, hash: &str) -> Result<FlowTexts, Stop> {
    let mut found = with_archive(config, async |archive| archive.find(hash).await)?;
    match found.len() {
        0 => Err(Stop(USAGE, format!("there is no version {hash}"))),
        1 => Ok(found.remove(0)),
        _ => Err(Stop(USAGE, format!("more than one version begins with {hash}: write more of its hash"))),
    }
}

fn show(config: &Config, hash: &str, into: Option<&Path>, look: Look) -> Result<(), Stop> {
    let version = found(config, hash)?;
    let files = sources_of(&version.texts).ok_or_else(|| failed(format!("the files of version {} cannot be read", version.hash)))?;
    if let Some(folder) = into {
        return write(&files, folder);
    }
    if look == Look::Json {
        let loads: Vec<_> = version.loads.iter().map(|load| serde_json::json!({ "at": load.at.rfc3339(), "by": load.by, "instead_of": load.instead_of })).collect();
        let files: Vec<_> = files.iter().map(|file| serde_json::json!({ "path": &*file.path, "text": &*file.text })).collect();
        say(&serde_json::json!({ "hash": version.hash, "loads": loads, "files": files }).to_string());
        return Ok(());
    }
    say(&format!("version {}", version.hash));
    for load in &version.loads {
        let instead = load.instead_of.as_ref().map(|other| format!(", instead of {other}")).unwrap_or_default();
        say(&format!("  used from {} by {}{instead}", load.at.rfc3339(), load.by));
    }
    for file in &files {
        say(&format!("\n--- {}\n{}", file.path, file.text));
    }
    Ok(())
}

/// The files by their names alone: where they lay is another machine's business.
fn write(files: &[Source], folder: &Path) -> Result<(), Stop> {
    let fault = |fault: std::io::Error| failed(format!("{}: {fault}", folder.display()));
    fs::create_dir_all(folder).map_err(fault)?;
    for file in files {
        let Some(Component::Normal(name)) = Path::new(&*file.path).components().next_back() else { continue };
        let path = folder.join(name);
        if path.exists() {
            return Err(failed(format!("{} is there already", path.display())));
        }
        fs::write(&path, &*file.text).map_err(fault)?;
        say(&path.display().to_string());
    }
    Ok(())
}

fn roll_back(config: &Config, hash: &str, look: Look) -> Result<(), Stop> {
    let version = found(config, hash)?;
    let address = config.http.listen.ok_or_else(|| failed("the server has no HTTP (`http: listen`), so it cannot be asked"))?;
    let token = config.http.tokens.first().map(|token| token.expose().as_str());
    let (status, body) = ask(here(address), token, &format!("/v1/flows/versions/{}/use", version.hash))
        .map_err(|fault| failed(format!("the server does not answer at {address}: {fault}")))?;
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    if status != 200 {
        let detail = answer["detail"].as_str().unwrap_or(&body);
        return Err(failed(format!("{status}: {detail}")));
    }
    match look {
        Look::Json => say(&answer.to_string()),
        Look::Text => say(&format!("version {} is in use until flow files change; calls under way keep theirs", version.hash)),
    }
    Ok(())
}

/// A listener of all addresses is reached at the machine's own.
fn here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// One POST without a body: all that is asked of the server, so nothing larger is needed for it.
fn ask(address: SocketAddr, token: Option<&str>, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(3))?;
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "POST {path} HTTP/1.0\r\nHost: {address}\r\n{token}Content-Length: 0\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body.to_owned()))
}
