//! `cachesim schema`: the scenario file described for editors and for people.

use clap::Args;

use super::{Answer, Status};
use crate::scenario;

/// Print the JSON Schema of the scenario file
///
/// Editors complete and check scenarios with it: save it as scenario.schema.json and begin a
/// scenario with the line `#:schema scenario.schema.json`. What a schema cannot say, `cachesim
/// check` does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cachesim schema > scenario.schema.json
  cachesim schema --markdown > scenario.md")]
pub struct Schema {
    /// The reference in Markdown instead
    #[arg(long)]
    markdown: bool,
}

impl Schema {
    /// Prints it.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn execute(&self) -> Answer {
        let text = if self.markdown {
            scenario::reference()
        } else {
            format!("{:#}\n", scenario::schema())
        };
        super::print(&text)?;
        Ok(Status::Well)
    }
}
