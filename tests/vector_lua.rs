//! The module for Vector's `lua` transform, as it ships, in Debian's Lua 5.4.
//!
//! The scripts in `tests/vector` call it as Vector does: one event as a table and a function that
//! emits. Needs `apt-get install lua5.4 liblua5.4-dev lua5.1 valgrind`; the Makefile does that.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use common::documents::{DESTINATIONS, MARIADB, RECORDS, by_the_command};
use common::{compile, compiled_pack, corpus, gunzip, other_pack, root, run, scratch_folder};

/// The folder with sigmatag.so, built by the recipe that ships it. With SIGMATAG_STATICLIB set, that
/// libsigmatag.a is linked instead of one built here.
fn module() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_sigmatag"));
        let target = binary.ancestors().nth(2).expect("target/<profile>/sigmatag");
        let folder = target.join("vector-module");
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(root().join("plugin/vector"))
            .arg(format!("PROFILE={profile}"))
            .arg(format!("OUT={}", folder.join("sigmatag.so").display()))
            .env("CARGO_TARGET_DIR", target)
            .env_remove("MAKEFLAGS");
        if let Some(library) = std::env::var_os("SIGMATAG_STATICLIB") {
            make.arg(format!("LIBSIGMATAG={}", Path::new(&library).display()));
        }
        run(&mut make);
        folder
    })
}

fn scripts() -> PathBuf {
    root().join("tests/vector")
}

/// Runs a script of `tests/vector` by a command that ends in a Lua; what it printed.
fn script(host: &[&str], name: &str, arguments: &[&Path]) -> String {
    let output = run(Command::new("timeout")
        .arg("600")
        .args(host)
        .arg(scripts().join(name))
        .arg(module())
        .arg(scripts())
        .args(arguments)
        .env_remove("LUA_INIT")
        .env_remove("LUA_CPATH_5_4"));
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.contains(" checks, 0 failed"), "{name} printed: {printed}");
    printed
}

const VALGRIND: [&str; 5] = [
    "valgrind",
    "-q",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,possible",
];

/// The same, and once more under valgrind.
fn checked(name: &str, arguments: &[&Path]) {
    script(&["lua5.4"], name, arguments);
    script(&[&VALGRIND[..], &["lua5.4"]].concat(), name, arguments);
}

#[test]
fn functions_do_what_the_document_says() {
    let pack = scratch_folder("vector-lua").join("mysql.sgt");
    compile(&root().join("rules/mysql"), &pack);
    checked("functions.lua", &[&compiled_pack(), &pack]);
}

#[test]
fn wrong_use_is_refused_with_the_repair() {
    let folder = tempfile::tempdir().expect("a folder");
    checked("errors.lua", &[&compiled_pack(), folder.path()]);
}

/// What `normalize` makes of events, beside what the command makes of the same lines.
#[test]
fn documents_are_those_of_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("write");
    };
    write("records", RECORDS);
    write("mariadb", MARIADB);
    for name in DESTINATIONS {
        write(name, &by_the_command(name, RECORDS));
    }
    checked("documents.lua", &[folder.path()]);
}

#[test]
fn rules_are_replaced_while_events_come() {
    let folder = tempfile::tempdir().expect("a folder");
    checked("reload.lua", &[&compiled_pack(), &other_pack(), folder.path()]);
}

#[test]
fn states_share_one_engine() {
    let program = scratch_folder("vector-lua").join("two_states");
    run(Command::new("gcc")
        .args(["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-I/usr/include/lua5.4"])
        .arg(scripts().join("two_states.c"))
        .arg("-o")
        .arg(&program)
        .args(["-llua5.4", "-lpthread"]));
    for host in [&[][..], &VALGRIND[..]] {
        let output = run(Command::new("timeout")
            .arg("600")
            .args(host)
            .arg(&program)
            .arg(module())
            .arg(compiled_pack()));
        // First state: five rounds; four others: five rounds and one of them twice.
        let expected = format!("{} events\n0 events\n", 200 * (5 + 4 * 5 + 5));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}

#[test]
fn only_the_opening_function_is_exported() {
    let object = module().join("sigmatag.so");
    let nm = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&object));
    let exports: Vec<String> = String::from_utf8_lossy(&nm.stdout)
        .lines()
        .filter_map(|line| line.split_once(' ').map(|(_, export)| export.to_owned()))
        .collect();
    assert_eq!(exports, ["T luaopen_sigmatag"]);
}

