//! Records that no built-in source knows, as shippers carry them beside those that one does.

use super::rng::Rng;
use serde_json::{Value, json};

/// A container's log line with its metadata.
pub fn container() -> Value {
    json!({
        "log": "10.20.0.7 - - [22/Nov/2026:09:15:02 +0000] \"GET /products?id=7 HTTP/1.1\" 200 5316",
        "stream": "stdout",
        "time": "2026-11-22T09:15:02.123456789Z",
        "kubernetes": {
            "pod_name": "shop-web-6d5f8c7b9-x2x4z",
            "namespace_name": "shop",
            "container_name": "web",
            "host": "node-3",
            "labels": {"app": "shop-web", "tier": "front"}
        }
    })
}

/// So many records: lines of containers, of services, and of applications that log structure.
pub fn records(count: usize) -> Vec<Value> {
    let mut rng = Rng::new(7);
    (0..count).map(|number| record(&mut rng, number)).collect()
}

fn record(rng: &mut Rng, number: usize) -> Value {
    let (low, high) = (rng.below(250), rng.below(9000));
    match number % 3 {
        0 => {
            let mut record = container();
            let page =
                rng.word(&["products", "cart", "checkout", "images/logo.png", "api/v2/items"]);
            let (method, status) = (rng.word(&["GET", "POST"]), rng.word(&["200", "304", "404"]));
            record["log"] = json!(format!(
                "10.20.0.{low} - - [22/Nov/2026:09:15:02 +0000] \"{method} /{page}?id={high} \
                 HTTP/1.1\" {status} {high}"
            ));
            record
        }
        1 => json!({
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": rng.word(&["systemd", "dhclient", "chronyd", "containerd"]),
            "_PID": high,
            "_HOSTNAME": format!("node-{low}"),
            "_SYSTEMD_UNIT": "session.scope",
            "MESSAGE": format!("Started unit {high} after {low} ms, next run in {low} minutes."),
        }),
        _ => json!({
            "level": rng.word(&["info", "warn", "debug"]),
            "logger": "com.example.shop.OrderService",
            "thread": format!("worker-{low}"),
            "msg": format!("order {high} accepted, {low} positions"),
            "duration_ms": low,
            "trace": {"id": format!("{:016x}", rng.next()), "sampled": rng.chance(10)},
        }),
    }
}
