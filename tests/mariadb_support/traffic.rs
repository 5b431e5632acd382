//! What is ordinary: accounts are set up, a shop is deployed and used, watched, dumped and restored.

use super::client::{Account, Ask, Programs, ROOT, texts, tool};
use super::server::Server;

pub const APP: Account = Account { user: "app", password: "a-1" };
pub const MIGRATOR: Account = Account { user: "migrator", password: "m-1" };
pub const MONITOR: Account = Account { user: "monitor", password: "w-1" };
pub const BACKUP: Account = Account { user: "backup", password: "b-1" };
/// An administrator, whose password is known to others later on.
pub const DBA: Account = Account { user: "dba", password: "d-1" };

/// Accounts and databases, by root. Ordinary too, but louder: an intruder does the same.
pub fn set_up(server: &Server, programs: &Programs) -> u64 {
    let statements = texts(&[
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
        "CREATE DATABASE shop_restored",
        "CREATE DATABASE users_archive",
        "CREATE TABLE users_archive.counters (n INT)",
        "CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY 'a-1'",
        "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, CREATE TEMPORARY TABLES ON shop.* TO 'app'@'127.0.0.1'",
        "CREATE USER 'migrator'@'127.0.0.1' IDENTIFIED BY 'm-1'",
        "GRANT ALL ON shop.* TO 'migrator'@'127.0.0.1'",
        "CREATE USER 'monitor'@'127.0.0.1' IDENTIFIED BY 'w-1' WITH MAX_USER_CONNECTIONS 3",
        "GRANT PROCESS, REPLICATION CLIENT, SLAVE MONITOR, BINLOG MONITOR ON *.* TO 'monitor'@'127.0.0.1'",
        "GRANT SELECT ON performance_schema.* TO 'monitor'@'127.0.0.1'",
        "CREATE USER 'backup'@'127.0.0.1' IDENTIFIED BY 'b-1'",
        "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, BINLOG MONITOR ON *.* TO 'backup'@'127.0.0.1'",
        "GRANT ALL ON shop_restored.* TO 'backup'@'127.0.0.1'",
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE USER 'dba'@'127.0.0.1' IDENTIFIED BY 'd-1'",
        "GRANT ALL PRIVILEGES ON *.* TO 'dba'@'127.0.0.1' WITH GRANT OPTION",
    ]);
    let session = programs.session(server, ROOT, "", &statements);
    assert!(session.errors.iter().all(|error| *error == 0), "{:?}", session.errors);
    session.connection.expect("root by the socket")
}

/// The shop's tables, as tools for migrations make and change them.
const MIGRATIONS: [&str; 22] = [
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, applied_at DATETIME DEFAULT CURRENT_TIMESTAMP)",
    "SELECT GET_LOCK('migrations', 10)",
    "CREATE TABLE customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(190) NOT NULL, name VARCHAR(100) NOT NULL, password_hash CHAR(60), created TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE KEY email (email)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
    "CREATE TABLE items (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, price DECIMAL(10,2) NOT NULL DEFAULT '0.00', tags LONGTEXT CHECK (JSON_VALID(tags)), picture BLOB, FULLTEXT KEY (name))",
    "CREATE TABLE orders (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id INT UNSIGNED NOT NULL, state ENUM('open','paid','sent') NOT NULL DEFAULT 'open', placed DATETIME(6), CONSTRAINT fk_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE)",
    "CREATE TABLE order_lines (order_id INT UNSIGNED NOT NULL, item_id INT UNSIGNED NOT NULL, amount SMALLINT NOT NULL, PRIMARY KEY (order_id, item_id), KEY item (item_id))",
    "CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, title TEXT, body MEDIUMTEXT)",
    "CREATE TABLE sessions (id CHAR(32) PRIMARY KEY, data BLOB, seen INT)",
    "CREATE TABLE old_carts (id INT PRIMARY KEY)",
    "ALTER TABLE items ADD COLUMN stock INT NOT NULL DEFAULT 0 AFTER price, ADD INDEX price (price), ALGORITHM=INPLACE, LOCK=SHARED",
    "ALTER TABLE posts RENAME COLUMN body TO content",
    "CREATE INDEX placed ON orders (placed DESC)",
    "CREATE OR REPLACE VIEW open_orders AS SELECT o.id, c.email, o.placed FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.state = 'open'",
    "CREATE FUNCTION with_tax(net DECIMAL(10,2)) RETURNS DECIMAL(10,2) DETERMINISTIC RETURN net * 1.19",
    "CREATE PROCEDURE close_order(IN wanted INT) BEGIN UPDATE orders SET state = 'sent' WHERE id = wanted; SELECT ROW_COUNT() AS closed; END",
    "CREATE TRIGGER keep_stock BEFORE UPDATE ON items FOR EACH ROW SET NEW.stock = GREATEST(NEW.stock, 0)",
    "CREATE SEQUENCE invoice_numbers START WITH 1000",
    "RENAME TABLE old_carts TO carts_before_2026",
    "DROP TABLE IF EXISTS carts_before_2026",
    "INSERT INTO schema_migrations (version) VALUES (20260101), (20260214)",
    "SELECT RELEASE_LOCK('migrations')",
    "ANALYZE TABLE items, orders",
];

