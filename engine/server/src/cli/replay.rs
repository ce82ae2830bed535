//! `callflow replay`: a kept call is run again, through its own flows or through changed ones.

use super::{complain, say};
use crate::{
    config::{Config, Faults, load_flows, load_with_hours},
    serve::{clock, keeper::ENDING},
};
use bundle::{Bundle, Difference, Flows, Scope, limits::FILE_BYTES_MAX};
use clap::{Args, ValueEnum};
use flow::FlowSet;
use std::{
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

/// Wrong usage.
const USAGE: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Bundles, or folders of them.
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// Changed flows: a folder of them, or a configuration file.
    #[arg(long, value_name = "PATH")]
    with: Option<PathBuf>,
    /// Show what happened in the call, as the bundle has it.
    #[arg(long)]
    show: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t = Look::Text)]
    format: Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Look {
    /// For people.
    Text,
    /// One JSON object a bundle, each in a line.
    Json,
}

/// What came of one bundle.
enum Came {
    Same(Box<Bundle>),
    Different(Box<Bundle>, Difference),
    /// It cannot be run: why.
    Not(String),
}

pub(super) fn replay(args: ReplayArgs) -> ExitCode {
    for path in args.bundles.iter().chain(&args.with) {
        if !path.exists() {
            complain(&format!("error: there is no {}", path.display()));
            return ExitCode::from(USAGE);
        }
    }
    // Scripts run on this stack.
    let work = thread::Builder::new().name("replay".to_owned()).stack_size(flow::limits::SCRIPT_STACK).spawn(move || run(&args));
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) | Err(_) => {
            complain("error: the call could not be run");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &ReplayArgs) -> ExitCode {
    let files = match files(&args.bundles) {
        Ok(files) if files.is_empty() => {
            complain(&format!("error: there is no *.{ENDING} there"));
            return ExitCode::from(USAGE);
        }
        Ok(files) => files,
        Err(why) => {
            complain(&format!("error: {why}"));
            return ExitCode::FAILURE;
        }
    };
    let mut shop = Shop::default();
    let mut all_same = true;
    for file in &files {
        let came = one(file, args, &mut shop).unwrap_or_else(Came::Not);
        all_same &= matches!(came, Came::Same(_));
        match args.format {
            Look::Text => show(file, &came, args),
            Look::Json => say(&json(file, &came, args)),
        }
    }
    if all_same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The bundles among files and in folders, by path.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let listed = fs::read_dir(path).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>());
        let mut listed = listed.map_err(|fault| format!("{}: {fault}", path.display()))?;
        listed.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        listed.sort();
        files.extend(listed);
    }
    Ok(files)
}

/// Flows that were made before: many bundles have the same.
#[derive(Default)]
struct Shop {
    last: Option<(Flows, FlowSet)>,
    changed: Option<FlowSet>,
}

impl Shop {
    fn own(&mut self, flows: Flows) -> Result<FlowSet, String> {
        if let Some((_, set)) = self.last.as_ref().filter(|(known, _)| *known == flows) {
            return Ok(set.clone());
        }
        let sources = |files: &[bundle::File]| files.iter().map(|file| notation::Source::new(file.path.as_str(), file.text.as_str())).collect();
        let shown = |list| Faults { list, sources: flows.files.as_deref().map(sources).unwrap_or_default() }.to_string();
        let set = flows.load().ok_or("it does not have its flows")?.map_err(|list| format!("its flows have faults:\n{}", shown(list)))?;
        self.last = Some((flows, set.clone()));
        Ok(set)
    }

    fn changed(&mut self, path: &Path, hours: &serde_json::Value) -> Result<FlowSet, String> {
        if let Some(set) = &self.changed {
            return Ok(set.clone());
        }
        let file = if path.is_dir() { path.join("callflow.yaml") } else { path.to_owned() };
        let set = if file.is_file() {
            let config = Config::read(&file).map_err(|faults| faults.to_string())?;
            load_flows(&config).map_err(|faults| faults.to_string())?.0
        } else {
            let folders = [path.to_owned(), path.join("flows"), path.join("scripts")];
            load_with_hours(&folders, hours.clone()).map_err(|faults| faults.to_string())?
        };
        self.changed = Some(set.clone());
        Ok(set)
    }
}

