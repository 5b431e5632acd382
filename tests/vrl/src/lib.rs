//! A `remap` transform: a program of VRL and events as decoded fields.

use vrl::compiler::{
    CompilationResult, Context, Program, TargetValue, TimeZone, state::RuntimeState,
};
use vrl::value::{Secrets, Value};

/// A program.
pub struct Remap(Program);

impl Remap {
    /// Compiles a program; it must do so without an error.
    pub fn new(source: &str) -> Remap {
        match vrl::compiler::compile(source, &vrl::stdlib::all()) {
            Ok(CompilationResult { program, .. }) => Remap(program),
            Err(errors) => {
                let said = vrl::diagnostic::Formatter::new(source, errors).to_string();
                panic!("{said}\n{source}")
            }
        }
    }

    /// What becomes of an event.
    pub fn run(&self, event: &str) -> serde_json::Value {
        let json: serde_json::Value = serde_json::from_str(event).expect("JSON");
        let mut target = TargetValue {
            value: Value::from(json),
            metadata: Value::Object(Default::default()),
            secrets: Secrets::default(),
        };
        let (mut state, zone) = (RuntimeState::default(), TimeZone::default());
        let mut context = Context::new(&mut target, &mut state, &zone);
        self.0.resolve(&mut context).unwrap_or_else(|error| panic!("{event}: {error}"));
        serde_json::to_value(&target.value).expect("JSON")
    }
}
