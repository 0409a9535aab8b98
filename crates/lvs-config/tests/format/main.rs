//! lvs.cf as its description has it, through the crate's public face.

mod documents;
mod edits;
mod example;
mod generator;
mod messages;
mod odd_edits;
mod odd_files;
mod properties;
mod ranges;
mod samples;
mod support;
mod vectors;
mod verdicts;
