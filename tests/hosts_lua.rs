//! The module for Vector out of an installed package, with the common events: in Debian's Lua 5.4, and
//! in a host that embeds Lua as Vector does if `SIGMATAG_VECTOR_HOST` names it (`make test-long` does).

mod common;
mod dialects;
mod hosts;
mod recorded;

use common::{root, scratch_folder};
use hosts::{assert_same, install, output_of};
use std::process::Command;

#[test]
fn messages_are_tagged() {
    let destination = scratch_folder("installed-module");
    install("install-module", &destination);
    let module = destination.join("usr/lib/lua/5.4");
    let common = hosts::common();
    let input = common.frames(|each| &each.event.json);
    let right = common.frames(|each| &each.json);
    let mut lua = Command::new("lua5.4");
    lua.arg(root().join("tests/hosts/frames.lua"));
    let mut hosts = vec![("Lua 5.4", lua)];
    match std::env::var_os("SIGMATAG_VECTOR_HOST") {
        Some(host) => hosts.push(("a host like Vector", Command::new(host))),
        None => println!("skipped, SIGMATAG_VECTOR_HOST is not set: a host like Vector"),
    }
    for (name, mut host) in hosts {
        let host = host.arg(&module).arg(&common.rules).env_clear();
        let found = output_of(host.env("PATH", "/usr/bin:/bin"), &input);
        assert_same(name, &found, &right);
    }
}
