//! The Atom feed of a page: its incidents with their updates, and in the subtitle how it stands, uptime included (D8).

use std::fmt::Write as _;

use domain::plan::Limits;
use domain::time::{DAY_MS, Timestamp};
use domain::uptime::format_percent;
use store::page_view::PlacedIncident;

use super::assemble::{Facts, unique};
use super::figures::{Figures, Period};
use super::timeline::DAYS;

/// Newest first; older ones stand on the page.
const ENTRIES: usize = 50;

pub(super) fn atom(figures: &Figures, facts: &Facts, limits: &Limits) -> String {
    let mut feed = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
    );
    let url = escape(&figures.url);
    let _ = writeln!(feed, "<id>{url}</id>\n<title>{} status</title>", escape(&figures.title));
    let _ = writeln!(feed, "<subtitle>{}</subtitle>", escape(&subtitle(figures)));
    let _ = writeln!(feed, "<updated>{}</updated>", figures.changed_at);
    let _ = writeln!(feed, "<author><name>{}</name></author>", escape(&figures.title));
    let _ = writeln!(feed, "<link rel=\"self\" type=\"application/atom+xml\" href=\"{url}/history.atom\"/>");
    let _ = writeln!(feed, "<link rel=\"alternate\" type=\"text/html\" href=\"{url}\"/>");
    let since = since(facts.lens.now, limits);
    let shown = unique(&facts.seen.incidents)
        .filter(|incident| incident.resolved_at.is_none_or(|resolved| resolved > since))
        .take(ENTRIES);
    for incident in shown {
        entry(&mut feed, &url, facts, incident);
    }
    feed.push_str("</feed>\n");
    feed
}

/// What the tier shows of the past (S38, D10); what is open is always shown.
fn since(now: Timestamp, limits: &Limits) -> Timestamp {
    let days = limits.incident_history_days.map_or(DAYS, i64::from).min(DAYS);
    now.plus_ms(-days * DAY_MS)
}

/// "All systems operational. Uptime of the last 90 days: API 99.982 %, Web 100 %."
fn subtitle(figures: &Figures) -> String {
    let uptimes: Vec<String> = figures
        .services
        .iter()
        .filter_map(|service| {
            let uptime = service.uptime(Period::Quarter)?;
            Some(format!("{} {}", service.name, format_percent(uptime)))
        })
        .collect();
    if uptimes.is_empty() {
        return format!("{}.", figures.description);
    }
    format!("{}. Uptime of the last {DAYS} days: {}.", figures.description, uptimes.join(", "))
}

fn entry(feed: &mut String, page_url: &str, facts: &Facts, incident: &PlacedIncident) {
    let link = format!("{page_url}/incidents/{}", incident.id);
    let updates: Vec<_> = facts.updates.iter().filter(|update| update.incident_id == incident.id).collect();
    let newest = updates.iter().map(|update| update.created_at).fold(incident.started_at, Timestamp::max);
    let text: Vec<String> =
        updates.iter().map(|update| format!("{}: {}", update.status.label(), update.body)).collect();
    let _ = writeln!(feed, "<entry>\n<id>{link}</id>\n<title>{}</title>", escape(&incident.title));
    let _ = writeln!(feed, "<published>{}</published>\n<updated>{newest}</updated>", incident.started_at);
    let _ = writeln!(feed, "<link rel=\"alternate\" type=\"text/html\" href=\"{link}\"/>");
    let _ = writeln!(feed, "<category term=\"{}\"/>", incident.status.as_str());
    let _ = writeln!(feed, "<content type=\"text\">{}</content>\n</entry>", escape(&text.join("\n\n")));
}

/// For text and attributes of XML (T-05). Characters that XML 1.0 does not have are left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_is_text_and_what_xml_does_not_have_is_left_out() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{1}\u{b}\u{ffff}x\n</b>"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;x\n&lt;/b&gt;"
        );
    }

    proptest! {
        #[test]
        fn nothing_ends_a_text_or_an_attribute(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        }
    }
}
