//! What the log says: each request under its id, the clock difference of those that are not fresh, and
//! once most callers agree on it, that our clock is wrong.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use http_body_util::Full;
use tensor_core::transport::{Endpoint, Request};
use tensor_net::server::AxonService;
use tensor_net::wire::btauth::BtauthDialect;
use tensor_net::wire::{Identity, Message};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{ManualClock, NEW_YEAR, hotkey, key, shouter};

/// Keeps every event as one line: level, then `name=value` for each field.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tensor_net")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn requests_have_ids_and_wrong_clocks_are_told() {
    let axon = hotkey("//Bob");
    let service =
        AxonService::builder(axon).with_clock(ManualClock::new(NEW_YEAR)).build(shouter());
    let to = Endpoint { hotkey: axon, address: ([127, 0, 0, 1], 1).into() };
    let ask = |uri: &str, ahead: i64| {
        let clock = ManualClock::new(NEW_YEAR.saturating_add_signed(ahead * 1_000_000_000));
        let identity = Identity::with_clock(key(uri), clock);
        let request = Request::synapse("Shout", r#"{"text": "hey"}"#);
        let answer = block_on(async {
            let message = Message::collect(request, 1_000).await.unwrap();
            let attempt = identity.attempt(&BtauthDialect::new(), &to, &message).await.unwrap();
            service.answer(attempt.request.map(Full::new)).await
        });
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), id)
    };
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let take = || std::mem::take(&mut *lines.0.lock().unwrap());
        let (status, first) = ask("//Alice", 0);
        let said = take();
        assert_eq!((status, said.len()), (200, 1), "{said:?}");
        assert!(said[0].starts_with("DEBUG") && said[0].contains("answered"), "{said:?}");
        assert!(said[0].contains(&format!("id=\"{first}\"")), "{said:?}");

        for caller in ["//A", "//B", "//C", "//D"] {
            let (status, id) = ask(caller, 60);
            assert_eq!(status, 401);
            assert_ne!(id, first);
            let said = take();
            assert_eq!(said.len(), if caller == "//D" { 2 } else { 1 }, "{said:?}");
            let refused = said.last().unwrap();
            for part in
                [&format!("id=\"{id}\""), "class=\"StaleRequest\"", "clock_difference=60000000000"]
            {
                assert!(refused.contains(part), "{part} in {refused}");
            }
            if caller == "//D" {
                // Four of five say so.
                assert!(said[0].starts_with("WARN") && said[0].contains("seconds=60"), "{said:?}");
                assert!(said[0].contains("our clock is wrong"), "{said:?}");
            }
        }
        // It is said once.
        ask("//E", 60);
        assert_eq!(take().len(), 1);
        assert_eq!(service.metrics().clock_is_wrong, Some(60_000_000_000));
    });
}
