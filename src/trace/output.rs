//! A trace that is being written: whole, or not at all.
//!
//! `-` is standard output, where there is nothing to rename. Not here: how a file comes to be there
//! whole (see `whole_file`).

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::OUTPUT_CLOSED;
use super::{Compression, TraceError, Writes};
use crate::whole_file::{WholeFile, readable, scratch_for};

/// Where a trace goes, and how it is compressed.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    compression: Compression,
    writes: Writes,
}

impl Output {
    /// A file at `path`; `-` is standard output.
    #[must_use]
    pub fn new(path: &Path, compression: Compression) -> Self {
        Self {
            path: path.to_owned(),
            compression,
            writes: Writes::default(),
        }
    }

    /// The same, for a trace whose writes mean `writes`, which some formats hold.
    #[must_use]
    pub fn with_writes(self, writes: Writes) -> Self {
        Self { writes, ..self }
    }

    /// What writes of the trace mean.
    pub(super) fn writes(&self) -> Writes {
        self.writes
    }

    /// The file, as errors name it.
    #[must_use]
    pub fn file(&self) -> String {
        self.path.display().to_string()
    }

    /// Starts the file, for formats that are written front to back.
    pub(super) fn stream(self) -> Result<Stream, TraceError> {
        let file = self.file();
        let target = if self.path == Path::new("-") {
            Target::Standard(io::stdout())
        } else {
            let whole = WholeFile::create(&self.path);
            Target::Whole(whole.map_err(|error| cannot_write(&file, &error))?)
        };
        let target = BufWriter::with_capacity(256 << 10, target);
        let encoder = match self.compression {
            Compression::Plain => Encoder::Plain(target),
            Compression::Gzip => Encoder::Gzip(flate2::write::GzEncoder::new(
                target,
                flate2::Compression::default(),
            )),
            Compression::Zstandard => {
                // With a checksum: without one a flipped bit can pass unnoticed.
                let encoder = zstd::stream::write::Encoder::new(target, ZSTANDARD_LEVEL)
                    .and_then(|mut encoder| encoder.include_checksum(true).map(|()| encoder));
                Encoder::Zstandard(encoder.map_err(|error| cannot_write(&file, &error))?)
            }
            Compression::Xz => Encoder::Xz(liblzma::write::XzEncoder::new(target, XZ_LEVEL)),
        };
        Ok(Stream { file, encoder })
    }

    /// Starts a scratch file, for formats in which an early byte depends on a late request. It is
    /// copied to its place by [`Scratch::finish`].
    pub(super) fn scratch(self) -> Result<Scratch, TraceError> {
        let file = self.file();
        let scratch = if self.path == Path::new("-") {
            tempfile::tempfile()
        } else {
            scratch_for(&self.path)
        };
        let scratch = scratch.map_err(|error| cannot_write(&file, &error))?;
        Ok(Scratch {
            file,
            scratch,
            output: self,
        })
    }
}

/// Fast to read back, and small; higher levels gain a few per cent for several times the time.
const ZSTANDARD_LEVEL: i32 = 9;

/// The default of `xz`.
const XZ_LEVEL: u32 = 6;

enum Target {
    Standard(io::Stdout),
    Whole(WholeFile),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(stdout) => stdout.write(bytes),
            Self::Whole(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(stdout) => stdout.flush(),
            Self::Whole(file) => file.flush(),
        }
    }
}

enum Encoder {
    Plain(BufWriter<Target>),
    Gzip(flate2::write::GzEncoder<BufWriter<Target>>),
    Zstandard(zstd::stream::write::Encoder<'static, BufWriter<Target>>),
    Xz(liblzma::write::XzEncoder<BufWriter<Target>>),
}

/// A file that is written front to back.
pub(super) struct Stream {
    file: String,
    encoder: Encoder,
}

impl Stream {
    /// The file, as errors name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Appends `bytes`.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TraceError> {
        match &mut self.encoder {
            Encoder::Plain(encoder) => encoder.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            Encoder::Zstandard(encoder) => encoder.write_all(bytes),
            Encoder::Xz(encoder) => encoder.write_all(bytes),
        }
        .map_err(|error| cannot_write(&self.file, &error))
    }

    /// Completes the file and gives it its name.
    pub fn finish(self) -> Result<(), TraceError> {
        let Self { file, encoder } = self;
        let fail = |error: io::Error| cannot_write(&file, &error);
        let buffered = match encoder {
            Encoder::Plain(buffered) => buffered,
            Encoder::Gzip(encoder) => encoder.finish().map_err(fail)?,
            Encoder::Zstandard(encoder) => encoder.finish().map_err(fail)?,
            Encoder::Xz(encoder) => encoder.finish().map_err(fail)?,
        };
        match buffered
            .into_inner()
            .map_err(|error| fail(error.into_error()))?
        {
            Target::Standard(mut stdout) => stdout.flush().map_err(fail),
            Target::Whole(whole) => whole.finish().map_err(fail),
        }
    }
}

/// An uncompressed, unnamed file that can be gone over again before it becomes the output.
pub(super) struct Scratch {
    file: String,
    /// The bytes so far.
    pub scratch: File,
    output: Output,
}

impl Scratch {
    /// `error`, met while reading or writing the scratch file.
    pub fn fail(&self, error: &io::Error) -> TraceError {
        cannot_write(&self.file, error)
    }

    /// The file, as errors name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Copies all bytes to the output, compressed as it wants, and gives it its name.
    pub fn finish(mut self) -> Result<(), TraceError> {
        self.scratch
            .seek(SeekFrom::Start(0))
            .map_err(|error| self.fail(&error))?;
        let mut stream = self.output.stream()?;
        let mut reader = BufReader::new(self.scratch);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = reader
                .read(&mut buffer)
                .map_err(|error| cannot_write(&self.file, &error))?;
            if count == 0 {
                return stream.finish();
            }
            stream.write(&buffer[..count])?;
        }
    }
}

fn cannot_write(file: &str, error: &io::Error) -> TraceError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return TraceError::of_file(file, OUTPUT_CLOSED);
    }
    let why = match error.kind() {
        io::ErrorKind::NotFound => "the folder that it should be in does not exist".to_owned(),
        _ => readable(error),
    };
    TraceError::of_file(file, format!("cannot be written: {why}"))
}
