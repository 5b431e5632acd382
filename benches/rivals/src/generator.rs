//! The project's generator of Azure MySQL traffic.
#![allow(dead_code)]

#[path = "../../../tests/generator/rng.rs"]
pub mod rng;

#[path = "../../../tests/generator/azure/mod.rs"]
pub mod azure;
