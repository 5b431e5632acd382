//! A `lua` transform of version 2 as Vector runs it: a state that may load modules, events as plain tables
//! that are built anew for each call, an `emit` that lives for one call, a full collection every
//! sixteen calls, and a state that moves between threads.

use mlua::prelude::*;
use mlua::{IntoLua, StdLib};
use std::collections::BTreeMap;

/// After as many calls Vector collects.
const GC_INTERVAL: usize = 16;

/// A value of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of any bytes.
    Text(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Either.
    Boolean(bool),
    /// Fields.
    Object(BTreeMap<String, Value>),
    /// Elements.
    Array(Vec<Value>),
    /// Becomes the empty text.
    Null,
}

impl Value {
    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// A field, if it is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.get(key),
            _ => None,
        }
    }
}

impl IntoLua for Value {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        match self {
            Value::Text(bytes) => lua.create_string(bytes).map(LuaValue::String),
            Value::Integer(value) => Ok(LuaValue::Integer(value)),
            Value::Float(value) => Ok(LuaValue::Number(value)),
            Value::Boolean(value) => Ok(LuaValue::Boolean(value)),
            Value::Object(fields) => lua.create_table_from(fields).map(LuaValue::Table),
            Value::Array(elements) => lua.create_sequence_from(elements).map(LuaValue::Table),
            Value::Null => lua.create_string("").map(LuaValue::String),
        }
    }
}

impl FromLua for Value {
    fn from_lua(value: LuaValue, lua: &Lua) -> LuaResult<Value> {
        match value {
            LuaValue::String(text) => Ok(Value::Text(text.as_bytes().to_vec())),
            LuaValue::Integer(value) => Ok(Value::Integer(value)),
            LuaValue::Number(value) if !value.is_nan() => Ok(Value::Float(value)),
            LuaValue::Boolean(value) => Ok(Value::Boolean(value)),
            LuaValue::Table(table) if table.len()? > 0 => {
                Vec::from_lua(LuaValue::Table(table), lua).map(Value::Array)
            }
            LuaValue::Table(table) => {
                BTreeMap::from_lua(LuaValue::Table(table), lua).map(Value::Object)
            }
            other => Err(LuaError::FromLuaConversionError {
                from: other.type_name(),
                to: "Value".to_owned(),
                message: Some("Unsupported Lua type".to_owned()),
            }),
        }
    }
}

/// A log. Whatever else hangs on it in Vector is lost on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Log(pub Value);

impl Log {
    /// As a source of text makes it.
    pub fn of_message(text: &str) -> Log {
        let fields = [
            ("host", Value::Text(b"db1".to_vec())),
            ("message", Value::Text(text.into())),
            ("source_type", Value::Text(b"file".to_vec())),
        ];
        Log(Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).into()))
    }

    /// The text in `message`.
    pub fn message(&self) -> &str {
        self.0.get("message").and_then(Value::text).unwrap_or_default()
    }
}

impl IntoLua for Log {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        let event = lua.create_table()?;
        event.raw_set("log", self.0)?;
        Ok(LuaValue::Table(event))
    }
}

impl FromLua for Log {
    fn from_lua(value: LuaValue, lua: &Lua) -> LuaResult<Log> {
        LuaTable::from_lua(value, lua)?.raw_get("log").map(Log)
    }
}

/// The transform.
pub struct Transform {
    lua: Lua,
    process: LuaRegistryKey,
    calls: usize,
}

impl Transform {
    /// Runs `source` and evaluates the hook. An error is one for which Vector does not start.
    pub fn build(source: &str, process: &str) -> LuaResult<Transform> {
        // SAFETY: the modules that the state may load are the one under test.
        let lua = unsafe { Lua::unsafe_new_with(StdLib::ALL_SAFE, LuaOptions::default()) };
        lua.load(source).eval::<()>()?;
        let hook: LuaFunction = lua.load(process).eval()?;
        let process = lua.create_registry_value(hook)?;
        Ok(Transform { lua, process, calls: 0 })
    }

    /// What the hook emits for an event. An error is one for which Vector drops the event.
    pub fn process(&mut self, log: Log) -> LuaResult<Vec<Log>> {
        let mut emitted = Vec::new();
        self.process_with(log, |log| {
            emitted.push(log);
            Ok(())
        })?;
        Ok(emitted)
    }

    /// The same with an `emit` of one's own.
    pub fn process_with(
        &mut self,
        log: Log,
        mut emit: impl FnMut(Log) -> LuaResult<()>,
    ) -> LuaResult<()> {
        self.calls += 1;
        if self.calls.is_multiple_of(GC_INTERVAL) {
            self.lua.gc_collect()?;
        }
        self.lua.scope(|scope| {
            let emit = scope.create_function_mut(|_, log: Log| emit(log))?;
            let hook: LuaFunction = self.lua.registry_value(&self.process)?;
            hook.call::<()>((log, emit))
        })
    }

    /// Evaluates code in the state.
    pub fn eval<T: FromLuaMulti>(&self, code: &str) -> LuaResult<T> {
        self.lua.load(code).eval()
    }
}
