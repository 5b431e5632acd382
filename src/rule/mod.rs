//! What a rule author writes: YAML to [`ast`].
//!
//! ```text
//! files --load--> text --yaml--> tree --template--> documents --document--> ast --reference--> Collection
//!                                                      '--- detection, item, value, condition, correlation, filter
//! ```
//!
//! Enter at [`load::load_paths`] or [`load::load_text`]. What stays true: one bad document never
//! stops the others; every document that is refused has at least one error that names the place
//! and the repair; everything in the resulting [`ast::Collection`] is legal Sigma, so that the
//! compiler and the reference evaluator need no validation of their own; nothing recurses deeper
//! than the caps in [`crate::limits`] allow.

pub mod ast;
pub mod condition;
mod correlation;
pub mod descriptor;
mod detection;
pub mod diagnostic;
mod document;
mod filter;
mod item;
pub mod load;
mod metadata;
pub mod modifier;
mod reference;
mod regex_check;
pub mod scalar;
mod template;
mod value;
mod yaml;
