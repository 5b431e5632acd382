//! Traffic of Azure Database for MySQL as its diagnostic settings deliver it: random, the same for
//! a seed, and made up from nothing but documentation.
//!
//! ```text
//! server, account --statements, attacks--> event --wrap--> record
//! ```
//! Enter at [`Traffic::new`]; [`Traffic::event`] gives events as they are on the wire,
//! [`Traffic::record`] gives them in everything that pipelines wrap them in. What stays true: no
//! statement is longer than Azure's cut, and an event that is no attack is ordinary work.

pub mod attacks;
pub mod statements;
pub mod wrap;

use super::rng::Rng;
use serde_json::{Map, Value, json};

/// Where Azure cuts statements, in characters.
pub const LONGEST_STATEMENT: usize = 2048;

/// One audit or slow-query event.
pub struct Event {
    /// The event as Event Hubs holds it, without the envelope.
    pub value: Value,
    /// What it tries, if it is an attack.
    pub attack: Option<&'static str>,
}

/// One record as a log shipper gets it.
pub struct Record {
    /// The record.
    pub value: Value,
    /// What each of its events tries, in their order.
    pub attacks: Vec<Option<&'static str>>,
}

/// A server that events come from.
struct Server {
    name: String,
    group: &'static str,
    subscription: String,
    /// Flexible Server; else the older Single Server.
    is_flexible: bool,
    database: &'static str,
    accounts: [&'static str; 3],
    network: [usize; 2],
}

/// An endless stream of events.
pub struct Traffic {
    rng: Rng,
    servers: Vec<Server>,
    /// Of a thousand events, this many are attacks.
    attacks_per_thousand: usize,
    /// Seconds since the first event.
    clock: u64,
    thread: u64,
}

impl Traffic {
    /// A stream that only `seed` decides, with 5 attacks among 1,000 events.
    pub fn new(seed: u64) -> Traffic {
        let mut rng = Rng::new(seed);
        let names = ["shop", "crm", "billing", "blog", "auth", "stock"];
        let groups = ["production", "rg-shared-eu", "Web", "data-platform"];
        let servers = (0..8)
            .map(|number| Server {
                name: format!("{}-{}-{number:02}", rng.word(&names), rng.word(&["db", "mysql"])),
                group: rng.word(&groups),
                subscription: uuid(&mut rng),
                is_flexible: rng.chance(70),
                database: rng.word(&names),
                accounts: [
                    rng.word(&["app", "web", "orders_rw", "django"]),
                    rng.word(&["report", "grafana", "bi_reader"]),
                    rng.word(&["migrate", "backup", "dbadmin"]),
                ],
                network: [rng.below(250), rng.below(250)],
            })
            .collect();
        Traffic { rng, servers, attacks_per_thousand: 5, clock: 0, thread: 70_000 }
    }

    /// The same stream with another share of attacks.
    pub fn with_attacks_per_thousand(self, attacks_per_thousand: usize) -> Traffic {
        Traffic { attacks_per_thousand, ..self }
    }

    /// The next event.
    pub fn event(&mut self) -> Event {
        self.clock += self.rng.below(3) as u64;
        self.thread += self.rng.below(5) as u64;
        let Traffic { rng, servers, clock, thread, .. } = self;
        let server = rng.below(servers.len());
        let mut client = Client {
            server: &servers[server],
            account: servers[server].accounts[[0, 0, 0, 0, 0, 0, 0, 1, 1, 2][rng.below(10)]],
            thread: *thread,
            clock: *clock,
            rng,
        };
        if client.rng.below(1000) < self.attacks_per_thousand {
            let (attack, statement) = attacks::attack(client.rng);
            return Event { value: client.general(&statement, 0), attack: Some(attack) };
        }
        let value = match client.rng.below(100) {
            0..66 => {
                let failed = client.rng.chance(2);
                let statement = statements::statement(client.rng);
                // No such table, lock wait timeout, duplicate key.
                let code = if failed { *client.rng.pick(&[1146, 1205, 1062]) } else { 0 };
                client.general(&statement, code)
            }
            66..82 => client.connection(),
            82..96 => client.table_access(),
            _ => client.slow(),
        };
        Event { value, attack: None }
    }

    /// The next record: one event, or several, in one of the forms that pipelines deliver.
    pub fn record(&mut self) -> Record {
        wrap::record(self)
    }
}

/// Who does what where.
struct Client<'a> {
    server: &'a Server,
    account: &'static str,
    thread: u64,
    clock: u64,
    rng: &'a mut Rng,
}

