//! The pages of members, one file per screen. A handler parses, reads or acts, and renders; what an action refuses
//! comes back as the same form with everything that was typed.

pub(crate) mod incidents;
pub(crate) mod members;
pub(crate) mod monitor_list;
pub(crate) mod monitors;
pub(crate) mod organizations;
pub(crate) mod overview;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod subscribers;
pub(crate) mod suggestions;
pub(crate) mod welcome;

pub(crate) mod flash;
mod incident_rows;
pub(crate) mod input;
mod monitor_chart;
mod monitor_filter;
pub(crate) mod monitor_form;
mod monitor_page;
mod monitor_settings;
mod monitor_words;
pub(crate) mod screen;
mod staircase;
mod states;
