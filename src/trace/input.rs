//! The bytes of a trace: a mapped file, or a stream that is decompressed on the way.
//!
//! The compression is recognised by the first bytes, never by the name. Not here: what the bytes
//! mean.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use memmap2::Mmap;

use super::error::{Place, Problem, TraceError};
use crate::whole_file::readable;

/// The longest line that a text format may have. A longer one is an error, so that a file without
/// line ends is not read into memory.
pub(super) const LONGEST_LINE_BYTES: usize = 1 << 20;

/// How much of a file its format may be recognised by.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// The most memory that an `.xz` file may ask its reader for (`xz -9` needs 65 MiB).
const XZ_MEMORY_LIMIT_BYTES: u64 = 512 << 20;

/// Mapped pages behind the reader are given back in steps of this size, so that a trace larger
/// than memory leaves the memory to its reader.
const RELEASE_BYTES: usize = 16 << 20;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, `.gz`.
    Gzip,
    /// Zstandard, `.zst`.
    Zstandard,
    /// xz, `.xz`.
    Xz,
}

impl Compression {
    /// Every compression.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Gzip, Self::Zstandard, Self::Xz];

    /// The name on the command line: `none`, `gz`, `zst`, `xz`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gz",
            Self::Zstandard => "zst",
            Self::Xz => "xz",
        }
    }

    /// By the first bytes of a file.
    #[must_use]
    pub fn of_bytes(head: &[u8]) -> Self {
        if head.starts_with(&[0x1f, 0x8b, 0x08]) {
            Self::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
            || (head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18])
        {
            // The second is a skippable frame, which pzstd and others put first.
            Self::Zstandard
        } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0x00]) {
            Self::Xz
        } else {
            Self::Plain
        }
    }

    /// By the end of a file's name, for a file that is to be written.
    ///
    /// # Errors
    /// When the name ends like that of a compression that cannot be written: it would be a lie.
    pub fn of_name(path: &Path) -> Result<Self, String> {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or("")
            .to_ascii_lowercase();
        match extension.as_str() {
            "gz" => Ok(Self::Gzip),
            "zst" | "zstd" => Ok(Self::Zstandard),
            "xz" => Ok(Self::Xz),
            other if NOT_WRITTEN.contains(&other) => Err(format!(
                "{}: .{other} cannot be written: a name may end in .gz, .zst or .xz for that \
                 compression, or in none of a compression to be plain",
                path.display()
            )),
            _ => Ok(Self::Plain),
        }
    }
}

/// Endings of compressions and archives that a user may hope for.
const NOT_WRITTEN: [&str; 20] = [
    "lz4", "bz2", "bz", "bzip2", "br", "zip", "7z", "lzma", "lz", "lzo", "z", "sz", "snappy",
    "rar", "zlib", "tar", "tgz", "tbz2", "txz", "tzst",
];

enum Bytes {
    Mapped {
        map: Mmap,
        position: usize,
        released: usize,
    },
    Held {
        bytes: Vec<u8>,
        position: usize,
    },
    Streamed {
        stream: Box<dyn Read + Send>,
        buffer: Vec<u8>,
        start: usize,
        end: usize,
        ended: bool,
    },
}