impl Client<'_> {
    fn ip(&mut self) -> String {
        let [second, third] = self.server.network;
        format!("10.{second}.{third}.{}", 1 + self.rng.below(250))
    }

    /// Seven decimals on Flexible Server, none on Single Server.
    fn time(&self) -> String {
        let end = if self.server.is_flexible { ".0000000Z" } else { "Z" };
        format!("{}{end}", time_of(self.clock))
    }

    fn general(&mut self, statement: &str, error_code: u64) -> Value {
        let ip = self.ip();
        let account = self.account;
        let subclass = if error_code == 0 { "LOG" } else { "ERROR" };
        self.event(
            "MySqlAuditLogs",
            json!({
                "event_class": "general_log",
                "event_subclass": subclass,
                "event_time": self.time(),
                "error_code": error_code,
                "thread_id": self.thread,
                "host": "",
                "ip": ip,
                "user": format!("{account}[{account}] @  [{ip}]"),
                "sql_text": cut(statement),
            }),
        )
    }

    fn connection(&mut self) -> Value {
        let subclass = match self.rng.below(100) {
            0..52 => "CONNECT",
            52..99 => "DISCONNECT",
            _ => "CHANGE USER",
        };
        let mut properties = json!({
            "event_class": "connection_log",
            "event_subclass": subclass,
            "connection_id": self.thread,
            "host": "",
            "ip": self.ip(),
            "user": self.account,
            "db": self.server.database,
        });
        // CONNECTION_V2: also what failed.
        if self.server.is_flexible && subclass == "CONNECT" {
            properties["status"] = json!(if self.rng.chance(4) { 1045 } else { 0 });
        }
        self.event("MySqlAuditLogs", properties)
    }

    fn table_access(&mut self) -> Value {
        let table = statements::table(self.rng);
        let (subclass, statement) = statements::about(self.rng, table);
        self.event(
            "MySqlAuditLogs",
            json!({
                "event_class": "table_access_log",
                "event_subclass": subclass,
                "connection_id": self.thread,
                "db": self.server.database,
                "table": table,
                "sql_text": cut(&statement),
            }),
        )
    }

    fn slow(&mut self) -> Value {
        let (account, ip) = (self.account, self.ip());
        let statement = statements::report(self.rng);
        let (query, lock) = (10 + self.rng.below(900), self.rng.below(20));
        let (sent, factor) = (self.rng.below(5000), 1 + self.rng.below(400));
        self.event(
            "MySqlSlowLogs",
            json!({
                "event_class": "slow_log",
                "start_time": self.time(),
                "query_time": query as f64 / 10.0,
                "lock_time": lock as f64 / 100.0,
                "rows_sent": sent,
                "rows_examined": sent * factor,
                "last_insert_id": 0,
                "insert_id": 0,
                "server_id": 4_027_513_998_u64,
                "thread_id": self.thread,
                "host": format!("{account}[{account}] @  [{ip}]"),
                "db": self.server.database,
                "sql_text": cut(&statement),
            }),
        )
    }

    /// What stands around the properties, which says the server twice on Single Server and only by
    /// the resource on Flexible Server.
    fn event(&self, category: &str, mut properties: Value) -> Value {
        let Server { name, group, subscription, is_flexible, .. } = self.server;
        let kind = if *is_flexible { "FLEXIBLESERVERS" } else { "SERVERS" };
        let resource = format!(
            "/SUBSCRIPTIONS/{}/RESOURCEGROUPS/{}/PROVIDERS/MICROSOFT.DBFORMYSQL/{kind}/{}",
            subscription.to_uppercase(),
            group.to_uppercase(),
            name.to_uppercase()
        );
        if *is_flexible {
            properties["category"] = json!(category);
            properties["replication_set_role"] = json!("single");
            return json!({
                "category": category,
                "properties": properties,
                "resourceId": resource,
                "ServerType": "MySQL",
            });
        }
        json!({
            "LogicalServerName": name,
            "SubscriptionId": subscription,
            "ResourceGroup": group,
            "time": self.time(),
            "resourceId": resource,
            "category": category,
            "operationName": "LogEvent",
            "properties": properties,
        })
    }
}

/// As Azure cuts it.
fn cut(statement: &str) -> &str {
    match statement.char_indices().nth(LONGEST_STATEMENT) {
        Some((end, _)) => &statement[..end],
        None => statement,
    }
}

/// `2026-03-05T` and the time of day; after a day the hours begin anew.
fn time_of(second: u64) -> String {
    format!("2026-03-05T{:02}:{:02}:{:02}", second / 3600 % 24, second / 60 % 60, second % 60)
}

fn uuid(rng: &mut Rng) -> String {
    let (a, b) = (rng.next(), rng.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// The properties of an event, in their order.
fn properties(event: &Value) -> &Map<String, Value> {
    event["properties"].as_object().expect("an event has properties")
}
