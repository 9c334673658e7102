//! Comma-separated values with any columns: which is which is told by a header or by the user.
//!
//! Fields may be in double quotes, with `""` for a quote inside, but do not span lines. Times and
//! TTLs are decimal numbers of [`ReadOptions::time_unit_ns`]. Columns that nobody named are
//! ignored.

use std::borrow::Cow;

use super::{Fit, Format, Head, NOTHING, Obeyed, Writing};
use crate::trace::error::{Problem, quoted, suggestion};
use crate::trace::output::Stream;
use crate::trace::text::{
    complete_lines, duration_ns, is_text, number, operation, trimmed, write_seconds,
};
use crate::trace::{
    Fields, Input, Output, ReadOptions, Reader, Request, TraceError, Writer, Writes,
    client_from_bytes, key_from_bytes,
};

/// The table row.
pub const FORMAT: Format = Format {
    name: "csv",
    summary: "text with columns: told by the header line, or by --columns",
    endings: &["csv"],
    detect,
    read,
    obeys: Obeyed {
        columns: true,
        time_unit: true,
        ..NOTHING
    },
    writes: Some(Writes::Access),
    writings: &[Writing {
        version: 0,
        fields: Fields {
            next_use: false,
            ..Fields::ALL
        },
        limits: &[],
        open: write,
    }],
    source: "RFC 4180, one line per request",
};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// [`Request::time_ns`], in the unit that the options say.
    Time,
    /// [`Request::key`].
    Key,
    /// [`Request::size`].
    Size,
    /// [`Request::operation`].
    Operation,
    /// [`Request::ttl_ns`]; 0 or nothing for none.
    Ttl,
    /// [`Request::client`].
    Client,
}

impl Column {
    /// Every column.
    pub const ALL: [Self; 6] = [
        Self::Time,
        Self::Key,
        Self::Size,
        Self::Operation,
        Self::Ttl,
        Self::Client,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Key => "key",
            Self::Size => "size",
            Self::Operation => "op",
            Self::Ttl => "ttl",
            Self::Client => "client",
        }
    }

    /// Names that headers give this column, the surest first; lower case, letters and digits only.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Time => &[
                "time",
                "timestamp",
                "ts",
                "clocktime",
                "optime",
                "relativeunix",
            ],
            Self::Key => &[
                "key",
                "anonymizedkey",
                "objid",
                "objectid",
                "obj",
                "object",
                "lbn",
                "lba",
                "block",
                "blockid",
                "blkno",
                "id",
                "item",
                "itemid",
                "hashedpathquery",
                "url",
                "uri",
                "path",
                "offset",
            ],
            Self::Size => &[
                "size",
                "objsize",
                "objectsize",
                "bytes",
                "responsesize",
                "contentlength",
                "valuesize",
                "length",
                "len",
            ],
            Self::Operation => &["op", "operation", "cmd", "command", "type", "method"],
            Self::Ttl => &["ttl", "expiry"],
            Self::Client => &["client", "clientid", "tenant", "tenantid"],
        }
    }
}

/// How the user says which column it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// By its number, counted from 1.
    Number(usize),
    /// By its name in the header.
    Name(String),
}

/// Reads `time=2,key=5,op=operation`: what is written after `--columns`.
///
/// # Errors
/// A sentence that says what is wrong and what is allowed.
pub fn parse_columns(written: &str) -> Result<Vec<(Column, Choice)>, String> {
    let names = Column::ALL.map(Column::name).join(", ");
    let mut columns: Vec<(Column, Choice)> = Vec::new();
    for part in written
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (name, choice) = part.split_once('=').ok_or_else(|| {
            format!("{part:?} is not COLUMN=NUMBER or COLUMN=NAME; columns are {names}")
        })?;
        let name = name.trim();
        let column = Column::ALL
            .into_iter()
            .find(|column| {
                column.name().eq_ignore_ascii_case(name)
                    || column
                        .aliases()
                        .contains(&normalised(name.as_bytes()).as_str())
            })
            .ok_or_else(|| {
                let near = suggestion(name, Column::ALL.map(Column::name));
                format!("no column is called {name:?}{near}; columns are {names}")
            })?;
        if columns.iter().any(|(other, _)| *other == column) {
            return Err(format!("the column {} is named twice", column.name()));
        }
        let choice = choice.trim();
        columns.push((
            column,
            match choice.parse() {
                Ok(0) => return Err(format!("{part:?}: columns are counted from 1")),
                Ok(number) => Choice::Number(number),
                Err(_) if choice.is_empty() => return Err(format!("{part:?} names no column")),
                Err(_) => Choice::Name(choice.to_owned()),
            },
        ));
    }
    if columns.iter().all(|(column, _)| *column != Column::Key) {
        return Err(format!(
            "{written:?} does not say which column is the key (key=...)"
        ));
    }
    Ok(columns)
}

