//! The cache against loads that wait until they are told how to end.

use tokio::sync::oneshot;

use super::*;
use crate::view::public::{Incident, Page};
use crate::view::{Moment as Began, State};

type Answer = Result<Option<Loaded>, &'static str>;

fn key() -> Key {
    Key { organization: "acme".into(), page: None, output: Output::Page }
}

fn acme() -> OrgId {
    OrgId::new(uuid::Uuid::from_u128(1))
}

/// A page of Acme that says `text`.
fn says(text: &str) -> Loaded {
    let began = Began { datetime: String::new(), text: String::new(), note: None };
    let incident = Incident {
        id: "in_1".into(),
        title: text.into(),
        state: State::Operational,
        status: "Resolved".into(),
        is_resolved: true,
        began,
        lasting: String::new(),
        services: Vec::new(),
        next_update: None,
        updates: Vec::new(),
    };
    let view = View::Incident(Box::new(IncidentPage { page: Page::default(), incident }));
    Loaded { organization: acme(), view, at: Timestamp::from_ms(0) }
}

async fn ask(cache: &PageCache, answer: Answer) -> Result<Option<String>, &'static str> {
    let bytes = cache.get(&key(), || std::future::ready(answer.clone()), |error| *error == "away").await?;
    let Some(bytes) = bytes else { return Ok(None) };
    let answer = bytes.answer(&axum::http::HeaderMap::new(), "text/html", "public");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let title = text.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0;
    let age = if text.contains("Data as of") { " (aged)" } else { "" };
    Ok(Some(format!("{title}{age}")))
}

async fn must_not_load(cache: &PageCache) -> String {
    ask(cache, Err("loaded although it need not be")).await.unwrap().unwrap()
}

/// Begins a load that ends when it is told how; somebody else holds the turn meanwhile.
async fn slow_load(cache: &PageCache) -> (oneshot::Sender<Answer>, tokio::task::JoinHandle<Answer>) {
    let (tell, told) = oneshot::channel();
    let (cache, told) = (cache.clone(), Arc::new(Mutex::new(Some(told))));
    let running = tokio::spawn(async move {
        let load = || {
            let told = Arc::clone(&told);
            async move {
                match told.lock().await.take() {
                    Some(told) => told.await.unwrap(),
                    None => Ok(None),
                }
            }
        };
        cache.get(&key(), load, |_| false).await.map(|bytes| bytes.map(|_| says("answered")))
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    (tell, running)
}

fn changed(cache: &PageCache) {
    cache.note_change(acme());
}

/// As if it had been loaded so long ago.
async fn let_age(cache: &PageCache, by: Duration) {
    let entry = cache.0.entries.get(&key()).await.unwrap();
    let mut snapshot = (*entry.current().unwrap()).clone();
    snapshot.shown_at = snapshot.shown_at.checked_sub(by).unwrap();
    snapshot.loaded_at = snapshot.loaded_at.checked_sub(by).unwrap();
    entry.put(snapshot);
}

#[tokio::test]
async fn while_one_request_renders_what_changed_the_others_get_the_old_page() {
    // P-1
    let cache = PageCache::new(Signals::default());
    assert_eq!(ask(&cache, Ok(Some(says("old")))).await.unwrap().unwrap(), "old");
    assert_eq!(must_not_load(&cache).await, "old");
    changed(&cache);
    let (tell, running) = slow_load(&cache).await;
    assert_eq!(must_not_load(&cache).await, "old");
    tell.send(Ok(Some(says("new")))).unwrap();
    running.await.unwrap().unwrap().unwrap();
    assert_eq!(must_not_load(&cache).await, "new");
}

#[tokio::test]
async fn what_was_withdrawn_is_shown_to_nobody_while_another_request_renders() {
    // D12: a page made private, an organization deleted.
    let signals = Signals::default();
    let cache = PageCache::new(signals.clone());
    ask(&cache, Ok(Some(says("old")))).await.unwrap();
    signals.pages_withdrawn(acme());
    let (tell, running) = slow_load(&cache).await;
    let other = tokio::spawn({
        let cache = cache.clone();
        async move { ask(&cache, Ok(None)).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!other.is_finished(), "it waits for the turn");
    tell.send(Ok(None)).unwrap();
    assert!(running.await.unwrap().unwrap().is_none());
    assert_eq!(other.await.unwrap(), Ok(None));
    assert_eq!(ask(&cache, Err("broken")).await, Err("broken"), "nothing is left of it");
}

#[tokio::test]
async fn what_is_withdrawn_during_a_load_is_loaded_again() {
    let signals = Signals::default();
    let cache = PageCache::new(signals.clone());
    let (tell, running) = slow_load(&cache).await;
    signals.pages_withdrawn(acme());
    tell.send(Ok(Some(says("read too early")))).unwrap();
    assert!(running.await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_very_old_page_is_not_shown_while_another_request_renders() {
    let cache = PageCache::new(Signals::default());
    for (age, is_shown) in [(Duration::from_secs(29), true), (Duration::from_secs(31), false)] {
        ask(&cache, Ok(Some(says("old")))).await.unwrap();
        let_age(&cache, age).await;
        let (tell, running) = slow_load(&cache).await;
        let other = tokio::spawn({
            let cache = cache.clone();
            async move { must_not_load(&cache).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(other.is_finished(), is_shown, "{age:?}");
        tell.send(Ok(Some(says("new")))).unwrap();
        running.await.unwrap().unwrap().unwrap();
        assert_eq!(other.await.unwrap(), if is_shown { "old" } else { "new" }, "{age:?}");
        changed(&cache);
    }
}

#[tokio::test]
async fn the_last_good_page_stands_in_with_its_age_unless_something_was_withdrawn() {
    // F-04, D12
    let signals = Signals::default();
    let cache = PageCache::new(signals.clone());
    ask(&cache, Ok(Some(says("old")))).await.unwrap();
    changed(&cache);
    assert_eq!(ask(&cache, Err("away")).await.unwrap().unwrap(), "old (aged)");
    assert_eq!(must_not_load(&cache).await, "old (aged)", "the next ones do not ask the database at once");
    let_age(&cache, FRESH).await;
    assert_eq!(ask(&cache, Err("away")).await.unwrap().unwrap(), "old (aged)");
    let_age(&cache, FRESH).await;
    assert_eq!(ask(&cache, Ok(Some(says("new")))).await.unwrap().unwrap(), "new");
    signals.pages_withdrawn(acme());
    assert_eq!(ask(&cache, Err("away")).await, Err("away"));
    ask(&cache, Ok(Some(says("newer")))).await.unwrap();
    let_age(&cache, LAST_GOOD).await;
    assert_eq!(ask(&cache, Err("away")).await, Err("away"), "a day later");
}
