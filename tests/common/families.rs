//! The folders of recorded records below `tests/data`.

/// One for each kind of product.
pub const FAMILIES: [&str; 11] = [
    "asim",
    "azure",
    "defender",
    "ecs",
    "enterprise",
    "gcp",
    "linux",
    "mariadb",
    "percona",
    "rds",
    "windows",
];
