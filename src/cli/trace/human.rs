//! Numbers as people read them in the output of `trace`. Not here: what they mean.

/// A number with commas between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many requests, in words.
pub(super) fn requests(number: u64) -> String {
    match number {
        1 => "1 request".to_owned(),
        number => format!("{} requests", thousands(number)),
    }
}

/// About three digits, with commas.
pub(super) fn significant(number: f64) -> String {
    match number {
        number if number >= 100.0 => thousands(number.round() as u64),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        share if share >= 10.0 || share == 0.0 => format!("{share:.1} %"),
        share if share >= 0.1 => format!("{share:.2} %"),
        share => format!("{share:.3} %"),
    }
}

pub(super) fn bytes(number: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut number, mut unit) = (number, 0);
    while number >= 1023.5 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(number), UNITS[unit])
}

pub(super) fn duration(nanoseconds: f64) -> String {
    let (unit, name) = match nanoseconds {
        number if number >= 48.0 * 3600e9 => (86_400e9, "d"),
        number if number >= 2.0 * 3600e9 => (3600e9, "h"),
        number if number >= 120e9 => (60e9, "min"),
        number if number >= 1e9 || number == 0.0 => (1e9, "s"),
        number if number >= 1e6 => (1e6, "ms"),
        number if number >= 1e3 => (1e3, "us"),
        _ => (1.0, "ns"),
    };
    format!("{} {name}", short(nanoseconds / unit))
}

/// Up to two decimals, none that say nothing.
pub(super) fn short(number: f64) -> String {
    if number >= 1000.0 {
        return thousands(number.round() as u64);
    }
    let text = if number >= 100.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(requests(1), "1 request");
        assert_eq!(requests(1_000), "1,000 requests");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(4096.0), "4 KiB");
        assert_eq!(bytes(1_048_575.0), "1 MiB");
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(1_500_000.0), "1.5 ms");
        assert_eq!(duration(7_200e9), "2 h");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.12345), "12.3 %");
        assert_eq!(percent(0.0012), "0.12 %");
    }
}