/// The uncompressed bytes of one trace, from its start to its end.
pub struct Input {
    file: String,
    bytes: Bytes,
    compression: Compression,
    offset: u64,
    line: u64,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Input")
            .field("file", &self.file)
            .field("compression", &self.compression)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Input {
    /// The file at `path`; `-` is standard input. Regular uncompressed files are mapped, all else
    /// is streamed.
    ///
    /// # Errors
    /// When the file cannot be opened or its first bytes cannot be read.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let fail = |error: io::Error| TraceError::of_file(&file, readable(&error));
        if path == Path::new("-") {
            return Self::streamed("standard input".to_owned(), Box::new(io::stdin()));
        }
        let handle = File::open(path).map_err(fail)?;
        let metadata = handle.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(TraceError::of_file(&file, "is a folder, not a trace"));
        }
        if !metadata.is_file() {
            return Self::streamed(file, Box::new(handle));
        }
        if metadata.len() == 0 {
            return Ok(Self::plain(
                file,
                Bytes::Held {
                    bytes: Vec::new(),
                    position: 0,
                },
            ));
        }
        // SAFETY: the map is only read. Should another process shorten the file meanwhile, the
        // read faults and ends the process (as it does in every tool that maps its input); no
        // memory of ours is harmed. The bench `trace` shows what mapping saves.
        let map = unsafe { Mmap::map(&handle) }.map_err(fail)?;
        if Compression::of_bytes(&map) == Compression::Plain {
            #[cfg(unix)]
            // Advice only: a kernel that refuses it reads as well, if more slowly.
            let _ = map.advise(memmap2::Advice::Sequential);
            return Ok(Self::plain(
                file,
                Bytes::Mapped {
                    map,
                    position: 0,
                    released: 0,
                },
            ));
        }
        drop(map);
        Self::streamed(file, Box::new(handle))
    }

    /// Bytes in memory, perhaps compressed; `file` is what errors call them.
    ///
    /// # Errors
    /// When they are compressed and the start of that is broken.
    pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, TraceError> {
        if Compression::of_bytes(&bytes) == Compression::Plain {
            return Ok(Self::plain(
                file.to_owned(),
                Bytes::Held { bytes, position: 0 },
            ));
        }
        Self::streamed(file.to_owned(), Box::new(io::Cursor::new(bytes)))
    }

    fn plain(file: String, bytes: Bytes) -> Self {
        Self {
            file,
            bytes,
            compression: Compression::Plain,
            offset: 0,
            line: 0,
        }
    }

    /// A stream of unknown length, decompressed if its first bytes ask for that.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn streamed(file: String, mut stream: Box<dyn Read + Send>) -> Result<Self, TraceError> {
        let mut head = Vec::new();
        stream
            .by_ref()
            .take(6)
            .read_to_end(&mut head)
            .map_err(|error| TraceError::of_file(&file, readable(&error)))?;
        let compression = Compression::of_bytes(&head);
        let whole = BufReader::with_capacity(HEAD_BYTES, io::Cursor::new(head).chain(stream));
        let stream: Box<dyn Read + Send> = match compression {
            Compression::Plain => Box::new(whole),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
            Compression::Zstandard => Box::new(
                zstd::stream::read::Decoder::with_buffer(whole)
                    .map_err(|error| TraceError::of_file(&file, readable(&error)))?,
            ),
            Compression::Xz => {
                let decoder = liblzma::stream::Stream::new_stream_decoder(
                    XZ_MEMORY_LIMIT_BYTES,
                    liblzma::stream::CONCATENATED,
                )
                .map_err(|error| TraceError::of_file(&file, error.to_string()))?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(whole, decoder))
            }
        };
        let bytes = Bytes::Streamed {
            stream,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            ended: false,
        };
        Ok(Self {
            file,
            bytes,
            compression,
            offset: 0,
            line: 0,
        })
    }

    /// The file, as errors name it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// How the bytes were compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// How many uncompressed bytes are left, where that is known without reading them.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match &self.bytes {
            Bytes::Mapped { map, position, .. } => Some((map.len() - position) as u64),
            Bytes::Held { bytes, position } => Some((bytes.len() - position) as u64),
            Bytes::Streamed { .. } => None,
        }
    }

    /// How many uncompressed bytes have been consumed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes without consuming them: at least `wanted`, or all that are left.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], TraceError> {
        match &mut self.bytes {
            Bytes::Mapped { map, position, .. } => Ok(&map[*position..]),
            Bytes::Held { bytes, position } => Ok(&bytes[*position..]),
            Bytes::Streamed {
                stream,
                buffer,
                start,
                end,
                ended,
            } => {
                while *end - *start < wanted && !*ended {
                    if *start > 0 {
                        buffer.copy_within(*start..*end, 0);
                        *end -= *start;
                        *start = 0;
                    }
                    let room = wanted.max(HEAD_BYTES);
                    if buffer.len() < room {
                        buffer.resize(room, 0);
                    }
                    match stream.read(&mut buffer[*end..]) {
                        Ok(0) => *ended = true,
                        Ok(count) => *end += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => {
                            return Err(read_failure(
                                &self.file,
                                self.offset,
                                self.compression,
                                &error,
                            ));
                        }
                    }
                }
                Ok(&buffer[*start..*end])
            }
        }
    }

    /// Moves past `count` bytes that were peeked at.
    pub(super) fn consume(&mut self, count: usize) {
        self.offset += count as u64;
        match &mut self.bytes {
            Bytes::Mapped {
                map,
                position,
                released,
            } => {
                *position += count;
                if *position - *released >= 2 * RELEASE_BYTES {
                    #[cfg(unix)]
                    // SAFETY: the pages are of a read-only map of a file: whoever touches them
                    // again gets the same bytes from the file. A refusal costs memory only.
                    let _ = unsafe {
                        map.unchecked_advise_range(
                            memmap2::UncheckedAdvice::DontNeed,
                            *released,
                            RELEASE_BYTES,
                        )
                    };
                    *released += RELEASE_BYTES;
                }
            }
            Bytes::Held { position, .. } => *position += count,
            Bytes::Streamed { start, .. } => *start += count,
        }
    }

    /// The next line without its end, or `None` at the end of the file.
    #[inline]
    pub(super) fn line(&mut self) -> Result<Option<&[u8]>, TraceError> {
        let mut wanted = 1;
        let (length, taken) = loop {
            let bytes = self.peek(wanted)?;
            let seen = bytes.len();
            let searched = seen.min(LONGEST_LINE_BYTES + 1);
            if let Some(length) = memchr::memchr(b'\n', &bytes[..searched]) {
                break (length, length + 1);
            }
            if searched > LONGEST_LINE_BYTES {
                self.line += 1;
                return Err(self.at_line(Problem::new(format!(
                    "longer than {LONGEST_LINE_BYTES} bytes: not a text trace"
                ))));
            }
            if seen < wanted {
                if seen == 0 {
                    return Ok(None);
                }
                break (seen, seen);
            }
            // More may follow: doubling keeps the search linear in all.
            wanted = (seen + 1).max(2 * seen.min(LONGEST_LINE_BYTES / 2));
        };
        self.line += 1;
        self.consume(taken);
        let line = self.behind(taken, length);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The first `length` of the last `taken` bytes that were consumed.
    fn behind(&self, taken: usize, length: usize) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped { map, position, .. } => &map[*position - taken..][..length],
            Bytes::Held { bytes, position } => &bytes[*position - taken..][..length],
            Bytes::Streamed { buffer, start, .. } => &buffer[*start - taken..][..length],
        }
    }

    /// `problem`, found in the line that was read last.
    pub(super) fn at_line(&self, problem: Problem) -> TraceError {
        problem.at(&self.file, Place::Line(self.line))
    }

    /// `problem`, found in record `number` (counted from 1) at byte `offset`.
    pub(super) fn at_record(&self, number: u64, offset: u64, problem: Problem) -> TraceError {
        problem.at(&self.file, Place::Record { number, offset })
    }

    /// `problem`, found at byte `offset`.
    pub(super) fn at_byte(&self, offset: u64, problem: Problem) -> TraceError {
        problem.at(&self.file, Place::Byte(offset))
    }
}

