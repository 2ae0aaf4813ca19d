//! Data that stays fresh: read again every few seconds while somebody looks.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission};

use super::fault::Fault;
use super::fetched::{Asked, Fetch, Fetched, Question};
use crate::console::Console;
use crate::display::Pace;
use crate::edge;
use crate::error::AppError;

/// Where the server tells of changes.
const CHANGES: &str = "/api/admin/changes";

/// How often a visible page asks again, however little happens: relative times go on.
const fn interval(pace: Pace) -> Option<Duration> {
    match pace {
        Pace::Live => Some(Duration::from_secs(5)),
        Pace::Calm => Some(Duration::from_secs(30)),
        Pace::Off => None,
    }
}

/// The answer of a server function.
pub(crate) struct Answer<T> {
    raw: RawAnswer,
    of: PhantomData<fn() -> T>,
}

/// The same without its type: all pages share one kind of resource, one kind of wait and one kind
/// of update, whatever they show, which keeps the browser's code small.
type RawAnswer = Resource<Result<Fetched, AppError>>;

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Answer<T> {
        *self
    }
}

impl<T> Copy for Answer<T> {}

impl<T: DeserializeOwned + Clone + 'static> Answer<T> {
    /// Waits for it, and is told of the next.
    pub(crate) async fn ready(self) -> Result<T, AppError> {
        self.raw.await?.get().ok_or(AppError::Internal)
    }
}

/// Asks all pages to read again as things change and every few seconds, at the pace that was
/// chosen, while the window is visible and nobody chooses rows. Begins when the page is hydrated:
/// until then nothing may change under the hydration's hands.
pub(crate) fn keep_live(console: Console) {
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| edge::when_hydrated(move || hydrated.set(true)));
    Effect::new(move |_| {
        if !hydrated.get() {
            return;
        }
        let (pace, zone, may_watch) = console.start.with_value(|start| {
            let may = |actor: &Actor| actor.may(Permission::ReadConsole);
            (start.pace, start.zone, start.actor.as_ref().is_some_and(may))
        });
        console.zone.set(zone);
        let again = move || {
            if !document().hidden() && !console.held.get_untracked() {
                console.ask_again();
            }
        };
        if pace == Pace::Live && may_watch {
            edge::on_change(CHANGES, again);
        }
        if let Some(every) = interval(pace)
            && let Ok(handle) = set_interval_with_handle(again, every)
        {
            on_cleanup(move || handle.clear());
        }
    });
}

/// The answer to `question`, asked again on every tick. While the server cannot be reached, the
/// last answer stays, and the console says that it is stale.
pub(crate) fn live<F: Question>(
    question: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Answer<F::Output> {
    let raw = raw_live(asking(question.clone()), edge::answering(question));
    Answer { raw, of: PhantomData }
}

/// The answer to `question`, asked again only when that changes: for forms whose choices must stay
/// while somebody fills them in.
pub(crate) fn on_demand<F: Question>(
    question: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Answer<F::Output> {
    let raw = Resource::new_blocking(asking(question.clone()), edge::answering(question));
    Answer { raw, of: PhantomData }
}

fn asking<F: Question>(question: impl Fn() -> F + Send + Sync + 'static) -> Asking {
    Box::new(move || Asked::new(&question()))
}

type Asking = Box<dyn Fn() -> Asked + Send + Sync>;

fn raw_live(asking: Asking, fetch: Fetch) -> RawAnswer {
    let console = Console::get();
    let last: StoredValue<Option<(Asked, Fetched)>> = StoredValue::new(None);
    let asking = Arc::new(asking);
    let asked_first = asking.clone();
    let answers = Resource::new_blocking(
        move || (console.tick.get(), asking()),
        move |(_, asked)| {
            let answer = fetch(asked.clone());
            async move {
                let under_way = console.asks();
                let answer = answer.await;
                drop(under_way);
                match answer {
                    Ok(data) => {
                        last.try_set_value(Some((asked, data.clone())));
                        console.stale.set(false);
                        Ok(data)
                    }
                    Err(error) => match last.try_get_value().flatten() {
                        Some((of, data)) if error.is_outage() && of == asked => {
                            console.stale.set(true);
                            Ok(data)
                        }
                        _ => Err(error),
                    },
                }
            }
        },
    );
    // What came with the page was not asked for here, and is as good as what was.
    Effect::new(move |_| {
        let came = answers.get().and_then(Result::ok);
        if let Some(data) = came
            && last.with_value(Option::is_none)
        {
            last.set_value(Some((untrack(|| asked_first()), data)));
        }
    });
    answers
}

/// A part of a page that is drawn again, in place, whenever what it reads has changed.
///
/// Every such part has the same type, whatever it draws, which keeps the browser's code small.
pub(crate) fn part<V: IntoView + 'static>(
    draw: impl Fn() -> V + Send + Sync + 'static,
) -> impl IntoView {
    run(ViewFn::from(move || draw().into_any()))
}

fn run(draw: ViewFn) -> impl IntoView {
    move || draw.run()
}

/// A page drawn from `data`. It is drawn once, and drawn again only after an error: what comes
/// later arrives through the signal, so that an update leaves focus, selection and open dialogs
/// alone. `name` gives the page's title, and the moment its data was read.
pub(crate) fn page<T, V>(
    data: Answer<T>,
    name: impl Fn(&T) -> (String, Timestamp) + Clone + Send + Sync + 'static,
    draw: impl Fn(Signal<T>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let raw = data.raw;
    raw_page(
        raw,
        Box::new(move |first| match first.get() {
            Some(first) => draw(follow(raw, first, name.clone())).into_any(),
            None => view! { <Fault error=AppError::Internal /> }.into_any(),
        }),
    )
}

fn raw_page(data: RawAnswer, draw: Box<dyn Fn(Fetched) -> AnyView + Send + Sync>) -> impl IntoView {
    let body = Suspend::new(async move {
        let fault = RwSignal::new(data.await.err());
        Effect::new(move |_| {
            let now = data.get().and_then(Result::err);
            if fault.with_untracked(|before| *before != now) {
                fault.set(now);
            }
        });
        run(ViewFn::from(move || {
            if let Some(error) = fault.get() {
                return view! { <Fault error /> }.into_any();
            }
            // Reading a resource inside a `Transition` subscribes to it, whatever the reading is
            // called; and a subscription would draw the whole page again on every tick.
            untrack(|| match data.get_untracked() {
                Some(Ok(first)) => draw(first),
                _ => ().into_any(),
            })
        }))
    });
    view! { <Transition>{body}</Transition> }
}

/// The good answers of `data`, from `first` on; each names the page.
fn follow<T>(
    data: RawAnswer,
    first: T,
    name: impl Fn(&T) -> (String, Timestamp) + Send + Sync + 'static,
) -> Signal<T>
where
    T: Clone + DeserializeOwned + Send + Sync + 'static,
{
    let console = Console::get();
    console.shows(name(&first));
    let shown = RwSignal::new(first);
    on_answer(
        data,
        Box::new(move |next| {
            if let Some(next) = next.get() {
                console.shows(name(&next));
                shown.set(next);
            }
        }),
    );
    shown.into()
}

fn on_answer(data: RawAnswer, act: Box<dyn Fn(Fetched)>) {
    Effect::new(move |_| {
        if let Some(Ok(next)) = data.get() {
            act(next);
        }
    });
}
