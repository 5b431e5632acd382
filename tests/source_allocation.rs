//! Finding events and computing their fields allocates nothing once the buffers are warm.
#![cfg(feature = "compile")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;

use sigmatag::event::keys::KeyTable;
use sigmatag::rule::descriptor::{Descriptor, Ids, built_in, compile_sources};
use sigmatag::source::{Buffers, Encoding, for_each_event};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The id of a text, allocated at first use.
fn id(all: &mut Vec<String>, text: &str) -> u32 {
    let found = all.iter().position(|known| known == text);
    let index = found.unwrap_or_else(|| {
        all.push(text.to_owned());
        all.len() - 1
    });
    u32::try_from(index).unwrap()
}

fn refs(texts: &[String]) -> Vec<&[u8]> {
    texts.iter().map(String::as_bytes).collect()
}

#[test]
fn warm_buffers_allocate_nothing() {
    let (mut names, mut containers, mut logsources) = (Vec::new(), Vec::new(), Vec::new());
    let descriptors = built_in();
    let referenced: BTreeSet<&str> = descriptors.iter().flat_map(Descriptor::names).collect();
    let referenced: Vec<String> = referenced.into_iter().map(str::to_owned).collect();
    let tables = compile_sources(
        &descriptors,
        &mut Ids {
            field: &mut |name| id(&mut names, name),
            container: &mut |path| id(&mut containers, path),
            logsource: &mut |logsource| id(&mut logsources, &format!("{logsource:?}")),
            referenced: &referenced,
        },
    );
    let keys = KeyTable::build(&refs(&names), &refs(&containers));

    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let families = ["azure", "enterprise", "gcp", "linux", "mariadb", "percona", "rds", "windows"];
    let folders = families.map(|family| fs::read_dir(format!("{data}/{family}")).unwrap());
    let mut records = Vec::new();
    for entry in folders.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(path).unwrap();
            let event: serde_json::Value = serde_json::from_str(&text).unwrap();
            let line = serde_json::json!({ "message": text }).to_string();
            records.push(serde_json::json!({ "log": line }).to_string());
            records.push(serde_json::json!({ "message": text[..text.len() / 2] }).to_string());
            records.push(serde_json::json!({ "records": [event, event, 1] }).to_string());
            records.push(text);
        }
    }
    assert!(records.len() > 400, "{}", records.len());

    let mut buffers = Buffers::new(&tables, names.len(), true);
    let mut events = 0u64;
    let mut pass = |rounds: u32| {
        let before = ALLOCATIONS.with(Cell::get);
        for _ in 0..rounds {
            for record in &records {
                let outcome = for_each_event(
                    record.as_bytes(),
                    Encoding::Json,
                    &tables,
                    &keys,
                    &mut buffers,
                    |event| events += u64::from(event.source.is_some()),
                );
                assert!(outcome.is_ok());
            }
        }
        ALLOCATIONS.with(Cell::get) - before
    };
    pass(2);
    assert_eq!(pass(50), 0);
    assert!(events > 10_000, "{events}");
}
