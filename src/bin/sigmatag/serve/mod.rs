//! `sigmatag serve`: events over a Unix socket in, those that match out.
//!
//! ```text
//! socket --accept--> a thread and a scratch for each connection --examine--> standard output, or back
//! ```
//!
//! One thread waits for signals, one for connections. Memory is bounded: so many connections, each with
//! one line, one tagged copy and one scratch.

mod connection;
mod counts;
mod socket;

use crate::failure::{EXIT_CODES, Failure, count, say};
use crate::rules::{self, Selected};
use crate::tag::{ModeName, ShapeName, check_destination, logsource, warn_of_unknown};
use clap::builder::PossibleValuesParser;
use counts::Counts;
use sigmatag::engine::{Engine, Options};
use sigmatag::limits;
use sigmatag::ruleset::LEVELS;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use socket::Socket;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long connections may take to end after the signal to end.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client of --reply may let an answer wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Detects in events that arrive over a Unix socket.
///
/// Takes lines of JSON, or of text, from any number of connections, and writes the events that rules
/// match, tagged, to standard output: one JSON object a line. What cannot be examined is written
/// with the reason in `sigmatag_error`. Everything else is only counted.
///
/// SIGTERM and SIGINT end it after what has arrived is examined, SIGHUP reads the rules again (if they are
/// refused, the old ones stay), SIGUSR1 prints the counters as JSON on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The socket to make. One that a server left behind is replaced.
    #[arg(long, value_name = "PATH")]
    unix: PathBuf,
    /// Permissions of the socket, octal.
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = mode)]
    mode: u32,
    /// Connections at a time; more wait.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Write what a connection's events give back to that connection.
    #[arg(long)]
    reply: bool,
    #[command(flatten)]
    rules: Selected,
    /// The tag's form: one key, columns for Microsoft Sentinel, or Elastic Common Schema.
    #[arg(long, default_value = "nested")]
    shape: ShapeName,
    /// Lowest level that reports. Rules without a level always report.
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS[1..].iter().copied()))]
    min_level: Option<String>,
    /// What the events are, see `sigmatag tag`.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Option<String>,
    /// Which rules an event meets, see `sigmatag tag`.
    #[arg(long, value_name = "MODE", default_value = "auto")]
    logsource_mode: ModeName,
    /// A rule that shall not report, by its id. May be given several times.
    #[arg(long, value_name = "ID")]
    disable_rule: Vec<String>,
    /// Write each event of an envelope (`{"records":[...]}`) that matches for itself.
    #[arg(long)]
    split_records: bool,
    /// Write the documents that a SIEM expects in place of events, see `sigmatag tag`.
    #[arg(long, value_name = "DESTINATION")]
    normalize: Option<String>,
    /// Longest line that is examined, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = limits::MAX_RECORD as u32)]
    max_record: u32,
}

fn mode(argument: &str) -> Result<u32, String> {
    match u32::from_str_radix(argument, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("write three octal digits, as in `660`".to_owned()),
    }
}

/// What threads share.
struct Server {
    engine: Engine,
    shape: ShapeName,
    split_records: bool,
    logsource: String,
    reply: bool,
    counts: Counts,
    state: Mutex<State>,
    changed: Condvar,
    /// Whoever writes has it, so that lines stay whole.
    out: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Connections by number, to end them.
    open: HashMap<u64, UnixStream>,
    ending: bool,
    /// Why the server must end by itself.
    failure: Option<Failure>,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let rules = Arc::new(rules::rule_set(&arguments.rules)?);
    check_destination(arguments.normalize.as_deref(), &rules)?;
    if let Some(logsource) = &arguments.logsource {
        warn_of_unknown(logsource, &rules);
    }
    let level = |name: &String| LEVELS.iter().position(|level| level == name);
    let options = Options {
        min_level: arguments.min_level.as_ref().and_then(level).unwrap_or(0) as u8,
        max_record: arguments.max_record,
        logsource_mode: arguments.logsource_mode.mode(),
        disable_rules: arguments.disable_rule.clone(),
        normalize: arguments.normalize.clone(),
        ..Options::default()
    };
    let engine = Engine::new(rules, options);
    for id in engine.unknown_disabled_rules() {
        say(format_args!("warning: --disable-rule {id}: no rule has this id"));
    }
    // Before the socket is there: who waits for the socket may send a signal at once.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|error| Failure::Unusable(format!("signals cannot be received: {error}")))?;
    let socket = Socket::bind(&arguments.unix, arguments.mode)?;
    let server = Arc::new(Server {
        engine,
        shape: arguments.shape,
        split_records: arguments.split_records,
        logsource: arguments.logsource.clone().unwrap_or_default(),
        reply: arguments.reply,
        counts: Counts::default(),
        state: Mutex::default(),
        changed: Condvar::new(),
        out: Mutex::new(()),
    });
    let rules = count(server.engine.rules().rule_count(), "rule");
    say(format_args!("{}: {rules}, listening", arguments.unix.display()));
    let (accepting, listener) = (Arc::clone(&server), socket.listener()?);
    let most = usize::from(arguments.connections);
    std::thread::spawn(move || accepting.accept(&listener, most));
    for signal in signals.forever() {
        match signal {
            SIGHUP => server.reload(&arguments.rules),
            SIGUSR1 => server.report(),
            _ => break,
        }
    }
    server.end(socket);
    server.report();
    server.state().failure.take().map_or(Ok(()), Err)
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has changed it in whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the server because of a failure.
    fn fail(&self, failure: Failure) {
        self.state().failure.get_or_insert(failure);
        // The thread that waits for signals does the rest.
        let _ = signal_hook::low_level::raise(SIGTERM);
    }

