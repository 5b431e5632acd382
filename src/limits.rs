//! Every cap, with the reason for its number.
//!
//! A cap never hides anything: what exceeds one is refused with a message that names the cap, or
//! handled by a slower way. None of them is reached by SigmaHQ's rules. Together they bound what the
//! compiler takes for rules of others: everything that a few bytes can multiply has one.
//!
//! | cap | value | reason |
//! |---|---|---|
//! | [`RULE_FILE_BYTES`] | 16 MiB | SigmaHQ's largest rule file is below 1 MiB |
//! | [`ALL_FILES_BYTES`] | 64 MiB | all rule files of one run; SigmaHQ's have 6 MB |
//! | [`YAML_NODES`] | 1,048,576 | values, lists and maps of one file; SigmaHQ's largest has 5,000 |
//! | [`YAML_DEPTH`] | 64 | a rule nests 6 levels; bounds every recursion over YAML trees |
//! | [`YAML_ALIAS_BYTES`] | 8 MiB | stops alias bombs; honest rules repeat a few lists |
//! | [`TEMPLATE_BYTES`] | 64 MiB | what `action: global` and `repeat` may copy per file |
//! | [`INTEGER_DIGITS`] | 1,024 | longer digit strings are text; bounds base conversion |
//! | [`VALUE_BYTES`] | 64 KiB | longest value; SigmaHQ's has 178 characters |
//! | [`PATTERN_PIECES`] | 512 | literals, wildcards and dashes of one value; a text is compared with all at every place |
//! | [`EXPANSIONS`] | 100,000 | texts that one value with placeholders stands for |
//! | [`EXPANSION_BYTES`] | 16 MiB | all of them together |
//! | [`SEARCHES`] | 4,096 | identifiers in one detection; SigmaHQ's maximum is below 50 |
//! | [`CONDITIONS`] | 256 | conditions of one detection, each a program |
//! | [`CONDITION_BYTES`] | 64 KiB | the conditions of one detection; SigmaHQ's are below 1 KiB |
//! | [`CONDITION_DEPTH`] | 64 | nested operators after flattening; parentheses are free |
//! | [`REGEX_BYTES`] | 64 KiB | longest regular expression as written |
//! | [`REGEX_DEPTH`] | 128 | nesting of a regular expression; its tree is walked recursively |
//! | [`REGEX_SIZE`] | 1,000,000 | repetitions multiplied out; `\w{1,64}` counts 50,000 |
//! | [`RULES`] | 65,536 | rules of a set; SigmaHQ has 3,700. A bit each in every route |
//! | [`FIELDS`] | 65,536 | fields that rules and sources name; with SigmaHQ's 2,500. Places of their values are numbers of two bytes |
//! | [`TESTS`] | 2,000,000 | tests that conditions come down to, with every name written out; SigmaHQ's have 60,000 |
//! | [`FILTER_REFERENCES`] | 65,536 | rules that filters list; each rule looks through them |
//! | [`REGEXES`] | 4,096 | different regular expressions of a set; SigmaHQ has 149. Each may take 10 ms to compile |
//! | [`REGEXES_SIZE`] | 8,000,000 | all of them together, repetitions multiplied out |
//! | [`DIAGNOSTICS`] | 100 | messages per document; the rest is counted |
//! | [`SUGGESTION_CHARS`] | 64 | longest name for which a similar one is looked up |
//! | [`MAX_DEPTH`] | 64 | real logs stay below 20; the walkers keep one frame per level |
//! | [`PAYLOAD_LEVELS`] | 6 | known paths wrap an event one to three times |
//! | [`SOURCE_ELEMENTS`] | 1,048,576 | thirty sources need some hundreds |
//! | [`DOCUMENT_MEMBERS`] | 255 | the largest has some 50 |
//! | [`DOCUMENT_DEPTH`] | 7 | ECS has three |
//! | [`SOURCE_CONDITIONS`] | 1,024 | Windows events have some 200; each is a bit that is remembered |
//! | [`SOURCE_INHERITED`] | 64 | two are; each is looked for around every array of events |
//! | [`MAX_TAG_BYTES`] | 16 KiB | intakes cut or refuse records of a few hundred KiB |
//! | [`MAX_SPLIT_BYTES`] | 16 MiB | a large wrapper around many small events would be repeated for each |
//! | [`MAX_FILE`] | 256 MiB | all of SigmaHQ is below 10 MB; stops a wrong path from being read whole |
//! | [`MAX_REGEX_STEPS`] | 262,144 | `.{1000,}` has 1,002; a scratch keeps three bits for each state of the longest program |
//! | [`MAX_REGEX_DFA`] | 64 KiB | an automaton should stay in the second-level cache |
//! | [`INDICATORS`] | 1,000,000 | twice what platforms take as one collection; tables of some 100 MB |
//! | [`INDICATOR_FEEDS`] | 64 | files of indicators of one rule set |
//! | [`INDICATOR_FILE_BYTES`] | 1 GiB | a million STIX objects have 700 MB |
//! | [`INDICATOR_BYTES`] | 2,048 | longest indicator; longer URLs are refused by most servers |
//! | [`INDICATOR_LINE_BYTES`] | 64 KiB | longest line of a list |
//! | [`PATTERN_BYTES`] | 64 KiB | longest STIX pattern |
//! | [`PATTERN_TESTS`] | 4,096 | comparisons of one STIX pattern |
//! | [`PATTERN_DEPTH`] | 32 | parentheses of one STIX pattern inside each other |
//! | [`VRL_RULES`] | 100 | rules of a VRL program; each rule tests its fields anew for each event |
//! | [`LISTED_INDICATORS`] | 8 | indicators that are listed of one rule and event; the rule reports anyway |
//! | [`MAX_RECORD`] | 4 MiB | larger records are passed on unexamined and counted |

