//! `cachesim completions`: completion scripts for shells.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::{Answer, Cli, Status};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim completions bash \\
      > ~/.local/share/bash-completion/completions/cachesim
  cachesim completions zsh > ~/.zfunc/_cachesim
  cachesim completions fish > ~/.config/fish/completions/cachesim.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn execute(&self) -> Answer {
        super::print(&script(self.shell))?;
        Ok(Status::Well)
    }
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    generate(shell, &mut Cli::command(), "cachesim", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_has_a_script_that_knows_the_subcommands() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for subcommand in Cli::command().get_subcommands() {
                assert!(script.contains(subcommand.get_name()), "{shell}");
            }
        }
    }
}
