//! What the text formats share: a reader that turns each line into some requests. Not a format.

use crate::trace::error::Problem;
use crate::trace::{Fields, Input, Reader, Request, TraceError};

/// The most requests that one line may stand for. A block request of more is taken for a broken
/// line.
pub(super) const MOST_REQUESTS_PER_LINE: u64 = 1 << 24;

/// Requests that differ by their keys only: `request.key`, and `count` - 1 more at distances of
/// `key_step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub request: Request,
    pub count: u64,
    pub key_step: u64,
}

impl From<Request> for Run {
    fn from(request: Request) -> Self {
        Self {
            request,
            count: 1,
            key_step: 0,
        }
    }
}

impl Run {
    /// The requests for the blocks that the bytes from `start` on, `request.size` of them, lie in.
    /// The key is the block's number and the size that of a block. Without bytes: one block.
    pub fn of_blocks(mut request: Request, start: u64, block_bytes: u64) -> Result<Self, Problem> {
        let block_bytes = block_bytes.max(1);
        let last = start
            .checked_add(request.size.saturating_sub(1))
            .ok_or_else(|| Problem::of_field("size", "the request ends beyond 2^64 bytes"))?;
        request.key = start / block_bytes;
        let count = last / block_bytes - request.key + 1;
        request.size = block_bytes;
        Self {
            request,
            count,
            key_step: 1,
        }
        .checked("size")
    }

    /// Itself, if it is not too long.
    pub fn checked(self, field: &'static str) -> Result<Self, Problem> {
        if self.count > MOST_REQUESTS_PER_LINE {
            return Err(Problem::of_field(
                field,
                format!(
                    "stands for {} requests; at most {MOST_REQUESTS_PER_LINE} are allowed",
                    self.count
                ),
            ));
        }
        Ok(self)
    }

    /// The next request; the count says how many are left.
    #[inline]
    pub fn take(&mut self) -> Request {
        let request = self.request;
        self.count -= 1;
        self.request.key = self.request.key.wrapping_add(self.key_step);
        request
    }
}

/// A reader of lines. `parse` turns a line into runs, or into nothing (an empty line, a comment).
pub(super) struct Lines<P> {
    input: Input,
    fields: Fields,
    parse: P,
    /// Runs of the line that was read last.
    runs: Vec<Run>,
    /// The run that is being handed out.
    current: usize,
}

impl<P: FnMut(&[u8], &mut Vec<Run>) -> Result<(), Problem>> Lines<P> {
    pub fn new(input: Input, fields: Fields, parse: P) -> Self {
        Self {
            input,
            fields,
            parse,
            runs: Vec::new(),
            current: 0,
        }
    }
}

impl<P: FnMut(&[u8], &mut Vec<Run>) -> Result<(), Problem> + Send> Reader for Lines<P> {
    fn fields(&self) -> Fields {
        self.fields
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Request>, TraceError> {
        loop {
            if let Some(run) = self.runs.get_mut(self.current) {
                if run.count > 0 {
                    return Ok(Some(run.take()));
                }
                self.current += 1;
                continue;
            }
            self.runs.clear();
            self.current = 0;
            let Some(line) = self.input.line()? else {
                return Ok(None);
            };
            if let Err(problem) = (self.parse)(line, &mut self.runs) {
                self.runs.clear();
                return Err(self.input.at_line(problem));
            }
        }
    }
}

/// Splits a line at `delimiter` into exactly `N` fields.
pub(super) fn split<const N: usize>(line: &[u8], delimiter: u8) -> Result<[&[u8]; N], Problem> {
    let mut fields = [b"".as_slice(); N];
    let mut found = 0;
    for field in line.split(|&byte| byte == delimiter) {
        if let Some(place) = fields.get_mut(found) {
            *place = field.trim_ascii();
        }
        found += 1;
    }
    if found == N {
        return Ok(fields);
    }
    Err(Problem::new(format!(
        "expected {N} fields, found {found}: {}",
        crate::trace::error::quoted(line)
    )))
}