/// Rules that are written as one VRL program. Its time grows with every rule: with a few hundred it is
/// slower than everything else a pipeline does.
pub const VRL_RULES: usize = 100;

/// Containers inside each other, the record itself included. Real logs stay below 20; the walkers
/// keep one frame for each level, so the cap bounds their memory. A deeper record is passed on
/// unexamined and counted.
pub const MAX_DEPTH: usize = 64;

/// Bytes of the tag that one record gets, keys included. Log Analytics and most intakes cut or
/// refuse records of a few hundred KiB, so the tag must stay a small part of that.
pub const MAX_TAG_BYTES: usize = 16 * 1024;

/// Bytes that the records split from one record may take, if that is more than twice the record. A
/// wrapper of 2 MiB around 100,000 small events would be repeated for each. Beyond it the record
/// stays whole.
pub const MAX_SPLIT_BYTES: usize = 16 << 20;

/// How many wrappers around an event are opened. Known paths have one (a tailed line) to three (a
/// container runtime's line around a consumer's line around an Event Hubs envelope). What lies
/// deeper is matched as the record it is in.
pub const PAYLOAD_LEVELS: u8 = 6;

/// Most elements of any one table of compiled sources and destinations, and of what several sources or
/// documents share if each has it by itself.
pub const SOURCE_ELEMENTS: usize = 1 << 20;

/// Most members of one document of a destination, objects included.
pub const DOCUMENT_MEMBERS: usize = 255;

/// Deepest nesting of objects in such a document.
pub const DOCUMENT_DEPTH: usize = 7;

/// Most conditions that one source decides for an event.
pub const SOURCE_CONDITIONS: usize = 1024;

/// Most fields that events take from the record around them, of all sources.
pub const SOURCE_INHERITED: usize = 64;

/// Longest rule file that is read, in bytes.
pub const RULE_FILE_BYTES: usize = 16 << 20;

/// What all rule files that are read together may have, in bytes.
pub const ALL_FILES_BYTES: usize = 64 << 20;

/// Most values, lists and maps of one rule file.
pub const YAML_NODES: usize = 1 << 20;

/// Deepest nesting of lists and maps in a rule file.
pub const YAML_DEPTH: usize = 64;