/// A header's name without case, blanks and punctuation.
fn normalised(name: &[u8]) -> String {
    name.iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| byte.to_ascii_lowercase() as char)
        .collect()
}

/// The delimiters that are recognised, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// The delimiter that occurs in every one of the first lines, most often in the first.
fn delimiter_of<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<u8> {
    let lines: Vec<_> = lines.take(20).collect();
    let occurrences = |delimiter| memchr::memchr_iter(delimiter, lines[0]).count();
    DELIMITERS
        .into_iter()
        .filter(|delimiter| !lines.is_empty() && lines.iter().all(|line| line.contains(delimiter)))
        // The first of the best, for which `max_by_key` wants them backwards.
        .rev()
        .max_by_key(|&delimiter| occurrences(delimiter))
}

/// The columns that a header names, by [`Column::aliases`].
fn columns_of_header(header: &[u8], delimiter: u8) -> Vec<(Column, usize)> {
    let names: Vec<_> = Fielded::new(header, delimiter)
        .map(|field| normalised(&field))
        .collect();
    Column::ALL
        .into_iter()
        .filter_map(|column| {
            let place = |alias: &&str| names.iter().position(|name| name == *alias);
            column
                .aliases()
                .iter()
                .find_map(place)
                .map(|index| (column, index))
        })
        .collect()
}

/// Whether a line could be a header: no field of it is a number, and a column is recognised.
fn is_header(line: &[u8], delimiter: u8) -> bool {
    Fielded::new(line, delimiter).all(|field| {
        !trimmed(&field)
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
    }) && !columns_of_header(line, delimiter).is_empty()
}

fn detect(head: &Head<'_>) -> Fit {
    if !is_text(head.bytes) {
        return Fit::No;
    }
    let Some(first) = complete_lines(head.bytes, head.whole).next() else {
        return Fit::No;
    };
    match delimiter_of(complete_lines(head.bytes, head.whole)) {
        Some(delimiter) if is_header(first, delimiter) => {
            match columns_of_header(first, delimiter)
                .iter()
                .any(|(column, _)| *column == Column::Key)
            {
                true => Fit::Likely,
                false => Fit::Possible,
            }
        }
        Some(_) => Fit::Possible,
        // One column with a header that names it.
        None if columns_of_header(first, b',')
            .iter()
            .any(|(column, _)| *column == Column::Key) =>
        {
            Fit::Likely
        }
        None => Fit::No,
    }
}

/// The fields of one line.
struct Fielded<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fielded<'a> {
    fn new(line: &'a [u8], delimiter: u8) -> Self {
        Self {
            rest: Some(line),
            delimiter,
        }
    }
}

impl<'a> Iterator for Fielded<'a> {
    type Item = Cow<'a, [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        if rest.first() != Some(&b'"') {
            let end = rest.iter().position(|&byte| byte == self.delimiter);
            self.rest = end.map(|end| &rest[end + 1..]);
            return Some(Cow::Borrowed(&rest[..end.unwrap_or(rest.len())]));
        }
        let mut field = Vec::new();
        let mut at = 1;
        while let Some(&byte) = rest.get(at) {
            at += 1;
            if byte != b'"' {
                field.push(byte);
            } else if rest.get(at) == Some(&b'"') {
                field.push(b'"');
                at += 1;
            } else {
                break;
            }
        }
        // Whatever stands between the closing quote and the delimiter is of no meaning.
        let after = rest.get(at..).unwrap_or(b"");
        let end = after.iter().position(|&byte| byte == self.delimiter);
        self.rest = end.map(|end| &after[end + 1..]);
        Some(Cow::Owned(field))
    }
}

struct Csv {
    input: Input,
    delimiter: u8,
    time_unit_ns: u64,
    /// What the columns hold, by their place in the line.
    meanings: Vec<Option<Column>>,
    fields: Fields,
    /// How many columns the first line has.
    width: usize,
}

