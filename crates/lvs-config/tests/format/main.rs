//! lvs.cf as its description has it, through the crate's public face.

mod characters;
mod documents;
mod edits;
mod effects;
mod example;
mod generator;
mod host;
mod messages;
mod odd_edits;
mod odd_files;
mod pair;
mod properties;
mod ranges;
mod samples;
mod support;
mod switched_off;
mod vectors;
mod verdicts;
