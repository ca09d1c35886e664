//! What shells and manual readers want to know of the command line.

use std::fs;
use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::{Exit, Failure};
use crate::words::several;

/// `retrainctl completions`.
pub(crate) fn complete(args: &CompletionsArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    // Whoever closes a pipe early must not make the generator panic.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "retrainctl", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Done)
}

/// `retrainctl man`.
pub(crate) fn manual(
    args: &ManArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let Some(directory) = &args.to else {
        out.write_all(&page(Cli::command())?)?;
        return Ok(Exit::Done);
    };
    let mut whole = Cli::command();
    whole.build();
    let mut pages = Vec::new();
    collect(whole, &mut pages)?;
    fs::create_dir_all(directory).map_err(|error| Failure::file(directory, error))?;
    for (name, page) in &pages {
        let path = directory.join(name);
        fs::write(&path, page).map_err(|error| Failure::file(&path, error))?;
    }
    let pages = several(pages.len() as u64, "page");
    writeln!(err, "{pages} written to {}", directory.display())?;
    Ok(Exit::Done)
}

/// The pages of a command and of those below it, each with its file's name.
fn collect(of: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for below in of.get_subcommands() {
        collect(below.clone(), pages)?;
    }
    let name = Man::new(of.clone()).get_filename();
    pages.push((name, page(of)?));
    Ok(())
}

fn page(of: clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    // The date of a build would make every build another one.
    let man = Man::new(of).date("").manual("Retraining controller");
    man.render(&mut page)?;
    Ok(page)
}