    fn accept(self: Arc<Server>, listener: &std::os::unix::net::UnixListener, most: usize) {
        for number in 0.. {
            let mut state = self.state();
            while state.open.len() >= most && !state.ending {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            let accepted = listener.accept();
            if self.state().ending {
                return;
            }
            match accepted {
                Ok((stream, _)) => Arc::clone(&self).open(number, stream),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, mostly: connections that end give some back.
                    say(format_args!("warning: a connection was not accepted: {error}"));
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        }
    }

    fn open(self: Arc<Server>, number: u64, stream: UnixStream) {
        let prepared = stream
            .set_write_timeout(Some(PATIENCE))
            .and_then(|()| stream.try_clone())
            .and_then(|handle| {
                self.state().open.insert(number, handle);
                let server = Arc::clone(&self);
                std::thread::Builder::new().name("connection".to_owned()).spawn(move || {
                    // Also if it panics: one bad event must not take a place for ever.
                    let _closing = Closing { server: &server, number };
                    connection::serve(&server, &stream);
                })
            });
        self.counts.connections.add(1);
        if let Err(error) = prepared {
            self.close(number);
            say(format_args!("warning: a connection was closed: {error}"));
        }
    }

    fn close(&self, number: u64) {
        self.state().open.remove(&number);
        self.changed.notify_all();
    }

    /// Takes no more, examines what has arrived, and waits for that a while.
    fn end(&self, socket: Socket) {
        let mut state = self.state();
        state.ending = true;
        for stream in state.open.values() {
            // What is in the socket's buffer can still be read; then comes its end.
            let _ = stream.shutdown(Shutdown::Read);
        }
        self.changed.notify_all();
        socket.close();
        let deadline = Instant::now() + GRACE;
        while !state.open.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let number = count(state.open.len() as u64, "connection");
                say(format_args!("warning: {number} did not end within {} s", GRACE.as_secs()));
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn reload(&self, selected: &Selected) {
        let normalize = self.engine.options().normalize.as_deref();
        let loaded = rules::rule_set(selected)
            .and_then(|rules| check_destination(normalize, &rules).map(|()| rules));
        match loaded {
            Ok(rules) => {
                let number = count(rules.rule_count(), "rule");
                self.engine.reload(Arc::new(rules));
                self.counts.reloads.add(1);
                say(format_args!("{number} in force"));
            }
            Err(failure) => {
                self.counts.failed_reloads.add(1);
                failure.report();
                say(format_args!("the rules as they were stay in force"));
            }
        }
    }

    fn report(&self) {
        say(format_args!("{}", self.counts.json(self.engine.rules().identity())));
    }

    /// Writes whole lines.
    fn write(&self, stream: &UnixStream, lines: &[u8]) -> io::Result<()> {
        if self.reply {
            let mut stream = stream;
            return stream.write_all(lines);
        }
        let _whole = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stdout().lock();
        out.write_all(lines).and_then(|()| out.flush()).inspect_err(|error| {
            self.fail(Failure::output(error));
        })
    }
}

/// Takes a connection out of the list, however its thread ends.
struct Closing<'a> {
    server: &'a Server,
    number: u64,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.server.close(self.number);
    }
}
