//! `sigmatag completions` and `sigmatag man`: the command line described for shells and readers.

use crate::failure::{EXIT_CODES, Failure, print};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use std::fs;
use std::path::PathBuf;

/// Prints completions for a shell.
///
/// For example `sigmatag completions bash >/etc/bash_completion.d/sigmatag`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Prints the manual page, or writes one for every subcommand.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Man {
    /// Write `sigmatag.1` and a page for every subcommand into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Runs `completions`.
pub fn completions(arguments: &Completions, mut command: clap::Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "sigmatag", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// Runs `man`.
pub fn man(arguments: &Man, command: clap::Command) -> Result<(), Failure> {
    let Some(folder) = &arguments.out else {
        return print(&page(command)?);
    };
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, "made", &error))?;
    // `help` is explained on every page.
    let command = command.disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder)
        .map_err(|error| Failure::file(folder, "written", &error))
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    Page::new(command).render(&mut text).map_err(|error| Failure::output(&error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
