//! What a section leaves: text, figures by name, charts, and what it had to leave out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Measured values by name, as `latency/azure/msgpack/p50`; times in nanoseconds.
pub type Figures = BTreeMap<String, f64>;

/// A part of the document as Markdown.
pub struct Page {
    pub text: String,
    pub figures: Figures,
    /// What was left out, and why.
    pub skipped: Vec<String>,
    /// Folder of charts.
    charts: PathBuf,
}

impl Page {
    pub fn new(charts: PathBuf) -> Page {
        Page { text: String::new(), figures: Figures::new(), skipped: Vec::new(), charts }
    }

    /// A paragraph.
    pub fn say(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.text, "{}\n", text.as_ref().trim());
    }

    /// A smaller heading.
    pub fn heading(&mut self, text: &str) {
        let _ = writeln!(self.text, "### {text}\n");
    }

    /// A table; columns after the first are numbers, to the right.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        self.text += &line(&names);
        self.text += &format!("|---|{}\n", "---:|".repeat(header.len() - 1));
        for row in rows {
            assert_eq!(row.len(), header.len(), "a row fits its header");
            self.text += &line(row);
        }
        self.text.push('\n');
    }

    /// Draws a chart into the file that it is given.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn chart(
        &mut self,
        name: &str,
        about: &str,
        draw: impl FnOnce(&std::path::Path) -> Result<(), String>,
    ) -> Result<(), String> {
        let file = format!("{name}.svg");
        draw(&self.charts.join(&file))?;
        let folder = self.charts.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.say(format!("![{about}]({folder}/{file})"));
        Ok(())
    }

    /// A value that targets and the README ask for.
    pub fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }

    /// Something that is not measured here and now.
    pub fn skip(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.say(format!("Not measured: {what}."));
        self.skipped.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_markdown() {
        let mut page = Page::new("somewhere/benchmarks".into());
        page.say("  Text. ");
        page.table(&["a", "b"], &[vec!["x".to_owned(), "1".to_owned()]]);
        page.skip("this, because");
        page.chart("c", "about", |path| {
            assert!(path.ends_with("benchmarks/c.svg"));
            Ok(())
        })
        .expect("nothing is drawn");
        assert_eq!(
            page.text,
            "Text.\n\n| a | b |\n|---|---:|\n| x | 1 |\n\nNot measured: this, because.\n\n\
             ![about](benchmarks/c.svg)\n\n"
        );
        assert_eq!(page.skipped, ["this, because"]);
    }
}