fn read(mut input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>, TraceError> {
    let head = input.peek(crate::trace::input::HEAD_BYTES)?;
    let whole = head.len() < crate::trace::input::HEAD_BYTES;
    let head = &head[..head.len().min(crate::trace::input::HEAD_BYTES)];
    let Some(first) = complete_lines(head, whole).next().map(<[u8]>::to_vec) else {
        let problem = match head.is_empty() {
            true => "is empty: a trace has at least one request",
            false => "has no line end in its first 64 KiB: not a text trace",
        };
        return Err(TraceError::of_file(input.file(), problem));
    };
    let delimiter = options
        .delimiter
        .or_else(|| delimiter_of(complete_lines(head, whole)))
        .unwrap_or(b',');
    let first = trimmed(&first);
    let by_name = options
        .columns
        .iter()
        .any(|(_, choice)| matches!(choice, Choice::Name(_)));
    let header = options
        .header
        .unwrap_or_else(|| by_name || is_header(first, delimiter));
    let names: Vec<_> = Fielded::new(first, delimiter)
        .map(Cow::into_owned)
        .collect();

    if header {
        // Past the empty lines that may come before it, too.
        while input.line()?.is_some_and(|line| trimmed(line).is_empty()) {}
    }
    let columns = if !options.columns.is_empty() {
        chosen(&options.columns, &names, header)
    } else if header {
        Ok(columns_of_header(first, delimiter))
    } else if names.len() == 1 {
        Ok(vec![(Column::Key, 0)])
    } else {
        Err(Problem::new(format!(
            "{} columns and no header line: say which is which, for example --columns time=1,key=2",
            names.len()
        )))
    };
    let columns =
        columns.map_err(|problem| problem.at(input.file(), crate::trace::Place::Line(1)))?;
    let has = |wanted| columns.iter().any(|(column, _)| *column == wanted);
    if !has(Column::Key) {
        let problem = Problem::new(format!(
            "no column of the header is recognised as the key: name it, for example --columns \
             key=2; the header is {}",
            quoted(first)
        ));
        return Err(problem.at(input.file(), crate::trace::Place::Line(1)));
    }
    let fields = Fields {
        time: has(Column::Time),
        size: has(Column::Size),
        operation: has(Column::Operation),
        client: has(Column::Client),
        ttl: has(Column::Ttl),
        next_use: false,
    };
    let mut meanings = vec![
        None;
        columns
            .iter()
            .map(|(_, index)| index + 1)
            .max()
            .unwrap_or(0)
    ];
    for (column, index) in columns {
        meanings[index] = Some(column);
    }
    Ok(Box::new(Csv {
        input,
        delimiter,
        time_unit_ns: options.time_unit_ns,
        meanings,
        fields,
        width: names.len(),
    }))
}

/// The columns that the user chose, checked against the first line.
fn chosen(
    choices: &[(Column, Choice)],
    names: &[Vec<u8>],
    header: bool,
) -> Result<Vec<(Column, usize)>, Problem> {
    let mut columns: Vec<(Column, usize)> = Vec::new();
    for (column, choice) in choices {
        let index = match choice {
            Choice::Number(number) if (1..=names.len()).contains(number) => number - 1,
            Choice::Number(number) => {
                return Err(Problem::of_field(
                    column.name(),
                    format!("column {number} was asked for; there are {}", names.len()),
                ));
            }
            Choice::Name(_) if !header => {
                return Err(Problem::of_field(
                    column.name(),
                    "columns can be named only where there is a header line",
                ));
            }
            Choice::Name(name) => names
                .iter()
                .position(|other| normalised(other) == normalised(name.as_bytes()))
                .ok_or_else(|| {
                    let known: Vec<_> = names
                        .iter()
                        .map(|name| String::from_utf8_lossy(name))
                        .collect();
                    let near = suggestion(name, known.iter().map(AsRef::as_ref));
                    Problem::of_field(
                        column.name(),
                        format!("the header has no column {name:?}{near}"),
                    )
                })?,
        };
        if columns.iter().any(|(_, other)| *other == index) {
            return Err(Problem::of_field(
                column.name(),
                format!("column {} is something else already", index + 1),
            ));
        }
        columns.push((*column, index));
    }
    Ok(columns)
}

impl Csv {
    #[inline]
    fn request(
        line: &[u8],
        delimiter: u8,
        meanings: &[Option<Column>],
        time_unit_ns: u64,
        width: usize,
    ) -> Result<Request, Problem> {
        let mut request = Request::default();
        let mut fields = Fielded::new(line, delimiter);
        for (index, meaning) in meanings.iter().enumerate() {
            let Some(field) = fields.next() else {
                return Err(Problem::new(format!(
                    "{index} columns where the first line has {width}: {}",
                    quoted(line)
                )));
            };
            let Some(column) = meaning else { continue };
            let field = trimmed(&field);
            match column {
                Column::Time => request.time_ns = duration_ns("time", field, time_unit_ns)?,
                Column::Key if field.is_empty() => {
                    return Err(Problem::of_field("key", "expected a key, found nothing"));
                }
                Column::Key => request.key = key_from_bytes(field),
                Column::Size if field.is_empty() => {}
                Column::Size => request.size = number("size", field)?,
                Column::Operation => request.operation = operation("op", field)?,
                Column::Ttl if field.is_empty() => {}
                Column::Ttl => {
                    let ttl_ns = duration_ns("ttl", field, time_unit_ns)?;
                    request.ttl_ns = (ttl_ns > 0).then_some(ttl_ns);
                }
                Column::Client => request.client = client_from_bytes(field),
            }
        }
        Ok(request)
    }
}

impl Reader for Csv {
    fn fields(&self) -> Fields {
        self.fields
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        loop {
            let Some(line) = self.input.line()? else {
                return Ok(None);
            };
            if trimmed(line).is_empty() {
                continue;
            }
            let request = Self::request(
                line,
                self.delimiter,
                &self.meanings,
                self.time_unit_ns,
                self.width,
            );
            return request
                .map(Some)
                .map_err(|problem| self.input.at_line(problem));
        }
    }
}

struct CsvWriter {
    stream: Stream,
    fields: Fields,
    line: Vec<u8>,
}

fn write(output: Output, fields: Fields) -> Result<Box<dyn Writer>, TraceError> {
    let mut stream = output.stream()?;
    let mut header = String::new();
    for (name, present) in [
        ("time,", fields.time),
        ("key", true),
        (",size", fields.size),
        (",op", fields.operation),
        (",ttl", fields.ttl),
        (",client", fields.client),
    ] {
        if present {
            header.push_str(name);
        }
    }
    header.push('\n');
    stream.write(header.as_bytes())?;
    Ok(Box::new(CsvWriter {
        stream,
        fields,
        line: Vec::new(),
    }))
}

impl Writer for CsvWriter {
    fn write(&mut self, request: &Request) -> Result<(), TraceError> {
        use std::io::Write as _;
        let line = &mut self.line;
        line.clear();
        // Writing to a vector cannot fail.
        if self.fields.time {
            write_seconds(line, request.time_ns);
            line.push(b',');
        }
        let _ = write!(line, "{}", request.key);
        if self.fields.size {
            let _ = write!(line, ",{}", request.size);
        }
        if self.fields.operation {
            let _ = write!(line, ",{}", request.operation.name());
        }
        if self.fields.ttl {
            line.push(b',');
            if let Some(ttl_ns) = request.ttl_ns {
                write_seconds(line, ttl_ns);
            }
        }
        if self.fields.client {
            let _ = write!(line, ",{}", request.client);
        }
        line.push(b'\n');
        self.stream.write(line)
    }

    fn finish(self: Box<Self>) -> Result<(), TraceError> {
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Operation;
    use crate::trace::format::tests::{keys, read_all, read_all_with};
    use crate::units::SECOND_NS;

    fn with(columns: &str) -> ReadOptions {
        ReadOptions {
            columns: parse_columns(columns).unwrap(),
            ..ReadOptions::default()
        }
    }

    #[test]
    fn a_header_says_which_column_is_which() {
        let text = b"version,time,op,size,lbn\n1,5633898,2a,512,42932745\n";
        let expected = Request {
            time_ns: 5_633_898 * SECOND_NS,
            key: 42_932_745,
            size: 512,
            operation: Operation::Set,
            ..Request::default()
        };
        assert_eq!(read_all("csv", text).unwrap(), [expected]);
        let text = b"Timestamp;Obj ID;Obj_Size\n1.5;9;7\n";
        let expected = Request {
            time_ns: 1_500_000_000,
            key: 9,
            size: 7,
            ..Request::default()
        };
        assert_eq!(read_all("csv", text).unwrap(), [expected]);
    }

    #[test]
    fn columns_are_chosen_by_number_or_by_name() {
        let text = b"a,b,c\n1,2,3\n";
        for columns in ["key=2,size=3", "key=b,size=C", "id=2,bytes=c"] {
            let requests = read_all_with("csv", text, &with(columns));
            let header = columns.contains('b') || columns.contains('c');
            // By number alone nothing says that the first line is a header.
            if header {
                let expected = Request {
                    key: 2,
                    size: 3,
                    ..Request::default()
                };
                assert_eq!(requests.unwrap(), [expected], "{columns}");
            } else {
                assert!(requests.is_err(), "{columns}");
            }
        }
        let options = ReadOptions {
            header: Some(true),
            ..with("key=2,size=3")
        };
        assert_eq!(keys(&read_all_with("csv", text, &options).unwrap()), [2]);
        let text = b"10\t20\n30\t40";
        assert_eq!(
            keys(&read_all_with("csv", text, &with("key=2")).unwrap()),
            [20, 40]
        );
    }

    #[test]
    fn quoted_fields_may_hold_the_delimiter_and_quotes() {
        let text = b"key,size\n\"a,\"\"b\"\"\",5\n\"7\",6\n";
        let requests = read_all("csv", text).unwrap();
        assert_eq!(keys(&requests), [key_from_bytes(b"a,\"b\""), 7]);
        assert_eq!(requests[1].size, 6);
    }

    #[test]
    fn times_are_in_the_unit_that_the_user_says() {
        let options = ReadOptions {
            time_unit_ns: 1_000_000,
            ..ReadOptions::default()
        };
        let requests = read_all_with("csv", b"time,key,ttl\n1500,1,0\n1500.25,1,10\n", &options);
        let requests = requests.unwrap();
        assert_eq!(requests[0].time_ns, 1_500_000_000);
        assert_eq!(requests[0].ttl_ns, None);
        assert_eq!(requests[1].time_ns, 1_500_250_000);
        assert_eq!(requests[1].ttl_ns, Some(10_000_000));
    }

    #[test]
    fn errors_name_line_and_field_and_say_what_is_allowed() {
        let error = |text: &str| read_all("csv", text.as_bytes()).unwrap_err().to_string();
        insta::assert_snapshot!(error("key,size\n1,2\n3,x\n"), @r#"test: line 3: size: expected a whole number from 0 to 2^64-1, found "x""#);
        insta::assert_snapshot!(error("key,size\n1\n"), @r#"test: line 2: 1 columns where the first line has 2: "1""#);
        insta::assert_snapshot!(error("1,2\n"), @"test: line 1: 2 columns and no header line: say which is which, for example --columns time=1,key=2");
        insta::assert_snapshot!(error("time,size\n1,2\n"), @r#"test: line 1: no column of the header is recognised as the key: name it, for example --columns key=2; the header is "time,size""#);
        let error = |columns: &str| {
            read_all_with("csv", b"time,object\n1,2\n", &with(columns))
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(error("key=3"), @"test: line 1: key: column 3 was asked for; there are 2");
        insta::assert_snapshot!(error("key=objct"), @r#"test: line 1: key: the header has no column "objct" (did you mean object?)"#);
        insta::assert_snapshot!(error("key=2,size=2"), @"test: line 1: size: column 2 is something else already");
    }

    #[test]
    fn a_wrong_list_of_columns_is_explained() {
        let error = |columns: &str| parse_columns(columns).unwrap_err();
        insta::assert_snapshot!(error("time=1"), @r#""time=1" does not say which column is the key (key=...)"#);
        insta::assert_snapshot!(error("kee=1"), @r#"no column is called "kee" (did you mean key?); columns are time, key, size, op, ttl, client"#);
        insta::assert_snapshot!(error("key=0"), @r#""key=0": columns are counted from 1"#);
        insta::assert_snapshot!(error("key"), @r#""key" is not COLUMN=NUMBER or COLUMN=NAME; columns are time, key, size, op, ttl, client"#);
        insta::assert_snapshot!(error("key=1,key=2"), @"the column key is named twice");
    }
}
