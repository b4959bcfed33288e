//! One or more samples of every view. The words come from a [`Words`], so that the same samples serve for looking at
//! (plain) and for proving that every text is escaped (hostile).

mod auth;
mod dashboard;
mod monitors;
mod organization;
pub(crate) mod public;
mod site;

use askama::Template;
use std::cell::RefCell;

/// Where the sample texts come from.
pub(crate) struct Words {
    hostile: bool,
    given: RefCell<Vec<String>>,
}

impl Words {
    pub(crate) fn plain() -> Self {
        Self { hostile: false, given: RefCell::default() }
    }

    /// Every text becomes unique and tries to break out of its place.
    pub(crate) fn hostile() -> Self {
        Self { hostile: true, given: RefCell::default() }
    }

    /// A text that a person typed; the page has to show it.
    pub(crate) fn text(&self, text: &str) -> String {
        if !self.hostile {
            return text.to_owned();
        }
        let mut given = self.given.borrow_mut();
        let text = format!("{text}#{}<script>\"'&", given.len());
        given.push(text.clone());
        text
    }

    /// What was given since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        self.given.take()
    }
}

/// A rendered sample: file name and HTML.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) html: String,
    /// Texts that must stand in it, as they were before escaping.
    pub(crate) texts: Vec<String>,
}

pub(crate) fn all(words: &Words) -> Vec<Sample> {
    let mut samples = Vec::new();
    public::add(&mut samples, words);
    auth::add(&mut samples, words);
    dashboard::add(&mut samples, words);
    organization::add(&mut samples, words);
    site::add(&mut samples, words);
    samples
}

fn add(samples: &mut Vec<Sample>, words: &Words, name: &'static str, view: &impl Template) {
    samples.push(Sample { name, html: view.render().unwrap(), texts: words.take() });
}
