//! A layer for the ATT&CK Navigator.

use super::collect::Coverage;
use serde_json::{Value, json};
use sigmatag::attack::{Known, technique};

/// The layer, and the techniques that are left out because they are not of Enterprise.
pub fn layer(coverage: &Coverage, title: &str) -> (Value, Vec<String>) {
    let mut left_out = Vec::new();
    let mut techniques = Vec::new();
    let mut most = 1;
    for (id, rows) in coverage.techniques() {
        if matches!(technique(id), Known::Other | Known::Unknown) {
            left_out.push(id.clone());
            continue;
        }
        most = most.max(rows.len());
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        techniques.push(json!({
            "techniqueID": id,
            "score": rows.len(),
            "comment": titles.join("\n"),
            "enabled": true,
            "showSubtechniques": id.contains('.'),
        }));
    }
    let layer = json!({
        "name": title,
        "versions": {
            "attack": coverage.version.number().to_string(),
            "navigator": "5.0.0",
            "layer": "4.5",
        },
        "domain": "enterprise-attack",
        "description": "The score is the number of rules; the comment names them.",
        "sorting": 3,
        "techniques": techniques,
        "gradient": {
            "colors": ["#dbe9f6", "#08519c"],
            "minValue": 0,
            "maxValue": most,
        },
    });
    (layer, left_out)
}
