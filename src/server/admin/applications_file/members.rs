use super::Mistake;
use std::cell::RefCell;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The mistakes found so far, and the text that contains them.
pub struct Notes<'t> {
    text: &'t str,
    found: RefCell<Vec<Mistake>>,
}

impl<'t> Notes<'t> {
    pub fn on(text: &'t str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Records a mistake at a byte offset in the text.
    pub fn add(&self, at: usize, what: String) {
        self.found.borrow_mut().push(Mistake { line: self.line(at), what });
    }

    pub fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    pub fn into_list(self) -> Vec<Mistake> {
        self.found.into_inner()
    }
}

struct Member<'t> {
    name: &'t str,
    at: usize,
    value: &'t DeValue<'t>,
}

/// The members of a table, which are taken by name. Those that remain are unknown.
pub struct Members<'t> {
    /// The byte offset of the table.
    pub at: usize,
    left: Vec<Member<'t>>,
    notes: &'t Notes<'t>,
}

impl<'t> Members<'t> {
    pub fn of(table: &'t DeTable<'t>, at: usize, notes: &'t Notes<'t>) -> Self {
        let member = |(name, value): (&'t Spanned<_>, &'t Spanned<DeValue<'t>>)| {
            let own: &'t std::borrow::Cow<'t, str> = name.get_ref();
            Member { name: own, at: name.span().start, value: value.get_ref() }
        };
        Self { at, left: table.iter().map(member).collect(), notes }
    }

    pub fn notes(&self) -> &'t Notes<'t> {
        self.notes
    }

    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|member| member.name == name)
    }

    pub fn has_list(&self, name: &str) -> bool {
        self.left.iter().any(|member| member.name == name && member.value.is_array())
    }

    /// Takes a string and parses it with `read`.
    pub fn text<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let Member { at, value, .. } = self.take(name)?;
        let text = value.as_str().ok_or_else(|| "must be a string".to_owned());
        self.ok_or_record(at, name, text.and_then(read))
    }

    /// Takes a required string and parses it with `read`.
    pub fn required<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        if !self.has(name) {
            self.notes.add(self.at, format!("{name} is missing"));
        }
        self.text(name, read)
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let Member { at, value, .. } = self.take(name)?;
        self.ok_or_record(at, name, value.as_bool().ok_or_else(|| "must be true or false".to_owned()))
    }

    /// Takes an array of strings and parses each with `read`.
    pub fn texts<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let Member { at, value, .. } = self.take(name)?;
        let Some(list) = value.as_array() else {
            return self.ok_or_record(at, name, Err("must be an array of strings".to_owned()));
        };
        let one = |value: &Spanned<DeValue<'_>>| {
            let text = value.get_ref().as_str().ok_or_else(|| "must be an array of strings".to_owned());
            self.ok_or_record(value.span().start, name, text.and_then(&read))
        };
        Some(list.iter().filter_map(one).collect())
    }

    /// Takes the table with this name.
    pub fn table(&mut self, name: &str) -> Option<Self> {
        let Member { at, value, .. } = self.take(name)?;
        let table =
            self.ok_or_record(at, name, value.as_table().ok_or_else(|| format!("must be a table: [{name}]")))?;
        Some(Self::of(table, at, self.notes))
    }

    /// Takes the array of tables with this name.
    pub fn tables(&mut self, name: &str) -> Vec<Self> {
        let Some(Member { at, value, .. }) = self.take(name) else { return Vec::new() };
        let wanted = || format!("must be an array of tables: [[{name}]]");
        let Some(list) = self.ok_or_record(at, name, value.as_array().ok_or_else(wanted)) else { return Vec::new() };
        let notes = self.notes;
        let table = |value: &'t Spanned<DeValue<'t>>| {
            let (at, table) = (value.span().start, value.get_ref().as_table());
            if table.is_none() {
                notes.add(at, format!("{name} {}", wanted()));
            }
            Some(Self::of(table?, at, notes))
        };
        list.iter().filter_map(table).collect()
    }

    /// Records each remaining member as a mistake, with advice.
    pub fn finish(self, advice: impl Fn(&str) -> &'static str) {
        for Member { name, at, .. } in &self.left {
            self.notes.add(*at, format!("{name} {}", advice(name)));
        }
    }

    fn take(&mut self, name: &str) -> Option<Member<'t>> {
        let place = self.left.iter().position(|member| member.name == name)?;
        Some(self.left.swap_remove(place))
    }

    fn ok_or_record<T>(&self, at: usize, name: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|why| self.notes.add(at, format!("{name} {why}"))).ok()
    }
}