/// What stays undefined is Lua's, or is bound to a version of the C library.
#[test]
fn nothing_is_missing_but_lua() {
    let object = module().join("sigmatag.so");
    let nm = run(Command::new("nm").args(["-D", "--undefined-only"]).arg(&object));
    let text = String::from_utf8_lossy(&nm.stdout).into_owned();
    // Of compilers' start files: weak, and nowhere defined on purpose.
    let known = ["__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable"];
    let known = [&known[..], &["_ITM_registerTMCloneTable"]].concat();
    let (mut lua, mut strange) = (0, Vec::new());
    for name in text.lines().filter_map(|line| line.split_whitespace().nth(1)) {
        if name.starts_with("lua_") || name.starts_with("luaL_") {
            lua += 1;
        } else if !name.contains("@GLIBC_")
            && !name.starts_with("__tls_get_addr@")
            && !known.contains(&name)
        {
            strange.push(name.to_owned());
        }
    }
    assert!(lua > 20, "{lua} functions of Lua: {text}");
    assert!(strange.is_empty(), "undefined: {strange:?}");
    // 5.1 has none of these: the object must load there to say so.
    for name in ["lua_newuserdatauv", "lua_version", "lua_callk", "luaL_setfuncs"] {
        assert!(text.contains(&format!(" w {name}")), "{name} is not weak: {text}");
    }
}

#[test]
fn the_module_is_linked_as_promised() {
    let object = module().join("sigmatag.so");
    let readelf = run(Command::new("readelf").args(["-d", "-W"]).arg(&object));
    let dynamic = String::from_utf8_lossy(&readelf.stdout);
    let flags = dynamic.lines().find(|line| line.contains("FLAGS_1")).unwrap_or_default();
    assert!(flags.contains("NODELETE") && flags.contains("NOW"), "flags: {dynamic}");
    assert!(dynamic.contains("SYMBOLIC"), "{dynamic}");
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let needed: Vec<&str> =
        needed.filter_map(|line| line.split('[').nth(1)?.strip_suffix(']')).collect();
    let system = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
    assert!(needed.iter().all(|name| system.contains(name)), "needs {needed:?}");
}

/// Our declarations of Lua's functions against Lua's.
#[test]
fn declarations_are_those_of_lua() {
    let folder = root().join("plugin/vector");
    let mut compiled = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "c") {
            run(Command::new("gcc")
                .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
                .args(["-DSIGMATAG_LUA_HEADERS", "-I/usr/include/lua5.4", "-Iinclude"])
                .arg(&path)
                .current_dir(root()));
            compiled += 1;
        }
    }
    assert!(compiled >= 5, "{compiled} files");
}

fn with_lua(host: &str, code: &str) -> Output {
    Command::new(host)
        .args(["-e", code])
        .env("MODULE", module())
        .output()
        .unwrap_or_else(|error| panic!("{host}: {error}: apt-get install {host}"))
}

#[test]
fn other_versions_of_lua_are_refused() {
    let code = "package.cpath = os.getenv('MODULE') .. '/?.so'; require('sigmatag')";
    let output = with_lua("lua5.1", code);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is a module of Lua 5.4") && said.contains("libsigmatag.so"), "{said}");
}

