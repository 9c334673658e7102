//! `cachesim man`: a manual page for each command.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use miette::miette;

use super::{Answer, Cli, Status};

/// Write manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim man ~/.local/share/man/man1
  cachesim man . && man ./cachesim-run.1")]
pub struct Man {
    /// The folder; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// No notes on stderr
    #[arg(long)]
    quiet: bool,
}

impl Man {
    /// Writes the pages.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn execute(&self) -> Answer {
        std::fs::create_dir_all(&self.folder).map_err(|error| {
            let reason = crate::whole_file::readable(&error);
            miette!("cannot make {}: {reason}", self.folder.display())
        })?;
        let pages = pages()?;
        let files: Vec<_> = pages
            .into_iter()
            .map(|(name, page)| (self.folder.join(name), page))
            .collect();
        super::write_files(&files, self.quiet)?;
        Ok(Status::Well)
    }
}

/// The name and the text of each page.
fn pages() -> Result<Vec<(String, Vec<u8>)>, miette::Report> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages).map_err(|error| miette!("cannot write a page: {error}"))?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        collect(subcommand, pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["cachesim.1", "cachesim-run.1", "cachesim-trace-convert.1"] {
            assert!(names.contains(&name), "{names:?}");
        }
        let run = pages
            .iter()
            .find(|(name, _)| name == "cachesim-run.1")
            .unwrap();
        assert!(String::from_utf8_lossy(&run.1).contains("Examples"));
    }
}
