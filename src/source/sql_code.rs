//! The code of a statement, computed when it is asked for.
//!
//! Few statements hold anything that the rules for `sql_code` ask for, so an event carries the
//! statement ([`Value::SqlCode`](crate::event::value::Value::SqlCode)) and its reader reduces it.

use super::decode::sql_code_into;

/// The statement that was reduced last, and its code. One predicate after another asks for the
/// code of the same statement, and hosts send the same statement again and again.
#[derive(Debug, Default)]
pub struct SqlCode {
    statement: Vec<u8>,
    code: Vec<u8>,
}

impl SqlCode {
    /// The code of a normalised statement. Allocates nothing once the buffers have grown.
    pub fn of(&mut self, statement: &[u8]) -> &[u8] {
        if self.statement != statement {
            self.statement.clear();
            self.statement.extend_from_slice(statement);
            self.code.clear();
            sql_code_into(statement, &mut self.code);
        }
        &self.code
    }
}

#[cfg(test)]
mod tests {
    use super::SqlCode;

    #[test]
    fn the_code_is_that_of_the_statement_asked_for() {
        let mut code = SqlCode::default();
        assert_eq!(code.of(b""), b"");
        for _ in 0..2 {
            assert_eq!(code.of(b"SELECT 'a', `b`"), b"SELECT '',b");
            assert_eq!(code.of(b"SELECT 'a', `b`"), b"SELECT '',b");
            assert_eq!(code.of(b"SELECT 'a', `c`"), b"SELECT '',c");
            assert_eq!(code.of(b""), b"");
        }
    }
}
