//! `cachesim trace import`: a foreign trace in the compact format.
//!
//! Not here: the format (see [`crate::trace::format::compact`]).

use std::path::{Path, PathBuf};

use clap::Args;

use super::reading::ReadArguments;
use super::writing::{WriteArguments, copy};
use crate::cli::Answer;
use crate::trace::format::PREFERRED;
use crate::trace::{Compression, Target};

/// Bring a foreign trace into cachesim's own compact format
#[derive(Debug, Args)]
#[command(after_long_help = IMPORT_HELP)]
pub(super) struct Import {
    /// Trace to read
    input: PathBuf,
    /// File to write [default: the name of the trace, with .compact.zst]
    output: Option<PathBuf>,
    #[command(flatten)]
    write: WriteArguments,
    #[command(flatten)]
    read: ReadArguments,
}

const IMPORT_HELP: &str = "\
Examples:
  cachesim trace import requests.csv --columns time=1,key=4,size=5 --time-unit ms
  cachesim trace import monitor.log redis.zst
  cachesim trace import hm_0.csv.gz hm_0.zst --block-size 4KiB

`convert` writes whatever format another tool wants, with whatever that format loses.
`import` always writes the compact format, compressed with zstd unless told otherwise:
times to the nanosecond, operations, clients and TTLs all kept, one number instead of a
key after its first request; options such as --columns need to be given only once.";

impl Import {
    pub(super) fn execute(self) -> Answer {
        let output = match self.output {
            Some(output) => output,
            None => default_output(&self.input)?,
        };
        let named = Target::of_name(&output).map_or(PREFERRED, |target| target.format);
        if named.name != PREFERRED.name {
            return Err(miette::miette!(
                help = format!(
                    "name another file, or write {} with cachesim trace convert",
                    named.name
                ),
                "import writes the format {}, and the name {} says {}",
                PREFERRED.name,
                output.display(),
                named.name
            ));
        }
        copy(
            &self.input,
            &self.read,
            PREFERRED.into(),
            &output,
            &self.write,
            Compression::Zstandard,
        )
    }
}

/// `requests.csv.gz` becomes `requests.compact.zst`, in the folder that we are in.
fn default_output(input: &Path) -> Result<PathBuf, miette::Report> {
    let name = input
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| *name != "-");
    let Some(name) = name else {
        return Err(miette::miette!(
            "say which file to write: {} has no name",
            input.display()
        ));
    };
    let mut stem = name;
    for _ in 0..2 {
        stem = match stem.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 13 => stem,
            _ => break,
        };
    }
    Ok(PathBuf::from(format!("{stem}.compact.zst")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_named_after_its_trace() {
        let name = |input: &str| {
            default_output(Path::new(input))
                .unwrap()
                .display()
                .to_string()
        };
        assert_eq!(name("a/requests.csv.gz"), "requests.compact.zst");
        assert_eq!(name("hm_0"), "hm_0.compact.zst");
        assert_eq!(name("w106.oracleGeneral.zst"), "w106.compact.zst");
        assert!(default_output(Path::new("-")).is_err());
    }
}