/// What connectors, pools and mappers say before anything else, and the shop itself.
fn shopping() -> Vec<Ask> {
    let mut asks = texts(&[
        "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
        "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', wait_timeout=600",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "/* mysql-connector-java-8.0.33 (Revision: 7d6b0800528b6b25c68b52dc10d6c1c8429c100c) */SELECT  @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@max_allowed_packet AS max_allowed_packet, @@wait_timeout AS wait_timeout",
        "SELECT @@version_comment, VERSION(), DATABASE(), CONNECTION_ID()",
        "SELECT CASE WHEN @@global.read_only + @@innodb_read_only = 0 THEN 1 ELSE 0 END",
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
        "SELECT column_name, data_type, is_nullable, column_key FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'customers' ORDER BY ordinal_position",
        "SELECT constraint_name, referenced_table_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_column_name IS NOT NULL",
        "SHOW FULL COLUMNS FROM `customers`",
        "SHOW INDEX FROM `orders`",
        "SHOW CREATE TABLE `items`",
        "SET autocommit=0",
    ]);
    asks.extend([
        Ask::Ping,
        Ask::Prepared("INSERT INTO customers (email, name, password_hash) VALUES (?, ?, ?)", &["ann@example.com", "Ann O'Neil", "$2y$10$abcdefghijklmnopqrstuv"]),
        Ask::Prepared("INSERT INTO items (name, price, stock, tags) VALUES (?, ?, ?, ?)", &["Spade; or 1=1", "12.50", "7", "[\"tools\", \"garden\"]"]),
        Ask::Prepared("SELECT id, name FROM items WHERE name LIKE CONCAT('%', ?, '%') OR id = ? ORDER BY price LIMIT 20", &["' OR '1'='1", "1"]),
        Ask::Prepared("UPDATE items SET stock = stock - ? WHERE id = ? AND stock >= ?", &["1", "1", "1"]),
        Ask::Prepared("INSERT INTO sessions (id, data, seen) VALUES (?, ?, UNIX_TIMESTAMP()) ON DUPLICATE KEY UPDATE data = VALUES(data), seen = VALUES(seen)", &["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "user|i:7;"]),
    ]);
    asks.extend(texts(&[
        "START TRANSACTION",
        "INSERT INTO orders (customer_id, placed) VALUES (1, NOW(6))",
        "SAVEPOINT before_lines",
        "INSERT INTO order_lines VALUES (LAST_INSERT_ID(), 1, 2)",
        "ROLLBACK TO SAVEPOINT before_lines",
        "INSERT IGNORE INTO order_lines VALUES (1, 1, 1)",
        "SELECT o.id, o.state, SUM(l.amount * i.price) AS total FROM orders o JOIN order_lines l ON l.order_id = o.id LEFT JOIN items i ON i.id = l.item_id WHERE o.customer_id = 1 GROUP BY o.id, o.state HAVING total > 0 ORDER BY o.placed DESC FOR UPDATE",
        "COMMIT",
        "START TRANSACTION READ ONLY",
        "SELECT * FROM open_orders WHERE email = 'ann@example.com'",
        "SELECT COUNT(*) FROM orders WHERE placed BETWEEN '2026-01-01' AND '2026-12-31' AND (state = 'open' OR state = 'paid')",
        "(SELECT id, 'order' AS kind FROM orders WHERE state = 'open') UNION ALL (SELECT id, 'item' FROM items WHERE stock < 5) ORDER BY kind, id",
        "WITH RECURSIVE days (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM days WHERE n < 7) SELECT n FROM days",
        "SELECT name, price, RANK() OVER (ORDER BY price DESC) FROM items",
        "SELECT JSON_EXTRACT(tags, '$[0]') FROM items WHERE MATCH (name) AGAINST ('spade' IN BOOLEAN MODE)",
        "ROLLBACK",
        "CALL close_order(1)",
        "SELECT with_tax(10), NEXT VALUE FOR invoice_numbers",
        // What people write: text, not statements.
        "INSERT INTO posts (title, content) VALUES ('How to drop table mats', 'Union select committee: please read me; it''s 5 o''clock -- or 1=1? <b>bold</b>')",
        "INSERT INTO posts (title, content) VALUES ('PHP in one minute', '<?php echo \"hello\"; ?> is all that it takes')",
        "UPDATE posts SET content = REPLACE(content, 'o''clock', 'pm') WHERE id = 1",
        "INSERT INTO items (id, name) VALUES (1, 'again')",
        "SELECT nosuch FROM items",
        "DELETE FROM sessions WHERE seen < UNIX_TIMESTAMP() - 86400",
        "DELETE FROM posts WHERE id = 99 LIMIT 1",
        "REPLACE INTO sessions VALUES ('ffffffffffffffffffffffffffffffff', 0x00ff7f, 1)",
        "CREATE TEMPORARY TABLE picked SELECT id FROM items",
        "DROP TEMPORARY TABLE picked",
        "SET @rank := 0",
        "PREPARE page FROM 'SELECT id, name FROM items ORDER BY id LIMIT ? OFFSET ?'",
        "SET @size = 10, @start = 0",
        "EXECUTE page USING @size, @start",
        "DEALLOCATE PREPARE page",
        "DO RELEASE_LOCK('cart')",
        "COMMIT",
    ]));
    // A pool hands the connection to the same account again.
    asks.extend([Ask::Become(APP), Ask::Database("shop"), Ask::Ping]);
    asks.extend(texts(&["SELECT 1", "SELECT /* health */ 1 FROM DUAL"]));
    asks
}

/// What exporters, agents and panels for databases ask every few seconds.
const WATCHING: [&str; 24] = [
    "SHOW GLOBAL STATUS",
    "SHOW GLOBAL VARIABLES",
    "SHOW GLOBAL VARIABLES LIKE 'max_connections'",
    "SHOW GLOBAL STATUS LIKE 'Threads_%'",
    "SHOW FULL PROCESSLIST",
    "SHOW ENGINE INNODB STATUS",
    "SHOW SLAVE STATUS",
    "SHOW ALL SLAVES STATUS",
    "SHOW MASTER STATUS",
    "SHOW BINARY LOGS",
    "SHOW DATABASES",
    "SHOW PLUGINS",
    "SELECT VERSION()",
    "SELECT @@innodb_buffer_pool_size, @@log_bin, @@read_only, @@server_id, @@datadir",
    "SELECT COALESCE(command,''), COALESCE(state,''), COUNT(*), SUM(time) FROM information_schema.processlist WHERE ID != CONNECTION_ID() AND TIME >= 0 GROUP BY command, state",
    "SELECT table_schema, SUM(data_length + index_length) FROM information_schema.tables GROUP BY table_schema",
    "SELECT name, subsystem, type, comment, count FROM information_schema.innodb_metrics WHERE enabled = 1",
    "SELECT OBJECT_SCHEMA, OBJECT_NAME, COUNT_FETCH, SUM_TIMER_FETCH FROM performance_schema.table_io_waits_summary_by_table WHERE OBJECT_SCHEMA NOT IN ('mysql', 'performance_schema')",
    "SELECT DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT, SUM_ROWS_EXAMINED FROM performance_schema.events_statements_summary_by_digest ORDER BY SUM_TIMER_WAIT DESC LIMIT 10",
    "SELECT variable_name, variable_value FROM information_schema.global_status WHERE variable_name IN ('UPTIME', 'QUERIES')",
    "SELECT user, host, total_connections FROM performance_schema.accounts WHERE user IS NOT NULL",
    "SELECT engine, support FROM information_schema.engines",
    "SET SESSION lock_wait_timeout = 2",
    "FLUSH STATUS",
];

/// What an administrator does on any day; none of it gives anybody more than they had.
const ADMINISTERING: [&str; 15] = [
    "SHOW GRANTS",
    "SHOW GRANTS FOR 'app'@'127.0.0.1'",
    "SHOW CREATE USER 'app'@'127.0.0.1'",
    // From here on the log says that this connection's database is `mysql`.
    "SELECT user, host FROM mysql.user ORDER BY user",
    "INSERT INTO users_archive.counters VALUES (1)",
    "UPDATE users_archive.counters SET n = n + 1",
    "SHOW VARIABLES LIKE '%buffer%'",
    "SET GLOBAL max_connections = 60",
    "SET GLOBAL innodb_io_capacity = 400",
    "FLUSH TABLES",
    "OPTIMIZE TABLE shop.sessions",
    "EXPLAIN FORMAT=JSON SELECT * FROM shop.orders WHERE customer_id = 1",
    "SHOW BINLOG EVENTS LIMIT 3",
    "SELECT COUNT(*) FROM shop.orders",
    "FLUSH PRIVILEGES",
];

/// A day of the shop.
pub fn ordinary(server: &Server, programs: &Programs) {
    let expect = |account, database, asks: &[Ask], failing: &[u32]| {
        let session = programs.session(server, account, database, asks);
        let failed: Vec<u32> = session.errors.into_iter().filter(|error| *error != 0).collect();
        assert_eq!(failed, failing, "{}", account.user);
    };
    expect(MIGRATOR, "shop", &texts(&MIGRATIONS), &[]);
    // A key that is there already, and a column that is not.
    expect(APP, "shop", &shopping(), &[1062, 1054]);
    expect(MONITOR, "", &texts(&WATCHING), &[1227]);
    expect(DBA, "", &texts(&ADMINISTERING), &[]);
    for (program, arguments) in [
        ("mariadb-admin", &["ping"][..]),
        ("mariadb-admin", &["status"]),
        ("mariadb-admin", &["extended-status"]),
        ("mariadb-admin", &["processlist"]),
        ("mariadb", &["--batch", "-e", "SHOW GLOBAL STATUS LIKE 'Uptime'"]),
    ] {
        let output = tool(server, MONITOR, program, arguments, b"");
        assert!(output.status.success(), "{program} {arguments:?}: {}", output.err);
    }
    let dump = |options: &[&str]| {
        let options = [&["--single-transaction", "--quick"], options].concat();
        let output = tool(server, BACKUP, "mariadb-dump", &options, b"");
        assert!(output.status.success(), "{options:?}: {}", output.err);
        output.out
    };
    let shop =
        dump(&["--routines", "--triggers", "--events", "--hex-blob", "--master-data=2", "shop"]);
    dump(&["--all-databases", "--routines", "--events", "--flush-logs"]);
    assert!(shop.contains("CREATE TABLE `customers`"), "{shop}");
    // As root, who may bring back what others defined.
    let restored = tool(server, ROOT, "mariadb", &["shop_restored"], shop.as_bytes());
    assert!(restored.status.success(), "{}", restored.err);
    let checked = tool(
        server,
        DBA,
        "mariadb-check",
        &["--check", "--databases", "shop", "shop_restored"],
        b"",
    );
    assert!(checked.status.success(), "{}", checked.err);
}
