//! What applications, their frameworks and reports ask of a database.

use super::Rng;

const TABLES: [&str; 12] = [
    "customers",
    "orders",
    "order_items",
    "products",
    "invoices",
    "payments",
    "sessions",
    "articles",
    "comments",
    "stock_levels",
    "shipments",
    "audit_trail",
];
const COLUMNS: [&str; 14] = [
    "id",
    "name",
    "email",
    "status",
    "total",
    "created_at",
    "updated_at",
    "customer_id",
    "quantity",
    "price",
    "country",
    "title",
    "is_active",
    "notes",
];
/// Among them what looks like SQL, markup or escapes and is none.
const WORDS: [&str; 16] = [
    "alpha",
    "Zürich",
    "O\\'Brien",
    "x-large",
    "select a plan",
    "union square",
    "héllo wörld",
    "paid",
    "new",
    "it''s due",
    "100% cotton",
    "a;b",
    "Where from?",
    "東京",
    "drop-off",
    "grey",
];

/// A table of the application.
pub fn table(rng: &mut Rng) -> &'static str {
    rng.word(&TABLES)
}

/// A statement of ordinary work.
pub fn statement(rng: &mut Rng) -> String {
    let table = table(rng);
    match rng.below(100) {
        0..14 => session(rng),
        14..26 => orm_select(rng, table),
        26..50 => select(rng, table),
        50..62 => insert(rng, table),
        62..74 => update(rng, table),
        74..78 => delete(rng, table),
        78..86 => commented(rng, table),
        86..90 => many_values(rng, table),
        90..93 => bulk_insert(rng, table),
        93..98 => report(rng),
        _ => schema(rng, table),
    }
}

/// An access to a table: its kind and the statement.
pub fn about(rng: &mut Rng, table: &str) -> (&'static str, String) {
    match rng.below(10) {
        0..6 => ("READ", select(rng, table)),
        6..8 => ("INSERT", insert(rng, table)),
        8 => ("UPDATE", update(rng, table)),
        _ => ("DELETE", delete(rng, table)),
    }
}

/// A statement over much.
pub fn report(rng: &mut Rng) -> String {
    let (one, other) = (table(rng), table(rng));
    let (from, to) = (date(rng), date(rng));
    let column = rng.word(&COLUMNS);
    format!(
        "SELECT DATE(a.created_at) AS day, b.{column}, COUNT(*) AS n, SUM(a.total) AS total\n\
         FROM {one} a\nLEFT JOIN {other} b ON b.id = a.{other}_id\n\
         WHERE a.created_at BETWEEN '{from}' AND '{to}'\n  AND a.status IN ('paid', 'open')\n\
         GROUP BY DATE(a.created_at), b.{column}\nHAVING COUNT(*) > {}\nORDER BY day DESC\nLIMIT {}",
        rng.below(20),
        [50, 100, 1000][rng.below(3)]
    )
}

/// What drivers and pools send around the work.
fn session(rng: &mut Rng) -> String {
    let fixed = [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "START TRANSACTION",
        "SET autocommit=1",
        "SET NAMES utf8mb4",
        "SELECT 1",
        "SELECT @@session.transaction_isolation",
        "SET SESSION TRANSACTION READ ONLY",
        "SHOW WARNINGS",
        "select @@version_comment limit 1",
        "/* ping */ SELECT 1",
        "SET character_set_results = NULL",
    ];
    if rng.chance(15) {
        return format!("SAVEPOINT s{}", rng.below(1000));
    }
    rng.word(&fixed).to_owned()
}

fn select(rng: &mut Rng, table: &str) -> String {
    let (columns, conditions) = (columns(rng), conditions(rng));
    let limit = match rng.below(3) {
        0 => String::new(),
        1 => format!(" LIMIT {}", 1 + rng.below(200)),
        _ => format!(" ORDER BY {} DESC LIMIT {}, 20", rng.word(&COLUMNS), rng.below(50) * 20),
    };
    format!("SELECT {columns} FROM {table} WHERE {conditions}{limit}")
}

/// As Hibernate, ActiveRecord, Django, Laravel and SQLAlchemy write it.
fn orm_select(rng: &mut Rng, table: &str) -> String {
    let key = rng.below(90_000);
    let (one, two, three) = (rng.word(&COLUMNS), rng.word(&COLUMNS), rng.word(&COLUMNS));
    match rng.below(5) {
        0 => format!(
            "select t0_.id as id1_0_0_, t0_.{one} as {one}2_0_0_, t0_.{two} as {two}3_0_0_, \
             t1_.{three} as {three}4_1_1_ from {table} t0_ left outer join {} t1_ \
             on t0_.customer_id=t1_.id where t0_.id={key}",
            self::table(rng)
        ),
        1 => format!("SELECT `{table}`.* FROM `{table}` WHERE `{table}`.`id` = {key} LIMIT 1"),
        2 => format!(
            "SELECT `{table}`.`id`, `{table}`.`{one}`, `{table}`.`{two}` FROM `{table}` WHERE \
             (`{table}`.`is_active` AND `{table}`.`{three}` = '{}') ORDER BY `{table}`.`id` ASC",
            rng.word(&WORDS)
        ),
        3 => format!(
            "select count(*) as aggregate from `{table}` where `{one}` = '{}' and `deleted_at` is \
             null",
            rng.word(&WORDS)
        ),
        _ => format!(
            "SELECT {table}.id AS {table}_id, {table}.{one} AS {table}_{one} \nFROM {table} \n\
             WHERE {table}.id = {key}"
        ),
    }
}

