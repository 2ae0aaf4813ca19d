//! The head of a page: what it is, how that stands now, what can be done.

use leptos::prelude::*;

use super::time::second;
use crate::display::Pace;

/// The page's one `h1`, a sentence about its state (the part that matters first, in bold), and
/// its actions.
#[component]
pub(crate) fn PageHead(
    #[prop(into)] heading: String,
    /// What matters most now.
    #[prop(into)]
    now: String,
    /// The rest of the sentence.
    #[prop(into, optional)]
    rest: String,
    /// The actions, if there are any.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div>
                <h1>{heading}</h1>
                <p class="lede">
                    <strong>{now}</strong>
                    " "
                    {rest}
                </p>
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
    .into_any()
}

/// The way back: a link to the list, and the name of what is shown.
#[component]
pub(crate) fn Crumbs(
    href: &'static str,
    label: &'static str,
    #[prop(into)] here: String,
) -> impl IntoView {
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>
                <li>
                    <a href=href>{label}</a>
                </li>
                <li aria-current="page">{here}</li>
            </ol>
        </nav>
    }
    .into_any()
}

/// How fresh what stands under it is.
#[component]
pub(crate) fn Fresh() -> impl IntoView {
    let console = crate::console::Console::get();
    let pace = match console.start.with_value(|start| start.pace) {
        Pace::Off => "Updates are off",
        pace => pace.word(),
    };
    view! {
        <span class="fresh">
            {move || {
                console
                    .as_of
                    .get()
                    .map(|at| {
                        let time = second(at);
                        if console.stale.get() {
                            format!("Not reached since {time}")
                        } else if console.held.get() {
                            format!("Held while rows are chosen, as of {time}")
                        } else {
                            format!("{pace}, as of {time}")
                        }
                    })
            }}
        </span>
    }
}
