//! The statements of one block that count, as typed settings. The walk fills it, the judges read it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use lvs_model::SchedulerName;

use crate::command::Command;
use crate::device::Device;
use crate::finding::Finding;
use crate::keyword::{Keyword, Place};
use crate::position::Position;
use crate::value::{Mask, Port, Value};
use crate::work;

/// The settings of one block, or of the file outside blocks.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) place: Place,
    /// The block's name, empty outside blocks.
    pub(crate) name: String,
    /// Where the block's name stands.
    pub(crate) position: Position,
    /// Where the block closes: only there it is known what it lacks.
    pub(crate) end: Position,
    settings: HashMap<&'static str, Setting>,
    blocks: Vec<Section>,
    /// What is wrong with values that something else may switch off.
    pub(crate) late: Vec<Finding>,
    /// For a real server: the plain `port` of the virtual block as far as it was read there.
    pub(crate) outer_port: Option<Port>,
}

/// The statement that counts for a keyword.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) position: Position,
    /// It stands behind `#:`.
    pub(crate) hidden: bool,
}

impl Section {
    pub(crate) fn new(place: Place, name: String, position: Position) -> Self {
        Self {
            place,
            name,
            position,
            end: position,
            settings: HashMap::new(),
            blocks: Vec::new(),
            late: Vec::new(),
            outer_port: None,
        }
    }

    /// Blocks in this one, in file order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Self> {
        self.blocks.iter().inspect(|_| work::done(1))
    }

    /// Another block in this one, further down in the file.
    pub(crate) fn add_block(&mut self, block: Self) {
        self.blocks.push(block);
    }

    /// The block in this one whose name stands in `line`.
    pub(crate) fn block_of_line(&self, line: u32) -> Option<&Self> {
        let found = self.blocks.binary_search_by_key(&line, |block| {
            work::done(1);
            block.position.line
        });
        self.blocks.get(found.ok()?)
    }

    /// The statement that counts so far.
    pub(crate) fn setting(&self, keyword: Keyword) -> Option<&Setting> {
        work::done(1);
        self.settings.get(keyword.name)
    }

    pub(crate) fn set(&mut self, keyword: Keyword, setting: Setting) {
        self.settings.insert(keyword.name, setting);
    }

    /// Where the value of `keyword` stands, or where the block ends without it.
    pub(crate) fn at(&self, keyword: Keyword) -> Position {
        self.setting(keyword)
            .map_or(self.end, |setting| setting.position)
    }

    /// Whether the value of `keyword` was refused already, or is a name that does not resolve. Then no
    /// second message follows.
    pub(crate) fn is_bad(&self, keyword: Keyword) -> bool {
        let value = self.value(keyword);
        matches!(value, Some(Value::Nothing | Value::Unresolved(_)))
    }

    /// The host name given for `keyword`, if it does not resolve.
    pub(crate) fn unresolved(&self, keyword: Keyword) -> Option<&str> {
        match self.value(keyword)? {
            Value::Unresolved(name) => Some(name),
            _ => None,
        }
    }

    /// The lines of the block.
    pub(crate) fn lines(&self) -> std::ops::RangeInclusive<u32> {
        self.position.line..=self.end.line
    }

    /// Whether `keyword` is given, well or badly.
    pub(crate) fn has(&self, keyword: Keyword) -> bool {
        self.setting(keyword).is_some()
    }

    /// Whether `keyword` is given, and behind `#:`.
    pub(crate) fn is_hidden(&self, keyword: Keyword) -> bool {
        self.setting(keyword).is_some_and(|setting| setting.hidden)
    }

    fn value(&self, keyword: Keyword) -> Option<&Value> {
        self.setting(keyword).map(|setting| &setting.value)
    }

    pub(crate) fn integer(&self, keyword: Keyword) -> Option<u32> {
        match self.value(keyword)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// `false` if it is not given.
    pub(crate) fn is_on(&self, keyword: Keyword) -> bool {
        self.value(keyword) == Some(&Value::Bool(true))
    }

    pub(crate) fn seconds(&self, keyword: Keyword) -> Option<Duration> {
        match self.value(keyword)? {
            Value::Seconds(time) => Some(*time),
            _ => None,
        }
    }

    /// `None` for all zeros too.
    pub(crate) fn address(&self, keyword: Keyword) -> Option<IpAddr> {
        match self.value(keyword)? {
            Value::Address(address) if !address.is_unspecified() => Some(*address),
            _ => None,
        }
    }

    /// `None` for all zeros too.
    pub(crate) fn address_and_device(&self, keyword: Keyword) -> Option<(IpAddr, Device)> {
        match self.value(keyword)? {
            Value::AddressDevice(address, device) if !address.is_unspecified() => {
                Some((*address, device.clone()))
            }
            _ => None,
        }
    }

    /// `None` for all zeros too.
    pub(crate) fn mask(&self, keyword: Keyword) -> Option<Mask> {
        match self.value(keyword)? {
            Value::Mask(mask) if mask.prefix > 0 => Some(*mask),
            _ => None,
        }
    }

    pub(crate) fn port(&self, keyword: Keyword) -> Option<&Port> {
        match self.value(keyword)? {
            Value::Port(port) => Some(port),
            _ => None,
        }
    }

    pub(crate) fn choice(&self, keyword: Keyword) -> Option<&'static str> {
        match self.value(keyword)? {
            Value::Choice(choice) => Some(choice),
            _ => None,
        }
    }

    pub(crate) fn text(&self, keyword: Keyword) -> Option<&[u8]> {
        match self.value(keyword)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text for a program's argument vector.
    pub(crate) fn argument(&self, keyword: Keyword) -> Option<OsString> {
        self.text(keyword)
            .map(|text| OsString::from_vec(text.to_vec()))
    }

    /// A command line; an empty one is none.
    pub(crate) fn command(&self, keyword: Keyword) -> Option<Command> {
        let text = self.argument(keyword)?;
        let line = self.at(keyword).line;
        (!text.is_empty()).then_some(Command { text, line })
    }

    pub(crate) fn device(&self, keyword: Keyword) -> Option<&Device> {
        match self.value(keyword)? {
            Value::Device(device) => Some(device),
            _ => None,
        }
    }

    pub(crate) fn scheduler(&self, keyword: Keyword) -> Option<&SchedulerName> {
        match self.value(keyword)? {
            Value::Scheduler(name) => Some(name),
            _ => None,
        }
    }
}
