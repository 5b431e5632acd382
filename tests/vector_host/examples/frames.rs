//! Tags events in frames (their length in four bytes, least first, and their bytes): each is the message
//! of a log. Arguments: the folder of the module, the rules.

use sigmatag_vector_host::{Log, Transform, Value};
use std::error::Error;
use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, module, rules] = &arguments[..] else { return Err("MODULE RULES".into()) };
    let source = format!(
        "package.cpath = '{module}/?.so'\ndetector = require('sigmatag').open {{ rules = '{rules}' }}"
    );
    let mut transform = Transform::build(&source, "detector.tag")?;
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let mut out = std::io::stdout().lock();
    let mut rest = &input[..];
    while let Some((len, behind)) = rest.split_first_chunk() {
        let (message, next) = behind.split_at(u32::from_le_bytes(*len) as usize);
        rest = next;
        let fields = [("message".to_owned(), Value::Text(message.to_vec()))];
        let emitted = transform.process(Log(Value::Object(fields.into())))?;
        let [Log(log)] = &emitted[..] else {
            return Err("an event is lost, or is there twice".into());
        };
        let Some(Value::Text(message)) = log.get("message") else {
            return Err("no message".into());
        };
        out.write_all(&u32::try_from(message.len())?.to_le_bytes())?;
        out.write_all(message)?;
    }
    Ok(())
}