fn one(file: &Path, args: &ReplayArgs, shop: &mut Shop) -> Result<Came, String> {
    let bundle = Bundle::read(&text_of(file)?).map_err(|broken| broken.to_string())?;
    let (flows, scope) = match &args.with {
        Some(path) => (shop.changed(path, &bundle.flows.hours)?, Scope::Flow),
        None => (shop.own(flows_of(&bundle, file)?)?, Scope::Everything),
    };
    let now = call::replay(&bundle, flows, clock::now().at).map_err(|why| why.to_string())?;
    Ok(match bundle.trace().first_difference(&now, scope) {
        None => Came::Same(Box::new(bundle)),
        Some(difference) => Came::Different(Box::new(bundle), difference),
    })
}

fn text_of(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text)).map_err(|fault| fault.to_string())?;
    Ok(text)
}

/// The flows in the bundle, or those beside it.
fn flows_of(bundle: &Bundle, file: &Path) -> Result<Flows, String> {
    let Some(beside) = bundle.flows.beside.as_deref().filter(|_| bundle.flows.files.is_none()) else { return Ok(bundle.flows.clone()) };
    let name = Path::new(beside);
    if !matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
        return Err(format!("{beside:?} is no name of a file beside it"));
    }
    let path = file.parent().unwrap_or(Path::new("")).join(name);
    let text = text_of(&path).map_err(|why| format!("its flows lie in {}: {why}", path.display()))?;
    serde_json::from_str(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn show(file: &Path, came: &Came, args: &ReplayArgs) {
    if let (true, Came::Same(bundle) | Came::Different(bundle, _)) = (args.show, came) {
        let field = |name: &str| bundle.record_text(name);
        let version = &bundle.head.version;
        say(&format!(
            "call {} of {}\nfrom {} to {}, flow {} of version {version}, status {}: {}\n",
            bundle.head.call,
            bundle.head.began.rfc3339(),
            field("from"),
            field("to"),
            bundle.head.plan.flow,
            field("status"),
            field("ended_by"),
        ));
        for line in bundle.told() {
            say(&format!("{:9.3}  {:<7} {}", line.at_s, line.who, line.what.replace('\n', " ")));
        }
        say("");
    }
    match came {
        Came::Same(bundle) => {
            let length = bundle.turns.last().map_or(Duration::ZERO, |turn| turn.at);
            let cut = if bundle.end.cut { ", cut: it was longer than its bound" } else { "" };
            let states = bundle.end.journal.len();
            let what = if args.with.is_some() { "goes the same way" } else { "the same" };
            say(&format!("{}: {what} ({:.1} s, {} turns, {states} states{cut})", file.display(), length.as_secs_f64(), bundle.turns.len()));
        }
        Came::Different(_, difference) => say(&format!("{}: differs\n{difference}", file.display())),
        Came::Not(why) => complain(&format!("error: {}: {why}", file.display())),
    }
}

fn json(file: &Path, came: &Came, args: &ReplayArgs) -> String {
    let mut told = serde_json::json!({ "bundle": file.display().to_string() });
    match came {
        Came::Same(bundle) | Came::Different(bundle, _) => {
            told["call"] = bundle.head.call.to_string().into();
            told["flow"] = bundle.head.plan.flow.clone().into();
            told["version"] = bundle.head.version.clone().into();
            told["turns"] = bundle.turns.len().into();
            told["cut"] = bundle.end.cut.into();
            if args.show {
                told["record"] = bundle.end.record.clone();
                told["told"] = serde_json::to_value(bundle.told()).unwrap_or_default();
            }
        }
        Came::Not(why) => told["error"] = why.clone().into(),
    }
    told["same"] = matches!(came, Came::Same(_)).into();
    if let Came::Different(_, difference) = came {
        told["difference"] = serde_json::to_value(difference).unwrap_or_default();
    }
    told.to_string()
}