fn read_failure(
    file: &str,
    offset: u64,
    compression: Compression,
    error: &io::Error,
) -> TraceError {
    match compression {
        Compression::Plain => {
            let message = format!("cannot be read: {}", readable(error));
            Problem::new(message).at(file, Place::Byte(offset))
        }
        // Where in the compressed file it is, the decoder does not say, and the bytes that came out of
        // it are another measure.
        other => {
            let message = format!(
                "the {} compression is broken or cut short: {}",
                other.name(),
                readable(error)
            );
            TraceError::of_file(file, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn compressed(bytes: &[u8], compression: Compression) -> Vec<u8> {
        match compression {
            Compression::Plain => bytes.to_vec(),
            Compression::Gzip => {
                let level = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstandard => zstd::encode_all(bytes, 1).unwrap(),
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    fn lines(input: &mut Input) -> Result<Vec<Vec<u8>>, TraceError> {
        let mut lines = Vec::new();
        while let Some(line) = input.line()? {
            lines.push(line.to_vec());
        }
        Ok(lines)
    }

    /// Lines of all lengths, so that they cross every border of the buffer.
    fn long_text() -> (Vec<u8>, Vec<Vec<u8>>) {
        let lines: Vec<Vec<u8>> = (0..1500_usize)
            .map(|number| vec![b'a' + (number % 26) as u8; number % 700])
            .collect();
        (lines.join(&b'\n'), lines)
    }

    #[test]
    fn mapped_held_and_streamed_bytes_have_the_same_lines() {
        let (text, expected) = long_text();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let mut mapped = Input::open(file.path()).unwrap();
        assert_eq!(mapped.remaining(), Some(text.len() as u64));
        assert_eq!(lines(&mut mapped).unwrap(), expected);
        assert_eq!(mapped.remaining(), Some(0));
        let mut held = Input::from_bytes("test", text.clone()).unwrap();
        assert_eq!(lines(&mut held).unwrap(), expected);
        let stream = Box::new(io::Cursor::new(text));
        let mut streamed = Input::streamed("test".to_owned(), stream).unwrap();
        assert_eq!(streamed.remaining(), None);
        assert_eq!(lines(&mut streamed).unwrap(), expected);
    }

    #[test]
    fn compressions_are_recognised_by_content_and_their_parts_belong_together() {
        let (text, expected) = long_text();
        let (start, end) = text.split_at(text.len() / 3);
        for compression in Compression::ALL {
            // Two gzip members, two frames, two streams: what `cat a.gz b.gz` makes.
            let bytes = [compressed(start, compression), compressed(end, compression)].concat();
            let mut input = Input::from_bytes("test", bytes).unwrap();
            assert_eq!(input.compression(), compression);
            assert_eq!(lines(&mut input).unwrap(), expected, "{compression:?}");
        }
    }

    #[test]
    fn a_compressed_file_that_is_cut_short_is_an_error() {
        let (text, _) = long_text();
        for compression in [Compression::Gzip, Compression::Zstandard, Compression::Xz] {
            let mut bytes = compressed(&text, compression);
            bytes.truncate(bytes.len() - 5);
            let mut input = Input::from_bytes("test", bytes).unwrap();
            let error = lines(&mut input).unwrap_err().to_string();
            let expected = format!(
                "the {} compression is broken or cut short",
                compression.name()
            );
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn mapped_pages_that_were_given_back_are_those_behind_the_reader() {
        let bytes: Vec<u8> = (0..3 * RELEASE_BYTES as u32 / 4)
            .flat_map(u32::to_le_bytes)
            .collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let mut input = Input::open(file.path()).unwrap();
        let mut number = 0_u32;
        loop {
            let piece = input.peek(4096).unwrap();
            if piece.is_empty() {
                break;
            }
            assert_eq!(piece[..4], number.to_le_bytes());
            input.consume(4096);
            number += 1024;
        }
        assert_eq!(input.offset(), bytes.len() as u64);
    }

    #[test]
    fn a_folder_and_a_missing_file_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let error = Input::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("is a folder, not a trace"), "{error}");
        let error = Input::open(&folder.path().join("gone"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("gone: there is no such file"), "{error}");
    }

    #[test]
    fn names_say_how_an_output_is_compressed() {
        for (name, compression) in [
            ("a.zst", Compression::Zstandard),
            ("a.csv.GZ", Compression::Gzip),
            ("a.xz", Compression::Xz),
            ("a.csv", Compression::Plain),
            ("zst", Compression::Plain),
        ] {
            assert_eq!(
                Compression::of_name(Path::new(name)),
                Ok(compression),
                "{name}"
            );
        }
        let error = Compression::of_name(Path::new("a.csv.BZ2")).unwrap_err();
        insta::assert_snapshot!(error, @"a.csv.BZ2: .bz2 cannot be written: a name may end in .gz, .zst or .xz for that compression, or in none of a compression to be plain");
        for ending in NOT_WRITTEN {
            assert!(Compression::of_name(Path::new(&format!("a.{ending}"))).is_err());
        }
    }
}
