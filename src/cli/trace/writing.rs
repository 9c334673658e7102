//! How a trace is to be written, and what is said of it afterwards: shared by the subcommands that
//! write one.

use std::path::Path;

use clap::Args;
use miette::miette;

use super::human::{requests, thousands};
use super::reading::ReadArguments;
use super::report;
use super::typed::one_of;
use crate::cli::{Answer, Status, not_over_itself, note};
use crate::trace::{self, Compression, Format, Input, Output, Target, TraceError, Written};

/// How a trace is to be written.
#[derive(Debug, Args)]
pub(super) struct WriteArguments {
    /// Compression: none, gz, zst or xz [default: by the name of the output]
    #[arg(long, value_name = "KIND", value_parser = compression)]
    compress: Option<Compression>,
    /// No notes on stderr
    #[arg(long)]
    quiet: bool,
}

fn compression(written: &str) -> Result<Compression, String> {
    one_of(written, &Compression::ALL.map(|it| (it.name(), it)))
}

impl WriteArguments {
    /// What was asked for, else what the name of the output says, else `default`.
    pub(super) fn compression(
        &self,
        output: &Path,
        default: Compression,
    ) -> Result<Compression, miette::Report> {
        let named = Compression::of_name(output);
        if let Some(compression) = self.compress {
            if let Ok(named) = named
                && named != Compression::Plain
                && named != compression
                && !self.quiet
            {
                note(format_args!(
                    "note: {} is named like {}, but its compression will be {}, as --compress says",
                    output.display(),
                    named.name(),
                    compression.name()
                ));
            }
            return Ok(compression);
        }
        match named {
            Ok(Compression::Plain) => Ok(default),
            Ok(compression) => Ok(compression),
            Err(problem) => Err(miette!("{problem}")),
        }
    }

    /// Says what was written, and what was lost. A reader of the output who has gone away has
    /// seen enough.
    pub(super) fn tell(
        &self,
        outcome: Result<Written, TraceError>,
        (output, target, compression): (&Path, Target, Compression),
        source: Option<(&str, &Format)>,
    ) -> Answer {
        let written = match outcome {
            Err(error) if error.is_output_closed() => return Ok(Status::Well),
            outcome => outcome.map_err(report)?,
        };
        if self.quiet {
            return Ok(Status::Well);
        }
        let name = match written.writing.version {
            0 => target.name(),
            version => format!("{}:{version}", target.format.name),
        };
        if !written.absent.is_empty() {
            let absent = written.absent.join(", ");
            note(format_args!("note: {name} does not hold: {absent}"));
        }
        for (limit, count) in written.losses() {
            note(format_args!(
                "note: {name} holds {} ({}: {})",
                limit.held,
                limit.done,
                thousands(count)
            ));
        }
        let source = source.map_or_else(String::new, |(file, format)| {
            format!(" from {file} ({})", format.name)
        });
        let compression = match compression {
            Compression::Plain => String::new(),
            other => format!(", {}", other.name()),
        };
        note(format_args!(
            "{}{source} written to {} ({name}{compression})",
            requests(written.requests),
            output.display(),
        ));
        Ok(Status::Well)
    }
}

/// The part of a trace that `read` asks for, in another format.
pub(super) fn copy(
    input: &Path,
    read: &ReadArguments,
    target: Target,
    output: &Path,
    write: &WriteArguments,
    compression: Compression,
) -> Answer {
    let compression = write.compression(output, compression)?;
    not_over_itself(&[input], [output.to_owned()])?;
    let source = Input::open(input).map_err(report)?;
    let file = source.file().to_owned();
    let (format, mut reader) = trace::open_input(source, &read.options()).map_err(report)?;
    let writes = format.writes_of(reader.as_ref());
    let changed = target.format.writes.filter(|meant| *meant != writes);
    let has_operations =
        reader.fields().operation && target.writing(reader.fields()).fields.operation;
    let outcome = trace::copy(
        reader.as_mut(),
        &read.selection(),
        target,
        Output::new(output, compression).with_writes(writes),
    );
    if let Some(meant) = changed
        && has_operations
        && outcome.is_ok()
        && !write.quiet
    {
        note(format_args!(
            "note: {} does not hold that writes are {}: replay it with --writes {1}, else they are {}",
            target.name(),
            writes.name(),
            meant.name()
        ));
    }
    let source = Some((file.as_str(), format));
    write.tell(outcome, (output, target, compression), source)
}
