//! `callflow schema`: what editors need, made from the tables that the readers use.

use super::{Described, SchemaArgs, complain, say};
use serde_json::Value as Json;
use std::{fs, process::ExitCode};

/// Every kind of file that has a schema, and the name of the schema's file.
const FILES: [(Described, &str); 3] =
    [(Described::Flow, "flow.schema.json"), (Described::Test, "test.schema.json"), (Described::Config, "config.schema.json")];

pub(super) fn schema(args: &SchemaArgs) -> ExitCode {
    let Some(folder) = &args.into else {
        say(&text(args.of));
        return ExitCode::SUCCESS;
    };
    for (of, name) in FILES {
        let path = folder.join(name);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, format!("{}\n", text(of))));
        if let Err(error) = written {
            complain(&format!("error: {} cannot be written: {error}", path.display()));
            return ExitCode::FAILURE;
        }
        say(&path.display().to_string());
    }
    ExitCode::SUCCESS
}

fn text(described: Described) -> String {
    let json = |schema: &Json| serde_json::to_string_pretty(schema).expect("a JSON value can be written");
    match described {
        Described::Flow => json(&flow::schema()),
        Described::Rhai => flow::definitions(),
        Described::Test => json(&sim::testing::schema()),
        Described::Config => json(&crate::config::schema()),
    }
}