#[test]
fn lua_looks_where_it_is_installed() {
    let output = with_lua("lua5.4", "io.write(package.cpath)");
    let path = String::from_utf8_lossy(&output.stdout);
    assert!(path.contains("/usr/local/lib/lua/5.4/?.so"), "{path}");
    let folder = tempfile::tempdir().expect("a folder");
    run(Command::new("make")
        .arg("-C")
        .arg(root().join("plugin/vector"))
        .args(["install", "PREFIX=/usr/local", "LIBSIGMATAG="])
        .arg(format!("OUT={}", module().join("sigmatag.so").display()))
        .arg(format!("DESTDIR={}", folder.path().display()))
        .env_remove("MAKEFLAGS"));
    assert!(folder.path().join("usr/local/lib/lua/5.4/sigmatag.so").is_file());
}

/// Each of the corpus' events through `detect` and `tag`, against what the command line says.
#[test]
fn the_corpus_matches_as_on_the_command_line() {
    let Some(corpus) = corpus("20,000 events of Azure through the module") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (rules, events) = (folder.path().join("rules.sgt"), folder.path().join("events.jsonl"));
    compile(&corpus.join("azure_mysql_rules.yml"), &rules);
    let text = gunzip(&corpus.join("azure_mysql_20k.jsonl.gz"));
    fs::write(&events, &text).expect("events");
    let printed = script(&["lua5.4"], "corpus.lua", &[&rules, &events]);
    let output = run(Command::new(env!("CARGO_BIN_EXE_sigmatag"))
        .args(["tag", "--rules"])
        .arg(&rules)
        .arg(&events));
    let mut expected = Vec::new();
    for (number, line) in String::from_utf8(output.stdout).expect("text").lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if let Some(hits) = event["sigma"]["rules"].as_array() {
            let ids: Vec<&str> =
                hits.iter().map(|hit| hit["id"].as_str().expect("an id")).collect();
            expected.push(format!("{number}\t{}", ids.join(" ")));
        }
    }
    let found: Vec<&str> = printed.lines().filter(|line| line.contains('\t')).collect();
    assert!(expected.len() > 100, "{} events match", expected.len());
    assert_eq!(found, expected);
}

/// The text of a block (`key: |`) in an example, without its indentation.
fn block(text: &str, key: &str) -> String {
    let start = text.find(&format!("    {key}: |\n")).unwrap_or_else(|| panic!("no {key}"));
    let lines = text[start..].lines().skip(1);
    let inside = lines.take_while(|line| line.is_empty() || line.starts_with("      "));
    inside.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// Values of `key:` in an example.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

/// The examples' code, with hooks and timers as the files name them.
#[test]
fn examples_run() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, process, emitted) in [("tap", "detector.detect", 1), ("inline", "detector.tag", 2)] {
        let path = root().join("examples/vector").join(format!("{name}.yaml"));
        let text = fs::read_to_string(path).expect("the example");
        assert_eq!(values(&text, "process"), [process]);
        let mut code = block(&text, "source");
        let variable = "${SIGMATAG_RULES:-/etc/vector/rules.sgt}";
        assert!(code.contains(variable) && !code.replace(variable, "").contains('$'), "{code}");
        code = code.replace(variable, &compiled_pack().display().to_string());
        code += &format!(
            "local emitted = 0\n\
             for _, text in ipairs {{ 'SELECT 1', 'DROP TABLE users' }} do\n\
               ({process})({{ log = {{ message = '{{\"statement\":\"' .. text .. '\"}}' }} }},\n\
                 function(event) emitted = emitted + 1; text = event.log.message end)\n\
             end\n\
             assert(emitted == {emitted})\n"
        );
        for timer in values(&text, "handler") {
            code += &format!("{timer}(function(event) assert(event.log.message) end)\n");
        }
        let file = folder.path().join(format!("{name}.lua"));
        fs::write(&file, format!("package.cpath = '{}/?.so'\n{code}", module().display()))
            .expect("a script");
        run(Command::new("lua5.4").arg(&file));
    }
}
