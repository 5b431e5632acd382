//! Coverage as a page that needs nothing else: no script, style, font or image from elsewhere.

use super::collect::{Cell, Coverage, Row, named};
use sigmatag::rule::ast::Level;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page. `link` stands before the paths of rule files.
pub fn page(coverage: &Coverage, title: &str, link: Option<&str>) -> String {
    let mut out = String::new();
    let title = escaped(title);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"sigmatag coverage\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#rules\">To the list of rules</a>\n<header>\n<h1>{title}</h1>\n\
         <p>What these rules cover: tactics and techniques of ATT&amp;CK {}, log sources, levels and \
         tests.</p>\n",
        coverage.version.number(),
    );
    tiles(&mut out, coverage);
    out.push_str("</header>\n<main>\n");
    levels(&mut out, coverage);
    tactics(&mut out, coverage);
    rules(&mut out, coverage, link);
    let _ = write!(
        out,
        "</main>\n<footer>Written by <code>sigmatag coverage</code>. Names of ATT&amp;CK: &copy; The \
         MITRE Corporation, reproduced and distributed with the permission of The MITRE \
         Corporation.</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    out
}

fn tiles(out: &mut String, coverage: &Coverage) {
    let tests: usize = coverage.rows.iter().map(Row::test_count).sum();
    let untested = coverage.rows.iter().filter(|row| row.test_count() == 0).count();
    let covered = coverage.tactics.iter().filter(|tactic| tactic.rules > 0).count();
    out.push_str("<ul class=\"tiles\">\n");
    for (number, what) in [
        (coverage.of("rule").count().to_string(), "rules"),
        (coverage.of("correlation").count().to_string(), "correlations, not evaluated yet"),
        (coverage.techniques().len().to_string(), "techniques"),
        (format!("{covered} / {}", coverage.tactics.len()), "tactics"),
        (coverage.sources.len().to_string(), "log sources"),
        (tests.to_string(), "tests beside the rules"),
        (untested.to_string(), "without a test"),
    ] {
        let _ = writeln!(out, "<li><b>{number}</b> <span>{what}</span></li>");
    }
    out.push_str("</ul>\n");
}

fn level_name(level: Option<Level>) -> &'static str {
    level.map_or("none", Level::as_str)
}

fn levels(out: &mut String, coverage: &Coverage) {
    out.push_str("<h2>Levels</h2>\n<dl class=\"bars\">\n");
    let levels = coverage.levels();
    let most = levels.iter().map(|(_, number)| *number).max().unwrap_or(1);
    for (level, number) in levels {
        let name = level_name(level);
        let width = 100 * number / most;
        let _ = writeln!(
            out,
            "<dt><span class=\"level {name}\">{name}</span></dt>\
             <dd class=\"{name}\"><span class=\"bar\" style=\"width:{width}%\"></span></dd>\
             <dd>{number}</dd>"
        );
    }
    out.push_str("</dl>\n");
}

fn tactics(out: &mut String, coverage: &Coverage) {
    out.push_str(
        "<h2>Tactics and techniques</h2>\n<p>Each technique with the number of rules that are tagged \
         with it, under the tactic that stands before it in their tags.</p>\n<div class=\"matrix\">\n",
    );
    for tactic in &coverage.tactics {
        let class = if tactic.rules == 0 { " class=\"empty\"" } else { "" };
        let rules = if tactic.rules == 1 { "rule" } else { "rules" };
        let _ = writeln!(
            out,
            "<section{class}>\n<h3>{}</h3>\n<small>{}, {} {rules}</small>",
            escaped(tactic.name),
            tactic.id,
            tactic.rules,
        );
        if !tactic.techniques.is_empty() {
            out.push_str("<ul>\n");
        }
        for (id, number) in &tactic.techniques {
            let _ = writeln!(
                out,
                "<li><span><a href=\"{}\">{id}</a> {}</span> <span class=\"number\">{number}</span></li>",
                address(id),
                escaped(named(id).strip_prefix(id.as_str()).unwrap_or_default().trim()),
            );
        }
        if !tactic.techniques.is_empty() {
            out.push_str("</ul>\n");
        }
        out.push_str("</section>\n");
    }
    out.push_str("</div>\n");
}

