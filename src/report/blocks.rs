//! A table for people that never is wider than it may be: columns that do not fit go into further
//! blocks, each of which begins with the leading columns again.
//!
//! Not here: what is in the cells, and tables for programs (see `csv`) or pull requests (see `markdown`).

use unicode_width::UnicodeWidthStr as _;

/// Blanks between two columns.
const GAP: usize = 2;

/// A table of plain text.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// One heading per column, perhaps of several lines.
    pub header: Vec<String>,
    /// The rows, each with a cell per column.
    pub rows: Vec<Vec<String>>,
    /// How many columns are repeated in each block: those that say what a row is.
    pub leading: usize,
    /// How many columns, from the first, are flush left; numbers are flush right.
    pub flush_left: usize,
}

impl Blocks {
    /// The table in as few blocks as `width` allows; a block has one column of its own at least.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let heading = self.header[column].lines().map(str::width).max();
                cells
                    .map(|cell| cell.width())
                    .chain(heading)
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let lead: usize = widths.iter().take(self.leading).map(|it| it + GAP).sum();
        let mut blocks = Vec::new();
        let mut next = self.leading;
        while next < self.header.len() {
            let start = next;
            let mut used = lead + widths[next];
            next += 1;
            while next < self.header.len() && used + GAP + widths[next] <= width {
                used += GAP + widths[next];
                next += 1;
            }
            let columns: Vec<usize> = (0..self.leading).chain(start..next).collect();
            blocks.push(self.block(&columns, &widths));
        }
        blocks.join("\n")
    }

    fn block(&self, columns: &[usize], widths: &[usize]) -> String {
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells = columns.iter().map(|&column| {
                let (text, width) = (cell(column), widths[column]);
                let blanks = " ".repeat(width.saturating_sub(text.width()));
                match column < self.flush_left {
                    true => text + &blanks,
                    false => blanks + &text,
                }
            });
            let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
            line.trim_end().to_owned() + "\n"
        };
        let tallest = columns.iter().map(|&it| self.header[it].lines().count());
        let tallest = tallest.max().unwrap_or(0);
        let mut text = String::new();
        for row in 0..tallest {
            // Short headings stand directly above the rule.
            text += &line(&|column| {
                let mut lines: Vec<&str> = self.header[column].lines().collect();
                lines.splice(0..0, vec![""; tallest - lines.len()]);
                lines[row].to_owned()
            });
        }
        let full = columns.iter().map(|&it| widths[it]).sum::<usize>();
        text += &"─".repeat(full + GAP * columns.len().saturating_sub(1));
        text.push('\n');
        for row in &self.rows {
            text += &line(&|column| row.get(column).cloned().unwrap_or_default());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(columns: usize) -> Blocks {
        let mut header = vec!["miss ratio".to_owned()];
        header.extend((1..=columns).map(|it| format!("{it}%\n{}", it * 1000)));
        let row = |name: &str| {
            let cells = (1..=columns).map(|it| format!("0.{it:04}"));
            std::iter::once(name.to_owned()).chain(cells).collect()
        };
        Blocks {
            header,
            rows: vec![row("lru"), row("slru:segments=2")],
            leading: 1,
            flush_left: 1,
        }
    }

    #[test]
    fn what_does_not_fit_goes_into_another_block_with_the_leading_column_again() {
        insta::assert_snapshot!(table(4).text(40), @r"
                             1%      2%      3%
        miss ratio         1000    2000    3000
        ───────────────────────────────────────
        lru              0.0001  0.0002  0.0003
        slru:segments=2  0.0001  0.0002  0.0003

                             4%
        miss ratio         4000
        ───────────────────────
        lru              0.0004
        slru:segments=2  0.0004
        ");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_allowed_and_no_cell_is_lost(columns in 1_usize..30, width in 30_usize..140) {
            let text = table(columns).text(width);
            for line in text.lines() {
                prop_assert!(line.width() <= width, "{line}");
            }
            for column in 1..=columns {
                let cell = format!("0.{column:04}");
                prop_assert_eq!(text.matches(&cell).count(), 2, "{}", cell);
            }
            prop_assert_eq!(text.matches("slru").count(), text.matches("miss ratio").count());
        }
    }
}