/// What the aliases of one YAML document may expand to, in bytes of memory.
pub const YAML_ALIAS_BYTES: usize = 8 << 20;

/// What templates (`action: global`, `action: repeat`) may copy within one file, in bytes.
pub const TEMPLATE_BYTES: usize = 64 << 20;

/// Longest digit sequence that is an integer; a longer one is text.
pub const INTEGER_DIGITS: usize = 1024;

/// Longest value of a detection item in bytes.
pub const VALUE_BYTES: usize = 64 << 10;

/// Most literals, wildcards and flag dashes of one value, in turn.
pub const PATTERN_PIECES: usize = 512;

/// Most texts that one value with placeholders stands for.
pub const EXPANSIONS: usize = 100_000;

/// What the texts that one value stands for may have together, in bytes.
pub const EXPANSION_BYTES: usize = 16 << 20;

/// Most search identifiers in one `detection` or `filter`.
pub const SEARCHES: usize = 4096;

/// Most entries of a condition list.
pub const CONDITIONS: usize = 256;

/// Longest condition, or list of conditions, in bytes.
pub const CONDITION_BYTES: usize = 64 << 10;

/// Deepest nesting of a condition's operators. Redundant parentheses and chains of one operator
/// do not count.
pub const CONDITION_DEPTH: usize = 64;

/// Longest regular expression in bytes.
pub const REGEX_BYTES: usize = 64 << 10;

/// Deepest nesting of a regular expression.
pub const REGEX_DEPTH: u32 = 128;

/// Largest regular expression, counted as literal bytes and class ranges with every counted
/// repetition multiplied out.
pub const REGEX_SIZE: u64 = 1_000_000;

/// Most rules of a set.
pub const RULES: usize = 1 << 16;

/// Most fields that the rules and the sources of a set name.
pub const FIELDS: usize = 1 << 16;

/// Most tests of a set: one for each value, as often as the conditions of rules and filters come to
/// it.
pub const TESTS: u64 = 2_000_000;

/// Most rules that the filters of a set list, taken together.
pub const FILTER_REFERENCES: usize = 1 << 16;

/// Most different regular expressions of a set.
pub const REGEXES: usize = 4096;

/// What the regular expressions of a set may be together, counted as characters and classes with
/// every counted repetition multiplied out.
pub const REGEXES_SIZE: u64 = 8_000_000;

/// Most messages that one document gets.
pub const DIAGNOSTICS: usize = 100;

/// Longest name for which a similar name is suggested.
pub const SUGGESTION_CHARS: usize = 64;

/// Largest compiled rule file, in bytes.
pub const MAX_FILE: usize = 256 << 20;

/// Steps of one regular expression's program.
pub const MAX_REGEX_STEPS: usize = 1 << 18;

/// Size of a regular expression's automaton, in bytes.
pub const MAX_REGEX_DFA: usize = 64 << 10;

/// Largest record that is examined, in bytes, unless the caller sets another limit.
pub const MAX_RECORD: usize = 4 << 20;

/// Most indicators of a set, equal ones counted once.
pub const INDICATORS: usize = 1_000_000;

/// Most files of indicators of a set.
pub const INDICATOR_FEEDS: usize = 64;

/// Largest file of indicators that is read, in bytes.
pub const INDICATOR_FILE_BYTES: usize = 1 << 30;

/// Longest indicator, in bytes.
pub const INDICATOR_BYTES: usize = 2048;

/// Longest line of a list of indicators, in bytes.
pub const INDICATOR_LINE_BYTES: usize = 64 << 10;

/// Longest STIX pattern, in bytes.
pub const PATTERN_BYTES: usize = 64 << 10;

/// Most comparisons of one STIX pattern.
pub const PATTERN_TESTS: usize = 4096;

/// Deepest nesting of parentheses in a STIX pattern.
pub const PATTERN_DEPTH: usize = 32;

/// Most indicators that are listed of one rule and event. Further ones do not change that the rule
/// reports; the list then says that it is not all.
pub const LISTED_INDICATORS: usize = 8;
