//! The document: the machine, the targets, then what each section left.

use crate::arguments::Arguments;
use crate::machine;
use crate::page::{Figures, Page};
use crate::sections::Section;
use crate::targets;
use std::fmt::Write as _;
use std::time::Duration;

/// A section that ran.
pub struct Part {
    pub section: &'static Section,
    pub page: Page,
    /// Why it did not come to its end.
    pub failure: Option<String>,
    pub took: Duration,
}

/// All of a run.
pub struct Document {
    /// The options that the run had.
    options: String,
    is_whole: bool,
    machine: Vec<(&'static str, String)>,
    load_before: String,
    parts: Vec<Part>,
}

impl Document {
    /// Before anything is measured.
    pub fn begin(arguments: &Arguments) -> Document {
        let mut options = Vec::new();
        if arguments.quick {
            options.push("--quick".to_owned());
        }
        if !arguments.only.is_empty() {
            options.push(format!("--only {}", arguments.only.join(",")));
        }
        Document {
            options: options.join(" "),
            is_whole: arguments.is_whole(),
            machine: machine::describe(),
            load_before: machine::load(),
            parts: Vec::new(),
        }
    }

    pub fn add(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The figures of all sections.
    pub fn figures(&self) -> Figures {
        let all = self.parts.iter().flat_map(|part| &part.page.figures);
        all.map(|(name, value)| (name.clone(), *value)).collect()
    }

    /// # Errors
    /// Names the sections that failed.
    pub fn failures(&self) -> Result<(), String> {
        let failed = self.parts.iter().filter_map(|part| {
            let failure = part.failure.as_ref()?;
            Some(format!("{}: {failure}", part.section.name))
        });
        let failed: Vec<String> = failed.collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
    }

    /// As Markdown.
    pub fn text(&self) -> String {
        let mut out = String::from("# Benchmarks\n\n");
        let _ = writeln!(
            out,
            "Written by `make bench`; every number is from the run that wrote it. `make bench \
             ONLY=SECTION` measures one section into `target/report`.\n"
        );
        if !self.is_whole {
            let _ = writeln!(out, "This run had the options `{}`.\n", self.options);
        }
        self.contents(&mut out);
        self.machine(&mut out);
        out += &targets::text(&self.figures());
        for part in &self.parts {
            let _ = writeln!(out, "## {}\n", part.section.title);
            let _ = writeln!(out, "`make bench ONLY={}`\n", part.section.name);
            out += &part.page.text;
            if let Some(failure) = &part.failure {
                let _ = writeln!(out, "Failed: {failure}\n");
            }
        }
        self.left_out(&mut out);
        out.trim_end().to_owned() + "\n"
    }

    fn contents(&self, out: &mut String) {
        let titles = self.parts.iter().map(|part| part.section.title);
        for title in ["Machine", "Targets"].into_iter().chain(titles).chain(["Left out"]) {
            let _ = writeln!(out, "- [{title}](#{})", anchor(title));
        }
        out.push('\n');
    }

    fn machine(&self, out: &mut String) {
        *out += "## Machine\n\n| | |\n|---|---|\n";
        for (what, value) in &self.machine {
            let _ = writeln!(out, "| {what} | {value} |");
        }
        let took: Duration = self.parts.iter().map(|part| part.took).sum();
        let _ = writeln!(out, "| measured for | {} minutes |", took.as_secs() / 60);
        let _ = writeln!(
            out,
            "| processes ready to run | {} before the first section, {} after the last |\n",
            self.load_before,
            machine::load()
        );
        let _ = writeln!(
            out,
            "One thread, the system's allocator. Others share the machine: least times are given \
             where code is compared, and disturbances are shown beside them.\n"
        );
    }

    fn left_out(&self, out: &mut String) {
        *out += "## Left out\n\n";
        let mut nothing = true;
        for part in &self.parts {
            for skipped in &part.page.skipped {
                let _ = writeln!(out, "- {}: {skipped}", part.section.title);
                nothing = false;
            }
        }
        if nothing {
            *out += "Nothing.\n";
        }
    }
}

/// A heading as links spell it.
pub fn anchor(title: &str) -> String {
    let words = title.to_lowercase().replace(' ', "-");
    words.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections;

    #[test]
    fn what_was_left_out_and_what_failed_is_said() {
        let arguments = Arguments { quick: true, only: vec!["cold".to_owned()], out: None };
        let mut document = Document::begin(&arguments);
        let mut page = Page::new("charts".into());
        page.skip("something, because");
        page.figure("a/b", 1.0);
        let section = &sections::ALL[0];
        let failure = Some("no luck".to_owned());
        document.add(Part { section, page, failure, took: Duration::from_secs(61) });
        let text = document.text();
        for part in ["`--quick --only cold`", "something, because", "Failed: no luck", "1 minutes"]
        {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
        assert_eq!(document.figures()["a/b"], 1.0);
        assert!(document.failures().is_err_and(|m| m.contains("latency: no luck")));
        assert_eq!(anchor("Loading, compiling, memory"), "loading-compiling-memory");
    }
}
