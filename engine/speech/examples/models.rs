//! Installs speech models without the server: `cargo run -p speech --example models -- [FOLDER_OF_WHEELS|-] [NAME…]`.
#![expect(clippy::print_stdout, reason = "a program for people")]

use speech::models;
use std::path::Path;

fn main() -> Result<(), models::InstallFault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let from = arguments.first().filter(|folder| *folder != "-").map(Path::new);
    let names: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    models::install(&models::default_dir(), &names, from, &mut |progress| println!("{progress:?}"))
}
