//! Small parsers that the text formats share: numbers, instants, operations.

use super::error::{Problem, quoted, suggestion};
use super::request::Operation;

/// A decimal number below 2^64, digits only.
#[inline]
pub(super) fn number(field: &'static str, written: &[u8]) -> Result<u64, Problem> {
    let fail = || {
        Problem::of_field(
            field,
            format!(
                "expected a whole number from 0 to 2^64-1, found {}",
                quoted(written)
            ),
        )
    };
    if written.is_empty() {
        return Err(fail());
    }
    let mut number: u64 = 0;
    for &byte in written {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(fail());
        }
        number = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u64::from(digit)))
            .ok_or_else(fail)?;
    }
    Ok(number)
}

/// A decimal number of units, perhaps with a fraction, in nanoseconds; `unit_ns` is a power of ten.
/// Digits beyond the nanosecond are cut off.
#[inline]
pub(super) fn duration_ns(
    field: &'static str,
    written: &[u8],
    unit_ns: u64,
) -> Result<u64, Problem> {
    let fail = || {
        Problem::of_field(
            field,
            format!(
                "expected a number such as 12 or 12.5, at most 2^64-1 nanoseconds, found {}",
                quoted(written)
            ),
        )
    };
    let point = memchr::memchr(b'.', written).unwrap_or(written.len());
    let (whole, fraction) = (&written[..point], written.get(point + 1..).unwrap_or(b""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(fail());
    }
    let mut sum: u64 = if whole.is_empty() {
        0
    } else {
        number(field, whole).map_err(|_| fail())?
    };
    sum = sum.checked_mul(unit_ns).ok_or_else(fail)?;
    let mut weight_ns = unit_ns;
    for &byte in fraction {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(fail());
        }
        weight_ns /= 10;
        sum = sum
            .checked_add(u64::from(digit) * weight_ns)
            .ok_or_else(fail)?;
    }
    Ok(sum)
}

/// An operation by its name in any of the text formats, or by its SCSI code in hexadecimal.
pub(super) fn operation(field: &'static str, written: &[u8]) -> Result<Operation, Problem> {
    // The common ones first, without the copy to lower case.
    match written {
        b"get" | b"GET" => return Ok(Operation::Get),
        b"set" | b"SET" => return Ok(Operation::Set),
        _ => {}
    }
    let lower = written.to_ascii_lowercase();
    Ok(match lower.as_slice() {
        b"get" | b"read" | b"r" | b"get_lease" | b"lookup" | b"28" | b"08" | b"88" | b"a8" => {
            Operation::Get
        }
        b"gets" => Operation::Gets,
        b"set" | b"write" | b"w" | b"put" | b"set_lease" | b"update" | b"2a" | b"0a" | b"8a"
        | b"aa" => Operation::Set,
        b"add" | b"insert" => Operation::Add,
        b"replace" => Operation::Replace,
        b"cas" => Operation::Cas,
        b"append" => Operation::Append,
        b"prepend" => Operation::Prepend,
        b"delete" | b"del" | b"remove" => Operation::Delete,
        b"incr" | b"increment" => Operation::Increment,
        b"decr" | b"decrement" => Operation::Decrement,
        _ => {
            let names = Operation::ALL.map(Operation::name);
            let near = suggestion(&String::from_utf8_lossy(&lower), names);
            return Err(Problem::of_field(
                field,
                format!(
                    "unknown operation {}{near}; known are {}, read, write, put, insert and SCSI \
                     codes (28, 2a, ...)",
                    quoted(written),
                    names.join(", ")
                ),
            ));
        }
    })
}

/// A line without blanks at its ends.
#[inline]
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// Seconds with as many decimals as are needed, for text formats that are written.
pub(super) fn write_seconds(out: &mut Vec<u8>, time_ns: u64) {
    use std::io::Write as _;
    let (seconds, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
    // Writing to a vector cannot fail.
    let _ = write!(out, "{seconds}");
    if rest > 0 {
        let digits = format!("{rest:09}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// The complete lines of the first bytes of a file. The last line counts only if the file ends
/// there: it may be cut.
pub(super) fn complete_lines(head: &[u8], whole: bool) -> impl Iterator<Item = &[u8]> {
    let end = if whole {
        head.len()
    } else {
        memchr::memrchr(b'\n', head).map_or(0, |at| at + 1)
    };
    head[..end]
        .split(|&byte| byte == b'\n')
        .map(trimmed)
        .filter(|line| !line.is_empty())
}

/// Whether these bytes look like text: UTF-8 (perhaps cut within a character) without control bytes
/// but tabs and line ends.
pub(super) fn is_text(head: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_utf8
        && !head
            .iter()
            .any(|&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_every_nanosecond() {
        let parse = |written: &str, unit| duration_ns("time", written.as_bytes(), unit).ok();
        assert_eq!(parse("12", 1_000_000_000), Some(12_000_000_000));
        assert_eq!(parse("12.5", 1_000_000_000), Some(12_500_000_000));
        assert_eq!(
            parse("1339518083.107412", 1_000_000_000),
            Some(1_339_518_083_107_412_000)
        );
        assert_eq!(parse("0.0000000019", 1_000_000_000), Some(1));
        assert_eq!(parse("7", 100), Some(700));
        assert_eq!(parse(".5", 1_000), Some(500));
        for wrong in ["", ".", "-1", "1.2.3", "1e9", "x", "18446744074"] {
            assert_eq!(parse(wrong, 1_000_000_000), None, "{wrong:?}");
        }
    }

    #[test]
    fn seconds_are_written_as_they_are_read() {
        for time_ns in [0, 1, 999_999_999, 1_000_000_000, 12_500_000_000, u64::MAX] {
            let mut out = Vec::new();
            write_seconds(&mut out, time_ns);
            assert_eq!(duration_ns("time", &out, 1_000_000_000), Ok(time_ns));
        }
    }

    #[test]
    fn every_operation_is_read_by_its_name() {
        for wanted in Operation::ALL {
            assert_eq!(operation("op", wanted.name().as_bytes()), Ok(wanted));
        }
        assert!(
            operation("op", b"dellete")
                .unwrap_err()
                .message
                .contains("did you mean delete?")
        );
    }
}