/// Where ATT&CK describes a technique. Numbers come from tags, which have no other characters.
fn address(id: &str) -> String {
    let path: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    format!("https://attack.mitre.org/techniques/{}/", path.replace('.', "/"))
}

fn rules(out: &mut String, coverage: &Coverage, link: Option<&str>) {
    out.push_str(
        "<h2 id=\"rules\">Rules and log sources</h2>\n<p>A full circle: events of the source can be \
         what the rule is about, and have the fields that it names. Half a circle: some of the fields \
         are lacking, so that a part of the rule has nothing to look at; its text names \
         them. Tests are those that must match and those that must not.</p>\n\
         <label hidden>Search in rules <input id=\"search\" type=\"search\"> \
         <span id=\"shown\" role=\"status\"></span></label>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Rules and log sources\">\n\
         <table>\n<caption>Rules by level, with the log sources that they can be about</caption>\n\
         <thead>\n<tr><th scope=\"col\">Rule</th><th scope=\"col\">Level</th>\
         <th scope=\"col\">Techniques</th><th scope=\"col\">Tests</th>",
    );
    for (name, title) in &coverage.sources {
        let (name, title) = (escaped(name), escaped(title));
        let _ = write!(
            out,
            "<th scope=\"col\" class=\"source\" title=\"{title}\"><span>{name}</span></th>"
        );
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &coverage.rows {
        one(out, row, coverage, link);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn one(out: &mut String, row: &Row, coverage: &Coverage, link: Option<&str>) {
    let title = escaped(&row.title);
    let title = match link {
        Some(before) => {
            let address = escaped(&format!("{before}{}", row.file.replace('\\', "/")));
            format!("<a href=\"{address}\">{title}</a>")
        }
        None => title,
    };
    let id = escaped(row.id.as_deref().unwrap_or("no id"));
    let level = level_name(row.level);
    let kind = if row.kind == "rule" { "" } else { " <small>correlation</small>" };
    let techniques: Vec<String> = row
        .techniques()
        .into_iter()
        .map(|id| format!("<a href=\"{}\" title=\"{}\">{id}</a>", address(id), escaped(&named(id))))
        .collect();
    let _ = write!(
        out,
        "<tr><th scope=\"row\">{title}{kind} <small>{id}</small></th>\
         <td class=\"level {level}\">{level}</td><td>{}</td><td class=\"number\">",
        techniques.join(" "),
    );
    match row.tests {
        (0, 0) => out.push_str("<span class=\"part\">none</span>"),
        (matching, not) => {
            let _ = write!(out, "{matching}&nbsp;+&nbsp;{not}");
        }
    }
    out.push_str("</td>");
    let cells = row.cells.iter().map(Some).chain(std::iter::repeat(None));
    for cell in cells.take(coverage.sources.len()) {
        let (class, sign, text) = match cell {
            Some(Cell::Covered) => ("yes", "●", "yes".to_owned()),
            Some(Cell::Lacks(fields)) => ("part", "◐", format!("lacks {}", fields.join(", "))),
            Some(Cell::Other) | None => ("no", "·", "no".to_owned()),
        };
        let text = escaped(&text);
        let _ = write!(
            out,
            "<td class=\"cell {class}\" title=\"{text}\"><span aria-hidden=\"true\">{sign}</span>\
             <span class=\"unseen\">{text}</span></td>"
        );
    }
    out.push_str("</tr>\n");
}

/// Text as it stands in an element or in an attribute with double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_rules_are_texts() {
        assert_eq!(escaped("<b a=\"1\">'&'"), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;");
        assert_eq!(address("T1505.003"), "https://attack.mitre.org/techniques/T1505/003/");
        assert_eq!(address("T1\"><x"), "https://attack.mitre.org/techniques/T1x/");
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for text in [STYLE, SCRIPT] {
            for loading in ["url(", "@import", "http", "fetch(", "import("] {
                assert!(!text.contains(loading), "{loading}");
            }
        }
    }
}
