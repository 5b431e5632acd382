//! The generator of Azure MySQL traffic makes what it says: what differs from run to run of a bench
//! must be the engine.
#![cfg(feature = "compile")]

mod common;
mod generator;

use generator::azure::{LONGEST_STATEMENT, Traffic, attacks};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
use sigmatag::ruleset::{LEVELS, RuleSet, embedded};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SEED: u64 = 7;

fn engine() -> Engine {
    let rules = RuleSet::from_bytes(embedded::pack()).expect("the pack loads");
    Engine::new(Arc::new(rules), Options::default())
}

/// The rules that an event matches: title and level.
fn matched(scratch: &mut Scratch, engine: &Engine, json: &[u8]) -> Vec<(u32, String, u8)> {
    let found = scratch.match_event(engine, &Event::new(Format::Json, json)).expect("it is JSON");
    assert_eq!((found.malformed, found.unexamined, found.unrouted), (0, 0, 0), "{:?}", text(json));
    let rules = scratch.rules();
    let rule = |hit: &sigmatag::engine::Hit| {
        let info = rules.rule(hit.rule).expect("a rule");
        (hit.event, info.title.to_owned(), info.level)
    };
    scratch.hits().iter().map(rule).collect()
}

fn text(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}

#[test]
fn a_seed_decides_everything() {
    let lines = |seed| -> Vec<String> {
        let mut traffic = Traffic::new(seed);
        (0..500).map(|_| traffic.record().value.to_string()).collect()
    };
    assert_eq!(lines(SEED), lines(SEED));
    assert_ne!(lines(SEED), lines(SEED + 1));
}

#[test]
fn statements_are_cut_where_azure_cuts_them() {
    let mut traffic = Traffic::new(SEED);
    let mut lengths = BTreeSet::new();
    for _ in 0..5000 {
        let event = traffic.event();
        if let Some(statement) = event.value["properties"]["sql_text"].as_str() {
            lengths.insert(statement.chars().count());
        }
    }
    assert_eq!(lengths.last(), Some(&LONGEST_STATEMENT), "some are cut");
    assert!(lengths.first().is_some_and(|&least| least < 10), "some are short");
}

/// Every record is recognised in whatever it is wrapped, and each of its events is found.
#[test]
fn every_record_is_recognised() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut traffic = Traffic::new(SEED);
    for _ in 0..5000 {
        let record = traffic.record();
        let json = record.value.to_string();
        let event = Event::new(Format::Json, json.as_bytes());
        let found = scratch.match_event(&engine, &event).expect("it is JSON");
        let seen = (found.events, found.unrouted, found.malformed);
        assert_eq!(seen, (record.attacks.len() as u64, 0, 0), "{json}");
    }
}

/// Attacks are what the pack is about, and ordinary work is not.
#[test]
fn the_pack_tells_attacks_from_work() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut traffic = Traffic::new(SEED).with_attacks_per_thousand(200);
    let medium = LEVELS.iter().position(|level| *level == "medium").expect("a level") as u8;
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for _ in 0..5000 {
        let event = traffic.event();
        let json = event.value.to_string();
        let matched = matched(&mut scratch, &engine, json.as_bytes());
        let Some(attack) = event.attack else {
            let alarming: Vec<_> = matched.iter().filter(|rule| rule.2 >= medium).collect();
            // A login that failed is one of a kind of ordinary event that people are told of.
            let is_login = json.contains("1045");
            assert!(alarming.is_empty() || is_login, "{json}: {alarming:?}");
            continue;
        };
        let (all, seen) = found.entry(attack).or_default();
        *all += 1;
        *seen += usize::from(!matched.is_empty());
    }
    assert_eq!(found.len(), attacks::KINDS.len(), "{found:?}");
    for (attack, (all, seen)) in found {
        assert_eq!(seen, all, "{attack}: {seen} of {all} are matched");
    }
}
