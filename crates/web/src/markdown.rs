//! Markdown of people → HTML that is safe to show (T-05, X35): a small subset, raw HTML off, then an allow-list.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Lists and quotations nested deeper than this lose their outer form, not their text.
const DEPTH: usize = 6;

/// HTML that went through [`render`]; nothing else can make one. Shown by `partial/markdown.html`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Renders the subset: paragraphs, links, emphasis, code, lists, quotations and headings from the third level on.
pub fn render(text: &str) -> Html {
    let mut raw = String::with_capacity(text.len() * 2);
    pulldown_cmark::html::push_html(&mut raw, tame(Parser::new_ext(text, Options::empty())));
    Html(CLEANER.clean(&raw).to_string().trim_end().to_owned())
}

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::empty();
    cleaner
        .tags(HashSet::from([
            "p",
            "a",
            "strong",
            "em",
            "code",
            "pre",
            "ul",
            "ol",
            "li",
            "blockquote",
            "h3",
            "h4",
            "h5",
            "h6",
            "br",
        ]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("nofollow noopener ugc"));
    cleaner
});

/// Raw HTML becomes text, a picture its description, a heading one that fits below the page's own.
fn tame<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut depth = 0_usize;
    events.filter_map(move |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Some(Event::Start(Tag::Heading { level: lower(level), id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => {
            depth += 1;
            (depth <= DEPTH).then_some(event)
        }
        Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) => {
            depth = depth.saturating_sub(1);
            (depth < DEPTH).then_some(event)
        }
        other => Some(other),
    })
}

const fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html(text: &str) -> String {
        render(text).0
    }

    #[test]
    fn the_subset_is_kept() {
        assert_eq!(html("A *deploy* **failed**."), "<p>A <em>deploy</em> <strong>failed</strong>.</p>");
        assert_eq!(html("# One\n\n## Two"), "<h3>One</h3>\n<h4>Two</h4>");
        assert_eq!(html("- a\n- b"), "<ul>\n<li>a</li>\n<li>b</li>\n</ul>");
        assert_eq!(html("> `x`"), "<blockquote>\n<p><code>x</code></p>\n</blockquote>");
        assert_eq!(
            html("[log](https://example.com/a?b=1&c=2)"),
            "<p><a href=\"https://example.com/a?b=1&amp;c=2\" rel=\"nofollow noopener ugc\">log</a></p>"
        );
    }

    /// T-05.
    #[test]
    fn html_in_the_text_is_text() {
        assert_eq!(html("<script>alert(1)</script>"), "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        assert_eq!(html("a <b onclick=x>b</b>"), "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        assert_eq!(html("![alt](https://example.com/x.png)"), "<p>alt</p>");
    }

    /// T-05.
    #[test]
    fn dangerous_link_targets_are_dropped() {
        for target in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "//example.com",
            "/settings",
            "&#106;avascript:alert(1)",
            "file:///etc/passwd",
        ] {
            let html = html(&format!("[x](<{target}>)"));
            assert!(!html.contains("href"), "{target} gave {html}");
        }
        assert!(html("<mailto:alice@example.com>").contains("href=\"mailto:alice@example.com\""));
    }

    #[test]
    fn deep_nesting_costs_little_and_keeps_the_text() {
        let started = std::time::Instant::now();
        let html = html(&format!("{}deep", "> ".repeat(20_000)));
        assert!(html.contains("deep"));
        assert!(html.len() < 10_000, "{}", html.len());
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }

    proptest! {
        /// T-05: whatever is written, only the allowed elements and attributes come out.
        #[test]
        fn only_allowed_elements_come_out(text in "[ -~\n]{0,80}") {
            let html = html(&text);
            let mut rest = html.as_str();
            while let Some((_, tail)) = rest.split_once('<') {
                let (tag, after) = tail.split_once('>').expect("every < opens a tag");
                let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
                prop_assert!(
                    ["p", "a", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6", "br"]
                        .contains(&name),
                    "{name} in {html}"
                );
                if name != "a" {
                    prop_assert!(!tag.contains(' '), "attribute in {html}");
                }
                rest = after;
            }
        }
    }
}