fn insert(rng: &mut Rng, table: &str) -> String {
    let (one, two) = (rng.word(&COLUMNS), rng.word(&COLUMNS));
    let (a, b) = (value(rng), value(rng));
    if rng.chance(20) {
        return format!(
            "INSERT INTO `{table}` (`{one}`, `{two}`) VALUES ({a}, {b}) ON DUPLICATE KEY UPDATE \
             `{two}` = VALUES(`{two}`)"
        );
    }
    format!("INSERT INTO {table} ({one}, {two}, created_at) VALUES ({a}, {b}, NOW())")
}

fn update(rng: &mut Rng, table: &str) -> String {
    let (one, two) = (rng.word(&COLUMNS), rng.word(&COLUMNS));
    let (a, b) = (value(rng), value(rng));
    format!("UPDATE {table} SET {one} = {a}, {two} = {b} WHERE id = {}", rng.below(900_000))
}

fn delete(rng: &mut Rng, table: &str) -> String {
    format!("DELETE FROM {table} WHERE id = {} AND {}", rng.below(90_000), condition(rng))
}

/// Tracing comments: sqlcommenter, Rails' marginalia, and what people write.
fn commented(rng: &mut Rng, table: &str) -> String {
    let statement = select(rng, table);
    let (high, low) = (rng.next(), rng.next());
    match rng.below(4) {
        0 => format!(
            "{statement} /*db_driver='django.db.backends.mysql',framework='django%3A5.1',\
             route='%5Eapi/{table}/%24',traceparent='00-{high:016x}{low:016x}-{high:016x}-01'*/"
        ),
        1 => format!("{statement} /*application:Shop,controller:{table},action:index*/"),
        2 => format!("/* {table} list, see ticket {} */ {statement}", rng.below(9000)),
        _ => format!("-- {table} by page\n{statement}"),
    }
}

/// An `IN` list that is often longer than the cut.
fn many_values(rng: &mut Rng, table: &str) -> String {
    let keys: Vec<String> =
        (0..20 + rng.below(400)).map(|_| rng.below(9_000_000).to_string()).collect();
    format!("SELECT {} FROM {table} WHERE id IN ({})", columns(rng), keys.join(", "))
}

fn bulk_insert(rng: &mut Rng, table: &str) -> String {
    let rows: Vec<String> = (0..2 + rng.below(60))
        .map(|_| format!("({}, {}, {})", value(rng), value(rng), value(rng)))
        .collect();
    format!("INSERT INTO {table} (name, total, notes) VALUES {}", rows.join(","))
}

/// What migrations and clients ask about tables.
fn schema(rng: &mut Rng, table: &str) -> String {
    let column = rng.word(&COLUMNS);
    match rng.below(5) {
        0 => format!("SHOW FULL COLUMNS FROM `{table}`"),
        1 => format!("ALTER TABLE {table} ADD COLUMN {column}_v2 VARCHAR(255) NULL"),
        2 => format!("CREATE INDEX idx_{table}_{column} ON {table} ({column})"),
        3 => format!("EXPLAIN SELECT {column} FROM {table} WHERE id = {}", rng.below(9000)),
        _ => format!("SHOW CREATE TABLE `{table}`"),
    }
}

fn columns(rng: &mut Rng) -> String {
    if rng.chance(10) {
        return "*".to_owned();
    }
    let count = 1 + rng.below(6);
    (0..count).map(|_| rng.word(&COLUMNS)).collect::<Vec<_>>().join(", ")
}

fn conditions(rng: &mut Rng) -> String {
    let count = 1 + rng.below(3);
    (0..count).map(|_| condition(rng)).collect::<Vec<_>>().join(" AND ")
}

fn condition(rng: &mut Rng) -> String {
    let column = rng.word(&COLUMNS);
    match rng.below(6) {
        0 => format!("{column} LIKE '%{}%'", rng.word(&WORDS)),
        1 => format!("{column} IS NOT NULL"),
        2 => format!("({column} = {} OR {column} = {})", value(rng), value(rng)),
        3 => format!("{column} >= '{}'", date(rng)),
        _ => format!("{column} = {}", value(rng)),
    }
}

fn value(rng: &mut Rng) -> String {
    match rng.below(6) {
        0 => "NULL".to_owned(),
        1 => format!("{}.{:02}", rng.below(2000), rng.below(100)),
        2 => format!("'{}'", date(rng)),
        3 => format!("'{:016x}'", rng.next()),
        4 => format!("'{}'", rng.word(&WORDS)),
        _ => rng.below(900_000).to_string(),
    }
}

fn date(rng: &mut Rng) -> String {
    format!("2026-{:02}-{:02}", 1 + rng.below(12), 1 + rng.below(28))
}
